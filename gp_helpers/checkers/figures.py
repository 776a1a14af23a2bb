"""Whose figures a text states: each amount beside a service has to be that service's own.

Pure. Beside services, only figures that follow from the user's own costs may stand (their total,
tenths of it as budgets are set, sums of the largest, differences, shares); anywhere else a figure
has to be one of these or one of the user's amounts, unless it is a plain number as dates and counts
are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

_CURRENCY = r"(?:USD|EUR|GBP|CHF|dollars?|euros?|pounds?|[$€£])"
_NUMBER = re.compile(
    rf"(?P<before>{_CURRENCY}\s?)?(?<![\d.,])(?P<number>\d[\d,'\u00a0\u202f]*(?:\.\d+)?)"
    rf"(?P<after>\s?(?:%|percent\b|{_CURRENCY}))?",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_NO_FIGURE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}:\d{2}\b|\b[^\W\d_]+\d+\b(?!\.\d)")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n")
_GROUPING = re.compile(r"[,'\u00a0\u202f]")
_TOLERANCE = 0.0051
"""Half a cent, and what floating point adds to it."""
_PLAIN_BESIDE_A_SERVICE = 100
_PLAIN_ELSEWHERE = 1000
_YEARS = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Cost:
    """One of a user's own costs."""

    service: str
    amount: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a text, and where it stands."""

    value: float
    decimals: int
    is_share: bool
    has_currency: bool
    start: int

    def is_plain(self, below: int) -> bool:
        """Whether it may be a count or a date as well."""
        return not (self.decimals or self.is_share or self.has_currency) and self.value < below


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


@lru_cache(maxsize=64)
def figures_in(text: str) -> tuple[Figure, ...]:
    """The numbers of a text; those of dates, clock times and names with digits are none."""
    return tuple(_figures(text))


def _figures(text: str) -> Iterator[Figure]:
    if _DIGIT.search(text) is None:
        return
    for match in _NUMBER.finditer(_NO_FIGURE.sub(lambda found: " " * len(found[0]), text)):
        number = _GROUPING.sub("", match["number"])
        after = (match["after"] or "").strip().casefold()
        is_share = after in ("%", "percent")
        yield Figure(
            float(number),
            len(number.partition(".")[2]),
            is_share,
            match["before"] is not None or bool(after and not is_share),
            match.start("number"),
        )


def has_figures(text: str) -> bool:
    """Whether a sentence about services states more than plain numbers."""
    return any(not one.is_plain(_PLAIN_BESIDE_A_SERVICE) for one in figures_in(text))


def states(text: str, cost: Cost) -> bool:
    """Whether a sentence states this cost's amount."""
    return any(not one.is_share and _is(one.value, cost.amount) for one in figures_in(text))


def names(text: str, costs: Sequence[Cost]) -> list[tuple[int, str]]:
    """Where a text names services of the user, in order; of overlapping names the longest."""
    found: list[tuple[int, str]] = []
    left = _folded(text)
    for service, folded, pattern in _longest_first(tuple(cost.service for cost in costs)):
        if folded not in left:
            continue
        found += [(match.start(), service) for match in pattern.finditer(left)]
        left = pattern.sub(lambda match: "\0" * len(match[0]), left)
    return sorted(found)


def _folded(text: str) -> str:
    """A text without regard to case, each character where it was; some would grow."""
    return "".join(folded if len(folded := one.casefold()) == 1 else one for one in text)


@lru_cache(maxsize=64)
def _longest_first(services: tuple[str, ...]) -> list[tuple[str, str, re.Pattern[str]]]:
    """Services with what finds them in folded text, the longest name first."""
    sorted_ones = sorted(dict.fromkeys(services), key=len, reverse=True)
    folded = [(one, _folded(one)) for one in sorted_ones]
    return [(one, told, re.compile(rf"(?<!\w){re.escape(told)}(?!\w)")) for one, told in folded]


def foreign_figure(text: str, costs: Sequence[Cost]) -> str | None:
    """The first figure of a text that is not the user's own, told as a flaw."""
    for sentence in sentences(text):
        named = names(sentence, costs)
        if not named:
            for one in figures_in(sentence):
                if not _is_own_or_plain(one, costs):
                    return f"it states {_shown(one)}, which is none of the user's own figures"
            continue
        figures = [one for one in figures_in(sentence) if not one.is_plain(_PLAIN_BESIDE_A_SERVICE)]
        after = _first_foreign(figures, named, costs, amounts_follow=True)
        if after is not None and _first_foreign(figures, named, costs, amounts_follow=False):
            return after
    return None


def _first_foreign(
    figures: Sequence[Figure],
    named: Sequence[tuple[int, str]],
    costs: Sequence[Cost],
    *,
    amounts_follow: bool,
) -> str | None:
    """The first figure that is foreign where all amounts follow their services, or none does."""
    for one in figures:
        earlier = [service for at, service in named if at < one.start]
        later = [service for at, service in named if at > one.start]
        order = (earlier[-1:], later[:1]) if amounts_follow else (later[:1], earlier[-1:])
        service = next(found[0] for found in order if found)
        if not _fits(one, service, costs):
            return f"it gives another amount for {service} than the user's own"
    return None


def _fits(one: Figure, service: str, costs: Sequence[Cost]) -> bool:
    own = [cost for cost in costs if cost.service == service]
    if one.is_share:
        return _is_share(one, own, costs)
    return any(_is(one.value, c.amount) for c in own) or _is_derived(one, costs)


def _is_own_or_plain(one: Figure, costs: Sequence[Cost]) -> bool:
    if one.is_plain(_PLAIN_ELSEWHERE) or (one.is_plain(_YEARS.stop) and one.value in _YEARS):
        return True
    if one.is_share:
        return not one.decimals or _is_share(one, costs, costs)
    return any(_is(one.value, c.amount) for c in costs) or _is_derived(one, costs)


def _is_derived(one: Figure, costs: Sequence[Cost]) -> bool:
    return any(_is(one.value, value) for value in derived(tuple(cost.amount for cost in costs)))


@lru_cache(maxsize=64)
def derived(own: tuple[float, ...]) -> list[float]:
    """What follows from amounts: tenths of their total and all of it, sums of the largest, and
    differences.
    """
    amounts = sorted(own, reverse=True)
    total = sum(amounts)
    return [
        *(total * tenths / 10 for tenths in range(1, 11)),
        *(sum(amounts[:count]) for count in range(2, len(amounts))),
        *(more - less for more, less in combinations(amounts, 2)),
    ]


def _is_share(one: Figure, of: Sequence[Cost], costs: Sequence[Cost]) -> bool:
    total = sum(cost.amount for cost in costs)
    rounding = 0.5 * 10**-one.decimals + 1e-6
    return total > 0 and any(abs(one.value - 100 * c.amount / total) <= rounding for c in of)


def _is(value: float, own: float) -> bool:
    return abs(value - own) < _TOLERANCE


def _shown(one: Figure) -> str:
    return f"{one.value:.{one.decimals}f}{' %' if one.is_share else ''}"
