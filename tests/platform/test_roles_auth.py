"""Every component of the auth suite's seams does its job by itself, as reported or remediated.

That is the plan's thesis: each part passes its own tests, and the journey breaks all the same.
"""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest

from gp_helpers.platform.auth.lifetimes import ActualLifetime
from gp_helpers.platform.auth.revocation import SharedRevocationList
from gp_helpers.platform.auth.tokens import TokenAuthority, bad_tokens, mint
from gp_helpers.platform.backend.validation import (
    FlatReplyReader,
    HonestFailureEdge,
    LenientTimeRules,
    NoRefusalCache,
    RefuseHandshake,
    SharedValidator,
    SingleFlight,
)
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import ERRORS
from gp_helpers.platform.defects.auth import (
    DemoUserFallback,
    LocalGatewayValidator,
    MinuteRefusalCache,
    NestedPayloadReader,
    PrefixIdentityCache,
    ProcessRevocationList,
    PromisedLifetime,
    StrictStartRules,
    UnauthorizedFailureEdge,
)
from gp_helpers.platform.errors import AuthUnavailable, TokenRefused
from gp_helpers.platform.jwt_rules import check_times, read_unverified, verify
from gp_helpers.platform.seams import Identity, Reply
from gp_helpers.platform.settings import AuthSettings, BackendSettings, StoreSettings
from gp_helpers.platform.store import Sessions, Store

pytestmark = pytest.mark.anyio

SECRET = "a-secret-that-only-the-auth-service-knows"

NEGATIVE: Reply = {"valid": False, "error": {"code": "token_revoked"}}


@pytest.fixture
def token(auth_settings: AuthSettings, clock: Clock) -> str:
    issued = TokenAuthority(auth_settings, clock).issue("access", "usr_1", "a@b.example", "s")
    return issued.token


FLAT = {
    "valid": True,
    "user_id": "usr_1",
    "email": "a@b.example",
    "permissions": ["chat:read"],
    "issued_at": 1.0,
    "expires_at": 2.0,
}
NESTED = {
    "valid": True,
    "payload": {
        "sub": "usr_1",
        "email": "a@b.example",
        "permissions": ["chat:read"],
        "exp": 2.0,
    },
}


@pytest.mark.parametrize(
    ("component", "reply"), [(FlatReplyReader, FLAT), (NestedPayloadReader, NESTED)]
)
class TestReplyReader:
    async def test_it_reads_the_identity_from_the_reply_it_was_written_for(
        self, component: Any, reply: Reply
    ) -> None:
        expected = Identity("usr_1", "a@b.example", ("chat:read",), 2.0)
        assert component().read(reply) == expected

    async def test_it_refuses_a_negative_reply_with_its_code(
        self, component: Any, reply: Reply
    ) -> None:
        del reply
        with pytest.raises(TokenRefused) as refusal:
            component().read(NEGATIVE)
        assert refusal.value.code == "token_revoked"
        with pytest.raises(TokenRefused) as refusal:
            component().read({"valid": False, "error": {"code": "unheard of"}})
        assert refusal.value.code == "invalid_token"


