"""What is dear to make is made once in a session of tests, by whichever process needs it first.

The others wait for it and look at the same files. Where it could not be made, the next one tries.
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name, filled by ``make`` in one of the session's processes."""
    own = factory.getbasetemp()
    session = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, whole = session / f"once-{name}", session / f"once-{name}.whole"
    with (session / f"once-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                whole.touch()
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing is not enough: what was forked has it too
    return folder
