"""auth.context_isolation: several users validate at once, and a token that nobody issued."""

from __future__ import annotations

import asyncio

from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.history import Kind
from gp_helpers.probes import Person

ROUNDS = 2


class ContextIsolation(Case):
    """Every reply is made for the subject of the token that was shown."""

    id = "auth.context_isolation"
    describes = ("auth.validators", "auth.user_id", "auth.validators.identity")

    users: list[Person]

    @step("Log in several fresh users.", expects="a token of one's own for each")
    async def log_in(self) -> Shown:
        self.users = await self.trial.people(self.trial.parameters.concurrent_users)
        for user in self.users:
            await self.trial.client.open_conversation(user)
        return Shown(
            f"{len(self.users)} users are logged in",
            [{"user": user.label, "user id": user.user_id} for user in self.users],
        )

    @step(
        "Let all of them show their tokens at once, over REST and WebSocket, interleaved.",
        expects="every reply is made for the token's own subject",
    )
    async def validate_interleaved(self) -> Shown:
        client = self.trial.client
        for user in self.users:
            self.trial.expect(
                f"identity of {user.label}",
                person=user.label,
                subject=user.user_id,
                validators=client.validators(),
                naming=client.naming(),
                rounds=ROUNDS,
            )

        async def work(user: Person) -> list[dict[str, str | bool | None]]:
            rows = []
            for _ in range(ROUNDS):
                for validator in client.validators():
                    said = await client.present(user, validator, user.access_token or "")
                    rows.append(
                        {
                            "user": user.label,
                            "validator": validator,
                            "accepted": said.accepted,
                            "taken for": client.label_of(said.identity),
                        }
                    )
            return rows

        found = await asyncio.gather(*(work(user) for user in self.users))
        rows = [row for rows in found for row in rows]
        wrong = sum(row["taken for"] not in (None, row["user"]) for row in rows)
        return Shown(f"{wrong} of {len(rows)} replies were made for somebody else", rows)

    @step(
        "Show a token that nobody issued to every validator.",
        expects="everybody refuses it; no socket opens",
    )
    async def present_garbage(self) -> Shown:
        client, user = self.trial.client, self.users[0]
        token = f"garbage-{self.trial.random.getrandbits(128):032x}"
        self.trial.recorder.redactor.register(token, "token")
        self.trial.recorder.add(
            Kind.EXPECTED,
            "lab",
            "garbage",
            about="garbage",
            garbage=True,
            validators=client.validators(),
        )
        rows = []
        for validator in client.validators():
            said = await client.present(user, validator, token, about="garbage")
            rows.append(
                {
                    "validator": validator,
                    "accepted": said.accepted,
                    "taken for": client.label_of(said.identity),
                }
            )
        taken = sum(row["accepted"] is True for row in rows)
        return Shown(f"{taken} of {len(rows)} validators accept a token that nobody issued", rows)
