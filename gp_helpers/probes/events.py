"""Reads the plan's events out of a platform's own messages, by the rules of its description.

One message may amount to several events, several messages to one, and parts of a stream count once.
"""

from __future__ import annotations

from typing import Any

from gp_helpers.parameters.description import WebSocketDescription
from gp_helpers.probes.http import search


class EventReader:
    """Says which events a message amounts to; remembers what each request has had so far."""

    def __init__(self, description: WebSocketDescription) -> None:
        self._rules = description.rules
        self._seen: dict[tuple[str | None, str], set[int]] = {}
        """Request and event to the numbers of the predicates that have matched."""

    def of(self, body: Any, request_id: str | None) -> tuple[str, ...]:
        """The events of a message that belongs to a request, in the plan's order."""
        found = []
        for name, rule in self._rules.items():
            matched = {
                number
                for number, predicate in enumerate(rule.predicates)
                if search(predicate, body) is True
            }
            if not matched:
                continue
            seen = self._seen.setdefault((request_id, name), set())
            was_complete = len(seen) == len(rule.predicates)
            seen |= matched
            if was_complete:
                if not rule.repeats:
                    found.append(name)
            elif len(seen) == len(rule.predicates):
                found.append(name)
        return tuple(found)
