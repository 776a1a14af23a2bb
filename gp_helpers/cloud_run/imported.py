"""A service that is somebody's own ASGI application, named by import string.

The configuration is ``{"app": "package.module:name", "factory": bool, "path": [folders]}``; a
factory is called without arguments.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from gp_helpers.cloud_run.server import resolve

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def build_imported(config: Mapping[str, Any]) -> Application:
    """Import the application; raises `EntryError` if it cannot be."""
    sys.path[:0] = [folder for folder in config.get("path", ()) if folder not in sys.path]
    found = resolve(config["app"])
    return with_optional_lifespan(found() if config.get("factory") else found)


def with_optional_lifespan(application: Application) -> Application:
    """The application, which need not know ASGI's lifespan."""

    async def served(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        has_answered = False

        async def noticing(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await application(scope, receive, noticing)
        except Exception:
            if has_answered:
                raise
            await send({"type": "lifespan.startup.complete"})
            while (await receive())["type"] != "lifespan.shutdown":
                pass
            await send({"type": "lifespan.shutdown.complete"})

    return served
