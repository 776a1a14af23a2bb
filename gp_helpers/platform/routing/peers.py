"""Talking to the other instances of the backend: notices of events, work handed over, loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anyio

from gp_helpers.platform.contract import SERVICE_ID_HEADER, SERVICE_SECRET_HEADER, AgentRequest
from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.hops import HopFailed, HopUnreachable
from gp_helpers.platform.routing.instances import InstanceDirectory
from gp_helpers.platform.seams import Identity
from gp_helpers.platform.settings import BackendSettings

if TYPE_CHECKING:
    from gp_helpers.platform.service_client import ServiceClient


class PeerUnreachable(PlatformError):
    """Raised when another instance was not reached: it certainly did nothing."""

    def __init__(self, instance_id: str) -> None:
        super().__init__("peer_unavailable", f"{instance_id} cannot be reached.")


class PeerUnclear(PlatformError):
    """Raised when another instance gave no useful answer: it may have done what it was asked."""

    def __init__(self, instance_id: str, what: str) -> None:
        super().__init__("peer_unavailable", f"{instance_id} {what}.")


class Peers:
    """The other instances, found through the directory in the store."""

    def __init__(
        self, http: ServiceClient, settings: BackendSettings, directory: InstanceDirectory
    ) -> None:
        self.instance_id = settings.instance_id
        self._http = http
        self._directory = directory
        self._timeout_s = settings.routing.peer_timeout_s
        self._known: dict[str, str] = {}
        """Addresses that were good the last time."""
        self._headers = {
            SERVICE_ID_HEADER: settings.service_id,
            SERVICE_SECRET_HEADER: settings.service_secret,
        }

    async def addresses(self) -> dict[str, str]:
        """Instance id → base URL of the others; raises `StoreUnavailable`."""
        known = await self._directory.addresses()
        known.pop(self.instance_id, None)
        return known

    async def tell(self, instance_id: str, user_id: str, event_id: int) -> None:
        """Tell an instance that the outbox has an event. Raises `PlatformError`."""
        notice = {"user_id": user_id, "event_id": event_id}
        await self._ask("POST", instance_id, "/peer/events", notice)

    async def hand_over(self, instance_id: str, identity: Identity, request: AgentRequest) -> None:
        """Have an instance work on a request. Raises `PeerUnreachable` or `PeerUnclear`."""
        work = {"identity": asdict(identity), "request": request.to_json()}
        await self._ask("POST", instance_id, "/peer/work", work)

    async def loads(self) -> dict[str, int]:
        """How many requests wait at each other instance that answers; raises `StoreUnavailable`."""
        found: dict[str, int] = {}

        async def ask(instance_id: str) -> None:
            try:
                answer = await self._ask("GET", instance_id, "/peer/load", None)
                found[instance_id] = int(answer["waiting"])
            except (PlatformError, KeyError, TypeError, ValueError):
                return

        async with anyio.create_task_group() as group:
            for instance_id in await self.addresses():
                group.start_soon(ask, instance_id)
        return found

    async def _ask(
        self, method: str, instance_id: str, path: str, body: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        known = self._known.get(instance_id)
        if known is not None:
            try:
                return await self._request(method, instance_id, f"{known}{path}", body)
            except PeerUnreachable:
                # It may have come back at another address.
                del self._known[instance_id]
        url = (await self.addresses()).get(instance_id)
        if url is None or url == known:
            raise PeerUnreachable(instance_id)
        self._known[instance_id] = url
        return await self._request(method, instance_id, f"{url}{path}", body)

    async def _request(
        self, method: str, instance_id: str, url: str, body: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        try:
            response = await self._http.request(
                method, url, body=body, headers=self._headers, timeout_s=self._timeout_s
            )
        except HopUnreachable as error:
            raise PeerUnreachable(instance_id) from error
        except HopFailed as error:
            raise PeerUnclear(instance_id, "did not answer") from error
        if not response.is_success:
            raise PeerUnclear(instance_id, f"answered {response.status}")
        answer: Mapping[str, Any] = response.json() if response.content else {}
        return answer
