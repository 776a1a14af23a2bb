"""How the opening of a socket ended, as a history tells it."""

from __future__ import annotations

from dataclasses import dataclass

from gp_helpers.history import Entry, History, Kind


@dataclass(frozen=True, slots=True)
class Opening:
    """One attempt to connect, and what became of the connection."""

    opening: Entry
    opened: Entry | None
    refused: Entry | None
    received: tuple[Entry, ...]
    closed: Entry | None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What its outcome rests on."""
        found = (self.opening, self.opened, self.refused, self.closed)
        return tuple(entry for entry in found if entry is not None)


def opening_after(history: History, expected: Entry, *, actor: str | None = None) -> Opening | None:
    """The first attempt to connect after an entry; of one person, if ``actor`` names them."""
    for entry in history.of(Kind.WS_OPENING):
        if entry.seq > expected.seq and actor in (None, entry.actor):
            return _opening(history, entry)
    return None


def _opening(history: History, opening: Entry) -> Opening:
    def first(kind: Kind) -> Entry | None:
        return next((e for e in history.of(kind) if e.subject == opening.subject), None)

    received = tuple(e for e in history.of(Kind.WS_RECEIVED) if e.subject == opening.subject)
    return Opening(
        opening, first(Kind.WS_OPENED), first(Kind.WS_REFUSED), received, first(Kind.WS_CLOSED)
    )
