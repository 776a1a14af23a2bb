"""Trials in one process; those of all cases are made once in a session of tests."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gp_helpers.checkers import Verdict
from gp_helpers.execution.trials import Plan, TrialResult, defects_for, run_plans, run_trial
from gp_helpers.history import History, read
from gp_helpers.parameters import EmbeddedTarget, Isolation, Parameters, load
from gp_helpers.plan import CASES
from tests.support.once import made_once

JOBS = 1
"""The tests themselves run on two processes already."""
COUNTS = {"as_reported": 3, "remediated": 2}
"""How many are made of each case in a direction, with a seed for each."""
AGAIN = "remediated"
"""The environment in which the first is made once more, with the same seed."""


def in_threads(environment: str) -> Parameters:
    """An environment of the embedded platform, hosted in one process."""
    parameters = load(environment)
    assert isinstance(parameters.target, EmbeddedTarget)
    target = parameters.target.model_copy(update={"isolation": Isolation.THREAD})
    return parameters.model_copy(update={"target": target})


def trial_of(plan: Plan) -> tuple[Verdict, History]:
    """The first trial of a plan."""

    async def run() -> tuple[Verdict, History]:
        result, history = await run_trial(plan, 1)
        return result.verdict, history

    return asyncio.run(run())


@dataclass(frozen=True)
class Direction:
    """The trials of all cases in an environment."""

    results: Mapping[str, Sequence[TrialResult]]
    """By the case; the last is the first again, where it is made again."""
    folder: Path

    def history_of(self, case: str, number: int = 1) -> History:
        """What happened in one of them."""
        return read(self.folder / "histories" / f"{case}.trial.{number}.jsonl")

    def history_again(self, case: str) -> History:
        """What happened when the first was made again."""
        return read(self.folder / "again" / "histories" / f"{case}.trial.1.jsonl")


def all_cases(factory: pytest.TempPathFactory, environment: str) -> Direction:
    """The trials of all cases in an environment; made once in a session of tests."""

    def make(folder: Path) -> None:
        parameters = in_threads(environment)
        plans = []
        for case in CASES:
            defects = defects_for(parameters, case)
            first = Plan(case, parameters, defects, 1, COUNTS[environment], folder)
            plans.append(first)
            if environment == AGAIN:
                plans.append(replace(first, count=1, keep=folder / "again"))
        made = run_plans(plans, jobs=JOBS)
        found = {case: [one for one in made if one.case_id == case] for case in CASES}
        (folder / "results").write_bytes(pickle.dumps(found))

    folder = made_once(factory, f"trials-{environment}", make)
    return Direction(pickle.loads((folder / "results").read_bytes()), folder)
