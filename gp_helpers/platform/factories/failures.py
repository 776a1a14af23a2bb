"""What becomes of a factory whose write failed: one error type, and it is not hidden here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from gp_helpers.platform.errors import PlatformError

logger = logging.getLogger(__name__)

Product = TypeVar("Product")


class FailureEdge(Protocol):
    """Decides what a factory's caller gets when the product could not be made."""

    async def make(
        self,
        what: str,
        work: Callable[[], Awaitable[Product]],
        stand_in: Callable[[], Product],
    ) -> Product:
        """The work's product; `stand_in` makes one that needs nothing. Failures are logged."""
        ...


class OneContract:
    """Lets the platform's one error type through, to be translated where the user is answered."""

    async def make(
        self,
        what: str,
        work: Callable[[], Awaitable[Product]],
        _stand_in: Callable[[], Product],
    ) -> Product:
        try:
            return await work()
        except PlatformError as error:
            logger.warning("%s could not be made: %s", what, error)
            raise
