"""A timeline states the finding, marks what it rests on, and stays legible at any size."""

import re
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise

import pytest

from gp_helpers.display.svg import Svg
from gp_helpers.display.timeline import timeline
from gp_helpers.history import History, Kind
from tests.display.histories import Story, crowded, disagreeing

SVG = "{http://www.w3.org/2000/svg}"


def parsed(figure: Svg) -> ElementTree.Element:
    return ElementTree.fromstring(figure.svg)


def texts(figure: Svg) -> list[str]:
    return ["".join(node.itertext()) for node in parsed(figure).iter(f"{SVG}text")]


def of_class(figure: Svg, tag: str, name: str) -> list[ElementTree.Element]:
    return [
        node for node in parsed(figure).iter(f"{SVG}{tag}") if name in node.get("class", "").split()
    ]


def test_the_title_states_the_finding() -> None:
    figure = timeline(*disagreeing())
    title = "One token, read differently at every hop: chat refuses the good token"
    assert parsed(figure).findtext(f"{SVG}title") == title
    assert title in texts(figure)
    assert repr(figure).splitlines()[0] == title


def test_it_can_be_read_by_a_screen_reader() -> None:
    root = parsed(timeline(*disagreeing()))
    assert root.get("role") == "img"
    ids = {node.get("id") for node in root.iter() if node.get("id")}
    assert set(root.get("aria-labelledby", "").split()) <= ids
    assert "AUTH_GOOD_TOKEN_REFUSED" in (root.findtext(f"{SVG}desc") or "")


def test_the_exchange_behind_a_violated_decision_is_ringed_and_no_other() -> None:
    history, verdict = disagreeing()
    ringed = [
        group.findtext(f"{SVG}title") or ""
        for group in parsed(timeline(history, verdict)).iter(f"{SVG}g")
        if any(node.get("class") == "ring" for node in group)
    ]
    assert len(ringed) == 1
    assert "present to chat" in ringed[0]
    unmarked = timeline(history)
    assert of_class(unmarked, "rect", "ring") == []


def test_refused_and_accepted_differ_without_colour() -> None:
    figure = timeline(*disagreeing())
    labels = {"threads 200", "chat 401"}
    assert labels <= set(texts(figure))
    assert len(of_class(figure, "rect", "hollow")) == 2  # the bar and its legend
    assert len(of_class(figure, "rect", "good")) == 3  # log in, threads, legend


def test_the_five_events_are_numbers_in_the_order_in_which_they_came() -> None:
    story = Story("websocket.event_manager_init")

    def ask() -> None:
        label = story.socket("ada")
        story.now += 0.03
        sent = ("agent_started", "agent_thinking", "agent_thinking", "agent_completed")
        for event in sent:
            story.received("ada", label, event)
            story.now += 0.04

    story.step("ask", ask)
    shown = [text for text in texts(timeline(story.end())) if re.fullmatch("[1-5]", text)]
    assert shown == ["1", "2", "2", "5"]


def test_events_too_close_to_be_drawn_become_one_mark() -> None:
    story = Story("websocket.event_manager_init")
    story.step("ask", lambda: story.ask("ada", story.socket("ada")), seconds=3.0)
    assert any("1–5" in text for text in texts(timeline(story.end())))


def test_marks_of_a_lane_do_not_overlap() -> None:
    figure = timeline(crowded(people=3, questions=12))
    rows: dict[str, list[tuple[float, float]]] = {}
    for node in of_class(figure, "rect", "open"):
        left, width = float(node.get("x", "0")), float(node.get("width", "0"))
        rows.setdefault(node.get("y", ""), []).append((left, left + width))
    assert len(rows) >= 3
    for places in rows.values():
        assert all(a[1] <= b[0] + 1 for a, b in pairwise(sorted(places)))


def test_several_hundred_entries_stay_on_a_page() -> None:
    history = crowded(people=30, questions=2)
    assert len(history) > 400
    figure = timeline(history)
    height = float(parsed(figure).get("height", "0"))
    assert height < 700
    assert "lanes without a finding are folded" in figure.svg


def test_nothing_is_drawn_outside_the_figure() -> None:
    for figure in (timeline(*disagreeing()), timeline(crowded())):
        root = parsed(figure)
        width, height = float(root.get("width", "0")), float(root.get("height", "0"))
        for node in root.iter(f"{SVG}rect"):
            if node.get("width") == "100%":
                continue
            assert 0 <= float(node.get("x", "0")) <= width
            assert float(node.get("x", "0")) + float(node.get("width", "0")) <= width
            assert float(node.get("y", "0")) + float(node.get("height", "0")) <= height


def test_minutes_between_two_cells_are_left_out() -> None:
    def trial(pause: float) -> str:
        story = Story()
        story.step("first", lambda: story.exchange("ada", "log in", 200))
        story.now += pause
        story.step("second", lambda: story.exchange("ada", "present to chat", 401))
        return timeline(story.end()).svg

    widths = [
        re.findall(r'class="hollow" [^>]*|width="[0-9.]+" height="9" rx="2"', trial(pause))
        for pause in (0.01, 600.0)
    ]
    assert widths[0] == widths[1]


def test_waiting_within_a_step_is_marked_as_not_to_scale() -> None:
    story = Story()

    def wait() -> None:
        story.exchange("ada", "log in", 200)
        story.now += 2.0
        story.exchange("ada", "present to chat", 401)

    story.step("wait", wait)
    figure = timeline(story.end())
    assert "//" in texts(figure)
    assert "2000 ms without anything to see" in figure.svg


def test_what_never_got_an_answer_is_drawn_as_such() -> None:
    story = Story()

    def ask() -> None:
        story.exchange("ada", "log in", None)
        story.recorder.add(
            Kind.REQUEST, "ada", "http-9", method="GET", url="http://x/y", purpose="lost"
        )

    story.step("ask", ask)
    figure = timeline(story.end())
    assert {"log in –", "lost –"} <= set(texts(figure))
    assert "it may have happened" in figure.svg


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_a_history_that_ends_early_is_still_drawn(length: int) -> None:
    history, verdict = disagreeing()
    partial = History(history.entries[:length], "the trial did not come to its end")
    figure = timeline(partial, replace(verdict, first_disagreement=None))
    assert parsed(figure).get("role") == "img"


def test_text_from_the_wire_is_escaped() -> None:
    story = Story()
    story.step("ask", lambda: story.exchange("<b>&", "<script>", 200))
    assert "<script>" not in timeline(story.end()).svg


def test_a_figure_is_drawn_in_milliseconds() -> None:
    history, verdict = disagreeing()
    large = crowded(people=12)
    timeline(large)
    spent = []
    for _ in range(5):
        began = time.process_time()
        timeline(history, verdict)
        timeline(large)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.02
