"""A service of ours that dies is the platform's end and no finding about the case.

Where all of them die because what started them does, the run was killed: nothing was shown.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gp_helpers.cases import OpenTrial, case_class, open_trial, take_all
from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.cloud_run import close_zygote
from gp_helpers.cloud_run.errors import HostClosedError
from gp_helpers.cloud_run.zygote_owner import ZYGOTE_VARIABLE, ZygoteOwner
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters
from gp_helpers.targets import embedded, open_target
from gp_helpers.targets.embedded_controls import EmbeddedControls

CASE = "websocket.event_manager_init"


@asynccontextmanager
async def a_trial(folder: Path) -> AsyncIterator[OpenTrial]:
    target_stated = EmbeddedTarget(wiring="remediated", isolation=Isolation.PROCESS)
    parameters = Parameters(target=target_stated)
    async with (
        open_target(
            target_stated,
            defects=frozenset(),
            arrangement=case_class(CASE).arranged(parameters),
            folder=folder,
        ) as target,
        open_trial(CASE, target, parameters=parameters, path=None) as opened,
    ):
        yield opened


async def with_a_backend_that_dies(folder: Path) -> Verdict:
    async with a_trial(folder) as opened:
        first, *_ = opened.case.steps()
        await opened.take(first)
        controls = opened.trial.target.controls
        assert isinstance(controls, EmbeddedControls)
        [backend] = controls.backends.values()
        assert backend.pid is not None
        os.kill(backend.pid, signal.SIGKILL)
        await backend.wait()
        return await take_all(opened)


def test_a_backend_that_is_killed_in_mid_trial_is_an_error_that_names_it(tmp_path: Path) -> None:
    verdict = asyncio.run(with_a_backend_that_dies(tmp_path))
    assert verdict.outcome is Outcome.ERROR, verdict.reason
    assert verdict.findings == ()
    assert "backend-1" in verdict.reason


@pytest.fixture
def zygote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZygoteOwner]:
    """One of somebody else, as a run's kernels have it."""
    close_zygote()
    owner = ZygoteOwner()
    owner.share(tmp_path / "zygote")
    monkeypatch.setenv(ZYGOTE_VARIABLE, str(tmp_path / "zygote"))
    yield owner
    owner.close()


async def with_a_zygote_that_is_killed(folder: Path, zygote: ZygoteOwner) -> Verdict:
    async with a_trial(folder) as opened:
        first, second, *_ = opened.case.steps()
        await opened.take(first)
        os.kill(zygote.pid, signal.SIGKILL)
        while zygote.is_alive:
            pass  # Nor does the loop run meanwhile: nobody has told it yet.
        with pytest.raises(HostClosedError):
            await opened.take(second)
        return await take_all(opened)


def test_a_trial_that_is_not_open_yet_when_its_run_is_killed_is_no_error(
    tmp_path: Path, zygote: ZygoteOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed_meanwhile(*_: object, **__: object) -> None:
        os.kill(zygote.pid, signal.SIGKILL)
        while zygote.is_alive:
            pass
        raise OSError("connection refused")

    async def opened() -> None:
        async with a_trial(tmp_path):
            raise AssertionError("there is nothing that it could be open on")

    monkeypatch.setattr(embedded, "put_between", killed_meanwhile)
    with pytest.raises(HostClosedError):
        asyncio.run(opened())


def test_a_trial_whose_run_is_killed_shows_nothing(tmp_path: Path, zygote: ZygoteOwner) -> None:
    verdict = asyncio.run(with_a_zygote_that_is_killed(tmp_path, zygote))
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict.reason
    assert verdict.findings == ()
