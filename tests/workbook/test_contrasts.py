"""A contrast that a run beside took already is copied from it; anything else is taken anew."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gp_helpers
from gp_helpers.cli.main import build_parser
from gp_helpers.cli.run import _in_order
from gp_helpers.cli.selecting import selected
from gp_helpers.evidence import RunFolder, finalise, recheck
from gp_helpers.evidence.folder import CONTRASTS_VARIABLE
from gp_helpers.history import first_divergence, read
from gp_helpers.workbook.contrasts import borrowed

CASE = "auth.validation_cascade"
SEED = 1176


async def taken(wiring: str, seed: int = SEED) -> tuple[Path, str]:
    """The folder of a run of one case with its contrast, and what the contrast's cell showed."""
    target = {"kind": "embedded", "wiring": wiring, "isolation": "thread"}
    stated = {"target": target, "cases": [CASE], "seed": seed}
    async with await gp_helpers.open_lab(about="auth", expectation="none", **stated) as lab:
        case = lab.case(CASE)
        for step in case.steps:
            await getattr(case, step)()
        shown = repr(await case.contrast())
        await lab.conclude()
        return lab.folder, shown


@pytest.fixture(scope="module")
def remediated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOLDEN_PATH_OUTPUTS", str(tmp_path_factory.mktemp("beside")))
        return asyncio.run(taken("remediated"))[0]


def test_a_contrast_is_taken_from_the_run_beside(
    remediated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDEN_PATH_OUTPUTS", str(tmp_path))
    monkeypatch.setenv(CONTRASTS_VARIABLE, str(remediated))
    folder, shown = asyncio.run(taken("as_reported"))
    name = f"{remediated.name}/histories/{CASE}.trial.1.jsonl"
    assert f"from {name}" in shown
    contrast = read(folder / "histories" / f"{CASE}.contrast.1.jsonl")
    assert (contrast.header["role"], contrast.header["taken_from"]) == ("contrast", name)
    theirs = read(remediated / "histories" / f"{CASE}.trial.1.jsonl")
    assert contrast.entries[1:] == theirs.entries[1:]
    assert not (folder / "logs" / f"{CASE}.contrast.1").exists(), "a platform was started for it"
    ours = read(folder / "histories" / f"{CASE}.trial.1.jsonl")
    divergence = first_divergence(ours, contrast)
    assert divergence is not None
    (case,) = json.loads((folder / "verdicts.json").read_text())["cases"][:1]
    assert case["trials"][0]["first_divergence"]["actor"] == divergence.actor
    assert recheck(folder).differences == ()


def test_what_the_lender_found_in_a_lent_history_is_found_in_the_copy(
    remediated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = tmp_path / remediated.name
    shutil.copytree(remediated, lender)
    monkeypatch.setenv("GOLDEN_PATH_OUTPUTS", str(tmp_path))
    monkeypatch.setenv(CONTRASTS_VARIABLE, str(lender))
    folder, _ = asyncio.run(taken("as_reported"))
    assert finalise(folder).scan.is_clean
    (scan,) = (lender / "scans").glob("auth.*.json")
    left = json.loads(scan.read_text())
    trial = f"histories/{CASE}.trial.1.jsonl"
    left["findings"] = [{"file": trial, "line": 7, "what": "a known secret"}]
    scan.write_text(json.dumps(left))
    copy = f"histories/{CASE}.contrast.1.jsonl"
    assert [(one.file, one.line) for one in finalise(folder).scan.findings] == [(copy, 7)]
    shutil.rmtree(lender)
    assert not finalise(folder).scan.is_clean, "a run that was moved keeps what was found"
    (folder / "scans" / "lent.json").unlink()
    (found,) = finalise(folder).scan.findings
    assert found.what == f"{lender.name}, which lent it, has no scan"


def test_without_a_run_beside_it_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stated in ("", None):
        if stated is None:
            monkeypatch.delenv(CONTRASTS_VARIABLE)
        else:
            monkeypatch.setenv(CONTRASTS_VARIABLE, stated)
        assert borrowed(CASE, 1, SEED, tmp_path / "contrast.jsonl") is None


def other_seed(header: dict[str, Any], lines: list[str]) -> list[str]:
    return [json.dumps(header | {"data": header["data"] | {"seed": SEED + 1}}), *lines]


def with_a_defect(header: dict[str, Any], lines: list[str]) -> list[str]:
    return [json.dumps(header | {"data": header["data"] | {"defects": ["x"]}}), *lines]


def not_ended(header: dict[str, Any], lines: list[str]) -> list[str]:
    return [json.dumps(header), *lines[:-1]]


def broken_off(header: dict[str, Any], lines: list[str]) -> list[str]:
    ended = json.loads(lines[-1])
    ended["data"] = {"outcome": "failed", "error": "it broke"}
    return [json.dumps(header), *lines[:-1], json.dumps(ended)]


def no_history(_: dict[str, Any], __: list[str]) -> list[str]:
    return ["no history"]


@pytest.mark.parametrize("change", [other_seed, with_a_defect, not_ended, broken_off, no_history])
def test_another_trial_is_no_contrast(
    remediated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, Any], list[str]], list[str]],
) -> None:
    name = f"{CASE}.trial.1.jsonl"
    header, *lines = (remediated / "histories" / name).read_text().splitlines()
    beside = tmp_path / "beside" / "histories"
    beside.mkdir(parents=True)
    monkeypatch.setenv(CONTRASTS_VARIABLE, str(beside.parent))
    to = tmp_path / "contrast.jsonl"
    (beside / name).write_text("\n".join(change(json.loads(header), lines)) + "\n")
    assert borrowed(CASE, 1, SEED, to) is None
    assert not to.exists()
    (beside / name).write_text("\n".join([header, *lines]) + "\n")
    assert borrowed(CASE, 1, SEED, to) is not None


