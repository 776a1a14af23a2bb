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
        """An entry from parsed JSON; raises ``ValueError`` for anything that is not one."""
        try:
            data = raw["data"]
            if type(data) is not dict:
                raise ValueError("not a history entry: its data is no object")
            return cls(
                int(raw["seq"]),
                float(raw["t"]),
                str(raw["actor"]),
                _KINDS[raw["kind"]],
                str(raw["subject"]),
                str(raw["step"]),
                data,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a history entry: {error!r}") from error


_KINDS = {kind.value: kind for kind in Kind}
