"""A real notebook in a warm and in a cold kernel: the same trials, cells, outputs and verdict."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.evidence import RunFolder, read_run
from gp_helpers.evidence.folder import RUN_VARIABLE
from gp_helpers.execution import ExitReason, NotebookJob, execute
from gp_helpers.history import first_divergence
from gp_helpers.history import read as read_history
from gp_helpers.parameters import validate
from tests.execution.notebooks import read
from tests.support.repository import ROOT

CASE = "auth.validation_cascade"
NOTEBOOK = "01_auth_token_cascades"
KINDS = ("warm", "cold")
_WORD = re.compile(r"\b[A-Za-z]{3,}\b")
"""Ids, ports and times are none. Which answer came first decides on the order of words alone."""
_DRAWN = re.compile(r"<svg.*?</svg>|data:image/svg[^\"']*", re.DOTALL)
"""Where things stand in a figure depends on times."""


def said_by(output: Any) -> dict[str, list[str]]:
    """The words of an output by its type; of a picture that it is one.

    Of a view as HTML, the text beside it is but the beginning, and that is what happened first.
    """
    if output.output_type == "stream":
        return {output.name: words_of(output.text)}
    return {
        kind: [] if kind.startswith("image/") else words_of(str(content))
        for kind, content in output.data.items()
        if kind != "text/plain" or "text/html" not in output.data
    }


def words_of(text: str) -> list[str]:
    return sorted(set(_WORD.findall(_DRAWN.sub("", text))) - {*KINDS})


def outputs_of(run: Path) -> list[list[Any]]:
    """What each cell shows."""
    cells = read(run / f"{NOTEBOOK}.ipynb").cells
    return [[said_by(output) for output in cell.get("outputs", ())] for cell in cells]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The runs of both kinds, made beside each other."""
    outputs = tmp_path_factory.mktemp("outputs")
    parameters = validate(
        {"target": {"kind": "embedded", "isolation": "thread"}, "cases": [CASE]}, source="test"
    )

    async def executed(kind: str) -> Path:
        with RunFolder.create(outputs, parameters, environment="e", run_id=kind) as run:
            job = NotebookJob(
                ROOT / "notebooks" / f"{NOTEBOOK}.ipynb",
                run.notebook_path(NOTEBOOK),
                parameters.as_json(),
                {RUN_VARIABLE: str(run.path)},
                90.0,
                ROOT,
            )
            [result] = await execute(
                [job], concurrency=1, warm=kind == "warm", handle_signals=False
            )
            assert result.exit_reason is ExitReason.COMPLETED, result.detail
        return run.path

    async def both() -> list[Path]:
        return list(await asyncio.gather(*map(executed, KINDS)))

    return asyncio.run(both())


def test_a_real_notebook_makes_the_same_trials_warm_and_cold(runs: list[Path]) -> None:
    for role in ("trial", "contrast"):
        name = f"histories/{CASE}.{role}.1.jsonl"
        assert first_divergence(*(read_history(run / name) for run in runs)) is None
    warm, cold = (read_run(run).verdicts["cases"][0] for run in runs)
    assert (warm["outcome"], warm["findings"]) == (cold["outcome"], cold["findings"])
    assert warm["outcome"] == "fail"


def test_a_real_notebook_shows_the_same_warm_and_cold(runs: list[Path]) -> None:
    warm, cold = map(outputs_of, runs)
    assert sum(map(len, warm)) > 20
    assert warm == cold
