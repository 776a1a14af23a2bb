"""What the fault proxies cost and how precise they are: added latency, and delays as achieved.

Echo server and proxies are processes of their own; the ways take turns, a few round trips each, so
that a noisy machine is noisy for all of them. mitmproxy is measured too if it is there.

    python -m benchmarks proxies [--rounds 40] [--delays 40] [--mitmdump PATH | --with-mitmproxy]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from gp_helpers.faults import Delay, Direction, FrameProxy, TcpFault, TcpProxy

PAYLOAD = b'{"type": "agent_thinking", "n": 1, "text": "' + b"x" * 154 + b'"}'
"""200 bytes, as an event is."""
ROUND_TRIPS_A_ROUND = 25
DELAYS_MS = (1, 2, 5, 10, 20, 50, 100)
ALLOWED_LATE_MS = 1.0
"""At p99, on a quiet machine."""
ALLOWED_ADDED_US = {"TCP proxy": 150.0, "frame proxy": 300.0}
"""A round trip, at p50, recording included."""
START_WITHIN_S = 30.0
WHOLE = ("--with-mitmproxy", "--delays", "200")
"""As `make bench` measures them."""


# Processes


async def send_back(connection: ServerConnection) -> None:
    """Every message, until the client leaves, in whichever way."""
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def echo() -> None:
    """Serve an echo until standard input ends."""

    async with serve(send_back, "127.0.0.1", 0, compression=None) as server:
        await told_and_stopped(next(iter(server.sockets)).getsockname()[1])


async def proxy(kind: str, upstream: int) -> None:
    """Serve one proxy until standard input ends."""
    made = TcpProxy if kind == "tcp" else FrameProxy
    async with made("127.0.0.1", upstream) as standing:
        await told_and_stopped(standing.port)


async def told_and_stopped(port: int) -> None:
    """Say the port, wait for the end of standard input, and say what processor time it took."""
    print(port, flush=True)
    before = time.process_time()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(time.process_time() - before, flush=True)


@dataclass
class Standing:
    """A server or proxy in a process of its own."""

    port: int = 0
    processor_s: float | None = None
    """Processor time while it stood, known once it is stopped."""


@contextmanager
def started(role: str, upstream: int = 0) -> Iterator[Standing]:
    """One of ours, for as long as the context is open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.proxies", "--role", role, "--upstream", str(upstream)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    standing = Standing()
    try:
        standing.port = int(process.stdout.readline())
        yield standing
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        told = process.stdout.readline()
        standing.processor_s = float(told) if told else None


@contextmanager
def mitmproxy(mitmdump: str, upstream: int) -> Iterator[Standing]:
    """mitmproxy as a reverse proxy, for as long as the context is open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                mitmdump, "--quiet", "--mode", f"reverse:http://127.0.0.1:{upstream}",
                "--listen-host", "127.0.0.1", "--listen-port", str(port),
                "--set", f"confdir={folder}",
            ],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until_it_listens(port, process)
            yield Standing(port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens; raises `TimeoutError` if nobody does in time."""
    end = time.monotonic() + START_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError("mitmproxy does not listen")


class MitmproxyMissingError(Exception):
    """Raised when mitmproxy cannot be installed; ours are measured without it."""


def installed_mitmdump(folder: Path) -> str:
    """mitmproxy in a virtual environment of its own, since it pins what others need otherwise."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "mitmproxy"]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise MitmproxyMissingError(done.stderr.strip()[-2000:])
    return str(folder / "bin" / "mitmdump")


# Added latency


class RawClient:
    """A WebSocket client that only sends one frame and waits for its echo: it costs little."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(4096)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode(errors="replace"))
        self._sent = b"\x81" + bytes([0x80 | 126]) + struct.pack("!H", len(PAYLOAD)) + bytes(4)
        self._sent += PAYLOAD
        self._expected = 4 + len(PAYLOAD)

    def round_trip_us(self) -> float:
        """Microseconds from sending a frame to having its echo."""
        began = time.perf_counter()
        self._socket.sendall(self._sent)
        left = self._expected
        while left:
            left -= len(self._socket.recv(left))
        return (time.perf_counter() - began) * 1e6

    def close(self) -> None:
        """Drop the connection."""
        self._socket.close()


def measured(ways: Mapping[str, Standing], rounds: int) -> dict[str, list[float]]:
    """Round trips of each way, in turns; microseconds. A first round is not counted."""
    clients = {way: RawClient(standing.port) for way, standing in ways.items()}
    taken: dict[str, list[float]] = {way: [] for way in ways}
    try:
        for number in range(rounds + 1):
            for way, client in clients.items():
                found = [client.round_trip_us() for _ in range(ROUND_TRIPS_A_ROUND)]
                if number:
                    taken[way] += found
    finally:
        for client in clients.values():
            client.close()
    return taken


