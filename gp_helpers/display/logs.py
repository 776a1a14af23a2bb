"""What the services logged, in time order, beside the correlation ids that a history has seen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from gp_helpers.display.html import Html, details, tag
from gp_helpers.history import History, Kind

CORRELATION_HEADER = "x-correlation-id"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service's log."""

    when: str
    service: str
    level: str
    message: str
    correlation_id: str | None
    exception: str | None


def parse(service: str, lines: Iterable[str]) -> Iterator[LogLine]:
    """Read JSON lines; a line that is none is kept as it is."""
    for raw in lines:
        if not raw.strip():
            continue
        try:
            data: Any = json.loads(raw)
        except ValueError:
            data = None
        if not isinstance(data, Mapping):
            yield LogLine("", service, "", raw.rstrip("\n"), None, None)
            continue
        yield LogLine(
            _when(data.get("time")),
            str(data.get("service") or service),
            str(data.get("level", "")),
            str(data.get("message", "")),
            str(data["correlation_id"]) if data.get("correlation_id") else None,
            str(data["exception"]) if data.get("exception") else None,
        )


def _when(time: Any) -> str:
    if isinstance(time, int | float):
        return datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds")
    return str(time or "")


def correlation_ids(history: History) -> dict[str, int]:
    """The correlation ids that answers and errors carried, each with the entry that showed it."""
    found: dict[str, int] = {}

    def note(value: Any, seq: int) -> None:
        if isinstance(value, str) and value:
            found.setdefault(value, seq)

    for entry in history.of(Kind.RESPONSE, Kind.WS_RECEIVED, Kind.WS_REFUSED, Kind.WS_OPENED):
        for name, value in entry.data.get("headers") or ():
            if str(name).lower() == CORRELATION_HEADER:
                note(value, entry.seq)
        for holder in (entry.data.get("body"), entry.data.get("message")):
            if isinstance(holder, Mapping):
                for inner in (holder.get("error"), holder.get("data")):
                    if isinstance(inner, Mapping):
                        note(inner.get("correlation_id"), entry.seq)
    return found


def service_logs(lines: Iterable[LogLine], history: History, entries: Iterable[int] = ()) -> Html:
    """The services' logs grouped by correlation id.

    First the ids that belong to ``entries`` (those that violated claims rest on), then the others.
    """
    ids = correlation_ids(history)
    wanted = set(entries)
    groups: dict[str | None, list[LogLine]] = {}
    for one in sorted(lines, key=lambda line: line.when):
        groups.setdefault(one.correlation_id, []).append(one)
    if not groups:
        nothing = "The services logged nothing."
        return Html(tag("p", nothing), nothing)
    first: list[str] = []
    others: list[str] = []
    texts: list[str] = []
    for name in sorted(groups, key=lambda key: _rank(key, ids, wanted)):
        seq = ids.get(name) if name else None
        about = f"correlation id {name}" if name else "outside of any request"
        about += f", seen in entry #{seq}" if seq is not None else ""
        told = [_line(one) for one in groups[name]]
        is_wanted = name is not None and seq in wanted
        summary = f'<span class="bad">{escape(about)}</span>' if is_wanted else escape(about)
        markup = details(summary, tag("pre", escape("\n".join(told))), is_open=is_wanted)
        (first if is_wanted else others).append(markup)
        texts.append("\n".join([about, *(f"  {one}" for one in told)]))
    count = f"{len(others)} other correlation id{'s' if len(others) != 1 else ''}"
    body = "".join(first) + (details(count, *others, is_open=not first) if others else "")
    return Html(body, "\n".join(texts))


def _rank(key: str | None, ids: Mapping[str, int], wanted: set[int]) -> tuple[int, int]:
    seq = ids.get(key) if key else None
    if seq is None:
        return (2 if key else 3), 0
    return (0 if seq in wanted else 1), seq


def _line(one: LogLine) -> str:
    clock = one.when[11:23]
    line = f"{clock:12}  {one.service:10}  {one.level:7}  {one.message}"
    return f"{line}\n{one.exception}" if one.exception else line
