"""`make bench` shows every figure that is promised of the fault proxies, and what is allowed."""

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import proxies, suites
from benchmarks.proxies import DELAYS_MS, WHOLE, MitmproxyMissingError, latency_report, main
from benchmarks.proxies import Standing as Stands


def test_it_measures_added_latency_and_every_delay_and_says_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(folder: Path) -> str:
        raise MitmproxyMissingError(f"no network in {folder}")

    monkeypatch.setattr(proxies, "installed_mitmdump", missing)
    assert main(["--rounds", "1", *WHOLE[:1], "--delays", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for way in ("unproxied", "TCP proxy", "frame proxy"):
        assert any(line.startswith(way) for line in lines)
    assert any(line.startswith("TCP proxy") and "allowed 150:" in line for line in lines)
    assert any(line.startswith("frame proxy") and "allowed 300:" in line for line in lines)
    assert (min(DELAYS_MS), max(DELAYS_MS)) == (1, 100)
    for kind in ("tcp", "frames"):
        for what in (*(f"{delay} ms" for delay in DELAYS_MS), "all"):
            [line] = [one for one in lines if one.startswith(f"{kind}, {what}")]
            assert "allowed 1 ms at p99:" in line
    assert "mitmproxy cannot be installed here:" in lines


def test_mitmproxy_stands_beside_them_and_is_held_to_nothing() -> None:
    taken = {"unproxied": [100.0], "TCP proxy": [260.0], "mitmproxy": [1900.0]}
    told = list(latency_report(taken, {way: Stands() for way in taken}))
    assert told[2].endswith("allowed 150: OVER")
    assert told[3].split() == ["mitmproxy", "1900", "1900", "1800", "19.00", "-"]


@pytest.mark.parametrize(
    ("given", "measured"),
    [
        ([], [("suites", ()), ("proxies", WHOLE)]),
        (["proxies", "--rounds", "1"], [("proxies", ("--rounds", "1"))]),
        (["--suite", "auth"], [("suites", ("--suite", "auth"))]),
    ],
)
def test_without_arguments_both_are_measured(
    given: list[str], measured: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[str, tuple[str, ...]]] = []

    def note(name: str, arguments: Sequence[str]) -> int:
        called.append((name, tuple(arguments)))
        return 0

    monkeypatch.setattr(suites, "main", lambda arguments: note("suites", arguments))
    monkeypatch.setattr(proxies, "main", lambda arguments: note("proxies", arguments))
    monkeypatch.setattr(sys, "argv", ["benchmarks", *given])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("benchmarks", run_name="__main__")
    assert ended.value.code == 0
    assert called == measured
