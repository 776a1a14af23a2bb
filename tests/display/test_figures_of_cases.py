"""Queue, graphs, charts and the journey's two sides: each title states what is wrong, or that
nothing is."""

import xml.etree.ElementTree as ElementTree
from typing import Any

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.display.blast_radius import blast_radius
from gp_helpers.display.charts import latency_over_sessions, resources_over_sessions
from gp_helpers.display.graphs import dependency_graph, wait_for_graph
from gp_helpers.display.queue import queue_timeline
from gp_helpers.display.side_by_side import health_beside_journey
from gp_helpers.display.svg import Svg
from gp_helpers.history import History, Kind
from tests.display.histories import Story

SVG = "{http://www.w3.org/2000/svg}"


def rings(figure: Svg) -> int:
    root = ElementTree.fromstring(figure.svg)
    return sum("ring" in node.get("class", "").split() for node in root.iter())


def started(*places: tuple[str, int, int]) -> History:
    """Requests by label, and the acts of the queue at which each came and started."""
    story = Story("routing.priority")
    for number, (label, queued, start) in enumerate(places):
        request = f"req-{number}"
        story.recorder.add(Kind.EXPECTED, "ada", request, about=label, question=request)
        message = {"type": "agent_started", "data": {"queue": {"queued": queued, "started": start}}}
        story.recorder.add(
            Kind.WS_RECEIVED, "ada", "ada-ws-1", message=message, events=["agent_started"],
            request_id=request,
        )  # fmt: skip
    return story.end()


def test_the_queue_marks_who_overtook_the_urgent_request() -> None:
    figure = queue_timeline(
        started(("normal: busy", 1, 2), ("normal: a", 3, 5), ("high: urgent", 4, 6))
    )
    assert repr(figure).splitlines() == [
        "1 request that waited when the urgent one came started before it",
        "normal: busy: queued as act 1, started as 2",
        "normal: a: queued as act 3, started as 5 ◄ overtakes the urgent one",
        "high: urgent: queued as act 4, started as 6",
    ]
    assert rings(figure) == 1


def test_a_queue_that_serves_the_urgent_request_first_has_nothing_to_mark() -> None:
    figure = queue_timeline(
        started(("normal: busy", 1, 2), ("normal: a", 3, 6), ("high: urgent", 4, 5))
    )
    assert repr(figure).startswith("The urgent request started before everything that waited")
    assert rings(figure) == 0


def worked(*occasions: tuple[str, str | None, dict[str, list[int]]]) -> History:
    """Occasions by name, where the breaker stood after each, and the statuses that users got."""
    story = Story("auth.error_amplification")
    for when, breaker, statuses in occasions:
        for user, answers in statuses.items():
            asked = story.recorder.add(Kind.EXPECTED, "lab", work=user, when=when)
            for status in answers:
                story.recorder.add(
                    Kind.DECISION, user, decider="threads", about="good", work=asked.seq,
                    status=status, accepted=status < 300,
                )  # fmt: skip
        if breaker is not None:
            state = {"breaker": {"state": breaker}}
            story.recorder.add(Kind.READING, "lab", "backend-1", auth_client=state)
    return story.end()


def test_the_blast_radius_rings_who_was_lost_and_tells_the_breakers_state() -> None:
    figure = blast_radius(
        worked(
            ("round 1", "closed", {"ada": [201], "ben": [503, 201]}),
            ("round 2", "half_open", {"ada": [401], "ben": []}),
        )
    )
    assert repr(figure).splitlines() == [
        "2 of 4 requests of innocent users were lost",
        "round 1: breaker closed",
        "  ada: 201",
        "  ben: 503, then 201",
        "round 2: breaker half open",
        "  ada: 401 ◄ lost",
        "  ben: no answer ◄ lost",
    ]
    assert rings(figure) == 2


def test_a_platform_without_a_breaker_says_so() -> None:
    story = Story("auth.error_amplification")
    story.recorder.add(Kind.EXPECTED, "lab", work="ada", when="round 1")
    story.recorder.add(Kind.READING, "lab", "backend-1", auth_client={})
    assert "round 1: breaker none" in repr(blast_radius(story.end()))


def test_a_blast_radius_of_nobody_has_nothing_to_mark() -> None:
    figure = blast_radius(worked(("round 1", None, {"ada": [201]})))
    assert repr(figure).startswith("None of 1 requests of innocent users was lost")
    assert "breaker not read" in repr(figure)
    assert rings(figure) == 0
    assert repr(blast_radius(worked())).startswith("No request of an innocent user was recorded")


def reading(*data: dict[str, Any], labels: dict[str, str] | None = None) -> History:
    story = Story("routing.circular_deadlock")
    for request, label in (labels or {}).items():
        story.recorder.add(Kind.EXPECTED, "ada", request, about=label, question=request)
    for one in data:
        story.recorder.add(Kind.READING, "lab", "backend-1", **one)
    return story.end()


def test_a_cycle_of_waits_is_drawn_from_the_reading_that_shows_it() -> None:
    crossing = {
        "locks": {
            "holders": [{"lock": "analysis/t", "holder": "r1"}, {"lock": "planning/t",
                                                                 "holder": "r2"}],
            "waiters": [{"lock": "planning/t", "waiter": "r1"}, {"lock": "analysis/t",
                                                                 "waiter": "r2"}],
        }
    }  # fmt: skip
    quiet: dict[str, Any] = {"locks": {"holders": [], "waiters": []}}
    figure = wait_for_graph(reading(crossing, quiet, labels={"r1": "there", "r2": "back"}))
    assert repr(figure).splitlines() == [
        "A cycle that never ends: “there” waits for “back” waits for “there”",
        "there waits for back, at the desk of planning",
        "back waits for there, at the desk of analysis",
    ]


