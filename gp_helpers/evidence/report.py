"""``index.html``: what a run shows, as somebody who trusts nobody wants to read it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.evidence import markup
from gp_helpers.evidence.expected import ExitStatus, exit_status
from gp_helpers.evidence.files import as_json, shown_size
from gp_helpers.evidence.markup import badge, code, link, text
from gp_helpers.evidence.page import page
from gp_helpers.evidence.report_case import MET, CaseMatter, case_article
from gp_helpers.evidence.secret_scan import SecretScan
from gp_helpers.evidence.summary import STATUS_TEXT, counted
from gp_helpers.plan import CASES, SUITES, Suite

_TONES = {
    ExitStatus.MET: "pass",
    ExitStatus.NOT_MET: "fail",
    ExitStatus.INCONCLUSIVE: "inconclusive",
    ExitStatus.BROKEN: "error",
    ExitStatus.INTERRUPTED: "inconclusive",
}
_NUMBERS = frozenset({4, 5})
_MOST_LOGS = 60


def report(
    verdicts: Mapping[str, Any],
    environment: Mapping[str, Any],
    matters: Mapping[str, CaseMatter],
    *,
    notebooks: Sequence[str],
    logs: Sequence[str],
    redacted: Mapping[str, int],
    scanned: SecretScan,
    place: str,
) -> str:
    """The text of ``index.html``; ``place`` is the run's folder as the one who ran it names it."""
    body = [
        '<a class="skip" href="#verdicts">Skip to the verdicts</a>',
        _opening(verdicts),
        "<main>",
        _verdict_table(verdicts),
        *_suites(verdicts, matters, environment),
        _environment(environment),
        _secrets(redacted, scanned),
        _logs(notebooks, logs),
        "</main>",
        _closing(verdicts, place),
    ]
    return page(f"Golden Path, {verdicts['environment']}", "\n".join(body))


def _opening(verdicts: Mapping[str, Any]) -> str:
    status = exit_status(verdicts)
    seconds = verdicts["seconds"]
    facts = [
        f"run {code(verdicts['run'])}",
        f"environment {code(verdicts['environment'])}",
        f"expectation {code(verdicts['expectation'])}",
        f"started {text(str(verdicts['started'])[:19].replace('T', ' '))} UTC",
        f"{seconds:.1f} s" if seconds is not None else "no duration",
    ]
    partial = (
        f"<p><b>Partial run.</b> {text(verdicts['partial'])}</p>" if verdicts["partial"] else ""
    )
    told = STATUS_TEXT[status]
    return (
        '<header id="top"><h1>Golden Path investigation</h1>'
        f'<p class="facts">{"".join(f"<span>{fact}</span>" for fact in facts)}</p>'
        f'<div class="banner {_TONES.get(status, "none")}">'
        f"<p><strong>{text(told[0].upper() + told[1:])}</strong> (exit status {int(status)})</p>"
        f"<p>{text(counted(verdicts))}. {_expectation(verdicts['expectation'])}</p>{partial}</div>"
        "</header>"
    )


def _expectation(name: str) -> str:
    return {
        "reproduce": "Expected: each case whose defects are on fails with its finding code, "
        "the others pass; nothing is expected of one that another case's defect may break too.",
        "pass": "Expected: every case passes.",
    }.get(name, "Nothing was expected: this is a report only.")


def _verdict_table(verdicts: Mapping[str, Any]) -> str:
    bodies = []
    for suite in Suite:
        rows = [_verdict_row(case) for case in verdicts["cases"] if case["suite"] == suite.value]
        if rows:
            title = text(SUITES[suite].title)
            bodies.append(
                f'<tbody><tr><th scope="rowgroup" colspan="6">{title}</th></tr>'
                f"{''.join(rows)}</tbody>"
            )
    left_out = "".join(
        f"<li>{code(one['case'])}: {text(one['reason'])}</li>" for one in verdicts["not_selected"]
    )
    if left_out:
        told = f"{len(verdicts['not_selected'])} cases were not selected"
        left_out = f"<details><summary>{told}</summary><ul>{left_out}</ul></details>"
    shown = markup.table(
        "The verdict of each case; every one is derived from the histories alone",
        ("case", "verdict", "expected?", "findings", "passed", "seconds"),
        bodies,
        numbers=_NUMBERS,
    )
    return (
        '<section aria-labelledby="verdicts"><h2 id="verdicts">Verdicts</h2>'
        f"{shown}{left_out}</section>"
    )


def _verdict_row(case: Mapping[str, Any]) -> str:
    success = case["success"]
    findings = "".join(map(markup.finding, case["findings"]))
    met = f'<span class="together">{text(MET[case["met"]])}</span>'
    return markup.row(
        f'<a href="#{text(case["case"])}">{text(case["title"])}</a>'
        f'<div class="finding quiet">{text(case["case"])}</div>',
        badge(case["outcome"]),
        f"<b>{met}</b>" if case["met"] is False else met,
        findings,
        f"{success['passed']}/{success['trials']}" if success["trials"] else "–",
        markup.number(case["seconds"]),
        numbers=_NUMBERS,
    )


