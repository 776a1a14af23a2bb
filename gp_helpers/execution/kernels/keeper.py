"""The owner's side of the keeper: starts it, asks it for kernels, hears how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gp_helpers.cloud_run.messages import MessageReader, encode
from gp_helpers.cloud_run.spec import ExitStatus
from gp_helpers.execution.errors import KernelStartError
from gp_helpers.execution.kernels.kernel_process import PACKAGE_ROOT

_BOOT = """
import json, sys
del sys.path[0]
try: import gp_helpers
except ImportError: sys.path.append({root!r})
from gp_helpers.execution.kernels.keeper_process import main
main(*json.loads(sys.argv[1]))
"""
_ENVIRONMENT = {
    # Numerical libraries start threads when imported, and a process that forks must have just one.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
_END_TIMEOUT_S = 5.0
_LONGEST_TEMPORARY = 60


class KernelKind(StrEnum):
    """How a kernel comes into being."""

    COLD = "cold"
    """A new interpreter with the recorded application."""
    WARM = "warm"
    """A fork of the keeper, its imports done."""
    FOREIGN = "foreign"
    """The command of a kernel specification that is not this interpreter's ipykernel."""


@dataclass(frozen=True, slots=True)
class KernelCommand:
    """What the keeper needs to know to start a kernel."""

    kind: KernelKind
    argv: Sequence[str]
    connection_file: str
    recording: Path
    log: Path
    cwd: str
    environment: Mapping[str, str]


@dataclass(eq=False)
class KernelProcess:
    """A kernel's process."""

    keeper: Keeper
    number: int
    pid: int = 0
    exited: asyncio.Future[ExitStatus] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    spawned: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def exit_status(self) -> ExitStatus | None:
        """How it ended; None while it runs."""
        return self.exited.result() if self.exited.done() else None

    async def signal_group(self, number: int) -> None:
        """Send a signal to the kernel and to what it started, unless it has ended."""
        if not self.exited.done():
            command = {"command": "signal", "id": self.number, "signal": int(number)}
            with contextlib.suppress(OSError):
                await self.keeper.send(command)

    async def kill(self) -> ExitStatus:
        """Kill the kernel and its process group; returns when the kernel is gone."""
        await self.signal_group(signal.SIGKILL)
        return await asyncio.shield(self.exited)


class Keeper:
    """The keeper of one run."""

    def __init__(self, connection: socket.socket, folder: Path, *, is_warm: bool) -> None:
        self.folder = folder
        """For the files of its kernels; the keeper removes it, also when its owner is killed."""
        self.is_warm = is_warm
        self._connection = connection
        self._connection.setblocking(False)
        self._reader = MessageReader(connection)
        self._kernels: dict[int, KernelProcess] = {}
        self._sending = asyncio.Lock()
        self._failure = ""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection, self._read_events)

    async def spawn(self, command: KernelCommand) -> KernelProcess:
        """Start a kernel's process.

        Raises:
            KernelStartError: the keeper has ended, or its imports failed.
        """
        kernel = KernelProcess(self, len(self._kernels))
        self._kernels[kernel.number] = kernel
        request = {
            "command": "spawn",
            "id": kernel.number,
            "kind": command.kind.value,
            "argv": list(command.argv),
            "connection_file": command.connection_file,
            "recording": str(command.recording),
            "log": str(command.log),
            "cwd": command.cwd,
            "environment": dict(command.environment),
        }
        try:
            await self.send(request)
        except OSError:
            self._note_end()
        try:
            await kernel.spawned.wait()
        except asyncio.CancelledError:
            await kernel.kill()
            raise
        if self._failure:
            await kernel.kill()
            raise KernelStartError(self._failure)
        return kernel

    async def send(self, message: dict[str, Any]) -> None:
        """Send a command."""
        async with self._sending:
            await self._loop.sock_sendall(self._connection, encode(message))

    def _read_events(self) -> None:
        events = self._reader.read()
        if events is None:
            self._note_end()
            return
        for event in events:
            match event["event"]:
                case "spawned":
                    self._kernels[event["id"]].pid = event["pid"]
                    self._kernels[event["id"]].spawned.set()
                case "exited":
                    status = ExitStatus(event.get("code"), event.get("signal"))
                    self._kernels[event["id"]].exited.set_result(status)
                case "preload_failed":
                    self._failure = f"no warm kernels here: {event['reason']}"

    def _note_end(self) -> None:
        """The keeper is gone, and with it every kernel."""
        self._loop.remove_reader(self._connection)
        self._failure = self._failure or "the kernels' keeper has ended"
        for kernel in self._kernels.values():
            kernel.spawned.set()
            if not kernel.exited.done():
                if kernel.pid:
                    # The kernel itself died with its keeper, what it started did not.
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(kernel.pid, signal.SIGKILL)
                kernel.exited.set_result(ExitStatus(signal=signal.SIGKILL))

    def close(self) -> None:
        """Let the keeper go: it kills what still runs."""
        self._loop.remove_reader(self._connection)
        self._connection.close()


@asynccontextmanager
async def open_keeper(*, warm: Sequence[str] = ()) -> AsyncIterator[Keeper]:
    """Start a keeper; when the context ends, it, every kernel and its folder are gone.

    Its kernels are warm, with these modules imported, or cold where there are none.
    """
    # The path of a Unix socket has 104 characters at most, and macOS's own folder takes half.
    folder = Path(tempfile.mkdtemp(prefix="gp-", dir="/tmp" if _is_long_temporary() else None))
    mine, its = socket.socketpair()
    with its:
        told = [its.fileno(), os.getpid(), str(folder), list(warm)]
        process = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-c", _BOOT.format(root=PACKAGE_ROOT), json.dumps(told)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            env={**os.environ, **_ENVIRONMENT},
            # A Ctrl-C at the terminal goes to the whole foreground process group.
            start_new_session=True,
        )
    keeper = Keeper(mine, folder, is_warm=bool(warm))
    try:
        yield keeper
    finally:
        keeper.close()
        try:
            process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _is_long_temporary() -> bool:
    return len(tempfile.gettempdir()) > _LONGEST_TEMPORARY
