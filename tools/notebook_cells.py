"""What notebooks are written with: cells before they are JSON, and the prose of people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROSE = Path(__file__).parent / "notebook_prose"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, before it becomes JSON."""

    name: str
    source: str
    is_code: bool = False
    tags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The cell as nbformat 4.5 states it, without outputs."""
        identifier = re.sub(r"[^a-zA-Z0-9-]+", "-", self.name)[:64]
        metadata: dict[str, Any] = {"tags": list(self.tags)} if self.tags else {}
        source = self.source.strip("\n").splitlines(keepends=True)
        if not self.is_code:
            return {
                "cell_type": "markdown",
                "id": identifier,
                "metadata": metadata,
                "source": source,
            }
        return {
            "cell_type": "code",
            "execution_count": None,
            "id": identifier,
            "metadata": metadata,
            "outputs": [],
            "source": source,
        }


def text(name: str, source: str) -> Cell:
    """A Markdown cell."""
    return Cell(name, source)


def code(name: str, source: str, *tags: str) -> Cell:
    """A code cell."""
    return Cell(name, source, True, tags)


def prose_of(name: str) -> dict[str, str]:
    """The sections of a prose file by heading; what comes before the first stands under ``""``."""
    sections: dict[str, str] = {}
    heading = ""
    for line in (PROSE / f"{name}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ").strip()
            continue
        sections[heading] = f"{sections.get(heading, '')}{line}\n"
    return {heading: body.strip() for heading, body in sections.items()}
