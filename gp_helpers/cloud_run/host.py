"""Hosts: owners of services. What a caller holds in its hand, whatever the isolation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from gp_helpers.cloud_run.spec import ExitStatus, Isolation, ServiceSpec

DEFAULT_GRACE_S = 10.0
"""Time between SIGTERM and SIGKILL, as on Cloud Run."""


class RunningService(Protocol):
    """A service that a host has started."""

    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        ...

    @property
    def pid(self) -> int | None:
        """The process id; ``None`` in thread isolation."""
        ...

    @property
    def log_path(self) -> Path:
        """Where its log lines go (with process isolation, also its standard output and error)."""
        ...

    @property
    def exit_status(self) -> ExitStatus | None:
        """How it ended; ``None`` while it runs."""
        ...

    async def stop(self, grace_s: float = DEFAULT_GRACE_S) -> ExitStatus:
        """Send SIGTERM, after `grace_s` seconds SIGKILL, and return how it ended."""
        ...

    async def terminate(self) -> None:
        """Send SIGTERM and return at once."""
        ...

    async def kill(self) -> ExitStatus:
        """Send SIGKILL (thread isolation: abort its connections and tasks at once)."""
        ...

    async def freeze(self) -> None:
        """Send SIGSTOP. Raises `NotSupportedError` in thread isolation."""
        ...

    async def resume(self) -> None:
        """Send SIGCONT. Raises `NotSupportedError` in thread isolation."""
        ...

    async def wait_started(self) -> None:
        """Return when the start-up probe has passed.

        Raises:
            ServiceStartError: it ended first, or took longer than its `start_timeout_s`.
        """
        ...

    async def wait(self) -> ExitStatus:
        """Return when it has ended."""
        ...


class Host(Protocol):
    """Owns all services that it started: none outlives it."""

    @property
    def isolation(self) -> Isolation: ...

    @property
    def logs(self) -> Path:
        """The folder with one log file a service."""
        ...

    def is_cut_off(self) -> bool:
        """Whether what starts the services has ended, and all services with it.

        So it is where the run that they belong to is killed, a moment before this process is.
        """
        ...

    async def start(self, spec: ServiceSpec, *, wait_ready: bool = True) -> RunningService:
        """Start a service, by default until its start-up probe has passed.

        Raises:
            ServiceStartError: it ended, or was not ready in time; nothing of it is left.
        """
        ...

    async def stop_all(self, grace_s: float = DEFAULT_GRACE_S) -> None:
        """Stop every service, side by side."""
        ...


def open_host(
    isolation: Isolation,
    *,
    logs: Path,
    preload: Sequence[str] = (),
    grace_s: float = DEFAULT_GRACE_S,
) -> AbstractAsyncContextManager[Host]:
    """Open a host on the running loop; leaving the context stops its services.

    Leaving it by cancellation kills them at once.

    Args:
        logs: Folder for the log files; made if it is not there.
        preload: Modules that the parent of all processes imports first (process isolation), so
            that services start with their imports done.
        grace_s: Time that services get to stop when the context is left.
    """
    logs.mkdir(parents=True, exist_ok=True)
    if isolation is Isolation.PROCESS:
        from gp_helpers.cloud_run.process_host import open_process_host

        return open_process_host(logs, preload=preload, grace_s=grace_s)
    from gp_helpers.cloud_run.thread_host import open_thread_host

    return open_thread_host(logs, grace_s=grace_s)
