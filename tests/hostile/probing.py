"""Visits behaviours with real cases, in a process of its own whose memory can be measured.

Reads a job from standard input as JSON, and writes one line of JSON for each visit.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from gp_helpers.cases import case_class, open_trial, take_all
from gp_helpers.parameters import Parameters
from gp_helpers.targets.opening import open_target

_STATUS = Path("/proc/self/status")


def target(base: str, *, seconds: float, transport: str = "json") -> dict[str, Any]:
    """The server's description: as an honest platform would be described."""
    described = _over_json(base, seconds=seconds)
    if transport == "socketio":
        described["websocket"] |= _over_socketio(base, described["websocket"])
    return described


def _over_socketio(base: str, over_json: dict[str, Any]) -> dict[str, Any]:
    """The same messages as Socket.IO events: each is the first argument of its type's event."""
    root, _, name = base.rpartition("/")
    return {
        "url": root,
        "transport": "socketio",
        "options": {"path": f"{name}/socket.io", "auth": {"token": "{token}"}},
        "present_token": "none",
        "ready": "event == 'connection_established'",
        "identity": "data.data.user_id",
        "request": {"event": "ask", "data": over_json["request"]},
        "correlate": "data.request_id == '{request_id}'",
        "events": {name: f"event == '{name}'" for name in over_json["events"]},
        "answer": "data.data.result",
        "error": "event == 'error'",
        "event_owner": "data.user_id",
    }


def _over_json(base: str, *, seconds: float) -> dict[str, Any]:
    socket = base.replace("http://", "ws://")
    return {
        "kind": "deployment",
        "name": "hostile",
        "auth": {
            "login": {
                "method": "POST",
                "url": f"{base}/auth/login",
                "json": {"email": "{user.email}", "password": "{user.password}"},
            },
            "token": {"body": "body.access_token"},
            "user_id": "body.user.id",
            "expires_in": "body.expires_in",
            "validators": {
                "auth": {
                    "method": "POST",
                    "url": f"{base}/auth/validate",
                    "json": {"token": "{token}"},
                    "accepted": "body.valid == `true`",
                    "identity": "body.user_id",
                }
            },
        },
        "accounts": {
            "register": {
                "method": "POST",
                "url": f"{base}/auth/register",
                "json": {"email": "{user.email}", "canary": "{user.canary}"},
            }
        },
        "conversation": {"create": {"method": "POST", "url": f"{base}/threads"}, "id": "body.id"},
        "websocket": {
            "url": f"{socket}/ws",
            "ready": "type == 'connection_established'",
            "identity": "data.user_id",
            "request": {"type": "agent_request", "id": "{request_id}", "message": "{text}"},
            "correlate": "request_id == '{request_id}'",
            "events": {
                name: f"type == '{name}'"
                for name in (
                    "agent_started",
                    "agent_thinking",
                    "tool_executing",
                    "tool_completed",
                    "agent_completed",
                )
            },
            "answer": "data.result",
            "error": "type == 'error'",
            "event_id": "event_id",
            "event_owner": "user_id",
        },
        "health": {"platform": {"url": f"{base}/health"}},
        "silence_after_s": 0.1,
        "limits": {"hosts": [base.split("/")[2]], "requests": 200, "seconds": seconds},
    }


async def visit(
    name: str,
    case: str,
    base: str,
    *,
    seconds: float,
    transport: str,
    framed: bool,
) -> dict[str, Any]:
    """One case against one behaviour, as a run would do it; its verdict, or what broke.

    ``framed`` puts the frame proxy between them.
    """
    described = target(f"{base}/{name}", seconds=seconds, transport=transport)
    described["limits"]["faults"] = ["frame_hold"] if framed else []
    parameters = Parameters.model_validate(
        {"target": described, "expectation": "none", "concurrent_users": 2}
    )
    began = time.perf_counter()
    found: dict[str, Any] = {
        "name": name,
        "case": case,
        "transport": transport,
        "framed": framed,
    }
    try:
        with tempfile.TemporaryDirectory() as folder:
            arrangement = replace(case_class(case).arranged(parameters), framed=framed)
            async with (
                open_target(
                    parameters.target,
                    defects=frozenset(),
                    arrangement=arrangement,
                    folder=Path(folder),
                ) as running,
                open_trial(
                    case,
                    running,
                    parameters=parameters,
                    path=Path(folder) / "histories" / f"{case}.trial.1.jsonl",
                ) as opened,
            ):
                verdict = await take_all(opened)
        found |= {"outcome": verdict.outcome.value, "reason": verdict.reason[:500]}
    except Exception:
        found |= {"outcome": "traceback", "reason": traceback.format_exc()}
    return found | {"seconds": time.perf_counter() - began}


def peak_megabytes() -> float:
    """The most memory that this process ever held.

    On Linux not by `getrusage`: there a new process begins with the peak of its parent.
    """
    if _STATUS.exists():
        [line] = [one for one in _STATUS.read_text().splitlines() if one.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_048_576


async def run(job: dict[str, Any]) -> None:
    """The first visits one after the other, then the others, so many at once."""
    turns = asyncio.Semaphore(job["at_once"])
    strays: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: strays.append(f"{context['message']}: {context.get('exception')!r}")
    )

    async def in_turn(one: dict[str, Any], before: float) -> None:
        async with turns:
            found = await visit(**one, base=job["base"])
            grown = peak_megabytes() - before
            print(json.dumps({**found, "megabytes": grown, "strays": strays}), flush=True)
            strays.clear()

    for one in job["first"]:
        await in_turn(one, peak_megabytes())
    # Peaks hide in earlier ones: what counts is the growth since the honest visits.
    before = peak_megabytes()
    await asyncio.gather(*(in_turn(one, before) for one in job["visits"]))


if __name__ == "__main__":
    asyncio.run(run(json.load(sys.stdin)))
