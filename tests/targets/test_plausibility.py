"""What makes an answer plausible where nobody but the platform knows the data."""

from gp_helpers.checkers.plausibility import Answered, Rules, flaws

RULES = Rules(least_characters=20, facts=(r"\d+ EUR",), judge="strict")
QUESTION = "Which service is the largest cost?"
GOOD = Answered(QUESTION, "The largest service is storage with 12 EUR.", (r"\d+ EUR",), True)
OTHER = Answered("Which is the smallest?", "Your smallest one is mail with 1 EUR.", (), True)


def test_a_plausible_answer_has_no_flaws() -> None:
    assert flaws(GOOD, [GOOD, OTHER], RULES) == []


def test_each_rule_finds_its_flaw() -> None:
    for answer, told in (
        (Answered(QUESTION, "", GOOD.facts, True), "empty"),
        (Answered(QUESTION, "largest: 12 EUR", GOOD.facts, True), "15 characters, not 20"),
        (Answered(QUESTION, f"{QUESTION} 12 EUR", GOOD.facts, True), "characters, not 20"),
        (Answered(QUESTION, "I am an AI and like 12 EUR.", GOOD.facts, True), "no word"),
        (Answered(QUESTION, GOOD.answer, GOOD.facts, False), "judge strict"),
        (Answered(QUESTION, "The largest service is storage.", GOOD.facts, True), "matches none"),
    ):
        assert [one for one in flaws(answer, [answer, OTHER], RULES) if told in one], told


def test_a_fixed_text_is_noticed_in_the_answers_to_others() -> None:
    same = Answered("Which service do you advise?", GOOD.answer, (), True)
    assert flaws(GOOD, [GOOD, same], RULES) == ["another question or user got the very same answer"]


def test_the_claim_quotes_what_was_applied() -> None:
    quoted = RULES.quoted()
    assert "20 characters" in quoted
    assert r"\d+ EUR" in quoted
    assert "judge strict" in quoted
