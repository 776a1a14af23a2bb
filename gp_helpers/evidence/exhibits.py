"""What a report shows of a history: the entries on which a verdict rests, as people read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gp_helpers.checkers import Claim, ClaimState
from gp_helpers.evidence.trial_results import TrialResult
from gp_helpers.history import Entry, History, Kind

_MOST_ENTRIES = 6
_MOST_CHARACTERS = 1200
_EVERY_CASE = frozenset({"components_healthy", "within_time"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry, as a report shows it."""

    seq: int
    t: float
    actor: str
    what: str
    text: str

    @property
    def line(self) -> int:
        """The line of the history that it stands in."""
        return self.seq + 1


@dataclass(frozen=True)
class Exhibit:
    """What a report shows of one trial."""

    trial: TrialResult
    claim: Claim | None
    """The claim that the exchange is about."""
    exchange: tuple[Shown, ...]
    disagreement: tuple[Shown, ...]
    ours: Shown | None
    theirs: Shown | None


def exhibit(trial: TrialResult, history: History, contrast: History | None) -> Exhibit:
    """What to show of a trial: what proves its verdict, and where it went wrong first."""
    claim = _telling_claim(trial.verdict.claims)
    places = trial.divergence or {}
    disagreement = trial.verdict.first_disagreement
    return Exhibit(
        trial,
        claim,
        tuple(shown(entry) for entry in _exchange(history, claim.entries if claim else ())),
        tuple(
            shown(entry)
            for entry in _at(
                history, (disagreement.left, disagreement.right) if disagreement else ()
            )
        ),
        next((shown(entry) for entry in _at(history, [places.get("ours")])), None),
        next(
            (shown(entry) for entry in _at(contrast or History(()), [places.get("theirs")])), None
        ),
    )


def _telling_claim(claims: Iterable[Claim]) -> Claim | None:
    """The first violated claim, or else the first of the case's own that was seen to hold."""
    by_state: dict[ClaimState, list[Claim]] = {}
    for claim in claims:
        by_state.setdefault(claim.state, []).append(claim)
    violated = by_state.get(ClaimState.VIOLATED, [])
    held = [one for one in by_state.get(ClaimState.HELD, []) if one.name not in _EVERY_CASE]
    return next(iter([*violated, *held]), None)


def _at(history: History, places: Iterable[int | None]) -> Iterator[Entry]:
    for place in places:
        if place is not None and 0 <= place < len(history):
            yield history.entries[place]


def _exchange(history: History, places: Iterable[int]) -> list[Entry]:
    """The entries at these places with the requests, answers and messages that belong to them."""
    found: dict[int, Entry] = {}
    for entry in _at(history, places):
        group = {one.seq: one for one in _with_its_own(history, entry)}
        if found and len(found) + len(group) > _MOST_ENTRIES:
            break
        found |= group
    return [found[seq] for seq in sorted(found)][:_MOST_ENTRIES]


def _with_its_own(history: History, entry: Entry) -> Iterator[Entry]:
    match entry.kind:
        case Kind.RESPONSE | Kind.NO_RESPONSE:
            yield from _at(history, [_place(entry.data.get("request"))])
        case Kind.REQUEST:
            yield from (
                one
                for one in history.about(entry.subject)
                if one.kind in (Kind.RESPONSE, Kind.NO_RESPONSE)
            )
        case Kind.DECISION:
            rests_on = entry.data.get("rests_on")
            for one in _at(history, map(_place, rests_on if isinstance(rests_on, list) else ())):
                yield from _with_its_own(history, one) if one.kind is not Kind.DECISION else (one,)
        case Kind.WS_REFUSED | Kind.WS_OPENED:
            yield from (one for one in history.about(entry.subject) if one.kind is Kind.WS_OPENING)
    yield entry


