"""Asks routers and factories of somebody's own in a process of their own: JSON in, JSON out.

``python -m gp_helpers.targets.user_code`` reads ``{"path", "factories"}`` or ``{"path", "routers",
"messages"}`` and prints what was asked for, or ``{"error"}``.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

_WITHIN_S = 30.0


class UserCodeError(Exception):
    """Raised when routers or factories cannot be asked; the message says why."""


async def ask_user_code(question: Mapping[str, Any]) -> Any:
    """Ask in a process that ends with the answer. Raises `UserCodeError`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __spec__.name if __spec__ is not None else __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_WITHIN_S):
            out, told = await process.communicate(json.dumps(question).encode())
    except TimeoutError:
        raise UserCodeError(f"no answer within {_WITHIN_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        answer = json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        last = told.decode(errors="replace").strip().splitlines()[-1:]
        raise UserCodeError(f"it ended with {process.returncode}: {''.join(last)}") from None
    if "error" in answer:
        raise UserCodeError(answer["error"])
    return answer["answer"]


async def _conformance(factories: Mapping[str, str]) -> dict[str, Any]:
    from gp_helpers.platform.factories import check_alone, check_factories, load_factories

    loaded = load_factories(factories)
    rows = [*await check_alone(loaded), *await check_factories(loaded)]
    return {"conformance": [row.to_json() for row in rows], "sessions": []}


async def _decisions(
    routers: Mapping[str, str], messages: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    found = {}
    for name, stated in routers.items():
        module, _, attribute = stated.partition(":")
        found[name] = getattr(import_module(module), attribute)
    return [
        {name: await _decision(router, message) for name, router in found.items()}
        for message in messages
    ]


async def _decision(router: Any, message: Mapping[str, Any]) -> dict[str, Any]:
    try:
        decided = router(dict(message))
        if inspect.isawaitable(decided):
            decided = await decided
    except Exception as error:
        return {"agent": None, "error": f"{type(error).__name__}: {error}"}
    return dict(decided) if isinstance(decided, Mapping) else {"agent": decided}


async def _answer(question: Mapping[str, Any]) -> Any:
    if "factories" in question:
        return await _conformance(question["factories"])
    return await _decisions(question["routers"], question["messages"])


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    sys.path[:0] = question.get("path", ())
    try:
        said = {"answer": asyncio.run(_answer(question))}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
