"""What those who fork have to know of processes: how many threads one has, and how a group ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
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


def signal_child(pid: int, number: int) -> None:
    """Send a signal to the group that was made for a child, and to the child if it has left that.

    Until it is reaped, its id is no other process's. Nobody is told where nothing is left to hear.
    """
    _signal_group(pid, number)
    with suppress(ProcessLookupError, PermissionError):
        # It could come back in between: killed it is wherever it is.
        if number == signal.SIGKILL or os.getpgid(pid) != pid:
            os.kill(pid, number)


def kill_groups(pid: int, others: Collection[int]) -> set[int]:
    """Kill what a child is in a group with: the group that was made for it, and where it has gone.

    Called before it is reaped: until then these numbers cannot be given to other groups. This
    process's own group and those of its ``others``, by their ids, are spared.

    Returns:
        The groups.
    """
    groups = {pid}
    with suppress(ProcessLookupError):
        groups.add(os.getpgid(pid))
    groups -= {os.getpgrp(), *others}
    for group in groups:
        _signal_group(group, signal.SIGKILL)
    return groups


def _signal_group(group: int, number: int) -> None:
    # macOS reports EPERM for a group whose only member is a zombie.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
