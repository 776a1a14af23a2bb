"""The keeper's own process: forks kernels on request, kills their groups when its owner is gone.

Single-threaded, so that it may fork with imports done (a warm kernel), and the parent of every
kernel, so that the operating system kills them with it. The owner's death shows as end of file on
its socket.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import selectors
import shutil
import signal
import socket
import time
import traceback
from pathlib import Path
from typing import Any

from gp_helpers.cloud_run.death import adopt_orphans
from gp_helpers.cloud_run.garbage import spare_what_is_there
from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.processes import kill_groups, signal_child, thread_count
from gp_helpers.execution.kernels import kernel_process


class KeeperProcess:
    """Serves one owner."""

    def __init__(self, owner: socket.socket, folder: Path) -> None:
        self._owner = owner
        self._folder = folder
        self._reader = MessageReader(owner)
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._wakeup_end = socket.socketpair()
        self._lifeline, self._lifeline_end = os.pipe()
        self._pids: dict[int, int] = {}
        """Process ids by the number that the owner gave the kernel."""
        self._must_end = False
        self._pid = os.getpid()

    def serve(self) -> None:
        """Serve until the owner's socket closes, or SIGTERM; no kernel is left afterwards."""
        for end in (self._wakeup, self._wakeup_end):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._end)
        self._selector.register(self._owner, selectors.EVENT_READ, self._read_owner)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._read_wakeup)
        try:
            while not self._must_end:
                for key, _ in self._selector.select():
                    key.data()
        finally:
            for pid in self._pids.values():
                signal_child(pid, signal.SIGKILL)
            while self._pids:
                self._reap(_ended(os.P_ALL, 0))
            shutil.rmtree(self._folder, ignore_errors=True)

    def preload(self, modules: list[str]) -> None:
        """Import `modules`, those that exist; tell the owner how it went.

        That takes seconds, so it ends early where nobody waits for it any more.
        """
        began = time.monotonic()
        for name in modules:
            if self._owner_is_gone():
                return
            try:
                if importlib.util.find_spec(name) is not None:
                    importlib.import_module(name)
            except Exception:
                self._tell({"event": "preload_failed", "reason": traceback.format_exc()})
                return
            if thread_count() > 1:
                reason = f"{name} starts threads when imported; a fork would inherit their locks"
                self._tell({"event": "preload_failed", "reason": reason})
                return
        spare_what_is_there()
        self._tell({"event": "preloaded", "seconds": time.monotonic() - began})

    def _owner_is_gone(self) -> bool:
        try:
            return not self._owner.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _end(self, *_: object) -> None:
        self._must_end = True

    def _read_owner(self) -> None:
        messages = self._reader.read()
        if messages is None:
            self._must_end = True
            return
        for message in messages:
            if message["command"] == "spawn":
                self._spawn(message)
            elif message["id"] in self._pids:
                signal_child(self._pids[message["id"]], message["signal"])

    def _spawn(self, request: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_kernel(request)
        with contextlib.suppress(PermissionError, ProcessLookupError):
            # The child does the same; whichever comes first, its group exists from now on.
            os.setpgid(pid, pid)
        self._pids[request["id"]] = pid
        self._tell({"event": "spawned", "id": request["id"], "pid": pid})

    def _become_kernel(self, request: dict[str, Any]) -> None:
        """Turn this forked child into the kernel; never returns."""
        try:
            self._selector.close()
            for connection in (self._owner, self._wakeup, self._wakeup_end):
                connection.close()
            os.close(self._lifeline_end)
            kernel_process.become(request, lifeline=self._lifeline, keeper_pid=self._pid)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _read_wakeup(self) -> None:
        self._wakeup.recv(4096)
        while self._pids:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            self._reap(found)

    def _reap(self, found: os.waitid_result) -> None:
        """Reap a child that has ended; of a kernel all that it started, before its end is told."""
        pid = found.si_pid
        number = next((one for one, kernel in self._pids.items() if kernel == pid), None)
        if number is None:  # what a kernel left behind, beyond its groups
            os.waitpid(pid, 0)
            return
        del self._pids[number]
        groups = kill_groups(pid, self._pids.values())
        os.waitpid(pid, 0)
        for group in groups:
            with contextlib.suppress(ChildProcessError):
                while True:
                    # Another kernel may have come into the group, and ended with it.
                    self._reap(_ended(os.P_PGID, group))
        how = "code" if found.si_code == os.CLD_EXITED else "signal"
        self._tell({"event": "exited", "id": number, how: found.si_status})

    def _tell(self, event: dict[str, Any]) -> None:
        try:
            self._owner.sendall(encode(event))
        except OSError:
            self._must_end = True


def _ended(kind: int, number: int) -> os.waitid_result:
    """Wait for the end of one of these children, and leave it to be reaped."""
    found = os.waitid(kind, number, os.WEXITED | os.WNOWAIT)
    assert found is not None, "only a call that does not wait finds none"
    return found


def main(owner: int, owner_pid: int, folder: str, modules: list[str]) -> None:
    """Run on an inherited socket; called by the owner's `subprocess.Popen`."""
    # Its owner's death must not kill it, as it kills a kernel: it still has to kill their groups.
    if os.getppid() != owner_pid:
        shutil.rmtree(folder, ignore_errors=True)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    adopt_orphans()
    keeper = KeeperProcess(socket.socket(fileno=owner), Path(folder))
    if modules:
        keeper.preload(modules)
    keeper.serve()
    # A kernel may have come into this group, and have left something there. Nothing else is to be
    # tidied, and ending an interpreter with so many modules costs 50 ms.
    os.killpg(os.getpid(), signal.SIGKILL)
