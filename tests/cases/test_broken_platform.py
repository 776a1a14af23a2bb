"""A service of ours that dies is the platform's end and no finding about the case."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from gp_helpers.cases import case_class, open_trial, take_all
from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters
from gp_helpers.targets import open_target
from gp_helpers.targets.embedded_controls import EmbeddedControls

CASE = "websocket.event_manager_init"


async def with_a_backend_that_dies(folder: Path) -> Verdict:
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
        first, *_ = opened.case.steps()
        await opened.take(first)
        assert isinstance(target.controls, EmbeddedControls)
        [backend] = target.controls.backends.values()
        assert backend.pid is not None
        os.kill(backend.pid, signal.SIGKILL)
        await backend.wait()
        return await take_all(opened)


def test_a_backend_that_is_killed_in_mid_trial_is_an_error_that_names_it(tmp_path: Path) -> None:
    verdict = asyncio.run(with_a_backend_that_dies(tmp_path))
    assert verdict.outcome is Outcome.ERROR, verdict.reason
    assert verdict.findings == ()
    assert "backend-1" in verdict.reason
