"""websocket.cleanup_race: served after reconnecting, nothing missed, nothing left behind."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import five_events, questions
from gp_helpers.history import History, Kind


def check(history: History) -> Judgement:
    """Three questions (before, away, after), and the resources at both ends."""
    before = five_events(
        questions(history, about=["before"]),
        "WS_CONTROL_NOT_SERVED",
        name="served_before",
        statement="a question before the drop gets its five events",
    )
    away = five_events(
        questions(history, about=["away"]),
        "WS_MESSAGES_LOST_WHILE_AWAY",
        name="nothing_missed",
        statement="what was sent while nobody was connected is delivered after reconnecting, once",
    )
    after_questions = questions(history, about=["after"])
    after = five_events(
        after_questions,
        "WS_EVENTS_LOST_AFTER_RECONNECT",
        name="served_after",
        statement="a question after reconnecting gets its five events, in order, exactly once",
    )
    left = _nothing_left(history)
    claim = after.claim()
    disagreement = None
    opened = history.of(Kind.WS_OPENED)
    if claim.finding and opened and after_questions and after_questions[0].settled:
        disagreement = Disagreement(
            opened[-1].seq,
            after_questions[0].settled.seq,
            "the gateway says that the new connection is open, its registry has nobody there",
        )
    return Judgement((before.claim(), away.claim(), claim, left.claim()), disagreement)


def _nothing_left(history: History) -> Observed:
    claim = Observed(
        "nothing_left_behind",
        "registry and handlers return to their baseline when all connections are gone",
        "WS_HANDLERS_LEFT_BEHIND",
    )
    readings = [entry for entry in history.of(Kind.READING) if "resources" in entry.data]
    baseline = {e.subject: e for e in readings if e.data["resources"] == "baseline"}
    for end in (entry for entry in readings if entry.data["resources"] == "end"):
        start = baseline.get(end.subject)
        if start is None:
            continue
        for what, value, reference in (
            ("handlers", end.data["handlers"], start.data["handlers"]),
            (
                "registered connections",
                end.data["registry"]["connections"],
                start.data["registry"]["connections"],
            ),
        ):
            claim.measured[what] = value - reference
            claim.test(
                value == reference,
                f"{value - reference:+d} {what} at {end.subject} after everybody left",
                start,
                end,
            )
    return claim
