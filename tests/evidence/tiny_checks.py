"""One small check for every case: the answer is 200. Stands in the place of the suites' modules."""

from gp_helpers.checkers import Disagreement, Judgement, Observed
from gp_helpers.history import History, Kind
from gp_helpers.plan import CASES

FINDING = "NOT_ANSWERED"


def check(history: History) -> Judgement:
    answered = Observed("answered", "every request is answered with 200", FINDING)
    disagreement = None
    for entry in history.of(Kind.RESPONSE):
        if entry.data.get("ms") is None:
            continue
        answered.test(entry.data["status"] == 200, f"status {entry.data['status']}", entry)
        answered.measured["slowest_ms"] = max(
            answered.measured.get("slowest_ms", 0.0), entry.data["ms"]
        )
        if entry.data["status"] != 200 and disagreement is None:
            disagreement = Disagreement(
                entry.data["request"], entry.seq, "ada asks, and the platform says no"
            )
    return Judgement((answered.claim(),), disagreement)


CHECKS = dict.fromkeys(CASES, check)
