"""Faults that stand between: TCP and HTTP hops, order gates, a store whose lock is held.

Real messages are ordered, delayed, dropped and cut; nothing sleeps in the place of a failure.
"""

from __future__ import annotations

from gp_helpers.faults.delay_line import NO_DELAY, Delay
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
from gp_helpers.faults.tcp import AchievedDelay, Direction, TcpProxy
from gp_helpers.faults.tcp_core import PASS, TcpFault

__all__ = [
    "NO_DELAY",
    "PASS",
    "AchievedDelay",
    "Answer",
    "Delay",
    "Direction",
    "GateTimeout",
    "HeldLock",
    "Hold",
    "HttpFault",
    "HttpFaultPlan",
    "HttpMessage",
    "LoseResponse",
    "Match",
    "NeverAnswer",
    "OrderGate",
    "TcpFault",
    "TcpProxy",
    "WriteLockError",
    "held_write_lock",
]
