"""Writes the notebooks from the cases: a step is a cell, under the sentence that the step states.

    python -m tools.notebooks          write them all
    python -m tools.notebooks --check  name those that differ from their cases, and exit with 1

What people write about a case stands in `tools/notebook_prose/`; everything else is data of the
plan and of the cases, so that a notebook cannot say something else than the code does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gp_helpers.cases import case_class
from gp_helpers.plan import CASES, SUITES, CaseInfo, Suite, cases_of
from tools.notebook_cells import Cell, code, prose_of, text

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"

START_HERE = "00_start_here"
EVIDENCE_REVIEW = "08_evidence_review"
TOUR_CASE = "auth.validation_cascade"

PARAMETERS = """\
# Parameters of this notebook. All notebooks share one schema; `papermill -f` replaces the values.
target: dict = {"kind": "embedded", "wiring": "as_reported"}  # what the probes talk to
cases: list = []  # suites or cases; empty selects all
expectation: str = "reproduce"  # reproduce, pass or none
trials: int = 1  # of each case; the first is taken step by step
seed: int = 1176  # trial N uses seed + N - 1
concurrent_users: int = 3  # users at once, in the cases that need several
sessions: int = 20  # of a trial of factory.lifecycle
many_sessions: int = 300  # over which notebook 04 counts once more; 0 leaves that out
thresholds: dict = {}  # limits other than the plan's, by their names"""

VIEWS: Mapping[str, Sequence[tuple[str, str]]] = {
    "auth.validation_cascade": (
        (
            'decisions("Who accepts which token")',
            "Who accepts which token? Open a cell to see the exchange behind it.",
        ),
    ),
    "auth.context_isolation": (
        (
            'decisions("Who was taken for whom")',
            "Who was taken for whom? Open a cell to see the exchange behind it.",
        ),
    ),
    "auth.timing": (("gantt()", "What each validator decided, over the platform's own time."),),
    "auth.error_amplification": (
        (
            "blast_radius()",
            "Whom it reached: innocent requests one after the other, and the breaker behind them.",
        ),
    ),
    "routing.selection_conflict": (
        (
            'decisions("Which agent each router names", step="ask_every_router")',
            "What every router says about every message, against what a person wrote beside it.",
        ),
    ),
    "routing.priority": (("queue()", "Who waited, and at which turn each was served."),),
    "routing.circular_deadlock": (("wait_for()", "Who waits for whom, and at whose desk."),),
    "factory.lifecycle": (("resources()", "What the platform holds, session after session."),),
    "journey.login_to_answer": (
        (
            "health_beside_journey()",
            "What the components say of themselves, beside what the user gets.",
        ),
    ),
    "journey.performance_under_load": (
        ("latency()", "How long answers took, and what each of them caused in the platform."),
    ),
    "factory.dependency_injection": (
        ("dependencies()", "The objects of a session, and what each of them was given."),
    ),
}
"""Views that belong to one case, shown after its timeline, each with what it is about."""

MORE: Mapping[str, tuple[str, str]] = {
    "factory.lifecycle": (
        "over_many_sessions",
        "The same over as many sessions as the parameter `many_sessions` says, beside the trial: "
        "it counts for nothing and takes about ten seconds for 300. The environments of unattended "
        "runs say 0, which leaves it out.",
    ),
}


def variable_of(case: CaseInfo) -> str:
    """The name that a notebook gives a case: the last part of its id."""
    return case.id.rpartition(".")[2]


def set_up(about: str) -> list[Cell]:
    """The parameters cell and the set-up cell of a notebook about a suite or a case."""
    return [
        code("parameters", PARAMETERS, "parameters"),
        code(
            "set-up",
            "import gp_helpers\n\n"
            f'lab = await gp_helpers.open_lab(globals(), about="{about}")\n'
            "lab",
        ),
    ]


