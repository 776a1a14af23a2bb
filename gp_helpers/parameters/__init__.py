"""Parameter files: one file is one environment, validated before anything starts."""

from gp_helpers.parameters.description import EVENTS, FAULTS, Description, Limits, Operation
from gp_helpers.parameters.errors import ParameterError
from gp_helpers.parameters.json_schema import json_schema
from gp_helpers.parameters.loading import (
    environment_of,
    find,
    folder,
    known_environments,
    load,
    refusal,
    require_references,
    resolved,
    schema_seen_from,
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
    "FAULTS",
    "AsgiTarget",
    "DeploymentTarget",
    "Description",
    "EmbeddedTarget",
    "Expectation",
    "Isolation",
    "Limits",
    "ListedDefects",
    "Operation",
    "ParameterError",
    "Parameters",
    "environment_of",
    "find",
    "folder",
    "json_schema",
    "known_environments",
    "load",
    "refusal",
    "require_references",
    "resolved",
    "schema_seen_from",
    "validate",
]
