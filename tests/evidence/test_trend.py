"""All runs of a folder, followed: which count, as what, and what is told of those that do not."""

import dataclasses
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gp_helpers.cli.main import main
from gp_helpers.display.trends import trend_figure
from gp_helpers.evidence import ExitStatus, bundle, finalise, read_run, trend
from gp_helpers.parameters import load
from tests.evidence.stories import OTHER, a_run, forged, run_with


def test_a_case_is_followed_over_all_runs(tmp_path: Path) -> None:
    for number, status in enumerate((500, 200, 200, 200)):
        run_with(tmp_path, f"run-{number}", "nightly", auth__timing=status, routing__priority=None)
    run_with(tmp_path, "other", "weekly", auth__timing=200)
    bundle(tmp_path / "other")
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "environment.json").write_text("{")
    found = trend(tmp_path)
    assert [(row.environment, row.case) for row in found.rows] == [
        ("nightly", "auth.timing"),
        ("nightly", "routing.priority"),
        ("weekly", "auth.timing"),
    ]
    timing, priority, _ = found.rows
    assert [point.run for point in timing.points] == [f"run-{number}" for number in range(4)]
    assert str(timing.success) == "3 of 4 (75%; 95% interval 19.4% to 99.4%)"
    assert timing.seconds(50) is not None
    assert (priority.success.rate, priority.undecided, priority.seconds(50)) == (None, 4, None)
    assert found.runs == 5
    assert len(found.unreadable) == 1
    assert found.unreadable[0].startswith("broken: ")
    assert {row.environment for row in trend(tmp_path, environments=["weekly"]).rows} == {"weekly"}


def test_the_trend_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    run_with(tmp_path, "one", auth__timing=200, auth__validation_cascade=500)
    rows = trend(tmp_path).rows
    drawn = trend_figure(rows).svg
    assert drawn == trend_figure(rows).svg
    text = "".join(ElementTree.fromstring(drawn).itertext())
    for told in (
        "0 of 2 cases support more than 95%",
        "auth.timing",
        "auth.validation_cascade",
        "success rate, 95 % interval",
        "seconds of a trial",
        "0 of 1 (0%; 95% interval 0.0% to 97.5%)",
    ):
        assert told in text
    plot = tmp_path / "trend.svg"
    assert main(["trend", str(tmp_path), "--plot", str(plot)]) == 0
    assert plot.read_text() == drawn


def test_a_trend_of_nothing_and_one_without_decided_trials_can_be_drawn(tmp_path: Path) -> None:
    assert "0 of 0 cases" in trend_figure([]).svg
    run_with(tmp_path, "one", auth__timing=None)
    assert "nothing decided" in trend_figure(trend(tmp_path).rows).svg


def test_a_trend_that_checks_again_leaves_out_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with(tmp_path, "one", auth__timing=500)
    forged(run_with(tmp_path, "two", auth__timing=500))
    unfinished = a_run(tmp_path, run_id="killed")
    assert read_run(unfinished).verdicts["partial"]
    assert trend(tmp_path).runs == 3
    found = trend(tmp_path, rechecked=True)
    assert (found.runs, found.unreadable) == (2, ())
    [differing] = found.differing
    assert differing.startswith("two: verdicts.json: auth.timing: outcome is recorded as")
    assert main(["trend", str(tmp_path)]) == 0
    assert "not derived again" in capsys.readouterr().out
    assert main(["trend", str(tmp_path), "--recheck"]) == 1
    assert "differs, and is left out: two: " in capsys.readouterr().out


def environments_of(outputs: Path) -> list[str]:
    return [row.environment for row in trend(outputs).rows]


REMEDIATED = {"kind": "embedded", "wiring": "remediated"}


