"""routing.state_pollution: style, handler and identity are those of one's own connection."""

from __future__ import annotations

from gp_helpers.checkers.claims import Disagreement, Judgement, Observed
from gp_helpers.checkers.delivery import Question, no_foreign_canary, questions
from gp_helpers.checkers.routing.reading import (
    about,
    body_of,
    data_of,
    expectations,
    is_error,
    is_event,
)
from gp_helpers.history import Entry, History

FOREIGN_PREFERENCES = "ROUTING_FOREIGN_PREFERENCES"
FOREIGN_HANDLER = "ROUTING_FOREIGN_HANDLER"
SPOOFED = "ROUTING_SPOOFED_USER_ACCEPTED"
FOREIGN_DATA = "ROUTING_FOREIGN_DATA"
TECHNICAL = "technical"
PLAIN = "plain"
SPOOFED_QUESTION = "spoofed"


def check(history: History) -> Judgement:
    """Each answer in its asker's style, from their own handler; no request in another's name."""
    asked = questions(history)
    own = [one for one in asked if one.asked.data.get("about") != SPOOFED_QUESTION]
    style, disagreement = _style(history, own)
    return Judgement(
        (
            style.claim(),
            _handler(history, own).claim(),
            _spoofing(history, [one for one in asked if one not in own]).claim(),
            no_foreign_canary(history, FOREIGN_DATA).claim(),
        ),
        disagreement,
    )


def _style(history: History, own: list[Question]) -> tuple[Observed, Disagreement | None]:
    claim = Observed(
        "own_style",
        "an answer has the style that its user asked for on this connection",
        FOREIGN_PREFERENCES,
        threshold="contamination",
    )
    first: Disagreement | None = None
    wanted = {str(entry.data["style_for"]): entry for entry in expectations(history, "style_for")}
    claim.expected = max(len(wanted), 1)
    for question in own:
        expected = wanted.get(question.request_id)
        if expected is None:
            continue
        found = _style_of(question, expected.data.get("technical_marker"))
        if found is None:
            claim.unobserved(f"{question.person}'s answer does not show its style")
            continue
        entry, style = found
        is_own = style == expected.data["style"]
        claim.test(
            is_own,
            f"{question.person} ({question.asked.data['about']}) gets it {style}",
            entry,
            expected,
        )
        if not is_own and first is None:
            first = Disagreement(
                expected.seq,
                entry.seq,
                f"{question.person} wants it {expected.data['style']}, the router has {style}",
            )
    return claim, first


def _style_of(question: Question, marker: object) -> tuple[Entry, str] | None:
    """The style of an answer: as its text shows it, or as the platform says that it is applied."""
    for entry in question.received:
        if isinstance(marker, str) and is_event(entry, "agent_completed"):
            text = str(data_of(entry).get("result", ""))
            return entry, TECHNICAL if marker in text else PLAIN
        preferences = data_of(entry).get("preferences")
        if marker is None and is_event(entry, "agent_started") and isinstance(preferences, dict):
            return entry, str(preferences.get("style", PLAIN))
    return None


def _handler(history: History, own: list[Question]) -> Observed:
    claim = Observed(
        "own_handler",
        "a request is handled for the user on whose connection it came",
        FOREIGN_HANDLER,
        threshold="contamination",
    )
    claim.expected = max(len(own), 1)
    for question in own:
        messages = about(history, question.request_id)
        foreign = [entry for entry in messages if entry.actor != question.person]
        mine = [entry for entry in messages if entry.actor == question.person]
        if foreign:
            claim.violated(
                f"{foreign[0].actor} hears {body_of(foreign[0]).get('type')} about "
                f"{question.person}'s request",
                *foreign,
            )
        elif question.settled is None:
            claim.unobserved(f"{question.person}'s request: it did not get silent")
        elif any(is_event(entry, "agent_completed") for entry in mine):
            claim.holds(*mine, question.settled)
        else:
            claim.unobserved(f"{question.person}'s request has no answer")
    return claim


def _spoofing(history: History, spoofed: list[Question]) -> Observed:
    claim = Observed(
        "spoofed_user_refused",
        "a request in another user's name is refused",
        SPOOFED,
        threshold="contamination",
    )
    for question in spoofed:
        messages = about(history, question.request_id)
        worked_on = [entry for entry in messages if entry.data.get("events")]
        errors = [entry for entry in messages if entry.actor == question.person and is_error(entry)]
        if worked_on:
            claim.violated(
                f"{question.person}'s request in another name is worked on; "
                f"{worked_on[0].actor} gets its events",
                *worked_on,
            )
        elif errors and question.settled is not None:
            claim.holds(*errors, question.settled)
        else:
            claim.unobserved("nothing came back, or it did not get silent")
    return claim
