"""A service in a process of its own, from what the zygote says of it to its exit code."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gp_helpers.cloud_run.errors import EntryError
from gp_helpers.cloud_run.host import Host
from gp_helpers.cloud_run.logs import log_to_standard_error
from gp_helpers.cloud_run.loop import new_event_loop
from gp_helpers.cloud_run.server import LifespanFailed, ServiceContext, asgi_server, run_server
from gp_helpers.cloud_run.spec import EntryKind, ServiceSpec, spec_from_json

LAST_MOMENT_S = 0.05
"""What has to end with a service may take so long: its tasks, its threads."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One service to be: the zygote's ``spawn`` message and what came with it."""

    message: dict[str, Any]
    listener: socket.socket
    """Bound to the service's port."""
    status: socket.socket
    """Told once that the service has started, or why it has not."""
    launcher: socket.socket
    """A session with the zygote, for services that start others."""


def serve(assignment: Assignment) -> tuple[int, bool]:
    """Be this service until it ends.

    Returns:
        The exit code, and whether this process may be another service as far as this one's
        specification says, and its tasks: none is left, and the loop is closed.
    """
    message, status = assignment.message, assignment.status
    _redirect_output(Path(message["log"]))
    os.chdir(message["cwd"])
    sys.path[:] = message["sys_path"]
    spec = spec_from_json(message["spec"])
    _take_environment({**message["environment"], **spec.environment})
    log_to_standard_error(spec.name)
    code, may_be_another = 1, False
    loop = new_event_loop()
    try:
        may_be_another = loop.run_until_complete(_serve(spec, assignment))
        code = 0
    except (EntryError, LifespanFailed) as error:
        logger.error("%s", error)
        _tell(status, {"failed": str(error)})
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
        _tell(status, {"failed": f"the service called sys.exit({error.code!r})"})
    except BaseException as error:
        logger.exception("the service ended with an exception")
        reason = traceback.format_exception_only(error)[-1].strip()
        _tell(status, {"failed": reason})
    finally:
        if may_be_another:
            loop.close()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return code, may_be_another


async def _serve(spec: ServiceSpec, assignment: Assignment) -> bool:
    """Serve until asked to stop; return whether the process may be another service then."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    started = partial(_tell, assignment.status, {"started": True})
    if spec.kind is not EntryKind.SERVER:
        assignment.launcher.close()
        server = asgi_server(spec, stopping=stopping, started=started)
        await server.serve_on(assignment.listener)
        return spec.reuses_process and await _no_task_is_left()

    def open_host() -> AbstractAsyncContextManager[Host]:
        from gp_helpers.cloud_run.process_host import host_on_session

        return host_on_session(assignment.launcher, Path(assignment.message["log"]).parent)

    context = ServiceContext(
        name=spec.name,
        config=spec.config,
        socket=assignment.listener,
        stopping=stopping,
        started=started,
        open_host=open_host,
    )
    await run_server(spec, context)
    return spec.reuses_process and await _no_task_is_left()


async def _no_task_is_left() -> bool:
    """Whether all tasks but this one have ended, or do so in a moment."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=LAST_MOMENT_S)
    return not left


def _take_environment(wanted: Mapping[str, str]) -> None:
    """Have these variables and no others; nearly all are those of the zygote."""
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _redirect_output(log: Path) -> None:
    """Make standard output and error append to the service's log file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)


def _tell(status: socket.socket, message: dict[str, Any]) -> None:
    """Tell the starter once; it may have stopped listening."""
    try:
        status.sendall(json.dumps(message).encode())
    except OSError:
        pass
    finally:
        status.close()
