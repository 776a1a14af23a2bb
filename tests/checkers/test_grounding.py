"""A grounded answer passes; an empty, a fixed, a foreign and an evasive one do not."""

import math
import random
import re
from difflib import SequenceMatcher

import pytest

from gp_helpers.checkers.figures import Cost, foreign_figure
from gp_helpers.checkers.grounding import actions_in, costs_in, flaws, without_echo

QUESTION = "What is my largest cost this month, and what matters about it before our yearly audit?"
ADA = [Cost("BigQuery", 812.5), Cost("Cloud SQL", 4310.75), Cost("Cloud Run", 12.0)]
BEN = [Cost("BigQuery", 99.1), Cost("Cloud SQL", 7204.2), Cost("Pub/Sub", 55.0)]
ACTIONS = [
    "stop the replicas of shop at night (Cloud SQL)",
    "set a limit on bytes per query (BigQuery)",
    "set a budget alert",
]


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


@pytest.mark.parametrize(
    "added",
    [
        "Your BigQuery is 99.10 and Cloud SQL is 7204.20.",
        "BigQuery 812.50, Cloud SQL 4310.75, Cloud Run 55.00.",
        "BigQuery 4310.75, Cloud SQL 812.50.",
        "4310.75 USD for BigQuery and 812.50 USD for Cloud SQL.",
        "It costs 7204.20 USD.",
        "BigQuery is 99 USD.",
        "BigQuery is 7,204.",
        "Cloud SQL is 97.9 % of your costs.",
        "You spend 7358.30 in all.",
    ],
)
def test_anothers_number_anywhere_is_refused(added: str) -> None:
    text = f"{answer(QUESTION, ADA)}\nCloud SQL 4310.75. {added}"
    [flaw] = flaws(QUESTION, text, ACTIONS, ADA)
    assert flaw.startswith(("it gives another amount", "it states"))


def test_the_right_sentence_first_does_not_excuse_the_next() -> None:
    text = "Cloud SQL 4310.75. Your BigQuery is 99.10 and Cloud SQL is 7204.20."
    assert "it gives another amount for BigQuery than the user's own" in flaws(
        QUESTION, text, ACTIONS, ADA
    )


def test_anothers_number_in_an_action_is_refused() -> None:
    actions = [*ACTIONS, "stop the replicas of shop at night (Cloud SQL, 7204.20 USD)"]
    assert flaws(QUESTION, answer(QUESTION, ADA), actions, ADA) == [
        "it gives another amount for Cloud SQL than the user's own"
    ]


@pytest.mark.parametrize(
    "added",
    [
        "BigQuery 812.50, Cloud SQL 4310.75, Cloud Run 12.",
        "Of it 812.50 USD go to BigQuery and 4,310.75 USD to Cloud SQL.",
        "Cloud SQL is 83.9 % of 5135.25 USD in all.",
        "Cloud SQL costs $3498.25 more than BigQuery; both together 5123.25 USD.",
        "Stop 2 replicas of Cloud SQL by 2026-11-30, 22:00, in bukugebogag7-mobile.",
        "In 2026 a budget alert at 4621.73 USD helps for 365 days.",
        "BigQuery (shop): 812.50 USD",
    ],
)
def test_what_follows_from_the_users_own_costs_and_plain_numbers_may_stand(added: str) -> None:
    assert flaws(QUESTION, f"{answer(QUESTION, ADA)}\n{added}", ACTIONS, ADA) == []


@pytest.mark.parametrize("echo", [QUESTION, QUESTION.upper(), QUESTION.replace(", and", " -- and")])
def test_the_echo_of_the_question_does_not_address_it(echo: str) -> None:
    text = f"{echo}\nCloud SQL 4310.75. Buy bananas."
    assert flaws(QUESTION, text, ACTIONS, ADA) == ["it does not address the question"]
    assert len(flaws(QUESTION, text, ["x", "y"], ADA)) == 2
    assert flaws(QUESTION, echo, ACTIONS, ADA) != []


def test_an_echo_before_what_answers_another_question_does_not_help() -> None:
    text = f"You asked: {QUESTION}\nThe warehouse migrates to the north. Cloud SQL: 4310.75 USD"
    assert flaws(QUESTION, text, ACTIONS, ADA) == ["it does not address the question"]


def test_an_echo_is_dropped_in_parts_and_every_time() -> None:
    text = f"{QUESTION} Tea. {QUESTION} Also: what matters about it before our YEARLY audit - cake"
    left = without_echo(text, QUESTION)
    assert "audit" not in left.casefold()
    assert all(word in left for word in ("Tea", "Also", "cake"))
    assert without_echo("Your largest cost this month is A.", QUESTION).startswith("Your largest")


def test_what_is_dropped_as_an_echo_is_what_difflib_finds() -> None:
    source = random.Random(1)
    for _ in range(2000):
        question = " ".join(source.choices("abcd", k=source.randrange(4, 20)))
        said = " ".join(source.choices("abcdE", k=source.randrange(30)))
        assert without_echo(said, question) == without_echo_by_difflib(said, question)


def without_echo_by_difflib(text: str, question: str) -> str:
    asked = question.split()
    while True:
        words = list(re.finditer(r"\w+", text))
        said = [word[0].casefold() for word in words]
        run = SequenceMatcher(None, said, asked, autojunk=False).find_longest_match()
        if run.size < max(5, math.ceil(len(asked) / 3)):
            return text
        first, last = words[run.a], words[run.a + run.size - 1]
        text = f"{text[: first.start()]}\n{text[last.end() :]}"


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


@pytest.mark.parametrize(
    "actions",
    [
        [],
        ["save"],
        ACTIONS[:1],
        ["x", "y"],
        ["Cloud SQL", "BigQuery"],
        [ACTIONS[0], f"  {ACTIONS[0].upper()}!"],
        ["go and buy some bananas", "set a budget alert for fruit"],
        [QUESTION, f"{QUESTION} {QUESTION}"],
    ],
)
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


def test_characters_that_grow_without_case_move_no_figure() -> None:
    # Folded, the sharp s is two characters: counted so, the figure began where a service did.
    for growing in range(20):
        text = f"{'ß' * growing} Cloud SQL 7777.00"
        assert foreign_figure(text, ADA) is not None, growing
        assert foreign_figure(text.replace("7777.00", "4310.75"), ADA) is None, growing
