"""What the notebook of a review may be told, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gp_helpers.parameters import ParameterError


class ReviewParameters(BaseModel):
    """What the notebook of a review may be told."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    outputs: str = ""
    """The folder of the runs; empty: ``$GOLDEN_PATH_OUTPUTS`` or the nearest ``outputs/``."""
    environments: list[str] = []
    """Follow the cases of these alone; empty: of all."""
    before: str = ""
    """A run to compare, by its folder's or bundle's name; empty: chosen, see `Review.before`."""
    after: str = ""
    """The run to compare it with; empty: the newest."""
    expect: str = ""
    """The root digest that the run ``after`` has, from a place of one's own."""


def validate_review(values: Mapping[str, Any], *, source: str) -> ReviewParameters:
    """Check values; `ParameterError` names what was found and what is allowed."""
    try:
        return ReviewParameters.model_validate(dict(values))
    except ValidationError as error:
        raise ParameterError(
            source,
            [
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}, found {one['input']!r:.60}"
                for one in error.errors()
            ],
        ) from None
