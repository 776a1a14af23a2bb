"""How long four services take to start and to stop, and what a hop costs, in both isolations.

Absolute times belong to the machine; the ratios against new interpreters are what to look at.

    python benchmarks/measure_start.py [--rounds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import websockets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gp_helpers.cloud_run import (
    Host,
    HttpProbe,
    Isolation,
    RevisionSettings,
    ServiceSpec,
    close_service_thread,
    close_zygote,
    ingress_spec,
    open_host,
)
from gp_helpers.faults import HttpFault, TcpProxy

SERVICES = ("auth", "backend", "model", "ingress")
PRELOAD = ("measure_start", "sqlalchemy", "argon2", "pydantic", "gp_helpers.cloud_run.ingress")
"""What a platform's services import, so that the comparison is with real ones."""


def application(_: Mapping[str, Any]) -> Starlette:
    async def hello(_: Request) -> Response:
        return PlainTextResponse("hello")

    async def echo(connection: WebSocket) -> None:
        await connection.accept()
        async for text in connection.iter_text():
            await connection.send_text(text)

    return Starlette(routes=[Route("/", hello), WebSocketRoute("/ws", echo)])


def spec(name: str) -> ServiceSpec:
    return ServiceSpec(name=name, entry="measure_start:application", startup_probe=HttpProbe("/"))


async def hosted(isolation: Isolation, logs: Path) -> tuple[float, float]:
    """Seconds for four services from nothing to ready, and from asked to gone."""
    async with open_host(isolation, logs=logs, preload=PRELOAD) as host:
        began = time.perf_counter()
        await asyncio.gather(*(host.start(spec(name)) for name in SERVICES))
        ready = time.perf_counter()
        await host.stop_all()
        return ready - began, time.perf_counter() - ready


def new_interpreters() -> tuple[float, float]:
    """The same with four interpreters, started as one would start uvicorn."""
    code = (
        "import sqlalchemy, argon2, pydantic, uvicorn, measure_start;"
        "uvicorn.run(measure_start.application({}), fd=0, log_level='error')"
    )
    began = time.perf_counter()
    processes, ports = [], []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    for _ in SERVICES:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        ports.append(listener.getsockname()[1])
        processes.append(
            subprocess.Popen([sys.executable, "-c", code], stdin=listener, env=environment)
        )
        listener.close()
    for port in ports:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.005)
    ready = time.perf_counter()
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()
    return ready - began, time.perf_counter() - ready


async def round_trips(url: str, count: int = 300) -> tuple[float, float]:
    """Milliseconds a HTTP request and a WebSocket round trip, at the median."""
    http, frames = [], []
    async with httpx.AsyncClient(verify=False) as client:
        for _ in range(count):
            began = time.perf_counter()
            await client.get(url)
            http.append(time.perf_counter() - began)
    address = url.replace("http", "ws") + "/ws"
    async with websockets.connect(address, compression=None) as connection:
        text = "x" * 200
        for _ in range(count):
            began = time.perf_counter()
            await connection.send(text)
            await connection.recv()
            frames.append(time.perf_counter() - began)
    return statistics.median(http) * 1e3, statistics.median(frames) * 1e3


async def hops(host: Host) -> list[tuple[str, float, float]]:
    """Round trips without a hop, and through each kind of hop."""
    backend = await host.start(spec("direct"))
    settings = RevisionSettings(min_instances=1)
    ingress = await host.start(ingress_spec(settings=settings, secret="-", template=spec("one")))
    results = [("direct", *await round_trips(backend.url))]
    results.append(("ingress", *await round_trips(ingress.url)))
    async with TcpProxy(backend.host, backend.port) as tcp:
        results.append(("TCP proxy", *await round_trips(tcp.url)))
    async with HttpFault(backend.host, backend.port) as http:
        results.append(("HTTP hop", *await round_trips(http.url)))
    return results


async def main(rounds: int) -> None:
    logs = Path(tempfile.mkdtemp(prefix="measure-start-"))
    start, stop = (
        statistics.median(times)
        for times in zip(*(new_interpreters() for _ in range(3)), strict=True)
    )
    print(f"{'four services':24} {'start ms':>10} {'stop ms':>10} {'times faster':>13}")
    print(f"{'new interpreters':24} {start * 1e3:10.1f} {stop * 1e3:10.1f} {1:13.1f}")
    for isolation in Isolation:
        began = time.perf_counter()
        await hosted(isolation, logs)
        first = time.perf_counter() - began
        measured = [await hosted(isolation, logs) for _ in range(rounds)]
        up, down = (statistics.median(times) for times in zip(*measured, strict=True))
        name = f"{isolation.value} isolation"
        print(
            f"{name:24} {up * 1e3:10.1f} {down * 1e3:10.1f} {start / up:13.1f}"
            f"   (first, with its owner: {first * 1e3:.0f} ms)"
        )
    print(f"\n{'through, ms at p50':24} {'HTTP':>10} {'WebSocket':>10}")
    async with open_host(Isolation.PROCESS, logs=logs, preload=PRELOAD) as host:
        for name, http, frame in await hops(host):
            print(f"{name:24} {http:10.2f} {frame:10.2f}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    try:
        asyncio.run(main(parser.parse_args().rounds))
    finally:
        close_zygote()
        close_service_thread()
