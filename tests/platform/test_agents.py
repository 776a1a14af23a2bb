"""The runner: five events in order, a stored conversation, and one error where it cannot go on."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gp_helpers.platform.agents.accounts import TokenSubject
from gp_helpers.platform.agents.model_client import ModelClient
from gp_helpers.platform.agents.runner import ModelAgentRunner
from gp_helpers.platform.agents.tools import BillingTool
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import AgentRequest, Event
from gp_helpers.platform.routing.desks import Desks
from gp_helpers.platform.routing.handoff import DeskByDesk, EachAgentOnce
from gp_helpers.platform.routing.router import OneRouter, Router
from gp_helpers.platform.seams import Identity
from gp_helpers.platform.service_client import ServiceClient
from gp_helpers.platform.services import build_model
from gp_helpers.platform.settings import BackendSettings
from gp_helpers.platform.store import Account, Accounts, Billing, Conversations, Store

pytestmark = pytest.mark.anyio

IDENTITY = Identity("u1", "a@b.example", (), 9e9)
FIVE = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def emit(self, user_id: str, event: Event) -> None:
        assert user_id == event.user_id
        self.events.append(event)


class Bench:
    """A runner on a real store and a model server on a real socket."""

    def __init__(self, store: Store, http: ServiceClient, settings: BackendSettings) -> None:
        self.accounts = Accounts(store)
        self.billing = Billing(store, self.accounts)
        self.conversations = Conversations(store)
        self.sink = Sink()
        self.runner = ModelAgentRunner(
            router=OneRouter(Router()),
            delegation=DeskByDesk(Desks(), EachAgentOnce(), 4),
            model=ModelClient(http, settings, Clock()),
            tool=BillingTool(self.billing, TokenSubject()),
            conversations=self.conversations,
            clock=Clock(),
        )

    async def ask(self, message: str, **more: Any) -> list[Event]:
        await self.accounts.add(Account("u1", "a@b.example", "marigold", "hash"))
        thread = await self.conversations.create("u1", "t", 1.0)
        self.thread_id = thread.id
        values = {"id": "r1", "thread_id": thread.id, "message": message, **more}
        await self.runner.run(IDENTITY, AgentRequest(**values), self.sink)
        return self.sink.events


@pytest.fixture
async def bench_on(backend_settings: BackendSettings) -> AsyncIterator[Callable[[str], Bench]]:
    store = Store(backend_settings.store)
    async with ServiceClient() as http:

        def make(model_url: str) -> Bench:
            update = {"model_url": model_url, "model_timeout_s": 0.5}
            return Bench(store, http, backend_settings.model_copy(update=update))

        yield make
    await store.close()


def embedded(serve: Any) -> str:
    return f"{serve(build_model({'settings': {'diagnostics_secret': 'x'}})).url}/v1"


async def test_five_events_and_a_stored_conversation(bench_on: Any, serve: Any) -> None:
    bench = bench_on(embedded(serve))
    events = await bench.ask("Why are my costs so high?")
    assert [str(event.type) for event in events] == FIVE
    assert {event.agent for event in events} == {"analysis"}
    assert {event.request_id for event in events} == {"r1"}
    answer = events[-1].data
    items = await bench.billing.items_of("u1")
    largest = max(items, key=lambda item: item.amount_cents)
    assert f"{largest.service} in project {largest.project}" in answer["result"]
    assert f"{largest.amount_cents / 100:.2f}" in answer["result"]
    assert "marigold" in answer["result"]
    assert len(answer["recommendations"]) >= 2
    assert answer["handoffs"] == []
    stored = await bench.conversations.messages_in("u1", bench.thread_id)
    assert [(message.role, message.request_id) for message in stored] == [
        ("user", "r1"),
        ("assistant", "r1"),
    ]
    assert answer["result"] in stored[1].content


async def test_the_declared_agent_works_and_preferences_count(bench_on: Any, serve: Any) -> None:
    bench = bench_on(embedded(serve))
    events = await bench.ask("Show me.", agent="planning", preferences={"style": "technical"})
    assert {event.agent for event in events} == {"planning"}
    assert "Technical detail" in events[-1].data["result"]


@pytest.mark.parametrize(
    ("more", "code"),
    [({"agent": "nobody"}, "unknown_agent"), ({"thread_id": "thr_none"}, "thread_not_found")],
)
async def test_a_request_that_cannot_be_worked_on_gets_one_error(
    bench_on: Any, serve: Any, more: dict[str, str], code: str
) -> None:
    events = await bench_on(embedded(serve)).ask("Why?", **more)
    assert [(str(event.type), event.data["code"]) for event in events] == [("error", code)]


class ScriptedModel:
    """Answers completions from a script, one entry a request, the last one for ever."""

    def __init__(self, *script: Callable[[], Response]) -> None:
        self.asked = 0
        self._script = itertools.chain(script, itertools.repeat(script[-1]))
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.answer, methods=["POST"])])

    async def answer(self, _request: Request) -> Response:
        self.asked += 1
        return next(self._script)()


def away() -> Response:
    return Response(status_code=503)


def calling(name: str) -> Callable[[], Response]:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return lambda: JSONResponse({"choices": [{"message": message}]})


def saying(text: str) -> Callable[[], Response]:
    message = {"role": "assistant", "content": text}
    return lambda: JSONResponse({"choices": [{"message": message}]})


@pytest.mark.parametrize(
    ("script", "code", "asked"),
    [
        ((away,), "model_unavailable", 3),
        ((lambda: Response("no JSON"),), "model_protocol", 1),
        ((lambda: JSONResponse({"choices": []}),), "model_protocol", 1),
        ((lambda: Response(status_code=400),), "model_protocol", 1),
        ((saying("I know it by heart."),), "model_protocol", 1),
        ((calling("drop_tables"),), "model_protocol", 1),
        ((calling("get_billing"), saying("  ")), "model_protocol", 2),
    ],
)
async def test_a_model_that_fails_ends_in_one_error_and_no_stored_answer(
    bench_on: Any, serve: Any, script: Any, code: str, asked: int
) -> None:
    model = ScriptedModel(*script)
    bench = bench_on(f"{serve(model.app).url}/v1")
    events = await bench.ask("Why?")
    assert str(events[-1].type) == "error"
    assert events[-1].data["code"] == code
    assert [str(event.type) for event in events[:-1]] == FIVE[: len(events) - 1]
    assert model.asked == asked
    stored = await bench.conversations.messages_in("u1", bench.thread_id)
    assert [message.role for message in stored] == ["user"]


async def test_a_model_that_comes_back_is_asked_again(bench_on: Any, serve: Any) -> None:
    model = ScriptedModel(away, calling("get_billing"), away, away, saying("Fine.\nNothing."))
    events = await bench_on(f"{serve(model.app).url}/v1").ask("Why?")
    assert [str(event.type) for event in events] == FIVE
    assert model.asked == 5


async def test_a_model_that_hangs_is_given_up_in_time(bench_on: Any) -> None:
    async def say_nothing(stream: Any) -> None:
        async with stream:
            async for _ in stream:
                pass

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with anyio.create_task_group() as group:
        group.start_soon(listener.serve, say_nothing)
        with anyio.fail_after(5):
            events = await bench_on(f"http://127.0.0.1:{port}/v1").ask("Why?")
        group.cancel_scope.cancel()
    await listener.aclose()
    assert events[-1].data["code"] == "model_unavailable"
