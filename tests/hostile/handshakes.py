"""WebSocket handshakes that never end, lie, or end in something else."""

from __future__ import annotations

from functools import partial

from tests.hostile.http_framing import send_and_close, send_and_wait, send_forever
from tests.hostile.server import Behaviour, Stage, Visit, switching

HEAD_101 = b"HTTP/1.1 101 Switching Protocols\r\n"


async def switch(visit: Visit, *, without: str = "", more: str = "", accept: str = "") -> None:
    """A 101 that is not right, then nothing any more."""
    await visit.send(switching(visit, without=without, more=more, accept=accept))
    await visit.until_gone()


async def drip(visit: Visit) -> None:
    await visit.drip(switching(visit))


async def close_at_once(visit: Visit) -> None:
    """A right handshake, and the end of the connection."""
    await visit.send(switching(visit))
    visit.writer.close()


async def then_garbage(visit: Visit) -> None:
    """A right handshake, then bytes that are no frames."""
    await send_and_wait(switching(visit) + b"\x15\x03\x03\x00\x02\x02\x28" * 100, visit)


def _handshake(name: str, act: object, *, is_heavy: bool = False) -> Behaviour:
    return Behaviour(name, Stage.HANDSHAKE, act, is_heavy=is_heavy)  # type: ignore[arg-type]


BEHAVIOURS = (
    _handshake("handshake_never_answers", Visit.until_gone),
    _handshake("handshake_one_byte_a_second", drip),
    _handshake("handshake_closes_without_a_word", partial(send_and_close, b"")),
    _handshake("handshake_closes_in_the_status_line", partial(send_and_close, b"HTTP/1.1 1")),
    _handshake("handshake_closes_in_the_headers", partial(send_and_close, HEAD_101 + b"Upgr")),
    _handshake("handshake_never_ends_its_headers", partial(send_and_wait, HEAD_101 + b"A: b\r\n")),
    _handshake(
        "handshake_headers_go_on_forever",
        partial(send_forever, HEAD_101, b"X: " + b"y" * 1000 + b"\r\n"),
        is_heavy=True,
    ),
    _handshake(
        "handshake_header_line_goes_on_forever",
        partial(send_forever, HEAD_101 + b"X: ", b"y" * 65536),
        is_heavy=True,
    ),
    _handshake(
        "handshake_has_hundreds_of_headers",
        partial(switch, more="".join(f"X-{n}: y\r\n" for n in range(500))),
    ),
    _handshake(
        "handshake_says_200",
        partial(send_and_close, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
    ),
    _handshake(
        "handshake_redirects_elsewhere",
        partial(
            send_and_close,
            b"HTTP/1.1 302 Found\r\nLocation: ws://192.0.2.1/ws\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    _handshake(
        "handshake_redirects_to_itself",
        partial(
            send_and_close,
            b"HTTP/1.1 301 Moved\r\nLocation: ws\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    _handshake(
        "handshake_is_refused_with_an_endless_body",
        partial(send_forever, b"HTTP/1.1 401 Unauthorized\r\n\r\n", b"no " * 20000),
        is_heavy=True,
    ),
    _handshake(
        "handshake_is_refused_with_a_huge_length",
        partial(send_and_wait, b"HTTP/1.1 503 No\r\nContent-Length: 999999999999\r\n\r\nno"),
    ),
    _handshake(
        "handshake_is_refused_with_chunked_garbage",
        partial(send_and_close, b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno"),
    ),
    _handshake(
        "handshake_is_refused_with_invalid_utf8",
        partial(send_and_close, b"HTTP/1.1 403 N\xff\r\nX: \xfe\r\n\r\n\xff\xfe"),
    ),
    _handshake("handshake_speaks_http_2", partial(send_and_close, b"\0\0\x12\4" + bytes(23))),
    _handshake("handshake_proof_is_wrong", partial(switch, accept="d3Jvbmc=")),
    _handshake("handshake_has_no_proof", partial(switch, without="Sec-WebSocket-Accept")),
    _handshake("handshake_has_no_upgrade", partial(switch, without="Upgrade")),
    _handshake(
        "handshake_selects_what_was_not_offered",
        partial(switch, more="Sec-WebSocket-Protocol: x\r\n"),
    ),
    _handshake(
        "handshake_compresses_unasked",
        partial(switch, more="Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    ),
    _handshake("handshake_opens_and_closes_at_once", close_at_once),
    _handshake("handshake_is_followed_by_garbage", then_garbage),
)
