"""Whole cases on what the environment puts in place of the embedded parts: store and model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.cloud_run import Isolation, ServiceSpec, open_host
from gp_helpers.execution.trials import Plan, run_trial
from gp_helpers.faults import HttpFault, HttpMessage, OrderGate
from gp_helpers.platform.defects.catalogue import CATALOGUE, defects_of
from gp_helpers.platform.settings import StoreSettings
from gp_helpers.targets import embedded
from tests.cases.trials import in_threads

JOURNEY = "journey.login_to_answer"


async def verdict_of(case: str, environment: str) -> Verdict:
    defects = frozenset(defects_of(case)) if environment == "as_reported" else frozenset()
    plan = Plan(case, in_threads(environment), defects, 1, 1)
    return (await run_trial(plan, 1))[0].verdict


@pytest.fixture
def stores(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> list[StoreSettings]:
    """What each trial's store was made of, once DATABASE_URL names a real PostgreSQL server."""
    made: list[StoreSettings] = []

    def noted(**stated: Any) -> StoreSettings:
        made.append(StoreSettings(**stated))
        return made[-1]

    url = make_url(postgresql_url).set(drivername="postgresql")
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setattr(embedded, "StoreSettings", noted)
    return made


@pytest.mark.parametrize("case", [JOURNEY, "auth.context_isolation"])
@pytest.mark.parametrize("environment", ["as_reported", "remediated"])
def test_a_case_on_postgresql_comes_to_the_same_verdict(
    case: str, environment: str, stores: list[StoreSettings], postgresql_url: str
) -> None:
    verdict = asyncio.run(verdict_of(case, environment))
    if environment == "as_reported":
        wanted = {CATALOGUE[name].finding_code for name in defects_of(case)}
        assert verdict.outcome is Outcome.FAIL, verdict.reason
        assert wanted <= set(verdict.findings)
    else:
        assert verdict.outcome is Outcome.PASS, verdict.reason
    [store] = stores
    assert store.url.startswith("postgresql")
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as server:
        left = server.execute(
            "select 1 from pg_namespace where nspname = %s", (store.schema_name,)
        ).fetchall()
    assert left == []


def test_agents_ask_the_model_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server with a key of its own; the embedded one would refuse it."""
    settings = {"diagnostics_secret": "diagnostics", "api_key": "another"}
    another = ServiceSpec(
        "another", "gp_helpers.platform.services:build_model", {"settings": settings}
    )

    async def with_another() -> Verdict:
        async with (
            open_host(Isolation.THREAD, logs=tmp_path) as host,
            HttpFault("127.0.0.1", (await host.start(another)).port) as way,
        ):
            gate = OrderGate[HttpMessage](
                hold=lambda _: False, until=lambda one: one.path == "/v1/chat/completions"
            )
            way.gates.append(gate)
            monkeypatch.setenv("MODEL_BASE_URL", f"{way.url}/v1")
            monkeypatch.setenv("MODEL_API_KEY", "another")
            verdict = await verdict_of(JOURNEY, "remediated")
            assert gate.is_open
            return verdict

    verdict = asyncio.run(with_another())
    assert verdict.outcome is Outcome.PASS, verdict.reason


def test_a_store_that_cannot_be_reached_is_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nobody_listens")
    verdict = asyncio.run(verdict_of(JOURNEY, "remediated"))
    assert verdict.outcome is Outcome.ERROR
    assert "'auth' did not start" in verdict.reason
    assert "Connection refused" in verdict.reason
