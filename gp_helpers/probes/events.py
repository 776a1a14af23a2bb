"""Reads the plan's events and whose request it is out of a platform's own messages.

By the rules of its description: one message may amount to several events, several messages to one,
parts of a stream count once, and what follows from a message belongs to its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gp_helpers.parameters.description import WebSocketDescription
from gp_helpers.parameters.templates import render_expression
from gp_helpers.probes.expressions import matches, search


class MessageReader:
    """Reads the messages of one person, on whichever of their sockets they come."""

    def __init__(self, description: WebSocketDescription) -> None:
        self._description = description
        self._rules = description.rules
        self._seen: dict[tuple[str | None, str], set[int]] = {}
        """Request and event to the numbers of the predicates that have matched."""
        self._origins: dict[str, str] = {}
        """Ids of messages to the request that they belong to."""

    def events_of(
        self, body: Any, request_id: str | None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The events of a message that belongs to a request, and those it is a part of."""
        events, parts = [], []
        for name, rule in self._rules.items():
            matched = {
                number
                for number, predicate in enumerate(rule.predicates)
                if matches(predicate, body)
            }
            if not matched:
                continue
            seen = self._seen.setdefault((request_id, name), set())
            was_complete = len(seen) == len(rule.predicates)
            seen |= matched
            is_complete = len(seen) == len(rule.predicates)
            if is_complete and not (was_complete and rule.repeats):
                events.append(name)
            else:
                parts.append(name)
        return tuple(events), tuple(parts)

    def request_of(self, body: Any, requests: Sequence[str]) -> str | None:
        """Which of the requests a message belongs to."""
        request_id = self._correlated(body, requests)
        lineage = self._description.lineage
        if lineage is None:
            return request_id
        own, parent = search(lineage.id, body), search(lineage.parent, body)
        for known in (own, parent):
            if request_id is None and known is not None:
                origin = self._origins.get(str(known), str(known))
                request_id = origin if origin in requests else None
        if request_id is not None and own is not None:
            self._origins[str(own)] = request_id
        return request_id

    def _correlated(self, body: Any, requests: Sequence[str]) -> str | None:
        correlate = self._description.correlate
        if correlate is None:
            has_lineage = self._description.lineage is not None
            return requests[-1] if requests and not has_lineage else None
        for request_id in reversed(requests):
            predicate = render_expression(correlate, {"request_id": request_id})
            if matches(predicate, body):
                return request_id
        return None