def test_waits_without_a_cycle_and_no_waits_at_all_say_so() -> None:
    waiting = {
        "locks": {
            "holders": [{"lock": "a/t", "holder": "r1"}],
            "waiters": [{"lock": "a/t", "waiter": "r2"}],
        }
    }
    assert repr(wait_for_graph(reading(waiting))).startswith("1 wait, and no cycle")
    assert repr(wait_for_graph(reading({}))).startswith("No request waits for another.")


def session(*edges: dict[str, Any]) -> dict[str, Any]:
    nodes = [{"id": edge["from"], "type": "Thing"} for edge in edges]
    return {"sessions": [{"graph": {"nodes": nodes, "edges": list(edges)}}]}


def test_a_missing_dependency_is_drawn_as_nothing() -> None:
    figure = dependency_graph(
        reading(
            session(
                {"from": "engine", "name": "sender", "to": "sender", "injected": "constructor"},
                {"from": "sender", "name": "connection", "to": None, "injected": "method"},
            )
        )
    )
    assert repr(figure).splitlines() == [
        "1 of 2 dependencies is missing",
        "engine needs sender, constructor: sender",
        "sender needs connection, method: nothing (1)",
    ]
    assert rings(figure) == 1


def test_a_graph_that_goes_round_is_drawn_too() -> None:
    figure = dependency_graph(
        reading(
            session(
                {"from": "a", "name": "b", "to": "b", "injected": "constructor"},
                {"from": "b", "name": "a", "to": "a", "injected": "setter"},
            )
        )
    )
    assert repr(figure).startswith("All 2 dependencies are there")


def left(*counts: tuple[int, int, int]) -> History:
    """Sessions so far, engines and tasks at each reading."""
    return reading(
        *(
            {"resources": "left", "sessions_so_far": sessions, "factories": {"engines": engines},
             "handlers": 2, "tasks": {"worker": tasks}}
            for sessions, engines, tasks in counts
        )
    )  # fmt: skip


def test_resources_that_do_not_go_back_are_named_with_their_growth() -> None:
    figure = resources_over_sessions(left((0, 0, 1), (10, 5, 1), (20, 10, 1)))
    assert repr(figure).splitlines() == [
        "After 20 sessions there are more: 10 engines",
        "engines: 0 to 10, +10",
        "handlers: 2 to 2",
        "tasks: 1 to 1",
    ]


def test_resources_that_go_back_are_said_to() -> None:
    figure = resources_over_sessions(left((0, 0, 1), (20, 0, 1)))
    assert repr(figure).startswith("After 20 sessions everything is back where it was")


def test_latency_is_told_for_both_phases_with_what_a_message_causes() -> None:
    story = Story("journey.performance_under_load")

    def work(round_: int, when: str, notified: int, sessions: int) -> None:
        story.recorder.add(
            Kind.READING, "lab", "backend-1", work=when, round=round_, sessions=sessions,
            answered=2, handlers=1, runs={"notified": notified},
        )  # fmt: skip

    for round_, (before, after) in enumerate(((0, 10), (10, 40)), 1):
        work(round_, "before", before, round_ * 10)
        for phase, value in (("quiet", 20.0), ("loaded", 30.0)):
            story.recorder.add(
                Kind.MEASURED, "ada", "r", quantity="latency", value=value, unit="ms",
                phase=phase, sessions=round_ * 10,
            )  # fmt: skip
        work(round_, "after", after, round_ * 10)
    figure = latency_over_sessions(story.end())
    assert repr(figure).splitlines() == [
        "p50 20 ms alone, p50 30 ms under load; a message causes 6 calls at first and 16 at last",
        "alone, ms: 20 to 20",
        "under load, ms: 30 to 30",
        "calls that a message causes: 6 to 16, ×2.7",
    ]


def test_green_components_stand_beside_what_the_user_misses() -> None:
    story = Story("journey.login_to_answer")
    story.recorder.add(Kind.COMPONENT, "lab", component="auth", check="lives", healthy=True)
    story.recorder.add(
        Kind.WS_RECEIVED, "ada", "ada-ws-1", events=["agent_completed"],
        message={"type": "agent_completed", "data": {"result": "There are no costs."}},
    )  # fmt: skip
    claims = (
        Claim("components_healthy", "healthy", ClaimState.HELD, (1,)),
        Claim("grounded", "the answer names a cost", ClaimState.VIOLATED, (2,), "X", "it does not"),
    )
    verdict = Verdict("journey.login_to_answer", Outcome.FAIL, "X", claims)
    lines = repr(health_beside_journey(story.end(), verdict)).splitlines()
    assert lines[0] == "The platform: 1 of 1 checks are green"
    assert "The user: 0 of 1 claims hold" in lines
    assert lines[-2].split("  ") == ["the answer names a cost", "✗", "it does not"]
    assert lines[-1] == "The answer: There are no costs."


def test_a_history_without_what_a_figure_needs_says_so() -> None:
    empty = reading()
    for draw in (queue_timeline, wait_for_graph, dependency_graph, resources_over_sessions,
                 latency_over_sessions):  # fmt: skip
        assert repr(draw(empty)).startswith("No ")
