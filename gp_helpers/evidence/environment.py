"""``environment.json``: where, with what and how a run was made; written before its first trial."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gp_helpers.evidence.expected import expected_of
from gp_helpers.history import Redactor
from gp_helpers.parameters import Parameters

SCHEMA = 1
_PACKAGES = (
    "golden-path-workbook",
    "papermill",
    "nbclient",
    "jupyter_client",
    "ipykernel",
    "nbconvert",
    "httpx",
    "websockets",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "pyjwt",
    "argon2-cffi",
    "pydantic",
    "pandas",
    "scipy",
    "matplotlib",
)
_REFERENCE = re.compile(r"\$?\{[^{}]+\}")
_VARIABLE = re.compile(r"\$\{\w+\}")


def describe(
    run_id: str,
    environment: str,
    parameters: Parameters,
    *,
    selected: Sequence[str],
    not_selected: Mapping[str, str],
    started: datetime,
) -> dict[str, Any]:
    """What a run's environment file says. References to the environment stay unresolved."""
    return {
        "schema": SCHEMA,
        "run": run_id,
        "environment": environment,
        "started": started.isoformat(),
        "ended": None,
        "workbook": {"version": workbook_version(), "revision": revision()},
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": {
            "system": platform.platform(),
            "machine": platform.machine(),
            "processors": os.cpu_count(),
        },
        "packages": {name: _version(name) for name in _PACKAGES},
        "cloud_run_rules": cloud_run_rules(),
        "expectation": parameters.expectation.value,
        "seed": parameters.seed,
        "trials": parameters.trials,
        "success_threshold": parameters.threshold("success_rate"),
        "selected": list(selected),
        "not_selected": dict(not_selected),
        "expected": {case: expected_of(case, parameters).to_json() for case in selected},
        "parameters": without_secrets(parameters.as_json()),
    }


def workbook_version() -> str:
    """The version of this package."""
    return _version("golden-path-workbook") or "not installed"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def revision() -> dict[str, Any] | None:
    """The git revision of the workbook's own source; None where it is not a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "has_changes": changed is None or bool(changed)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        ran = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()


def cloud_run_rules() -> dict[str, Any]:
    """When the emulated rules were read, and which could not be verified."""
    from gp_helpers.cloud_run.rules import RULES, RULES_READ_ON

    return {
        "read_on": RULES_READ_ON,
        "not_verified": [rule.id for rule in RULES if not rule.verified],
    }


def without_secrets(parameters: Any) -> Any:
    """Parameters as they may be shown: a literal under the name of a secret is taken out.

    What refers to something else (``${NAME}``, ``{token}``) is not a secret and stays.
    """
    redactor = Redactor()

    def member(key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: member(str(name), inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [member(key, inner) for inner in value]
        if key == "inline" and isinstance(value, str) and not _VARIABLE.fullmatch(value.strip()):
            return "‹accounts›"
        if isinstance(value, str) and not _REFERENCE.search(value) and not _is_path(key):
            return redactor.value({key: value})[key]
        return value

    return member("", parameters)


def _is_path(key: str) -> bool:
    """Keys of a description that hold JMESPath expressions or names, whatever they are called."""
    return key in {"refresh_token", "present_token", "token_query", "token_cookie", "cookie"}
