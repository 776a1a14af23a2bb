"""Card, matrix, divergence, Gantt, logs and tables: what they say in HTML and in text."""

import json
import re
from html import escape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from IPython.lib.pretty import pretty

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.display.card import verdict_card
from gp_helpers.display.divergence import divergence_view
from gp_helpers.display.gantt import decision_gantt
from gp_helpers.display.html import Html, plain, table, tag
from gp_helpers.display.logs import parse, service_logs
from gp_helpers.display.matrix import decision_matrix
from gp_helpers.display.svg import figure
from gp_helpers.history import History, Kind, first_divergence
from gp_helpers.plan import CASES
from tests.display.histories import Story, disagreeing

VOID = {"br", "meta"}


class Balance(HTMLParser):
    """Fails on a tag that is closed in the wrong place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def markup_of(view: Html) -> str:
    markup = view._repr_html_()
    balance = Balance()
    balance.feed(markup)
    assert balance.open == []
    return markup


def test_what_a_notebook_stores_of_a_view_is_one_line_and_reads_as_several() -> None:
    """Stock papermill writes each stored line twice a cell."""
    texts: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            texts.append(data)

    markup = markup_of(Html(tag("pre", "first\nsecond"), ""))
    reader = Reader(convert_charrefs=True)
    reader.feed(markup)
    assert "\n" not in markup
    assert texts[-1] == "first\nsecond"
    drawn = figure(10, 10, "a", "told\nin lines", [])._repr_svg_()
    assert "\n" not in drawn
    described = ElementTree.fromstring(drawn).find("{*}desc")
    assert described is not None
    assert described.text == "told\nin lines"


def test_a_notebook_stores_the_beginning_of_a_long_text_and_says_so() -> None:
    whole = "\n".join(f"line {number}" for number in range(1, 31))
    for view in (Html("", whole), figure(10, 10, "line 1", whole[7:], [])):
        assert repr(view) == whole
        assert pretty(view).splitlines() == [
            *(f"line {number}" for number in range(1, 13)),
            "… 18 more lines: print() shows them",
        ]
    assert pretty(Html("", "one\ntwo")) == "one\ntwo"


def test_a_card_tells_verdict_claims_and_their_entries() -> None:
    history, verdict = disagreeing()
    assert repr(verdict_card(verdict, history)).splitlines() == [
        "FAIL auth.validation_cascade: AUTH_GOOD_TOKEN_REFUSED: chat refuses the good token",
        "  ✗ good_token_accepted AUTH_GOOD_TOKEN_REFUSED: chat refuses the good token",
        "      #11 at 15.0 ms  ada: answered 401 after 5.0 ms",
        "      #12 at 15.0 ms  ada: chat refuses good",
        "  ✓ components_healthy: 1 observation",
        "  ✓ within_time: ",
        "      seconds 0.4, threshold case_seconds 10 s",
        "  first disagreement: threads accepts, chat refuses",
    ]


def test_a_card_states_the_limit_that_the_trial_was_judged_by() -> None:
    history, verdict = disagreeing()
    started, *others = history.entries
    stated = started._replace(data={**started.data, "thresholds": {"case_seconds": 2.5}})
    card = verdict_card(verdict, History((stated, *others)))
    for shown in (repr(card), markup_of(card)):
        assert "threshold case_seconds 2.5 s" in shown
        assert "threshold case_seconds 10 s" not in shown


def test_a_card_opens_what_is_violated_and_shows_the_value() -> None:
    history, verdict = disagreeing()
    markup = markup_of(verdict_card(verdict, history))
    opened = re.findall(r"<details open><summary>(.*?)</summary>", markup)
    assert [re.sub("<[^>]+>", "", summary) for summary in opened] == [
        "✗ violated AUTH_GOOD_TOKEN_REFUSED good token accepted: "
        "every validator accepts a fresh token"
    ]
    for part, said in CASES[verdict.case].value.stated().items():
        assert f"{part.capitalize()}: {escape(said)}." in markup
    assert '"status": 401' in markup


def test_a_card_says_that_a_history_is_partial() -> None:
    history, verdict = disagreeing()
    partial = History(history.entries[:-1], "the trial did not come to its end")
    assert "Partial: the trial did not come to its end." in markup_of(
        verdict_card(verdict, partial)
    )


def test_a_claim_that_nobody_observed_is_open_and_says_so() -> None:
    history, _ = disagreeing()
    claim = Claim("silence", "s", ClaimState.UNOBSERVED, detail="nothing was observed")
    verdict = Verdict("auth.timing", Outcome.INCONCLUSIVE, "silence was not observed", (claim,))
    assert "It rests on nothing." in markup_of(verdict_card(verdict, history))


def test_the_matrix_marks_the_decision_that_is_wrong_and_holds_its_exchange() -> None:
    history, _ = disagreeing()
    view = decision_matrix(history)
    assert repr(view).splitlines() == [
        "Who accepts which token: 1 wrong decision",
        "      threads    chat",
        "----  ---------  -------",
        "good  ✓ 200 ada  ✗ 401 ◄",
    ]
    assert re.search(r'class="off"><details>.*401 ◄.*present to chat', markup_of(view), re.DOTALL)


def test_a_decision_that_names_somebody_else_is_wrong_though_it_accepts() -> None:
    story = Story()

    def decide() -> None:
        story.recorder.add(
            Kind.EXPECTED, "lab", about="x", token_about="ben's", accepted=True, subject="ben"
        )
        basis = story.exchange("ada", "present to threads", 200)
        story.decision("ada", "threads", "ben's", True, basis)

    story.step("decide", decide)
    assert repr(decision_matrix(story.end())).splitlines()[-1] == "ben's  ✓ 200 ada ◄"


def test_what_may_be_decided_either_way_is_never_wrong() -> None:
    story = Story()

    def decide() -> None:
        story.recorder.add(Kind.EXPECTED, "lab", about="x", token_about="edge", accepted=None)
        basis = story.exchange("ada", "present to threads", 401)
        story.decision("ada", "threads", "edge", False, basis)

    story.step("decide", decide)
    assert "no wrong decisions" in repr(decision_matrix(story.end()))


def test_a_router_is_held_against_what_a_person_wrote() -> None:
    story = Story("routing.selection_conflict")
    story.recorder.add(Kind.EXPECTED, "lab", about="corpus", right_agents={"m1": "planning"})
    for router, agent in (("gateway", "analysis"), ("registry", "planning")):
        story.recorder.add(
            Kind.DECISION, "lab", "m1", decider=router, about="m1", agent=agent,
            message="Plan my budget",
        )  # fmt: skip
    assert repr(decision_matrix(story.end(), title="Which agent")).splitlines() == [
        "Which agent: 1 wrong decision",
        "                right     gateway     registry",
        "--------------  --------  ----------  --------",
        "Plan my budget  planning  analysis ◄  planning",
    ]


def test_where_nobody_knows_what_is_right_each_disagreeing_decision_is_marked() -> None:
    story = Story()

    def decide() -> None:
        for decider, accepted in (("a", True), ("b", False)):
            basis = story.exchange("ada", f"present to {decider}", 200)
            story.decision("ada", decider, "token", accepted, basis)

    story.step("decide", decide)
    assert repr(decision_matrix(story.end())).count("◄") == 2


def test_the_gantt_rings_what_contradicts_the_tokens_life() -> None:
    history, _ = disagreeing()
    figure = decision_gantt(history)
    assert repr(figure).splitlines() == [
        "1 decision contradicts the token's life, edge by edge",
        "good: threads accepts",
        "good: chat refuses ◄ wrong",
    ]
    assert figure.svg.count('class="ring"') == 1


def test_a_divergence_stands_beside_its_contrast() -> None:
    def told(status: int) -> History:
        story = Story()

        def act() -> None:
            label = story.socket("ada")
            story.received("ada", label, "agent_started" if status == 1 else "error")

        story.step("ask", act)
        return story.end()

    ours, theirs = told(2), told(1)
    view = divergence_view(first_divergence(ours, theirs), ours, theirs)
    lines = repr(view).splitlines()
    assert lines[0] == "They part at ada ada-ws-1, in ask"
    assert [line for line in lines if line.startswith(">")] == [
        "> #5 at 8.0 ms  ada-ws-1: receives error",
        "> #5 at 8.0 ms  ada-ws-1: receives agent_started",
    ]
    assert markup_of(view).count('class="del"') == 2


def test_the_same_story_diverges_nowhere() -> None:
    history, _ = disagreeing()
    view = divergence_view(first_divergence(history, history), history, history)
    assert repr(view).startswith("The contrast tells the same story")


def test_logs_of_a_findings_exchange_stand_first() -> None:
    history, _ = disagreeing()
    answers = history.of(Kind.RESPONSE)
    ids = [dict(entry.data["headers"])["x-correlation-id"] for entry in answers]
    lines = [
        {"time": f"2026-11-22T21:00:0{number}Z", "level": "INFO", "message": f"served {number}",
         "correlation_id": correlation_id}
        for number, correlation_id in enumerate(ids)
    ]  # fmt: skip
    raw = [*(json.dumps(line) for line in lines), "Traceback (most recent call last)"]
    view = service_logs(parse("backend-1", raw), history, [answers[-1].seq])
    told = [line for line in repr(view).splitlines() if not line.startswith("  ")]
    assert told == [
        f"correlation id {ids[-1]}, seen in entry #{answers[-1].seq}",
        f"correlation id {ids[0]}, seen in entry #{answers[0].seq}",
        f"correlation id {ids[1]}, seen in entry #{answers[1].seq}",
        "outside of any request",
    ]
    assert "Traceback" in repr(view)
    assert "3 other correlation ids" in markup_of(view)


def test_a_long_table_can_be_expanded() -> None:
    view = table([{"n": number} for number in range(50)], title="Numbers", limit=10)
    assert repr(view).splitlines()[-1] == "… and 40 more"
    assert markup_of(view).count("<tr>") == 52


def test_rows_may_have_different_keys() -> None:
    assert repr(table([{"a": 1}, {"b": None, "a": True}])).splitlines() == [
        "a    b",
        "---  -",
        "1    –",
        "yes  –",
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (False, "no"),
        (0.123456, "0.1235"),
        (["a", True], "a, yes"),
        ([], "–"),
        ({"a": {"b": 1}}, "a b 1"),
        ("<b>", "<b>"),
    ],
)
def test_values_in_words(value: object, told: str) -> None:
    assert plain(value) == told


def test_text_from_the_wire_is_escaped() -> None:
    assert "<script>" not in markup_of(table([{"<script>": "<script>"}], title="<script>"))
