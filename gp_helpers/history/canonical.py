"""The canonical form of a history, and where two of them first part.

Times, random ids and free text differ between any two trials; what is left, per actor and in order,
is what an actor did and what came back. Two trials of the same wiring agree in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.history.entries import Entry, Kind
from gp_helpers.history.recording import History

_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?<![A-Za-z])(?=[0-9a-f]*\d)[0-9a-f]{8,}(?![A-Za-z])|\d+"
)
_WHAT_HAPPENED = frozenset(
    {
        Kind.COMPONENT,
        Kind.REQUEST,
        Kind.RESPONSE,
        Kind.NO_RESPONSE,
        Kind.WS_OPENING,
        Kind.WS_OPENED,
        Kind.WS_REFUSED,
        Kind.WS_SENT,
        Kind.WS_RECEIVED,
        Kind.WS_CLOSED,
        Kind.TIMEOUT,
        Kind.DECISION,
        Kind.CONTROL,
    }
)
_UNTIMED_MESSAGES = frozenset({"heartbeat"})


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where two histories part."""

    actor: str
    ours: Entry | None
    """The entry in the history that was looked at; None if it ends before."""
    theirs: Entry | None
    """The entry in the contrast; None if it ends before."""
    our_form: str | None
    their_form: str | None


def _shape(value: Any) -> Any:
    """A message without its free text: types, names, codes and the keys that are there."""
    if not isinstance(value, Mapping):
        return type(value).__name__
    kept: dict[str, Any] = {}
    for key in sorted(value):
        inner = value[key]
        if key in ("type", "code", "agent", "status", "valid", "retryable") or key == "event":
            kept[key] = inner
        elif isinstance(inner, Mapping):
            kept[key] = _shape(inner)
        else:
            kept[key] = "·"
    return kept


def form(entry: Entry) -> str:
    """The canonical form of an entry: what happened, without times, ids and free text."""
    data = entry.data
    code = ""
    match entry.kind:
        case Kind.REQUEST:
            path = re.sub(r"^[a-z]+://[^/]*", "", str(data.get("url", "")))
            told = f"{data.get('method')} {path} for {data.get('purpose')}"
        case Kind.RESPONSE:
            code, told = f"{data.get('status')} ", f"{_shape(data.get('body'))}"
        case Kind.NO_RESPONSE:
            told = str(data.get("definite"))
        case Kind.WS_REFUSED:
            code, told = f"{data.get('status')}", ""
        case Kind.WS_SENT | Kind.WS_RECEIVED:
            told = f"{_shape(data.get('message'))}"
        case Kind.WS_CLOSED:
            code, told = f"{data.get('code')} ", f"by {data.get('by')}"
        case Kind.COMPONENT:
            told = f"{data.get('component')} {data.get('check')} {data.get('healthy')}"
        case Kind.TIMEOUT:
            told = str(data.get("awaited"))
        case Kind.DECISION:
            told = (
                f"{data.get('decider')} {data.get('about')} {data.get('accepted')} "
                f"{data.get('identity_label')} {data.get('agent')}"
            )
        case Kind.CONTROL:
            told = str(data.get("what"))
        case Kind.READING:
            told = f"holds what it held before: {data.get('returned')}"
        case _:
            told = ""
    # What arrives by itself may arrive during another step than the one that caused it.
    step = "" if entry.kind in (Kind.WS_RECEIVED, Kind.WS_CLOSED) else f"{entry.step} "
    return f"{step}{entry.kind.value} {code}{_ID.sub('#', told)}"


def _lane(
    entry: Entry,
    purposes: Mapping[int, str],
    questions: Mapping[str, str],
    people: Mapping[str, str],
    beside: Mapping[str, int],
) -> str:
    owner = people.get(str(entry.data.get("owner")), entry.actor)
    match entry.kind:
        case Kind.REQUEST | Kind.RESPONSE | Kind.NO_RESPONSE:
            own = purposes.get(int(entry.data.get("request", entry.seq)), "")
        case Kind.DECISION:
            own = f"asks {entry.data.get('decider')}"
        case Kind.WS_RECEIVED if entry.data.get("is_pong"):
            own = f"{entry.subject} pongs"
        case Kind.WS_SENT if entry.data.get("is_ping"):
            # When somebody asks whether more comes, and what comes by itself, are a race.
            own = f"{entry.subject} pings"
        case Kind.WS_RECEIVED if owner != entry.actor:
            own = f"{entry.subject} events of {owner}"
        case Kind.WS_RECEIVED if entry.data.get("events") and entry.data.get("request_id"):
            # Whether an event comes before a reconnect or after it is a race; that it comes is not.
            # What two devices get, each gets in order.
            device = f" on device {1 + beside[entry.subject]}" if beside.get(entry.subject) else ""
            own = f"answers to {questions.get(str(entry.data['request_id']), 'nobody')}{device}"
        case Kind.WS_SENT | Kind.WS_RECEIVED:
            question = questions.get(str(entry.data.get("request_id")), "")
            own = f"{entry.subject} {question}"
        case _:
            own = entry.subject
    return f"{entry.actor} {own}".strip()


