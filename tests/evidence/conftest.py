"""A finalised run, judged by one small check instead of the suites' own."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gp_helpers.checkers import judging
from gp_helpers.evidence import Finalised, finalise
from gp_helpers.plan import Suite
from tests.evidence.stories import a_run


def judged_by_a_tiny_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judging, "_MODULES", dict.fromkeys(Suite, "tests.evidence.tiny_checks"))


@pytest.fixture(autouse=True)
def tiny_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    judged_by_a_tiny_check(monkeypatch)


@pytest.fixture(scope="session")
def finalised_once(tmp_path_factory: pytest.TempPathFactory) -> Finalised:
    with pytest.MonkeyPatch.context() as patch:
        judged_by_a_tiny_check(patch)
        return finalise(a_run(tmp_path_factory.mktemp("final") / "outputs"))


@pytest.fixture
def final(finalised_once: Finalised, tmp_path: Path) -> Finalised:
    """A run of the test's own to tamper with: a copy of the one that was finalised."""
    path = tmp_path / "outputs" / finalised_once.path.name
    shutil.copytree(finalised_once.path, path)
    return replace(finalised_once, path=path)
