"""The limits of a target are held by the clients themselves, whatever the platform says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.history import Kind
from gp_helpers.history.recording import read
from gp_helpers.parameters import Limits, Parameters
from gp_helpers.probes import Guest, LimitReachedError, silence
from tests.targets.conftest import TOKEN, Opened, SmallPlatform, described, opened, serving
from tests.targets.people import somebody

pytestmark = pytest.mark.anyio

URL = "http://a.example:8000/x"


async def ask(guest: Guest, url: str = URL) -> None:
    await guest.admit_request(url)


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        ({"requests": 2}, "requests"),
        ({"hosts": ["b.example"]}, "hosts"),
        ({"seconds": 1e-9}, "seconds"),
    ],
)
async def test_what_goes_beyond_a_limit_is_not_sent(limits: dict[str, Any], limit: str) -> None:
    guest = Guest(Limits(**limits))
    refused = []
    for _ in range(3):
        try:
            await ask(guest)
        except LimitReachedError as error:
            refused.append(error.limit)
    assert refused == [limit] * (3 if limit == "hosts" else len(refused))
    assert refused
    assert guest.counted()["refused"] == len(refused)
    assert int(str(guest.counted()["requests"])) <= 2


async def test_a_host_is_named_with_or_without_its_port() -> None:
    for host in ("a.example", "a.example:8000", "A.example"):
        await ask(Guest(Limits(hosts=(host,))))
    for host, url in (
        ("a.example:443", "wss://a.example/x"),
        ("a.example", "https://a.example:443/x"),
        ("[::1]:80", "http://[::1]/x"),
        ("[::1]", "http://[::1]:8000/x"),
    ):
        await ask(Guest(Limits(hosts=(host,))), url)
    with pytest.raises(LimitReachedError):
        await ask(Guest(Limits(hosts=("a.example:443",))), "ws://a.example/x")
    with pytest.raises(LimitReachedError):
        await ask(Guest(Limits(hosts=("a.example:8001",))))
    with pytest.raises(LimitReachedError):
        await ask(Guest(Limits(hosts=("a.example",))), "http://a.example@b.example/x")


async def test_connections_beyond_the_limit_are_not_opened_and_the_platform_sees_none(
    platform: SmallPlatform,
) -> None:
    stated = described(platform.port)
    stated["limits"]["connections"] = 2
    async with opened(stated) as lab:
        person = await logged_in(lab)
        for _ in range(2):
            socket, _refusal = await lab.client.connect(person)
            assert socket is not None
            assert await socket.wait_ready(5.0)
            await socket.close()
        with pytest.raises(LimitReachedError, match="connections allows 2"):
            await lab.client.connect(person)
        counted = lab.guest.counted()
        assert (counted["connections"], counted["refused"]) == (2, 1)
        assert len(platform.presented) == 2


async def test_a_turn_that_comes_after_the_last_second_is_refused() -> None:
    guest = Guest(Limits(rate_per_s=2, seconds=0.7))
    began = time.perf_counter()
    await ask(guest)
    await ask(guest)
    with pytest.raises(LimitReachedError, match=r"seconds allows 0\.7"):
        await ask(guest)
    assert time.perf_counter() - began < 0.7
    assert guest.counted()["requests"] == 2


async def test_no_more_requests_are_under_way_than_users_are_allowed(
    platform: SmallPlatform,
) -> None:
    stated = described(platform.port)
    stated["limits"]["concurrent_users"] = 2
    stated["auth"]["validators"]["me"]["url"] = f"http://127.0.0.1:{platform.port}/slow"
    async with opened(stated) as lab:
        person = await logged_in(lab)
        await asyncio.gather(*(lab.client.present(person, "me", TOKEN) for _ in range(6)))
    assert platform.most_at_once == 2


async def test_an_address_that_the_platform_hands_out_is_not_visited(
    platform: SmallPlatform,
) -> None:
    visited: list[str] = []

    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        visited.append(scope["path"])

    async with serving(elsewhere) as port:
        platform.elsewhere = f"//127.0.0.1:{port}"
        http = f"http://127.0.0.1:{platform.port}"
        stated = described(platform.port)
        stated["conversation"] = {"create": {"url": f"{http}/handed-out"}, "id": "body.id"}
        stated["persistence"] = {"url": "http:{thread_id}/read"}
        stated["websocket"]["url"] = "ws:{thread_id}/socket"
        stated["limits"]["hosts"] = [f"127.0.0.1:{platform.port}"]
        async with opened(stated) as lab:
            person = await logged_in(lab)
            assert await lab.client.open_conversation(person) == f"//127.0.0.1:{port}"
            with pytest.raises(LimitReachedError, match=r"limits\.hosts"):
                await lab.client.read_conversation(person, person.thread_id or "")
            with pytest.raises(LimitReachedError, match=r"limits\.hosts"):
                await lab.client.connect(person)
    assert visited == []


async def test_what_was_done_is_in_the_evidence_as_the_platform_saw_it(
    platform: SmallPlatform, tmp_path: Path
) -> None:
    parameters = Parameters.model_validate(
        {"target": described(platform.port), "expectation": "none"}
    )
    plan = Plan("websocket.event_manager_init", parameters, frozenset(), 1, 1, tmp_path)
    [result] = await run_plan(plan)
    assert result.verdict.outcome is Outcome.PASS, result.verdict.reason
    spent = json.loads((tmp_path / "guest.json").read_text())
    [path] = (tmp_path / "histories").glob("*.jsonl")
    [counted] = [e.data for e in read(path).of(Kind.MEASURED) if e.subject == "guest"]
    for found in (spent, counted):
        assert (found["requests"], found["connections"]) == (platform.requests, 1)
        assert found["hosts"] == {f"127.0.0.1:{platform.port}": platform.requests + 1}
    assert (counted["users_at_once"], counted["refused"]) == (1, 0)


async def test_requests_keep_the_stated_rate() -> None:
    guest = Guest(Limits(rate_per_s=50))
    began = time.perf_counter()
    for _ in range(4):
        await ask(guest)
    assert time.perf_counter() - began >= 3 / 50


async def test_all_processes_of_a_run_share_one_budget(tmp_path: Path) -> None:
    ledger = tmp_path / "guest.json"
    one, other = (Guest(Limits(requests=3), ledger) for _ in range(2))
    await ask(one)
    await ask(other)
    await ask(one)
    with pytest.raises(LimitReachedError):
        await ask(other)
    assert one.counted()["requests"] == other.counted()["requests"] == 3
    assert one.counted()["hosts"] == {"a.example:8000": 3}
    assert os.listdir(tmp_path) == ["guest.json"], "what else is there is no evidence"


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gp_helpers.parameters import Limits
from gp_helpers.probes import Guest, guest

written = guest._as_json

def killed_the_second_time(spent):
    if spent.requests == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return written(spent)

guest._as_json = killed_the_second_time
async def ask():
    one = Guest(Limits(requests=9), Path(sys.argv[1]))
    await one.admit_request("http://a.example/")
    await one.admit_request("http://a.example/")

asyncio.run(ask())
"""


