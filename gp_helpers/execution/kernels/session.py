"""A kernel and the connection to it: runs cells, and says truthfully how each ended.

Written beside nbclient instead of on top of its executor, which looks once a second whether the
kernel lives, forgets what a dying cell printed, and takes over the process's signal handlers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq.asyncio
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from gp_helpers.cloud_run.logs import last_lines
from gp_helpers.cloud_run.spec import ExitStatus
from gp_helpers.execution.errors import KernelChannelError, KernelStartError
from gp_helpers.execution.kernels.ends import MAY_RAISE_TAG, Ended, Limit, ended_by_itself
from gp_helpers.execution.kernels.keeper import Keeper, KernelKind, KernelProcess
from gp_helpers.execution.kernels.provisioner import CONNECTION_FILE, KeptProvisioner
from gp_helpers.execution.kernels.recorder import STREAMS, Recording, create, encoded
from gp_helpers.execution.outcomes import CellOutcome, Interruption, stopped_by
from gp_helpers.execution.outputs import OutputCollector

START_TIMEOUT_S = 60.0
INTERRUPT_GRACE_S = 2.0
"""How long an interrupted cell may take to end by itself."""
SHUTDOWN_GRACE_S = 5.0
_WELCOME_S = 0.2
_NUDGE_S = 0.1
_QUIET_S = 0.1
"""After a kernel's death: no message for so long means that none is left on its way."""
_IDLE_S = 5.0
"""After a cell's reply: no message for so long means that its last one was lost."""
_LOG_LINES = 40
_QUIET_DEBUGGER = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
"""Without it a kernel's start prints a warning about frozen modules; papermill sets it too."""


@dataclass(eq=False)
class _Request:
    """A message to the shell channel that waits for its reply."""

    index: int
    cell: NotebookNode | None
    reply: asyncio.Future[dict[str, Any]]
    idle: asyncio.Future[None]


@contextmanager
def quick_context() -> Iterator[zmq.asyncio.Context]:
    """A ZeroMQ context whose sockets find a kernel within milliseconds of its binding."""
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.RECONNECT_IVL, 10)
    try:
        yield context
    finally:
        context.destroy(linger=0)


