"""A service in a process of its own: what a child of the zygote does from the fork to its end."""

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
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from gp_helpers.cloud_run.death import die_at_end_of, die_with_parent
from gp_helpers.cloud_run.errors import EntryError
from gp_helpers.cloud_run.host import Host
from gp_helpers.cloud_run.logs import log_to_standard_error
from gp_helpers.cloud_run.loop import new_event_loop
from gp_helpers.cloud_run.server import LifespanFailed, ServiceContext, asgi_server, run_server
from gp_helpers.cloud_run.spec import EntryKind, ServiceSpec, spec_from_json

logger = logging.getLogger(__name__)


def run(
    message: dict[str, Any],
    *,
    listener: socket.socket,
    status: socket.socket,
    launcher: socket.socket,
    lifelines: tuple[int, int],
    zygote_pid: int,
) -> NoReturn:
    """Be the service that `message` describes; end the process with its exit code.

    Args:
        message: The zygote's ``spawn`` message.
        listener: Bound to the service's port.
        status: Told once that the service has started, or why it has not.
        launcher: A session with the zygote, for services that start others.
        lifelines: Pipes that report end of file when the owner, or the zygote, is gone.
        zygote_pid: The parent.
    """
    os.setpgid(0, 0)
    die_with_parent(zygote_pid)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    die_at_end_of(lifelines)
    _redirect_output(Path(message["log"]))
    os.chdir(message["cwd"])
    sys.path[:] = message["sys_path"]
    spec = spec_from_json(message["spec"])
    _take_environment({**message["environment"], **spec.environment})
    log_to_standard_error(spec.name)
    code = 1
    try:
        new_event_loop().run_until_complete(
            _serve(spec, listener, status, launcher, Path(message["log"]).parent)
        )
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
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        # The interpreter's own finalisation would only make stopping slower.
        os._exit(code)


async def _serve(
    spec: ServiceSpec,
    listener: socket.socket,
    status: socket.socket,
    launcher: socket.socket,
    logs: Path,
) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    started = partial(_tell, status, {"started": True})
    if spec.kind is not EntryKind.SERVER:
        launcher.close()
        server = asgi_server(spec, stopping=stopping, started=started)
        await server.serve_on(listener)
        return

    def open_host() -> AbstractAsyncContextManager[Host]:
        from gp_helpers.cloud_run.process_host import host_on_session

        return host_on_session(launcher, logs)

    context = ServiceContext(
        name=spec.name,
        config=spec.config,
        socket=listener,
        stopping=stopping,
        started=started,
        open_host=open_host,
    )
    await run_server(spec, context)


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
