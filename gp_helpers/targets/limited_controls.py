"""The controls of a target that lacks most of them: each says why it cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NoReturn

from gp_helpers.targets.flawed_tokens import flawed_tokens
from gp_helpers.targets.running import Ability, Hop, Unavailable

if TYPE_CHECKING:
    from gp_helpers.faults import FrameProxy, HeldLock, HttpFault, TcpProxy

_ABILITY_OF_HOP = {
    Hop.CLIENT_INGRESS: Ability.CLIENT_HOP,
    Hop.BACKEND_AUTH: Ability.AUTH_HOP,
    Hop.BACKEND_MODEL: Ability.MODEL_HOP,
}


class LimitedControls:
    """What can be done to any target: flawed tokens, and faults at the hops that were proxied."""

    def __init__(
        self,
        lacking: Mapping[Ability, str],
        tcp_proxies: Mapping[Hop, TcpProxy] | None = None,
        http_faults: Mapping[Hop, HttpFault] | None = None,
        frame_proxy: FrameProxy | None = None,
    ) -> None:
        self._lacking = lacking
        self._tcp_proxies = dict(tcp_proxies or {})
        self._http_faults = dict(http_faults or {})
        self._frame_proxy = frame_proxy

    def _refuse(self, ability: Ability) -> NoReturn:
        raise Unavailable(ability, self._lacking.get(ability, "not possible on this target"))

    async def state(self, service: str) -> Mapping[str, Any]:
        """Not possible: raises `Unavailable`."""
        del service
        self._refuse(Ability.DIAGNOSTICS)

    async def routes(
        self, service: str, messages: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """Not possible: raises `Unavailable`."""
        del service, messages
        self._refuse(Ability.ROUTES)

    async def factories(self, service: str) -> Mapping[str, Any]:
        """Not possible: raises `Unavailable`."""
        del service
        self._refuse(Ability.FACTORIES)

    async def set_clock(self, offset_s: float, *services: str) -> None:
        """Not possible: raises `Unavailable`."""
        del offset_s, services
        self._refuse(Ability.CLOCK)

    def bad_tokens(self, token: str) -> Mapping[str, str]:
        """Variants of a good token that can be made without the secret."""
        return flawed_tokens(token)

    def services(self) -> Mapping[str, str]:
        """No service can be addressed beside what the description says."""
        return {}

    async def instances(self) -> Mapping[str, str]:
        """Not possible: raises `Unavailable`."""
        self._refuse(Ability.INSTANCES)

    def tcp_proxy(self, hop: Hop) -> TcpProxy:
        """The TCP proxy at a hop, if there is one; else raises `Unavailable`."""
        if hop not in self._tcp_proxies:
            self._refuse(_ABILITY_OF_HOP[hop])
        return self._tcp_proxies[hop]

    def http_fault(self, hop: Hop) -> HttpFault:
        """The HTTP fault at a hop, if there is one; else raises `Unavailable`."""
        if hop not in self._http_faults:
            self._refuse(_ABILITY_OF_HOP[hop])
        return self._http_faults[hop]

    def frame_proxy(self) -> FrameProxy:
        """The proxy in front of the socket, if there is one; else raises `Unavailable`."""
        if self._frame_proxy is None:
            self._refuse(Ability.CLIENT_FRAMES)
        return self._frame_proxy

    def hold_write_lock(self) -> AbstractAsyncContextManager[HeldLock]:
        """Not possible: raises `Unavailable`."""
        self._refuse(Ability.STORE_LOCK)

    async def start_instance(self) -> str:
        """Not possible: raises `Unavailable`."""
        self._refuse(Ability.INSTANCES)

    async def stop_instance(self, name: str, *, kill: bool = False) -> None:
        """Not possible: raises `Unavailable`."""
        del name, kill
        self._refuse(Ability.INSTANCES)

    async def restart_instance(self, name: str) -> None:
        """Not possible: raises `Unavailable`."""
        del name
        self._refuse(Ability.INSTANCES)
