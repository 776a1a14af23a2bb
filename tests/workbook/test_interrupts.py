"""An interrupt of a cell arrives at once, and ends that cell's step alone, in a real kernel."""

import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.support.kernels import over_unix_sockets

OPEN = """
import gp_helpers
target = {"kind": "embedded", "isolation": "thread"}
lab = await gp_helpers.open_lab(target=target)
case = lab.case("auth.validation_cascade")
await case.components()
"""


class Kernel:
    """A stock ipykernel and its one client."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str, *, interrupt_when: str | None = None) -> tuple[list[str], str, float]:
        """Names of errors, what was printed, and the seconds from the interrupt to the end."""
        self.client.execute(code)
        printed, interrupted = "", time.monotonic()
        errors: list[str] = []
        while True:
            message = self.client.get_iopub_msg(timeout=30)
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "stream":
                printed += content["text"]
                if interrupt_when is not None and interrupt_when in printed:
                    interrupt_when = None
                    interrupted = time.monotonic()
                    self.manager.interrupt_kernel()
            elif kind == "error":
                errors.append(content["ename"])
            elif kind == "status" and content["execution_state"] == "idle":
                break
        self.client.get_shell_msg(timeout=30)
        return errors, printed, time.monotonic() - interrupted


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setenv("GOLDEN_PATH_OUTPUTS", str(tmp_path))
    with over_unix_sockets() as config:
        manager = KernelManager(kernel_name="python3", config=config)
        manager.start_kernel()
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            yield Kernel(manager, client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def test_an_interrupt_ends_the_waiting_cell_at_once_and_leaves_the_lab_alone(
    kernel: Kernel,
) -> None:
    assert kernel.run(OPEN)[0] == []
    waiting = "import asyncio\nprint('waiting', flush=True)\nawait asyncio.sleep(20)"
    errors, _, seconds = kernel.run(waiting, interrupt_when="waiting")
    assert errors == ["CancelledError"]
    assert seconds < 10
    errors, printed, _ = kernel.run("print(repr(await case.log_in()))")
    assert errors == []
    assert "is logged in" in printed
    assert kernel.run("await lab.close()")[0] == []


def test_a_kernel_that_is_shut_down_with_an_open_trial_ends(kernel: Kernel) -> None:
    assert kernel.run(OPEN)[0] == []
    kernel.client.shutdown()
    deadline = time.monotonic() + 20
    while kernel.manager.is_alive() and time.monotonic() < deadline:
        try:
            kernel.client.get_control_msg(timeout=0.2)
        except Empty:
            continue
    assert not kernel.manager.is_alive()
