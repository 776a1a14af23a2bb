"""What a live target said that its description does not mention, by shape of message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.history import Entry, History, Kind
from gp_helpers.parameters.description import Description

_COMPARED = re.compile(r"([A-Za-z_][\w.]*)\s*==\s*'")
_NAMES = ("type", "event", "msg_type", "method", "op", "kind", "action", "header.msg_type")
"""Where messages usually say what they are; before them stands what the file's own rules name."""
_SHOWN = 160
_MOST_PATHS = 14


@dataclass(frozen=True, slots=True)
class Unmentioned:
    """Messages of one shape that nothing in the description matched, or a rule without messages."""

    what: str
    times: int
    example: str
    predicate: str | None = None
    """A JMESPath predicate that would match them."""


def unmentioned(description: Description, history: History) -> tuple[Unmentioned, ...]:
    """Shapes of messages that nothing matched, then rules of events that matched nothing."""
    groups: dict[tuple[str, str | None], list[Entry]] = {}
    websocket = description.websocket
    rules = websocket.rules.values() if websocket is not None else ()
    own = [name for rule in rules for one in rule.predicates for name in _COMPARED.findall(one)]
    names = tuple(dict.fromkeys([*own, *_NAMES]))
    for entry in history.of(Kind.WS_RECEIVED):
        if not _is_mentioned(entry):
            groups.setdefault(_shape(entry, names), []).append(entry)
    found = [
        Unmentioned(what, len(entries), _shown(entries[0]), predicate)
        for (what, predicate), entries in groups.items()
    ]
    seen = {name for e in history.of(Kind.WS_RECEIVED) for name in e.data.get("events", ())}
    if websocket is not None and history.of(Kind.WS_SENT):
        for name, rule in websocket.rules.items():
            if name not in seen:
                found.append(
                    Unmentioned(
                        f"websocket.events.{name} matched nothing", 0, " and ".join(rule.predicates)
                    )
                )
    return tuple(found)


def _is_mentioned(entry: Entry) -> bool:
    marks = ("is_ready", "is_pong", "is_ignored", "is_refusal", "is_error")
    return bool(entry.data.get("events") or entry.data.get("part_of")) or any(
        entry.data.get(mark) for mark in marks
    )


def _shape(entry: Entry, names: tuple[str, ...]) -> tuple[str, str | None]:
    """What a message calls itself, and a predicate for it."""
    if "undecodable" in entry.data:
        return f"undecodable: {entry.data['undecodable']}", None
    message = entry.data.get("message")
    if isinstance(message, Mapping):
        for path in names:
            value: Any = message
            for part in path.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if isinstance(value, str) and len(value) < 60:
                return f"{path}: {value}", f"{path} == '{value}'"
        keys = ", ".join(sorted(map(str, message)))
        return f"an object with {keys}", None
    return f"a {type(message).__name__}", None


def _shown(entry: Entry) -> str:
    message = entry.data.get("message", entry.data.get("raw"))
    text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def paths_in(value: Any) -> str:
    """The JMESPath paths of what is in a response, for somebody who looks for one."""
    paths = list(_paths(value))
    more = f" and {len(paths) - _MOST_PATHS} more" if len(paths) > _MOST_PATHS else ""
    return ", ".join(paths[:_MOST_PATHS]) + more or "nothing"


def _paths(value: Any, before: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if before or key != "headers":
                yield from _paths(inner, f"{before}.{key}" if before else str(key))
    elif isinstance(value, list) and value:
        yield from _paths(value[0], f"{before}[0]")
    elif before:
        yield before