@pytest.mark.parametrize(
    ("arguments", "has_contrasts"),
    [
        (["--env", "as_reported", "--env", "remediated"], True),
        (["--env", "remediated", "--env", "as_reported"], True),
        (["--env", "as_reported"], False),
        (["--env", "as_reported", "--env", "remediated", "--wiring", "as_reported"], False),
    ],
)
def test_the_run_with_no_defects_begins_first_and_lends_its_trials(
    tmp_path: Path, arguments: list[str], has_contrasts: bool
) -> None:
    options = build_parser("run").parse_args(["run", "--suite", "auth", *arguments])
    chosen = [selected(name, options) for name in options.env]
    runs = [
        RunFolder.create(tmp_path, one.parameters, environment=one.name, run_id=one.name)
        for one in chosen
    ]
    jobs = _in_order(chosen, runs)
    lent = {job.destination.parent.name: job.environment.get(CONTRASTS_VARIABLE) for job in jobs}
    for run in runs:
        run.close()
    assert lent.pop("as_reported") == (str(tmp_path / "remediated") if has_contrasts else "")
    assert set(lent.values()) <= {""}
    if has_contrasts:
        assert jobs[0].destination.parent.name == "remediated"


def test_runs_that_differ_in_more_lend_nothing(tmp_path: Path) -> None:
    other = tmp_path / "slower.yaml"
    other.write_text(
        "target: {kind: embedded, wiring: remediated, time_scale: 2.0}\nexpectation: pass\n"
    )
    options = build_parser("run").parse_args(["run", "--env", "as_reported", "--env", str(other)])
    chosen = [selected(name, options) for name in options.env]
    runs = [
        RunFolder.create(tmp_path, one.parameters, environment=one.name, run_id=f"run-{number}")
        for number, one in enumerate(chosen)
    ]
    jobs = _in_order(chosen, runs)
    for run in runs:
        run.close()
    assert jobs
    assert {job.environment[CONTRASTS_VARIABLE] for job in jobs} == {""}
