"""Hand-made histories for the checks of the journey suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gp_helpers.checkers import Claim, ClaimState, Judgement
from gp_helpers.history import Entry, History, Kind, Recorder, Redactor
from gp_helpers.parameters.description import EVENTS

QUESTION = "What is my largest cost this month, and what matters about it before our yearly audit?"
COSTS: Mapping[str, list[dict[str, Any]]] = {
    "ada": [{"service": "BigQuery", "amount": 812.5}, {"service": "Cloud SQL", "amount": 4310.75}],
    "ben": [{"service": "BigQuery", "amount": 99.1}, {"service": "Cloud Run", "amount": 7204.2}],
    "cleo": [{"service": "Pub/Sub", "amount": 60.0}, {"service": "Cloud SQL", "amount": 41.0}],
}
ACTIONS = (
    "look at what matters in it before the audit",
    "set a budget alert at the largest cost of a month",
)


def answer_for(label: str, question: str = QUESTION) -> str:
    """A grounded answer."""
    largest = max(COSTS[label], key=lambda cost: float(cost["amount"]))
    return (
        f"You asked: {question}\nYour largest cost this month is {largest['service']} in project "
        f"canary-{label}: {largest['amount']:.2f} USD."
    )


class Story:
    """Records what a trial might have done and seen."""

    def __init__(self, case: str, **header: Any) -> None:
        self._recorder = Recorder(None, Redactor())
        self._recorder.start(case=case, **header)

    @property
    def history(self) -> History:
        return self._recorder.history

    def add(self, kind: Kind, actor: str = "lab", subject: str = "", **data: Any) -> Entry:
        return self._recorder.add(kind, actor, subject, **data)

    def step(self, name: str) -> None:
        self._recorder.step = name
        self.add(Kind.STEP_STARTED, "lab", name)

    def user(self, label: str) -> None:
        self.add(Kind.USER, label, user_id=f"usr_{label}", canary=f"canary-{label}")

    def exchange(self, label: str, purpose: str, status: int = 200, body: Any = None) -> Entry:
        asked = self.add(Kind.REQUEST, label, purpose=purpose)
        return self.add(Kind.RESPONSE, label, request=asked.seq, status=status, body=body)

    def billing(self, label: str) -> Entry:
        return self.exchange(label, "read billing", body={"items": COSTS[label]})

    def connect(self, label: str, socket: str = "ws", *, refused: int | None = None) -> None:
        self.add(Kind.WS_OPENING, label, socket)
        if refused is not None:
            self.add(Kind.WS_REFUSED, label, socket, status=refused)
            return
        self.add(Kind.WS_OPENED, label, socket)
        self.add(Kind.WS_RECEIVED, label, socket, message={}, is_ready=True)

    def ask(self, label: str, about: str = "question", text: str = QUESTION) -> str:
        request_id = f"req-{label}-{about}"
        self.add(Kind.EXPECTED, label, request_id, about=about, question=request_id, text=text)
        self.send(label, request_id)
        return request_id

    def send(self, label: str, request_id: str) -> Entry:
        return self.add(Kind.WS_SENT, label, "ws", message={}, request_id=request_id)

    def events(
        self,
        label: str,
        request_id: str,
        names: Sequence[str] = EVENTS,
        *,
        answer: str | None = None,
        actions: Sequence[str] = ACTIONS,
    ) -> None:
        for name in names:
            data: dict[str, Any] = {}
            if name == "agent_completed":
                text = answer_for(label) if answer is None else answer
                data = {"result": text, "recommendations": list(actions)}
            self.add(
                Kind.WS_RECEIVED, label, "ws", message={"type": name, "data": data},
                events=[name], request_id=request_id, owner=f"usr_{label}",
            )  # fmt: skip

    def error(self, label: str, request_id: str) -> None:
        self.add(
            Kind.WS_RECEIVED, label, "ws", message={"type": "error"}, events=[],
            request_id=request_id, is_error=True,
        )  # fmt: skip

    def silence(self) -> None:
        self.add(Kind.SILENCE, proven=True, rests_on=[], pongs=0)

    def note_answer(self, label: str, request_id: str) -> None:
        completed = [
            entry
            for entry in self.history.of(Kind.WS_RECEIVED, actor=label)
            if entry.data.get("request_id") == request_id
            and "agent_completed" in entry.data["events"]
        ]
        text = completed[-1].data["message"]["data"]["result"] if completed else ""
        self.add(
            Kind.MEASURED, label, request_id, quantity="answer", value=len(text),
            unit="characters", question=request_id, text=text,
            rests_on=[entry.seq for entry in completed],
        )  # fmt: skip
        self.add(
            Kind.DECISION, label, request_id, decider="figures", about="the answer",
            question=request_id, accepted=True,
        )  # fmt: skip

    def work(self, when: str, notified: int, reading: Mapping[str, int]) -> None:
        """What the diagnostics say about observers and handlers around three answers."""
        runs = {"notified": notified}
        self.add(Kind.READING, "lab", "backend-1", work=when, runs=runs, answered=3, **reading)
        if when == "after":
            self.add(
                Kind.DECISION, decider="diagnostics", about="calls", accepted=True, calls=15.0,
                round=reading["round"],
            )  # fmt: skip

    def without(self, *kinds: Kind) -> History:
        """What is left if a probe drops these kinds of entries."""
        kept = [entry for entry in self.history if entry.kind not in kinds]
        return History(tuple(kept))


def claims_of(judgement: Judgement) -> dict[str, Claim]:
    return {claim.name: claim for claim in judgement.claims}


def findings(judgement: Judgement) -> list[str]:
    return [claim.finding for claim in judgement.claims if claim.finding]


def not_held(judgement: Judgement) -> list[str]:
    return [
        f"{claim.name}: {claim.detail}"
        for claim in judgement.claims
        if claim.state is not ClaimState.HELD
    ]


def is_undecided(judgement: Judgement) -> bool:
    """Nothing is violated, and something was not observed."""
    states = {claim.state for claim in judgement.claims}
    return ClaimState.VIOLATED not in states and ClaimState.UNOBSERVED in states
