"""One scale of urgency, from the client's word to the place in the queue."""

from __future__ import annotations

from gp_helpers.platform.contract import Priority
from gp_helpers.platform.errors import PlatformError

_ORDER = (Priority.HIGH, Priority.NORMAL, Priority.LOW)


class OneScale:
    """The contract's three words; the more urgent one has the smaller number, as in the queue."""

    def read(self, said: str | int) -> Priority:
        try:
            return Priority(str(said))
        except ValueError as error:
            known = ", ".join(_ORDER)
            raise PlatformError("invalid_request", f"priority: must be one of {known}") from error

    def number(self, priority: Priority) -> int:
        return _ORDER.index(priority)