def _suites(
    verdicts: Mapping[str, Any], matters: Mapping[str, CaseMatter], environment: Mapping[str, Any]
) -> list[str]:
    parts = []
    for suite in Suite:
        cases = [case for case in verdicts["cases"] if case["suite"] == suite.value]
        if cases:
            parts.append(
                f'<section aria-labelledby="suite-{suite.value}"><h2 id="suite-{suite.value}">'
                f'{text(SUITES[suite].title)} <a class="top" href="#top">to the top</a></h2>'
            )
            parts += [case_article(matters[case["case"]], environment) for case in cases]
            parts.append("</section>")
    return parts


def _environment(environment: Mapping[str, Any]) -> str:
    workbook = environment.get("workbook") or {}
    revision = workbook.get("revision") or {}
    rules = environment.get("cloud_run_rules") or {}
    system = environment.get("platform") or {}
    packages = environment.get("packages") or {}
    commit = str(revision.get("commit") or "not a checkout")
    shown = {
        "workbook": f"{text(workbook.get('version'))}, {code(commit[:12] if revision else commit)}"
        + (" with local changes" if revision.get("has_changes") else ""),
        "Python": text(environment.get("python")),
        "platform": text(f"{system.get('system')}, {system.get('processors')} processors"),
        "seed": code(environment.get("seed")),
        "trials a case": text(environment.get("trials")),
        "Cloud Run's rules": f"read on {text(rules.get('read_on'))}; not verified: "
        + (", ".join(code(rule) for rule in rules.get("not_verified", ())) or "none"),
        "packages": ", ".join(
            text(f"{name} {version}") for name, version in packages.items() if version
        ),
    }
    parameters = text(as_json(environment.get("parameters", {})).rstrip())
    return (
        '<section aria-labelledby="environment"><h2 id="environment">Environment</h2>'
        f"{markup.pairs(shown)}<details><summary>Parameters, references unresolved</summary>"
        f"<pre>{parameters}</pre></details></section>"
    )


def _secrets(redacted: Mapping[str, int], scanned: SecretScan) -> str:
    taken_out = (
        markup.table(
            "What was taken out when it was recorded, by kind",
            ("kind", "times"),
            [
                "<tbody>",
                *(
                    markup.row(text(kind), f"{count:,}", numbers=frozenset({1}))
                    for kind, count in sorted(redacted.items())
                ),
                "</tbody>",
            ],
            numbers=frozenset({1}),
        )
        if redacted
        else "<p>Nothing had to be taken out.</p>"
    )
    looked = (
        f"{scanned.files} files, {shown_size(scanned.bytes)}, were searched for {scanned.secrets} "
        "known secrets in their usual encodings, and for tokens and keys by their shape; inside "
        "zip members and base64 too."
    )
    if scanned.too_short:
        looked += f" {scanned.too_short} known secrets are too short to be looked for."
    found = (
        '<p class="reason pass">None was found.</p>'
        if scanned.is_clean
        else '<div class="reason fail"><b>Found; do not hand this on:</b><ul>'
        + "".join(f"<li>{text(one)}</li>" for one in scanned.findings)
        + "</ul></div>"
    )
    return (
        '<section aria-labelledby="secrets"><h2 id="secrets">What was redacted</h2>'
        "<p>Passwords are never written. A token appears as a fingerprint; e-mail addresses of a "
        f"deployment appear as pseudonyms.</p>{taken_out}"
        f"<h3>Scan for secrets</h3><p>{text(looked)}</p>{found}</section>"
    )


def _logs(notebooks: Sequence[str], logs: Sequence[str]) -> str:
    parts = ['<section aria-labelledby="files"><h2 id="files">Files</h2>']
    data = ("verdicts.json", "junit.xml", "summary.md", "traffic.har", "environment.json")
    parts.append(f"<p>{' · '.join(link(name) for name in (*data, 'manifest.json'))}</p>")
    if notebooks:
        parts.append(f"<p>Notebooks: {' · '.join(link(name) for name in notebooks)}</p>")
    if logs:
        shown = "".join(f"<li>{link(name)}</li>" for name in logs[:_MOST_LOGS])
        parts.append(
            f"<details><summary>{len(logs)} logs of services</summary><ul>{shown}</ul></details>"
        )
    return "".join([*parts, "</section>"])


def _closing(verdicts: Mapping[str, Any], place: str) -> str:
    command = shlex.join(["golden-path", "recheck", place, "--expect", "DIGEST"])
    judged = sum(case["outcome"] in (Outcome.PASS, Outcome.FAIL) for case in verdicts["cases"])
    return (
        '<footer><h2 id="again">Check it again</h2>'
        f"<p>{judged} of {len(CASES)} cases were judged here. This derives each verdict again from "
        "the histories, with no network and no platform, and says what differs:</p>"
        f"<pre><code>{text(command)}</code></pre>"
        "<p>The path is seen from where this report was made; of a folder that was moved, and of a "
        "bundle, give the one at which it is now.</p>"
        "<p>The digest is the one that the run printed. Without it, damage is found, and a verdict "
        "that its history does not support; a forgery that is consistent in itself is not.</p>"
        "</footer>"
    )
