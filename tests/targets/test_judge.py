"""A judge model's word counts where a target names one, and its silence is no approval."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gp_helpers.checkers import Outcome
from gp_helpers.execution.trials import Plan, run_plan
from gp_helpers.parameters import resolved, validate
from tests.targets.conftest import serving

pytestmark = pytest.mark.anyio

DESK = Path(__file__).parent / "desk"


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ('Sure: {"accepted": true, "reason": "fine"}', Outcome.PASS),
        ('{"accepted": false, "reason": "empty words"}', Outcome.FAIL),
        ("I would rather not say.", Outcome.INCONCLUSIVE),
    ],
)
async def test_the_verdict_follows_the_judge(
    says: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def completions(request: Request) -> Response:
        asked.append((await request.json())["messages"][1]["content"])
        return JSONResponse({"choices": [{"message": {"role": "assistant", "content": says}}]})

    judge = Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])])
    for name, value in (
        ("FOLDER", DESK),
        ("NOTES", tmp_path),
        ("VARIANT", "right"),
        ("LIFE_S", 60),
    ):
        monkeypatch.setenv(f"DESK_{name}", str(value))
    async with serving(judge) as port:
        stated = yaml.safe_load((DESK / "desk.yaml").read_text())
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        stated["target"]["judge"] = {"url": url, "model": "strict", "api_key": "key-of-the-judge"}
        parameters = resolved(validate(stated, source="test"))
        plan = Plan("journey.multi_user_isolation", parameters, frozenset(), 1, 1)
        [result] = await run_plan(plan)
    assert result.verdict.outcome is outcome, result.verdict.reason
    assert len(asked) == parameters.concurrent_users
    claim = next(one for one in result.verdict.claims if one.name == "answers_are_grounded")
    assert "satisfies the judge strict" in claim.statement
