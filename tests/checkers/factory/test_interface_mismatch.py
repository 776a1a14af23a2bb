"""What the check of factory.interface_mismatch makes of a history."""

from __future__ import annotations

from typing import Any

import pytest

from gp_helpers.checkers.factory.interface_mismatch import check
from gp_helpers.history import Kind
from tests.checkers.factory.histories import Story, all_held, claim_of, findings, states


def row(problem: str | None = None, check: str = "signature") -> dict[str, Any]:
    return {"factory": "recorded", "role": "connection", "check": check, "problem": problem}


def story(*modes: str, rows: list[dict[str, Any]] | None = None) -> Story:
    told = Story()
    told.add(Kind.EXPECTED, about="advertised modes", advertised=list(modes))
    told.reading(conformance=[row(), row(check="assembly")] if rows is None else rows)
    return told


def try_mode(told: Story, mode: str, *, events: int = 5, **refusal: Any) -> None:
    told.add(Kind.EXPECTED, about="mode works", mode=mode)
    told.connect("ada", f"ada-{mode}", **refusal)
    if not refusal:
        request_id = told.ask("ada", f"ada-{mode}", f"in mode {mode}")
        told.answer("ada", f"ada-{mode}", request_id, events=events)
        told.silence()


def test_modes_that_answer_and_factories_that_fit_hold() -> None:
    told = story("main", "factory")
    try_mode(told, "main")
    try_mode(told, "factory")
    assert all_held(check(told.history))
    assert check(told.history).first_disagreement is None


def test_an_advertised_mode_that_answers_500_is_unusable() -> None:
    told = story("main", "factory")
    try_mode(told, "main")
    try_mode(told, "factory", refused=500)
    judgement = check(told.history)
    assert findings(judgement) == {"FACTORY_MODE_UNUSABLE"}
    claim = claim_of(judgement, "modes_usable")
    assert claim.detail == "mode factory answers 500 at the handshake"
    assert claim.measured == {"advertised": 2, "unusable": 1}
    assert judgement.first_disagreement is not None
    assert "mode factory is advertised" in judgement.first_disagreement.description


def test_a_mode_that_closes_at_the_first_question_is_unusable() -> None:
    told = story("isolated")
    told.add(Kind.EXPECTED, about="mode works", mode="isolated")
    told.connect("ada", "ada-1")
    told.ask("ada", "ada-1", "in mode isolated")
    told.close("ada", "ada-1", 1011, "them")
    told.silence()
    detail = claim_of(check(told.history), "modes_usable").detail
    assert detail == "mode isolated closes with 1011 at the first question"


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_refusal_that_is_not_about_the_mode_says_nothing_about_it(status: int) -> None:
    told = story("main")
    try_mode(told, "main", refused=status)
    assert states(check(told.history))["modes_usable"] == "unobserved"


def test_a_mode_that_was_not_tried_leaves_the_claim_open() -> None:
    told = story("main", "factory")
    try_mode(told, "main")
    assert states(check(told.history))["modes_usable"] == "unobserved"


def test_a_factory_with_a_problem_does_not_fit_and_alone_does_not_count() -> None:
    told = story("main", rows=[row(), row("it differs", "assembly"), row("no", "alone")])
    try_mode(told, "main")
    judgement = check(told.history)
    assert findings(judgement) == {"FACTORY_DOES_NOT_FIT"}
    detail = claim_of(judgement, "factories_fit").detail
    assert detail == "recorded connection factory, assembly: it differs"
