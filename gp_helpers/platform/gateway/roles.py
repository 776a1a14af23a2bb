"""The roles of the gateway's components: what stands at each of its seams can do.

The remediated components are in this package, the as-reported ones in `defects.websocket`; both
are built by `assembly` with the same arguments, and pass the same tests of their role.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gp_helpers.platform.contract import Event, Mode
from gp_helpers.platform.seams import EventSink, Identity

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from gp_helpers.platform.gateway.connection import Connection, Ending
    from gp_helpers.platform.gateway.messages import Message


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake whose token was found good."""

    identity: Identity
    channel: str
    """Id of the user whose events the connection gets."""
    mode: Mode
    subprotocol: str | None
    """The subprotocol to select; `None` where the client offered none that is known."""
    token: str


class StartupProbe(Protocol):
    """How the host of a backend finds out that an instance has started."""

    def to_json(self) -> dict[str, Any]:
        """`{"type": "tcp"}`, or `{"type": "http", "path": …}`."""
        ...


class ReadinessGate(Protocol):
    """Lets handshakes in."""

    async def admit(self) -> EventManager:
        """The event manager that takes the connection on; raises `PlatformError("not_ready")`."""
        ...


class EventManager(Protocol):
    """Brings a connection up: accepts it, greets it, and connects it to its user's events."""

    async def open(self, connection: Connection) -> None:
        """Raises `PeerGone`, or a `PlatformError` before the handshake was answered."""
        ...


class ConnectionRegistry(Protocol):
    """Knows the connections of each user, here and (as presence) in the store."""

    def add(self, connection: Connection) -> None: ...

    async def announce(self, connection: Connection) -> None:
        """Write to the store that the user is present; a store that is away is only logged."""
        ...

    async def remove(self, connection: Connection) -> None:
        """Forget a connection, here and in the store; a store that is away is only logged."""
        ...

    def of_user(self, user_id: str) -> tuple[Connection, ...]: ...

    def state(self) -> dict[str, Any]:
        """`{"connections": n, "users": n}`."""
        ...


class ConnectionCleanup(Protocol):
    """Takes away what belongs to a connection that is over."""

    async def finish(self, _connection: Connection, _ending: Ending, /) -> None: ...


class EventDelivery(EventSink, Protocol):
    """Brings events to every open connection of their user, numbered and in order."""

    async def emit(self, user_id: str, event: Event) -> None:
        """Number the event and offer it to the user's connections."""
        ...

    async def position(self, user_id: str) -> int:
        """Id of the user's last event, 0 before the first."""
        ...

    async def after(self, user_id: str, last_event_id: int) -> list[Message]:
        """What can be replayed to a user beyond `last_event_id`, in order."""
        ...


class ConnectionSetup(Protocol):
    """Finds out who wants to connect, and how."""

    async def establish(self, websocket: WebSocket) -> Handshake:
        """Raises `PlatformError`: the token is refused or cannot be checked, or a bad mode."""
        ...


class ConnectionTimeouts(Protocol):
    """The times of a connection, in seconds."""

    @property
    def heartbeat_s(self) -> float: ...

    @property
    def lifetime_s(self) -> float: ...

    @property
    def reconnect_notice_s(self) -> float:
        """How long before the end of its life the client is told to reconnect."""
        ...


class CutHandling(Protocol):
    """Decides where the answer to a request goes when its connection is cut meanwhile."""

    def sink_for(self, _connection: Connection, /) -> EventSink: ...
