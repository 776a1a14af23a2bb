"""auth.validation_cascade: one log-in, and its token shown to everybody who validates tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.probes import Person
from gp_helpers.targets import Ability


class ValidationCascade(Case):
    """One meaning of a valid token, at every hop."""

    id = "auth.validation_cascade"
    describes = ("auth.validators",)
    users_at_once = 1
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "auth.user_id": ("identity_is_subject",),
        "auth.validators.identity": ("identity_is_subject",),
    }

    person: Person

    @step(
        "Log in once, as one fresh user, and open a conversation.",
        expects="one access token",
    )
    async def log_in(self) -> Shown:
        self.person = await self.trial.person()
        await self.trial.client.open_conversation(self.person)
        return Shown(
            f"{self.person.label} is logged in",
            [{"user": self.person.label, "user id": self.person.user_id}],
        )

    @step(
        "Show the same fresh token to every validator, one after the other.",
        expects="everybody accepts it, and says that it is this user's",
    )
    async def present_to_every_validator(self) -> Shown:
        token = self.person.access_token or ""
        self.trial.expect(
            "token good", token_about="good", accepted=True, subject=self.person.user_id,
            validators=self.trial.client.validators(), naming=self.trial.client.naming(),
        )  # fmt: skip
        return await self._present({"good": token})

    @step(
        "Show tokens with one flaw each to every validator.",
        expects="everybody refuses every one of them",
        needs=(Ability.MINT,),
    )
    async def present_bad_tokens(self) -> Shown:
        bad = dict(self.trial.controls.bad_tokens(self.person.access_token or ""))
        if self.person.refresh_token:
            bad["refresh_as_access"] = self.person.refresh_token
        for flaw, token in bad.items():
            self.trial.recorder.redactor.register(token, "token")
            self.trial.expect(
                f"token {flaw}", token_about=flaw, accepted=False, subject=None,
                validators=self.trial.client.validators(),
            )  # fmt: skip
        return await self._present(bad)

    async def _present(self, tokens: dict[str, str]) -> Shown:
        client = self.trial.client

        async def to(validator: str) -> list[tuple[str, str, bool | None]]:
            decisions = []
            for about, token in tokens.items():
                decision = await client.present(self.person, validator, token, about=about)
                decisions.append((about, validator, decision.accepted))
            return decisions

        found = await asyncio.gather(*(to(validator) for validator in client.validators()))
        cells = {(about, name): accepted for row in found for about, name, accepted in row}
        rows = [
            {"token": about} | {name: cells[about, name] for name in client.validators()}
            for about in tokens
        ]
        return Shown("Who accepts which token", rows)
