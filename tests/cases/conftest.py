"""The trials that several modules look at."""

import pytest

from tests.cases.trials import Direction, all_cases


@pytest.fixture(scope="session")
def as_reported(tmp_path_factory: pytest.TempPathFactory) -> Direction:
    return all_cases(tmp_path_factory, "as_reported")


@pytest.fixture(scope="session")
def remediated(tmp_path_factory: pytest.TempPathFactory) -> Direction:
    return all_cases(tmp_path_factory, "remediated")
