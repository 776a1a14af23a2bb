"""Start-up and supervision: listening is not being ready, and no task outlives the application."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gp_helpers.platform.backend.startup import Readiness, warm_up
from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.services import build_backend, build_model
from gp_helpers.platform.settings import BackendSettings

pytestmark = pytest.mark.anyio


async def test_readiness_is_all_parts_and_waiting_is_bounded() -> None:
    readiness = Readiness(("one", "two"))
    readiness.mark("one")
    assert readiness.state() == {"one": True, "two": False}
    assert await readiness.wait(0.01) is False
    readiness.mark("two")
    assert await readiness.wait(0.01) is True


async def test_warm_up_tries_a_part_again_until_it_is_there() -> None:
    readiness = Readiness(("flaky", "solid"))
    attempts: list[str] = []

    async def flaky() -> None:
        attempts.append("flaky")
        if attempts.count("flaky") < 3:
            raise ConnectionError("not yet")

    async def solid() -> None:
        attempts.append("solid")

    await warm_up({"flaky": flaky, "solid": solid}, readiness)
    assert sorted(attempts) == ["flaky", "flaky", "flaky", "solid"]
    assert readiness.ready.is_set()


async def test_a_failing_task_ends_alone_and_all_end_with_the_supervisor() -> None:
    supervisor = Supervisor()
    ended: list[str] = []
    started = anyio.Event()

    async def work(name: str) -> None:
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(name)

    async def fail() -> None:
        raise ValueError("a fault of its own")

    async with supervisor.running():
        supervisor.start_soon("work", work, "first")
        supervisor.start_soon("work", work, "second")
        supervisor.start_soon("fail", fail)
        await started.wait()
        await anyio.wait_all_tasks_blocked()
        assert supervisor.live() == {"work": 2}
        assert supervisor.failed() == {"fail": 1}
    assert sorted(ended) == ["first", "second"]
    assert supervisor.live() == {}
    with pytest.raises(RuntimeError):
        supervisor.start_soon("work", work, "third")


class LateAuth:
    """An auth service that is listening, and not ready until it is told to be."""

    def __init__(self) -> None:
        self.is_ready = False
        self.app = Starlette(routes=[Route("/health/ready", self.ready)])

    async def ready(self, _request: Any) -> Response:
        return Response(status_code=200 if self.is_ready else 503)


def test_a_backend_lives_at_once_and_is_ready_when_its_parts_are(
    serve: Any, backend_settings: BackendSettings, tmp_path: Path
) -> None:
    auth = LateAuth()
    model = serve(build_model({"settings": {"diagnostics_secret": "x"}}))
    log = tmp_path / "backend.jsonl"
    settings = {
        **backend_settings.model_dump(),
        "auth_url": serve(auth.app).url,
        "model_url": f"{model.url}/v1",
        "log_path": str(log),
    }
    backend = serve(build_backend({"settings": settings})).url
    with httpx.Client(trust_env=False, verify=False) as client:

        def state() -> Any:
            reply = client.get(f"{backend}/internal/state", headers={"X-Golden-Path-Secret": "x"})
            return reply.json()

        deadline = time.monotonic() + 10
        while not all(state()["readiness"][part] for part in ("store", "model", "event_manager")):
            assert time.monotonic() < deadline
        assert state()["readiness"]["auth"] is False
        assert client.get(f"{backend}/health/live").status_code == 200
        refused = client.get(
            f"{backend}/health/ready", headers={"X-Correlation-ID": "cor_too_early"}
        )
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "not_ready"
        assert refused.headers["Retry-After"] == "1"
        assert state()["tasks"] == {"warm-up": 1}

        auth.is_ready = True
        while client.get(f"{backend}/health/ready").status_code != 200:
            assert time.monotonic() < deadline
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["service"] for line in lines} == {"backend/1"}
    assert any("auth is not ready yet" in line["message"] for line in lines)
    spoken = [line["message"] for line in lines if line["correlation_id"] == "cor_too_early"]
    assert spoken == ["GET /health/ready -> 503"]
