"""A process that ends without tearing down its modules leaves nothing undone that was owed."""

import os
import subprocess
import sys

ENDS = """
import atexit, sys, threading, time
from gp_helpers.cloud_run.ending import end_process

begun, may_end = threading.Event(), threading.Event()

def work():
    begun.set()
    may_end.wait(30)
    print("thread")

atexit.register(print, "atexit")
threading.Thread(target=work).start()
begun.wait(30)
threading.Timer(0.05, may_end.set).start()
print("main")
end_process(7)
"""


def test_threads_are_waited_for_and_what_was_registered_and_printed_is_there() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout.split(), ran.stderr) == (7, ["main", "thread", "atexit"], "")


def test_a_reader_who_has_gone_changes_no_exit_code() -> None:
    code = "import os, sys; from gp_helpers.cloud_run.ending import end_process\n"
    code += "reader, writer = os.pipe(); os.dup2(writer, 1); os.close(writer); os.close(reader)\n"
    code += "print('to nobody'); end_process(3)"
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    ran = subprocess.run([sys.executable, "-c", code], timeout=60, check=False, env=buffered)
    assert ran.returncode == 3
