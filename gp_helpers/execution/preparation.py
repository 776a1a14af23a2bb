"""Makes the notebook of a job ready to run: read, checked, and its parameters put in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.reader import NotJSONError
from papermill.execute import prepare_notebook_metadata, remove_error_markers
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from gp_helpers.execution.errors import NotebookFileError
from gp_helpers.execution.limits import check_cell_limits, stated_deadline
from gp_helpers.execution.outcomes import NotebookJob
from gp_helpers.execution.parameter_check import check_parameters

DEFAULT_KERNEL = "python3"


def project_root(source: Path) -> Path:
    """The nearest folder at or above a notebook with a ``pyproject.toml``, or else its own."""
    folder = source.resolve().parent
    for candidate in (folder, *folder.parents):
        if (candidate / "pyproject.toml").is_file():
            return candidate
    return folder


def kernel_name(notebook: NotebookNode) -> str:
    """The kernel that a notebook asks for."""
    return str(notebook.metadata.get("kernelspec", {}).get("name", DEFAULT_KERNEL))


def prepared(jobs: Sequence[NotebookJob]) -> list[NotebookNode]:
    """The notebooks of jobs, each checked.

    Raises:
        ParameterError: parameters of a job are unknown or mistyped.
        NotebookFileError: a notebook cannot be read, or has a tag that makes no sense.
        ValueError: two jobs have the same destination.
    """
    _refuse_shared_destinations(jobs)
    return [_prepared(job) for job in jobs]


def _prepared(job: NotebookJob) -> NotebookNode:
    source = str(job.source)
    notebook = _read(job.source)
    check_parameters(notebook, job.parameters, source=source)
    check_cell_limits(notebook, source)
    stated_deadline(notebook, source)
    if job.parameters:
        spec: dict[str, Any] = notebook.metadata.get("kernelspec", {})
        notebook = parameterize_notebook(
            notebook,
            dict(job.parameters),
            kernel_name=kernel_name(notebook),
            language=spec.get("language", "python"),
        )
    # Evidence names no folder of the machine that it was made on.
    began_as = job.source.resolve().relative_to(project_root(job.source))
    prepare_notebook_metadata(notebook, str(began_as), job.destination.name)
    ready: NotebookNode = remove_error_markers(notebook)
    return ready


def _read(source: Path) -> NotebookNode:
    if not source.is_file():
        raise NotebookFileError(f"{source}: there is no such file")
    try:
        notebook: NotebookNode = load_notebook_node(str(source))
    except (NotJSONError, json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise NotebookFileError(f"{source}: not a notebook: {error}") from error
    return notebook


def _refuse_shared_destinations(jobs: Sequence[NotebookJob]) -> None:
    seen: set[Path] = set()
    for job in jobs:
        destination = job.destination.resolve()
        if destination in seen:
            raise ValueError(f"{job.destination}: two notebooks would be saved there")
        seen.add(destination)
