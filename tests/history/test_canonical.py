"""The canonical form: two trials of the same wiring agree in it, and the first parting is found."""

from typing import Any

from gp_helpers.history import History, Kind, Recorder, Redactor, first_divergence
from gp_helpers.history.canonical import by_actor, form

Story = list[tuple[Kind, str, str, dict[str, Any]]]


def told(story: Story, *, delay: float = 0.01) -> History:
    now = [0.0]

    def clock() -> float:
        now[0] += delay
        return now[0]

    recorder = Recorder(None, Redactor(), clock=clock)
    recorder.start(case="auth.timing")
    recorder.step = "ask"
    for kind, actor, subject, data in story:
        recorder.add(kind, actor, subject, **data)
    return recorder.history


def request(port: int, user: str) -> dict[str, Any]:
    return {
        "method": "GET",
        "url": f"http://127.0.0.1:{port}/api/threads/{user}",
        "purpose": "read",
    }


def answer(text: str) -> dict[str, Any]:
    return {"request": 1, "status": 200, "body": {"owner": text, "valid": True}, "ms": 3.3}


ONE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
OTHER = "0a1b2c3d-9dad-11d1-80b4-00c04fd430c8"


def test_times_ports_ids_and_free_text_do_not_part_two_histories() -> None:
    ours = told(
        [
            (Kind.REQUEST, "ada", "http-1", request(4001, ONE)),
            (Kind.RESPONSE, "ada", "http-1", answer("one")),
        ]
    )
    theirs = told(
        [
            (Kind.REQUEST, "ada", "http-1", request(59999, OTHER)),
            (Kind.RESPONSE, "ada", "http-1", answer("another")),
        ],
        delay=3.0,
    )
    assert first_divergence(ours, theirs) is None


def test_another_status_parts_them_and_both_entries_are_named() -> None:
    good = (Kind.REQUEST, "ada", "http-1", request(1, ONE))
    ours = told([good, (Kind.RESPONSE, "ada", "http-1", {"request": 1, "status": 401})])
    theirs = told([good, (Kind.RESPONSE, "ada", "http-1", {"request": 1, "status": 200})])
    found = first_divergence(ours, theirs)
    assert found is not None
    assert (found.actor, found.ours, found.theirs) == (
        "ada read",
        ours.entries[2],
        theirs.entries[2],
    )
    assert found.our_form == "ask response 401 NoneType"


def test_the_order_between_actors_is_no_difference() -> None:
    ada = (Kind.WS_RECEIVED, "ada", "ada-ws-1", {"message": {"type": "pong"}})
    ben = (Kind.WS_RECEIVED, "ben", "ben-ws-1", {"message": {"type": "agent_started"}})
    assert first_divergence(told([ada, ben]), told([ben, ada])) is None


def test_the_earliest_parting_in_our_time_counts() -> None:
    def sent(who: str, kind: str) -> tuple[Kind, str, str, dict[str, Any]]:
        return (Kind.WS_SENT, who, f"{who}-ws-1", {"message": {"type": kind}})

    ours = told([sent("ben", "late"), sent("ada", "early")])
    theirs = told([sent("ada", "other"), sent("ben", "other")])
    found = first_divergence(ours, theirs)
    assert found is not None
    assert found.actor == "ben ben-ws-1"


def test_a_history_that_ends_before_parts_where_it_ends() -> None:
    event = (Kind.WS_RECEIVED, "ada", "ada-ws-1", {"message": {"type": "agent_started"}})
    found = first_divergence(told([event]), told([event, event]))
    assert found is not None
    assert (found.ours, found.our_form) == (None, None)
    assert found.theirs is not None
    assert found.their_form == "ws_received {'type': 'agent_started'}"


def test_what_was_seen_instead_comes_before_what_is_missing() -> None:
    def opening(*then: tuple[Kind, str, str, dict[str, Any]]) -> History:
        return told([(Kind.WS_OPENING, "ada", "ada-ws-1", {}), *then])

    ours = opening((Kind.WS_REFUSED, "ada", "ada-ws-1", {"status": 500}))
    theirs = opening(
        (Kind.WS_OPENED, "ada", "ada-ws-1", {}),
        (Kind.WS_SENT, "ada", "ada-ws-1", {"message": {"type": "ask"}, "request_id": "r"}),
    )
    found = first_divergence(ours, theirs)
    assert found is not None
    assert (found.our_form, found.their_form) == ("ask ws_refused 500", "ask ws_opened ")


def test_what_is_meant_for_others_is_told_apart_by_whom_it_is_meant_for() -> None:
    def event(owner: str) -> tuple[Kind, str, str, dict[str, Any]]:
        about = {"message": {"type": f"of {owner}"}, "owner": f"usr_{owner}"}
        return (Kind.WS_RECEIVED, "ada", "ada-ws-1", about)

    users = [(Kind.USER, who, "", {"user_id": f"usr_{who}"}) for who in ("ada", "ben", "eve")]
    one = told([*users, event("ben"), event("eve"), event("ada")])
    other = told([*users, event("eve"), event("ada"), event("ben")])
    assert list(by_actor(one)) == [
        "ada ada-ws-1 events of ben",
        "ada ada-ws-1 events of eve",
        "ada ada-ws-1",
    ]
    assert first_divergence(one, other) is None


def test_a_reading_counts_where_it_says_whether_all_is_as_before() -> None:
    def left(returned: bool) -> History:
        return told([(Kind.READING, "lab", "backend-1", {"handlers": 7, "returned": returned})])

    assert first_divergence(left(True), left(True)) is None
    found = first_divergence(left(False), left(True))
    assert found is not None
    assert found.our_form == "ask reading holds what it held before: False"


def test_heartbeats_readings_and_steps_are_no_part_of_it() -> None:
    beat = (Kind.WS_RECEIVED, "ada", "ada-ws-1", {"message": {"type": "heartbeat"}})
    reading = (Kind.READING, "lab", "backend", {"in_flight": 3})
    assert by_actor(told([beat, reading])) == {}


def test_a_decision_is_told_apart_by_what_was_decided() -> None:
    def decided(accepted: bool) -> History:
        about = {"decider": "chat", "about": "good", "accepted": accepted, "identity_label": "ada"}
        return told([(Kind.DECISION, "ada", "", about)])

    assert form(decided(True).entries[1]) == "ask decision chat good True ada None"
    assert first_divergence(decided(True), decided(False)) is not None
