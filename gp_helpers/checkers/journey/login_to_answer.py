"""journey.login_to_answer: a claim for each stage, from the log-in to the dead token."""

from __future__ import annotations

from gp_helpers.checkers.claims import Claim, Disagreement, Judgement, Observed
from gp_helpers.checkers.connections import connected
from gp_helpers.checkers.delivery import five_events, own_events, questions
from gp_helpers.checkers.journey.answers import grounded, replies, stored_once
from gp_helpers.history import Entry, History, Kind


def check(history: History) -> Judgement:
    """Logged in, connected, five events of one's own, grounded, stored, logged out."""
    journeys = [entry for entry in history.of(Kind.EXPECTED) if "journey" in entry.data]
    person = str(journeys[-1].data["journey"]) if journeys else ""
    asked = questions(history)
    answer = grounded(history, asked)
    claims = (
        _logged_in(history, person).claim(),
        connected(history, [person] if person else []).claim(),
        five_events(asked, "JOURNEY_EVENTS_INCOMPLETE").claim(),
        own_events(history, "JOURNEY_FOREIGN_EVENT").claim(),
        answer.claim(),
        stored_once(history, asked, "JOURNEY_CONVERSATION_LOST", person=person).claim(),
        _logged_out(history).claim(),
    )
    return Judgement(claims, _green_beside_a_failure(history, person, claims))


def _logged_in(history: History, person: str) -> Observed:
    claim = Observed("logged_in", "who registers can log in", "JOURNEY_LOGIN_FAILED")
    for entry in replies(history, "log in", actor=person or None):
        status = entry.data["status"]
        claim.test(200 <= status < 300, f"logging in was answered with {status}", entry)
    return claim


def _logged_out(history: History) -> Observed:
    claim = Observed(
        "token_is_dead",
        "after logging out every validator refuses the token",
        "JOURNEY_TOKEN_ALIVE",
        expected=0,
    )
    for expected in (e for e in history.of(Kind.EXPECTED) if "refused_by" in e.data):
        for validator in expected.data["refused_by"]:
            claim.expected += 1
            said = [
                e
                for e in history.of(Kind.DECISION)
                if e.data["about"] == "after log-out" and e.data["decider"] == validator
            ]
            if not said or said[-1].data["accepted"] is None:
                claim.unobserved(f"{validator} did not decide about the token")
            else:
                claim.test(
                    not said[-1].data["accepted"],
                    f"{validator} accepts the token after logging out",
                    said[-1],
                    expected,
                )
    claim.expected = max(claim.expected, 1)
    return claim


def _green_beside_a_failure(
    history: History, person: str, claims: tuple[Claim, ...]
) -> Disagreement | None:
    """The last health endpoint that was green during the journey, and the stage that failed."""
    failed = [claim for claim in claims if claim.finding]
    asked = {
        entry.seq
        for entry in _own(history, person, Kind.REQUEST)
        if str(entry.data["purpose"]).startswith("health of")
    }
    green = [
        entry
        for entry in _own(history, person, Kind.RESPONSE)
        if entry.data["status"] == 200 and entry.data["request"] in asked
    ]
    if not failed or not green:
        return None
    return Disagreement(
        green[-1].seq,
        failed[0].entries[-1],
        f"{len(green)} health endpoints answer 200 while the journey fails: {failed[0].detail}",
    )


def _own(history: History, person: str, kind: Kind) -> list[Entry]:
    return history.of(kind, actor=person) if person else []
