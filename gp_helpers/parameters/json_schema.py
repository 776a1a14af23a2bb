"""The JSON Schema of a parameter file, for editors and other tools.

A file that begins with ``# yaml-language-server: $schema=…/docs/parameters.schema.json`` is
completed and checked while it is written.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from gp_helpers.parameters.schema import Parameters

TITLE = "Parameter file of the Golden Path investigation workbook"


def json_schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12); what each key means comes from the models' docstrings."""
    schema = Parameters.model_json_schema(by_alias=True)
    told = _told()
    for name, definition in [("Parameters", schema), *schema.get("$defs", {}).items()]:
        for key, property_ in definition.get("properties", {}).items():
            property_.pop("title", None)
            text = next((told[one, key] for one in _with_bases(name) if (one, key) in told), None)
            if text is not None:
                property_["description"] = text
    schema["title"] = TITLE
    schema["minProperties"] = 1
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _with_bases(name: str) -> list[str]:
    """A model and what it inherits from, by name."""
    return [name, *_BASES.get(name, ())]


_BASES = {
    "AsgiTarget": ("Description",),
    "DeploymentTarget": ("Description",),
    "Persistence": ("Operation",),
}


def _told() -> dict[tuple[str, str], str]:
    """The docstring below each field: model and key to one line."""
    found: dict[tuple[str, str], str] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for model in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(model, ast.ClassDef):
                continue
            for field, below in zip(model.body, model.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(below, ast.Expr)
                    and isinstance(below.value, ast.Constant)
                    and isinstance(below.value.value, str)
                ):
                    found[model.name, field.target.id] = " ".join(below.value.value.split())
    return found
