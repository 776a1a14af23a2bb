"""What those who fork have to know of processes: how many threads one has, and how a group ends."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def thread_count(end_s: float = 0.0) -> int:
    """How many threads this process has, 1 where nothing says so (elsewhere than on Linux).

    The system needs a moment to end a thread that Python has ended: up to `end_s` is waited until
    one is left.
    """
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return 1
    until = time.monotonic() + end_s
    while (threads := len(list(tasks.iterdir()))) > 1 and time.monotonic() < until:
        time.sleep(0.001)
    return threads


def kill_group(pid: int) -> None:
    """Send SIGKILL to the group that a process leads, if it is there."""
    # macOS reports EPERM for a group whose only member is a zombie.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
