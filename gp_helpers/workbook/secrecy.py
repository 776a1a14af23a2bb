"""What steps show and exceptions say of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gp_helpers.history import Redactor


def without_secrets(value: Any, redactor: Redactor) -> Any:
    """What a step shows, without secrets in its texts; a column may be called ``token``."""
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, Mapping):
        return {key: without_secrets(inner, redactor) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner, redactor) for inner in value]
    return value


def hide_secrets(error: BaseException, redactor: Redactor) -> None:
    """Take secrets out of what an exception and those behind it say: a notebook shows them."""
    seen: set[int] = set()
    behind: BaseException | None = error
    while behind is not None and id(behind) not in seen:
        seen.add(id(behind))
        behind.args = tuple(
            redactor.text(one) if isinstance(one, str) else one for one in behind.args
        )
        behind = behind.__cause__ or behind.__context__
