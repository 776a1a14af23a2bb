"""Small histories by hand: what a trial of a routing case would have recorded."""

from __future__ import annotations

from typing import Any

from gp_helpers.checkers import Claim, ClaimState, Judgement
from gp_helpers.history import Entry, History, Kind, Recorder, Redactor
from gp_helpers.parameters.description import EVENTS


class Made:
    """Writes a history, entry by entry, in the words of the cases."""

    def __init__(self) -> None:
        self.recorder = Recorder(None, Redactor())
        self.recorder.start(case="", thresholds={})
        self.asked = 0

    @property
    def history(self) -> History:
        return self.recorder.history

    def add(self, kind: Kind, actor: str, subject: str = "", /, **data: Any) -> Entry:
        return self.recorder.add(kind, actor, subject, **data)

    def user(self, label: str) -> None:
        self.add(Kind.USER, label, user_id=f"usr-{label}", canary=f"canary-{label}")
        self.add(Kind.WS_OPENED, label, f"{label}-ws-1")

    def ask(self, person: str, about: str, text: str = "Why?") -> str:
        self.asked += 1
        request_id = f"req-{self.asked}"
        self.add(Kind.EXPECTED, person, request_id, about=about, question=request_id, text=text)
        self.add(
            Kind.WS_SENT, person, f"{person}-ws-1", message={"message": text}, request_id=request_id
        )
        return request_id

    def receive(
        self, person: str, request_id: str, name: str, socket: int = 1, **body: Any
    ) -> Entry:
        events = [name] if name in EVENTS else []
        message = {"type": name, "request_id": request_id, "user_id": f"usr-{person}", **body}
        return self.add(
            Kind.WS_RECEIVED,
            person,
            f"{person}-ws-{socket}",
            message=message,
            events=events,
            is_error=name == "error",
            request_id=request_id if socket == 1 else None,
            owner=f"usr-{person}",
        )

    def answer(
        self,
        person: str,
        request_id: str,
        *,
        socket: int = 1,
        agent: str = "analysis",
        started: dict[str, Any] | None = None,
        completed: dict[str, Any] | None = None,
    ) -> None:
        """All five events."""
        for name in EVENTS:
            data = {"agent_started": started, "agent_completed": completed}.get(name) or {}
            self.receive(person, request_id, name, socket, agent=agent, data=data)

    def error(self, person: str, request_id: str, code: str, message: str = "no") -> None:
        self.receive(person, request_id, "error", data={"code": code, "message": message})

    def silence(self) -> None:
        self.add(Kind.SILENCE, "lab", proven=True)

    def without(self, *kinds: Kind) -> History:
        """What a probe leaves that drops what it sees of these kinds."""
        return History(tuple(entry for entry in self.history if entry.kind not in kinds))


def claim(judgement: Judgement, name: str) -> Claim:
    return next(one for one in judgement.claims if one.name == name)


def states(judgement: Judgement) -> dict[str, ClaimState]:
    return {one.name: one.state for one in judgement.claims}


def findings(judgement: Judgement) -> set[str]:
    return {one.finding for one in judgement.claims if one.finding}
