"""What a case is: its hypothesis, its symptom, the defects that are on, its steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from gp_helpers.display.html import Html, tag
from gp_helpers.plan import CaseInfo


def introduction(
    info: CaseInfo, defects: Collection[str], steps: Mapping[str, str], taken: Collection[str]
) -> Html:
    """A case before and while its steps are taken; ``steps``: name to what it does."""
    on = ", ".join(sorted(defects)) or "none"
    told = [
        f"{info.id}: {info.title}",
        f"Hypothesis: {info.hypothesis}",
        f"Symptom: {info.expected_symptom}",
        f"Defects on: {on}",
        *(f"{'x' if name in taken else ' '} {name}: {does}" for name, does in steps.items()),
    ]
    items = (
        tag("li", tag("code", escape(name)), f" {escape(does)}", " ✓" if name in taken else "")
        for name, does in steps.items()
    )
    body = (
        tag("p", escape(info.title), class_="t")
        + tag("p", f"<b>Hypothesis.</b> {escape(info.hypothesis)}")
        + tag("p", f"<b>What one would see.</b> {escape(info.expected_symptom)}")
        + tag("p", f"<b>Defects on.</b> {escape(on)}")
        + tag("ol", *items)
    )
    return Html(body, "\n".join(told))
