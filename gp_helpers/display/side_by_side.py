"""What the components say of themselves, beside what the user gets."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from gp_helpers.checkers import ClaimState, Verdict
from gp_helpers.display.html import Html, table, tag
from gp_helpers.history import History, Kind

_WORDS = {
    ClaimState.HELD: "✓",
    ClaimState.VIOLATED: "✗",
    ClaimState.UNOBSERVED: "? not observed",
}
_SHOWN = 400


def health_beside_journey(history: History, verdict: Verdict) -> Html:
    """Component checks on the left, the user's claims and last answer on the right."""
    checks = history.of(Kind.COMPONENT)
    healthy = sum(bool(entry.data.get("healthy")) for entry in checks)
    claims = [claim for claim in verdict.claims if claim.name != "components_healthy"]
    held = sum(claim.state is ClaimState.HELD for claim in claims)
    left = table(
        [
            {
                "component": entry.data.get("component"),
                "check": entry.data.get("check"),
                "healthy": entry.data.get("healthy"),
            }
            for entry in checks
        ],
        title=f"The platform: {healthy} of {len(checks)} checks are green",
    )
    right = table(
        [
            {"what the user needs": claim.statement, "": _WORDS[claim.state]}
            | ({"why": claim.detail} if claim.state is not ClaimState.HELD else {})
            for claim in claims
        ],
        title=f"The user: {held} of {len(claims)} claims hold",
    )
    answer = _last_answer(history)
    if answer is not None:
        quoted = tag("p", tag("b", "The answer: "), escape(answer))
        right = Html(right.body + quoted, f"{right.text}\nThe answer: {answer}")
    body = tag("div", tag("div", left.body), tag("div", right.body), class_="pair")
    return Html(body, f"{left.text}\n\n{right.text}")


def _last_answer(history: History) -> str | None:
    for entry in reversed(history.of(Kind.WS_RECEIVED)):
        message = entry.data.get("message")
        if "agent_completed" in (entry.data.get("events") or ()) and isinstance(message, Mapping):
            data = message.get("data")
            result = data.get("result") if isinstance(data, Mapping) else None
            if isinstance(result, str):
                return result if len(result) <= _SHOWN else f"{result[:_SHOWN]}…"
    return None
