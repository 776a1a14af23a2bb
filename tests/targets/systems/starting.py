"""Starts a system as a process of its own on loopback, waits until it answers, and ends it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

STARTS_WITHIN_S = 90.0
ENDS_WITHIN_S = 10.0
PEOPLE = ("ada", "ben", "cleo", "dara")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: list[str], folder: Path, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a command until its URL answers; it ends with the context, on every path."""
    log = folder / "system.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        with httpx.Client(trust_env=False, timeout=2.0) as client:
            while True:
                try:
                    client.get(ready)
                    break
                except httpx.HTTPError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"{command}: {log.read_text()[-2000:]}") from None
                    time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def jupyter_server(folder: Path) -> Iterator[dict[str, str]]:
    """Jupyter Server with a static token; the environment of its parameter file."""
    port, token = free_port(), "jupyter-static-token-5e1f"
    url = f"http://127.0.0.1:{port}"
    options = ["--ip=127.0.0.1", f"--port={port}", "--no-browser", "--allow-root"]
    command = [sys.executable, "-m", "jupyter_server", *options]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    homes = {name: str(folder / "jupyter") for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    with running(command, folder, f"{url}/api", homes):
        socket_url = url.replace("http:", "ws:")
        yield {"JUPYTER_URL": url, "JUPYTER_SOCKET": socket_url, "JUPYTER_TOKEN": token}


@contextmanager
def chainlit(folder: Path) -> Iterator[dict[str, str]]:
    """Chainlit with password log-in; the environment of its parameter file."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    shutil.copy(Path(__file__).with_name("chainlit_app.py"), folder / "app.py")
    command = [sys.executable, "-m", "chainlit", "run", "app.py", "--headless"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = {"CHAINLIT_AUTH_SECRET": "0123456789abcdef" * 4, "CHAINLIT_APP_ROOT": str(folder)}
    accounts = [{"id": one, "email": one, "password": f"pw-of-{one}"} for one in PEOPLE]
    with running(command, folder, f"{url}/", environment):
        yield {"CHAINLIT_URL": url, "CHAINLIT_ACCOUNTS": json.dumps(accounts)}


@contextmanager
def moonraker(folder: Path) -> Iterator[dict[str, str]]:
    """Moonraker without a printer, users with passwords; the environment of its parameter file."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (folder / "config").mkdir()
    (folder / "config" / "moonraker.conf").write_text(
        f"[server]\nhost: 127.0.0.1\nport: {port}\nklippy_uds_address: {folder}/no-printer.sock\n"
        "[authorization]\nforce_logins: True\ntrusted_clients:\n    127.0.0.1\n"
        "[machine]\nprovider: none\nvalidate_service: False\n"
    )
    accounts = [{"id": one, "email": one, "password": f"pw-of-{one}"} for one in PEOPLE]
    command = [sys.executable, "-m", "moonraker", "-d", str(folder)]
    with running(command, folder, f"{url}/server/info"):
        headers: dict[str, str] = {}
        for one in accounts:
            made = httpx.post(
                f"{url}/access/user",
                json={"username": one["id"], "password": one["password"]},
                headers=headers,
                trust_env=False,
            )
            made.raise_for_status()
            token = made.json()["result"]["token"]
            headers = headers or {"Authorization": f"Bearer {token}"}
        yield {
            "MOONRAKER_URL": url,
            "MOONRAKER_SOCKET": url.replace("http:", "ws:"),
            "MOONRAKER_ACCOUNTS": json.dumps(accounts),
        }
