"""From a history to marks: what a timeline draws, in which lane, before anybody knows a pixel.

An exchange is one bar from its request to its answer; a connection is a line with marks on it; what
was done to the platform, and what diagnostics said, stand in lanes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gp_helpers.display.wording import EVENT_NUMBERS, exchange_name, line, message_name
from gp_helpers.history import Entry, History, Kind


class Form(StrEnum):
    """How a mark is drawn; the value explains it in the legend."""

    ACCEPTED = "HTTP, accepted"
    REFUSED = "refused or failed"
    UNANSWERED = "no answer: it may have happened"
    SENT = "asked"
    EVENT = "the five events of an answer"
    MESSAGE = "another message"
    READY = "the platform says: ready"
    OPENED = "handshake accepted"
    TURNED_AWAY = "handshake refused"
    ERROR = "error message"
    CLOSED = "closed"
    CUT = "ended without a close frame"
    TIMEOUT = "waited in vain"
    DONE = "done to the platform"
    SEEN = "seen in the platform"
    HEALTHY = "component healthy by itself"
    UNHEALTHY = "component unhealthy by itself"


SYMBOLS: Mapping[Form, str] = {
    Form.SENT: "↑",
    Form.MESSAGE: "·",
    Form.READY: "●",
    Form.OPENED: "○",
    Form.TURNED_AWAY: "⊘",
    Form.ERROR: "!",
    Form.CLOSED: "×",
    Form.CUT: "‡",
    Form.TIMEOUT: "…",
    Form.DONE: "◆",
    Form.SEEN: "◇",
    Form.HEALTHY: "+",
    Form.UNHEALTHY: "−",
}
"""The character of every mark that is no bar; an event shows its number."""

BARS = frozenset({Form.ACCEPTED, Form.REFUSED, Form.UNANSWERED})


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that is drawn."""

    form: Form
    start: float
    end: float
    label: str
    """The text beside a bar, or the character of a mark."""
    entries: tuple[int, ...]
    told: str
    """The tooltip."""


@dataclass
class Connection:
    """A connection's life."""

    label: str
    start: float
    end: float | None
    marks: list[Mark] = field(default_factory=list)


@dataclass
class Lane:
    """A row of the timeline: exchanges, or connections that follow one another."""

    name: str
    marks: list[Mark] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    @property
    def entries(self) -> set[int]:
        """Every entry that is drawn in this lane."""
        own = [entry for mark in self.marks for entry in mark.entries]
        return {*own, *(e for c in self.connections for mark in c.marks for e in mark.entries)}


LAB = "health and readings"
PLATFORM = "done to it"


def lanes_of(history: History) -> list[Lane]:
    """Every lane of a history, people in the order of their appearance, the platform last."""
    accepted = {
        seq: entry.data.get("accepted")
        for entry in history.of(Kind.DECISION)
        for seq in entry.data.get("rests_on") or ()
    }
    exchanges: dict[str, Lane] = {}
    connections: dict[str, dict[str, Connection]] = {}
    lab, platform = Lane(LAB), Lane(PLATFORM)
    requests: dict[int, Entry] = {}
    for entry in history:
        match entry.kind:
            case Kind.REQUEST:
                requests[entry.seq] = entry
            case Kind.RESPONSE | Kind.NO_RESPONSE:
                request = requests.pop(int(entry.data.get("request", -1)), None)
                if request is not None and entry.actor != "lab":
                    lane = exchanges.setdefault(entry.actor, Lane(f"{entry.actor} · HTTP"))
                    lane.marks.append(_exchange(request, entry, accepted.get(entry.seq)))
            case Kind.COMPONENT if entry.data.get("healthy") is not None:
                form = Form.HEALTHY if entry.data["healthy"] else Form.UNHEALTHY
                lab.marks.append(_mark(entry, form))
            case Kind.READING | Kind.SILENCE:
                lab.marks.append(_mark(entry, Form.SEEN))
            case Kind.CONTROL:
                platform.marks.append(_mark(entry, Form.DONE))
            case Kind.TIMEOUT if entry.actor == "lab":
                lab.marks.append(_mark(entry, Form.TIMEOUT))
            case _:
                _follow(connections.setdefault(entry.actor, {}), entry)
    for request in requests.values():
        lane = exchanges.setdefault(request.actor, Lane(f"{request.actor} · HTTP"))
        lane.marks.append(_exchange(request, None, None))
    lanes: list[Lane] = []
    for actor in dict.fromkeys(entry.actor for entry in history):
        if actor in exchanges and exchanges[actor].marks:
            lanes.append(exchanges[actor])
        lanes += _sockets(actor, list(connections.get(actor, {}).values()))
    return [*lanes, *(lane for lane in (platform, lab) if lane.marks)]


