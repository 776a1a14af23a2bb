"""A grounded answer passes; an empty, a fixed, a foreign and an evasive one do not."""

import pytest

from gp_helpers.checkers.grounding import Cost, actions_in, costs_in, flaws

QUESTION = "What is my largest cost this month, and what matters about it before our yearly audit?"
ADA = [Cost("BigQuery", 812.5), Cost("Cloud SQL", 4310.75), Cost("Cloud Run", 12.0)]
BEN = [Cost("BigQuery", 99.1), Cost("Cloud SQL", 7204.2), Cost("Pub/Sub", 55.0)]
ACTIONS = ["stop the replicas at night", "set a budget alert"]


def answer(question: str, costs: list[Cost], form: str = "{:.2f}") -> str:
    largest = max(costs, key=lambda cost: cost.amount)
    total = sum(cost.amount for cost in costs)
    return (
        f"You asked: {question}\nYour largest cost this month is {largest.service} in project "
        f"shop: {form.format(largest.amount)} USD, of {total:.2f} USD in all.\nStart there."
    )


@pytest.mark.parametrize("form", ["{:.2f}", "{:,.2f}", "{:g}"])
def test_the_users_own_figures_to_the_point_are_grounded(form: str) -> None:
    assert flaws(QUESTION, answer(QUESTION, ADA, form), ACTIONS, ADA) == []


def test_the_figures_may_stand_in_a_list() -> None:
    text = (
        "Before your yearly audit, look at what matters:\n- Cloud SQL: 4,310.75 USD (your largest "
        "cost this month)\n- BigQuery: 812.50 USD"
    )
    assert flaws(QUESTION, text, ACTIONS, ADA) == []


def test_an_empty_answer_is_refused() -> None:
    assert flaws(QUESTION, " \n", ACTIONS, ADA) == ["the answer is empty"]


def test_a_fixed_text_passes_for_nobody() -> None:
    fixed = (
        "Your largest cost this month deserves attention before the yearly audit; what matters is "
        "to review your Cloud SQL instances and to set budgets."
    )
    for costs in (ADA, BEN):
        assert flaws(QUESTION, fixed, ACTIONS, costs) == [
            "it does not name the user's largest cost, Cloud SQL, with its amount"
        ]


def test_a_fixed_text_that_fits_one_user_fails_for_the_next() -> None:
    fixed = answer(QUESTION, ADA)
    assert flaws(QUESTION, fixed, ACTIONS, ADA) == []
    assert flaws(QUESTION, fixed, ACTIONS, BEN) != []


def test_the_right_text_with_another_users_numbers_is_refused() -> None:
    text = answer(QUESTION, ADA).replace("4310.75", "7204.20")
    assert flaws(QUESTION, text, ACTIONS, ADA) == [
        "it gives another amount for Cloud SQL than the user's own"
    ]


def test_another_cost_than_the_largest_is_refused() -> None:
    text = answer(QUESTION, [Cost("BigQuery", 812.5)])
    assert flaws(QUESTION, text, ACTIONS, ADA) == [
        "it names another cost first than the largest, Cloud SQL"
    ]


def test_the_right_amount_elsewhere_does_not_count() -> None:
    text = f"You asked: {QUESTION}\nCloud SQL costs 17.00 USD.\nThe total is 4310.75 USD."
    assert flaws(QUESTION, text, ACTIONS, ADA) != []


def test_an_answer_to_another_question_is_refused() -> None:
    other = "Which of our regions should the migration of the warehouse begin with?"
    assert flaws(QUESTION, answer(other, ADA), ACTIONS, ADA) == ["it does not address the question"]


@pytest.mark.parametrize("actions", [[], ["save"], ["save", " Save "]])
def test_fewer_than_two_actions_are_refused(actions: list[str]) -> None:
    [flaw] = flaws(QUESTION, answer(QUESTION, ADA), actions, ADA)
    assert flaw.startswith("it offers")


def test_a_user_without_costs_cannot_have_a_grounded_answer() -> None:
    assert flaws(QUESTION, answer(QUESTION, ADA), ACTIONS, []) == ["the user has no costs to name"]


def test_costs_are_read_from_a_reply_whatever_else_is_in_it() -> None:
    body = {"owner": "u", "items": [{"service": "A", "amount": 1}, {"amount": "x"}, 7, None]}
    assert costs_in(body) == [Cost("A", 1.0)]
    assert costs_in([{"service": "B", "amount": 2.5}]) == [Cost("B", 2.5)]
    assert costs_in("nonsense") == []
    assert costs_in(None) == []


def test_actions_stand_in_the_text_or_beside_it() -> None:
    text = "Largest: A.\n- do this\n2. do that\nnothing"
    assert actions_in(text, None) == ["do this", "do that"]
    beside = {"type": "agent_completed", "data": {"recommendations": ["a", "b", "c", ""]}}
    assert actions_in(text, beside) == ["a", "b", "c"]
