"""Messages are read by the rules of a description: events, parts, and whose request it is."""

from typing import Any

from gp_helpers.parameters.sockets import WebSocketDescription
from gp_helpers.probes.events import MessageReader


def reader(**stated: Any) -> MessageReader:
    return MessageReader(
        WebSocketDescription.model_validate({"url": "ws://x", "request": {}, **stated})
    )


def test_one_message_is_several_events_and_several_messages_are_one() -> None:
    read = reader(
        events={
            "agent_started": "a",
            "agent_thinking": "a",
            "agent_completed": {"all_of": ["b", "c"]},
        }
    )
    assert read.events_of({"a": 1}, "r") == (("agent_started", "agent_thinking"), ())
    assert read.events_of({"c": 1}, "r") == ((), ("agent_completed",))
    assert read.events_of({"b": 1}, "other") == ((), ("agent_completed",))
    assert read.events_of({"b": 1}, "r") == (("agent_completed",), ())


def test_parts_of_a_stream_count_once_and_other_repetitions_each_time() -> None:
    read = reader(events={"agent_thinking": {"when": "t", "repeats": True}, "agent_completed": "d"})
    assert [read.events_of({"t": 1}, "r")[0] for _ in range(3)] == [("agent_thinking",), (), ()]
    assert [read.events_of({"d": 1}, "r")[0] for _ in range(2)] == [("agent_completed",)] * 2


def test_what_follows_from_a_message_belongs_to_its_request() -> None:
    read = reader(events={"agent_completed": "done"}, lineage={"id": "id", "parent": "parent"})
    requests = ["q1", "q2"]
    assert read.request_of({"id": "run", "parent": "q1"}, requests) == "q1"
    assert read.request_of({"id": "tool", "parent": "run"}, requests) == "q1"
    assert read.request_of({"id": "tool"}, requests) == "q1"
    assert read.request_of({"id": "else", "parent": "unknown"}, requests) is None
    assert read.request_of({"id": "x", "parent": "tool"}, ["q2"]) is None


def test_without_correlation_a_message_is_the_last_requests() -> None:
    read = reader(events={"agent_completed": "done"})
    assert read.request_of({"done": 1}, ["q1", "q2"]) == "q2"
    assert read.request_of({"done": 1}, []) is None
