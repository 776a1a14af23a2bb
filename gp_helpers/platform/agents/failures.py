"""What becomes of a run whose failure could not be told by an event: whoever asked is told."""

from __future__ import annotations

from gp_helpers.platform.contract import AgentRequest
from gp_helpers.platform.seams import AgentRunner, EventSink, Identity


class ToldFailures:
    """Lets the failure through to where the request came in, which answers it directly."""

    def __init__(self, runner: AgentRunner) -> None:
        self._runner = runner

    async def run(self, identity: Identity, request: AgentRequest, sink: EventSink) -> None:
        """Raises what the runner raises."""
        await self._runner.run(identity, request, sink)
