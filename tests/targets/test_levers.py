"""A fault on the hop to somebody's model is for the question, not for what else is asked there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gp_helpers.cases.levers import of_the_model
from gp_helpers.faults import HttpMessage


def test_polls_and_what_was_asked_before_are_not_about_the_question() -> None:
    before = [HttpMessage(1, "POST", "/thoughts")]
    hop = SimpleNamespace(requests=before)
    trial: Any = SimpleNamespace(
        is_ours=False,
        controls=SimpleNamespace(http_fault=lambda _: hop),
        parameters=SimpleNamespace(target=None),
    )
    match = of_the_model(trial)
    assert not match.matches(before[0])
    assert not match.matches(HttpMessage(2, "GET", "/health"))
    assert match.matches(HttpMessage(3, "POST", "/thoughts"))