@pytest.mark.parametrize(
    ("stated", "environment"),
    [
        ({"target": REMEDIATED}, "remediated"),
        ({"target": REMEDIATED, "seed": 7, "trials": 2, "expectation": "none"}, "remediated"),
        ({"target": {**REMEDIATED, "wiring": {"defects": []}}}, "remediated"),
        ({"target": {**REMEDIATED, "isolation": "thread"}}, "remediated, isolation thread"),
        ({"target": {**REMEDIATED, "wiring": "as_reported"}}, "remediated, wiring as_reported"),
        (
            {"target": {**REMEDIATED, "wiring": {"defects": ["b.c", "a.b"]}}},
            "remediated + a.b + b.c",
        ),
        (
            {"target": REMEDIATED, "thresholds": {"case_seconds": 15}},
            "remediated, threshold case_seconds 15",
        ),
        ({"target": REMEDIATED, "concurrent_users": 5}, "remediated, concurrent_users 5"),
    ],
)
def test_a_run_counts_as_what_it_effectively_ran(
    stated: Mapping[str, Any], environment: str, tmp_path: Path
) -> None:
    run_with(tmp_path, "one", "remediated", stated, auth__timing=200)
    assert environments_of(tmp_path) == [environment]


def test_without_a_file_the_runs_of_a_name_are_told_by_what_sets_them_apart(tmp_path: Path) -> None:
    def run(name: str, **target: object) -> None:
        run_with(tmp_path, name, "theirs", {"target": {**REMEDIATED, **target}}, auth__timing=200)

    run("one", wiring={"defects": ["auth.prefix_cache"]})
    assert environments_of(tmp_path) == ["theirs"]
    run("two", isolation="thread")
    assert environments_of(tmp_path) == [
        "theirs, only auth.prefix_cache, isolation process",
        "theirs, wiring remediated, isolation thread",
    ]


def test_two_targets_of_one_name_are_two_environments(tmp_path: Path) -> None:
    staging = {key: value for key, value in load("staging").as_json().items() if key != "cases"}
    elsewhere = {**staging["target"], "name": "elsewhere"}
    run_with(tmp_path, "as-stated", "staging", staging, auth__timing=200)
    run_with(tmp_path, "elsewhere", "staging", {**staging, "target": elsewhere}, auth__timing=200)
    as_stated, other = environments_of(tmp_path)
    assert as_stated == "staging"
    assert re.fullmatch("staging, target [0-9a-f]{6}", other)


def test_an_environment_that_no_run_is_of_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with(tmp_path, "one", "remediated", {"target": REMEDIATED}, auth__timing=200)
    thread = {"target": {**REMEDIATED, "isolation": "thread"}}
    run_with(tmp_path, "two", "remediated", thread, auth__timing=500)
    assert main(["trend", str(tmp_path), "--env", "remediatd"]) == ExitStatus.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        f"{tmp_path}: no run of environment 'remediatd'; there are: remediated; "
        "remediated, isolation thread\n"
    )
    assert main(["trend", str(tmp_path), "--env", "remediated, isolation thread"]) == 0
    assert "0 of 1" in capsys.readouterr().out


def test_copies_of_a_run_count_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    outputs = tmp_path / "outputs"
    run = a_run(elsewhere, run_id="one")
    shutil.copytree(run, outputs / "a-half-way-copy")
    finalise(run)
    bundle(run, outputs / "renamed.zip")
    shutil.copytree(run, outputs / "the-run")
    run_with(outputs, "another", "as_reported", auth__timing=200)
    found = trend(outputs)
    assert (found.runs, sorted(found.copies)) == (2, ["a-half-way-copy", "the-run"])
    [timing] = [row for row in found.rows if row.case == OTHER]
    assert timing.success.trials == 2
    assert main(["trend", str(outputs)]) == 0
    told = "left out, 2 copies of runs that are counted: the-run, a-half-way-copy"
    assert told in capsys.readouterr().out


