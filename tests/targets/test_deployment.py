"""A deployment is talked to in whatever words its parameter file states."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.evidence.environment import without_secrets
from gp_helpers.history import Kind
from gp_helpers.probes import NotDescribedError, OwnValueError
from gp_helpers.targets.transports import Channel, Handshake, transport
from tests.targets.conftest import PASSWORD, TOKEN, SmallPlatform, described, opened
from tests.targets.people import somebody

pytestmark = pytest.mark.anyio

FIELDS = {"who": "{user.email}", "word": "{user.password}"}


def with_auth(port: int, **auth: Any) -> dict[str, Any]:
    stated = described(port)
    kept = {"validators": stated["auth"]["validators"], "user_id": "body.user.id"}
    return {**stated, "auth": {**kept, **auth}}


LOGINS = {
    "json": {"login": {"path": "/login/json", "json": FIELDS}, "token": {"body": "access_token"}},
    "form": {
        "login": {"path": "/login/form", "form": FIELDS},
        "token": {"body": "body.access_token"},
    },
    "cookie": {"login": {"path": "/login/cookie", "form": FIELDS}, "token": {"cookie": "session"}},
}


@pytest.mark.parametrize("how", LOGINS)
async def test_a_login_gives_the_token_wherever_it_is(platform: SmallPlatform, how: str) -> None:
    auth = LOGINS[how]
    login = {"method": "POST", **auth["login"]}
    login["url"] = f"http://127.0.0.1:{platform.port}{login.pop('path')}"
    async with opened(with_auth(platform.port, login=login, token=auth["token"])) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        assert (person.access_token, person.user_id) == (TOKEN, "ada")
        decision = await lab.client.present(person, "me", TOKEN)
        assert (decision.accepted, decision.identity) == (True, "ada")
        recorded = str(lab.kinds(*Kind))
        assert TOKEN not in recorded
        assert PASSWORD not in recorded
        assert platform.logins == [{"user": "ada", "password": PASSWORD}]


@pytest.mark.parametrize("client_authentication", ["basic", "form"])
async def test_client_credentials_give_the_token(
    platform: SmallPlatform, client_authentication: str
) -> None:
    stated = with_auth(
        platform.port,
        oauth2={
            "token_url": f"http://127.0.0.1:{platform.port}/oauth/token",
            "client_authentication": client_authentication,
        },
    )
    stated["accounts"] = {"inline": f"[{{client_id: ada, client_secret: {PASSWORD}}}]"}
    async with opened(stated) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        assert person.access_token == TOKEN
        assert PASSWORD not in str(lab.kinds(*Kind))


@pytest.mark.parametrize("value", ["caf\u00e9", "two\\nlines", "\\x01", "ends "])
@pytest.mark.parametrize("where", ["headers", "bearer", "static", "socket"])
async def test_a_value_of_an_account_that_no_client_can_send_is_no_finding(
    platform: SmallPlatform, where: str, value: str
) -> None:
    stated = described(platform.port)
    stated["accounts"] = {"inline": f'[{{email: ada, password: "{PASSWORD}", key: "{value}"}}]'}
    if where == "static":
        stated["auth"] = {"token": {"static": "{user.key}"}}
    elif where == "socket":
        stated["websocket"]["headers"] = {"X-Key": "{user.key}"}
    else:
        head = "{user.key}" if where == "bearer" else {"X-Key": "{user.key}"}
        stated["auth"]["login"] = {**stated["auth"]["login"], where: head}
    async with opened(stated) as lab:
        person = somebody()
        await lab.client.register(person)
        if where == "socket":
            await lab.client.log_in(person)
        using = lab.client.connect if where == "socket" else lab.client.log_in
        with pytest.raises(OwnValueError, match=r"cannot be sent|can't encode") as told:
            await using(person)
        assert "caf" not in str(told.value)
        assert lab.kinds(Kind.NO_RESPONSE, Kind.WS_REFUSED) == []


async def test_a_token_of_the_platforms_that_no_client_can_send_is_the_platforms(
    platform: SmallPlatform,
) -> None:
    async with opened(described(platform.port)) as lab:
        person = somebody()
        await lab.client.register(person)
        for token in ("caf\u00e9", "two\nlines", "\x01"):
            assert (await lab.client.present(person, "me", token)).accepted is None
        assert [one["definite"] for one in lab.kinds(Kind.NO_RESPONSE)] == [True] * 3


async def test_a_static_token_comes_from_each_users_account(platform: SmallPlatform) -> None:
    stated = with_auth(platform.port, token={"static": "{user.api_key}"})
    stated["accounts"] = {"inline": f"[{{email: ada, id: ada, api_key: {TOKEN}}}]"}
    async with opened(stated) as lab:
        person = somebody()
        await lab.client.register(person)
        assert await lab.client.log_in(person) is None
        assert (await lab.client.present(person, "me", person.access_token or "")).accepted is True
        assert TOKEN not in str(lab.kinds(*Kind))


async def test_cookies_of_one_user_are_not_sent_for_another(platform: SmallPlatform) -> None:
    login = {
        "method": "POST",
        "form": FIELDS,
        "url": f"http://127.0.0.1:{platform.port}/login/cookie",
    }
    async with opened(with_auth(platform.port, login=login, token={"cookie": "session"})) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        await lab.client.present(person, "me", TOKEN)
        assert platform.cookies_seen == []


PRESENTED = {
    "header": {},
    "query": {"token_query": "key"},
    "cookie": {"token_cookie": "session"},
    "subprotocol": {"token_subprotocol": "bearer.{token}", "subprotocols": ["chat"]},
    "first_message": {"first_message": {"key": "{token}"}},
}


@pytest.mark.parametrize("place", PRESENTED)
async def test_the_socket_gets_the_token_where_it_wants_it(
    platform: SmallPlatform, place: str
) -> None:
    stated = described(platform.port)
    stated["websocket"] |= {"present_token": place, **PRESENTED[place]}
    async with opened(stated) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        socket, _ = await lab.client.connect(person)
        assert socket is not None
        assert await socket.wait_ready(5.0)
        assert platform.presented == [place]
        assert TOKEN not in str(lab.kinds(*Kind))


async def test_users_come_from_a_file(platform: SmallPlatform, tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(f"- {{email: grace, password: {PASSWORD}}}\n- {{email: mary, password: no}}\n")
    async with opened(described(platform.port, accounts={"file": str(file)})) as lab:
        people = [somebody(), somebody(2)]
        for person in people:
            await lab.client.register(person)
            await lab.client.log_in(person)
        assert [one["user"] for one in platform.logins] == ["grace", "mary"]
        assert [person.access_token for person in people] == [TOKEN, None]


class Shouting:
    """A transport of somebody's own: what it sends is wrapped, what comes is JSON."""

    def __init__(self) -> None:
        self._json = transport("json")

    async def open(self, handshake: Handshake) -> Channel:
        return _Shouted(await self._json.open(handshake))


