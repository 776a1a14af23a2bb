"""Histories made for the tests of what is shown, by the recorder that trials use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gp_helpers.checkers import Claim, ClaimState, Disagreement, Outcome, Verdict
from gp_helpers.history import Entry, History, Kind, Recorder, Redactor
from gp_helpers.parameters import EVENTS


@dataclass
class Story:
    """Records what people do, at times that the test chooses."""

    case: str = "auth.validation_cascade"
    now: float = 0.0
    recorder: Recorder = field(init=False)
    _labels: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.recorder = Recorder(None, Redactor(), clock=lambda: self.now)
        self.recorder.start(case=self.case, role="trial", trial=1, seed=7, target="embedded")

    def step(self, name: str, act: Callable[[], Any], *, seconds: float = 0.0) -> None:
        self.recorder.step = name
        self.recorder.add(Kind.STEP_STARTED, "lab", name)
        act()
        self.now += seconds
        self.recorder.add(Kind.STEP_ENDED, "lab", name, outcome="completed", seconds=0.01)
        self.recorder.step = ""

    def exchange(self, actor: str, purpose: str, status: int | None, ms: float = 5.0) -> Entry:
        label = f"http-{next(self._labels)}"
        asked = self.recorder.add(
            Kind.REQUEST, actor, label, method="GET", url="http://x/api", purpose=purpose,
            headers=[], body=None,
        )  # fmt: skip
        self.now += ms / 1000
        if status is None:
            return self.recorder.add(
                Kind.NO_RESPONSE, actor, label, request=asked.seq, error="ReadTimeout: ",
                definite=False, ms=ms,
            )  # fmt: skip
        return self.recorder.add(
            Kind.RESPONSE, actor, label, request=asked.seq, status=status, ms=ms, body=None,
            headers=[["x-correlation-id", f"cor_{asked.seq:04x}"]],
        )  # fmt: skip

    def decision(
        self, actor: str, decider: str, about: str, accepted: bool | None, basis: Entry
    ) -> Entry:
        return self.recorder.add(
            Kind.DECISION, actor, decider=decider, about=about, accepted=accepted,
            identity=actor if accepted else None, identity_label=actor if accepted else None,
            rests_on=[basis.seq],
        )  # fmt: skip

    def socket(self, actor: str, number: int = 1) -> str:
        label = f"{actor}-ws-{number}"
        self.recorder.add(Kind.WS_OPENING, actor, label, url="ws://x/ws", headers=[])
        self.now += 0.004
        self.recorder.add(Kind.WS_OPENED, actor, label, subprotocol=None)
        self.received(actor, label, "connection_established")
        return label

    def received(self, actor: str, label: str, kind: str) -> Entry:
        self.now += 0.002
        events = [kind] if kind in EVENTS else []
        return self.recorder.add(
            Kind.WS_RECEIVED, actor, label, message={"type": kind}, events=events
        )

    def ask(self, actor: str, label: str, events: tuple[str, ...] = EVENTS) -> list[Entry]:
        sent = self.recorder.add(
            Kind.WS_SENT, actor, label, message={"type": "agent_request"}, request_id="req-1"
        )
        return [sent, *(self.received(actor, label, event) for event in events)]

    def closed(self, actor: str, label: str, code: int = 1000, by: str = "us") -> Entry:
        return self.recorder.add(Kind.WS_CLOSED, actor, label, code=code, reason="", by=by)

    def end(self) -> History:
        self.recorder.add(Kind.TRIAL_ENDED, "lab", outcome="completed")
        return self.recorder.history


def disagreeing() -> tuple[History, Verdict]:
    """One token, accepted by threads and refused by chat; and the verdict about it."""
    story = Story()
    found: dict[str, Entry] = {}

    def present() -> None:
        story.recorder.add(
            Kind.EXPECTED, "lab", "token good", about="token good", token_about="good",
            accepted=True, subject="ada",
        )  # fmt: skip
        for name, status in (("threads", 200), ("chat", 401)):
            basis = story.exchange("ada", f"present to {name}", status)
            found[name] = story.decision("ada", name, "good", status == 200, basis)

    story.step("components", lambda: story.exchange("auth-check", "log in", 200))
    story.step("present", present)
    history = story.end()
    claims = (
        Claim(
            "good_token_accepted",
            "every validator accepts a fresh token",
            ClaimState.VIOLATED,
            (found["chat"].seq,),
            "AUTH_GOOD_TOKEN_REFUSED",
            "chat refuses the good token",
        ),
        Claim("components_healthy", "healthy", ClaimState.HELD, (1,), None, "1 observation"),
        Claim(
            "within_time",
            "in time",
            ClaimState.HELD,
            (len(history) - 1,),
            measured={"seconds": 0.4},
            threshold="case_seconds",
        ),
    )
    verdict = Verdict(
        "auth.validation_cascade",
        Outcome.FAIL,
        "AUTH_GOOD_TOKEN_REFUSED: chat refuses the good token",
        claims,
        Disagreement(found["threads"].seq, found["chat"].seq, "threads accepts, chat refuses"),
        0.4,
    )
    return history, verdict


def crowded(people: int = 20, questions: int = 2) -> History:
    """Many users who connect, ask and leave: several hundred entries."""
    story = Story("websocket.connection_interference")

    def everybody() -> None:
        for number in range(people):
            actor = f"user-{number}"
            story.exchange(actor, "log in", 200, ms=1)
            label = story.socket(actor)
            for _ in range(questions):
                story.ask(actor, label)
            story.closed(actor, label)

    story.step("everybody", everybody)
    return story.end()
