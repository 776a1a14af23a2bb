"""Nothing outlives its owner, however that ends: every process that it had is counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cloud_run.conftest import children_of, is_alive
from tests.support.repository import ROOT

GONE_WITHIN_S = 5.0


class Owner:
    """A running owner and the processes that belong to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.named: dict[str, int] = json.loads(process.stdout.readline())
        self.zygote = self.named["zygote"]
        self.services = children_of(self.zygote)
        # plain, frozen, ingress, and the instance that the ingress has started
        assert len(self.services) == 4

    def left(self) -> set[int]:
        return {pid for pid in {self.zygote, *self.services} if is_alive(pid)}

    def left_after_waiting(self, survivors: AbstractSet[int] = frozenset()) -> set[int]:
        """What is left once only `survivors` are, or after the longest wait."""
        deadline = time.monotonic() + GONE_WITHIN_S
        while self.left() - survivors and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.left()


@contextmanager
def owner(logs: Path, ending: str) -> Iterator[Owner]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cloud_run.owner", str(logs), ending],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    started: Owner | None = None
    try:
        started = Owner(process)
        yield started
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
        for pid in started.left_after_waiting() if started else ():
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("ending", ["exception", "exit"])
def test_an_owner_that_ends_by_itself_leaves_nothing(tmp_path: Path, ending: str) -> None:
    with owner(tmp_path, ending) as owned:
        assert owned.process.stdin is not None
        owned.process.stdin.write("now\n")
        owned.process.stdin.flush()
        owned.process.wait(20)
        assert owned.left_after_waiting() == set()


@pytest.mark.parametrize(
    ("number", "ending"),
    [
        (signal.SIGKILL, "wait"),
        (signal.SIGTERM, "wait"),
        (signal.SIGTERM, "sigterm-handled"),
        (signal.SIGHUP, "wait"),
    ],
    ids=["SIGKILL", "SIGTERM", "SIGTERM-handled", "SIGHUP"],
)
def test_an_owner_that_is_signalled_leaves_nothing(
    tmp_path: Path, number: signal.Signals, ending: str
) -> None:
    with owner(tmp_path, ending) as owned:
        owned.process.send_signal(number)
        owned.process.wait(20)
        assert owned.left_after_waiting() == set()


def test_a_frozen_owner_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    with owner(tmp_path, "wait") as owned:
        owned.process.send_signal(signal.SIGSTOP)
        owned.process.kill()
        owned.process.wait(20)
        assert owned.left_after_waiting() == set()


def test_an_owner_whose_zygote_is_frozen_leaves_nothing_when_killed(tmp_path: Path) -> None:
    with owner(tmp_path, "wait") as owned:
        os.kill(owned.zygote, signal.SIGSTOP)
        owned.process.kill()
        owned.process.wait(20)
        assert owned.left_after_waiting() == set()


def test_a_killed_zygote_takes_its_services_with_it(tmp_path: Path) -> None:
    with owner(tmp_path, "wait") as owned:
        os.kill(owned.zygote, signal.SIGKILL)
        assert owned.left_after_waiting() == set()


def test_an_interrupt_of_the_process_group_reaches_no_service(tmp_path: Path) -> None:
    with owner(tmp_path, "sigterm-handled") as owned:
        own_groups = {os.getpgid(pid) for pid in {owned.zygote, *owned.services}}
        assert os.getpgid(owned.process.pid) not in own_groups
        assert os.getsid(owned.zygote) != os.getsid(owned.process.pid)
        os.killpg(owned.process.pid, signal.SIGINT)
        owned.process.wait(20)
        assert owned.left_after_waiting() == set()


def test_the_thread_that_started_the_zygote_may_end(tmp_path: Path) -> None:
    with owner(tmp_path, "started-from-a-thread-that-ended") as owned:
        assert owned.left() == {owned.zygote, *owned.services}


def test_a_killed_ingress_takes_its_instances_with_it(tmp_path: Path) -> None:
    with owner(tmp_path, "wait") as owned:
        [instance] = owned.services - set(owned.named.values())
        os.kill(owned.named["ingress"], signal.SIGKILL)
        expected = {owned.zygote, owned.named["plain"], owned.named["frozen"]}
        assert instance not in expected
        assert owned.left_after_waiting(expected) == expected