def steps_of(case: CaseInfo) -> Iterator[Cell]:
    """The steps of a case, a sentence and a cell each."""
    name = variable_of(case)
    for number, step in enumerate(case_class(case.id).steps(), 1):
        yield text(
            f"{case.id}-says-{step.name}",
            f"**Step {number}.** {step.does} *What should come back:* {step.expects}.",
        )
        yield code(f"{case.id}-step-{step.name}", f"await {name}.{step.name}()")


def introduction_of(case: CaseInfo, heading: str) -> Iterator[Cell]:
    """What a case is about, and its mechanism."""
    name = variable_of(case)
    stated = case.value.stated()
    stake = "\n".join(f"- {part.capitalize()}: {said}." for part, said in stated.items())
    yield text(
        f"{case.id}-about",
        f"## {heading}\n\n"
        f"`{case.id}` · `{case.test_name}`\n\n"
        f"**Hypothesis.** {case.hypothesis}\n\n"
        f"**What one would see:** {case.expected_symptom}.\n\n"
        f"**Why it matters**\n\n{stake}\n\n"
        "The mechanism; the marked places are where it breaks.",
    )
    yield code(f"{case.id}-mechanism", f'{name} = lab.case("{case.id}")\n{name}.mechanism()')


def findings_of(case: CaseInfo, look: str) -> Iterator[Cell]:
    """What came out: timeline, the case's own views, verdict, contrast, sources, logs."""
    name = variable_of(case)
    yield text(f"{case.id}-says-timeline", f"### What happened\n\n{look}")
    yield code(f"{case.id}-timeline", f"{name}.timeline()")
    for view, about in VIEWS.get(case.id, ()):
        key = view.partition("(")[0]
        yield text(f"{case.id}-says-{key}", about)
        yield code(f"{case.id}-{key}", f"{name}.{view}")
    yield text(
        f"{case.id}-says-verdict",
        "The verdict, derived from the history alone. Each claim opens to the entries that it "
        "rests on.",
    )
    yield code(f"{case.id}-verdict", f"{name}.verdict()")
    yield text(
        f"{case.id}-says-contrast",
        "### Why\n\nThe same steps with the same seed on the remediated wiring: where do the two "
        "histories part? Times and random ids do not count.",
    )
    yield code(f"{case.id}-contrast", f"await {name}.contrast()")
    yield text(
        f"{case.id}-says-sources",
        "The component that stood at the seam as reported (−), and the one that repairs it (+).",
    )
    yield code(f"{case.id}-sources", f"{name}.sources()")
    yield text(
        f"{case.id}-says-logs",
        "What the services logged meanwhile, by correlation id; those of a finding stand first.",
    )
    yield code(f"{case.id}-logs", f"{name}.logs()")


def more_of(case: CaseInfo) -> Iterator[Cell]:
    """What is done once more, in the cases that have something of the kind."""
    if case.id in MORE:
        call, about = MORE[case.id]
        yield text(f"{case.id}-says-{call}", about)
        yield code(f"{case.id}-{call}", f"await {variable_of(case)}.{call}()")


def rate_of(case: CaseInfo) -> Iterator[Cell]:
    """The trials that are left."""
    yield text(
        f"{case.id}-says-trials",
        "Further trials, unattended, until there are as many as the parameter `trials` says.",
    )
    yield code(f"{case.id}-trials", f"await {variable_of(case)}.trials()")


def conclusion() -> list[Cell]:
    """The last cell."""
    return [
        text(
            "says-conclude",
            "## Conclusion\n\nThe evidence is written; now the expectation is enforced: if it is "
            "not met, this cell fails, and papermill with it.",
        ),
        code("conclude", "await lab.conclude()"),
    ]


def suite_notebook(suite: Suite) -> list[Cell]:
    """The notebook of a suite."""
    info = SUITES[suite]
    prose = prose_of(suite.value)
    cases = cases_of(suite)
    cells = [
        text(
            "title",
            f"# {info.title}\n\n{prose['']}\n\n"
            f"The same {len(cases)} cases run unattended as `{info.test_file}`.",
        ),
        *set_up(suite.value),
    ]
    for number, case in enumerate(cases, 1):
        cells += introduction_of(case, f"{number}. {case.title}")
        cells += steps_of(case)
        cells += findings_of(case, prose[case.id])
        cells += more_of(case)
        cells += rate_of(case)
    return [*cells, *conclusion()]


