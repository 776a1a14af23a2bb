"""Messages that are valid frames and not what a platform should say: greetings and events."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from tests.hostile.server import EVENTS, Behaviour, Socket, Stage, frame

INTERFERENCE = "websocket.connection_interference"
Request = dict[str, Any]


async def greet_with(text: bytes, socket: Socket) -> None:
    """Another first message."""
    await socket.frame(text)


async def say_names(names: tuple[str, ...], socket: Socket, request: Request) -> None:
    """These events, in this order."""
    for name in names:
        await socket.say(socket.event(name, request))


async def say_with(changes: dict[str, Any], socket: Socket, request: Request) -> None:
    """The five events, each with something changed."""
    for name in EVENTS:
        await socket.say({**socket.event(name, request), **changes})


async def close_after(number: int, code: int, socket: Socket, request: Request) -> None:
    """So many events, then a close frame."""
    await say_names(EVENTS[:number], socket, request)
    await socket.close(code)


async def vanish_after(number: int, socket: Socket, request: Request) -> None:
    """So many events, then the end of the connection without a word."""
    await say_names(EVENTS[:number], socket, request)
    socket.writer.transport.abort()


async def say_text(text: bytes, socket: Socket, request: Request) -> None:
    """The five events with a text in the middle that is none."""
    await say_names(EVENTS[:2], socket, request)
    await socket.frame(text)
    await say_names(EVENTS[3:], socket, request)


async def all_in_one(socket: Socket, request: Request) -> None:
    await socket.say([socket.event(name, request) for name in EVENTS])


async def lists_for_types(socket: Socket, request: Request) -> None:
    for name in EVENTS:
        await socket.say({**socket.event(name, request), "type": [name]})


async def half_of_the_last(socket: Socket, request: Request) -> None:
    await say_names(EVENTS[:4], socket, request)
    await socket.send(frame(json.dumps(socket.event(EVENTS[4], request)).encode())[:-5])
    await socket.until_gone()


def _nested(depth: int) -> bytes:
    return b'{"type": "connection_established", "data": ' + b"[" * depth + b"]" * depth + b"}"


def _greeting(name: str, text: bytes) -> Behaviour:
    return Behaviour(name, Stage.GREETING, partial(greet_and_stay_silent, text))


async def greet_and_stay_silent(text: bytes, socket: Socket) -> None:
    """Another first message, and no answer to anything."""
    await greet_with(text, socket)
    await socket.until_gone()


def _answer(name: str, act: Any, case: str = "websocket.event_manager_init") -> Behaviour:
    return Behaviour(name, Stage.ANSWER, act, case)


BEHAVIOURS = (
    _greeting("greeting_is_no_json", b"hello, who are you?"),
    _greeting("greeting_is_a_list", b"[1, 2, 3]"),
    _greeting("greeting_is_a_number", b"42"),
    _greeting("greeting_is_null", b"null"),
    _greeting("greeting_is_a_word", b'"connection_established"'),
    _greeting("greeting_is_empty", b""),
    _greeting("greeting_type_is_an_object", b'{"type": {"a": 1}}'),
    _greeting("greeting_is_nested_100000_deep", _nested(100_000)),
    _greeting("greeting_is_nested_900_deep", _nested(900)),
    _greeting("greeting_is_nested_300_deep", _nested(300)),
    _greeting(
        "greeting_has_a_lone_surrogate", b'{"type": "connection_established", "x": "\\ud800"}'
    ),
    _greeting(
        "greeting_has_no_numbers", b'{"type": "connection_established", "x": [NaN, Infinity]}'
    ),
    _greeting("greeting_has_a_number_of_5000_digits", b'{"x": ' + b"9" * 5000 + b"}"),
    _greeting("greeting_has_the_same_key_twice", b'{"type": "connection_established", "type": 1}'),
    _greeting("greeting_keys_are_odd", b'{"": {"\\u0000": 1}, "type": "connection_established"}'),
    _answer("answer_is_silence", partial(say_names, ())),
    _answer("events_are_reversed", partial(say_names, EVENTS[::-1])),
    _answer(
        "events_are_swapped", partial(say_names, (*EVENTS[:2], EVENTS[3], EVENTS[2], EVENTS[4]))
    ),
    _answer("events_are_doubled", partial(say_names, tuple(e for e in EVENTS for _ in range(2)))),
    _answer("events_come_all_twice", partial(say_names, EVENTS * 2)),
    _answer("events_go_on_after_completion", partial(say_names, (*EVENTS, EVENTS[1]))),
    _answer("completion_comes_twice", partial(say_names, (*EVENTS, EVENTS[4]))),
    _answer("completion_comes_alone", partial(say_names, EVENTS[4:])),
    _answer("completion_never_comes", partial(say_names, EVENTS[:4])),
    _answer("one_event_is_missing", partial(say_names, (*EVENTS[:2], *EVENTS[3:]))),
    _answer("events_are_of_another_request", partial(say_with, {"request_id": "req-of-nobody"})),
    _answer("events_are_of_no_request", partial(say_with, {"request_id": None})),
    _answer("events_request_is_a_number", partial(say_with, {"request_id": 7})),
    _answer("events_are_of_another_user", partial(say_with, {"user_id": "user-0"}), INTERFERENCE),
    _answer("events_owner_is_an_object", partial(say_with, {"user_id": {"id": 1}}), INTERFERENCE),
    _answer("events_types_are_lists", lists_for_types),
    _answer("events_types_are_unknown", partial(say_with, {"type": "progress"})),
    _answer("events_are_one_list", all_in_one),
    _answer("events_have_no_json_among_them", partial(say_text, b"}{")),
    _answer("events_have_deep_nesting_among_them", partial(say_text, _nested(100_000))),
    _answer("events_end_in_half_a_frame", half_of_the_last),
    _answer("socket_closes_before_events", partial(close_after, 0, 1011)),
    _answer("socket_closes_normally_after_one_event", partial(close_after, 1, 1000)),
    _answer("socket_closes_before_completion", partial(close_after, 4, 1012)),
    _answer("socket_closes_with_a_private_code", partial(close_after, 2, 4999)),
    _answer("socket_vanishes_before_events", partial(vanish_after, 0)),
    _answer("socket_vanishes_before_completion", partial(vanish_after, 4)),
)
