"""The services' loop connects by an address without the threads in which libuv looks names up."""

import json
import subprocess
import sys

import pytest

CONNECTS = """
import asyncio, json, os, socket, sys
from gp_helpers.cloud_run.loop import new_event_loop

async def connects(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server, socket.socket(family) as client:
        client.setblocking(False)
        address = (sys.argv[2], server.getsockname()[1])
        await asyncio.get_running_loop().sock_connect(client, address)
        peer = client.getpeername()[0]
    return peer, len(os.listdir("/proc/self/task"))

with asyncio.Runner(loop_factory=new_event_loop) as runner:
    print(json.dumps(runner.run(connects(sys.argv[1]))))
"""


def connected(host: str, asked: str) -> tuple[str, int]:
    """The peer and the threads of a process that has connected to a server at `host`."""
    ran = subprocess.run(
        [sys.executable, "-c", CONNECTS, host, asked],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    peer, threads = json.loads(ran.stdout)
    return peer, threads


@pytest.mark.skipif(sys.platform != "linux", reason="not run here: threads are counted in /proc")
def test_an_address_needs_no_thread_and_a_name_is_still_looked_up() -> None:
    assert connected("127.0.0.1", "127.0.0.1") == ("127.0.0.1", 1)
    peer, threads = connected("127.0.0.1", "localhost")
    assert peer == "127.0.0.1"
    assert threads > 1