def test_a_damaged_copy_does_not_stand_in_for_its_run(tmp_path: Path) -> None:
    run = run_with(tmp_path, "one", auth__timing=500)
    shutil.copytree(run, tmp_path / "a-copy")
    forged(tmp_path / "a-copy")
    found = trend(tmp_path, rechecked=True)
    assert (found.runs, found.copies, len(found.differing)) == (1, (), 1)
    assert found.rows[0].success.passed == 0


def test_the_table_shows_what_was_undecided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with(tmp_path, "one", auth__timing=200, routing__priority=None)
    run_with(tmp_path, "two", auth__timing=500, routing__priority=None)
    assert main(["trend", str(tmp_path)]) == 0
    heading, timing, priority, *beside = capsys.readouterr().out.splitlines()
    columns = ["case", "environment", "runs", "undecided", "median", "s", "passed"]
    assert heading.split()[:7] == columns
    assert timing.split()[:4] == ["auth.timing", "e", "2", "0"]
    assert timing.endswith("  1 of 2 (50%; 95% interval 1.3% to 98.7%)")
    assert priority.split() == ["routing.priority", "e", "2", "2", "–", "nothing", "decided"]
    assert beside[:2] == [
        f"PARTIAL: {run}: not reached: routing.priority" for run in ("one", "two")
    ]


def test_a_folder_without_runs_is_told_and_undecided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ([], ["--env", "remediated"], ["--plot", str(tmp_path / "x.svg")]):
        assert main(["trend", str(tmp_path), *more]) == ExitStatus.INCONCLUSIVE
        told = capsys.readouterr().out
        assert told == f"{tmp_path}: no run that can be read, neither a folder nor a bundle\n"
    (tmp_path / "broken.zip").write_text("no zip")
    assert main(["trend", str(tmp_path)]) == ExitStatus.INCONCLUSIVE
    assert "not read: broken.zip: " in capsys.readouterr().out
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.parametrize(
    ("plot", "told"),
    [
        ("nowhere/x.svg", "cannot be written: No such file or directory"),
        ("folder.svg", "cannot be written: Is a directory"),
        (".", "an SVG is written: name a file.svg"),
        ("x.png", "an SVG is written: name a file.svg"),
    ],
)
def test_a_plot_that_cannot_be_written_is_bad_usage(
    plot: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with(tmp_path / "outputs", "one", auth__timing=200)
    (tmp_path / "folder.svg").mkdir()
    asked = ["trend", str(tmp_path / "outputs"), "--plot", str(tmp_path / plot)]
    assert main(asked) == ExitStatus.USAGE
    assert capsys.readouterr().err == f"--plot {tmp_path / plot}: {told}\n"
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        ((0.012, 0.5), ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]),
        ((0.004, 700.0), ["0.002", "0.02", "0.2", "2", "20", "200"]),
    ],
)
def test_the_axis_of_durations_reaches_from_the_least_to_the_most(
    seconds: tuple[float, ...], ticks: list[str], tmp_path: Path
) -> None:
    run_with(tmp_path, "one", auth__timing=200)
    [row] = trend(tmp_path).rows
    [point] = row.points
    row = dataclasses.replace(row, points=(dataclasses.replace(point, seconds=seconds),))
    drawn = ElementTree.fromstring(trend_figure([row]).svg)
    labels = [text for one in drawn.iter() if (text := one.text or "").endswith(" s")]
    shown = [one.removesuffix(" s") for one in labels if not one.startswith("median")]
    assert shown == ticks


def test_a_visibly_damaged_run_is_left_out_without_a_recheck_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = run_with(tmp_path, "damaged", auth__timing=200)
    run_with(tmp_path, "whole", auth__timing=500)
    (damaged / "histories" / f"{OTHER}.trial.1.jsonl").unlink()
    assert main(["trend", str(tmp_path)]) == ExitStatus.NOT_MET
    told = capsys.readouterr().out
    assert f"differs, and is left out: damaged: histories/{OTHER}.trial.1.jsonl: missing" in told
    assert "0 of 1 (" in told
