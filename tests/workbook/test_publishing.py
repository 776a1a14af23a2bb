"""What a cell prints, shows and raises holds no secret that a lab of its kernel knows."""

import asyncio
import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import gp_helpers
from gp_helpers.execution import ExitReason
from gp_helpers.workbook.publishing import published
from tests.execution.notebooks import execute_now, job, read, write_notebook
from tests.support.kernels import over_unix_sockets

SECRET = 'of-"ada" 71'
KNOWS = f"""
from gp_helpers.workbook.publishing import hide_secrets_in_outputs, published
hide_secrets_in_outputs()
hide_secrets_in_outputs()
secret = {SECRET!r}
published.register(secret, "password")
"""
SAYS = """
import json, subprocess, sys
print("printed", secret)
print(json.dumps([secret]), file=sys.stderr)
subprocess.run([sys.executable, "-c", "import sys; print('of a child', sys.argv[1])", secret])
from IPython.display import JSON
display({"shown": secret}, JSON({secret: 1}))
secret
"""
RAISES = """
class Refused(Exception):
    def __str__(self):
        return f"{secret} is wrong"

refused = Refused()
refused.add_note(f"noted: {secret}")
raise ExceptionGroup(f"all of {secret}", [refused, KeyError(secret.encode())])
"""


def executed(source: Path, how: str) -> nbformat.NotebookNode:
    """The notebook, in a kernel of ours or in a stock one."""
    if how != "stock":
        [result] = execute_now([job(source)], warm=how == "warm")
        assert result.exit_reason is ExitReason.FAILED
        assert SECRET not in result.detail
        return read(result.job.destination)
    notebook = nbformat.read(source, as_version=4)
    with over_unix_sockets() as config, pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=60, kernel_name="python3", config=config).execute()
    return notebook


@pytest.mark.parametrize("how", ["warm", "cold", "stock"])
def test_no_output_of_a_kernel_holds_a_secret_of_its_labs(tmp_path: Path, how: str) -> None:
    source = write_notebook(tmp_path / "says.ipynb", KNOWS, SAYS, RAISES)
    knows, says, raises = executed(source, how).cells
    assert knows.outputs == []
    told = json.dumps([says.outputs, raises.outputs], ensure_ascii=False)
    for part in ("of-", " 71"):
        assert part not in told, told
    assert how == "stock" or "of a child ‹password›" in told, "a stock kernel may come to it late"
    for expected in ("printed ‹password›", "{'shown': '‹password›'}"):
        assert expected in told
    for expected in ("‹password› is wrong", "noted: ‹password›", "all of ‹password›"):
        assert expected in told
    assert "Refused" in told


async def known_to_a_lab() -> set[str]:
    target = {"kind": "embedded", "wiring": "remediated", "isolation": "thread"}
    lab = await gp_helpers.open_lab(target=target)
    try:
        case = lab.case("auth.validation_cascade")
        for step in case.steps:
            await getattr(case, step)()
        return {secret for trial in lab._trials for secret in trial.secrets}
    finally:
        await lab.close()


def test_what_is_published_loses_what_a_lab_and_its_trials_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDEN_PATH_OUTPUTS", str(tmp_path))
    monkeypatch.setenv("LAB_API_KEY", "lab-key-51ab09ffe2c4")
    known = asyncio.run(known_to_a_lab())
    assert "lab-key-51ab09ffe2c4" in known
    assert len(known) > 2
    assert known <= published.secrets
