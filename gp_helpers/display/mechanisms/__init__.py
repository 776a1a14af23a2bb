"""Mechanisms drawn: for each case a small sequence diagram of what really breaks, and where."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module

from gp_helpers.display.mechanisms.diagram import Break, Diagram, Message, Note, draw
from gp_helpers.display.svg import Svg
from gp_helpers.plan import Suite, case_info

__all__ = ["Break", "Diagram", "Message", "Note", "diagram_of", "mechanism_of"]


@lru_cache
def _diagrams(suite: Suite) -> Mapping[str, Diagram]:
    module = import_module(f"{__name__}.{suite.value}")
    diagrams: tuple[Diagram, ...] = module.DIAGRAMS
    return {diagram.case: diagram for diagram in diagrams}


def diagram_of(case_id: str) -> Diagram:
    """The diagram of a case, as data; `UnknownNameError` if the plan has no such case."""
    return _diagrams(case_info(case_id).suite)[case_id]


def mechanism_of(case_id: str) -> Svg:
    """The diagram of a case, drawn."""
    return draw(diagram_of(case_id))
