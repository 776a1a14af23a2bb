"""The lab on the real embedded platform: steps, order, contrast, exploration, evidence, end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gp_helpers
from gp_helpers.checkers import Claim, ClaimState, Outcome, Verdict
from gp_helpers.history import Kind, read
from gp_helpers.parameters import ParameterError, validate
from gp_helpers.plan import UnknownNameError
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from gp_helpers.workbook import CaseHandle, ExpectationNotMet, Lab, LabClosed, NothingTaken
from gp_helpers.workbook.conclusions import Ended, conclude
from gp_helpers.workbook.errors import StepOutOfOrder

CASE = "auth.validation_cascade"
CODE = "AUTH_GOOD_TOKEN_REFUSED"


@pytest.fixture(autouse=True)
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDEN_PATH_OUTPUTS", str(tmp_path))
    monkeypatch.delenv("GOLDEN_PATH_RUN", raising=False)
    return tmp_path


@asynccontextmanager
async def lab_with(wiring: Any = "as_reported", **parameters: Any) -> AsyncIterator[Lab]:
    target = {"kind": "embedded", "wiring": wiring, "isolation": "thread"}
    lab = await gp_helpers.open_lab(target=target, **parameters)
    try:
        yield lab
    finally:
        await lab.close()


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on a loop of its own, with a deadline."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 60))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def take(case: CaseHandle, *steps: str) -> None:
    for step in steps or case.steps:
        await getattr(case, step)()


async def first_request_of(case: CaseHandle, step: str) -> None:
    """Let others work until a step has sent its first request."""
    while not case.history.of(Kind.REQUEST, step=step):  # noqa: ASYNC110
        await asyncio.sleep(0)


@in_a_loop
async def test_a_case_taken_step_by_step_shows_its_finding() -> None:
    async with lab_with(cases=[CASE], about="auth") as lab:
        case = lab.case(CASE)
        shown = [repr(await getattr(case, step)()) for step in case.steps]
        assert shown[0].startswith("Each component alone")
        assert case.result.findings == (CODE,)
        assert repr(case.verdict()).startswith(f"FAIL {CASE}: {CODE}")
        assert repr(case.timeline()).startswith(f"{case.title}: ")
        assert "✗" in repr(case.decisions())
        told = repr(await lab.conclude())
        assert told.startswith("1 of 1 cases as expected")
        stated = json.loads((lab.folder / "verdicts" / f"{CASE}.json").read_text())
        assert (stated["outcome"], stated["met"], stated["findings"]) == ("fail", True, [CODE])
        history = read(lab.folder / stated["trials"][0]["history"])
        assert history.is_complete
        assert history.header["defects"] == [
            "auth.chat_nested_payload",
            "auth.gateway_local_secret",
        ]
        assert (lab.folder / "index.html").is_file()
        assert (lab.folder / "figures" / f"{CASE}.timeline.svg").read_text().startswith("<svg")


@in_a_loop
async def test_a_step_out_of_order_names_the_one_to_take_first() -> None:
    async with lab_with() as lab:
        case = lab.case(CASE)
        with pytest.raises(StepOutOfOrder, match=r"take components\(\) first"):
            await case.log_in()
        await case.components()
        with pytest.raises(StepOutOfOrder, match=r"take log_in\(\) first, or begin a new trial"):
            await case.present_bad_tokens()
        await case.log_in()
        with pytest.raises(StepOutOfOrder, match=r"log_in\(\) was taken already"):
            await case.log_in()
        await case.present_to_every_validator()


@in_a_loop
async def test_the_first_step_again_opens_a_new_trial_with_fresh_users() -> None:
    async with lab_with() as lab:
        case = lab.case(CASE)
        await take(case)
        first = case.history
        await take(case, "components", "log_in")
        assert case.history.header["trial"] == 2
        assert case.history.header["seed"] == first.header["seed"] + 1
        users = {entry.data["user_id"] for entry in first.of(Kind.USER)}
        assert users.isdisjoint(entry.data["user_id"] for entry in case.history.of(Kind.USER))


@in_a_loop
async def test_a_trial_that_was_given_up_does_not_count_but_is_kept() -> None:
    async with lab_with(wiring="remediated", expectation="pass", cases=[CASE]) as lab:
        case = lab.case(CASE)
        await take(case, "components", "log_in")
        await take(case)
        assert repr(await lab.conclude()).startswith("1 of 1 cases as expected")
        stated = json.loads((lab.folder / "verdicts" / f"{CASE}.json").read_text())
        assert [(one["trial"], one["counts"]) for one in stated["trials"]] == [
            (1, False),
            (2, True),
        ]
        assert (lab.folder / stated["trials"][0]["history"]).is_file()


def test_a_failure_that_was_seen_is_not_unseen_by_beginning_again() -> None:
    claim = Claim("a", "", ClaimState.VIOLATED, (1,), "A")
    failed = Ended(1, 7, "one", Verdict(CASE, Outcome.FAIL, "A", (claim,)), counts=False)
    passed = Ended(2, 8, "two", Verdict(CASE, Outcome.PASS, "all held"))
    target = {"kind": "embedded", "wiring": "remediated"}
    expecting = validate({"target": target, "expectation": "pass"}, source="here")
    concluded = conclude(CASE, [failed, passed], expecting)
    assert (concluded.outcome, concluded.met.met) == (Outcome.FAIL, False)
    assert concluded.findings == ("A",)
    assert (concluded.passed.passed, concluded.passed.trials) == (1, 1)
    stopped = replace(failed, verdict=Verdict(CASE, Outcome.INCONCLUSIVE, "given up"))
    assert conclude(CASE, [stopped, passed], expecting).outcome is Outcome.PASS


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_one_trial_that_is_not_as_expected_is_enough_whichever_it_is(failing: int) -> None:
    claim = Claim("a", "", ClaimState.VIOLATED, (1,), "A")
    target = {"kind": "embedded", "wiring": "remediated"}
    expecting = validate({"target": target, "expectation": "pass", "trials": 3}, source="here")
    trials = [
        Ended(
            number,
            number,
            "a history",
            Verdict(CASE, Outcome.FAIL, "A", (claim,))
            if number == failing
            else Verdict(CASE, Outcome.PASS, "all held"),
        )
        for number in (1, 2, 3)
    ]
    concluded = conclude(CASE, trials, expecting)
    assert not concluded.met.met
    assert concluded.met.reason == "expected pass, is fail: A"


def test_part_of_what_is_expected_in_a_trial_that_was_given_up_is_no_disappointment() -> None:
    expecting = validate({"expectation": "reproduce"}, source="here")
    case = "auth.context_isolation"
    wanted = sorted({CATALOGUE[name].finding_code for name in defects_of(case)})
    claims = tuple(Claim(code, "", ClaimState.VIOLATED, (1,), code) for code in wanted)
    part = Ended(1, 7, "one", Verdict(case, Outcome.FAIL, "part", claims[:1]), counts=False)
    whole = Ended(2, 8, "two", Verdict(case, Outcome.FAIL, "all", claims))
    assert conclude(case, [part, whole], expecting).met.met
    assert not conclude(case, [replace(part, counts=True), whole], expecting).met.met


@in_a_loop
async def test_the_contrast_shows_where_the_histories_part() -> None:
    async with lab_with() as lab:
        case = lab.case(CASE)
        await take(case)
        told = repr(await case.contrast())
        assert told.startswith("They part at ada")
        assert "present to every validator" in told
        contrast = read(lab.folder / "histories" / f"{CASE}.contrast.1.jsonl")
        assert contrast.header["role"] == "contrast"
        assert contrast.header["seed"] == case.history.header["seed"]
        assert contrast.header["defects"] == []
        assert "the contrast" in repr(case.contrast_timeline())


@in_a_loop
async def test_the_remediated_wiring_needs_no_contrast() -> None:
    async with lab_with(wiring="remediated") as lab:
        case = lab.case(CASE)
        await take(case)
        assert case.result.outcome is Outcome.PASS
        assert repr(await case.contrast()).startswith("There is no contrast")
        assert repr(case.sources()).startswith("No defect is on")


@in_a_loop
async def test_defects_can_be_switched_in_a_cell_and_count_for_nothing() -> None:
    async with lab_with(wiring="remediated", expectation="pass", cases=[CASE]) as lab:
        case = lab.case(CASE)
        await take(case)
        explored = case.with_defects("auth.chat_nested_payload")
        await explored.trials(1)
        assert explored.result.findings == (CODE,)
        assert explored.history.header["seed"] == case.history.header["seed"]
        assert repr(await lab.conclude()).startswith("1 of 1 cases as expected")
        assert [path.name for path in (lab.folder / "explorations").iterdir()] == [
            f"{CASE}.1.trial.1.jsonl"
        ]


@in_a_loop
async def test_resources_are_counted_over_many_sessions_beside_the_trial() -> None:
    name = "factory.lifecycle"
    async with lab_with(sessions=5, many_sessions=15, cases=[name]) as lab:
        case = lab.case(name)
        drawn = await case.over_many_sessions()
        [history] = (lab.folder / "explorations").glob("*.trial.1.jsonl")
        readings = [e for e in read(history).of(Kind.READING) if e.data.get("resources") == "left"]
        assert [one.data["sessions_so_far"] for one in readings] == [0, 5, 10, 15]
        assert read(history).header["thresholds"]["case_seconds"] == 30.0
        assert "sessions" in drawn.svg
        assert lab.run.next_trial(name) == 1


@in_a_loop
async def test_many_sessions_can_be_left_out() -> None:
    async with lab_with(many_sessions=0, cases=["factory.lifecycle"]) as lab:
        assert "many_sessions is 0" in repr(
            await lab.case("factory.lifecycle").over_many_sessions()
        )
        assert not (lab.folder / "explorations").exists()


@in_a_loop
async def test_an_unknown_defect_is_named_with_a_suggestion() -> None:
    async with lab_with() as lab:
        with pytest.raises(ValueError, match=r"did you mean 'auth\.prefix_cache'"):
            lab.case(CASE).with_defects("auth.prefix_cach")
        with pytest.raises(ValueError, match=r"auth\.prefix_cache"):
            lab.rewire(["auth.prefix_cach"])


@in_a_loop
async def test_rewiring_concerns_the_trials_that_are_opened_from_then_on() -> None:
    async with lab_with() as lab:
        case = lab.case(CASE)
        await take(case)
        lab.rewire("remediated")
        await take(case)
        assert case.result.outcome is Outcome.PASS
        assert case.history.header["defects"] == []


@in_a_loop
async def test_an_expectation_that_is_not_met_fails_after_the_evidence_is_written() -> None:
    async with lab_with(wiring="remediated", cases=[CASE], expectation="pass") as lab:
        lab.rewire(["auth.chat_nested_payload"])
        case = lab.case(CASE)
        await take(case)
        with pytest.raises(ExpectationNotMet) as unmet:
            await lab.conclude()
        assert list(unmet.value.unmet) == [CASE]
        assert "expected pass, is fail" in str(unmet.value)
        verdicts = json.loads((lab.folder / "verdicts.json").read_text())
        assert [case["outcome"] for case in verdicts["cases"]] == ["fail"]


@in_a_loop
async def test_a_case_of_the_suite_that_was_not_taken_is_inconclusive_and_not_met() -> None:
    async with lab_with(wiring="remediated", expectation="pass", about="auth") as lab:
        await take(lab.case(CASE))
        with pytest.raises(ExpectationNotMet) as unmet:
            await lab.conclude()
        assert sorted(unmet.value.unmet) == [
            "auth.context_isolation",
            "auth.error_amplification",
            "auth.timing",
        ]


@in_a_loop
async def test_a_case_that_is_not_selected_is_not_run_and_says_so() -> None:
    async with lab_with(cases=["websocket"]) as lab:
        case = lab.case(CASE)
        assert "not among this environment's cases" in repr(await case.components())
        assert "not among" in repr(case.timeline())
        assert list(case.history_frame().index) == []
        with pytest.raises(NothingTaken):
            await lab.conclude()
        assert not list(lab.folder.glob("histories/*"))


@in_a_loop
async def test_further_trials_are_taken_unattended_and_their_rate_is_told() -> None:
    async with lab_with(trials=3) as lab:
        case = lab.case(CASE)
        await take(case)
        lines = repr(await case.trials()).splitlines()
        assert lines[0].startswith("Passed: 0 of 3 (0%; 95% interval 0.0% to 70.8%)")
        assert [line.split()[:3] for line in lines[3:]] == [
            ["1", "1176", "fail"],
            ["2", "1177", "fail"],
            ["3", "1178", "fail"],
        ]


@in_a_loop
async def test_an_interrupted_step_ends_its_trial_and_nothing_else() -> None:
    async with lab_with() as lab:
        case = lab.case("auth.timing")
        await case.components()
        step = asyncio.create_task(case.present_within_the_allowed_skew())
        await first_request_of(case, "present_within_the_allowed_skew")
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert case.history.entries[-1].data["outcome"] == "interrupted"
        assert case.result.outcome is not Outcome.PASS
        with pytest.raises(StepOutOfOrder, match=r"begins a new trial|first"):
            await case.present_when_it_has_become_valid()
        other = lab.case(CASE)
        await take(other)
        assert other.result.findings == (CODE,)


@in_a_loop
async def test_logs_are_found_by_correlation_id() -> None:
    async with lab_with() as lab:
        case = lab.case(CASE)
        await take(case)
        told = repr(case.logs())
        assert told.startswith("correlation id ")
        assert "POST /api/chat/messages -> 401" in told.split("correlation id ")[1]


@in_a_loop
async def test_the_history_is_a_frame_for_ones_own_questions() -> None:
    async with lab_with() as lab:
        case = lab.case(CASE)
        await take(case)
        frame = case.history_frame()
        assert list(frame.columns) == ["ms", "step", "actor", "kind", "subject", "said", "data"]
        assert len(frame) == len(case.history)
        assert set(frame[frame.kind == "decision"].actor) == {"ada", "auth-check"}


@in_a_loop
async def test_steps_are_offered_for_completion_and_unknown_ones_are_named() -> None:
    async with lab_with() as lab:
        case = lab.case(CASE)
        assert set(case.steps) <= set(dir(case))
        assert case.log_in.__doc__.startswith("Log in once")
        with pytest.raises(AttributeError, match="steps: components, log_in"):
            _ = case.log_out_twice
        with pytest.raises(UnknownNameError, match=r"auth\.timing"):
            lab.case("auth.timming")
        with pytest.raises(NothingTaken, match=r"begin with components\(\)"):
            case.verdict()


@in_a_loop
async def test_opening_again_closes_the_lab_before() -> None:
    async with lab_with() as first:
        case = first.case(CASE)
        await case.components()
        async with lab_with() as second:
            assert first.folder != second.folder
            with pytest.raises(LabClosed):
                first.case(CASE)
            assert case.history.is_complete
            await take(second.case(CASE))


@in_a_loop
async def test_a_lab_closes_twice_and_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    async with lab_with() as lab:
        await lab.case(CASE).components()
        await lab.close()
    assert asyncio.all_tasks() == before


@in_a_loop
async def test_a_runners_folder_is_joined() -> None:
    async with lab_with(wiring="remediated") as maker:
        folder = maker.folder
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        patched.setenv("GOLDEN_PATH_RUN", str(folder))
        async with lab_with(cases=[CASE]) as lab:
            assert lab.folder == folder
            await take(lab.case(CASE))
            await lab.conclude()
            assert (folder / "histories" / f"{CASE}.trial.1.jsonl").is_file()
            assert not (folder / "verdicts.json").exists()


@in_a_loop
async def test_bad_parameters_open_nothing() -> None:
    with pytest.raises(ParameterError, match="trials"):
        await gp_helpers.open_lab(trials=0)
    with pytest.raises(ParameterError, match=r"trails.*did you mean trials"):
        await gp_helpers.open_lab(trails=1)
    with pytest.raises(ParameterError, match=r"known:.*as_reported"):
        await gp_helpers.open_lab(environment="as_reportet")
    target = {"kind": "embedded", "wiring": {"defects": ["auth.prefix_cach"]}}
    with pytest.raises(ValueError, match=r"auth\.prefix_cache"):
        await gp_helpers.open_lab(target=target)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", "foo://x")
        with pytest.raises(ParameterError, match="DATABASE_URL: found foo://"):
            await gp_helpers.open_lab()


@in_a_loop
async def test_a_platform_that_does_not_start_is_an_error_on_record() -> None:
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        patched.setenv("DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
        async with lab_with(cases=[CASE]) as lab:
            with pytest.raises(Exception, match=r"127\.0\.0\.1"):
                await lab.case(CASE).components()
            with pytest.raises(ExpectationNotMet, match="could not be opened"):
                await lab.conclude()
            stated = json.loads((lab.folder / "verdicts" / f"{CASE}.json").read_text())
            assert stated["outcome"] == "error"
