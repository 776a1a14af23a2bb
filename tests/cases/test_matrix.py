"""Defects against cases they are not about, and all of them at once; the whole is a command."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.cli import main
from gp_helpers.cli.masking import Masking, masked, print_masking
from gp_helpers.cli.matrix import measure
from gp_helpers.evidence import ExitStatus
from gp_helpers.execution.trials import Plan, TrialResult
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of


def test_a_defect_breaks_its_own_case_and_those_it_declares_and_no_other() -> None:
    names = ["auth.validation_cascade", "websocket.event_manager_init"]
    own, other = measure(["auth.gateway_local_secret"], names, jobs=1)
    assert (own.outcome, own.is_declared, own.problem) == (Outcome.FAIL.value, True, None)
    assert other.is_declared or (other.outcome, other.problem) == (Outcome.PASS.value, None)


def test_an_error_is_a_problem_even_where_the_defect_is_declared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    defect, info = next((name, one) for name, one in CATALOGUE.items() if one.also_breaks)

    def breaking(plans: Sequence[Plan], *, jobs: int) -> list[TrialResult]:
        assert jobs == 1
        broken = [Verdict(one.case_id, Outcome.ERROR, "it did not start") for one in plans]
        return [TrialResult(one.case, 1, one, 0.1) for one in broken]

    monkeypatch.setattr("gp_helpers.execution.trials.run_plans", breaking)
    for case in (*sorted(info.also_breaks), info.case):
        [cell] = measure([defect], [case], jobs=1)
        assert cell.is_declared
        assert cell.problem == "broke: error, it did not start"
    assert main(["matrix", info.case, "--defects", defect, "--jobs", "1"]) == ExitStatus.NOT_MET
    assert "broke: error, it did not start" in capsys.readouterr().out


def test_with_all_defects_on_a_case_comes_to_a_verdict_that_is_not_green() -> None:
    [row] = masked(["websocket.cleanup_race"], jobs=1)
    assert row.outcome == Outcome.FAIL.value, row.reason
    assert row.problem is None
    assert row.masked_by.keys() <= defects_of("websocket.cleanup_race")


def test_what_hides_a_finding_is_named_and_a_pass_is_a_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hidden = {"routing.handoff_cycle": ["auth.prefix_cache"], "routing.nested_delegation": []}
    rows = [
        Masking("routing.circular_deadlock", "inconclusive", "it got no answer", (), hidden),
        Masking("auth.timing", "pass", "all claims hold", ()),
    ]
    print_masking(rows)
    shown = capsys.readouterr().out
    assert "routing.handoff_cycle (ROUTING_HANDOFF_CYCLE) is masked by auth.prefix_cache" in shown
    assert "is masked by no single other defect; only several together" in shown
    assert "! pass: all claims hold" in shown
    assert rows[0].problem is None
    assert "2 cases came to a verdict; 2 defects are masked" in shown
