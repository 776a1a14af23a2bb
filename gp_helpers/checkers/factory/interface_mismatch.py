"""factory.interface_mismatch: what is advertised can be assembled, and every factory fits."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import Question, five_events, questions
from gp_helpers.checkers.factory.openings import Opening, opening_after
from gp_helpers.history import Entry, History, Kind

UNUSABLE = "FACTORY_MODE_UNUSABLE"
MISFIT = "FACTORY_DOES_NOT_FIT"
CONTRACT_CHECKS = ("signature", "assembly")
NOT_ABOUT_THE_MODE = (None, 401, 403, 429, 503)
"""Handshakes that were refused for who asked or for when; None: no answer at all."""


def check(history: History) -> Judgement:
    """Every advertised mode completes a journey; every factory passes both contract checks."""
    usable = Observed("modes_usable", "every advertised mode answers a question", UNUSABLE)
    attempts = [entry for entry in history.of(Kind.EXPECTED) if "mode" in entry.data]
    advertised = [entry for entry in history.of(Kind.EXPECTED) if "advertised" in entry.data]
    modes = advertised[-1].data["advertised"] if advertised else []
    usable.expected = max(len(modes), 1)
    disagreement = None
    for expected in attempts:
        mode = expected.data["mode"]
        opening = opening_after(history, expected)
        asked = questions(history, about=[f"in mode {mode}"])
        problem, basis = _outcome(opening, asked[0] if asked else None)
        if problem is None:
            usable.unobserved(f"mode {mode} could not be tried to its end")
            continue
        usable.test(not problem, f"mode {mode} {problem}", expected, *basis)
        if problem and disagreement is None:
            said = _advertisement(history) or advertised[-1]
            disagreement = Disagreement(
                said.seq, basis[-1].seq, f"mode {mode} is advertised; it {problem}"
            )
    usable.measured["advertised"] = len(modes)
    usable.measured["unusable"] = len(usable.violations)
    return Judgement((usable.claim(), _fit(history).claim()), disagreement)


def _outcome(
    opening: Opening | None, question: Question | None
) -> tuple[str | None, tuple[Entry, ...]]:
    """The problem of a mode (empty: none; None: unknown), and the entries that show it."""
    if opening is None:
        return None, ()
    if opening.refused is not None:
        status = opening.refused.data["status"]
        if status in NOT_ABOUT_THE_MODE:
            return None, opening.entries
        return f"answers {status} at the handshake", opening.entries
    if opening.opened is None or question is None:
        return None, ()
    claim = five_events([question], UNUSABLE)
    if not claim.violations:
        return ("" if claim.observations else None), (*opening.entries, *question.received)
    entries = (*opening.entries, *question.received)
    if opening.closed is not None and opening.closed.data["by"] != "us":
        return f"closes with {opening.closed.data['code']} at the first question", entries
    return f"leaves its question with {len(question.events)} of five events", entries


def _fit(history: History) -> Observed:
    claim = Observed(
        "factories_fit",
        "every factory fits the contract, by its signature and by assembling a product",
        MISFIT,
    )
    for reading in history.of(Kind.READING):
        for row in reading.data.get("conformance", ()):
            if row["check"] in CONTRACT_CHECKS:
                claim.test(
                    row["problem"] is None,
                    f"{row['factory']} {row['role']} factory, {row['check']}: {row['problem']}",
                    reading,
                )
    return claim


def _advertisement(history: History) -> Entry | None:
    """The platform's answer that names the modes."""
    requests = {
        entry.seq
        for entry in history.of(Kind.REQUEST)
        if entry.data.get("purpose") == "read the advertised modes"
    }
    return next((e for e in history.of(Kind.RESPONSE) if e.data.get("request") in requests), None)
