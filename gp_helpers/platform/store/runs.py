"""Which requests are worked on or done, by their ids, so that a repeated one is not done twice.

A claim is held for a lease: what an instance was working on when it died can be taken over.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from gp_helpers.platform.store.engine import Insert, Store
from gp_helpers.platform.store.schema import agent_runs

_THIS = (agent_runs.c.owner == bindparam("of_owner")) & (
    agent_runs.c.request_id == bindparam("of_request")
)
_STORED = select(agent_runs).where(_THIS)
_FINISH = update(agent_runs).where(_THIS).values(done=True)


@cache
def _begin(insert: Insert) -> Any:
    return (
        insert(agent_runs)
        .on_conflict_do_nothing(index_elements=["owner", "request_id"])
        .returning(agent_runs.c.request_id)
    )


class Claim(Enum):
    """What somebody gets who wants to work on a request."""

    TAKEN = "taken"
    """It is theirs."""
    RUNNING = "running"
    """Somebody else works on it."""
    DONE = "done"


class Runs:
    """The table of runs: one row for each request of each owner."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(
        self,
        owner: str,
        request_id: str,
        *,
        holder: str,
        attempt: str,
        now: float,
        lease_s: float,
    ) -> Claim:
        """Claim a request for an attempt of `holder`, who may claim again what is theirs.

        A claim of somebody else counts until its lease is over. Raises `StoreUnavailable`.
        """
        values = {"holder": holder, "attempt": attempt, "lease_until": now + lease_s}
        this = {"of_owner": owner, "of_request": request_id}

        def work(connection: Connection) -> Claim:
            begun = connection.execute(
                _begin(self._store.insert),
                {"owner": owner, "request_id": request_id, "done": False, **values},
            )
            if begun.first() is not None:
                return Claim.TAKEN
            row = connection.execute(_STORED, this).one()
            if row.done:
                return Claim.DONE
            if row.holder != holder and row.lease_until > now:
                return Claim.RUNNING
            taken = connection.execute(
                update(agent_runs)
                .where(_THIS, agent_runs.c.attempt == row.attempt, ~agent_runs.c.done)
                .values(**values),
                this,
            )
            return Claim.TAKEN if taken.rowcount else Claim.RUNNING

        return await self._store.write(work)

    async def finish(self, owner: str, request_id: str) -> None:
        """Remember that a request is done. Raises `StoreUnavailable`."""
        await self._store.execute(_FINISH, of_owner=owner, of_request=request_id)

    async def release(self, owner: str, request_id: str, *, attempt: str) -> None:
        """Give back what an attempt did not do, so that it can be tried again.

        A later attempt keeps its claim. Raises `StoreUnavailable`.
        """
        await self._store.execute(
            delete(agent_runs).where(
                agent_runs.c.owner == owner,
                agent_runs.c.request_id == request_id,
                agent_runs.c.attempt == attempt,
                ~agent_runs.c.done,
            )
        )
