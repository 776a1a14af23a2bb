"""Turns for SQLite's writers of one service: whoever came first writes first.

SQLite's writers do not queue: each asks again after ever longer pauses, and may find somebody else
there each time. A turn has no time-out: how late this process runs says nothing about the store.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from gp_helpers.platform.errors import StoreUnavailable


class Turns:
    """One write at a time, in the order in which they were asked for.

    Only SQLite tells that the store is locked. Whoever had been waiting when a write began that
    then found it locked for its whole time-out has waited that long too, and fails with it: so
    that under a lock that is held nobody waits for more than two time-outs, however many they are.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._locked_since = -math.inf
        """When the last write began that found the store locked for its whole time-out."""

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for one's turn, and have it while the context is open; raises `StoreUnavailable`."""
        asked = monotonic()
        async with self._turn:
            if asked <= self._locked_since:
                raise StoreUnavailable(
                    "The store cannot be used now (it was locked all the while)."
                )
            began = monotonic()
            try:
                yield
            except StoreUnavailable as error:
                if _is_locked(error.__cause__):
                    self._locked_since = began
                raise


def _is_locked(cause: BaseException | None) -> bool:
    """Whether SQLite waited for its lock in vain; other failures are no wait."""
    code = cause.sqlite_errorcode if isinstance(cause, sqlite3.OperationalError) else 0
    return code & 0xFF == sqlite3.SQLITE_BUSY
