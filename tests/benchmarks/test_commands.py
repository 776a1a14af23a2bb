"""Commands that are measured: told to end, they end; what fails is shown."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.commands import run_quietly

RUNS_TWO = """
import signal, sys
from benchmarks.commands import run_quietly
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run unattended
tells = "print(os.getpid(), file=open(sys.argv[1], 'w'), flush=True)"
code = f"import os, sys, time; {tells}; time.sleep(600)"
run_quietly(*([sys.executable, "-c", code, path] for path in sys.argv[1:]), at_once=2)
"""
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_runs_ends_with_a_benchmark_that_is_told_to_end(
    tmp_path: Path, number: signal.Signals
) -> None:
    pipes = [tmp_path / name for name in ("first", "second")]
    for pipe in pipes:
        os.mkfifo(pipe)
    with subprocess.Popen(
        [sys.executable, "-c", RUNS_TWO, *map(str, pipes)], cwd=ROOT, stderr=subprocess.DEVNULL
    ) as benchmark:
        try:
            children = [int(pipe.read_text()) for pipe in pipes]
            benchmark.send_signal(number)
            benchmark.wait(timeout=30)
        finally:
            benchmark.kill()
    assert benchmark.returncode in (128 + signal.SIGTERM, -signal.SIGINT)
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_a_command_that_fails_is_shown_and_ends_those_beside_it() -> None:
    fails = [sys.executable, "-c", "print('why'); raise SystemExit(3)"]
    waits = [sys.executable, "-c", "import time; time.sleep(600)"]
    with pytest.raises(SystemExit, match=r"(?s)ended with 3:\nwhy"):
        run_quietly(waits, fails, at_once=2)


def test_a_status_that_is_allowed_is_no_failure() -> None:
    run_quietly([sys.executable, "-c", "raise SystemExit(1)"], allowed=(0, 1))
