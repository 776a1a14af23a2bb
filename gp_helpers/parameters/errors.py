"""What is raised for parameters that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence


class ParameterError(ValueError):
    """Parameters that cannot be used: where, what was found and what is allowed."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = list(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
