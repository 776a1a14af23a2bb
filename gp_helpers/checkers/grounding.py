"""Whether an answer is grounded: computed from the asking user's own figures, and to the point.

Pure: words and figures in, flaws out. A fixed text cannot pass for two users, nor the right text
with another user's numbers, nor an answer to another question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEAST_ACTIONS = 2
LEAST_SHARE_ADDRESSED = 0.6
"""Share of the question's own words that the answer has to take up."""

_NUMBER = re.compile(r"\d[\d,\u00a0']*(?:\.\d+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n")
_LISTED = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+(?P<action>\S.*)")
_STEM = 5
_SHORTEST_WORD = 4
_SAYS_NOTHING = frozenset(
    {
        "about", "after", "before", "could", "does", "from", "give", "have", "into", "mine",
        "please", "should", "show", "tell", "than", "that", "them", "then", "there", "these",
        "they", "this", "those", "what", "when", "where", "which", "will", "with", "would", "your",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """One of a user's own costs."""

    service: str
    amount: float


def costs_in(body: Any) -> list[Cost]:
    """The costs that a reply about billing lists; lines that are none are left out."""
    items = body.get("items") if isinstance(body, Mapping) else body
    found = []
    for item in items if isinstance(items, Sequence) else ():
        if isinstance(item, Mapping) and isinstance(item.get("amount"), int | float):
            found.append(Cost(str(item.get("service")), float(item["amount"])))
    return found


def actions_in(answer: str, message: Any) -> list[str]:
    """The actions that an answer offers: its listed lines, or what its message lists beside it."""
    listed = [match["action"] for line in answer.splitlines() if (match := _LISTED.match(line))]
    beside = list(_listed_beside(message))
    return beside if len(beside) > len(listed) else listed


def _listed_beside(message: Any) -> Iterable[str]:
    if not isinstance(message, Mapping):
        return
    for name, value in message.items():
        if name in ("recommendations", "actions") and isinstance(value, list):
            yield from (str(action) for action in value if str(action).strip())
        else:
            yield from _listed_beside(value)


def flaws(question: str, answer: str, actions: Sequence[str], costs: Sequence[Cost]) -> list[str]:
    """What is wrong with an answer; an empty list for one that is grounded."""
    if not answer.strip():
        return ["the answer is empty"]
    found = []
    wrong_figure = _figure_flaw(answer, costs)
    if wrong_figure is not None:
        found.append(wrong_figure)
    if len({action.strip().casefold() for action in actions}) < LEAST_ACTIONS:
        found.append(f"it offers {len(actions)} actions, not {LEAST_ACTIONS}")
    asked, said = stems(question), stems(answer)
    if asked and len(asked & said) / len(asked) < LEAST_SHARE_ADDRESSED:
        found.append("it does not address the question")
    return found


def _figure_flaw(answer: str, costs: Sequence[Cost]) -> str | None:
    """The first figure that stands with one of the user's services is their largest cost."""
    if not costs:
        return "the user has no costs to name"
    largest = max(costs, key=lambda cost: cost.amount)
    for sentence in _SENTENCE_END.split(answer):
        text = sentence.casefold()
        if not any(cost.service.casefold() in text for cost in costs):
            continue
        amounts = _amounts(sentence)
        if not amounts:
            continue
        if largest.service.casefold() not in text:
            return f"it names another cost first than the largest, {largest.service}"
        if not any(abs(amount - largest.amount) < 0.005 for amount in amounts):
            return f"it gives another amount for {largest.service} than the user's own"
        return None
    return f"it does not name the user's largest cost, {largest.service}, with its amount"


def _amounts(text: str) -> list[float]:
    return [float(re.sub(r"[,\u00a0']", "", number)) for number in _NUMBER.findall(text)]


def stems(text: str) -> set[str]:
    """The words of a text that say something, cut to their stems."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return {
        word[:_STEM] for word in words if len(word) >= _SHORTEST_WORD and word not in _SAYS_NOTHING
    }
