"""One case of the report: claims and values, where it went wrong first, the proof, the rerun."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gp_helpers.checkers import ClaimState
from gp_helpers.evidence import markup
from gp_helpers.evidence.exhibits import Exhibit, Shown
from gp_helpers.evidence.markup import badge, code, link, text
from gp_helpers.plan import CASES, SUITES, THRESHOLDS

MET = {True: "as expected", False: "not as expected", None: "nothing expected"}
_MOST_FILES = 12


@dataclass(frozen=True)
class CaseMatter:
    """Everything that the report has about a case."""

    case: Mapping[str, Any]
    """Its entry of ``verdicts.json``."""
    exhibit: Exhibit | None
    figures: Mapping[str, str] = field(default_factory=dict)
    """Name to image address, for those that are shown in the page."""
    files: Sequence[str] = ()
    """Names of the files of the run that are about it."""


def rerun_command(environment: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    """The one line that runs a case again, with the seed of the trial that is shown."""
    trials = case["trials"]
    told = next((one for one in trials if one["outcome"] == case["outcome"]), None)
    seed = (told or {}).get("seed") or environment.get("seed")
    name = str(environment["environment"])
    words = ["golden-path", "run", "--env", name, "--case", case["case"]]
    wiring = (environment.get("parameters") or {}).get("target", {}).get("wiring")
    if isinstance(wiring, Mapping):
        words[3] = name if name != "defects" else "as_reported"
        for defect in wiring.get("defects", ()):
            words += ["--defect", str(defect)]
    elif wiring is not None and wiring != name:
        words += ["--wiring", str(wiring)]
    if seed is not None:
        words += ["--seed", str(seed)]
    return shlex.join(words)


def case_article(matter: CaseMatter, environment: Mapping[str, Any]) -> str:
    """The article about a case."""
    case = matter.case
    return "\n".join(
        [
            f'<article id="{text(case["case"])}" aria-labelledby="{text(case["case"])}-title">',
            _heading(case),
            *_what_was_seen(case),
            *_figures(matter),
            *_claims(matter.exhibit),
            *_first_parting(matter.exhibit),
            *_exchange(matter.exhibit),
            *_mechanism(case),
            _value(case["case"]),
            "<h4>Run it again</h4>",
            f"<pre><code>{text(rerun_command(environment, case))}</code></pre>",
            *_files(matter.files),
            "</article>",
        ]
    )


def _heading(case: Mapping[str, Any]) -> str:
    note = f", {MET[case['met']]}" if case["met"] is not None else ""
    return (
        f'<header><h3 id="{text(case["case"])}-title">{text(case["title"])}</h3>'
        f"<div>{badge(case['outcome'], note=note)}</div>"
        f'<p class="identity">{code(case["case"])} · {code(case["test_name"])}</p></header>'
    )


def _what_was_seen(case: Mapping[str, Any]) -> Iterator[str]:
    info = CASES[case["case"]]
    yield f"<p>{text(info.hypothesis)}</p>"
    yield f'<p class="quiet">Would be seen as: {text(info.expected_symptom)}.</p>'
    yield f'<p class="reason {markup.tone(case["outcome"])}">{text(case["reason"])}</p>'
    said = (case["stated"] or {}).get("outcome")
    if said is not None and said != case["outcome"]:
        yield f"<p>When it ran, it was stated as {badge(str(said))}</p>"
    success = case["success"]
    if success["trials"] > 1:
        supports = "supports" if success["supports_threshold"] else "does not support"
        yield (
            f"<p>{success['passed']} of {success['trials']} trials passed "
            f"({success['rate']:.0%}; 95 % interval {success['lower']:.1%} to "
            f"{success['upper']:.1%}). That {supports} “more than {success['threshold']:.0%}”.</p>"
        )
    yield from _average(case)


def _average(case: Mapping[str, Any]) -> Iterator[str]:
    average = case.get("average") or {}
    if average.get("seconds") is None:
        return
    count = average["trials"]
    over = "" if average["within"] else ", <b>which it exceeds</b>"
    yield (
        f"<p>{average['seconds']:.2f} s on average over {count} trial{'s' if count != 1 else ''}; "
        f"the plan's limit ({text(average['threshold'])}) is {average['limit']:g} s{over}.</p>"
    )


def _figures(matter: CaseMatter) -> Iterator[str]:
    for name, address in matter.figures.items():
        words = name.replace("_", " ")
        caption = "Who said what to whom, and when" if name == "timeline" else words
        described = f"{words} of {matter.case['case']}; the history below has the same as text"
        yield f"<figure>{markup.image(address, described)}"
        yield f"<figcaption>{text(caption)}</figcaption></figure>"


def _claims(exhibit: Exhibit | None) -> Iterator[str]:
    if exhibit is None or not exhibit.trial.verdict.claims:
        return
    heads = ["claim", "state", "seen"]
    claims = exhibit.trial.verdict.claims
    has_values = any(claim.measured or claim.threshold for claim in claims)
    heads += ["measured", "threshold"] if has_values else []
    rows = []
    for claim in claims:
        finding = markup.finding(claim.finding) if claim.finding else ""
        cells = [badge(claim.state.value), text(claim.detail)]
        if has_values:
            cells += [_measured(claim.measured), text(_limit(claim.threshold, exhibit))]
        rows.append(markup.row(text(claim.statement) + finding, *cells))
    yield "<h4>Claims</h4>"
    number = exhibit.trial.number
    yield markup.table(f"What trial {number} claims, and how it stands", heads, rows)


def _measured(values: Mapping[str, float]) -> str:
    return "<br>".join(
        f"{text(name.replace('_', ' '))} {text(markup.measure(value))}"
        for name, value in values.items()
    )


def _limit(name: str | None, exhibit: Exhibit) -> str:
    if name is None or name not in THRESHOLDS:
        return ""
    stated = exhibit.trial.header.get("thresholds")
    limit = stated.get(name) if isinstance(stated, Mapping) else None
    threshold = THRESHOLDS[name]
    shown = limit if isinstance(limit, int | float) else threshold.limit
    return f"{markup.measure(shown)} {threshold.unit}"


def _first_parting(exhibit: Exhibit | None) -> Iterator[str]:
    if exhibit is None:
        return
    disagreement = exhibit.trial.verdict.first_disagreement
    if disagreement is not None and len(exhibit.disagreement) == 2:
        yield "<h4>First disagreement</h4>"
        yield f"<p>{text(disagreement.description)}</p>"
        yield _beside(exhibit, exhibit.disagreement)
    if exhibit.trial.divergence is not None:
        actor = exhibit.trial.divergence.get("actor")
        yield "<h4>First divergence from the remediated platform</h4>"
        yield f"<p>Same steps, same seed; the story of {code(actor)} parts here.</p>"
        yield '<div class="beside">'
        for label, one in (("here", exhibit.ours), ("remediated", exhibit.theirs)):
            told = _one(one) if one else '<p class="quiet">nothing more happens</p>'
            yield f'<div><p class="quiet small">{label}</p>{told}</div>'
        yield "</div>"
    elif exhibit.trial.has_contrast and not exhibit.trial.contrast_unreadable:
        yield '<p class="quiet small">The same steps on the remediated wiring do not differ.</p>'


def _beside(exhibit: Exhibit, entries: Sequence[Shown]) -> str:
    inner = "".join(f"<div>{_one(entry, exhibit.trial.file)}</div>" for entry in entries)
    return f'<div class="beside">{inner}</div>'


def _exchange(exhibit: Exhibit | None) -> Iterator[str]:
    if exhibit is None or exhibit.claim is None or not exhibit.exchange:
        return
    claim = exhibit.claim
    verb = "violates" if claim.state is ClaimState.VIOLATED else "supports"
    yield "<h4>The exchange that proves it</h4>"
    more = len(claim.entries) - len(exhibit.exchange)
    rest = f"; it rests on {len(claim.entries)} entries in all" if more > 0 else ""
    yield f'<p class="quiet small">It {verb} “{text(claim.statement)}”{rest}.</p>'
    yield '<ol class="exchange">'
    for entry in exhibit.exchange:
        yield f"<li>{_one(entry, exhibit.trial.file)}</li>"
    yield "</ol>"


def _one(entry: Shown, file: str | None = None) -> str:
    place = f" · {link(file, f'line {entry.line}')}" if file else f" · line {entry.line}"
    said = f"<pre>{text(entry.text)}</pre>" if entry.text.strip() else ""
    return (
        f'<div class="what"><b>{text(entry.actor)}</b> {text(entry.what)} '
        f'<span class="quiet small">at {entry.t:.3f} s{place}</span></div>{said}'
    )


def _mechanism(case: Mapping[str, Any]) -> Iterator[str]:
    from gp_helpers.platform.defects.catalogue import CATALOGUE

    for defect in CATALOGUE.values():
        if defect.case == case["case"] and defect.finding_code in case["findings"]:
            yield f"<h4>{text(defect.title)}</h4>"
            told = {"mechanism": text(defect.mechanism), "remedy": text(defect.remedy)}
            told["finding"] = code(defect.finding_code)
            if defect.seen_in:
                told["seen in public"] = "; ".join(
                    text(f"{name} ({where})") for name, where in defect.seen_in
                )
            yield markup.pairs(told)


def _value(case_id: str) -> str:
    stated = CASES[case_id].value.stated()
    return "<h4>Why it matters</h4>" + markup.pairs(
        {part: text(said) for part, said in stated.items()}
    )


def _files(files: Sequence[str]) -> Iterator[str]:
    if files:
        shown = [link(file) for file in files[:_MOST_FILES]]
        if len(files) > _MOST_FILES:
            shown.append(f"and {len(files) - _MOST_FILES} more")
        yield f'<p class="small">{" · ".join(shown)}</p>'


def notebook_of(case_id: str) -> str:
    """The name of the notebook that a case is in."""
    return SUITES[CASES[case_id].suite].notebook
