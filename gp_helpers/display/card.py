"""The verdict card: verdict, claims, and under each claim the entries that it rests on."""

from __future__ import annotations

from html import escape

from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict, threshold
from gp_helpers.display.html import Html, details, plain, pretty, tag
from gp_helpers.display.wording import grounds, line
from gp_helpers.history import Entry, History
from gp_helpers.plan import CASES, THRESHOLDS

_SIGNS = {ClaimState.HELD: "✓", ClaimState.VIOLATED: "✗", ClaimState.UNOBSERVED: "?"}
_CLASSES = {ClaimState.HELD: "good", ClaimState.VIOLATED: "bad", ClaimState.UNOBSERVED: "wait"}
_OUTCOME_CLASSES = {Outcome.PASS: "good", Outcome.FAIL: "bad"}
_SHOWN_ENTRIES = 12


def entry_details(entry: Entry) -> str:
    """An entry of a history, expandable to everything that it holds."""
    return details(tag("code", escape(line(entry))), pretty(dict(entry.data)))


def verdict_card(verdict: Verdict, history: History) -> Html:
    """The card of a verdict; violated claims stand first and open."""
    case = CASES.get(verdict.case)
    ordered = sorted(verdict.claims, key=lambda claim: _ORDER[claim.state])
    said = verdict.outcome.value.upper()
    body = [
        tag(
            "p",
            tag("span", said, class_=_OUTCOME_CLASSES.get(verdict.outcome, "wait")),
            f" {escape(verdict.case)}",
            escape(f" · {', '.join(verdict.findings)}") if verdict.findings else "",
            tag("span", f" · {verdict.seconds:.2f} s", class_="s"),
            class_="t",
        ),
        tag("p", escape(verdict.reason)),
    ]
    body += [_claim_markup(claim, history) for claim in ordered]
    if verdict.first_disagreement is not None:
        first = verdict.first_disagreement
        entries = grounds(history, (first.left, first.right))
        body.append(
            details(
                f"<b>First disagreement:</b> {escape(first.description)}",
                *(entry_details(entry) for entry in entries),
            )
        )
    if history.truncated and not history.is_complete:
        body.append(tag("p", f"Partial: {escape(history.truncated)}.", class_="wait"))
    if case is not None:
        stated = case.value.stated()
        value = " ".join(f"{part.capitalize()}: {words}." for part, words in stated.items())
        body.append(details("<b>Why it matters</b>", tag("p", escape(value))))
    card = tag("div", *body, class_=f"card {verdict.outcome.value}")
    return Html(card, _as_text(verdict, history, ordered))


_ORDER = {ClaimState.VIOLATED: 0, ClaimState.UNOBSERVED: 1, ClaimState.HELD: 2}


def _measure(claim: Claim, history: History) -> str:
    told = [f"{name} {plain(value)}" for name, value in claim.measured.items()]
    if claim.threshold in THRESHOLDS:
        limit = plain(threshold(history, claim.threshold))
        told.append(f"threshold {claim.threshold} {limit} {THRESHOLDS[claim.threshold].unit}")
    return ", ".join(told)


def _claim_markup(claim: Claim, history: History) -> str:
    sign = tag("span", f"{_SIGNS[claim.state]} {claim.state.value}", class_=_CLASSES[claim.state])
    code = f" <code>{escape(claim.finding)}</code>" if claim.finding else ""
    summary = (
        f"{sign}{code} <b>{escape(claim.name.replace('_', ' '))}</b>: {escape(claim.statement)}"
    )
    entries = grounds(history, claim.entries)
    shown = [entry_details(entry) for entry in entries[:_SHOWN_ENTRIES]]
    if len(entries) > _SHOWN_ENTRIES:
        rest = ", ".join(f"#{entry.seq}" for entry in entries[_SHOWN_ENTRIES:])
        shown.append(details(f"and {len(entries) - _SHOWN_ENTRIES} more", escape(rest)))
    measured = _measure(claim, history)
    return details(
        summary,
        tag("p", escape(claim.detail)),
        tag("p", escape(measured), class_="s") if measured else "",
        tag("p", "It rests on:" if shown else "It rests on nothing.", class_="s"),
        *shown,
        is_open=claim.state is not ClaimState.HELD,
    )


def _as_text(verdict: Verdict, history: History, claims: list[Claim]) -> str:
    lines = [f"{verdict.outcome.value.upper()} {verdict.case}: {verdict.reason}"]
    for claim in claims:
        code = f" {claim.finding}" if claim.finding else ""
        lines.append(f"  {_SIGNS[claim.state]} {claim.name}{code}: {claim.detail}")
        measured = _measure(claim, history)
        if measured:
            lines.append(f"      {measured}")
        if claim.state is ClaimState.VIOLATED:
            lines += [f"      {line(entry)}" for entry in grounds(history, claim.entries)[:6]]
    if verdict.first_disagreement is not None:
        lines.append(f"  first disagreement: {verdict.first_disagreement.description}")
    return "\n".join(lines)
