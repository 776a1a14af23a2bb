"""A provisioner that has its kernels from the keeper, cold or warm."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from gp_helpers.execution.kernels.keeper import Keeper, KernelCommand, KernelKind, KernelProcess

CONNECTION_FILE = "connection.json"
_OUR_LAUNCHER = ["-m", "ipykernel_launcher"]


class KeptProvisioner(LocalProvisioner):
    """Starts a kernel through a `Keeper`; the keeper knows when it ends, nobody polls."""

    def __init__(self, keeper: Keeper, folder: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection_file = folder / CONNECTION_FILE
        self.keeper = keeper
        self.kernel: KernelProcess | None = None
        self.kind = KernelKind.COLD
        self.recording = folder / "recording"
        self.log_path = folder / "kernel.log"

    @property
    def has_process(self) -> bool:
        return self.kernel is not None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        if cmd[1:3] != _OUR_LAUNCHER or not _is_this_interpreter(cmd[0]):
            self.kind = KernelKind.FOREIGN
        elif self.keeper.is_warm:
            self.kind = KernelKind.WARM
        command = KernelCommand(
            kind=self.kind,
            argv=cmd,
            connection_file=str(self.connection_file),
            recording=self.recording,
            log=self.log_path,
            cwd=str(kwargs["cwd"]),
            environment=kwargs["env"],
        )
        self.kernel = await self.keeper.spawn(command)
        self.pid = self.pgid = self.kernel.pid
        return self.connection_info

    async def poll(self) -> int | None:
        if self.kernel is None:
            return 0
        status = self.kernel.exit_status
        if status is None:
            return None
        return -status.signal if status.signal else status.code

    async def wait(self) -> int | None:
        if self.kernel is not None:
            await self.kernel.exited
        return await self.poll()

    async def send_signal(self, signum: int) -> None:
        if self.kernel is not None:
            await self.kernel.signal_group(signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002
        await self.send_signal(signal.SIGTERM)


def _is_this_interpreter(command: str) -> bool:
    return Path(command) == Path(sys.executable)
