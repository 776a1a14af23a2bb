"""Whether an answer is plausible where nobody but the platform knows the data it is made of.

Pure: it addresses its question, is substantial, differs from the answers to other questions and
users, and matches a fact that the target states; a judge model's word counts if one was asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gp_helpers.checkers.grounding import stems, without_echo


@dataclass(frozen=True, slots=True)
class Rules:
    """What is applied to answers, as the trial's header says it."""

    least_characters: int
    facts: Sequence[str] = ()
    """Patterns of which an answer matches at least one, filled in for its user."""
    judge: str | None = None
    """The model that was asked for its judgement."""

    def quoted(self) -> str:
        """What is applied, in words, for the claim."""
        parts = [
            "the answer takes up a word of its question",
            f"has at least {self.least_characters} characters beside quoting it",
            "differs from the answers to other questions and users",
        ]
        if self.facts:
            parts.append(f"matches one of {', '.join(self.facts)}")
        if self.judge is not None:
            parts.append(f"satisfies the judge {self.judge}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, its answer, and what a judge said of it."""

    question: str
    answer: str
    facts: Sequence[str] = ()
    judged: bool | None = None
    """None where no judge answered."""


def flaws(one: Answered, others: Sequence[Answered], rules: Rules) -> list[str]:
    """What is wrong with an answer; an empty list for a plausible one."""
    text = one.answer.strip()
    if not text:
        return ["the answer is empty"]
    found = []
    own_words = without_echo(text, one.question).strip()
    if len(own_words) < rules.least_characters:
        found.append(f"the answer has {len(own_words)} characters, not {rules.least_characters}")
    asked = stems(one.question)
    if asked and not asked & stems(text):
        found.append("it takes up no word of its question")
    if any(text == other.answer.strip() for other in others if other is not one):
        found.append("another question or user got the very same answer")
    if one.facts and not any(re.search(pattern, text) for pattern in one.facts):
        found.append(f"it matches none of {', '.join(one.facts)}")
    if rules.judge is not None and one.judged is False:
        found.append(f"the judge {rules.judge} does not accept it")
    return found


def rules_of(header: Mapping[str, object]) -> Rules | None:
    """The rules that a trial's header states; None where answers are held against figures."""
    stated = header.get("answer_rules")
    if not isinstance(stated, Mapping):
        return None
    return Rules(stated["least_characters"], tuple(stated["facts"]), stated.get("judge"))
