"""A finalised run, judged by one small check instead of the suites' own."""

from pathlib import Path

import pytest

from gp_helpers.checkers import judging
from gp_helpers.evidence import Finalised, finalise
from gp_helpers.plan import Suite
from tests.evidence.stories import a_run


@pytest.fixture(autouse=True)
def tiny_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_MODULES", dict.fromkeys(Suite, "tests.evidence.tiny_checks"))


@pytest.fixture
def final(tmp_path: Path) -> Finalised:
    return finalise(a_run(tmp_path / "outputs"))
