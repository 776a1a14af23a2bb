"""What is particular about the routing suite's cases; both directions of all are in detection."""

from __future__ import annotations

from collections import Counter

import pytest

from gp_helpers.cases.routing.corpus import REFUSED, CorpusMessage, corpus
from gp_helpers.history import first_divergence
from gp_helpers.plan import CASES, Suite
from gp_helpers.platform.defects.routing import GatewayRouter
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.gateway.messages import Frame, Request
from gp_helpers.platform.routing.roles import MessageRouter
from gp_helpers.platform.routing.router import Router
from tests.cases.trials import Direction

ROUTING_CASES = [case.id for case in CASES.values() if case.suite is Suite.ROUTING]

PARTS_AT = {
    "routing.selection_conflict": "ask_every_router",
    "routing.priority": "send_an_urgent_one_behind_a_backlog",
    "routing.state_pollution": "ask_in_turn",
    "routing.circular_deadlock": "watch",
    "routing.load_balancing": "ask_at_once",
}
"""The step in which a trial as reported first departs from its contrast."""


def decision(router: MessageRouter, message: CorpusMessage) -> str:
    try:
        incoming = Frame({**message.fields(), "id": "r", "thread_id": "t"}).read()
        assert isinstance(incoming, Request)
        return router.decide(incoming.request)
    except PlatformError as error:
        return f"{REFUSED}{error.code}"


class TestCorpus:
    def test_holds_at_least_two_hundred_different_messages(self) -> None:
        messages = corpus()
        assert len(messages) >= 200
        assert len({message.id for message in messages}) == len(messages)
        assert len({(one.type, one.agent, one.text) for one in messages}) == len(messages)

    def test_every_agent_is_right_often(self) -> None:
        right = Counter(message.right for message in corpus())
        assert min(right[agent] for agent in Router().agents) >= 40

    def test_has_the_edge_cases(self) -> None:
        messages = corpus()
        notes = Counter(message.note.partition(":")[0] for message in messages)
        assert notes["no type"] >= 3
        assert notes["unknown agent"] >= 5
        assert notes["agent and other words"] >= 5
        assert len({message.language for message in messages}) >= 15
        assert max(len(message.text) for message in messages) > 10_000

    @pytest.mark.parametrize("message", corpus(), ids=lambda message: str(message.id))
    def test_the_published_rules_agree_with_the_person_who_wrote_it(
        self, message: CorpusMessage
    ) -> None:
        assert decision(Router(), message) == message.right

    def test_the_second_router_is_often_right_too(self) -> None:
        gateway = GatewayRouter(Router())
        right = sum(decision(gateway, message) == message.right for message in corpus())
        assert len(corpus()) / 4 < right < len(corpus()) * 3 / 4


@pytest.mark.parametrize("case", ROUTING_CASES)
def test_a_trial_as_reported_departs_from_its_contrast_where_the_routers_part(
    case: str, as_reported: Direction, remediated: Direction
) -> None:
    ours, theirs = as_reported.history_of(case), remediated.history_of(case)
    assert ours.header["seed"] == theirs.header["seed"]
    divergence = first_divergence(ours, theirs)
    assert divergence is not None
    entry = divergence.ours or divergence.theirs
    assert entry is not None
    assert entry.step == PARTS_AT[case]
