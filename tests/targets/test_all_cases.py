"""All 23 cases on targets that know nothing of us: none ends in an error, and none is judged unfit.

What `target check` says cannot be judged has a plain reason, and is no pass when it is run anyway.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.history import History
from gp_helpers.history.recording import read
from gp_helpers.parameters import Parameters, load, resolved
from gp_helpers.plan import CASES
from tests.targets.conftest import PASSWORD, SmallPlatform, described, serving

SHOP = Path(__file__).parent / "shop"
AT_ONCE = 4
Found = tuple[Verdict, History]


def the_shop(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Parameters:
    """Applications of somebody's own, of which the least is stated."""
    for variable, value in (("CODE", SHOP), ("FOLDER", folder), ("WAY", "well")):
        monkeypatch.setenv(f"SHOP_{variable}", str(value))
    return resolved(load(str(SHOP / "shop.yaml")))


def deployed(port: int) -> Parameters:
    """A deployment with the small platform's users, and nothing allowed but to ask."""
    accounts = [{"email": name, "password": PASSWORD} for name in "abcdefgh"]
    target = described(port, accounts={"inline": json.dumps(accounts)})
    del target["auth"]["validators"]["me"]["identity"]  # It takes everybody for Ada.
    target["limits"] |= {"requests": 2000, "connections": 500, "seconds": 300}
    return Parameters.model_validate({"target": target, "expectation": "none"})


async def judged(parameters: Parameters, folder: Path) -> dict[str, Found]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(case: str) -> Found:
        keep = folder / case
        async with turns:
            [result] = await run_plan(Plan(case, parameters, frozenset(), 1, 1, keep))
        [path] = (keep / "histories").glob("*.jsonl")
        return result.verdict, read(path)

    return dict(zip(CASES, await asyncio.gather(*map(run, CASES)), strict=True))


async def judged_on_the_deployment(folder: Path) -> dict[str, Found]:
    async with serving(SmallPlatform().application()) as port:
        return await judged(deployed(port), folder)


@pytest.fixture(scope="module", params=["asgi", "deployment"])
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Found]:
    folder = tmp_path_factory.mktemp("cases")
    if request.param == "deployment":
        return asyncio.run(judged_on_the_deployment(folder))
    with pytest.MonkeyPatch.context() as patch:
        return asyncio.run(judged(the_shop(patch, folder), folder))


@pytest.mark.parametrize("case", CASES)
def test_no_case_breaks(found: Mapping[str, Found], case: str) -> None:
    verdict, _ = found[case]
    assert verdict.outcome is not Outcome.ERROR, verdict.reason


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_judged_says_why_and_is_no_pass(
    found: Mapping[str, Found], case: str
) -> None:
    verdict, history = found[case]
    for reason in history.header["unfit"]:
        assert verdict.outcome is not Outcome.PASS
        assert verdict.outcome is Outcome.FAIL or reason in verdict.reason