class KernelSession:
    """One kernel for one notebook."""

    def __init__(
        self,
        keeper: Keeper,
        context: zmq.asyncio.Context,
        folder: Path,
        notebook: NotebookNode,
        *,
        kernel_name: str,
        cwd: Path,
        environment: Mapping[str, str],
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self._folder = folder
        self._cwd = cwd
        self._environment = {**os.environ, **_QUIET_DEBUGGER, **environment}
        # ipykernel takes its presence for a kernel inside of pytest, and then does not capture
        # what child processes print.
        self._environment.pop("PYTEST_CURRENT_TEST", None)
        self._start_timeout_s = start_timeout_s
        self._loop = asyncio.get_running_loop()
        # A path of its own: over ipc all kernels of a folder would choose the same socket names.
        self._manager = AsyncKernelManager(
            kernel_name=kernel_name,
            context=context,
            transport="ipc",
            ip=str(folder / "s"),
            connection_file=str(folder / CONNECTION_FILE),
        )
        self._kernel_name = kernel_name
        self._keeper = keeper
        self._notebook = notebook
        self._process: KernelProcess | None = None
        self._recording: Recording | None = None
        self._received = dict.fromkeys(STREAMS, 0)
        self._requests: dict[str, _Request] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._message_came = asyncio.Event()
        self.messages = 0
        """How many messages have come from the kernel."""
        self.on_stream: Callable[[str, str], None] | None = None
        """Called with the name and the text of what is printed."""
        self.outputs = OutputCollector(notebook, None)

    async def start(self) -> dict[str, Any]:
        """Start the kernel; returns what it says about itself.

        Raises:
            KernelStartError: it could not be started, or did not answer in time.
        """
        self._folder.mkdir(mode=0o700)
        try:
            spec = self._manager.kernel_spec
        except NoSuchKernel as error:
            raise KernelStartError(f"no kernel named {self._kernel_name!r}") from error
        provisioner = KeptProvisioner(
            self._keeper,
            self._folder,
            kernel_id=self._folder.name,
            kernel_spec=spec,
            parent=self._manager,
        )
        create(provisioner.recording)
        self._manager.provisioner = provisioner
        await self._manager.start_kernel(cwd=str(self._cwd), env=self._environment)
        self._process = provisioner.kernel
        if provisioner.kind is not KernelKind.FOREIGN:
            self._recording = Recording(provisioner.recording)
        self._client = self._manager.client()
        self._client.start_channels(stdin=False, hb=False)
        self.outputs.kc = self._client
        self._readers = {
            self._loop.create_task(self._read(self._client.iopub_channel, self._take_iopub)),
            self._loop.create_task(self._read(self._client.shell_channel, self._take_reply)),
        }
        try:
            async with asyncio.timeout(self._start_timeout_s):
                return await self._until_ready()
        except TimeoutError:
            said = f"the kernel did not answer within {self._start_timeout_s:g} s"
            raise self._start_error(said) from None

    async def _until_ready(self) -> dict[str, Any]:
        process = self._alive()
        while True:
            request = self._expect(self._client.kernel_info())
            await self._first_of(request.reply, process.exited)
            if process.exited.done():
                raise self._start_error(f"the kernel ended at its start: {process.exit_status}")
            # Only a message on this channel shows that the subscription is in place.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WELCOME_S):
                    await self._message_came.wait()
                self._count_from_here()
                content: dict[str, Any] = request.reply.result()["content"]
                return content

    def _count_from_here(self) -> None:
        """What the kernel printed before anybody listened is not missing."""
        if self._recording is not None:
            self._received = {stream: self._recording.total(stream) for stream in STREAMS}

    def _start_error(self, reason: str) -> KernelStartError:
        return KernelStartError("\n".join([reason, *self._log_lines()]))

    def _log_lines(self) -> list[str]:
        """The end of what the kernel's process itself wrote to standard error."""
        return last_lines(self._folder / "kernel.log", _LOG_LINES)

    async def run_cell(
        self,
        index: int,
        cell: NotebookNode,
        *,
        limit: Limit,
        interruption: Interruption,
        stopping: Callable[[Ended], None],
    ) -> Ended:
        """Run a cell and collect what it prints and shows.

        Args:
            index: The cell's position in the notebook.
            limit: When the cell has to be stopped.
            interruption: Done when the runner is told to stop.
            stopping: Called before a cell that does not end by itself is interrupted and, if it
                goes on, its kernel killed; the notebook may be saved then.
        """
        process = self._alive()
        if process.exited.done():
            status = process.exit_status
            return Ended(
                CellOutcome.DIED,
                f"the kernel had ended before this cell: {status}",
                ("KernelDied", f"{status}, before this cell could run"),
            )
        may_fail = MAY_RAISE_TAG in cell.metadata.get("tags", [])
        request = self._expect(
            self._client.execute(cell.source, stop_on_error=not may_fail), index, cell
        )
        timeout = limit.at - self._loop.time()
        await self._first_of(request.reply, process.exited, interruption, timeout_s=timeout)
        if request.reply.done():
            content = request.reply.result()["content"]
            cell["execution_count"] = content.get("execution_count")
            is_whole = await self._until_idle(request, process, limit.at)
            return ended_by_itself(
                content,
                may_fail=may_fail,
                is_whole=is_whole,
                refused=self.outputs.refused.get(index, ""),
            )
        if process.exited.done():
            return await self._died(index, cell, process)
        if interruption.done():
            said = stopped_by(interruption)
            ended = Ended(CellOutcome.INTERRUPTED, said, ("Interrupted", said))
        else:
            ended = Ended(CellOutcome.TIMED_OUT, limit.said, ("TimedOut", limit.said))
        stopping(ended)
        await self._stop(request, process)
        self._recover(index, cell)
        return ended

    async def _until_idle(self, request: _Request, process: KernelProcess, limit: float) -> bool:
        """Wait for the last message of a cell that has replied; return whether it came."""
        while not request.idle.done() and self._loop.time() < limit:
            seen = self.messages
            await self._first_of(request.idle, process.exited, timeout_s=_IDLE_S)
            if process.exited.done():
                await self._until_quiet()
                break
            if seen == self.messages:
                break
        return request.idle.done()

    async def _died(self, index: int, cell: NotebookNode, process: KernelProcess) -> Ended:
        await self._until_quiet()
        self._recover(index, cell)
        said = "\n".join([str(process.exit_status), *self._log_lines()])
        return Ended(CellOutcome.DIED, str(process.exit_status), ("KernelDied", said))

    async def _stop(self, request: _Request, process: KernelProcess) -> None:
        """Interrupt a cell; if it goes on, kill the kernel's process group."""
        limit = self._loop.time() + INTERRUPT_GRACE_S
        await process.signal_group(signal.SIGINT)
        while self._loop.time() < limit and not request.reply.done() and not process.exited.done():
            # The signal may reach another thread of the kernel: a message wakes its loop.
            self._client.kernel_info()
            await self._first_of(request.reply, process.exited, timeout_s=_NUDGE_S)
        if request.reply.done():
            await self._until_idle(request, process, self._loop.time() + INTERRUPT_GRACE_S)
        else:
            await process.kill()
            await self._until_quiet()

    def _recover(self, index: int, cell: NotebookNode) -> None:
        """Add what a dead kernel had printed and not yet sent."""
        if self._recording is None or not self._alive().exited.done():
            return
        for stream in STREAMS:
            text, lost = self._recording.after(stream, self._received[stream])
            if text:
                self.outputs.add_text(cell, index, stream, text, lost)
                self._received[stream] += lost + len(encoded(text))

    async def _until_quiet(self) -> None:
        while True:
            self._message_came.clear()
            try:
                async with asyncio.timeout(_QUIET_S):
                    await self._message_came.wait()
            except TimeoutError:
                return

    async def close(self, *, politely: bool = True) -> ExitStatus | None:
        """End the kernel and its process group; returns when they are gone.

        Returns how the kernel had ended if it had before it was asked to.
        """
        process, self._process = self._process, None
        ended_before = process.exit_status if process is not None else None
        try:
            if process is not None:
                if politely and not process.exited.done():
                    self._client.shutdown()
                    await self._first_of(process.exited, timeout_s=SHUTDOWN_GRACE_S)
                await process.kill()
        finally:
            for reader in self._readers:
                reader.cancel()
            await asyncio.gather(*self._readers, return_exceptions=True)
            if self._readers:
                for channel in ("shell", "iopub", "control"):
                    getattr(self._client, f"{channel}_channel").stop()
            await self._manager.cleanup_resources()
            if self._recording is not None:
                self._recording.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        return ended_before

    def _alive(self) -> KernelProcess:
        assert self._process is not None, "the session is not open"
        return self._process

    def _expect(self, message: str, index: int = -1, cell: NotebookNode | None = None) -> _Request:
        request = _Request(index, cell, self._loop.create_future(), self._loop.create_future())
        self._requests[message] = request
        return request

    async def _first_of(
        self, *awaited: asyncio.Future[Any], timeout_s: float | None = None
    ) -> None:
        """Wait until one of these is done; an error of the connection is raised here."""
        waited = {*awaited, *self._readers}
        if timeout_s is None or timeout_s > 0:
            await asyncio.wait(waited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        for reader in self._readers:
            if reader.done():
                raise KernelChannelError(f"cannot read from the kernel: {reader.exception()!r}")

    async def _read(self, channel: Any, take: Callable[[dict[str, Any]], None]) -> None:
        # What `get_msg` does without a time limit, but for a poll before each message, which costs
        # as much as the message.
        while True:
            _, parts = channel.session.feed_identities(await channel.socket.recv_multipart())
            take(channel.session.deserialize(parts))

    def _take_reply(self, message: dict[str, Any]) -> None:
        request = self._requests.get(message["parent_header"].get("msg_id", ""))
        if request is not None and not request.reply.done():
            request.reply.set_result(message)

    def _take_iopub(self, message: dict[str, Any]) -> None:
        self.messages += 1
        self._message_came.set()
        if message["msg_type"] == "stream":
            content = message["content"]
            received = self._received.get(content["name"], 0)
            self._received[content["name"]] = received + len(encoded(content["text"]))
            if self.on_stream is not None:
                self.on_stream(content["name"], content["text"])
        request = self._requests.get(message["parent_header"].get("msg_id", ""))
        if request is None or request.cell is None:
            return
        is_idle = self.outputs.take(message, request.cell, request.index)
        if is_idle and not request.idle.done():
            request.idle.set_result(None)
