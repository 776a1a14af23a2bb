"""Parameter files: one file is one environment, validated before anything starts."""

from gp_helpers.parameters.description import EVENTS, Description, Operation
from gp_helpers.parameters.loading import (
    ParameterError,
    find,
    folder,
    known_environments,
    load,
    validate,
)
from gp_helpers.parameters.schema import (
    AsgiTarget,
    DeploymentTarget,
    EmbeddedTarget,
    Expectation,
    Isolation,
    ListedDefects,
    Parameters,
)

__all__ = [
    "EVENTS",
    "AsgiTarget",
    "DeploymentTarget",
    "Description",
    "EmbeddedTarget",
    "Expectation",
    "Isolation",
    "ListedDefects",
    "Operation",
    "ParameterError",
    "Parameters",
    "find",
    "folder",
    "known_environments",
    "load",
    "validate",
]
