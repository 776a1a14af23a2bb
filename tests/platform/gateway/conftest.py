"""Platforms for the gateway's tests: a shared remediated one, and fresh ones with defects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.platform.settings import StoreSettings
from gp_helpers.platform.store import create_store
from tests.platform.gateway.lab import Lab

StartLab = Callable[..., Lab]


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[StartLab]:
    """Starts a platform of its own with the given defects and settings."""
    labs: list[Lab] = []

    def start(*defects: str, **options: Any) -> Lab:
        labs.append(Lab(fresh_store(tmp_path / str(len(labs)))))
        labs[-1].start(*defects, **options)
        return labs[-1]

    yield start
    for lab in labs:
        lab.close()


@pytest.fixture(scope="package")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(fresh_store(tmp_path_factory.mktemp("shared")))
    try:
        lab.start()
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """The remediated platform, at rest."""
    shared_lab.wait_for_state(is_at_rest, "rest")
    yield shared_lab
    shared_lab.tidy()


def is_at_rest(state: dict[str, Any]) -> bool:
    """Whether nothing is left of any connection."""
    return not state["connections"] and state["in_flight"] == 0


def fresh_store(folder: Path) -> StoreSettings:
    folder.mkdir(exist_ok=True)
    settings = StoreSettings(url=f"sqlite:///{folder / 'store.db'}", synchronous="OFF")
    create_store(settings)
    return settings
