"""Entries of a history: what a trial did and saw, one after the other.

A history is data that somebody else can judge later, so an entry holds plain JSON and knows neither
sockets nor cases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

SCHEMA = 1
"""Version of the entry format, in the header of each history."""


class Kind(StrEnum):
    """What an entry tells; the data that each kind carries stands beside it."""

    TRIAL_STARTED = "trial_started"
    """The header: case, role, trial, seed, target and what it lacks, checks of components that are
    owed, thresholds, wall time."""
    TRIAL_ENDED = "trial_ended"
    """``outcome``: completed, failed (with ``error``) or interrupted."""
    STEP_STARTED = "step_started"
    STEP_ENDED = "step_ended"
    """``outcome``: completed, failed (with ``error``) or interrupted; ``seconds``."""
    COMPONENT = "component"
    """A component check: ``component``, ``check``, ``healthy``, ``detail``."""
    USER = "user"
    """A user of this trial: ``user_id``, ``canary``."""
    TOKEN = "token"
    """A token came into being: ``token``, ``purpose``, ``subject``, ``flaw`` (None if good)."""
    REQUEST = "request"
    """``method``, ``url``, ``headers``, ``body``, ``purpose``."""
    RESPONSE = "response"
    """``request`` (sequence number), ``status``, ``headers``, ``body``, ``ms``."""
    NO_RESPONSE = "no_response"
    """``request``, ``error``, ``definite``: False when the platform may have acted on it."""
    WS_OPENING = "ws_opening"
    WS_OPENED = "ws_opened"
    WS_REFUSED = "ws_refused"
    """The handshake got no 101: ``status`` (None without an HTTP answer), ``headers``, ``body``."""
    WS_SENT = "ws_sent"
    """``message``, and ``request_id`` where the message is a question."""
    WS_RECEIVED = "ws_received"
    """``message``, or ``undecodable`` with why; ``event``, ``request_id`` where recognised."""
    WS_CLOSED = "ws_closed"
    """``code``, ``reason``, ``by``: us, them or nobody (no close frame: code 1006)."""
    TIMEOUT = "timeout"
    """Waited ``seconds`` for ``awaited`` in vain. Indefinite: it may have happened."""
    DECISION = "decision"
    """What a validator or router decided, with the entries it was read from."""
    CONTROL = "control"
    """Something that was done to the platform: clock, fault, instance."""
    READING = "reading"
    """What the platform's diagnostics said."""
    SILENCE = "silence"
    """Nothing more is on its way: ``proven`` True (diagnostics), or waited for ``seconds``."""
    EXPECTED = "expected"
    """What the case knows to be right: ``about`` and its data."""
    MEASURED = "measured"
    """A number that the case measured: ``quantity``, ``value``, ``unit``."""
    UNAVAILABLE = "unavailable"
    """An ability that the target lacks: ``ability``, ``reason``."""


class Entry(NamedTuple):
    """One line of a history. A tuple, since a million are made in a third of the time."""

    seq: int
    """Position in the history, from 0, without gaps."""
    t: float
    """Monotonic seconds since the history began."""
    actor: str
    """Who acted or saw: a user's label, ``lab`` or ``platform``."""
    kind: Kind
    subject: str
    """What it belongs to: the label of an exchange, a connection or a request; may be empty."""
    step: str
    """The step during which it was recorded; empty outside of steps."""
    data: Mapping[str, Any]

    def to_json(self) -> str:
        """The entry as one line of JSON, keys in a fixed order."""
        return json.dumps(
            {
                "seq": self.seq,
                "t": round(self.t, 6),
                "actor": self.actor,
                "kind": self.kind.value,
                "subject": self.subject,
                "step": self.step,
                "data": self.data,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, line: str) -> Entry:
        """Read an entry back; raises ``ValueError`` for anything that is not one."""
        return cls.from_object(json.loads(line))

    @classmethod
    def from_object(cls, raw: Any) -> Entry:
        """An entry from parsed JSON; raises ``ValueError`` for anything that is not one.

        What every reader takes as given is held here: a time that is one, and of data that tells of
        a request or an answer, what is counted with.
        """
        try:
            seq, t, actor, name = raw["seq"], raw["t"], raw["actor"], raw["kind"]
            subject, step, data = raw["subject"], raw["step"], raw["data"]
            if not (
                type(seq) is int
                and (type(t) is float or type(t) is int)
                and 0 <= t < LONGEST_S
                and type(actor) is type(subject) is type(step) is str
                and type(data) is dict
            ):
                raise ValueError(f"not a history entry: {_ill_typed(raw)}")
            kind = _KINDS[name]
            if name in _EXCHANGED:
                _hold(data)
            return cls(seq, float(t), actor, kind, subject, step, data)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a history entry: {error!r}") from error


LONGEST_S = 1e9
"""Thirty years: no trial lasts as long, and seconds below it can be added to a time."""
_MOST_MS = LONGEST_S * 1000
_KINDS = {kind.value: kind for kind in Kind}
_EXCHANGED = frozenset(
    {"request", "response", "no_response", "ws_opening", "ws_opened", "ws_refused"}
)
"""Kinds whose data has headers, or says how long an answer took and what it answers."""
_HEADERS = (list, dict, type(None))


def _is_amount(value: Any, below: float) -> bool:
    """Whether it is a number from 0 to a limit, which neither an infinity nor ``NaN`` is."""
    return (type(value) is float or type(value) is int) and 0 <= value < below


def _ill_typed(raw: Mapping[str, Any]) -> str:
    """What in an object is not what an entry has there."""
    if type(raw["seq"]) is not int:
        return "its seq is no whole number"
    if not _is_amount(raw["t"], LONGEST_S):
        return f"its t is no number of seconds from 0 to {LONGEST_S:.0e}"
    if type(raw["data"]) is not dict:
        return "its data is no object"
    return "its actor, subject or step is no text"


def _hold(data: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` where data of a request or an answer is not what readers reckon with."""
    if type(data.get("headers")) not in _HEADERS:
        raise ValueError("not a history entry: its headers are no list")
    ms, request = data.get("ms"), data.get("request")
    if ms is not None and not _is_amount(ms, _MOST_MS):
        raise ValueError(f"not a history entry: its ms is no number from 0 to {_MOST_MS:.0e}")
    if request is not None and type(request) is not int:
        raise ValueError("not a history entry: its request is no whole number")
