"""The plan's failure patterns as Markdown: symptom, first disagreement, mechanism, remedy, rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gp_helpers.checkers import Outcome
from gp_helpers.evidence.reading import Reading, read_run
from gp_helpers.evidence.report_case import rerun_command
from gp_helpers.evidence.summary import cell
from gp_helpers.plan import CASES, SUITES, Suite, UnknownNameError
from gp_helpers.statistics import success_rate

if TYPE_CHECKING:
    from gp_helpers.platform.defects.model import Defect


def patterns(place: Path, suites: Sequence[str] = ()) -> dict[str, str]:
    """The failure patterns that a run (folder or bundle) shows: suite to Markdown.

    ``suites``: these alone; none is every suite that has a case in the run.
    """
    for name in suites:
        if name not in list(Suite):
            raise UnknownNameError("suite", name, list(Suite))
    reading = read_run(place)
    found = {}
    for suite in Suite:
        cases = [case for case in reading.verdicts["cases"] if case["suite"] == suite.value]
        if cases and (not suites or suite.value in suites):
            found[suite.value] = "\n".join(_suite(suite, cases, reading)) + "\n"
    return found


def _suite(suite: Suite, cases: Sequence[Mapping[str, Any]], reading: Reading) -> Iterator[str]:
    yield f"# Failure patterns: {SUITES[suite].title}"
    yield ""
    yield f"Run `{reading.verdicts['run']}`, environment `{cell(reading.verdicts['environment'])}`."
    failing = [case for case in cases if case["outcome"] == Outcome.FAIL]
    for case in failing:
        yield from _pattern(case, reading)
    for title, outcome in (
        ("No failure was seen in", Outcome.PASS),
        ("Not observed", Outcome.INCONCLUSIVE),
        ("Could not be run", Outcome.ERROR),
    ):
        rest = [case for case in cases if case["outcome"] == outcome]
        if rest:
            yield from ("", f"## {title}", "")
            yield from (f"- `{case['case']}`: {cell(case['reason'])}" for case in rest)


def _pattern(case: Mapping[str, Any], reading: Reading) -> Iterator[str]:
    from gp_helpers.platform.defects.catalogue import CATALOGUE

    failed = [one for one in case["trials"] if one["outcome"] == Outcome.FAIL]
    yield from ("", f"## {case['title']} (`{case['case']}`)", "")
    yield f"- **Symptom:** {cell(failed[0]['reason'] if failed else case['reason'])}"
    yield f"- **Expected symptom:** {cell(CASES[case['case']].expected_symptom)}"
    yield f"- **First disagreement:** {cell(_parting(failed))}"
    defects = [
        defect
        for defect in CATALOGUE.values()
        if defect.case == case["case"] and defect.finding_code in case["findings"]
    ]
    for defect in defects:
        yield from _mechanism(defect, f"`{defect.finding_code}`")
    if not defects:
        yield f"- **Findings:** {', '.join(f'`{cell(code)}`' for code in case['findings'])}"
        breaking = [one for one in _listed(reading.environment) if case["case"] in one.also_breaks]
        for defect in breaking:
            about = f"`{defect.id}`, which is on: a defect of `{defect.case}` that breaks this too"
            yield from _mechanism(defect, about)
        if not breaking:
            yield "- **Mechanism:** not in the catalogue of defects"
    decided = case["success"]["trials"]
    rate = success_rate(decided - case["success"]["passed"], decided)
    yield f"- **Failure rate:** {rate}"
    yield f"- **Run it again:** `{rerun_command(reading.environment, case)}`"


def _mechanism(defect: Defect, about: str) -> Iterator[str]:
    yield f"- **Mechanism** ({about}): {cell(defect.mechanism)}"
    yield f"- **Remedy:** {cell(defect.remedy)}"
    if defect.seen_in:
        seen = "; ".join(f"{name} ({where})" for name, where in defect.seen_in)
        yield f"- **Seen in public:** {cell(seen)}"


def _listed(environment: Mapping[str, Any]) -> Sequence[Defect]:
    """The defects that were switched on by a list; as reported, a case has but its own."""
    from gp_helpers.platform.defects.catalogue import CATALOGUE

    wiring = (environment.get("parameters") or {}).get("target", {}).get("wiring")
    names = wiring.get("defects", ()) if isinstance(wiring, Mapping) else ()
    return [CATALOGUE[name] for name in names if name in CATALOGUE]


def _parting(failed: Sequence[Mapping[str, Any]]) -> str:
    for trial in failed:
        if trial["first_disagreement"]:
            return str(trial["first_disagreement"]["description"])
    for trial in failed:
        parted = trial["first_divergence"]
        if parted:
            return (
                f"{parted['actor']}: {parted['our_form'] or 'nothing more'}; "
                f"on the remediated wiring: {parted['their_form'] or 'nothing more'}"
            )
    return "none was seen in the history"
