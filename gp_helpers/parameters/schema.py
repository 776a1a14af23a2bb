"""The schema of a parameter file: a target, an expectation, amounts.

One schema serves the command line, the notebooks and the plan's tests; its top-level keys are the
notebooks' parameters.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from gp_helpers.parameters.description import Described, Description, Limits
from gp_helpers.parameters.operations import Flag, Number, WholeNumber
from gp_helpers.plan import THRESHOLDS, UnknownNameError, select


class Expectation(StrEnum):
    """What a run is expected to show."""

    REPRODUCE = "reproduce"
    """The cases whose defects are on fail with that case's finding codes; the others pass.

    Nothing is expected of a case that a defect of another one, switched on by a list, may break.
    """
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
    time_scale: Number = Field(default=1.0, gt=0, le=10)


class AsgiApplication(Described):
    """An application of the user's, by import string."""

    app: str = Field(pattern=r"^[\w.]+:\w+$")
    """``package.module:name`` of an ASGI application, or of a factory (``factory: true``)."""
    factory: Flag = False
    """It is a callable that returns the application: without arguments."""
    environment: dict[str, str] = {}
    """``{NAME.url}`` is the address of another application; a proxy can stand there."""
    ready_path: str | None = None
    """An instance gets requests when this path is answered; else as soon as its port listens."""
    start_timeout_s: Number = Field(default=20.0, gt=0)


class IngressTimeouts(Described):
    """When what stands in front of the backend cuts it off, for the case that is about that."""

    request_timeout_s: Number = Field(default=0.9, gt=0, le=60)
    """Of any request, an open socket included: a rule of Cloud Run."""
    idle_timeout_s: Number = Field(default=0.2, gt=0, le=60)
    """Of a socket on which nothing is said: a rule of proxies that stand before it."""


class AsgiTarget(Description):
    """The user's own ASGI applications, started by the workbook, one of them behind the ingress.

    ``{NAME.url}`` and ``{NAME.ws_url}`` in the description are the applications' addresses; the
    backend's is the ingress.
    """

    kind: Literal["asgi"]
    applications: dict[str, AsgiApplication]
    backend: str = "backend"
    """Which of the applications stands behind the ingress."""
    model_path: str | None = None
    """How the path begins of what the backend asks ``model`` for an answer; without it, faults
    there hit whatever it asks by POST."""
    ingress: IngressTimeouts = IngressTimeouts()
    """State it if your code cannot be told to beat and to end its sockets within the defaults."""
    isolation: Isolation = Isolation.PROCESS
    factories: dict[str, str] = {}
    """``agent``, ``connection`` or ``execution`` (or ``agent.NAME``) to an import string."""
    routers: dict[str, str] = {}
    """Name to the import string of ``route(message) -> agent``."""
    agents: dict[str, str] = {}
    """The corpus's agents (``analysis``, ``planning``, ``triage``) to what yours are called."""
    store: str | None = None
    """SQLAlchemy URL of the store, so that its write lock can be held."""
    path: tuple[str, ...] = ()
    """Folders that are put on the import path of the applications."""

    @model_validator(mode="after")
    def _has_its_backend(self) -> AsgiTarget:
        if self.backend not in self.applications:
            known = ", ".join(self.applications)
            raise ValueError(f"backend: {self.backend!r} is not an application; there are: {known}")
        return self

    @model_validator(mode="after")
    def _can_have_environments(self) -> AsgiTarget:
        with_one = [name for name, one in self.applications.items() if one.environment]
        if with_one and self.isolation is Isolation.THREAD:
            raise ValueError(
                f"isolation: in one process {', '.join(with_one)} cannot have an environment of "
                "their own; allowed with it: process"
            )
        return self


class DeploymentTarget(Description):
    """A platform that is already running somewhere."""

    kind: Literal["deployment"]
    limits: Limits


Target = Annotated[EmbeddedTarget | AsgiTarget | DeploymentTarget, Field(discriminator="kind")]


FEWEST_USERS, DEFAULT_USERS = 2, 3


def _users_allowed(target: Any) -> int | None:
    """What ``limits.concurrent_users`` of a target says, before anything is validated."""
    limits = target.get("limits") if isinstance(target, dict) else getattr(target, "limits", None)
    stated = (
        limits.get("concurrent_users")
        if isinstance(limits, dict)
        else getattr(limits, "concurrent_users", None)
    )
    return stated if isinstance(stated, int) else None


class Parameters(Described):
    """One environment."""

    target: Target = EmbeddedTarget()
    cases: tuple[str, ...] = ()
    """Suites or cases; empty selects all."""
    expectation: Expectation = Expectation.REPRODUCE
    trials: WholeNumber = Field(default=1, ge=1, le=10_000)
    seed: WholeNumber = Field(default=1176, ge=0)
    concurrent_users: WholeNumber = Field(default=DEFAULT_USERS, ge=FEWEST_USERS, le=200)
    sessions: WholeNumber = Field(default=20, ge=5, le=2000)
    """Sessions of a trial of ``factory.lifecycle``."""
    many_sessions: WholeNumber = Field(default=300, ge=0, le=2000)
    """Sessions over which its notebook counts once more, beside the trial; 0 leaves that out."""
    thresholds: Annotated[
        dict[str, Number],
        Field(
            json_schema_extra={
                "properties": {
                    name: {"type": "number", **threshold.bounds}
                    for name, threshold in THRESHOLDS.items()
                },
                "additionalProperties": False,
            }
        ),
    ] = {}
    """Limits other than the plan's, by name."""

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
        for name, limit in thresholds.items():
            if name not in THRESHOLDS:
                raise ValueError(str(UnknownNameError("threshold", name, THRESHOLDS)))
            if not THRESHOLDS[name].can_be(limit):
                allowed = THRESHOLDS[name].allowed
                raise ValueError(f"{name}: no limit that makes sense: {limit}; allowed: {allowed}")
        return thresholds

    @model_validator(mode="before")
    @classmethod
    def _as_many_users_as_allowed(cls, data: Any) -> Any:
        """By default as many as the target allows, if that is fewer."""
        allowed = _users_allowed(data.get("target")) if isinstance(data, dict) else None
        if allowed is None or "concurrent_users" in data:
            return data
        return {**data, "concurrent_users": max(FEWEST_USERS, min(DEFAULT_USERS, allowed))}

    @model_validator(mode="after")
    def _within_the_targets_limits(self) -> Parameters:
        if isinstance(self.target, DeploymentTarget):
            allowed = max(self.target.limits.concurrent_users, FEWEST_USERS)
            if self.concurrent_users > allowed:
                raise ValueError(
                    f"concurrent_users: {self.concurrent_users} is more than "
                    f"target.limits.concurrent_users, {allowed}"
                )
        return self

    def threshold(self, name: str) -> float:
        """The limit that applies: the file's own, or the plan's."""
        return self.thresholds.get(name, THRESHOLDS[name].limit)

    def as_json(self) -> dict[str, Any]:
        """The parameters as they were written, references to the environment unresolved."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
