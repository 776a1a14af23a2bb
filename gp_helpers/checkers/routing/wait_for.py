"""The wait-for graph: who waits for a lock that somebody else holds, and whether that ever ends.

Locks that are not taken away and are waited for without a limit make a cycle permanent, so one
reading is enough to know that a request never ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Waits = Mapping[str, frozenset[str]]
"""Each request that waits, to the requests that it waits for."""


def waits_of(locks: Mapping[str, Any]) -> Waits:
    """The graph of one reading's `locks`: its holders and waiters, by lock."""
    holders: dict[str, set[str]] = {}
    for holder in _items(locks.get("holders")):
        holders.setdefault(str(holder.get("lock")), set()).add(str(holder.get("holder")))
    waits: dict[str, set[str]] = {}
    for waiter in _items(locks.get("waiters")):
        held_by = holders.get(str(waiter.get("lock")), set())
        waits.setdefault(str(waiter.get("waiter")), set()).update(held_by)
    return {waiter: frozenset(held_by) for waiter, held_by in waits.items()}


def cycle_in(waits: Waits) -> tuple[str, ...] | None:
    """The longest cycle: the requests on it in order, the first one again; None without one."""
    paths = (_path_back(start, start, waits, ()) for start in sorted(waits))
    return max(filter(None, paths), key=len, default=None)


def stuck_requests(waits: Waits) -> set[str]:
    """The requests that never end: on a cycle, or waiting for one that is."""
    on_cycles = {request for request in waits if _path_back(request, request, waits, ())}
    stuck = set(on_cycles)
    while more := {one for one, others in waits.items() if others & stuck} - stuck:
        stuck |= more
    return stuck


def _path_back(at: str, start: str, waits: Waits, seen: tuple[str, ...]) -> tuple[str, ...] | None:
    for following in sorted(waits.get(at, ())):
        if following == start:
            return (*seen, at, start)
        if following not in seen and following != at:
            path = _path_back(following, start, waits, (*seen, at))
            if path is not None:
                return path
    return None


def _items(value: Any) -> Iterable[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
