"""The corpus: messages as people write them, each with the agent that a person says is right.

`corpus.csv` is written by hand. `right` names an agent, or `refused:` and the error code; `padding`
is how many idle sentences stand before the message. No router reads it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

REFUSED = "refused:"
_IDLE = "The meeting was on Tuesday, the weather was fine, and nobody had any questions. "


@dataclass(frozen=True, slots=True)
class CorpusMessage:
    """One message, and what becomes of it where routing is right."""

    id: str
    type: str
    """Type of the message; empty for one that has none."""
    agent: str | None
    """The agent that the message names."""
    text: str
    right: str
    language: str
    note: str

    @property
    def is_an_agent_request(self) -> bool:
        """Whether a client can send it as a question."""
        return self.type == "agent_request" and bool(self.text)

    def fields(self) -> dict[str, Any]:
        """The fields of the message that routers look at."""
        named = {"agent": self.agent} if self.agent is not None else {}
        return {"type": self.type, "message": self.text, **named}


@cache
def corpus() -> tuple[CorpusMessage, ...]:
    """All messages, in the order of the file."""
    text = resources.files(__package__).joinpath("corpus.csv").read_text(encoding="utf-8")
    return tuple(
        CorpusMessage(
            id=row["id"],
            type=row["type"],
            agent=row["agent"] or None,
            text=_IDLE * int(row["padding"]) + row["message"],
            right=row["right"],
            language=row["language"],
            note=row["note"],
        )
        for row in csv.DictReader(text.splitlines(keepends=True))
    )
