"""The HTTP probe: sends one described operation, and records what it did and what it saw.

A request that got no answer is indefinite unless it certainly was not sent: the platform may have
acted on it.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

import httpx

from gp_helpers.history import Entry, Kind, Recorder
from gp_helpers.parameters.description import Operation
from gp_helpers.parameters.sendable import UnsendableError, sendable_value
from gp_helpers.parameters.templates import render
from gp_helpers.probes.bodies import ACCEPTED_CODINGS, MOST_SHOWN, decoded_body, read_body
from gp_helpers.probes.expressions import matches, search
from gp_helpers.probes.guest import Guest
from gp_helpers.probes.own_values import OwnValueError, without_issued

MOST_TOKEN_CHARACTERS = 16_384
"""What is longer is no token: no server takes it in a header."""
_OF_WHAT_STANDS_IN_FRONT = (502, 503, 504)
"""Answers in place of a server's own, which is lost with whatever it issued (RFC 9110, 15.6)."""
_NOT_SENDABLE = (httpx.InvalidURL, UnicodeError, UnsendableError)
_CERTAINLY_NOT_SENT = (
    httpx.ConnectError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    *_NOT_SENDABLE,
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it."""

    label: str
    request: Entry
    answer: Entry
    """The response, or the entry that says that there was none."""
    status: int | None
    headers: Mapping[str, str]
    body: Any
    accepted: bool | None
    """Whether the operation's predicate holds; None without a response."""
    cookies: Mapping[str, str] = field(default_factory=dict)
    """The cookies that the response sets."""

    @property
    def root(self) -> dict[str, Any]:
        """The root of JMESPath expressions."""
        return {
            "status": self.status,
            "headers": dict(self.headers),
            "cookies": dict(self.cookies),
            "body": self.body,
        }

    def find(self, expression: str | None) -> Any:
        """What a JMESPath expression finds in the response; None without one."""
        return search(expression, self.root)


class HttpProbe:
    """Sends operations for one trial."""

    def __init__(self, recorder: Recorder, client: httpx.AsyncClient, guest: Guest) -> None:
        self._recorder = recorder
        self._client = client
        self._guest = guest
        self._sent = 0

    def unrecorded(self) -> HttpProbe:
        """The same probe for what is done when the history is complete; it still counts."""
        return HttpProbe(Recorder(None, self._recorder.redactor), self._client, self._guest)

    async def send(
        self,
        actor: str,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        purpose: str,
        timeout_s: float = 10.0,
        secrets: Iterable[str | None] = (),
        to_the_target: bool = True,
    ) -> Exchange:
        """Send an operation and record the exchange.

        ``secrets`` are paths into the response whose values must not be recorded; they are
        registered with the redactor first. What is not ``to_the_target`` (a judge model's endpoint)
        is outside its limits. Raises `LimitReachedError`, and `OwnValueError` for what cannot be
        sent and is not the platform's; never an HTTP error.
        """
        self._sent += 1
        label = f"http-{self._sent}"
        redactor = self._recorder.redactor
        try:
            request = self._build(operation, variables, timeout_s)
        except _NOT_SENDABLE as error:
            self._hold_own_values(operation, variables)
            return self._cannot_be_sent(actor, label, operation, purpose, error)
        url = str(request.url)
        if to_the_target:
            await self._guest.admit_request(url)
        asked = self._recorder.add(
            Kind.REQUEST,
            actor,
            label,
            method=request.method,
            url=url,
            headers=redactor.headers(list(request.headers.multi_items())),
            body=render(operation.json_body, variables) or render(operation.form, variables),
            purpose=purpose,
        )
        began = time.perf_counter()
        try:
            async with self._guest.turn:
                response, content = await asyncio.wait_for(
                    self._exchange(request), self._guest.bounded(timeout_s)
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            seconds = time.perf_counter() - began
            return self._no_response(actor, label, asked, error, seconds, secrets)
        except asyncio.CancelledError:
            # Whoever asked had no more time for it; the platform may have acted on it.
            given_up = TimeoutError("given up while it was under way")
            seconds = time.perf_counter() - began
            self._no_response(actor, label, asked, given_up, seconds, secrets)
            raise
        body = decoded_body(response, content)
        cookies = _cookies(response)
        for value in cookies.values():
            if _is_random(value):
                redactor.register(value, "cookie")
        root = {
            "status": response.status_code,
            "headers": {name.lower(): value for name, value in response.headers.items()},
            "cookies": cookies,
            "body": body,
        }
        shown = body
        for path in secrets:
            for found in (search(path, root), search(path, body)):
                if isinstance(found, str) and len(found) > MOST_TOKEN_CHARACTERS:
                    shown = f"‹withheld: it holds a token of {len(found)} characters›"
                elif isinstance(found, str):
                    redactor.register(found, "token")
        if any(secrets) and response.status_code in _OF_WHAT_STANDS_IN_FRONT:
            redactor.unseen.append(label)
        if isinstance(shown, str):
            shown = redactor.beginning(shown, MOST_SHOWN)
        answer = self._recorder.add(
            Kind.RESPONSE,
            actor,
            label,
            request=asked.seq,
            status=response.status_code,
            http_version=response.http_version,
            headers=redactor.headers(list(response.headers.multi_items())),
            body=shown,
            ms=round((time.perf_counter() - began) * 1000, 3),
        )
        return Exchange(
            label,
            asked,
            answer,
            response.status_code,
            root["headers"],
            body,
            matches(operation.accepted, root),
            cookies,
        )

    def _hold_own_values(self, operation: Operation, variables: Mapping[str, Any]) -> None:
        """Raise `OwnValueError` if a request cannot be sent whatever the platform issued."""
        try:
            self._build(operation, without_issued(variables), timeout_s=1.0)
        except _NOT_SENDABLE as error:
            raise OwnValueError(f"{operation.url}: {error}") from None

    def _cannot_be_sent(
        self, actor: str, label: str, operation: Operation, purpose: str, error: Exception
    ) -> Exchange:
        """A value of the platform's makes no request: its token is no header, for instance."""
        asked = self._recorder.add(
            Kind.REQUEST,
            actor,
            label,
            method=operation.method,
            url=operation.url,
            headers=[],
            body=None,
            purpose=purpose,
        )
        return self._no_response(actor, label, asked, error, 0.0)

    def _no_response(
        self,
        actor: str,
        label: str,
        asked: Entry,
        error: Exception,
        seconds: float,
        secrets: Iterable[str | None] = (),
    ) -> Exchange:
        definite = isinstance(error, _CERTAINLY_NOT_SENT)
        if not definite and any(secrets):
            self._recorder.redactor.unseen.append(label)
        answer = self._recorder.add(
            Kind.NO_RESPONSE,
            actor,
            label,
            request=asked.seq,
            error=f"{type(error).__name__}: {error}",
            definite=definite,
            ms=round(seconds * 1000, 3),
        )
        return Exchange(label, asked, answer, None, {}, None, None)

    def _build(
        self, operation: Operation, variables: Mapping[str, Any], timeout_s: float
    ) -> httpx.Request:
        headers = {"Accept-Encoding": ACCEPTED_CODINGS, **render(operation.headers, variables)}
        if operation.bearer is not None:
            headers["Authorization"] = f"Bearer {render(operation.bearer, variables)}"
        if operation.basic is not None:
            user, password = (
                render(part, variables)
                for part in (operation.basic.username, operation.basic.password)
            )
            encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {encoded}"
        if operation.cookies:
            cookies = render(operation.cookies, variables)
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        request = self._client.build_request(
            operation.method,
            render(operation.url, variables),
            headers=headers,
            params=render(operation.query, variables) or None,
            json=render(operation.json_body, variables),
            data=render(operation.form, variables),
            timeout=timeout_s,
        )
        for value in request.headers.values():
            sendable_value(value)
        return request

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        response = await self._client.send(request, stream=True)
        try:
            return response, await read_body(response)
        finally:
            await response.aclose()


def _is_random(value: str) -> bool:
    """Whether a cookie's value says who somebody is, and not which theme they like."""
    return len(value) >= 16 and any(character.isdigit() for character in value)


def _cookies(response: httpx.Response) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in response.headers.get_list("set-cookie"):
        cookie: SimpleCookie = SimpleCookie()
        try:
            cookie.load(line)
        except CookieError:
            continue
        found.update({name: morsel.value for name, morsel in cookie.items()})
    return found
