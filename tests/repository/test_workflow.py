"""The workflow for GitHub Actions is valid, and its steps do what they say."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from gp_helpers.evidence import read_run, recheck
from tests.evidence.stories import a_run, loaded
from tests.support.repository import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RUN = "ci-7-1"


def lint(*paths: Path) -> Result:
    from check_jsonschema.cli import main as check_jsonschema

    command = ["--builtin-schema", "vendor.github-workflows", *map(str, paths)]
    return CliRunner().invoke(check_jsonschema, command)


def steps() -> dict[str, dict[str, Any]]:
    (job,) = yaml.safe_load(WORKFLOWS[0].read_text())["jobs"].values()
    return {step.get("name", step.get("uses")): step for step in job["steps"]}


def test_the_workflow_follows_the_schema_and_a_broken_one_does_not(tmp_path: Path) -> None:
    assert WORKFLOWS
    assert lint(*WORKFLOWS).exit_code == 0
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "runs-at:"))
    found = lint(broken)
    assert found.exit_code == 1
    assert "runs-at" in found.output


def test_it_runs_on_every_change_what_blocks_and_uploads_the_bundle() -> None:
    workflow = yaml.safe_load(WORKFLOWS[0].read_text())
    # YAML 1.1 reads the key `on` as true
    assert {"push", "pull_request"} <= set(workflow[True])
    assert "golden-path run --expect remediated" in steps()["Run the golden path"]["run"]
    kept = steps()["Keep the bundle"]
    assert kept["with"]["path"] == "outputs/${{ env.RUN }}.zip"
    assert kept["with"]["if-no-files-found"] == "error"
    assert kept["if"] == steps()["Bundle the evidence"]["if"] == "always()"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the steps name: the commands, and a run that was killed."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    a_run(tmp_path / "outputs", run_id=RUN)
    return tmp_path


def test_a_run_that_was_killed_is_finished_bundled_and_shown(checkout: Path) -> None:
    page = checkout / "page.md"
    for name in ("Bundle the evidence", "Show the summary"):
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", steps()[name]["run"]],
            cwd=checkout,
            env={**os.environ, "RUN": RUN, "GITHUB_STEP_SUMMARY": str(page)},
            timeout=60,
            check=True,
        )
    bundle = checkout / "outputs" / f"{RUN}.zip"
    assert recheck(bundle).holds
    assert read_run(bundle).is_final
    assert "auth.validation_cascade" in page.read_text()
    assert loaded(checkout / "outputs" / RUN / "manifest.json")["run"] == RUN
