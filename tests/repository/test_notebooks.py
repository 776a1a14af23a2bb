"""A notebook is stored without outputs, and imports only gp_helpers itself."""

import ast
import json
from typing import Any

import pytest

from tests.support.repository import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))


def objections(notebook: dict[str, Any]) -> list[str]:
    """What is wrong with a notebook, as `cell number: objection`."""
    found = []
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        if cell["outputs"] or cell["execution_count"] is not None:
            found.append(f"{number}: stored with outputs")
        tree = compile(
            "".join(cell["source"]),
            f"cell {number}",
            "exec",
            flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = ["." * node.level + (node.module or "")]
            found += [f"{number}: imports {name}" for name in names if name != "gp_helpers"]
    return found


def test_the_stored_notebooks() -> None:
    found = {path.name: objections(json.loads(path.read_text())) for path in NOTEBOOKS}
    assert found == {path.name: [] for path in NOTEBOOKS}


def notebook_of(source: str, count: int | None = None, outputs: tuple[str, ...] = ()) -> Any:
    cell = {
        "cell_type": "code",
        "source": source.splitlines(keepends=True),
        "execution_count": count,
        "outputs": list(outputs),
    }
    return {"cells": [{"cell_type": "markdown", "source": ["# import nothing"]}, cell]}


@pytest.mark.parametrize(
    ("notebook", "found"),
    [
        (notebook_of("import gp_helpers\nawait gp_helpers.open_lab()"), []),
        (notebook_of("from gp_helpers import Lab"), []),
        (notebook_of("import pandas"), ["1: imports pandas"]),
        (notebook_of("from gp_helpers.cases import x"), ["1: imports gp_helpers.cases"]),
        (notebook_of("1 + 1", count=3), ["1: stored with outputs"]),
        (notebook_of("1 + 1", outputs=("2",)), ["1: stored with outputs"]),
    ],
)
def test_what_is_objected_to(notebook: dict[str, Any], found: list[str]) -> None:
    assert objections(notebook) == found
