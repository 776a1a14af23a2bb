"""TLS towards a platform: who is trusted, and what stays of a URL behind proxies."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from gp_helpers.history import Kind
from gp_helpers.parameters import ParameterError
from gp_helpers.probes import http_client
from gp_helpers.targets import Arrangement, Hop
from gp_helpers.targets.transports import HandshakeRefused, transport
from tests.targets.conftest import SmallPlatform, described, opened, serving
from tests.targets.people import somebody
from tests.targets.test_guest import logged_in
from tests.targets.test_socketio import chat, handshake

pytestmark = pytest.mark.anyio

PROXIED = Arrangement(proxied=frozenset({Hop.CLIENT_INGRESS}), framed=True)
FAULTS = ["network_cut", "frame_hold"]


async def test_certificates_are_verified_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own, strangers = (tmp_path / name for name in ("own.pem", "strangers.pem"))
    for file in (strangers, own):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(file))
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with serving(SmallPlatform().application(), tls=context) as port:
        for changes, is_trusted in (
            ({}, False),
            ({"verify_tls": False}, True),
            ({"tls_ca_file": str(own)}, True),
            ({"tls_ca_file": str(strangers)}, False),
        ):
            stated = described(port, **changes)
            for operation in (stated["auth"]["login"], stated["auth"]["validators"]["me"]):
                operation["url"] = operation["url"].replace("http:", "https:")
            stated["websocket"]["url"] = f"wss://127.0.0.1:{port}/socket"
            async with opened(stated) as lab:
                person = await logged_in(lab)
                socket, refusal = await lab.client.connect(person)
                assert (person.access_token is not None) == is_trusted
                assert (socket is not None) == is_trusted
                errors = [one["error"] for one in lab.kinds(Kind.NO_RESPONSE)]
                assert all("CERTIFICATE_VERIFY_FAILED" in error for error in errors)
                assert bool(errors) != is_trusted
                assert is_trusted != ("CERTIFICATE_VERIFY_FAILED" in str(refusal and refusal.data))


async def test_no_authority_is_read_for_what_is_not_encrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[ssl.SSLContext] = []

    def trusting() -> ssl.SSLContext:
        read.append(httpx.create_ssl_context())
        return read[-1]

    monkeypatch.setattr(http_client, "_trusting", trusting)
    async with http_client.new_client() as client:
        for scheme, times in (("http", 0), ("https", 1), ("https", 1)):
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{scheme}://127.0.0.1:1/")
            assert len(read) == times


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_of_certificates_that_is_none_is_named(
    content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ParameterError, match=r"tls_ca_file: .*authority.pem"):
        async with opened(described(9, tls_ca_file=str(file))):
            raise AssertionError("it was opened")


async def test_a_certificate_is_verified_against_the_file_that_is_named(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    own = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(own))
    async with serving(chat(), tls=context) as port:
        secure = replace(handshake(port), url=f"https://localhost:{port}")
        with pytest.raises(HandshakeRefused):
            await transport("socketio").open(secure)
        channel = await transport("socketio").open(replace(secure, ca_file=str(own)))
        await channel.close()


@pytest.mark.parametrize(
    ("authority", "host"),
    [("localhost:80", "localhost:80"), ("localhost:443", "localhost"), ("localhost", "localhost")],
)
async def test_host_says_what_the_url_says_though_the_probe_talks_plainly_to_the_proxy(
    authority: str, host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ports below 1024 are not ours to take: connections to them are led to the server's."""
    trusted, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.issue_cert("localhost").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    trusted.cert_pem.write_to_path(str(bundle))
    seen: list[str] = []

    async def greet(socket: WebSocket) -> None:
        seen.append(socket.headers["host"])
        await socket.accept()

    application = Starlette(routes=[WebSocketRoute("/socket", greet)])
    async with serving(application, tls=context) as own_port:
        loop = asyncio.get_running_loop()
        create_connection = loop.create_connection

        async def led(factory: Any, host: str, port: int, **how: Any) -> Any:
            at = own_port if port in (80, 443) else port
            return await create_connection(factory, host, at, **how)

        monkeypatch.setattr(loop, "create_connection", led)
        target = described(own_port, tls_ca_file=str(bundle))
        target["auth"] = {"token": {"static": "sesame"}}
        target["limits"] |= {"faults": FAULTS}
        target["websocket"] |= {"url": f"wss://{authority}/socket", "ready": None}
        async with opened(target, arrangement=PROXIED) as lab:
            person = somebody()
            await lab.client.log_in(person)
            socket, refusal = await lab.client.connect(person)
            assert socket is not None, refusal
    assert seen == [host]


async def test_wss_is_verified_by_the_proxy_and_host_origin_and_cookies_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    seen: list[dict[str, str]] = []

    async def greet(socket: WebSocket) -> None:
        seen.append(dict(socket.headers))
        await socket.accept()
        await socket.send_json({"kind": "hi"})

    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    application = Starlette(routes=[WebSocketRoute("/socket", greet)])
    async with serving(application, tls=context) as port:
        for trusted_by in ("nobody", "the file", "the system"):
            target = described(port)
            match trusted_by:
                case "the file":
                    target["tls_ca_file"] = str(bundle)
                case "the system":
                    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
            target["auth"] = {"token": {"static": "sesame"}}
            target["limits"] |= {"faults": FAULTS}
            target["websocket"] |= {
                "url": f"wss://localhost:{port}/socket?mode=main",
                "present_token": "cookie",
                "headers": {"Origin": "https://app.example"},
            }
            async with opened(target, arrangement=PROXIED) as lab:
                person = somebody()
                await lab.client.register(person)
                await lab.client.log_in(person)
                socket, refusal = await lab.client.connect(person)
                if trusted_by != "nobody":
                    assert socket is not None
                    assert await socket.wait_ready(5.0)
                    [opening] = lab.kinds(Kind.WS_OPENING)
                    assert opening["url"].startswith(f"wss://localhost:{port}/")
                else:
                    assert socket is None
                    assert refusal is not None
                    assert "CERTIFICATE_VERIFY_FAILED" in refusal.data["reason"]
    headers, again = seen
    assert headers.items() - again.items() == {("sec-websocket-key", headers["sec-websocket-key"])}
    assert names[-1] == "localhost"
    assert headers["host"] == f"localhost:{port}"
    assert headers["origin"] == "https://app.example"
    assert headers["cookie"] == "access_token=sesame"
