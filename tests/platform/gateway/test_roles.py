"""Each component of the gateway does its job by itself, the as-reported ones included.

That is the point: none of these tests can tell a defect, because a defect is a gap between
components that are healthy alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from gp_helpers.platform.backend.startup import Readiness
from gp_helpers.platform.backend.validation import HonestFailureEdge, RefuseHandshake
from gp_helpers.platform.contract import Mode
from gp_helpers.platform.errors import AuthUnavailable, PlatformError, TokenRefused
from gp_helpers.platform.gateway.connection import Ending
from gp_helpers.platform.gateway.dispatch import MessageHandler
from gp_helpers.platform.gateway.events import EventManagerParts
from gp_helpers.platform.gateway.handlers import ClientHandlers
from gp_helpers.platform.gateway.messages import Ping
from gp_helpers.platform.gateway.readiness import ManagerSlot
from gp_helpers.platform.gateway.roles import Handshake
from gp_helpers.platform.gateway.setup import HandshakeIdentity
from gp_helpers.platform.routing.context import OwnHandler
from gp_helpers.platform.seams import Identity
from gp_helpers.platform.service_client import ServiceClient
from gp_helpers.platform.store import Store
from gp_helpers.platform.wiring import Wiring
from tests.platform.gateway.bench import SETTINGS, Bench, NobodyAsks, Peer, event, identity, until
from tests.platform.gateway.conftest import fresh_store


def components_at(seam: str) -> Any:
    """The remediated and the as-reported component of a seam."""
    wirings = {"remediated": Wiring(), "as_reported": Wiring.all_defects()}
    found = [pytest.param(wiring.component(seam), id=name) for name, wiring in wirings.items()]
    assert found[0].values != found[1].values, f"no defect stands at {seam}"
    return pytest.mark.parametrize("component", found)


Scenario = Callable[[Bench], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Scenario], None]:
    """Runs a scenario on a bench over a fresh store."""

    def run_scenario(scenario: Scenario) -> None:
        async def main() -> None:
            store = Store(fresh_store(tmp_path))
            try:
                await scenario(Bench(store))
            finally:
                await store.close()

        anyio.run(main)

    return run_scenario


@components_at("startup_probe")
def test_a_probe_says_how_an_instance_is_probed(component: Any) -> None:
    assert component().to_json()["type"] in {"tcp", "http"}


@components_at("readiness_gate")
class TestReadinessGate:
    def test_lets_in_at_once_when_ready(self, component: Any) -> None:
        async def main() -> None:
            readiness, slot = Readiness(("store",)), ManagerSlot()
            readiness.mark("store")
            slot.manager = manager = object()
            assert await component(readiness, slot, SETTINGS).admit() is manager

        anyio.run(main)

    def test_waits_for_what_is_about_to_be_ready(self, component: Any) -> None:
        async def main() -> None:
            readiness, slot = Readiness(("store",)), ManagerSlot()
            gate = component(readiness, slot, SETTINGS)
            admitted: list[Any] = []

            async def enter() -> None:
                admitted.append(await gate.admit())

            async with anyio.create_task_group() as group:
                group.start_soon(enter)
                await checkpoint()
                assert admitted == []
                slot.manager = manager = object()
                readiness.mark("store")
            assert admitted == [manager]

        anyio.run(main)


@components_at("event_manager")
class TestEventManager:
    def test_brings_a_connection_up(self, component: Any, run: Any, serve: Any) -> None:
        profile = Route("/auth/me", lambda _request: JSONResponse({"name": "Ann"}))
        auth_url = serve(Starlette(routes=[profile])).url

        async def scenario(bench: Bench) -> None:
            async with ServiceClient() as http:
                manager = component(
                    EventManagerParts(
                        registry=bench.registry,
                        delivery=bench.delivery,
                        dispatcher=bench.dispatcher,
                        handlers=ClientHandlers(bench.delivery, NobodyAsks(), OwnHandler()),  # type: ignore[arg-type]
                        totals=bench.totals,
                        http=http,
                        auth_url=auth_url,
                    )
                )
                await bench.delivery.emit("ann", event("ann", "earlier"))
                peer = Peer()
                connection = bench.connection("ann", peer)
                await manager.open(connection)
                assert peer.accepted
                async with anyio.create_task_group() as group:
                    group.start_soon(connection.run)
                    await until(lambda: bench.registry.of_user("ann"))
                    await bench.dispatcher.dispatch(connection.connection_id, Ping("p"))
                    connection.outgoing.release()
                    for request_id in ("one", "two"):
                        await bench.delivery.emit("ann", event("ann", request_id))
                    await until(lambda: len(peer.received) == 4)
                    group.cancel_scope.cancel()
                assert [m["type"] for m in peer.received[:2]] == ["connection_established", "pong"]
                assert peer.events == [(2, "one"), (3, "two")]

        run(scenario)


@components_at("connection_registry")
class TestConnectionRegistry:
    def test_knows_who_is_connected_until_they_leave(self, component: Any, run: Any) -> None:
        async def scenario(bench: Bench) -> None:
            registry = component(bench.presence_log)
            ann, bob = bench.connection("ann"), bench.connection("bob")
            for connection in (ann, bob):
                registry.add(connection)
                await registry.announce(connection)
            assert (registry.of_user("ann"), registry.of_user("bob")) == ((ann,), (bob,))
            assert await bench.presence.connections_of("ann") == [ann.connection_id]
            assert registry.state() == {"connections": 2, "users": 2}

            await registry.remove(ann)
            assert (registry.of_user("ann"), registry.of_user("bob")) == ((), (bob,))
            assert await bench.presence.connections_of("ann") == []
            assert registry.state() == {"connections": 1, "users": 1}

        run(scenario)

    def test_a_user_may_come_back(self, component: Any, run: Any) -> None:
        async def scenario(bench: Bench) -> None:
            registry = component(bench.presence_log)
            for _ in range(2):
                connection = bench.connection("ann")
                registry.add(connection)
                assert registry.of_user("ann") == (connection,)
                await registry.remove(connection)
                assert registry.of_user("ann") == ()

        run(scenario)


@components_at("connection_cleanup")
def test_clean_up_takes_away_what_belongs_to_a_closed_connection(component: Any, run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        cleanup = component(bench.dispatcher, bench.registry)
        ann, bob = bench.connection("ann"), bench.connection("bob")

        async def answer(_ping: Ping) -> None:
            pass

        for connection in (ann, bob):
            bench.registry.add(connection)
            bench.dispatcher.subscribe([MessageHandler(connection.connection_id, Ping, answer)])
        await cleanup.finish(ann, Ending(1000, "closed by the client", by_peer=True))
        assert bench.dispatcher.handlers == 1
        assert (bench.registry.of_user("ann"), bench.registry.of_user("bob")) == ((), (bob,))
        assert await bench.dispatcher.dispatch(bob.connection_id, Ping())
        assert not await bench.dispatcher.dispatch(ann.connection_id, Ping())

    run(scenario)


@components_at("event_delivery")
class TestEventDelivery:
    def test_numbers_events_and_brings_them_to_their_user(self, component: Any, run: Any) -> None:
        async def scenario(bench: Bench) -> None:
            delivery = component(bench.outbox, bench.registry, bench.notices)
            async with bench.open("ann") as (_, ann), bench.open("bob") as (_, bob):
                for number in range(3):
                    await delivery.emit("ann", event("ann", f"r{number}"))
                await delivery.emit("bob", event("bob"))
                await until(lambda: len(ann.events) == 3 and bob.events)
                assert ann.events == [(1, "r0"), (2, "r1"), (3, "r2")]
                assert bob.events == [(1, "r")]
                assert await delivery.position("ann") == 3

        run(scenario)

    def test_before_the_first_event_nothing_can_be_replayed(self, component: Any, run: Any) -> None:
        async def scenario(bench: Bench) -> None:
            delivery = component(bench.outbox, bench.registry, bench.notices)
            assert await delivery.position("ann") == 0
            assert await delivery.after("ann", 0) == []

        run(scenario)


class Validator:
    """Knows one good token; nobody answers for the token `slow`."""

    async def validate(self, token: str) -> Identity:
        await checkpoint()
        if token == "slow":
            raise AuthUnavailable
        if token != "good":
            raise TokenRefused
        return identity("ann")


@components_at("connection_setup")
class TestConnectionSetup:
    def setup_with(self, component: Any) -> Any:
        return component(HandshakeIdentity(Validator(), RefuseHandshake(), HonestFailureEdge()))

    def test_finds_out_who_connects_and_how(
        self, component: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        claims = {"sub": "ann"}
        monkeypatch.setattr(
            "gp_helpers.platform.defects.websocket.read_unverified", lambda _token: claims
        )
        setup = self.setup_with(component)
        for mode in Mode:
            peer = Peer({"Authorization": "Bearer good"}, f"mode={mode}")
            handshake = anyio.run(setup.establish, peer.websocket)
            assert handshake == Handshake(identity("ann"), "ann", mode, None, "good")

    @pytest.mark.parametrize(
        ("headers", "query", "code"),
        [
            ({"Authorization": "Bearer bad"}, "", "invalid_token"),
            ({}, "", "token_missing"),
            ({"Authorization": "Bearer slow"}, "", "auth_unavailable"),
            ({"Authorization": "Bearer good"}, "mode=none", "unknown_mode"),
        ],
    )
    def test_refuses_with_the_reason(
        self, component: Any, headers: dict[str, str], query: str, code: str
    ) -> None:
        setup = self.setup_with(component)
        with pytest.raises(PlatformError) as refused:
            anyio.run(setup.establish, Peer(headers, query).websocket)
        assert refused.value.code == code


@components_at("connection_timeouts")
def test_times_are_usable(component: Any) -> None:
    timeouts = component(SETTINGS)
    assert 0 < timeouts.heartbeat_s < timeouts.lifetime_s
    assert 0 < timeouts.reconnect_notice_s < timeouts.lifetime_s


@components_at("cut_handling")
def test_an_answer_reaches_whoever_asked(component: Any, run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        handling = component(bench.delivery)
        async with bench.open("ann") as (connection, ann):
            sink = handling.sink_for(connection)
            for number in range(3):
                await sink.emit("ann", event("ann", f"r{number}"))
            await until(lambda: len(ann.events) == 3)
            assert ann.events == [(1, "r0"), (2, "r1"), (3, "r2")]

    run(scenario)
