"""A process forked from the zygote: it is a service, and may then be another one of the same code.

A fork copies nearly every page of memory that it touches, some 9 MB until a service is ready. So a
process whose service has ended in good order, with nothing of it left, is offered to the zygote.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import traceback
from typing import NoReturn

from gp_helpers.cloud_run.death import die_at_end_of, die_with_parent
from gp_helpers.cloud_run.loop import new_event_loop
from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.processes import thread_count
from gp_helpers.cloud_run.service_process import LAST_MOMENT_S, Assignment, serve


def work(
    first: Assignment, *, zygote: socket.socket, lifelines: tuple[int, int], zygote_pid: int
) -> NoReturn:
    """Be the service of `first`, then those that the zygote sends; end with the last one's code.

    Args:
        first: The service that this process was forked for.
        zygote: Where it says ``{"ended": code}`` and is sent the next service.
        lifelines: Pipes that report end of file when the owner, or the zygote, is gone.
        zygote_pid: The parent.
    """
    os.setpgid(0, 0)
    die_with_parent(zygote_pid)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    die_at_end_of(lifelines)
    # libuv keeps a pipe from its first loop on: no service has left that.
    new_event_loop().close()
    zygote.setblocking(True)
    reader = MessageReader(zygote)
    assignment: Assignment | None = first
    code = 1
    try:
        while assignment is not None:
            held = (assignment.listener, assignment.status, assignment.launcher)
            before = _descriptors() - {one.fileno() for one in held}
            code, may_be_another = serve(assignment)
            for one in held:
                one.close()
            if not (may_be_another and _is_as_before(before)):
                break
            assignment = _next(zygote, reader, code)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        _end(code)


def _end(code: int) -> NoReturn:
    """End at once: the interpreter's own finalisation would only make stopping slower."""
    try:
        logging.shutdown()
    finally:
        os._exit(code)


def _next(zygote: socket.socket, reader: MessageReader, code: int) -> Assignment | None:
    """Tell the zygote that the service has ended, and wait for another one."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    os.close(null)
    # Until the next service listens for it, a signal can only have been meant for the last one.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    zygote.sendall(encode({"ended": code}))
    while (messages := reader.read()) == []:
        pass
    if not messages:
        return None
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    listener, status, launcher = (socket.socket(fileno=one) for one in reader.take_descriptors(3))
    return Assignment(messages[0], listener, status, launcher)


def _descriptors() -> set[int]:
    listed = (int(name) for name in os.listdir("/dev/fd"))
    # The list names the descriptor by which it was read, which is closed by now.
    return {number for number in listed if _is_open(number)}


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _is_as_before(descriptors: set[int]) -> bool:
    """Whether the service has left no descriptor, no thread and no child process."""
    if sys.platform != "linux":
        return False  # Nothing there says how many threads there are.
    if thread_count(LAST_MOMENT_S) > 1 or not _descriptors() <= descriptors:
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False
