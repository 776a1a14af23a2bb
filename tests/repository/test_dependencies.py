"""pyproject.toml states the dependencies; environment.yml and requirements.lock follow from it."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.repository import ROOT

NAMED_FOR_CONDA = {"jupyterlab", "papermill", "nbclient", "httpx", "websockets", "pandas"}
NAMES_AN_INDEX = re.compile(
    r"https?://|file:|--(?:extra-)?index-url|--find-links|--trusted-host|^\s*-[if]\s", re.MULTILINE
)


@dataclass(frozen=True)
class Pin:
    """One package of the lock: its version, and how many archives may stand for it."""

    requirement: Requirement
    hashes: int

    @property
    def version(self) -> Version:
        (specifier,) = self.requirement.specifier
        assert specifier.operator == "=="
        return Version(specifier.version)


@cache
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def stated(*extras: str) -> dict[str, Requirement]:
    """The direct dependencies in pyproject.toml by canonical name."""
    lines = list(project()["dependencies"])
    for extra in extras:
        lines += project()["optional-dependencies"][extra]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def locked() -> dict[str, list[Pin]]:
    """The lock by canonical name; a package may have several pins, each for some environments."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    pins: dict[str, list[Pin]] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement, *hashes = re.split(r"\s--hash=sha256:", line)
        pin = Pin(Requirement(requirement), len(hashes))
        pins.setdefault(canonicalize_name(pin.requirement.name), []).append(pin)
    return pins


def conda_packages() -> dict[str, Requirement]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [Requirement(line) for line in environment["dependencies"] if isinstance(line, str)]
    return {requirement.name: requirement for requirement in plain}


@pytest.mark.parametrize("name", sorted(stated("dev")))
def test_each_dependency_is_locked_in_its_range(name: str) -> None:
    pins = locked().get(name)
    assert pins, f"{name} is in pyproject.toml and not in requirements.lock: run `make lock`"
    allowed = stated("dev")[name].specifier
    assert all(allowed.contains(pin.version) for pin in pins), f"{pins}: run `make lock`"


def test_every_pin_carries_hashes() -> None:
    assert [name for name, pins in locked().items() if not all(pin.hashes for pin in pins)] == []


def test_extras_of_a_dependency_are_locked_too() -> None:
    with_extras = {f"psycopg-{extra}" for extra in stated()["psycopg"].extras}
    assert with_extras <= set(locked())


def test_conda_gets_python_pip_and_the_six() -> None:
    assert set(conda_packages()) == NAMED_FOR_CONDA | {"python", "pip"}


def test_the_lower_bounds_of_conda_are_those_of_the_project() -> None:
    conda = conda_packages()
    for name in NAMED_FOR_CONDA:
        assert conda[name].specifier == stated()[name].specifier, name
    assert str(conda["python"].specifier) == project()["requires-python"]


def test_conda_takes_the_rest_from_the_package() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == "golden-path"
    assert environment["channels"] == ["conda-forge"]
    assert [line for line in environment["dependencies"] if isinstance(line, dict)] == [
        {"pip": ["-e ."]}
    ]


@pytest.mark.parametrize("name", ["pyproject.toml", "environment.yml", "requirements.lock"])
def test_no_index_is_named(name: str) -> None:
    assert NAMES_AN_INDEX.findall((ROOT / name).read_text()) == []
