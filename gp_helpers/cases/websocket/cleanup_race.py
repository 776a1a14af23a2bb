"""websocket.cleanup_race: a user drops and reconnects while the old clean-up still runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import ClassVar

from gp_helpers.cases.asking import ask, connect, settle
from gp_helpers.cases.levers import hold_the_end_of_answers, let_go, until_begun
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.faults import Delay, TcpFault
from gp_helpers.probes import NotDescribedError, Person, Socket
from gp_helpers.targets import Ability, Arrangement, Hop

NOTICED_WITHIN_S = 10.0
STARTED_WITHIN_S = 5.0
MODEL_HOP_S = 0.03


class CleanupRace(Case):
    """A reconnected user is served, misses nothing, and leaves nothing behind."""

    id = "websocket.cleanup_race"
    arrangement = Arrangement(proxied=frozenset({Hop.BACKEND_MODEL}))
    requires = (Ability.CLIENT_HOP,)
    uses = (Ability.CLIENT_FRAMES,)
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "diagnostics": ("nothing_left_behind",)
    }
    users_at_once = 1

    user: Person
    socket: Socket
    last_event_id: object = 0

    @step(
        "Log in, and read the registry and the handlers before anybody is connected.",
        expects="the baseline",
    )
    async def log_in(self) -> Shown:
        self.user = await self.trial.person()
        await self.trial.client.open_conversation(self.user)
        await self._read("baseline")
        return Shown("Logged in", [{"user": self.user.label}])

    @step("Connect and ask something.", expects="five events")
    async def connect_and_ask(self) -> Shown:
        self.socket = await connect(self.trial, self.user)
        question = await ask(self.trial, self.socket, about="before")
        await settle(self.trial, [(self.socket, question)])
        return self._shown("before the drop", self.socket, question.request_id)

    @step(
        "Ask again, and drop the connection as soon as the agent has started.",
        expects="nothing more: nobody is connected while the agent works",
        needs=(Ability.CLIENT_HOP,),
    )
    async def ask_and_drop(self) -> Shown:
        held = None
        if self.trial.target.can(Ability.MODEL_HOP):
            # The agent is to be at work when the connection goes.
            self.trial.control("slow hop to the model", latency_s=MODEL_HOP_S)
            self._slow_the_model_hop(MODEL_HOP_S)
        else:
            held = hold_the_end_of_answers(self.trial)
        self.dropped = await ask(self.trial, self.socket, about="away")
        await until_begun(self.trial, self.socket, self.dropped, held, within_s=STARTED_WITHIN_S)
        self.last_event_id = self.socket.last_event_id
        self.trial.control("drop the connection without a close frame")
        await self.socket.drop()
        let_go(self.trial, held)
        await self.trial.silence()
        if self.trial.target.can(Ability.MODEL_HOP):
            self._slow_the_model_hop(0.0)
        return Shown("Dropped", [{"last event id seen": self.last_event_id}])

    @step(
        "Connect, ask nothing, drop once more, and reconnect before that clean-up is done.",
        expects="the new connection is the one that counts",
        needs=(Ability.CLIENT_HOP,),
    )
    async def reconnect_during_the_clean_up(self) -> Shown:
        fleeting = await connect(self.trial, self.user)
        if fleeting.description.resume is None:
            # Without a way to ask for it, what was missed may come at once.
            fleeting.requests.append(self.dropped.request_id)
        async with AsyncExitStack() as stack:
            if self.trial.target.can(Ability.STORE_LOCK):
                self.trial.control("hold the store's write lock")
                await stack.enter_async_context(self.trial.controls.hold_write_lock())
            self.trial.control("drop the connection without a close frame")
            await fleeting.drop()
            await self._until_noticed()
            self.socket = await connect(self.trial, self.user)
            self.socket.requests.append(self.dropped.request_id)
        self.trial.control("release the store's write lock")
        return Shown("Reconnected", [{"connection": self.socket.label}])

    @step(
        "Resume from the last event that was seen.",
        expects="what was sent in between, in order, exactly once",
    )
    async def resume(self) -> Shown:
        try:
            await self.trial.client.resume(self.socket, self.last_event_id)
        except NotDescribedError:
            # A platform without replay has to deliver by itself what was sent in between.
            self.trial.control("the platform has no way to resume")
        await settle(self.trial, [(self.socket, self.dropped)])
        return self._shown("while nobody was connected", self.socket, self.dropped.request_id)

    @step("Ask on the new connection.", expects="five events")
    async def ask_after_reconnecting(self) -> Shown:
        question = await ask(self.trial, self.socket, about="after")
        await settle(self.trial, [(self.socket, question)])
        return self._shown("after reconnecting", self.socket, question.request_id)

    @step(
        "Close, and read the registry and the handlers again.",
        expects="the baseline",
        needs=(Ability.DIAGNOSTICS,),
    )
    async def close_and_read(self) -> Shown:
        await self.socket.close()
        await self._until_noticed()
        await self.trial.silence()
        return await self._read("end")

    def _slow_the_model_hop(self, latency_s: float) -> None:
        fault = TcpFault(delay=Delay(latency_s=latency_s))
        self.trial.controls.tcp_proxy(Hop.BACKEND_MODEL).set(to_server=fault)

    def _shown(self, when: str, socket: Socket, request_id: str) -> Shown:
        events = [name for m in socket.of(request_id) for name in m.events]
        return Shown(
            f"{len(events)} of five events of the question {when}",
            [{"event": name} for name in events],
        )

    async def _until_noticed(self) -> None:
        """Wait until the platform knows that the connection is gone, where that can be read."""
        if not self.trial.target.can(Ability.DIAGNOSTICS):
            return

        async def is_noticed() -> bool:
            readings = [
                await self.trial.controls.state(name)
                for name in await self.trial.controls.instances()
            ]
            return not any(
                one["state"] == "open" for reading in readings for one in reading["connections"]
            )

        await self.trial.until(is_noticed, timeout_s=NOTICED_WITHIN_S, awaited="end noticed")

    async def _read(self, when: str) -> Shown:
        if not self.trial.target.can(Ability.DIAGNOSTICS):
            return Shown("The target does not say what it holds")
        rows = []
        for name in await self.trial.controls.instances():
            state = await self.trial.reading(name, resources=when)
            rows.append(
                {
                    "instance": name,
                    "when": when,
                    "registered": state["registry"]["connections"],
                    "handlers": state["handlers"],
                }
            )
        return Shown(f"What the platform holds: {when}", rows)