class VerifyingChain:
    """The chain's part in the tests of the gateway's validator: verifies where it stands."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def validate(self, token: str) -> Identity:
        claims = verify(
            token,
            secret=SECRET,
            issuer="golden-path-auth",
            audience="golden-path",
            token_type="access",
        )
        check_times(claims, self._clock.now(), start_leeway_s=1, end_leeway_s=1)
        return Identity(claims["sub"], claims["email"], tuple(claims["permissions"]), claims["exp"])


@pytest.mark.parametrize("component", [SharedValidator, LocalGatewayValidator])
class TestGatewayValidator:
    async def test_it_knows_whose_token_it_is(
        self, component: Any, backend_settings: BackendSettings, clock: Clock, token: str
    ) -> None:
        identity = await component(VerifyingChain(clock), backend_settings, clock).validate(token)
        assert identity.user_id == "usr_1"
        assert identity.email == "a@b.example"
        assert identity.expires_at == read_unverified(token)["exp"]

    async def test_it_refuses_every_bad_token(
        self, component: Any, backend_settings: BackendSettings, clock: Clock, token: str
    ) -> None:
        validator = component(VerifyingChain(clock), backend_settings, clock)
        refresh = mint({**read_unverified(token), "token_type": "refresh"}, SECRET)
        for bad in [*bad_tokens(token, SECRET).values(), refresh, "garbage"]:
            with pytest.raises(TokenRefused):
                await validator.validate(bad)


@pytest.mark.parametrize("component", [SingleFlight, PrefixIdentityCache])
class TestIdentityCache:
    async def test_it_gives_what_was_answered(self, component: Any, clock: Clock) -> None:
        async def ask() -> Reply:
            return FLAT

        cache = component(clock)
        assert await cache.reply_for("a token", ask) == FLAT
        assert await cache.reply_for("a token", ask) == FLAT

    async def test_neither_a_refusal_nor_a_failure_sticks(
        self, component: Any, clock: Clock
    ) -> None:
        cache = component(clock)

        async def refuse() -> Reply:
            return NEGATIVE

        async def fail() -> Reply:
            raise AuthUnavailable

        async def accept() -> Reply:
            return FLAT

        assert await cache.reply_for("a token", refuse) == NEGATIVE
        with pytest.raises(AuthUnavailable):
            await cache.reply_for("a token", fail)
        assert await cache.reply_for("a token", accept) == FLAT


async def test_single_flight_asks_once_for_one_token_and_for_each_of_two(clock: Clock) -> None:
    cache = SingleFlight(clock)
    asked: list[str] = []
    answer_now = anyio.Event()
    got: list[tuple[str, str]] = []

    async def present(token: str) -> None:
        async def ask() -> Reply:
            asked.append(token)
            await answer_now.wait()
            return {**FLAT, "user_id": token}

        got.append((token, (await cache.reply_for(token, ask))["user_id"]))

    async with anyio.create_task_group() as group:
        for token in ("a" * 40 + "1", "a" * 40 + "1", "a" * 40 + "2"):
            group.start_soon(present, token)
        await anyio.wait_all_tasks_blocked()
        answer_now.set()
    assert sorted(asked) == ["a" * 40 + "1", "a" * 40 + "2"]
    assert all(token == user_id for token, user_id in got)
    assert len(got) == 3


async def test_single_flight_survives_the_cancellation_of_the_one_who_asks(clock: Clock) -> None:
    cache = SingleFlight(clock)

    async def never() -> Reply:
        await anyio.sleep_forever()
        raise AssertionError

    async def accept() -> Reply:
        return FLAT

    got: list[Reply] = []

    async def follow() -> None:
        got.append(await cache.reply_for("a token", accept))

    leader = anyio.CancelScope()

    async def lead() -> None:
        with leader:
            await cache.reply_for("a token", never)

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        leader.cancel()
    assert got == [FLAT]


@pytest.mark.parametrize("component", [NoRefusalCache, MinuteRefusalCache])
class TestRefusalCache:
    async def test_it_recalls_nothing_but_what_it_was_told(
        self, component: Any, clock: Clock
    ) -> None:
        cache = component(clock)
        refusal = TokenRefused("token_revoked")
        cache.remember("bad", refusal)
        assert cache.recall("good") is None
        assert cache.recall("bad") in (None, refusal)

    async def test_it_recalls_nothing_after_a_minute(self, component: Any, clock: Clock) -> None:
        cache = component(clock)
        cache.remember("bad", TokenRefused("token_revoked"))
        clock.set_offset(61)
        assert cache.recall("bad") is None


@pytest.mark.parametrize("component", [LenientTimeRules, StrictStartRules])
class TestTokenTimeRules:
    @pytest.mark.parametrize(
        ("start", "end", "code"),
        [
            (-10, 10, None),
            (0, 10, None),
            (-10, -0.5, None),
            (-10, -2, "token_expired"),
            (5, 10, "token_not_yet_valid"),
        ],
    )
    async def test_edges(
        self,
        component: Any,
        backend_settings: BackendSettings,
        clock: Clock,
        start: float,
        end: float,
        code: str | None,
    ) -> None:
        rules = component(backend_settings, clock)
        now = time.time()
        claims = {"iat": now + start, "nbf": now + start, "exp": now + end}
        if code is None:
            rules.check(claims)
            return
        with pytest.raises(TokenRefused) as refusal:
            rules.check(claims)
        assert refusal.value.code == code

    async def test_times_that_are_none(
        self, component: Any, backend_settings: BackendSettings, clock: Clock
    ) -> None:
        for claims in ({}, {"iat": "now", "nbf": 1, "exp": 2}, {"iat": True, "nbf": 1, "exp": 2}):
            with pytest.raises(TokenRefused) as refusal:
                component(backend_settings, clock).check(claims)
            assert refusal.value.code == "token_claims"


async def test_refusing_and_demonstrating_are_what_the_fallbacks_are_for() -> None:
    with pytest.raises(TokenRefused, match="token_expired"):
        RefuseHandshake().identity_for(TokenRefused("token_expired"))
    assert DemoUserFallback().identity_for(TokenRefused("token_expired")).user_id == "usr_demo"


@pytest.mark.parametrize("component", [HonestFailureEdge, UnauthorizedFailureEdge])
async def test_a_failed_validation_is_told_as_a_known_error(component: Any) -> None:
    error = component().translate(AuthUnavailable())
    assert error.status == ERRORS[error.code].status
    assert error.status in (401, 503)


@pytest.mark.parametrize("component", [SharedRevocationList, ProcessRevocationList])
async def test_a_revoked_token_is_revoked_and_no_other(
    component: Any, store_settings: StoreSettings, clock: Clock
) -> None:
    store = Store(store_settings)
    revocations = component(Sessions(store), clock)
    await revocations.revoke("one", clock.now() + 60)
    await revocations.revoke("one", clock.now() + 60)
    assert await revocations.is_revoked("one")
    assert not await revocations.is_revoked("two")
    await store.close()


@pytest.mark.parametrize("component", [ActualLifetime, PromisedLifetime])
async def test_the_lifetime_is_told_as_configured(
    component: Any, auth_settings: AuthSettings, clock: Clock
) -> None:
    issued = TokenAuthority(auth_settings, clock).issue("access", "usr_1", "a@b.example", "s")
    assert component(auth_settings).expires_in(issued.claims) == 3600
