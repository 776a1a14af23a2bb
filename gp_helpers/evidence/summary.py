"""``summary.md``: the verdicts for a page of continuous integration, and why it is red."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gp_helpers.evidence.expected import ExitStatus, exit_status

_SHOWN = {"pass": "✔ pass", "fail": "✘ fail", "inconclusive": "? inconclusive", "error": "! error"}
_MET = {True: "as expected", False: "**not as expected**", None: "nothing expected"}
STATUS_TEXT = {
    ExitStatus.MET: "every expectation was met",
    ExitStatus.NOT_MET: "some expectation was not met",
    ExitStatus.INCONCLUSIVE: "something was not observed",
    ExitStatus.USAGE: "bad usage",
    ExitStatus.BROKEN: "the workbook or the embedded platform broke",
    ExitStatus.INTERRUPTED: "the run was interrupted",
}
_LONGEST = 300


def summary(verdicts: Mapping[str, Any]) -> str:
    """The text of ``summary.md``."""
    status = exit_status(verdicts)
    lines = [
        f"# Golden Path, {cell(verdicts['environment'])}: {STATUS_TEXT[status]}",
        "",
        f"Run `{verdicts['run']}`, expectation `{verdicts['expectation']}`, "
        f"exit status {int(status)}, {counted(verdicts)}.",
        "",
    ]
    if verdicts["partial"]:
        lines += [f"> **Partial run:** {cell(verdicts['partial'])}", ""]
    lines += ["| case | verdict | expected | findings | seconds |", "|---|---|---|---|--:|"]
    for case in verdicts["cases"]:
        seconds = "" if case["seconds"] is None else f"{case['seconds']:.2f}"
        lines.append(
            f"| {case['case']} | {_SHOWN[case['outcome']]} | {_MET[case['met']]} "
            f"| {cell(', '.join(case['findings']))} | {seconds} |"
        )
    why = [case for case in verdicts["cases"] if case["met"] is False or case["outcome"] in
           ("inconclusive", "error")]  # fmt: skip
    if why:
        lines += ["", "## Why", ""]
        lines += [
            f"- **{case['case']}**: {_SHOWN[case['outcome']]}: {cell(case['reason'])}"
            for case in why
        ]
    if verdicts["not_selected"]:
        lines += ["", "## Not selected", ""]
        lines += [f"- {one['case']}: {cell(one['reason'])}" for one in verdicts["not_selected"]]
    return "\n".join(lines) + "\n"


def counted(verdicts: Mapping[str, Any]) -> str:
    """How many cases ended how: ``20 pass, 3 fail``."""
    outcomes = [case["outcome"] for case in verdicts["cases"]]
    parts = [f"{outcomes.count(name)} {name}" for name in _SHOWN if name in outcomes]
    return ", ".join(parts) or "no cases"


def cell(text: str) -> str:
    """A text that cannot break out of its place in a Markdown table or list."""
    flat = " ".join(str(text).split())
    flat = flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"
    for character, shown in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "'")):
        flat = flat.replace(character, shown)
    return flat