def _mark(entry: Entry, form: Form, label: str | None = None) -> Mark:
    return Mark(form, entry.t, entry.t, label or SYMBOLS[form], (entry.seq,), line(entry))


def _exchange(request: Entry, answer: Entry | None, accepted: bool | None) -> Mark:
    name = exchange_name(request)
    if answer is None or answer.kind is Kind.NO_RESPONSE:
        end = answer.t if answer else request.t
        entries = (request.seq, answer.seq) if answer else (request.seq,)
        told = line(answer) if answer else "no answer in this history"
        return Mark(
            Form.UNANSWERED, request.t, end, f"{name} –", entries, f"{line(request)}\n{told}"
        )
    status = int(answer.data.get("status") or 0)
    fine = accepted if accepted is not None else 200 <= status < 400
    return Mark(
        Form.ACCEPTED if fine else Form.REFUSED,
        request.t,
        answer.t,
        f"{name} {status}",
        (request.seq, answer.seq),
        f"{line(request)}\n{line(answer)}",
    )


def _form_of(entry: Entry) -> tuple[Form, str | None]:
    match entry.kind:
        case Kind.WS_OPENED:
            return Form.OPENED, None
        case Kind.WS_REFUSED:
            return Form.TURNED_AWAY, None
        case Kind.WS_SENT:
            return (Form.SENT, None) if entry.data.get("request_id") else (Form.MESSAGE, None)
        case Kind.WS_CLOSED:
            honest = entry.data.get("by") != "nobody" and entry.data.get("code") != 1011
            return (Form.CLOSED if honest else Form.CUT), None
        case Kind.TIMEOUT:
            return Form.TIMEOUT, None
        case _:
            name = message_name(entry.data)
            if name in EVENT_NUMBERS:
                return Form.EVENT, str(EVENT_NUMBERS[name])
            if name == "connection_established":
                return Form.READY, None
            wrong = name in ("error", "undecodable")
            return (Form.ERROR if wrong else Form.MESSAGE), None


_OF_A_CONNECTION = frozenset(
    {
        Kind.WS_OPENING,
        Kind.WS_OPENED,
        Kind.WS_REFUSED,
        Kind.WS_SENT,
        Kind.WS_RECEIVED,
        Kind.WS_CLOSED,
        Kind.TIMEOUT,
    }
)


def _follow(connections: dict[str, Connection], entry: Entry) -> None:
    if entry.kind not in _OF_A_CONNECTION or not entry.subject:
        return
    connection = connections.setdefault(entry.subject, Connection(entry.subject, entry.t, None))
    if entry.kind in (Kind.WS_CLOSED, Kind.WS_REFUSED):
        connection.end = entry.t
    if entry.kind is not Kind.WS_OPENING:
        connection.marks.append(_mark(entry, *_form_of(entry)))


def _sockets(actor: str, connections: list[Connection]) -> list[Lane]:
    """Connections that follow one another share a lane; those that overlap do not."""
    lanes: list[Lane] = []
    for connection in sorted(connections, key=lambda one: one.start):
        free = _first(lanes, lambda lane, began=connection.start: _is_over(lane, began))
        if free is None:
            free = Lane("")
            lanes.append(free)
        free.connections.append(connection)
    for lane in lanes:
        names = [one.label.removeprefix(f"{actor}-ws-") for one in lane.connections]
        shown = names[0] if len(names) == 1 else f"{names[0]}–{names[-1]}"
        lane.name = f"{actor} · socket {shown}"
    return lanes


def _is_over(lane: Lane, moment: float) -> bool:
    last = lane.connections[-1].end
    return last is not None and last <= moment


def _first(lanes: list[Lane], condition: Callable[..., bool]) -> Lane | None:
    return next((lane for lane in lanes if condition(lane)), None)
