"""websocket.cloud_run_timeout: quiet connections live as told; accepted questions are answered."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import answered, questions
from gp_helpers.checkers.faults import faults_were_felt
from gp_helpers.history import History, Kind

ANNOUNCED_CODES = (1001, 1012)


def check(history: History) -> Judgement:
    """The quiet connection, then the question whose connection ended."""
    quiet = Observed(
        "quiet_connection_lives",
        "an idle connection is not cut inside the lifetime that it was told",
        "WS_IDLE_CONNECTION_CUT",
    )
    answers = answered(
        questions(history),
        "WS_ANSWER_LOST_AFTER_CUT",
        name="answer_survives_the_cut",
        statement="a question that was accepted ends with its answer, after reconnecting, once",
    )
    disagreement = None
    for expected in (e for e in history.of(Kind.EXPECTED) if "quiet" in e.data):
        label = expected.data["quiet"]
        measured = [e for e in history.of(Kind.MEASURED) if e.data.get("quiet") == label]
        told = expected.data["lifetime_s"]
        if told is None or not measured:
            quiet.unobserved("the connection was not told how long it lives, or not watched")
            continue
        open_s = measured[-1].data["value"]
        quiet.measured |= {"told_s": told, "open_s": open_s}
        cut = [
            e
            for e in history.of(Kind.WS_CLOSED)
            if e.subject == label and e.data["by"] != "us" and e.seq < measured[-1].seq
        ]
        is_cut = bool(cut) and open_s < told and cut[0].data["code"] not in ANNOUNCED_CODES
        quiet.test(
            not is_cut,
            f"told to live {told:g} s, cut after {open_s:g} s with "
            f"{cut[0].data['code'] if cut else ''}",
            expected,
            measured[-1],
            *cut,
        )
        if is_cut:
            disagreement = Disagreement(
                expected.seq,
                cut[0].seq,
                f"the gateway promises {told:g} s, what stands in front cuts after {open_s:g} s",
            )
    claims = [quiet.claim(), answers.claim()]
    if history.header.get("kind") == "asgi":
        claims.append(faults_were_felt(history, {"cut": ("model_hop",)}).claim())
    return Judgement(tuple(claims), disagreement)
