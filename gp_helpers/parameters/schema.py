"""The schema of a parameter file: a target, an expectation, amounts.

One schema serves the command line, the notebooks and the plan's tests; its top-level keys are the
notebooks' parameters.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from gp_helpers.parameters.description import Described, Description, Limits, WebSocketDescription
from gp_helpers.plan import THRESHOLDS, UnknownNameError, select


class Expectation(StrEnum):
    """What a run is expected to show."""

    REPRODUCE = "reproduce"
    """The cases whose defects are on fail with that case's finding codes; the others pass."""
    PASS = "pass"
    """Every case passes."""
    NONE = "none"
    """Report only."""


class Isolation(StrEnum):
    """How the embedded platform's services are kept apart."""

    PROCESS = "process"
    THREAD = "thread"


class ListedDefects(Described):
    """A wiring with exactly these defects."""

    defects: tuple[str, ...]


class EmbeddedTarget(Described):
    """The platform that ships with the workbook, started on loopback."""

    kind: Literal["embedded"] = "embedded"
    wiring: Literal["as_reported", "remediated", "all_defects"] | ListedDefects = "as_reported"
    isolation: Isolation = Isolation.PROCESS
    time_scale: float = Field(default=1.0, gt=0, le=10)


class AsgiApplication(Described):
    """An application of the user's, by import string."""

    app: str
    """``package.module:name`` of an ASGI application, or of a factory without arguments."""
    factory: bool = False
    environment: dict[str, str] = {}
    ready_path: str | None = None
    instances: int = Field(default=1, ge=1, le=8)


class AsgiTarget(Description):
    """The user's own ASGI applications, started by the workbook behind the ingress."""

    kind: Literal["asgi"]
    applications: dict[str, AsgiApplication]
    backend: str = "backend"
    """Which of the applications stands behind the ingress."""
    isolation: Isolation = Isolation.PROCESS
    factories: dict[str, str] = {}
    routers: dict[str, str] = {}
    path: tuple[str, ...] = ()
    """Folders that are put on the import path of the applications."""
    limits: Limits = Limits()


class DeploymentTarget(Description):
    """A platform that is already running somewhere."""

    kind: Literal["deployment"]
    websocket: WebSocketDescription | None = None
    limits: Limits


Target = Annotated[EmbeddedTarget | AsgiTarget | DeploymentTarget, Field(discriminator="kind")]


class Parameters(Described):
    """One environment."""

    target: Target = EmbeddedTarget()
    cases: tuple[str, ...] = ()
    """Suites or cases; empty selects all."""
    expectation: Expectation = Expectation.REPRODUCE
    trials: int = Field(default=1, ge=1, le=10_000)
    seed: int = Field(default=1176, ge=0)
    concurrent_users: int = Field(default=3, ge=2, le=200)
    sessions: int = Field(default=20, ge=5, le=2000)
    """Sessions of a trial of ``factory.lifecycle``."""
    thresholds: dict[str, float] = {}

    @field_validator("cases")
    @classmethod
    def _known_cases(cls, cases: tuple[str, ...]) -> tuple[str, ...]:
        try:
            select(cases)
        except UnknownNameError as error:
            raise ValueError(str(error)) from error
        return cases

    @field_validator("thresholds")
    @classmethod
    def _known_thresholds(cls, thresholds: dict[str, float]) -> dict[str, float]:
        for name in thresholds:
            if name not in THRESHOLDS:
                raise ValueError(str(UnknownNameError("threshold", name, THRESHOLDS)))
        return thresholds

    def threshold(self, name: str) -> float:
        """The limit that applies: the file's own, or the plan's."""
        return self.thresholds.get(name, THRESHOLDS[name].limit)

    def as_json(self) -> dict[str, Any]:
        """The parameters as they were written, references to the environment unresolved."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
