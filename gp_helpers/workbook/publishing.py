"""What a notebook prints, shows and raises loses the secrets that its labs know.

A cell of somebody's own may print what a step was given, and an exception may say it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from gp_helpers.history import Redactor

published = Redactor()
"""Knows the secrets of all labs of this process."""
_THAT_SAY_SOMETHING = frozenset(
    {"display_data", "error", "execute_reply", "execute_result", "stream", "update_display_data"}
)


def hide_secrets_in_outputs() -> None:
    """Redact what this process publishes from now on, if it is a notebook's kernel."""
    if "ipykernel" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None or not hasattr(shell, "kernel") or hasattr(shell, "hides_secrets"):
        return
    shell.hides_secrets = True
    session = shell.kernel.session
    session.send = _sending(session.send)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "redact"):  # one of our own kernels, which also records what is printed
            stream.redact = published.without_literals


def _sending(send: Callable[..., Any]) -> Callable[..., Any]:
    def redacted(socket: Any, message: Any, content: Any = None, *more: Any, **named: Any) -> Any:
        if isinstance(message, dict):
            if message["msg_type"] in _THAT_SAY_SOMETHING:
                message = {**message, "content": _without_secrets(message["content"])}
        elif message in _THAT_SAY_SOMETHING:
            content = _without_secrets(content)
        return send(socket, message, content, *more, **named)

    return redacted


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return published.without_literals(value)
    if isinstance(value, dict):
        return {_without_secrets(key): _without_secrets(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(inner) for inner in value]
    return value
