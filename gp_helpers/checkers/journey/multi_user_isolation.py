"""journey.multi_user_isolation: everybody completes, in time, and sees nothing of anybody else."""

from __future__ import annotations

from statistics import fmean

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.connections import connected
from gp_helpers.checkers.delivery import (
    five_events,
    no_foreign_canary,
    own_events,
    people,
    questions,
)
from gp_helpers.checkers.journey.answers import grounded, replies
from gp_helpers.checkers.judging import threshold
from gp_helpers.history import Entry, History, Kind

FOREIGN = "JOURNEY_FOREIGN_ANSWER"


def check(history: History) -> Judgement:
    """Complete, own, grounded, and fast enough."""
    expected = [e for e in history.of(Kind.EXPECTED) if "journeys" in e.data]
    users = [str(label) for e in expected[-1:] for label in e.data["journeys"]]
    asked = questions(history)
    complete = five_events(
        asked,
        "JOURNEY_USER_INCOMPLETE",
        name="everybody_completes",
        statement="every user gets the five events of their question, in order, exactly once",
    )
    complete.expected = max(len(users), 1)
    complete.measured["users"] = len(users)
    if len(users) < min(3, threshold(history, "concurrent_users")):
        complete.unobserved(f"{len(users)} users at once are too few")
    foreign = no_foreign_canary(history, FOREIGN)
    claims = (
        connected(history, users).claim(),
        complete.claim(),
        foreign.claim(),
        own_events(history, "JOURNEY_FOREIGN_EVENT").claim(),
        grounded(history, asked).claim(),
        _in_time(history, users).claim(),
    )
    return Judgement(claims, _first_foreign(history, foreign))


def _in_time(history: History, users: list[str]) -> Observed:
    limit = threshold(history, "user_seconds")
    claim = Observed(
        "users_in_time",
        f"a user's journey, from registering to the answer, takes under {limit:g} s on average",
        "JOURNEY_USER_TOO_SLOW",
        threshold="user_seconds",
    )
    seconds: list[float] = []
    basis: list[Entry] = []
    for user in users:
        answers = [
            e
            for e in history.of(Kind.WS_RECEIVED, actor=user)
            if "agent_completed" in e.data.get("events", ())
        ]
        if answers:
            seconds.append(_seconds_in_steps(history, user, answers[0]))
            basis.append(answers[0])
    if seconds:
        claim.measured |= {"mean_s": round(fmean(seconds), 3), "most_s": round(max(seconds), 3)}
        claim.test(
            fmean(seconds) < limit,
            f"{fmean(seconds):.1f} s on average for {len(seconds)} users, allowed {limit:g} s",
            *basis,
        )
    if len(seconds) < len(users):
        claim.unobserved(f"{len(users) - len(seconds)} users have no answer")
    return claim


def _seconds_in_steps(history: History, user: str, answer: Entry) -> float:
    """The user's time up to the answer, without what lies between two steps."""
    total = 0.0
    for began in history.of(Kind.STEP_STARTED):
        own = [
            e
            for e in history.of(Kind.REQUEST, Kind.RESPONSE, Kind.WS_RECEIVED, actor=user)
            if e.step == began.step and e.seq <= answer.seq
        ]
        if own:
            total += own[-1].t - began.t
    return total


def _first_foreign(history: History, foreign: Observed) -> Disagreement | None:
    """What a user's own figures say, and the first answer that says something else."""
    for entries, detail in foreign.violations:
        entry = entries[0]
        if isinstance(entry, Entry) and entry.actor in people(history):
            own = replies(history, "read billing", actor=entry.actor)
            if own:
                return Disagreement(own[-1].seq, entry.seq, f"{detail} in an answer of their own")
    return None
