"""The HTTP probe: sends one described operation, and records what it did and what it saw.

A request that got no answer is indefinite unless it certainly was not sent: the platform may have
acted on it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import jmespath

from gp_helpers.history import Entry, Kind, Recorder
from gp_helpers.parameters.description import Operation
from gp_helpers.parameters.templates import render
from gp_helpers.probes.guest import Guest

MAX_BODY_BYTES = 4_194_304
"""More than this of a response is not read."""
_SHOWN_BODY = 65_536


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

    @property
    def root(self) -> dict[str, Any]:
        """The root of JMESPath expressions."""
        return {"status": self.status, "headers": dict(self.headers), "body": self.body}

    def find(self, expression: str | None) -> Any:
        """What a JMESPath expression finds in the response; None without one."""
        return search(expression, self.root)


def search(expression: str | None, value: Any) -> Any:
    """What a JMESPath expression finds; None where it does not apply to this value."""
    if expression is None:
        return None
    try:
        return jmespath.search(expression, value)
    except jmespath.exceptions.JMESPathError:
        return None


def new_client(*, verify: bool = True, timeout_s: float = 10.0) -> httpx.AsyncClient:
    """The one HTTP client of a lab; making one costs tens of ms for its TLS context."""
    return httpx.AsyncClient(
        verify=verify,
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=400, max_keepalive_connections=100),
    )


class HttpProbe:
    """Sends operations for one trial."""

    def __init__(self, recorder: Recorder, client: httpx.AsyncClient, guest: Guest) -> None:
        self._recorder = recorder
        self._client = client
        self._guest = guest
        self._sent = 0

    async def send(
        self,
        actor: str,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        purpose: str,
        timeout_s: float = 10.0,
        secrets: Iterable[str | None] = (),
    ) -> Exchange:
        """Send an operation and record the exchange.

        ``secrets`` are paths into the response whose values must not be recorded; they are
        registered with the redactor first. Raises `LimitReachedError`, never an HTTP error.
        """
        request = self._build(operation, variables, timeout_s)
        url = str(request.url)
        wait = self._guest.seconds_until_allowed()
        if wait > 0:
            await asyncio.sleep(wait)
        self._guest.admit_request(url)
        self._sent += 1
        label = f"http-{self._sent}"
        redactor = self._recorder.redactor
        asked = self._recorder.add(
            Kind.REQUEST,
            actor,
            label,
            method=request.method,
            url=url,
            headers=redactor.headers(list(request.headers.multi_items())),
            body=render(operation.json_body, variables) or operation.form,
            purpose=purpose,
        )
        began = time.perf_counter()
        try:
            response, content = await asyncio.wait_for(self._exchange(request), timeout_s)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            definite = isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol)
            answer = self._recorder.add(
                Kind.NO_RESPONSE,
                actor,
                label,
                request=asked.seq,
                error=f"{type(error).__name__}: {error}",
                definite=definite,
                ms=round((time.perf_counter() - began) * 1000, 3),
            )
            return Exchange(label, asked, answer, None, {}, None, None)
        body = _decoded(response, content)
        root = {
            "status": response.status_code,
            "headers": {name.lower(): value for name, value in response.headers.items()},
            "body": body,
        }
        for path in secrets:
            found = search(path, root)
            if isinstance(found, str):
                redactor.register(found, "token")
        answer = self._recorder.add(
            Kind.RESPONSE,
            actor,
            label,
            request=asked.seq,
            status=response.status_code,
            http_version=response.http_version,
            headers=redactor.headers(list(response.headers.multi_items())),
            body=body,
            ms=round((time.perf_counter() - began) * 1000, 3),
        )
        return Exchange(
            label,
            asked,
            answer,
            response.status_code,
            root["headers"],
            body,
            search(operation.accepted, root) is True,
        )

    def _build(
        self, operation: Operation, variables: Mapping[str, Any], timeout_s: float
    ) -> httpx.Request:
        headers = dict(render(operation.headers, variables))
        if operation.bearer is not None:
            headers["Authorization"] = f"Bearer {render(operation.bearer, variables)}"
        return self._client.build_request(
            operation.method,
            render(operation.url, variables),
            headers=headers,
            params=render(operation.query, variables) or None,
            json=render(operation.json_body, variables),
            data=render(operation.form, variables) if operation.form else None,
            timeout=timeout_s,
        )

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        response = await self._client.send(request, stream=True)
        content = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_BODY_BYTES:
                    break
        finally:
            await response.aclose()
        return response, bytes(content)


def _decoded(response: httpx.Response, content: bytes) -> Any:
    if not content:
        return None
    text = content.decode(response.encoding or "utf-8", "replace")
    if "json" in response.headers.get("content-type", "") or text[:1] in "{[":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text[:_SHOWN_BODY]
    return text[:_SHOWN_BODY]
