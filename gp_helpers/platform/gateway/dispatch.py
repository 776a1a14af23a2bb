"""Who handles a client's message: handlers subscribe for a connection and a kind of message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gp_helpers.platform.gateway.messages import Incoming

T = TypeVar("T", bound=Incoming)


class Handler(Protocol):
    """Takes the messages that are meant for it."""

    @property
    def connection_id(self) -> str:
        """The connection that it belongs to."""
        ...

    async def take(self, connection_id: str, message: Incoming) -> bool:
        """Handle the message if it is this one's; says whether it was."""
        ...


@dataclass(frozen=True, slots=True)
class MessageHandler(Generic[T]):
    """Handles one kind of message of one connection."""

    connection_id: str
    kind: type[T]
    handle: Callable[[T], Awaitable[None]]

    async def take(self, connection_id: str, message: Incoming) -> bool:
        if connection_id != self.connection_id or not isinstance(message, self.kind):
            return False
        await self.handle(message)
        return True


class Dispatcher:
    """Offers each message to the handlers, one after the other, until one takes it."""

    def __init__(self) -> None:
        self._handlers: list[Handler] = []

    @property
    def handlers(self) -> int:
        """How many handlers are subscribed."""
        return len(self._handlers)

    def subscribe(self, handlers: Iterable[Handler]) -> None:
        self._handlers.extend(handlers)

    def unsubscribe(self, connection_id: str) -> None:
        """Forget the handlers of a connection."""
        self._handlers = [
            handler for handler in self._handlers if handler.connection_id != connection_id
        ]

    async def dispatch(self, connection_id: str, message: Incoming) -> bool:
        """Whether a handler took the message."""
        for handler in tuple(self._handlers):
            if await handler.take(connection_id, message):
                return True
        return False
