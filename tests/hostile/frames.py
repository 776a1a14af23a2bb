"""Frames that are too large, too many, not allowed or not finished."""

from __future__ import annotations

import asyncio
import struct
from functools import partial
from itertools import count

from tests.hostile.http_bodies import compressed_zeros
from tests.hostile.server import BINARY, CLOSE, PING, Behaviour, Socket, Stage, frame

FIN, RSV1, NOT_FIN = 0x80, 0x40, 0x00
GREETING = b'{"type": "connection_established", "data": {"user_id": "user-1"}}'


async def raw(data: bytes, socket: Socket) -> None:
    """These bytes, then nothing any more."""
    await socket.send(data)
    await socket.until_gone()


async def forever(first: bytes, more: bytes, socket: Socket) -> None:
    """The same frames again and again, until the client has enough."""
    await socket.send(first)
    for turn in count():
        await socket.send(more)
        if turn % 16 == 0:
            await asyncio.sleep(0)


async def drip(socket: Socket) -> None:
    await socket.drip(frame(GREETING))


async def fifty_megabytes(socket: Socket) -> None:
    """One message of 50 MB, sent as fast as it is read."""
    await socket.send(bytes([FIN | 1, 127]) + struct.pack("!Q", 50_000_000) + b'"')
    for _ in range(50):
        await socket.send(b"x" * 1_000_000)
    await socket.until_gone()


async def bomb(socket: Socket) -> None:
    """A compressed message of half a gigabyte, though compression was not agreed on."""
    await raw(frame(compressed_zeros(500), first=FIN | RSV1), socket)


def _greeting(name: str, act: object, *, is_heavy: bool = False) -> Behaviour:
    return Behaviour(name, Stage.GREETING, act, is_heavy=is_heavy)  # type: ignore[arg-type]


BEHAVIOURS = (
    _greeting("frame_of_50_megabytes", fifty_megabytes, is_heavy=True),
    _greeting("frame_says_8_exabytes", partial(raw, b"\x81\x7f\x7f" + b"\xff" * 7)),
    _greeting("frame_length_is_negative", partial(raw, b"\x81\x7f" + b"\xff" * 8)),
    _greeting("frame_is_a_compressed_bomb", bomb, is_heavy=True),
    _greeting(
        "fragments_never_end",
        partial(forever, frame(b'"', first=NOT_FIN), frame(b"x" * 65536, 0, first=NOT_FIN)),
        is_heavy=True,
    ),
    _greeting(
        "empty_fragments_never_end",
        partial(forever, frame(b'"', first=NOT_FIN), frame(b"", 0, first=NOT_FIN) * 5000),
        is_heavy=True,
    ),
    _greeting(
        "messages_never_end",
        partial(forever, frame(GREETING), frame(b'{"type": "noise", "n": 1}') * 2000),
        is_heavy=True,
    ),
    _greeting(
        "large_messages_never_end",
        partial(
            forever, frame(GREETING), frame(b'{"type": "n", "x": "' + b"x" * 1_000_000 + b'"}')
        ),
        is_heavy=True,
    ),
    _greeting(
        "pings_never_end", partial(forever, b"", frame(b"x" * 125, PING) * 500), is_heavy=True
    ),
    _greeting("frame_one_byte_a_second", drip),
    _greeting("frame_never_ends", partial(raw, frame(GREETING)[:-1])),
    _greeting("frame_is_masked", partial(raw, frame(GREETING, masked=True))),
    _greeting("frame_has_a_reserved_opcode", partial(raw, frame(GREETING, 0x3))),
    _greeting("frame_has_reserved_bits", partial(raw, frame(GREETING, first=0xF0))),
    _greeting("frame_continues_nothing", partial(raw, frame(GREETING, 0x0))),
    _greeting("text_is_invalid_utf8", partial(raw, frame(b'{"type": "\xff\xfe"}'))),
    _greeting("text_is_binary", partial(raw, frame(GREETING, BINARY))),
    _greeting("ping_is_too_long", partial(raw, frame(b"x" * 126, PING))),
    _greeting("ping_is_fragmented", partial(raw, frame(b"x", PING, first=NOT_FIN))),
    _greeting("close_code_is_reserved", partial(raw, frame(struct.pack("!H", 1006), CLOSE))),
    _greeting("close_code_is_out_of_range", partial(raw, frame(struct.pack("!H", 65535), CLOSE))),
    _greeting("close_code_is_half_a_code", partial(raw, frame(b"\x03", CLOSE))),
    _greeting("close_reason_is_invalid_utf8", partial(raw, frame(b"\x03\xe8\xff\xfe", CLOSE))),
    _greeting("close_is_not_followed_by_an_end", partial(raw, frame(b"\x03\xe8", CLOSE))),
)
