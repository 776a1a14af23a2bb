"""What a hop from one service to another gives: an answer, or one of two ways of having none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


class HopFailed(Exception):
    """Raised when a hop gave no HTTP answer; what was asked may have been done."""


class HopUnreachable(HopFailed):
    """Raised when no connection was made: certainly nothing was done."""


@dataclass(frozen=True, slots=True)
class HopReply:
    """An HTTP answer, whatever its status."""

    status: int
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is from 200 to 299."""
        return 200 <= self.status < 300

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 500 or more."""
        return self.status >= 500

    def json(self) -> Any:
        """The content as JSON; raises ``ValueError``."""
        return json.loads(self.content)
