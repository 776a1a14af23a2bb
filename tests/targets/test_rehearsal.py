"""The rehearsal goes through the whole journey, leaves nothing, and is no condition of a run."""

from __future__ import annotations

import json
import subprocess
import sys

_REHEARSE = """
import contextlib, json, os, sys, tempfile, time
from pathlib import Path
from gp_helpers.targets import rehearsal
asked = []
class Noting(rehearsal.ServiceClient):
    async def request(self, method, url, **options):
        reply = await super().request(method, url, **options)
        asked.append([method, "/" + url.split("/", 3)[3].split("/thr_")[0], reply.status])
        return reply
rehearsal.ServiceClient = Noting
tempfile.tempdir = sys.argv[1]
exec(sys.argv[2])
rehearsal.rehearse()
until = time.monotonic() + 5
while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < until:
    time.sleep(0.01)
sockets = 0
for path in list(Path("/proc/self/fd").iterdir()):
    with contextlib.suppress(FileNotFoundError):
        sockets += os.readlink(path).startswith("socket:")
print(json.dumps({
    "asked": asked,
    "threads": len(os.listdir("/proc/self/task")),
    "sockets": sockets,
    "files": [str(path) for path in Path(sys.argv[1]).rglob("*")],
}))
"""


def _rehearsed(folder: object, before: str = "") -> tuple[dict[str, object], str]:
    ended = subprocess.run(
        [sys.executable, "-c", _REHEARSE, str(folder), before],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(ended.stdout), ended.stderr


def test_it_goes_through_the_journey_and_leaves_nothing(tmp_path: object) -> None:
    left, complaints = _rehearsed(tmp_path)
    assert complaints == ""
    assert left == {
        "asked": [
            ["POST", "/auth/register", 201],
            ["POST", "/auth/login", 200],
            ["POST", "/auth/refresh", 200],
            ["GET", "/auth/me", 200],
            ["POST", "/api/threads", 201],
            ["GET", "/api/threads", 200],
            ["GET", "/internal/ingress", 200],
            ["POST", "/auth/logout", 204],
        ],
        "threads": 1,
        "sockets": 0,
        "files": [],
    }


def test_one_that_fails_says_so_and_leaves_nothing_either(tmp_path: object) -> None:
    left, complaints = _rehearsed(tmp_path, "rehearsal._PERSON['password'] = 5")
    assert "did not get through its rehearsal" in complaints
    assert "/auth/register was answered with 4" in complaints
    assert (left["threads"], left["sockets"], left["files"]) == (1, 0, [])
