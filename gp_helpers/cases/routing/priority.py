"""routing.priority: an urgent request comes when a backlog waits behind the only worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gp_helpers.cases.asking import ask, connect, settle, until_answered
from gp_helpers.cases.routing.model_gate import hold_the_model
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.history import Kind
from gp_helpers.probes import NotDescribedError, Socket
from gp_helpers.probes.client import Question
from gp_helpers.targets import Ability, Arrangement, Hop

BACKLOG = 6
NOT_ON_THE_SCALE = "whenever you like"
_PATIENCE_S = 10.0


class PriorityScale(Case):
    """Urgent means the same from the client's word to the head of the queue."""

    id = "routing.priority"
    users_at_once = 1
    arrangement = Arrangement(
        backend={"routing": {"workers": 1}}, proxied=frozenset({Hop.BACKEND_MODEL})
    )
    describes = ("websocket.priority", "websocket.ping")
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "asgi": ("urgent_starts_first", "unknown_priority_refused"),
        "deployment": ("urgent_starts_first", "unknown_priority_refused"),
    }

    socket: Socket

    @step("Log in and connect, as one fresh user.", expects="a socket that is ready")
    async def connect(self) -> Shown:
        person = await self.trial.person()
        await self.trial.client.open_conversation(person)
        self.socket = await connect(self.trial, person)
        return Shown(f"{person.label} is connected", [{"user": person.label}])

    @step(
        f"Keep the worker busy at the model server, queue {BACKLOG} normal requests and a low one "
        "behind it, then an urgent one; then let the model server answer.",
        expects="the urgent request is the next one to start",
    )
    async def send_an_urgent_one_behind_a_backlog(self) -> Shown:
        trial = self.trial
        held = trial.target.can(Ability.MODEL_HOP)
        gate = hold_the_model(trial) if held else None
        asked = [await self._ask("busy", "normal")]
        if gate is not None:
            await self.socket.wait_until(
                lambda: any("agent_thinking" in one.events for one in self.socket.messages),
                timeout_s=_PATIENCE_S,
                awaited="the worker at the model server",
            )
        asked += [await self._ask(f"normal {number}", "normal") for number in range(1, BACKLOG + 1)]
        asked.append(await self._ask("low", "low"))
        asked.append(await self._ask("urgent", "high"))
        trial.expect("backlog", waiting=BACKLOG if held else 0)
        # The socket is read in order: after the pong all of them are queued.
        await trial.client.ping(self.socket, _PATIENCE_S)
        if gate is not None:
            if trial.target.can(Ability.DIAGNOSTICS):
                for name in await trial.controls.instances():
                    await trial.reading(name)
            gate.open()
            trial.control("let the model server answer")
        sent = [(self.socket, question) for _, question in asked]
        await until_answered(trial, sent)
        await settle(trial, sent)
        return self._in_order_of_start(asked)

    @step(
        f'Ask with the priority "{NOT_ON_THE_SCALE}".',
        expects="an error that says so; nobody guesses what was meant",
    )
    async def ask_with_a_priority_that_is_not_on_the_scale(self) -> Shown:
        self._scale()
        question = await ask(
            self.trial, self.socket, about="unknown priority",
            more={"priority": NOT_ON_THE_SCALE},
        )  # fmt: skip
        await settle(self.trial, [(self.socket, question)])
        told = [one.body for one in self.socket.of(question.request_id)]
        return Shown("What comes back", [{"type": one.get("type"), **_data(one)} for one in told])

    def _scale(self) -> Mapping[str, Any]:
        """The platform's own words for our three; raises `NotDescribedError`."""
        description = self.trial.target.description.websocket
        if description is None or description.priority is None:
            raise NotDescribedError("websocket.priority")
        return description.priority

    async def _ask(self, label: str, priority: str) -> tuple[str, Question]:
        more = {"priority": self._scale()[priority]}
        question = await ask(self.trial, self.socket, about=f"{priority}: {label}", more=more)
        return label, question

    def _in_order_of_start(self, asked: list[tuple[str, Question]]) -> Shown:
        rows = []
        for label, question in asked:
            for message in self.socket.of(question.request_id):
                place = _data(message.body).get("queue")
                if "agent_started" in message.events and isinstance(place, dict):
                    rows.append({"request": label, **place})
        rows.sort(key=lambda row: int(row["started"]))
        for number, row in enumerate(rows):
            # Which request the queue hands out at which turn is a decision of the platform's.
            self.trial.recorder.add(
                Kind.DECISION, "platform", "queue", decider="queue", about=f"turn {number + 1}",
                agent=str(row["request"]).split()[0],
            )  # fmt: skip
        order = [row["request"] for row in rows]
        place_of_urgent = order.index("urgent") if "urgent" in order else len(order)
        return Shown(f"{max(place_of_urgent - 1, 0)} waiting requests start first", rows)


def _data(message: Any) -> dict[str, Any]:
    data = message.get("data") if isinstance(message, dict) else None
    return dict(data) if isinstance(data, dict) else {}