async def test_a_process_that_is_killed_while_it_counts_leaves_no_fresh_budget(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "guest.json"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(ledger))
    assert await asyncio.wait_for(child.wait(), 30) == -signal.SIGKILL
    assert json.loads(ledger.read_text())["requests"] == 1
    with pytest.raises(LimitReachedError):
        await ask(Guest(Limits(requests=1), ledger))


async def logged_in(lab: Opened) -> Any:
    person = somebody()
    await lab.client.register(person)
    await lab.client.log_in(person)
    return person


async def test_more_users_than_allowed_are_not_connected(platform: SmallPlatform) -> None:
    stated = described(platform.port, accounts={"inline": "[{email: ada}, {email: ben}]"})
    stated["limits"]["concurrent_users"] = 1
    async with opened(stated) as lab:
        people = [somebody(0), somebody(1)]
        for person in people:
            await lab.client.register(person)
            person.access_token = "kettle-7f3a9c1b5d"
        assert (await lab.client.connect(people[0]))[0] is not None
        with pytest.raises(LimitReachedError, match="concurrent_users"):
            await lab.client.connect(people[1])


async def test_silence_is_waited_for_no_longer_than_allowed_and_is_none_then(
    platform: SmallPlatform,
) -> None:
    stated = described(platform.port, silence_after_s=5.0)
    stated["limits"]["seconds"] = 0.5
    async with opened(stated) as lab:
        await logged_in(lab)
        began = time.perf_counter()
        with pytest.raises(LimitReachedError, match=r"limits.seconds allows 0.5.*silence_after_s"):
            await silence(lab.client)
        assert time.perf_counter() - began < 0.6
        assert lab.kinds(Kind.SILENCE) == []
        [timeout] = lab.kinds(Kind.TIMEOUT)
        assert timeout["awaited"] == "silence"
    async with opened(described(platform.port)) as lab:
        assert (await silence(lab.client)).data["proven"] is False


async def test_redirects_are_recorded_and_not_followed(platform: SmallPlatform) -> None:
    visited: list[str] = []

    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        visited.append(scope["path"])

    async with serving(elsewhere) as port:
        platform.elsewhere = f"http://127.0.0.1:{port}"
        stated = described(platform.port)
        stated["websocket"]["url"] = f"ws://127.0.0.1:{platform.port}/moved"
        stated["auth"]["validators"]["me"]["url"] = f"http://127.0.0.1:{platform.port}/elsewhere"
        async with opened(stated) as lab:
            person = await logged_in(lab)
            decision = await lab.client.present(person, "me", person.access_token)
            socket, refusal = await lab.client.connect(person)
            assert decision.accepted is False
            assert socket is None
            assert refusal is not None
            assert refusal.data["status"] == 307
    assert visited == []


async def test_a_deployment_without_hosts_is_kept_to_those_of_its_own_urls(
    platform: SmallPlatform,
) -> None:
    async with opened(described(platform.port)) as lab:
        assert lab.target.limits is not None
        assert lab.target.limits.hosts == (f"127.0.0.1:{platform.port}",)
        with pytest.raises(LimitReachedError):
            await lab.guest.admit_request("http://127.0.0.2:80/")


async def test_a_request_that_is_given_up_while_it_is_under_way_is_on_record(
    platform: SmallPlatform,
) -> None:
    stated = described(platform.port)
    stated["auth"]["validators"]["me"]["url"] = f"http://127.0.0.1:{platform.port}/slow"
    async with opened(stated) as lab:
        person = await logged_in(lab)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lab.client.present(person, "me", TOKEN, about="slow")
        asked = lab.recorder.history.of(Kind.REQUEST)[-1]
        [given_up] = lab.kinds(Kind.NO_RESPONSE)
        assert given_up["request"] == asked.seq
        assert given_up["definite"] is False
        assert "given up" in given_up["error"]
