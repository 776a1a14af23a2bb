"""Hand-made histories for the checks of the factory suite."""

from __future__ import annotations

from typing import Any

from gp_helpers.checkers import Claim, ClaimState, Judgement
from gp_helpers.history import Entry, History, Kind, Recorder, Redactor
from gp_helpers.parameters.description import EVENTS


class Story:
    """Records what a trial might have done and seen."""

    def __init__(self) -> None:
        self._recorder = Recorder(None, Redactor())
        self._recorder.start(case="factory.lifecycle")

    @property
    def history(self) -> History:
        return self._recorder.history

    def add(self, kind: Kind, actor: str = "lab", subject: str = "", **data: Any) -> Entry:
        return self._recorder.add(kind, actor, subject, **data)

    def user(self, label: str) -> None:
        self.add(Kind.USER, label, user_id=f"usr_{label}", canary=f"canary-{label}")

    def connect(self, label: str, socket: str, *, refused: int | None = None, **about: Any) -> None:
        self.add(Kind.WS_OPENING, label, socket)
        if refused is not None:
            self.add(Kind.WS_REFUSED, label, socket, status=refused, **about)
        else:
            self.add(Kind.WS_OPENED, label, socket)
            self.receive(label, socket, {"type": "connection_established"})

    def ask(self, label: str, socket: str, about: str) -> str:
        request_id = f"req-{label}-{about}".replace(" ", "-")
        self.add(Kind.EXPECTED, label, request_id, about=about, question=request_id, text="?")
        self.add(Kind.WS_SENT, label, socket, message={}, request_id=request_id)
        return request_id

    def receive(self, label: str, socket: str, message: Any, **about: Any) -> Entry:
        return self.add(Kind.WS_RECEIVED, label, socket, message=message, **about)

    def answer(
        self, label: str, socket: str, request_id: str, *, events: int = 5, owner: str | None = None
    ) -> None:
        for name in EVENTS[:events]:
            message = {"type": name, "text": f"canary-{owner or label}"}
            about = {"owner": f"usr_{owner or label}", "request_id": request_id}
            self.receive(label, socket, message, events=[name], **about)

    def close(self, label: str, socket: str, code: int = 1000, by: str = "us") -> None:
        self.add(Kind.WS_CLOSED, label, socket, code=code, reason="", by=by)

    def silence(self) -> None:
        self.add(Kind.SILENCE, proven=True, rests_on=[])

    def reading(self, **data: Any) -> None:
        self.add(Kind.READING, "lab", "backend-1", **data)


def claim_of(judgement: Judgement, name: str) -> Claim:
    return next(claim for claim in judgement.claims if claim.name == name)


def findings(judgement: Judgement) -> set[str]:
    return {claim.finding for claim in judgement.claims if claim.finding is not None}


def states(judgement: Judgement) -> dict[str, str]:
    return {claim.name: claim.state.value for claim in judgement.claims}


def all_held(judgement: Judgement) -> bool:
    return all(claim.state is ClaimState.HELD for claim in judgement.claims)
