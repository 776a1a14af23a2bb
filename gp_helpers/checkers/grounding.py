"""Whether an answer is grounded: computed from the asking user's own figures, and to the point.

Pure: words and figures in, flaws out. A fixed text cannot pass for two users, nor the right text
with another user's numbers anywhere, nor an answer to another question, nor an echo of this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gp_helpers.checkers.figures import Cost, foreign_figure, has_figures, names, sentences, states

LEAST_ACTIONS = 2
LEAST_ACTION_CHARACTERS = 15
LEAST_ACTION_WORDS = 3
LEAST_SHARE_ADDRESSED = 0.6
"""Share of the question's own words that the answer has to take up."""
LEAST_SHARE_BESIDE_ECHO = 0.3
"""Share of them that it has to take up where it does not quote the question."""

_WORD = re.compile(r"\w+")
_SHORTEST_ECHO = 5
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
    if not costs:
        return ["the user has no costs to name"]
    found = []
    own_words = without_echo(answer, question)
    wrong_figure = _figure_flaw(own_words, actions, costs)
    if wrong_figure is not None:
        found.append(wrong_figure)
    offered = substantial(question, actions, costs)
    if len(offered) < LEAST_ACTIONS:
        found.append(
            f"it offers {len(actions)} actions, {len(offered)} of them substantial and about the "
            f"user's services or their question, not {LEAST_ACTIONS}"
        )
    asked = _stems_asked(question)
    if (
        _share(asked, answer) < LEAST_SHARE_ADDRESSED
        or _share(asked, own_words) < LEAST_SHARE_BESIDE_ECHO
    ):
        found.append("it does not address the question")
    return found


def without_echo(text: str, question: str) -> str:
    """What a text says beside quoting the question: without all long runs of its words."""
    asked, shortest, runs = _runs_of(question)
    while True:
        said = list(map(str.casefold, _WORD.findall(text)))
        found = _longest_echo(said, asked, shortest, runs)
        if found is None:
            return text
        words = list(_WORD.finditer(text))
        start, end = words[found[0]].start(), words[found[1]].end()
        text = f"{text[:start]}\n{text[end:]}"


_Runs = Mapping[tuple[str, ...], Sequence[int]]


@lru_cache(maxsize=64)
def _runs_of(question: str) -> tuple[Sequence[str], int, _Runs]:
    """The words of a question, how many make an echo, and where each run of so many begins."""
    asked = tuple(map(str.casefold, _WORD.findall(question)))
    shortest = max(_SHORTEST_ECHO, -(-len(asked) // 3))
    runs: dict[tuple[str, ...], list[int]] = {}
    for at, run in enumerate(_windows(asked, shortest)):
        runs.setdefault(run, []).append(at)
    return asked, shortest, runs


def _windows(words: Sequence[str], length: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(length)), strict=False)


def _longest_echo(
    said: Sequence[str], asked: Sequence[str], shortest: int, runs: _Runs
) -> tuple[int, int] | None:
    """The first and last word of the longest run of the question's, the earliest of several."""
    if runs.keys().isdisjoint(_windows(said, shortest)):
        return None
    longest = (0, -1)
    for start, run in enumerate(_windows(said, shortest)):
        for at in runs.get(run, ()):
            if start and at and said[start - 1] == asked[at - 1]:
                continue
            size = shortest
            for one, other in zip(said[start + size :], asked[at + size :], strict=False):
                if one != other:
                    break
                size += 1
            if size > longest[1] - longest[0] + 1:
                longest = (start, start + size - 1)
    return longest


def substantial(question: str, actions: Sequence[str], costs: Sequence[Cost]) -> list[str]:
    """The distinct actions that say something about the user's services or their question."""
    found: dict[frozenset[str], str] = {}
    for action in actions:
        own_words = without_echo(action, question)
        words = re.findall(r"[^\W\d_]+", own_words.casefold())
        if len(words) < LEAST_ACTION_WORDS or len(own_words.strip()) < LEAST_ACTION_CHARACTERS:
            continue
        if names(own_words, costs) or _stems_asked(question) & stems(own_words):
            found.setdefault(frozenset(words), action)
    return list(found.values())


def _figure_flaw(answer: str, actions: Sequence[str], costs: Sequence[Cost]) -> str | None:
    """The largest cost is the first that is told with an amount, and no figure is foreign."""
    return _largest_flaw(answer, costs) or next(
        (flaw for text in (answer, *actions) if (flaw := foreign_figure(text, costs))), None
    )


def _largest_flaw(answer: str, costs: Sequence[Cost]) -> str | None:
    largest = max(costs, key=lambda cost: cost.amount)
    for sentence in sentences(answer):
        named = {service for _, service in names(sentence, costs)}
        if not named or not has_figures(sentence):
            continue
        if largest.service not in named:
            return f"it names another cost first than the largest, {largest.service}"
        if not states(sentence, largest):
            return f"it gives another amount for {largest.service} than the user's own"
        return None
    return f"it does not name the user's largest cost, {largest.service}, with its amount"


def _share(asked: frozenset[str], text: str) -> float:
    """The share of the question's words that a text takes up."""
    return len(asked & stems(text)) / len(asked) if asked else 1.0


@lru_cache(maxsize=64)
def _stems_asked(question: str) -> frozenset[str]:
    return frozenset(stems(question))


def stems(text: str) -> set[str]:
    """The words of a text that say something, cut to their stems."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return {
        word[:_STEM] for word in words if len(word) >= _SHORTEST_WORD and word not in _SAYS_NOTHING
    }
