"""Every case has a mechanism that can be drawn, with a marked place where it breaks."""

import xml.etree.ElementTree as ElementTree

import pytest

from gp_helpers.display.mechanisms import Break, Diagram, Message, Note, diagram_of, mechanism_of
from gp_helpers.display.mechanisms.diagram import draw
from gp_helpers.plan import CASES, UnknownNameError

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("case", CASES)
def test_the_diagram_of_a_case(case: str) -> None:
    diagram = diagram_of(case)
    used: list[str] = []
    for moment in diagram.moments:
        used += [moment.sender, moment.receiver] if isinstance(moment, Message) else [moment.lane]
    assert set(used) == set(diagram.lanes)
    assert any(isinstance(moment, Break) for moment in diagram.moments)
    assert any(isinstance(moment, Message) for moment in diagram.moments)


@pytest.mark.parametrize("case", CASES)
def test_it_is_drawn_within_its_figure(case: str) -> None:
    root = ElementTree.fromstring(mechanism_of(case).svg)
    width = float(root.get("width", "0"))
    assert root.findtext(f"{SVG}title") == diagram_of(case).title
    for node in root.iter(f"{SVG}rect"):
        if node.get("width") != "100%":
            left = float(node.get("x", "0"))
            assert left >= 0
            assert left + float(node.get("width", "0")) <= width


def test_its_text_lists_the_same_moments() -> None:
    diagram = Diagram(
        "auth.timing",
        "It breaks",
        ("a", "b"),
        (
            Message("a", "b", "asks"),
            Message("b", "a", "answers", is_reply=True),
            Message("b", "a", "an event", is_lost=True),
            Note("b", "remembers"),
            Break("b", "forgets"),
        ),
    )
    assert repr(draw(diagram)).splitlines() == [
        "It breaks",
        "1. a -> b: asks",
        "2. b --> a: answers",
        "3. b -> a: an event (lost)",
        "4. b: remembers",
        "5. ✗ b: forgets",
    ]


def test_an_unknown_case_is_named_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="auth\\.timing"):
        mechanism_of("auth.timming")
