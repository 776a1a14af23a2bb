"""What an entry of a history says, in one line: for tooltips, cards, tables and plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gp_helpers.history import Entry, History, Kind
from gp_helpers.parameters import EVENTS

EVENT_NUMBERS: Mapping[str, int] = {name: number for number, name in enumerate(EVENTS, 1)}
"""The plan's five events are drawn as the numbers 1 to 5."""


def path_of(url: Any) -> str:
    """The path and query of a URL."""
    return re.sub(r"^[a-z]+://[^/]*", "", str(url)) or "/"


def exchange_name(request: Entry) -> str:
    """A short name of an HTTP exchange: what it was for."""
    purpose = str(request.data.get("purpose") or "")
    if purpose.startswith("present to "):
        return purpose.removeprefix("present to ")
    return purpose or f"{request.data.get('method')} {path_of(request.data.get('url'))}"


def message_name(data: Mapping[str, Any]) -> str:
    """A short name of a WebSocket message."""
    if data.get("undecodable"):
        return "undecodable"
    events = data.get("events")
    if events:
        return str(events[0])
    message = data.get("message")
    if isinstance(message, Mapping) and message.get("type"):
        return str(message["type"])
    return "message"


def _handshake(data: Mapping[str, Any]) -> str:
    status = data.get("status")
    return f"handshake refused with {status}" if status else "handshake without an HTTP answer"


def _decision(data: Mapping[str, Any]) -> str:
    decided = {True: "accepts", False: "refuses", None: "gives no answer about"}
    accepted = data.get("accepted")
    said = f"{data.get('decider')} {decided.get(accepted, 'decides about')} {data.get('about')}"
    if data.get("identity_label"):
        said += f", as {data['identity_label']}"
    if data.get("agent"):
        said += f": {data['agent']}"
    return said


def say(entry: Entry) -> str:
    """One line about an entry, without its number and time."""
    data = entry.data
    match entry.kind:
        case Kind.REQUEST:
            told = f"{data.get('method')} {path_of(data.get('url'))} ({data.get('purpose')})"
        case Kind.RESPONSE:
            told = f"answered {data.get('status')} after {data.get('ms')} ms"
        case Kind.NO_RESPONSE:
            known = "certainly not acted on" if data.get("definite") else "may have been acted on"
            told = f"no answer: {data.get('error')} ({known})"
        case Kind.WS_OPENING:
            told = f"opens {path_of(data.get('url'))}"
        case Kind.WS_OPENED:
            told = "handshake accepted"
        case Kind.WS_REFUSED:
            told = _handshake(data)
        case Kind.WS_SENT:
            told = f"sends {message_name(data)}"
        case Kind.WS_RECEIVED:
            told = f"receives {message_name(data)}"
        case Kind.WS_CLOSED:
            told = f"closed with {data.get('code')} by {data.get('by')}"
        case Kind.TIMEOUT:
            told = f"waited {data.get('seconds')} s for {data.get('awaited')} in vain"
        case Kind.DECISION:
            told = _decision(data)
        case Kind.COMPONENT:
            health = {True: "healthy", False: "unhealthy", None: "could not be checked"}
            told = f"{data.get('component')} {data.get('check')}: {health[data.get('healthy')]}"
        case Kind.CONTROL:
            told = str(data.get("what"))
        case Kind.READING:
            told = f"diagnostics of {entry.subject}"
            if "in_flight" in data:
                told += f": {data['in_flight']} in flight"
        case Kind.SILENCE:
            told = "silence proven" if data.get("proven") else f"waited {data.get('seconds')} s"
        case Kind.EXPECTED:
            told = f"what is right about {data.get('about')}"
        case Kind.MEASURED:
            told = f"{data.get('quantity')} {data.get('value')} {data.get('unit') or ''}".rstrip()
        case Kind.UNAVAILABLE:
            told = f"not possible here: {data.get('reason')}"
        case Kind.TOKEN:
            flaw = f", flaw {data['flaw']}" if data.get("flaw") else ""
            told = f"token of {data.get('subject')} ({data.get('purpose')}{flaw})"
        case Kind.USER:
            told = f"user {entry.actor}, canary {data.get('canary')}"
        case Kind.STEP_STARTED | Kind.STEP_ENDED | Kind.TRIAL_STARTED | Kind.TRIAL_ENDED:
            told = f"{entry.kind.value.replace('_', ' ')} {data.get('outcome') or ''}".rstrip()
    return told


def line(entry: Entry) -> str:
    """An entry as a line: number, time, who, what."""
    who = entry.subject if entry.subject.startswith(entry.actor) else entry.actor
    return f"#{entry.seq} at {entry.t * 1000:.1f} ms  {who}: {say(entry)}"


def grounds(history: History, numbers: Iterable[int]) -> list[Entry]:
    """These entries and, for a decision among them, the exchange that it was read from."""
    found: set[int] = set()
    for number in numbers:
        if number < len(history):
            found.add(number)
            found.update(history.entries[number].data.get("rests_on") or ())
    return [history.entries[number] for number in sorted(found) if number < len(history)]
