"""journey.performance_under_load: sessions alone, sessions under load, and sessions so far.

Load is an open loop: background sessions begin at a fixed rate, however long the others take. Quiet
and loaded rounds take turns, so that whatever else the machine does weighs on both.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from statistics import median

from gp_helpers.cases.asking import NotConnectedError, ask, connect
from gp_helpers.cases.journey.answers import question_about_costs
from gp_helpers.cases.steps import CannotGoOn, Case, Shown, step
from gp_helpers.history import Kind
from gp_helpers.probes import Person
from gp_helpers.targets import Ability

BACKGROUND_USERS = 5
SHARE_OF_CAPACITY = 0.28
"""Arrival rate in the background, as a share of the sessions that were sustained at once."""
ROUNDS = 3
QUIET_SESSIONS = 3
LOADED_SESSIONS = 3
"""Measured sessions of a loaded round."""
ARRIVALS = 2
"""Background sessions of a loaded round."""
ANSWER_WITHIN_S = 20.0
NOTICED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Timed:
    """How long a session's answer took, and a plain read beside it."""

    answer_ms: float | None
    read_ms: float | None


class PerformanceUnderLoad(Case):
    """Neither load nor the sessions that there were make an answer take twice as long."""

    id = "journey.performance_under_load"
    requires = (Ability.LOAD,)
    describes = ("websocket",)
    optional_claims = {  # noqa: RUF012
        "deployment": ("work_does_not_grow",),
        "asgi": ("work_does_not_grow",),
    }
    optional_without = {"websocket.ready": ("connected",)}  # noqa: RUF012

    user: Person
    background: list[Person]
    sessions = 0
    unanswered = 0
    """Questions without an answer; after the first one no session is begun."""
    arrivals_per_s = 0.0
    first_calls = 0.0
    _next_turn = 0.0

    @step("Log in one user to measure, and five for the background.", expects="tokens for all")
    async def log_in(self) -> Shown:
        self.user, *self.background = await self.trial.people(1 + self._background_users)
        people = (self.user, *self.background)
        self.trial.expect("journeys", journeys=[person.label for person in people])
        for person in people:
            await self.trial.client.open_conversation(person)
        return Shown("Logged in", [{"user": person.label} for person in people])

    @step(
        "Have each background user make a session, all at once, after one to warm up.",
        expects="what the platform sustains here; the load stays below 30 % of it",
        needs=(Ability.LOAD,),
    )
    async def measure_the_capacity(self) -> Shown:
        await self._session(self.user, phase="warm-up")
        began = time.perf_counter()
        await asyncio.gather(
            *(self._session(person, phase="capacity") for person in self.background)
        )
        capacity = len(self.background) / (time.perf_counter() - began)
        self.arrivals_per_s = SHARE_OF_CAPACITY * capacity
        allowed = self.trial.target.limits.load if self.trial.target.limits else None
        if allowed is not None:
            self.arrivals_per_s = min(self.arrivals_per_s, allowed.rate_per_s)
        self.trial.measured("capacity", round(capacity, 2), "sessions/s")
        self.trial.measured("arrival rate", round(self.arrivals_per_s, 2), "sessions/s")
        return Shown(
            "Measured first",
            [{"sustained (1/s)": capacity, "background rate (1/s)": self.arrivals_per_s}],
        )

    @step(
        "Take turns: sessions with nobody else about, and sessions with five users in the "
        "background at a fixed rate; read what a message causes in the platform.",
        expects="less than twice as long under load, and no growth with the sessions so far",
        needs=(Ability.LOAD,),
    )
    async def take_turns(self) -> Shown:
        rows = []
        for round_ in range(1, ROUNDS + 1):
            if self.unanswered:
                break
            for phase, measure in (("quiet", self._quiet_round), ("loaded", self._loaded_round)):
                so_far = self.sessions
                times = [t.answer_ms for t in await measure(round_) if t.answer_ms is not None]
                rows.append(
                    {
                        "round": round_,
                        "phase": phase,
                        "sessions so far": so_far,
                        "p50 (ms)": round(median(times), 1) if times else None,
                        "most (ms)": round(max(times), 1) if times else None,
                    }
                )
        # Somebody has to be there to hear that nothing more comes.
        listener = await connect(self.trial, self.user, timeout_s=ANSWER_WITHIN_S)
        await self.trial.silence()
        await listener.close()
        if self.unanswered:
            raise CannotGoOn(f"{self.unanswered} questions have no answer")
        return Shown("Latency by round and phase", rows)

    @property
    def _background_users(self) -> int:
        limits = self.trial.target.limits
        if limits is not None and limits.load is not None:
            return min(BACKGROUND_USERS, limits.load.users)
        return BACKGROUND_USERS

    async def _quiet_round(self, round_: int) -> list[Timed]:
        before = await self._read_work(round_, "before")
        times = [
            await self._session(self.user, phase="quiet", round_=round_)
            for _ in range(QUIET_SESSIONS)
        ]
        after = await self._read_work(round_, "after")
        if before is not None and after is not None:
            self._compare(round_, (after - before) / QUIET_SESSIONS)
        return times

    def _compare(self, round_: int, calls: float) -> None:
        """Put on record whether a message still calls as many observers as in the first round."""
        self.first_calls = calls if round_ == 1 else self.first_calls
        self.trial.recorder.add(
            Kind.DECISION,
            "lab",
            f"round {round_}",
            decider="diagnostics",
            about="as many calls for a message as in the first round",
            accepted=calls <= self.first_calls,
            round=round_,
            calls=calls,
        )

    async def _loaded_round(self, round_: int) -> list[Timed]:
        """Background sessions arrive on the beat; the measured ones begin somewhere in between."""
        beat_s = 1 / self.arrivals_per_s
        span_s = ARRIVALS * beat_s
        offsets = [self.trial.random.random() for _ in range(LOADED_SESSIONS)]
        times = []
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._arrivals(began, beat_s, first=(round_ - 1) * ARRIVALS))
            for number, offset in enumerate(offsets):
                await _until(began + (number + offset) * span_s / LOADED_SESSIONS)
                times.append(await self._session(self.user, phase="loaded", round_=round_))
        return times

    async def _arrivals(self, began: float, beat_s: float, *, first: int) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(ARRIVALS):
                await _until(began + number * beat_s)
                person = self.background[(first + number) % len(self.background)]
                group.create_task(self._session(person, phase="background"))

    async def _session(self, person: Person, *, phase: str, round_: int = 0) -> Timed:
        """Connect, ask, have the answer, leave; background users leave without a word."""
        if self.unanswered:
            return Timed(None, None)
        await self._in_turn()
        measured = phase in ("quiet", "loaded")
        read_ms = await self._read_beside(person) if measured else None
        try:
            socket = await connect(self.trial, person, timeout_s=ANSWER_WITHIN_S)
        except NotConnectedError:
            return Timed(None, read_ms)
        so_far, self.sessions = self.sessions, self.sessions + 1
        question = await ask(self.trial, socket, question_about_costs(self.trial), about=phase)
        answered = await socket.wait_for_answer(question.request_id, ANSWER_WITHIN_S)
        answer_ms = None
        if not answered:
            self.unanswered += 1
        elif question.entry is not None:
            last = socket.of(question.request_id)[-1].entry
            answer_ms = 1000 * (last.t - question.entry.t)
            self.trial.recorder.add(
                Kind.MEASURED,
                person.label,
                question.request_id,
                quantity="latency",
                value=round(answer_ms, 3),
                unit="ms",
                phase=phase,
                round=round_,
                sessions=so_far,
                read_ms=read_ms,
                rests_on=[question.entry.seq, last.seq],
            )
        if measured:
            await socket.close()
        else:
            await socket.drop()
        return Timed(answer_ms, read_ms)

    async def _in_turn(self) -> None:
        """As a guest, begin sessions no faster than the target allows, whichever they are."""
        limits = self.trial.target.limits
        if limits is None or limits.load is None:
            return
        begins = max(self._next_turn, time.perf_counter())
        self._next_turn = begins + 1 / limits.load.rate_per_s
        await _until(begins)

    async def _read_beside(self, person: Person) -> float | None:
        """A read that no session makes slower: what the machine takes for such things just now."""
        if self.trial.target.description.billing is None:
            return None
        exchange = await self.trial.client.read_billing(person)
        return float(exchange.answer.data["ms"])

    async def _read_work(self, round_: int, when: str) -> int | None:
        """Read what was called so far, once the platform knows that everybody has left."""
        if not self.trial.target.can(Ability.DIAGNOSTICS):
            return None

        async def everybody_is_gone() -> bool:
            states = [await self.trial.controls.state(name) for name in await self._instances()]
            return not any(state["in_flight"] or state["connections"] for state in states)

        await self.trial.until(
            everybody_is_gone, timeout_s=NOTICED_WITHIN_S, awaited="end of all connections"
        )
        states = [
            await self.trial.reading(
                name, work=when, round=round_, sessions=self.sessions, answered=QUIET_SESSIONS
            )
            for name in await self._instances()
        ]
        if not all("runs" in state for state in states):
            return None
        return sum(int(state["runs"]["notified"]) for state in states)

    async def _instances(self) -> list[str]:
        return list(await self.trial.controls.instances())


async def _until(moment: float) -> None:
    """Wait for a moment of the performance counter; one that has passed is not waited for."""
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))
