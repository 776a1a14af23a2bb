"""auth.error_amplification: every innocent request is served after at most one honest retry."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.faults import faults_were_felt
from gp_helpers.history import History, Kind

FAULTS = {"auth is slow once": ("auth_hop",), "auth answers 503 once": ("auth_hop",)}
"""By name, the abilities without which a fault cannot be put."""


def check(history: History) -> Judgement:
    """The blast radius: who lost a request, and who was told that a good token is bad."""
    served = Observed(
        "innocents_served",
        "every innocent request succeeds after at most one retry that honours Retry-After",
        "AUTH_INNOCENT_REQUEST_LOST",
    )
    honest = Observed(
        "nobody_told_unauthorized",
        "nobody with a good token is told that it is bad",
        "AUTH_TRANSIENT_REPORTED_AS_UNAUTHORIZED",
    )
    refused = Observed(
        "dead_token_refused",
        "the revoked token is refused each time",
        "AUTH_REVOKED_TOKEN_ACCEPTED",
    )
    expected = [entry for entry in history.of(Kind.EXPECTED) if "work" in entry.data]
    served.expected = honest.expected = max(len(expected), 1)
    decisions = [entry for entry in history.of(Kind.DECISION) if entry.step != "components"]
    lost_at: list[float] = []
    disagreement = None
    for work in expected:
        answers = [entry for entry in decisions if entry.data.get("work") == work.seq]
        if not answers or any(entry.data["status"] is None for entry in answers):
            served.unobserved(f"no answer to {work.data['work']} {work.data['when']}")
            honest.unobserved(f"no answer to {work.data['work']} {work.data['when']}")
            continue
        who = f"{work.data['work']}, {work.data['when']}"
        is_served = bool(answers[-1].data["accepted"])
        if not is_served:
            lost_at += [answers[0].t, answers[-1].t]
        served.test(is_served, f"{who}: {answers[-1].data['status']} after the retry", *answers)
        told = [entry for entry in answers if entry.data["status"] in (401, 403)]
        honest.test(
            not told,
            f"{who}: {told[0].data['status'] if told else ''} for a good token",
            *(told or answers),
        )
        if told and disagreement is None:
            disagreement = Disagreement(
                work.seq,
                told[0].seq,
                f"the auth service issued {work.data['work']}'s token, the backend answers "
                f"{told[0].data['status']}",
            )
    for entry in decisions:
        if entry.data["about"] == "revoked" and entry.data["status"] is not None:
            refused.test(not entry.data["accepted"], "the revoked token is accepted", entry)
    served.measured["innocent_requests"] = len(expected)
    served.measured["lost_requests"] = len(lost_at) // 2
    if lost_at:
        served.measured["outage_s"] = round(max(lost_at) - min(lost_at), 3)
    felt = faults_were_felt(history, FAULTS)
    return Judgement((served.claim(), honest.claim(), refused.claim(), felt.claim()), disagreement)