def start_here() -> list[Cell]:
    """The notebook that one opens first: the words, and one case from beginning to end."""
    prose = prose_of("start_here")
    case = CASES[TOUR_CASE]
    name = variable_of(case)
    return [
        text("title", f"# Start here\n\n{prose['']}"),
        text("says-use", f"## How to use it\n\n{prose['how to use it']}"),
        *set_up(TOUR_CASE),
        text("says-words", f"## Words\n\n{prose['words']}"),
        text("says-overview", "The plan, case by case."),
        code("overview", "gp_helpers.overview()"),
        *introduction_of(case, f"One case, step by step: {case.title[0].lower()}{case.title[1:]}"),
        *steps_of(case),
        *findings_of(case, prose_of(case.suite.value)[case.id]),
        text("says-defects", f"## Switching defects\n\n{prose['switching defects']}"),
        code(
            "explore",
            f'explored = {name}.with_defects("auth.chat_nested_payload")\nawait explored.trials(1)',
        ),
        code("explored", 'explored.decisions("Who accepts which token")'),
        text("says-next", f"## Where to go next\n\n{prose['where to go next']}"),
        *conclusion(),
    ]


REVIEW_PARAMETERS = """\
# Parameters of this notebook. Nothing is started here: it reads what runs have left.
outputs: str = ""  # folder of the runs; empty: the workbook's outputs/
environments: list = []  # follow the cases of these alone; empty: of all
before: str = ""  # a run to compare; empty: the newest older one of another environment
after: str = ""  # the run to compare it with; empty: the newest
expect: str = ""  # root digest of the run `after`, from a place of your own"""


def evidence_review() -> list[Cell]:
    """The notebook that looks at evidence which is there already."""
    prose = prose_of("evidence_review")
    cells = [
        text("title", f"# Evidence review\n\n{prose['']}"),
        code("parameters", REVIEW_PARAMETERS, "parameters"),
        code(
            "set-up",
            "import gp_helpers\n\nreview = gp_helpers.open_review(globals())\nreview",
        ),
    ]
    for heading, call in (
        ("What there is", "runs"),
        ("Every case over all runs", "trend"),
        ("The same, drawn", "plot"),
        ("Two runs, compared", "comparison"),
        ("Checked again", "recheck"),
        ("Conclusion", "conclude"),
    ):
        cells.append(text(f"says-{call}", f"## {heading}\n\n{prose[call]}"))
        cells.append(code(call, f"review.{call}()"))
    return cells


def notebook_json(cells: Sequence[Cell]) -> str:
    """A notebook as it is stored."""
    content = {
        "cells": [cell.to_json() for cell in cells],
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def generated(suites: Sequence[Suite] = tuple(Suite)) -> dict[str, str]:
    """Every notebook by file name."""
    notebooks = {
        f"{START_HERE}.ipynb": notebook_json(start_here()),
        f"{EVIDENCE_REVIEW}.ipynb": notebook_json(evidence_review()),
    }
    for suite in suites:
        notebooks[f"{SUITES[suite].notebook}.ipynb"] = notebook_json(suite_notebook(suite))
    return notebooks


def main(arguments: Sequence[str]) -> int:
    """Write the notebooks, or say which differ."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name what differs")
    parser.add_argument("suites", nargs="*", type=Suite, help="suites; all without")
    options = parser.parse_args(arguments)
    differing = []
    for name, content in generated(options.suites or tuple(Suite)).items():
        path = NOTEBOOKS / name
        stored = path.read_text(encoding="utf-8") if path.exists() else None
        if stored == content:
            continue
        differing.append(name)
        if not options.check:
            path.write_text(content, encoding="utf-8")
    for name in differing:
        print(f"{name}: {'differs from its cases' if options.check else 'written'}")
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