class _Shouted:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.subprotocol = channel.subprotocol
        self.receive, self.close, self.abort = channel.receive, channel.close, channel.abort

    async def send(self, message: Any) -> None:
        await self._channel.send({**message, "words": message["words"].upper()})


async def test_a_transport_of_ones_own_carries_the_messages(platform: SmallPlatform) -> None:
    stated = described(platform.port)
    stated["websocket"]["transport"] = f"{__name__}:Shouting"
    async with opened(stated) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        socket, _ = await lab.client.connect(person)
        assert socket is not None
        question = await lab.client.ask(socket, "tea?")
        await socket.wait_for_answer(question.request_id, 5.0)
        assert socket.answer_to(question.request_id) == "About 'TEA?': the kettle is on."


async def test_what_arrived_while_this_process_ran_late_has_arrived(
    platform: SmallPlatform,
) -> None:
    async with opened(described(platform.port)) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        socket, _ = await lab.client.connect(person)
        assert socket is not None
        arrived: list[str] = []
        waits = (
            socket.wait_until(lambda: "here" in arrived, timeout_s=0.02, awaited="here"),
            socket.wait_until(lambda: "never" in arrived, timeout_s=0.02, awaited="never"),
        )
        waiting = [asyncio.create_task(one) for one in waits]
        await asyncio.sleep(0)
        threading.Event().wait(0.05)
        arrived.append("here")
        assert await asyncio.gather(*waiting) == [True, False]
        timeouts = lab.recorder.history.of(Kind.TIMEOUT)
        assert [entry.data["awaited"] for entry in timeouts] == ["never"]


async def test_events_and_a_streamed_answer_are_put_together(platform: SmallPlatform) -> None:
    async with opened(described(platform.port)) as lab:
        person = somebody()
        await lab.client.register(person)
        await lab.client.log_in(person)
        socket, _ = await lab.client.connect(person)
        assert socket is not None
        first = await lab.client.ask(socket, "How is the tea?")
        await socket.wait_for_answer(first.request_id, 5.0)
        events = [name for message in socket.of(first.request_id) for name in message.events]
        assert events == ["agent_started", "agent_thinking", "tool_executing", "agent_completed"]
        assert socket.answer_to(first.request_id) == "About 'How is the tea?': the kettle is on."


async def test_users_beyond_the_stated_accounts_are_refused_with_a_reason(
    platform: SmallPlatform,
) -> None:
    async with opened(described(platform.port)) as lab:
        await lab.client.register(somebody(0))
        with pytest.raises(NotDescribedError, match="more than 1 accounts"):
            await lab.client.register(somebody(1))


async def test_whatever_an_account_holds_beside_who_it_is_is_not_recorded(
    platform: SmallPlatform,
) -> None:
    stated = described(platform.port)
    hidden = {"pass": PASSWORD, "magic": "wand-8813-zz", "otp": "918273"}
    public = {"email": "ada@desk.example", "id": "ada-77", "role": "member"}
    stated["accounts"] = {
        "inline": json.dumps(
            [public | hidden, {**public, "email": "ben@desk.example", "magic": "rod-8814-zz"}]
        )
    }
    stated["auth"]["login"]["json"] = {
        "who": "{user.email}",
        "word": "{user.pass}",
        "spell": "the {user.magic} of a {user.role}, {user.otp}",
    }
    async with opened(stated) as lab:
        people = [somebody(0), somebody(1)]
        for person in people:
            await lab.client.register(person)
        await lab.client.log_in(people[0])
        text = json.dumps([dict(entry.data) for entry in lab.recorder.history.entries])
        [asked] = lab.kinds(Kind.REQUEST)
        assert platform.logins == [{"user": "ada@desk.example", "password": PASSWORD}]
        assert [one for one in hidden.values() if one in text] == []
        assert asked["body"]["spell"] == "the ‹account, 1› of a member, ‹password›"
        shown = lab.recorder.redactor.text("wand-8813-zz, rod-8814-zz")
        assert shown == "‹account, 1›, ‹account, 2›"


def test_accounts_in_the_text_of_the_parameters_are_not_evidence() -> None:
    for text in ('[{"email": "a@b.example", "word": "hunter22"}]', "[{pin: 12, magic: '${M}'}]"):
        shown = without_secrets({"target": {"accounts": {"inline": text}}})
        assert shown == {"target": {"accounts": {"inline": "‹accounts›"}}}
    referred = {"target": {"accounts": {"inline": "${ACCOUNTS}"}}}
    assert without_secrets(referred) == referred
