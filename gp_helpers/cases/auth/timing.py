"""auth.timing: tokens near their edges, on two instances, with clocks that are stepped.

An edge is crossed by moving the clock offset that every service has; nobody waits. On a target
whose clocks cannot be moved the refresh and log-out steps remain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.probes import Decision, NotDescribedError, Person
from gp_helpers.targets import Ability, Arrangement

WITHIN_SKEW = 0.8
"""Share of the allowed skew by which a clock is off, while tokens must still be accepted."""
BEYOND_SKEW_S = 5.0
EDGE_S = 2.0
"""Distance from an edge at which decisions must be certain: more than the allowed skew."""


class Timing(Case):
    """Decisions change at the edges of a token's life, everywhere, within the allowed skew."""

    id = "auth.timing"
    arrangement = Arrangement(backends=2, auth_services=2)
    describes = ("auth.validators", "auth.logout")
    users_at_once = 1
    users_beside = 1
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "clock": (
            "skew_tolerated",
            "accepted_once_valid",
            "lives_as_advertised",
            "ends_as_advertised",
        ),
        "auth.refresh": ("refresh_rotates",),
    }
    offset_s = 0.0
    logged_in_at = 0.0

    @step(
        "Put the backends' clocks behind by less than the allowed skew, and show a fresh token.",
        expects="everybody accepts it: it was issued a little in the future of the backends",
        needs=(Ability.CLOCK,),
    )
    async def present_within_the_allowed_skew(self) -> Shown:
        behind = self.trial.threshold("allowed_skew_s") * WITHIN_SKEW
        user = await self._user()

        async def set_behind() -> None:
            # Counted from the log-in, and before each, so that a slow machine eats up no skew.
            await self._set_backends(self.logged_in_at - self.trial.recorder.now - behind)

        shown = await self._present(
            user, "issued within the allowed skew", accepted=True, before_each=set_behind
        )
        # How far behind they are by now says how fast the machine is; the next token is fresh.
        await self._set_backends(0.0)
        return shown

    @step(
        "Put the backends' clocks far behind, show a fresh token, then set the clocks right.",
        expects="whatever was said before, it is accepted as soon as the clocks are right",
        needs=(Ability.CLOCK,),
    )
    async def present_when_it_has_become_valid(self) -> Shown:
        user = await self._user()
        await self._set_backends(-BEYOND_SKEW_S)
        await self._present(user, "issued beyond the allowed skew", accepted=None)
        await self._set_backends(0.0)
        return await self._present(user, "that has become valid", accepted=True)

    @step(
        "Step all clocks to just before the end of the life that was advertised, then just past.",
        expects="accepted everywhere before, refused everywhere after",
        needs=(Ability.CLOCK,),
    )
    async def cross_the_advertised_end(self) -> Shown:
        user = await self._user()
        life = float(user.expires_in or 0.0)
        began = self.offset_s
        self.trial.measured("expires_in", life, "s")
        await self._set_all(began + life - EDGE_S)
        await self._present(user, "before its advertised end", accepted=True)
        await self._set_all(began + life + EDGE_S)
        return await self._present(user, "after its advertised end", accepted=False)

    @step(
        "Refresh, then use the old refresh token again, then the new one.",
        expects="the reuse is refused, and the whole family is dead after it",
    )
    async def reuse_a_refresh_token(self) -> Shown:
        user = await self._user()
        old = user.refresh_token
        if old is None:
            raise NotDescribedError("auth.refresh_token")
        rotated = await self.trial.client.refresh(user)
        reused = await self.trial.client.refresh(user, refresh_token=old)
        after = await self.trial.client.refresh(user, refresh_token=user.refresh_token)
        rows = []
        for what, exchange, expected in (
            ("rotation", rotated, True),
            ("reuse of the old one", reused, False),
            ("the new one after the reuse", after, False),
        ):
            self.trial.expect(
                what, refresh=what, accepted=expected, exchange=exchange.answer.seq,
                got=exchange.accepted,
            )  # fmt: skip
            rows.append({"refresh": what, "expected": expected, "accepted": exchange.accepted})
        return Shown("Refresh tokens rotate, and reuse is noticed", rows)

    @step(
        "Log out, let the allowed skew pass, and show the token to every instance.",
        expects="everybody refuses it",
    )
    async def log_out_and_present(self) -> Shown:
        user = await self._user()
        await self.trial.client.log_out(user)
        skew = self.trial.threshold("allowed_skew_s")
        if self.trial.target.can(Ability.CLOCK):
            await self._set_all(self.offset_s + skew)
        else:
            await asyncio.sleep(skew)
        return await self._present(user, "after log-out", accepted=False)

    async def _user(self) -> Person:
        user = await self.trial.person()
        self.logged_in_at = self.trial.recorder.now
        await self.trial.client.open_conversation(user)
        return user

    async def _set_all(self, offset_s: float) -> None:
        self.offset_s = offset_s
        self.trial.control("set all clocks", offset_s=offset_s)
        await self.trial.controls.set_clock(offset_s)

    async def _set_backends(self, behind_s: float) -> None:
        names = [name for name in self.trial.controls.services() if name.startswith("backend")]
        self.trial.control("set the backends' clocks", offset_s=self.offset_s + behind_s)
        await self.trial.controls.set_clock(self.offset_s + behind_s, *names)

    async def _present(
        self,
        user: Person,
        about: str,
        *,
        accepted: bool | None,
        before_each: Callable[[], Awaitable[None]] | None = None,
    ) -> Shown:
        """Show a token to every validator: at once, or one by one if something comes before."""
        client, token = self.trial.client, user.access_token or ""
        self.trial.expect(
            f"token {about}", token_about=about, accepted=accepted, subject=user.user_id,
            validators=client.validators(),
        )  # fmt: skip

        async def present(name: str) -> Decision:
            return await client.present(user, name, token, about=about, offset_s=self.offset_s)

        if before_each is None:
            said = await asyncio.gather(*map(present, client.validators()))
        else:
            said = []
            for name in client.validators():
                await before_each()
                said.append(await present(name))
        rows = [
            {"validator": one.validator, "accepted": one.accepted, "expected": accepted}
            for one in said
        ]
        return Shown(f"A token {about}", rows)