def _place(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def shown(entry: Entry) -> Shown:
    """An entry as people read it."""
    what, text = _told(entry)
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]}\n… {len(text) - _MOST_CHARACTERS} more characters"
    return Shown(entry.seq, entry.t, entry.actor, what, text)


def _told(entry: Entry) -> tuple[str, str]:
    data = entry.data
    match entry.kind:
        case Kind.REQUEST:
            return f"sends {data.get('method')} {data.get('url')}", _http(data)
        case Kind.RESPONSE:
            return f"gets {_status(data.get('status'))} after {data.get('ms')} ms", _http(data)
        case Kind.NO_RESPONSE:
            definite = "it was not sent" if data.get("definite") else "the platform may have acted"
            return f"gets no answer ({definite})", str(data.get("error"))
        case Kind.WS_OPENING:
            return f"opens a WebSocket, {data.get('url')}", _http(data)
        case Kind.WS_OPENED:
            return "has an open WebSocket", _rest(data)
        case Kind.WS_REFUSED:
            told = f"is refused the handshake: {_status(data.get('status'))}"
            return told, _http(data)
        case Kind.WS_SENT:
            return f"sends on {entry.subject}", _pretty(data.get("message"))
        case Kind.WS_RECEIVED:
            if "undecodable" in data:
                return f"gets what is no message: {data['undecodable']}", str(data.get("raw"))
            return f"receives on {entry.subject}", _pretty(data.get("message"))
        case Kind.WS_CLOSED:
            told = f"has {entry.subject} closed by {data.get('by')}: {data.get('code')}"
            return told, str(data.get("reason") or "")
        case Kind.TIMEOUT:
            return f"waits {data.get('seconds')} s for {data.get('awaited')}, in vain", ""
        case Kind.DECISION:
            decided = {True: "accepts", False: "refuses", None: "says nothing about"}
            verb = decided.get(data.get("accepted"), "decides about")
            return f"sees that {data.get('decider')} {verb} “{data.get('about')}”", _rest(
                data, "decider", "about", "accepted", "rests_on"
            )
        case Kind.COMPONENT:
            state = "healthy" if data.get("healthy") else "not healthy"
            return f"checks {data.get('component')} alone: {state}", _rest(
                data, "component", "healthy"
            )
        case Kind.MEASURED:
            told = f"measures {data.get('quantity')}: {data.get('value')} {data.get('unit')}"
            return told, _rest(data, "quantity", "value", "unit")
        case Kind.EXPECTED:
            return f"knows what is right about {data.get('about')}", _rest(data, "about")
        case Kind.CONTROL:
            return f"does to the platform: {data.get('what')}", _rest(data, "what")
        case Kind.READING:
            return f"reads the diagnostics of {entry.subject}", _rest(data)
        case _:
            return entry.kind.value.replace("_", " "), _rest(data)


def _status(status: Any) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except (ValueError, TypeError):
        return "no HTTP answer" if status is None else str(status)


_DULL_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "date", "host", "server",
     "user-agent"}
)  # fmt: skip


def _http(data: Mapping[str, Any]) -> str:
    headers = data.get("headers")
    lines = [
        f"{pair[0]}: {pair[1]}"
        for pair in (headers if isinstance(headers, list) else ())
        if isinstance(pair, list) and len(pair) == 2 and str(pair[0]).lower() not in _DULL_HEADERS
    ]
    body = data.get("body")
    return "\n".join(lines + ([_pretty(body)] if body is not None else []))


def _rest(data: Mapping[str, Any], *without: str) -> str:
    rest = {key: value for key, value in data.items() if key not in without and value is not None}
    return "\n".join(f"{key}: {_pretty(value)}" for key, value in rest.items())


def _pretty(value: Any) -> str:
    if isinstance(value, str):
        if value[:1] not in ("{", "["):
            return value
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value)
    compact = json.dumps(value, ensure_ascii=False)
    return compact if len(compact) <= 88 else json.dumps(value, ensure_ascii=False, indent=1)
