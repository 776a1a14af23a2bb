"""Faults that stand between: TCP and HTTP hops, order gates, a store whose lock is held.

Real messages are ordered, delayed, dropped and cut; nothing sleeps in the place of a failure.
"""

from __future__ import annotations

from gp_helpers.faults.delay_line import NO_DELAY, Delay, Direction
from gp_helpers.faults.frames import FrameProxy, SeenHandshake
from gp_helpers.faults.frames_core import Fate, FrameRecord
from gp_helpers.faults.frames_plan import (
    ANY_FRAME,
    NAMES,
    CloseWith,
    DelayFrame,
    DropFrame,
    DuplicateFrame,
    FrameMatch,
    FramePlan,
    HoldUntilPassed,
    InterventionNotAllowed,
    ReorderFrame,
    WireMessage,
)
from gp_helpers.faults.gates import GateTimeout, OrderGate
from gp_helpers.faults.http import HttpFault
from gp_helpers.faults.http_core import (
    Answer,
    Hold,
    HttpFaultPlan,
    HttpMessage,
    LoseResponse,
    Match,
    NeverAnswer,
)
from gp_helpers.faults.store import HeldLock, WriteLockError, held_write_lock
from gp_helpers.faults.tcp import AchievedDelay, TcpProxy
from gp_helpers.faults.tcp_core import PASS, TcpFault

__all__ = [
    "ANY_FRAME",
    "NAMES",
    "NO_DELAY",
    "PASS",
    "AchievedDelay",
    "Answer",
    "CloseWith",
    "Delay",
    "DelayFrame",
    "Direction",
    "DropFrame",
    "DuplicateFrame",
    "Fate",
    "FrameMatch",
    "FramePlan",
    "FrameProxy",
    "FrameRecord",
    "GateTimeout",
    "HeldLock",
    "Hold",
    "HoldUntilPassed",
    "HttpFault",
    "HttpFaultPlan",
    "HttpMessage",
    "InterventionNotAllowed",
    "LoseResponse",
    "Match",
    "NeverAnswer",
    "OrderGate",
    "ReorderFrame",
    "SeenHandshake",
    "TcpFault",
    "TcpProxy",
    "WireMessage",
    "WriteLockError",
    "held_write_lock",
]
