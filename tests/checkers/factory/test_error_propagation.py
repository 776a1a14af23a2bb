"""What the check of factory.error_propagation makes of a history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gp_helpers.checkers.factory.error_propagation import check
from gp_helpers.history import Kind
from tests.checkers.factory.histories import Story, all_held, claim_of, findings, states

ERROR = {
    "code": "store_unavailable",
    "message": "The store cannot be used now.",
    "retryable": True,
    "correlation_id": "cor_1",
}
REFUSAL = {"refused": 503, "body": json.dumps({"error": ERROR})}


class Trial:
    """One mode, with everything as the contract says unless told otherwise."""

    def __init__(self, *, works: bool = True) -> None:
        self.told = Story()
        self.told.user("ada")
        self.told.add(
            Kind.EXPECTED, about="error contract", mode="factory", user="ada", budget_s=2.0
        )
        self.told.connect("ada", "old")
        control = self.told.ask("ada", "old", "control")
        self.told.answer("ada", "old", control, events=5 if works else 0)
        self.told.silence()

    def fault(
        self,
        *,
        error: Any = ERROR,
        connects: dict[str, Any] | None = None,
        close: int | None = None,
        silent: bool = True,
    ) -> None:
        self.told.add(Kind.CONTROL, what="hold the store's write lock")
        request_id = self.told.ask("ada", "old", "during")
        self.told.add(Kind.EXPECTED, about="connects during the fault", connects="ada")
        self.told.connect("ada", "during", **(REFUSAL if connects is None else connects))
        if error is not None:
            message = {"type": "error", "request_id": request_id, "data": error}
            self.told.receive("ada", "old", message, request_id=request_id)
        if close is not None:
            self.told.close("ada", "old", close, "them")
        if silent:
            self.told.silence()
        self.told.add(Kind.CONTROL, what="release the store's write lock")

    def again(self, *, greeted: int | None = None, events: int = 5, **reconnect: Any) -> Any:
        if greeted is not None:
            request_id = self.told.ask("ada", "during", "greeted connection")
            self.told.answer("ada", "during", request_id, events=greeted)
        self.told.add(Kind.EXPECTED, about="reconnects", reconnects="ada")
        self.told.connect("ada", "new", **reconnect)
        if not reconnect:
            self.told.answer(
                "ada", "new", self.told.ask("ada", "new", "new connection"), events=events
            )
        self.told.silence()
        return check(self.told.history)


def test_one_contract_for_everybody_holds() -> None:
    trial = Trial()
    trial.fault()
    judgement = trial.again()
    assert all_held(judgement)
    assert judgement.first_disagreement is None


def test_being_served_in_spite_of_the_fault_is_no_finding() -> None:
    trial = Trial()
    trial.fault(connects={})
    assert all_held(trial.again(greeted=5))


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (
            {"connects": {"refused": 500, "body": "Internal Server Error"}},
            "connecting in mode factory is answered with HTTP 500, without an error object",
        ),
        (
            {"connects": {"refused": 503, "body": json.dumps({"error": {"code": "x"}})}},
            "connecting in mode factory is answered with HTTP 503, without message, correlation_id",
        ),
        (
            {"error": {**ERROR, "retryable": False}},
            "asking in mode factory is answered with an error, as store_unavailable, not retryable",
        ),
        ({"error": None}, "asking in mode factory gets 0 of five events and no error, ever"),
        (
            {"error": None, "close": 1011},
            "asking in mode factory ends in close 1011, without an error",
        ),
    ],
)
def test_another_outcome_breaks_the_contract(fault: dict[str, Any], detail: str) -> None:
    trial = Trial()
    trial.fault(**fault)
    judgement = trial.again()
    assert findings(judgement) == {"FACTORY_ERROR_CONTRACT_BROKEN"}
    assert claim_of(judgement, "one_error_contract").detail == detail
    assert judgement.first_disagreement is not None


def test_a_greeting_that_is_never_followed_by_service_is_a_false_success() -> None:
    trial = Trial()
    trial.fault(connects={})
    detail = claim_of(trial.again(greeted=0), "one_error_contract").detail
    assert detail == (
        "connecting in mode factory is greeted as if all were well, and the connection never serves"
    )


def test_nothing_is_judged_where_it_did_not_work_without_the_fault() -> None:
    trial = Trial(works=False)
    trial.fault(error=None)
    found = states(trial.again(events=0))
    assert found["one_error_contract"] == found["work_resumes"] == "unobserved"


def test_no_answer_counts_only_after_silence() -> None:
    trial = Trial()
    trial.fault(error=None, silent=False)
    told = check(trial.told.history)
    assert states(told)["one_error_contract"] == "unobserved"


@pytest.mark.parametrize("after", [{"events": 2}, {"refused": 503}])
def test_work_that_does_not_resume_is_a_finding_of_its_own(after: dict[str, Any]) -> None:
    trial = Trial()
    trial.fault()
    assert findings(trial.again(**after)) == {"FACTORY_WORK_NOT_RESUMED"}
