"""Socket.IO that is none: its opening, its packets, and events that never end."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count

from tests.hostile import events
from tests.hostile.engine import CONNECTED, OPENING, EngineSocket
from tests.hostile.server import BINARY, EVENTS, SOCKETIO, Behaviour, Stage, frame

GREETING = b'42["connection_established",{"data":{"user_id":"user-1"}}]'


async def say_and_wait(packets: tuple[bytes, ...], socket: EngineSocket) -> None:
    """These packets, then nothing any more."""
    for packet in packets:
        await socket.frame(packet)
    await socket.until_gone()


async def say_and_close(packet: bytes, socket: EngineSocket) -> None:
    await socket.frame(packet)
    await socket.close(1011)


async def vanish(socket: EngineSocket) -> None:
    socket.writer.transport.abort()


async def say_binary(packet: bytes, more: bytes, socket: EngineSocket) -> None:
    """An event that says that binary parts follow, and such parts for ever."""
    await socket.frame(packet)
    await forever(frame(more, BINARY), socket)


async def forever(data: bytes, socket: EngineSocket) -> None:
    """The same frames again and again; what the client sends is never read."""
    for turn in count():
        await socket.send(data)
        if turn % 16 == 0:
            await asyncio.sleep(0)


async def namespaces(socket: EngineSocket) -> None:
    """A connection in one namespace after another, none of them asked for."""
    for number in count():
        await socket.send(b"".join(frame(b'40/n%d,{"sid":"x"}' % (number + n)) for n in range(500)))


async def doubled(socket: EngineSocket, request: events.Request) -> None:
    """Every event twice: once as it is, once with a wish for an acknowledgement."""
    for name in EVENTS:
        await socket.say(socket.event(name, request))
        await socket.say(socket.event(name, request))


def _opening(name: str, *packets: bytes) -> Behaviour:
    return _at(Stage.HANDSHAKE, f"engine_{name}", partial(say_and_wait, packets))


def _greeting(name: str, *packets: bytes) -> Behaviour:
    return _at(Stage.GREETING, f"socketio_{name}", partial(say_and_wait, packets))


def _endless(name: str, data: bytes) -> Behaviour:
    return _at(Stage.GREETING, f"socketio_{name}", partial(forever, data), is_heavy=True)


def _at(stage: Stage, name: str, act: object, *, is_heavy: bool = False) -> Behaviour:
    return Behaviour(name, stage, act, is_heavy=is_heavy, transport=SOCKETIO)  # type: ignore[arg-type]


def _answer(name: str, act: object) -> Behaviour:
    return _at(Stage.ANSWER, f"socketio_{name}", act)


def _nested(depth: int) -> bytes:
    return b'42["connection_established",' + b"[" * depth + b"]" * depth + b"]"


BEHAVIOURS = (
    _opening("says_nothing"),
    _opening("opens_with_a_message", GREETING),
    _opening("opens_with_no_json", b"0{sid"),
    _opening("opens_with_a_list", b"0[1,2]"),
    _opening("opens_with_nothing", b""),
    _opening("opens_with_deep_nesting", b"0" + b"[" * 100_000 + b"]" * 100_000),
    _opening("opens_without_a_session", b'0{"upgrades":[]}'),
    _opening("opens_with_a_word_for_an_interval", OPENING.replace(b"25000", b'"soon"')),
    _opening("opens_with_a_negative_interval", OPENING.replace(b"25000", b"-90000")),
    _opening("opens_with_an_infinite_interval", OPENING.replace(b"25000", b"1e999")),
    _opening("never_connects_the_namespace", OPENING),
    _at(Stage.HANDSHAKE, "engine_vanishes_before_opening", vanish),
    _at(Stage.HANDSHAKE, "engine_closes_after_opening", partial(say_and_close, OPENING)),
    _at(Stage.CONNECT, "socketio_refuses", partial(say_and_wait, (b'44{"message":"no"}',))),
    _at(Stage.CONNECT, "socketio_refuses_with_a_list", partial(say_and_wait, (b"44[1]",))),
    _at(Stage.CONNECT, "socketio_connects_with_a_list", partial(say_and_wait, (b"40[1]",))),
    _at(Stage.CONNECT, "socketio_connects_elsewhere", partial(say_and_wait, (b"40/other,{}",))),
    _at(Stage.CONNECT, "socketio_connects_twice", partial(say_and_wait, (CONNECTED, CONNECTED))),
    _at(Stage.CONNECT, "socketio_connects_and_vanishes", vanish),
    _at(Stage.CONNECT, "socketio_namespaces_never_end", namespaces, is_heavy=True),
    _greeting("events_have_no_name", b"42", b"42[]", b"42{}", b"42null", b"42[null]"),
    _greeting("events_have_odd_names", b"42[5]", b'42[{"a":1}]', b"42[[1]]", b'42[""]'),
    _greeting("events_are_named_like_ours", b'42["connect"]', b'42["disconnect"]'),
    _greeting("event_is_no_json", b'42["connection_established",{]'),
    _greeting("event_is_nested_100000_deep", _nested(100_000)),
    _greeting("event_is_nested_300_deep", _nested(300)),
    _greeting("event_has_no_numbers", b'42["connection_established",[NaN,Infinity]]'),
    _greeting("event_has_a_number_of_5000_digits", b'42["x",' + b"9" * 5000 + b"]"),
    _greeting("event_has_a_lone_surrogate", b'42["connection_established","\\ud800"]'),
    _greeting("event_is_invalid_utf8", b'42["connection_established","\xff\xfe"]'),
    _greeting("event_has_a_long_id", b"42" + b"9" * 500 + b'["connection_established",{}]'),
    _greeting("event_is_of_another_namespace", b'42/other,["connection_established",{}]'),
    _greeting("event_says_binary_and_none_follows", b'451-["x",{"_placeholder":true,"num":0}]'),
    _greeting("acknowledges_what_was_not_asked", b'431["yes"]', b"43", b'43999["yes"]'),
    _greeting("packets_are_unknown", b"49", b"9", b"4x", b"x", b"47[]"),
    _greeting("packet_is_empty", b""),
    _greeting("packet_is_json_without_a_type", b'4{"type":"connection_established"}'),
    _greeting("disconnects_the_namespace", b"41"),
    _greeting("closes_the_engine", b"1"),
    _greeting("refuses_after_connecting", b'44{"message":"too late"}'),
    _at(Stage.GREETING, "socketio_vanishes_after_connecting", vanish),
    _at(
        Stage.GREETING,
        "socketio_binary_parts_never_end",
        partial(say_binary, b'459999999-["x"]', b"x" * 65536),
        is_heavy=True,
    ),
    _endless("events_never_end", frame(b'42["noise",{"n":1}]') * 2000),
    _endless("large_events_never_end", frame(b'42["n","' + b"x" * 1_000_000 + b'"]')),
    _endless("wishes_for_acknowledgement_never_end", frame(b'421["noise"]') * 2000),
    _endless("nonsense_never_ends", frame(b"42{") * 2000),
    _endless("engine_pings_never_end", frame(b"2") * 5000),
    _endless("empty_packets_never_end", frame(b"6") * 5000),
    _answer("answer_is_silence", partial(events.say_names, ())),
    _answer("events_are_reversed", partial(events.say_names, EVENTS[::-1])),
    _answer("events_are_doubled", doubled),
    _answer("completion_never_comes", partial(events.say_names, EVENTS[:4])),
    _answer("completion_comes_twice", partial(events.say_names, (*EVENTS, EVENTS[4]))),
    _answer("events_are_of_another_request", partial(events.say_with, {"request_id": "nobodys"})),
    _answer("events_types_are_unknown", partial(events.say_with, {"type": "progress"})),
    _answer("closes_before_completion", partial(events.close_after, 4, 1012)),
    _answer("vanishes_before_completion", partial(events.vanish_after, 4)),
)
