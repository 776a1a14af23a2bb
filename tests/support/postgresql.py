"""A throwaway PostgreSQL server for the tests: a real one, its own folder, a unix socket.

The server is a child of the test process and ends with it: on leaving the context, and by a signal
of the kernel where the test process is killed.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

SUPERUSER = "golden_path"
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 10.0
PR_SET_PDEATHSIG = 1


class PostgreSQLStartError(RuntimeError):
    """`initdb` or the server ended before it accepted a connection; carries what it printed."""


def unprivileged_user() -> str | None:
    """The user to run the server as: PostgreSQL refuses root. None: the user that we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _end_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _wait_until_it_answers(server: "subprocess.Popen[bytes]", folder: Path, log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        try:
            psycopg.connect(host=str(folder), user=SUPERUSER, dbname="postgres").close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise PostgreSQLStartError(f"{error}\n{log.read_text()}") from error
            time.sleep(0.02)
        else:
            return


@contextmanager
def throwaway_postgresql(binaries: Path) -> Iterator[str]:
    """Start a server, yield its SQLAlchemy URL, and end it and its folder on every path."""
    user = unprivileged_user()
    group = pwd.getpwnam(user).pw_gid if user is not None else None
    supplementary = [] if user is not None else None
    folder = Path(tempfile.mkdtemp(prefix="golden-path-pg-"))
    try:
        if user is not None:
            shutil.chown(folder, user, group)
        data, log = folder / "data", folder / "server.log"
        made = subprocess.run(
            [
                binaries / "initdb",
                "-D",
                data,
                "-U",
                SUPERUSER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
            user=user,
            group=group,
            extra_groups=supplementary,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise PostgreSQLStartError(made.stdout + made.stderr)
        with log.open("wb") as output:
            server = subprocess.Popen(
                [
                    binaries / "postgres",
                    "-D",
                    data,
                    "-k",
                    folder,
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "fsync=off",
                ],
                user=user,
                group=group,
                extra_groups=supplementary,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent(),
            )
        try:
            _wait_until_it_answers(server, folder, log)
            yield f"postgresql+psycopg://{SUPERUSER}@/postgres?host={quote(str(folder), safe='')}"
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait()
    finally:
        shutil.rmtree(folder)
