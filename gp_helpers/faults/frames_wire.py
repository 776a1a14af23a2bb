"""The two ends of a WebSocket proxy on the sans-I/O protocols of ``websockets``.

Both parse the handshake and the frames, and answer nothing themselves: pings, pongs and close
frames pass like any other frame, and the handshake is the client's and the server's own.
"""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame
from websockets.headers import parse_subprotocol
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

SWITCHING_PROTOCOLS = 101


class ClientSide(ServerProtocol):
    """What faces the client; frames that it sends are only handed out."""

    def __init__(self, max_message_bytes: int) -> None:
        super().__init__(max_size=max_message_bytes)

    def recv_frame(self, frame: Frame) -> None:
        self.events.append(frame)


class ServerSide(ClientProtocol):
    """What faces the server; frames that it sends are only handed out."""

    def __init__(self, request: Request, max_message_bytes: int) -> None:
        offered = [
            name
            for value in request.headers.get_all("Sec-WebSocket-Protocol")
            for name in parse_subprotocol(value)
        ]
        super().__init__(
            WebSocketURI(False, "upstream", 80, "/", "", None, None),
            subprotocols=[Subprotocol(name) for name in offered] or None,
            max_size=max_message_bytes,
        )
        # The client's own key: the server's proof then holds for the client, end to end.
        keys = request.headers.get_all("Sec-WebSocket-Key")
        if len(keys) == 1:
            self.key = keys[0]

    def recv_frame(self, frame: Frame) -> None:
        self.events.append(frame)


def request_for_server(request: Request, *, proxy_hosts: frozenset[str], host: str) -> Request:
    """The client's request as the server gets it: Origin, cookies and all else as they came.

    ``Host`` stays too, unless it is one of `proxy_hosts`: then it is `host`. Compression is not
    offered, so that frames can be looked at.
    """
    headers = Headers()
    for name, value in request.headers.raw_items():
        match name.lower():
            case "sec-websocket-extensions":
                continue
            case "host" if value in proxy_hosts:
                headers[name] = host
            case _:
                headers[name] = value
    return Request(request.path, headers, request.method, request.protocol)


def response_for_client(response: Response) -> Response:
    """The server's response as the client gets it; only the framing of a body is made anew."""
    if response.status_code == SWITCHING_PROTOCOLS:
        return response
    headers = Headers()
    for name, value in response.headers.raw_items():
        if name.lower() not in ("transfer-encoding", "content-length", "connection"):
            headers[name] = value
    headers["Content-Length"] = str(len(response.body))
    headers["Connection"] = "close"
    return Response(response.status_code, response.reason_phrase, headers, response.body)


def has_failed(protocol: ClientSide | ServerSide) -> bool:
    """Whether what arrived was no WebSocket: the protocol has said so to the sender."""
    return protocol.parser_exc is not None or protocol.handshake_exc is not None


def refuse_size(protocol: ClientSide | ServerSide) -> None:
    """Fail the connection, since a message is larger than the proxy holds."""
    protocol.fail(CloseCode.MESSAGE_TOO_BIG, "message too big for the proxy")