def _questions(history: History) -> dict[str, str]:
    """Each question's place among those that its user sent, by its id."""
    asked: dict[str, str] = {}
    of_user: Counter[str] = Counter()
    for entry in history.of(Kind.WS_SENT):
        request_id = entry.data.get("request_id")
        if request_id is not None and request_id not in asked:
            of_user[entry.actor] += 1
            asked[str(request_id)] = f"question {of_user[entry.actor]}"
    return asked


def _beside(history: History) -> dict[str, int]:
    """To each socket how many others of its user's still got messages when it was opened, by id.

    When a close is noticed does not count: it may be before the next opening or after it.
    """
    last_message = {entry.subject: entry.seq for entry in history.of(Kind.WS_RECEIVED)}
    opened: dict[str, list[str]] = {}
    found: dict[str, int] = {}
    for entry in history.of(Kind.WS_OPENED):
        earlier = opened.setdefault(entry.actor, [])
        found[entry.subject] = sum(last_message.get(one, -1) > entry.seq for one in earlier)
        earlier.append(entry.subject)
    return found


def by_actor(history: History) -> dict[str, list[tuple[Entry, str]]]:
    """What each actor did and saw, in order, in canonical form.

    Each connection of a user is an actor of its own, and so are the answers to each question on
    each of the devices that are connected at a time, everything on a connection that was meant for
    another user, each purpose for which a user sends requests and each decider that is asked, since
    one user's sockets, questions and requests race each other.
    """
    forms: dict[str, list[tuple[Entry, str]]] = {}
    purposes = {entry.seq: str(entry.data.get("purpose")) for entry in history.of(Kind.REQUEST)}
    questions = _questions(history)
    people = {str(entry.data.get("user_id")): entry.actor for entry in history.of(Kind.USER)}
    beside = _beside(history)
    for entry in history:
        if entry.kind not in _WHAT_HAPPENED and "returned" not in entry.data:
            continue
        message = entry.data.get("message")
        if isinstance(message, Mapping) and message.get("type") in _UNTIMED_MESSAGES:
            continue
        actor = _lane(entry, purposes, questions, people, beside)
        forms.setdefault(actor, []).append((entry, form(entry)))
    # How often somebody had to ask until the answer was yes says how fast a machine is.
    return {actor: told[-2:] if actor.endswith("?") else told for actor, told in forms.items()}


def first_divergence(ours: History, theirs: History) -> Divergence | None:
    """The earliest place where an actor's story departs from the contrast's.

    Early is told by the step and the time since its beginning, since whole trials differ in pace;
    what people saw comes before what the lab did. Where something is missing and the same person
    saw something else in that step instead, that is the place.
    """
    left, right = by_actor(ours), by_actor(theirs)
    our_steps, their_steps = _steps(ours), _steps(theirs)
    found: list[_Parting] = []
    for actor in {**left, **right}:
        a, b = left.get(actor, []), right.get(actor, [])
        for index in range(max(len(a), len(b))):
            mine = a[index] if index < len(a) else None
            other = b[index] if index < len(b) else None
            if mine and other and mine[1] == other[1]:
                continue
            entry, their_entry = mine and mine[0], other and other[0]
            if entry is not None:
                when = _moment(entry, our_steps)
            else:
                assert their_entry is not None
                when = _moment(their_entry, their_steps)
            divergence = Divergence(actor, entry, their_entry, mine and mine[1], other and other[1])
            found.append(((actor.startswith("lab"), *when), divergence))
            break
    return _first(found) if found else None


_Parting = tuple[tuple[bool, int, float], Divergence]
"""A divergence, and what it is ordered by: whether it is the lab's, its step, its time."""


def _first(found: list[_Parting]) -> Divergence:
    ((_, step, _), first) = min(found, key=lambda parting: parting[0])
    if first.ours is not None:
        return first
    person = first.actor.partition(" ")[0]
    instead = [
        parting
        for parting in found
        if parting[0][1] == step
        and parting[1].actor.partition(" ")[0] == person
        and parting[1].ours is not None
        and parting[1].ours.kind is not Kind.TIMEOUT
    ]
    return min(instead, key=lambda parting: parting[0])[1] if instead else first


def _steps(history: History) -> dict[str, tuple[int, float]]:
    """Each step's position, and when it began."""
    began = history.of(Kind.STEP_STARTED)
    return {entry.subject: (number, entry.t) for number, entry in enumerate(began)}


def _moment(entry: Entry, steps: Mapping[str, tuple[int, float]]) -> tuple[int, float]:
    number, began = steps.get(entry.step, (len(steps), 0.0))
    return number, entry.t - began
