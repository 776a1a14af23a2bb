"""Each user's billing data: what their agents compute answers from.

A workspace's lines are derived from the user's id and carry the user's name, so that every user
has figures of their own, and making them twice makes them the same.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select

from gp_helpers.platform.store.accounts import Accounts
from gp_helpers.platform.store.engine import Insert, Store
from gp_helpers.platform.store.schema import billing_items

_OF_OWNER = (
    select(billing_items)
    .where(billing_items.c.owner == bindparam("owner"))
    .order_by(billing_items.c.line)
)


@cache
def _add(insert: Insert) -> Any:
    return insert(billing_items).on_conflict_do_nothing(index_elements=["owner", "line"])


_SERVICES = (
    "Compute Engine",
    "Kubernetes Engine",
    "BigQuery",
    "Cloud SQL",
    "Cloud Storage",
    "Cloud Run",
    "Vertex AI",
    "Memorystore",
    "Cloud Logging",
    "Pub/Sub",
)
_PURPOSES = ("checkout", "search", "reports", "training", "archive", "gateway", "ingest", "mobile")


@dataclass(frozen=True, slots=True)
class BillingItem:
    """This month's cost of one service in one project."""

    service: str
    project: str
    amount_cents: int
    currency: str

    def to_wire(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "project": self.project,
            "amount": self.amount_cents / 100,
            "currency": self.currency,
        }


class Billing:
    """The table of billing lines, filled for a user when they are first asked for."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    async def items_of(self, user_id: str) -> list[BillingItem]:
        """The user's lines, none without an account; provisions a workspace on first use."""
        items = await self._stored(user_id)
        if items:
            return items
        account = await self._accounts.by_id(user_id)
        if account is None:
            return []
        await self._provision(user_id, workspace_lines(user_id, account.name))
        return await self._stored(user_id)

    async def _stored(self, user_id: str) -> list[BillingItem]:
        rows = await self._store.rows(_OF_OWNER, owner=user_id)
        return [
            BillingItem(row.service, row.project, row.amount_cents, row.currency) for row in rows
        ]

    async def _provision(self, user_id: str, items: list[BillingItem]) -> None:
        def work(connection: Connection) -> None:
            connection.execute(
                _add(self._store.insert),
                [
                    {"owner": user_id, "line": line, **asdict(item)}
                    for line, item in enumerate(items)
                ],
            )

        await self._store.write(work)


def workspace_lines(user_id: str, name: str) -> list[BillingItem]:
    """Five to eight lines with different amounts, the same for the same user every time."""
    source = random.Random(user_id)
    services = source.sample(_SERVICES, source.randint(5, 8))
    amounts = source.sample(range(1_000, 900_000), len(services))
    return [
        BillingItem(service, f"{name}-{source.choice(_PURPOSES)}", amount, "USD")
        for service, amount in zip(services, amounts, strict=True)
    ]
