"""The defects of the WebSocket suite."""

from __future__ import annotations

from gp_helpers.platform.defects.model import Defect

DEFECTS: tuple[Defect, ...] = ()
