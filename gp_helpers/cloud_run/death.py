"""How a process notices that the one it belongs to has died, and dies with it.

A pipe that reports end of file does not end a frozen process, and ``PR_SET_PDEATHSIG`` (Linux only)
fires when the *thread* that started the child ends. So both are used, each where it holds: the
signal between a single-threaded parent and its fork, the pipe, read by a thread, where there is no
such signal.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def adopt_orphans() -> None:
    """Have this process be the parent of its descendants whose own parent ends (Linux).

    So it can wait for them: who kills a process that is not its child is not told when it is gone.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_at_end_of(lifelines: Sequence[int]) -> None:
    """Start a thread that kills this process and its group when a pipe's other end is gone.

    Not on Linux, where the kernel does that, see `die_with_parent`, and without a thread.
    """
    if _libc is not None:
        return

    def watch() -> None:
        poll = select.poll()
        for lifeline in lifelines:
            poll.register(lifeline, select.POLLIN | select.POLLHUP)
        poll.poll()
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
