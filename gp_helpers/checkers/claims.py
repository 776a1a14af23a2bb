"""Claims and verdicts: what a check says about a history, and what follows from it.

A claim is held, violated or unobserved. Nothing is a pass unless something was observed: a claim
without entries that it rests on cannot be held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gp_helpers.history import Entry

NOT_OBSERVED = "not observed here: "
"""What a pass leaves open, in its reason."""


class ClaimState(StrEnum):
    """How a claim stands."""

    HELD = "held"
    VIOLATED = "violated"
    UNOBSERVED = "unobserved"


class Outcome(StrEnum):
    """The verdict of a trial or a case."""

    PASS = "pass"
    """Every claim that this kind of target requires was observed to hold."""
    FAIL = "fail"
    """A claim is violated."""
    INCONCLUSIVE = "inconclusive"
    """Some required claim was not observed."""
    ERROR = "error"
    """The workbook or the embedded platform broke."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about a history."""

    name: str
    statement: str
    state: ClaimState
    entries: tuple[int, ...] = ()
    """Sequence numbers of the entries that it rests on."""
    finding: str | None = None
    """The finding code, where it is violated."""
    detail: str = ""
    """What was seen, or why nothing was."""
    measured: Mapping[str, float] = field(default_factory=dict)
    threshold: str | None = None
    """The id of the plan's threshold that was applied."""

    def to_json(self) -> dict[str, Any]:
        """The claim as plain JSON."""
        return {
            "name": self.name,
            "statement": self.statement,
            "state": self.state.value,
            "entries": list(self.entries),
            "finding": self.finding,
            "detail": self.detail,
            "measured": dict(self.measured),
            "threshold": self.threshold,
        }


def sequence_numbers(entries: Iterable[Entry | int]) -> tuple[int, ...]:
    """The sequence numbers of entries, each once, in order."""
    return tuple(sorted({entry if isinstance(entry, int) else entry.seq for entry in entries}))


@dataclass
class Observed:
    """Collects what was seen about one claim, and makes the claim.

    Violations win over support; without either the claim is unobserved. ``expected`` is how many
    observations the claim needs before it can be held (a probe that drops some of what it sees must
    not end in a pass).
    """

    name: str
    statement: str
    finding: str
    expected: int = 1
    threshold: str | None = None
    supported_by: list[Entry | int] = field(default_factory=list)
    observations: int = 0
    violations: list[tuple[tuple[Entry | int, ...], str]] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def holds(self, *entries: Entry | int) -> None:
        """One observation that supports the claim."""
        self.observations += 1
        self.supported_by.extend(entries)

    def violated(self, detail: str, *entries: Entry | int) -> None:
        """One observation that contradicts the claim."""
        self.observations += 1
        self.violations.append((entries, detail))

    def unobserved(self, reason: str) -> None:
        """Something that should have been seen was not."""
        self.missing.append(reason)

    def test(self, condition: bool, detail: str, *entries: Entry | int) -> None:
        """One observation, for or against."""
        if condition:
            self.holds(*entries)
        else:
            self.violated(detail, *entries)

    def claim(self) -> Claim:
        """The claim as it stands."""
        if self.violations:
            details = list(dict.fromkeys(detail for _, detail in self.violations))
            more = f" (and {len(details) - 3} more)" if len(details) > 3 else ""
            entries = sequence_numbers(e for found, _ in self.violations for e in found)
            return Claim(
                self.name,
                self.statement,
                ClaimState.VIOLATED,
                entries,
                self.finding,
                "; ".join(details[:3]) + more,
                dict(self.measured),
                self.threshold,
            )
        entries = sequence_numbers(self.supported_by)
        if self.missing or self.observations < self.expected or not entries:
            reasons = list(dict.fromkeys(self.missing))
            if self.observations < self.expected:
                reasons.append(f"{self.observations} of {self.expected} observations were made")
            return Claim(
                self.name,
                self.statement,
                ClaimState.UNOBSERVED,
                entries,
                None,
                "; ".join(reasons) or "nothing was observed",
                dict(self.measured),
                self.threshold,
            )
        return Claim(
            self.name,
            self.statement,
            ClaimState.HELD,
            entries,
            None,
            f"{self.observations} observation{'s' if self.observations != 1 else ''}",
            dict(self.measured),
            self.threshold,
        )


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The first place in one history where two components contradict each other."""

    left: int
    right: int
    """Sequence numbers of the two entries."""
    description: str

    def to_json(self) -> dict[str, Any]:
        """The disagreement as plain JSON."""
        return {"left": self.left, "right": self.right, "description": self.description}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check returns: claims, and where components first disagreed."""

    claims: tuple[Claim, ...]
    first_disagreement: Disagreement | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one trial shows."""

    case: str
    outcome: Outcome
    reason: str
    claims: tuple[Claim, ...] = ()
    first_disagreement: Disagreement | None = None
    seconds: float = 0.0

    @property
    def findings(self) -> tuple[str, ...]:
        """The finding codes of violated claims, each once, in order."""
        return tuple(
            dict.fromkeys(
                claim.finding
                for claim in self.claims
                if claim.state is ClaimState.VIOLATED and claim.finding
            )
        )

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {
            "case": self.case,
            "outcome": self.outcome.value,
            "findings": list(self.findings),
            "reason": self.reason,
            "seconds": round(self.seconds, 4),
            "claims": [claim.to_json() for claim in self.claims],
            "first_disagreement": (
                self.first_disagreement.to_json() if self.first_disagreement else None
            ),
        }


def unobserved(name: str, statement: str, reason: str) -> Claim:
    """A claim about which nothing was seen."""
    return Claim(name, statement, ClaimState.UNOBSERVED, detail=reason)


def outcome_of(claims: Sequence[Claim], optional: frozenset[str]) -> tuple[Outcome, str]:
    """The outcome of claims, and its reason; ``optional`` claims may stay unobserved."""
    violated = [claim for claim in claims if claim.state is ClaimState.VIOLATED]
    if violated:
        return Outcome.FAIL, "; ".join(f"{claim.finding}: {claim.detail}" for claim in violated)
    missing = [
        claim
        for claim in claims
        if claim.state is ClaimState.UNOBSERVED and claim.name not in optional
    ]
    if missing:
        return (
            Outcome.INCONCLUSIVE,
            "; ".join(f"{claim.name} was not observed: {claim.detail}" for claim in missing),
        )
    held = [claim for claim in claims if claim.state is ClaimState.HELD]
    if not held:
        return Outcome.INCONCLUSIVE, "nothing was observed"
    left_open = [claim.name for claim in claims if claim.state is ClaimState.UNOBSERVED]
    told = f"; {NOT_OBSERVED}{', '.join(left_open)}" if left_open else ""
    return Outcome.PASS, f"{len(held)} claims held{told}"
