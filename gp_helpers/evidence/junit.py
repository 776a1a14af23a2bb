"""``junit.xml``: the verdicts as continuous integration reads them.

A verdict stands there as it is, whatever was expected: a reproduced failure is a failure. What is
inconclusive is an error and not a skip, since a skip counts as green.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from gp_helpers.checkers import Outcome
from gp_helpers.plan import CASES, SUITES, Suite

_NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def junit(verdicts: Mapping[str, Any]) -> str:
    """The text of ``junit.xml``; a suite of the plan is a test suite."""
    root = ElementTree.Element("testsuites", name=f"golden-path {verdicts['environment']}")
    cases = {case["case"]: case for case in verdicts["cases"]}
    left_out = {one["case"]: one["reason"] for one in verdicts["not_selected"]}
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in Suite:
        counts = dict.fromkeys(totals, 0)
        element = ElementTree.Element("testsuite", name=SUITES[suite].title)
        element.set("timestamp", str(verdicts["started"])[:19])
        _properties(element, {"run": verdicts["run"], "expectation": verdicts["expectation"]})
        seconds = 0.0
        for case_id, info in CASES.items():
            if info.suite is not suite or (case_id not in cases and case_id not in left_out):
                continue
            counts["tests"] += 1
            seconds += (cases.get(case_id) or {}).get("seconds") or 0.0
            counted = _testcase(element, case_id, cases.get(case_id), left_out.get(case_id, ""))
            if counted:
                counts[counted] += 1
        if not counts["tests"]:
            continue
        for name, count in counts.items():
            element.set(name, str(count))
            totals[name] += count
        element.set("time", f"{seconds:.3f}")
        root.append(element)
    for name, count in totals.items():
        root.set(name, str(count))
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )


def _testcase(
    suite: ElementTree.Element, case_id: str, case: Mapping[str, Any] | None, why_not: str
) -> str | None:
    """Add a case; returns what it counts as, beside a test."""
    info = CASES[case_id]
    module = SUITES[info.suite].test_file.removesuffix(".py").replace("/", ".")
    element = ElementTree.SubElement(suite, "testcase", name=info.test_name, classname=module)
    if case is None:
        element.set("time", "0.000")
        ElementTree.SubElement(element, "skipped", message=_clean(why_not))
        return "skipped"
    element.set("time", f"{case['seconds'] or 0.0:.3f}")
    outcome = Outcome(case["outcome"])
    properties = {"case": case_id, "outcome": outcome.value}
    if case["met"] is not None:
        properties["expectation met"] = str(case["met"]).lower()
    _properties(element, properties)
    if outcome is Outcome.PASS:
        return None
    kind, counted = ("failure", "failures") if outcome is Outcome.FAIL else ("error", "errors")
    told = ElementTree.SubElement(element, kind, message=_clean(case["reason"]))
    told.set("type", case["findings"][0] if case["findings"] else outcome.value)
    told.text = _clean(
        "\n".join(
            f"{claim['state']}: {claim['statement']}: {claim['detail']}"
            for trial in case["trials"][:1]
            for claim in trial["claims"]
        )
        or case["reason"]
    )
    return counted


def _properties(element: ElementTree.Element, values: Mapping[str, Any]) -> None:
    properties = ElementTree.SubElement(element, "properties")
    for name, value in values.items():
        ElementTree.SubElement(properties, "property", name=name, value=_clean(str(value)))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
