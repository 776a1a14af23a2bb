"""All 23 cases on targets that know nothing of us: none ends in an error.

What `target check` says cannot be judged is neither passed nor found when it is run anyway: it is
inconclusive, with that reason.
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
IN_MEMORY = ("COMPONENT_UNHEALTHY",)
"""Of two instances of the shop, one does not know who joined at the other."""
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
    target["least_answer_characters"] = 20
    target["websocket"]["lifetime_s"] = "`1.5`"  # Else silence is listened to for two minutes.
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
def test_what_cannot_be_judged_is_inconclusive_and_says_why(
    found: Mapping[str, Found], case: str
) -> None:
    verdict, history = found[case]
    reasons = history.header["unfit"]
    if reasons and verdict.findings != IN_MEMORY:
        assert verdict.outcome is Outcome.INCONCLUSIVE, verdict.reason
        assert all(reason in verdict.reason for reason in reasons)
