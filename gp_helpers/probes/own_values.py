"""Values of our own, of a stated account say, that make no request: nothing was observed then.

Values that the platform issued, its token for instance, are told apart: that one of those makes no
request is the platform's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gp_helpers.parameters.sendable import UnsendableError, sendable_value
from gp_helpers.parameters.templates import render

_ISSUED = ("token", "refresh_token", "token_base64url", "thread_id")


class OwnValueError(ValueError):
    """A value of ours cannot be sent; where, and not which."""


def without_issued(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables with something harmless for whatever the platform issued."""
    ours = {name: "x" if name in _ISSUED else value for name, value in variables.items()}
    user = ours.get("user")
    return {**ours, "user": {**user, "id": "x"}} if isinstance(user, Mapping) else ours


def hold_own_headers(templates: Mapping[str, str], variables: Mapping[str, Any]) -> None:
    """Raise `OwnValueError` where a header cannot be sent for a value of ours."""
    ours = without_issued(variables)
    for name, template in templates.items():
        try:
            sendable_value(str(render(template, ours)))
        except UnsendableError as error:
            raise OwnValueError(f"{name}: {error}") from None