def latency_report(taken: Mapping[str, list[float]], ways: Mapping[str, Standing]) -> Iterator[str]:
    """A line a way: p50, p99, and what it adds to the way without a proxy.

    Processor time does not depend on what else the machine does.
    """
    plain = statistics.median(taken["unproxied"])
    heads = ("p50 µs", "p99 µs", "added µs", "ratio", "processor µs")
    yield f"{'200 bytes, there and back':26}" + "".join(f"{head:>13}" for head in heads)
    for way, times in taken.items():
        median = statistics.median(times)
        line = f"{way:26}{median:13.0f}{quantile(times, 0.99):13.0f}"
        line += f"{median - plain:13.0f}{median / plain:13.2f}"
        used, trips = ways[way].processor_s, len(times) + ROUND_TRIPS_A_ROUND
        line += f"{'-':>13}" if used is None else f"{used / trips * 1e6:13.0f}"
        allowed = ALLOWED_ADDED_US.get(way)
        if allowed is not None:
            line += f"   allowed {allowed:.0f}: {verdict(median - plain <= allowed)}"
        yield line


# Delays


async def achieved(kind: str, delay_ms: int, count: int) -> list[float]:
    """How late each message passed, in ms: achieved minus requested."""
    delay = Delay(latency_s=delay_ms / 1000)
    async with serve(send_back, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        if kind == "tcp":
            async with (
                TcpProxy("127.0.0.1", port) as tcp,
                connect(f"ws://127.0.0.1:{tcp.port}", proxy=None) as client,
            ):
                tcp.set(to_client=TcpFault(delay=delay))
                for _ in range(count):
                    await client.send(PAYLOAD)
                    await client.recv()
                return [(one.achieved_s - one.requested_s) * 1000 for one in tcp.delays]
        async with (
            FrameProxy("127.0.0.1", port) as frames,
            connect(frames.url, proxy=None) as client,
        ):
            frames.set(to_client=delay)
            for _ in range(count):
                await client.send(PAYLOAD)
                await client.recv()
            return [
                (one.achieved_s - (one.requested_s or 0.0)) * 1000
                for one in frames.records
                if one.direction is Direction.TO_CLIENT
            ]


def delay_report(count: int) -> Iterator[str]:
    """A line a delay and proxy: how late at p50, p99 and at most."""
    yield f"{'achieved minus requested':32}{'p50 ms':>9}{'p99 ms':>9}{'most ms':>9}"
    together: dict[str, list[float]] = {"tcp": [], "frames": []}
    for delay_ms in DELAYS_MS:
        for kind, found in together.items():
            late = asyncio.run(achieved(kind, delay_ms, count))
            found += late
            yield late_line(f"{kind}, {delay_ms} ms", late)
    for kind, late in together.items():
        yield late_line(f"{kind}, all {len(late)} delays", late)


def late_line(what: str, late: Sequence[float]) -> str:
    """How late, and whether that is allowed."""
    told = verdict(quantile(late, 0.99) <= ALLOWED_LATE_MS)
    return f"{what:32}{numbers(late)}   allowed {ALLOWED_LATE_MS:.0f} ms at p99: {told}"


def numbers(late: Sequence[float]) -> str:
    """Median, 99th percentile and the most."""
    return f"{statistics.median(late):9.3f}{quantile(late, 0.99):9.3f}{max(late):9.3f}"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def verdict(holds: bool) -> str:
    """In words."""
    return "within" if holds else "OVER"


# The command


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks proxies", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="of 25 round trips each way")
    parser.add_argument("--delays", type=int, default=40, help="messages for each delay; 0: none")
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"), help="path of mitmdump")
    parser.add_argument(
        "--with-mitmproxy", action="store_true", help="install it in a folder that is thrown away"
    )
    parser.add_argument("--role", choices=("echo", "tcp", "frames"), help=argparse.SUPPRESS)
    parser.add_argument("--upstream", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.role is not None:
        asyncio.run(echo() if chosen.role == "echo" else proxy(chosen.role, chosen.upstream))
        return 0
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; absolute times are its own")
    with ExitStack() as stack:
        mitmdump = chosen.mitmdump
        if chosen.with_mitmproxy:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                mitmdump = installed_mitmdump(folder)
            except MitmproxyMissingError as error:
                print(f"mitmproxy cannot be installed here:\n{error}")
        unproxied = stack.enter_context(started("echo"))
        upstream = unproxied.port
        ways = {
            "unproxied": unproxied,
            "TCP proxy": stack.enter_context(started("tcp", upstream)),
            "frame proxy": stack.enter_context(started("frames", upstream)),
        }
        if mitmdump is not None:
            ways["mitmproxy"] = stack.enter_context(mitmproxy(mitmdump, upstream))
        taken = measured(ways, chosen.rounds)
    # What the echo server used was for all ways.
    unproxied.processor_s = None
    for line in latency_report(taken, ways):
        print(line)
    if mitmdump is None:
        print("mitmproxy is not here: --with-mitmproxy installs it, --mitmdump names it")
    if chosen.delays:
        for line in delay_report(chosen.delays):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
