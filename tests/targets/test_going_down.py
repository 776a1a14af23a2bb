"""Somebody's own application that goes down is a finding, or nothing was observed; never an error.

Only what the workbook itself has started may break as an error: here that is the ingress.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gp_helpers.cases import case_class, open_trial, take_all
from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.cli.main import main
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.parameters import load, resolved
from gp_helpers.targets import open_target
from gp_helpers.targets.asgi_controls import AsgiControls

SHOP = Path(__file__).parent / "shop"
FILE = str(SHOP / "shop.yaml")
JOURNEY, RECOVERY, COLD = (
    "journey.login_to_answer",
    "journey.error_recovery",
    "websocket.handshake_race",
)
DOWN = "APPLICATION_DOWN"
AT_ONCE = 3
NOT_AT_ALL = {
    "raises": "backend-1 did not start: the application's lifespan start-up failed: "
    "RuntimeError: the till is locked (exit code 1)",
    "exits": "backend-1 did not start: exit code 7",
    "hangs": "backend-1 did not start: not ready within 3.0 s",
}
NOT_AGAIN = {f"{way}_again": why.partition(": ")[2] for way, why in NOT_AT_ALL.items()}
UNASKED = {
    "asked": "backend-1 ended unasked: exit code 11",
    "left": "backend-1 ended unasked: exit code 13",
    "dark": "lamp ended unasked: exit code 5",
}
TRIALS = [
    *((JOURNEY, way) for way in ("well", "stays", *NOT_AT_ALL, *NOT_AGAIN, *UNASKED)),
    *((RECOVERY, way) for way in ("well", "exits_again")),
    *((COLD, way) for way in ("well", "exits_again")),
]


def set_up(monkeypatch: pytest.MonkeyPatch, folder: Path, way: str) -> None:
    monkeypatch.setenv("SHOP_CODE", str(SHOP))
    monkeypatch.setenv("SHOP_FOLDER", str(folder))
    monkeypatch.setenv("SHOP_WAY", way)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Verdict]:
    plans = {}
    for case, way in TRIALS:
        with pytest.MonkeyPatch.context() as environment:
            set_up(environment, tmp_path_factory.mktemp("shop"), way)
            plans[case, way] = Plan(case, resolved(load(FILE)), frozenset(), 1, 1)
    return asyncio.run(_run(plans))


async def _run(plans: Mapping[tuple[str, str], Plan]) -> dict[tuple[str, str], Verdict]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(plan: Plan) -> Verdict:
        async with turns:
            [result] = await run_plan(plan)
            return result.verdict

    return dict(zip(plans, await asyncio.gather(*map(run, plans.values())), strict=True))


def claim_of(verdict: Verdict, name: str) -> Claim:
    return next(claim for claim in verdict.claims if claim.name == name)


@pytest.mark.parametrize("way", ["well", "stays"])
def test_one_that_stands_passes_however_long_it_takes_to_stop(
    verdicts: Mapping[tuple[str, str], Verdict], way: str
) -> None:
    verdict = verdicts[JOURNEY, way]
    assert verdict.outcome is Outcome.PASS, verdict.reason


@pytest.mark.parametrize("way", NOT_AT_ALL)
def test_of_one_that_does_not_start_nothing_was_observed(
    verdicts: Mapping[tuple[str, str], Verdict], way: str
) -> None:
    verdict = verdicts[JOURNEY, way]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == f"nothing could be observed: {NOT_AT_ALL[way]}"


@pytest.mark.parametrize("way", NOT_AGAIN)
def test_one_that_does_not_come_back_is_found(
    verdicts: Mapping[tuple[str, str], Verdict], way: str
) -> None:
    verdict = verdicts[JOURNEY, way]
    assert (verdict.outcome, verdict.findings) == (Outcome.FAIL, (DOWN,)), verdict.reason
    detail = claim_of(verdict, "applications_run").detail
    assert detail == f"backend-1 does not come back: {NOT_AGAIN[way]}"


@pytest.mark.parametrize("way", UNASKED)
def test_one_that_ends_although_nobody_asked_it_to_is_found(
    verdicts: Mapping[tuple[str, str], Verdict], way: str
) -> None:
    verdict = verdicts[JOURNEY, way]
    assert verdict.outcome is Outcome.FAIL, verdict.reason
    claim = claim_of(verdict, "applications_run")
    assert claim.detail == UNASKED[way]
    assert claim.entries


def test_one_that_dies_at_a_cold_start_is_found(
    verdicts: Mapping[tuple[str, str], Verdict],
) -> None:
    assert DOWN not in verdicts[COLD, "well"].findings, verdicts[COLD, "well"].reason
    verdict = verdicts[COLD, "exits_again"]
    assert verdict.outcome is Outcome.FAIL, verdict.reason
    assert DOWN in verdict.findings
    detail = claim_of(verdict, "applications_run").detail
    assert detail.startswith("backend-2 ended unasked: service 'backend-2' did not start: ")


def test_whoever_cannot_come_back_to_it_was_given_up(
    verdicts: Mapping[tuple[str, str], Verdict],
) -> None:
    forgets = verdicts[RECOVERY, "well"]
    assert forgets.findings == ("JOURNEY_GIVEN_UP",), forgets.reason
    assert "kill: no answer, and nobody was told; coming back was refused with 403" in (
        forgets.reason
    )
    assert claim_of(forgets, "connected").state is ClaimState.HELD
    stays_away = verdicts[RECOVERY, "exits_again"]
    assert stays_away.findings == (DOWN, "JOURNEY_GIVEN_UP"), stays_away.reason


def test_the_ingress_is_ours_and_breaks_as_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_up(monkeypatch, tmp_path, "well")
    parameters = resolved(load(FILE))

    async def with_an_ingress_that_dies() -> Verdict:
        async with (
            open_target(
                parameters.target,
                defects=frozenset(),
                arrangement=case_class(JOURNEY).arranged(parameters),
                folder=tmp_path / "logs",
            ) as target,
            open_trial(JOURNEY, target, parameters=parameters, path=None) as opened,
        ):
            assert isinstance(target.controls, AsgiControls)
            await target.controls.ingress.kill()
            return await take_all(opened)

    verdict = asyncio.run(with_an_ingress_that_dies())
    assert verdict.outcome is Outcome.ERROR, verdict.reason
    assert "ingress" in verdict.reason


def test_a_run_says_it_without_a_traceback_and_goes_on_to_the_next_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up(monkeypatch, tmp_path, "exits")
    outputs = ["--outputs", str(tmp_path / "outputs"), "--run-id", "down", "--quiet"]
    cases = ["--case", JOURNEY, "--case", RECOVERY]
    assert main(["run", "--env", FILE, *cases, *outputs]) == 2
    told = capfd.readouterr().out
    assert "Traceback" not in told
    assert "PARTIAL" not in told
    stated = json.loads((tmp_path / "outputs" / "down" / "verdicts.json").read_text())
    why = f"nothing could be observed: {NOT_AT_ALL['exits']}"
    for one in stated["cases"]:
        assert (one["outcome"], one["reason"]) == ("inconclusive", why)
    assert [one["case"] for one in stated["cases"]] == [JOURNEY, RECOVERY]


def test_the_check_says_what_does_not_start_and_shows_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(monkeypatch, tmp_path, "raises")
    assert main(["target", "check", "--env", FILE]) == 1
    told = capsys.readouterr().out
    assert told.startswith(f"problem      start          {NOT_AT_ALL['raises']}\n")
    assert "the till is locked" in told
    assert main(["target", "check", "--json", "--env", FILE]) == 1
    [stage] = json.loads(capsys.readouterr().out)["stages"]
    assert (stage["outcome"], stage["detail"]) == ("problem", NOT_AT_ALL["raises"])
