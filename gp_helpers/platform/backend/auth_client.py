"""Asking the auth service about a token, with one bounded retry for what may pass by itself."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio

from gp_helpers.platform.clock import Clock
from gp_helpers.platform.contract import SERVICE_ID_HEADER, SERVICE_SECRET_HEADER
from gp_helpers.platform.errors import AuthUnavailable
from gp_helpers.platform.hops import HopFailed, HopReply
from gp_helpers.platform.seams import Reply
from gp_helpers.platform.settings import BackendSettings

if TYPE_CHECKING:
    from gp_helpers.platform.service_client import ServiceClient

logger = logging.getLogger(__name__)

_ATTEMPTS = 2


class AuthHop:
    """One request to `POST /auth/validate`, bounded in time; only so many at once."""

    def __init__(self, http: ServiceClient, settings: BackendSettings, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._base_url = settings.auth_url.rstrip("/")
        self._timeout_s = settings.auth_timeout_s
        self._wait_s = settings.auth_wait_s
        # What waits here does not wait there, where it would look like a service that is too slow.
        self._turns = anyio.CapacityLimiter(settings.auth_concurrency)
        self._headers = {
            SERVICE_ID_HEADER: settings.service_id,
            SERVICE_SECRET_HEADER: settings.service_secret,
        }

    async def ask(self, token: str) -> Reply:
        """The reply, positive or negative; everything else is `AuthUnavailable`."""
        try:
            with anyio.fail_after(self._wait_s):
                await self._turns.acquire()
        except TimeoutError as error:
            raise AuthUnavailable("Too many questions wait for the auth service.") from error
        try:
            return await self._ask(token)
        finally:
            self._turns.release()

    async def _ask(self, token: str) -> Reply:
        try:
            with self._clock.fail_after(self._timeout_s):
                response = await self._http.request(
                    "POST",
                    f"{self._base_url}/auth/validate",
                    body={"token": token},
                    headers=self._headers,
                )
        except TimeoutError as error:
            raise AuthUnavailable("The auth service did not answer in time.") from error
        except HopFailed as error:
            raise AuthUnavailable("The auth service could not be reached.") from error
        return _reply(response)

    async def ready(self) -> None:
        """Return when the auth service says that it is ready; raises `AuthUnavailable`."""
        try:
            response = await self._http.request(
                "GET", f"{self._base_url}/health/ready", timeout_s=self._timeout_s
            )
        except HopFailed as error:
            raise AuthUnavailable("The auth service could not be reached.") from error
        if response.status != HTTPStatus.OK:
            raise AuthUnavailable("The auth service is not ready.")


def _reply(response: HopReply) -> Reply:
    if response.status != HTTPStatus.OK:
        raise AuthUnavailable(f"The auth service answered {response.status}.")
    try:
        reply = response.json()
    except ValueError as error:
        raise AuthUnavailable("The auth service did not answer with JSON.") from error
    if not isinstance(reply, dict) or not isinstance(reply.get("valid"), bool):
        raise AuthUnavailable("The auth service's answer says nothing about the token.")
    return reply


class RetryingAuthClient:
    """Asks once more where the first attempt got no answer; a refused token is an answer."""

    def __init__(self, hop: AuthHop, _clock: Clock) -> None:
        self._hop = hop
        self._retries = 0

    async def ask(self, token: str) -> Reply:
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._hop.ask(token)
            except AuthUnavailable as failure:
                self._retries += 1
                logger.warning("attempt %d at the auth service failed: %s", attempt, failure)
        return await self._hop.ask(token)

    def state(self) -> dict[str, Any]:
        return {"retries": self._retries}
