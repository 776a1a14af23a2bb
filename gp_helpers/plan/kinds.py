"""What the plan is made of: suites, cases, thresholds and statements of value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Suite(StrEnum):
    """A suite of the plan; its value is the first part of its cases' ids."""

    AUTH = "auth"
    WEBSOCKET = "websocket"
    ROUTING = "routing"
    FACTORY = "factory"
    JOURNEY = "journey"


class Segment(StrEnum):
    """Who is affected."""

    ALL = "all user tiers"
    PAID = "paid tiers"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Value:
    """A case's statement of business value, in the plan's four parts."""

    segment: Segment
    goal: str
    impact: str
    strategic_impact: str

    def stated(self) -> dict[str, str]:
        """The four parts by their names, in the plan's order, as everything prints them."""
        return {
            "segment": self.segment.value,
            "goal": self.goal,
            "impact": self.impact,
            "strategic impact": self.strategic_impact,
        }


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit that the plan states."""

    id: str
    limit: float
    unit: str
    statement: str
    most: float | None = None
    """The largest limit that means something; None if there is none."""

    @property
    def bounds(self) -> dict[str, float]:
        """What another limit may be, in the words of JSON Schema; 0 only where the plan's is."""
        least = {"minimum" if self.limit == 0 else "exclusiveMinimum": 0.0}
        return least if self.most is None else {**least, "maximum": self.most}

    @property
    def allowed(self) -> str:
        """The same for people."""
        least = "0 or more" if self.limit == 0 else "more than 0"
        return least if self.most is None else f"{least}, at most {self.most:g}"

    def can_be(self, limit: float) -> bool:
        """Whether another limit is within the bounds."""
        is_enough = limit > 0 or limit == self.limit == 0
        return is_enough and (self.most is None or limit <= self.most)


@dataclass(frozen=True, slots=True)
class SuiteInfo:
    """What the plan says about a suite."""

    suite: Suite
    title: str
    category: str
    """The plan's category, ``integration`` or ``e2e``: the folder of its test file."""
    test_file: str
    notebook: str


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """What the plan says about a case."""

    id: str
    test_name: str
    title: str
    hypothesis: str
    expected_symptom: str
    value: Value
    thresholds: tuple[str, ...]

    @property
    def suite(self) -> Suite:
        """The suite that the case belongs to."""
        return Suite(self.id.split(".", 1)[0])

    @property
    def average_threshold(self) -> str:
        """The threshold that the average over its trials is held against."""
        return "case_seconds_mean" if "case_seconds" in self.thresholds else "journey_seconds"


class UnknownNameError(ValueError):
    """A case, suite or threshold that the plan does not have was asked for."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
        super().__init__(f"unknown {what} {name!r}; {hint}")
        self.name = name
        self.known = known
