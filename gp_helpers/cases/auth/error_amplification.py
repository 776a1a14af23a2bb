"""auth.error_amplification: one user's dead token and one transient fault, seen by the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.levers import felt
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.faults import Answer, Hold
from gp_helpers.faults.http_core import Planned
from gp_helpers.history import Kind
from gp_helpers.probes import Decision, NotDescribedError, Person
from gp_helpers.targets import Ability, Arrangement, Hop

ROUNDS = 6
AUTH_TIMEOUT_S = 5.0
"""Of the embedded backend, which only a step of its clock crosses."""
HELD_S = 0.8
"""How long the auth service is slow for a backend whose clock is not ours."""
MOST_RETRY_AFTER_S = 60.0


class ErrorAmplification(Case):
    """The blast radius of a refusal and of a transient fault stays where they are."""

    id = "auth.error_amplification"
    arrangement = Arrangement(
        proxied=frozenset({Hop.BACKEND_AUTH}), backend={"auth_timeout_s": AUTH_TIMEOUT_S}
    )
    describes = ("auth.validators", "auth.logout")
    users_beside = 1
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {"deployment": ("faults_were_felt",)}
    """There the dead token is all that others can be disturbed by."""

    offender: Person
    innocents: list[Person]
    offset_s = 0.0

    @step(
        "Log in innocent users and one more, who logs out and keeps the dead token.",
        expects="tokens for all, one of them revoked",
    )
    async def log_in(self) -> Shown:
        self.innocents = await self.trial.people(self.trial.parameters.concurrent_users)
        self.offender = await self.trial.person("offender")
        for person in (*self.innocents, self.offender):
            await self.trial.client.open_conversation(person)
        await self.trial.client.log_out(self.offender)
        return Shown(
            "One token is dead",
            [{"user": user.label, "token": "good"} for user in self.innocents]
            + [{"user": self.offender.label, "token": "revoked"}],
        )

    @step(
        "Let the dead token be shown again and again while the others work.",
        expects="the dead token is refused each time, and nobody else notices",
    )
    async def work_beside_a_refused_token(self) -> Shown:
        rows = []
        for number in range(ROUNDS):
            await self._offend()
            for innocent in self.innocents:
                rows.append(await self._work(innocent, f"beside refusals, round {number + 1}"))
            await self._read_breaker()
        return Shown(_lost(rows), rows)

    @step(
        "Make the auth service slow, once, while the others work.",
        expects="everybody is served, at most one honest retry later",
        needs=(Ability.AUTH_HOP,),
    )
    async def work_while_auth_is_slow_once(self) -> Shown:
        steps = self.trial.target.can(Ability.CLOCK)
        seconds = 2 * AUTH_TIMEOUT_S if steps else HELD_S
        self.trial.control("hold the next request to the auth service", seconds=seconds)
        plan = self.trial.controls.http_fault(Hop.BACKEND_AUTH).plan
        held = plan.add(Hold(seconds))
        shown = await self._work_at_once("while the auth service is slow once", held)
        felt(self.trial, "auth is slow once", bool(held.applied_to))
        return shown

    @step(
        "Let the auth service answer 503 to one validation while the others work.",
        expects="everybody is served, at most one honest retry later",
        needs=(Ability.AUTH_HOP,),
    )
    async def work_while_auth_answers_503_once(self) -> Shown:
        self.trial.control("answer the next validation with 503, and its retry", attempts=2)
        plan = self.trial.controls.http_fault(Hop.BACKEND_AUTH).plan
        answered = plan.add(Answer(503), times=2)
        rows = [await self._work(self.innocents[0], "while the auth service answers 503 once")]
        await self._read_breaker()
        rows += [
            await self._work(innocent, "after the auth service answered 503 once")
            for innocent in self.innocents[1:]
        ]
        felt(self.trial, "auth answers 503 once", bool(answered.applied_to))
        await self._read_breaker()
        return Shown(_lost(rows), rows)

    async def _work_at_once(self, when: str, held: Planned) -> Shown:
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(self._work(user, when)) for user in self.innocents]
            if self.trial.target.can(Ability.CLOCK):
                waiting = set(working)
                while len(waiting) > 1:
                    _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if held.applied_to:
                    await self._let_pass(AUTH_TIMEOUT_S, "the time-out of what is held")
        rows = [task.result() for task in working]
        await self._read_breaker()
        return Shown(_lost(rows), rows)

    def _place(self) -> str:
        """The validator that stands for ordinary work: the last one that speaks HTTP."""
        return list(self.trial.target.description.auth.validators)[-1]

    async def _offend(self) -> None:
        if self.trial.target.description.auth.logout is None:
            # Nobody could revoke it: who accepts it is right.
            raise NotDescribedError("auth.logout")
        token = self.offender.access_token or ""
        await self.trial.client.present(self.offender, self._place(), token, about="revoked")

    async def _work(self, innocent: Person, when: str) -> dict[str, object]:
        client, token = self.trial.client, innocent.access_token or ""
        expected = self.trial.expect(f"work of {innocent.label}", work=innocent.label, when=when)
        answers = [await client.present(innocent, self._place(), token, work=expected.seq)]
        wait = self._retry_after(answers[0])
        if not answers[0].accepted and wait is not None:
            await self._let_pass(wait, "Retry-After")
            # Somebody who keeps presenting a dead token does so in the meantime as well.
            await self._offend()
            answers.append(await client.present(innocent, self._place(), token, work=expected.seq))
        return {
            "user": innocent.label,
            "when": when,
            "status": [answer.entry.data["status"] for answer in answers],
            "retry after (s)": wait,
            "served": bool(answers[-1].accepted),
        }

    def _retry_after(self, answer: Decision) -> float | None:
        history = self.trial.recorder.history
        response = history.entries[answer.entry.data["rests_on"][0]]
        for name, value in response.data.get("headers", ()):
            if name.lower() == "retry-after":
                try:
                    return min(float(value), MOST_RETRY_AFTER_S)
                except ValueError:
                    return None
        return None

    async def _let_pass(self, seconds: float, what: str) -> None:
        """Let time pass: by stepping the platform's clocks where they can be stepped."""
        if self.trial.target.can(Ability.CLOCK):
            self.offset_s += seconds
            self.trial.control(f"let {what} pass", offset_s=self.offset_s)
            await self.trial.controls.set_clock(self.offset_s)
        else:
            await asyncio.sleep(seconds)

    async def _read_breaker(self) -> None:
        if not self.trial.target.can(Ability.DIAGNOSTICS):
            return
        for name in self.trial.controls.services():
            if name.startswith("backend"):
                state = await self.trial.controls.state(name)
                self.trial.recorder.add(
                    Kind.READING, "lab", name, auth_client=state.get("auth_client")
                )


def _lost(rows: list[dict[str, object]]) -> str:
    lost = sum(not row["served"] for row in rows)
    return f"{lost} of {len(rows)} requests of innocent users were lost"
