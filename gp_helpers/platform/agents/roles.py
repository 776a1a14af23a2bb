"""The roles of the components at the agents' seams.

The remediated components are in this package, the as-reported ones in `defects.journey`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gp_helpers.platform.agents.model_client import ChatMessage, Completion
from gp_helpers.platform.contract import Event
from gp_helpers.platform.seams import Identity


class BillingAccount(Protocol):
    """Says under which id a user's billing data is kept."""

    def account_of(self, identity: Identity) -> str: ...


class Completions(Protocol):
    """Completes a conversation with the model."""

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[dict[str, Any]],
        tool_choice: str | dict[str, Any],
    ) -> Completion:
        """Raises `ModelUnavailable`, or `PlatformError("model_protocol")` for nonsense."""
        ...


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run of an agent: a request of a user."""

    user_id: str
    request_id: str


class RunFollower(Protocol):
    """Wants to know what happens in one run."""

    @property
    def run(self) -> RunKey: ...

    def take(self, event: Event) -> None:
        """Take note of an event; one of another run changes nothing."""
        ...

    def close(self) -> None:
        """Take note that the run is over; what is taken after it changes nothing."""
        ...


class RunFollowers(Protocol):
    """Tells those who follow a run about its events."""

    def follow(self, follower: RunFollower) -> None: ...

    def publish(self, event: Event) -> None:
        """Tell the event to the followers of its run."""
        ...

    def leave(self, follower: RunFollower) -> None:
        """The follower's run is over."""
        ...

    def state(self) -> dict[str, int]:
        """`{"followers": n, "notified": n}`: how many there are, and how often one was called."""
        ...
