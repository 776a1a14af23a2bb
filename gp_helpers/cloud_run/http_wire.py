"""HTTP/1.1 over a wire: h11's events on one side of a hop."""

from __future__ import annotations

from typing import cast

import h11

from gp_helpers.cloud_run.wire import Wire

Event = (
    h11.Request
    | h11.InformationalResponse
    | h11.Response
    | h11.Data
    | h11.EndOfMessage
    | h11.ConnectionClosed
)
_LONGEST_HEAD = 1 << 16


class HttpWire:
    """A connection that speaks HTTP/1.1 in the role of a server or a client."""

    def __init__(self, wire: Wire, role: type[h11.CLIENT | h11.SERVER]) -> None:
        self.wire = wire
        self.state = h11.Connection(role, max_incomplete_event_size=_LONGEST_HEAD)

    async def next_event(self) -> Event | None:
        """Return the next event; ``None`` while the protocol is paused (request done, or switched).

        Raises:
            ConnectionError: the connection was reset.
            h11.RemoteProtocolError: the other side broke the protocol, or ended in mid-message.
        """
        while True:
            event = self.state.next_event()
            if event is h11.NEED_DATA:
                self.state.receive_data(await self.wire.receive())
            elif event is h11.PAUSED:
                return None
            else:
                return cast(Event, event)

    async def send(self, event: Event) -> None:
        """Send `event`; waits while the other side is slow to read."""
        data = self.state.send(event)
        if data is not None:
            await self.wire.send(bytes(data))

    @property
    def early_data(self) -> bytes:
        """What came after a switch of protocols and is not HTTP any more."""
        return bytes(self.state.trailing_data[0])

    @property
    def can_respond(self) -> bool:
        """Whether a whole response can still be sent."""
        return self.state.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    async def respond(
        self,
        status: int,
        body: bytes,
        *,
        headers: list[tuple[bytes, bytes]] | None = None,
        close: bool = True,
    ) -> None:
        """Send a whole response with a JSON body."""
        fields = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(len(body)).encode()),
            *(headers or []),
        ]
        if close:
            fields.append((b"Connection", b"close"))
        await self.send(h11.Response(status_code=status, headers=fields))
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())
