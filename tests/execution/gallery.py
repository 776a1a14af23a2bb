"""Notebooks that end in every way there is; one call of the runner executes them all."""

from collections.abc import Mapping

from tests.execution.notebooks import WRITE_PIDS, Cell

DRAWS = (
    "import sys, pandas as pd, matplotlib.pyplot as plt",
    "print('text'); print('trouble', file=sys.stderr); pd.DataFrame({'a': [1, 2]})",
    "figure, axes = plt.subplots()\naxes.plot([1, 3, 2])\naxes.set_title('drawn')\nprint('under')",
    "import os, subprocess\n_ = subprocess.run(['echo', 'from a child'])",
    "os.environ['OF_THE_JOB']",
    "print(os.getcwd(), __name__, sys.path, os.environ.get('OMP_NUM_THREADS'))",
)
LATE = """
import os, subprocess, threading, time
take = os.read
def late(*arguments):
    content = take(*arguments)
    if threading.current_thread() is not threading.main_thread(): time.sleep(0.5)
    return content
os.read = late
_ = subprocess.run(['echo', 'read by who waits already'])
"""
"""Whoever reads what child processes print comes late with it."""
RANDOM = ("import random, numpy\nprint(random.random(), numpy.random.random())",)

MOST_OUTPUTS = 400
"""What a cell of theirs may have, so that none has to show thousands."""

NOTEBOOKS: Mapping[str, tuple[str | Cell, ...]] = {
    "completes": ("print('one')", "", "1 + 1"),
    "fails": ("print('before'); raise ValueError('no')", "1"),
    "fails_as_it_should": (Cell("1 / 0", ("raises-exception",)), "print('after')"),
    "exits": ("import os, sys\nprint('before'); print('wrong', file=sys.stderr); os._exit(3)", "1"),
    "is_killed": ("import os, signal\nprint('before', end=''); os.kill(os.getpid(), 9)", "1"),
    "crashes": ("import ctypes\nprint('before'); ctypes.string_at(0)", "1"),
    "leaves_a_child": (WRITE_PIDS.format(path="../pids"), "os._exit(0)"),
    "never_ends": (Cell("print('before')\nwhile True: pass", ("timeout=0.5",)), "1"),
    "swallows": (
        Cell(
            "import time\nprint('before')\nwhile True:\n"
            "    try: time.sleep(60)\n    except KeyboardInterrupt: print('ignored')",
            ("timeout=0.5",),
        ),
        "1",
    ),
    "waits_on_an_idle_loop": (
        Cell(
            "import asyncio\nprint('before')\n"
            "try: await asyncio.sleep(600)\nfinally: print('cleaned up')",
            ("timeout=0.5",),
        ),
        "1",
    ),
    "draws": DRAWS,
    "reads_late": (LATE, "_ = subprocess.run(['echo', 'from a child'])", "print('next')"),
    "is_random": RANDOM,
    "is_random_too": RANDOM,
    "shows_a_lot": ("from IPython.display import display\nfor n in range(1000): display(n)", "1"),
    "exits_quietly": ("print('before')\nimport sys; sys.exit(0)", "1"),
}
