"""The tool that agents offer to the model: the asking user's own billing data."""

from __future__ import annotations

from typing import Any

from gp_helpers.platform.agents.roles import BillingAccount
from gp_helpers.platform.seams import Identity
from gp_helpers.platform.store import Billing


class BillingTool:
    """`get_billing`: takes no arguments, because whose data it reads is not the model's to say."""

    name = "get_billing"

    def __init__(self, billing: Billing, account: BillingAccount) -> None:
        self._billing = billing
        self._account = account

    def specification(self) -> dict[str, Any]:
        """The tool in the form that `tools` of a chat completion wants."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": "This month's cloud costs of the user who is asking.",
                "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
            },
        }

    async def call(self, identity: Identity) -> dict[str, Any]:
        items = await self._billing.items_of(self._account.account_of(identity))
        return {"owner": identity.user_id, "items": [item.to_wire() for item in items]}
