"""However much a cell prints or shows, the runner's memory and the notebook stay bounded."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from nbformat.v4 import new_output

from gp_helpers.execution import NotebookResult
from gp_helpers.execution.kernels.recorder import CAPACITY, Recorder, Recording, create
from gp_helpers.execution.outputs import KEPT_CHARACTERS, StreamText
from tests.execution.gallery import MOST_OUTPUTS
from tests.execution.notebooks import execute_now, job, printed, read, write_notebook

MEASURE = """
import asyncio, json, resource, sys
from pathlib import Path
from gp_helpers.execution import NotebookJob, execute
import gp_helpers.execution.side_by_side

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

async def run(name):
    job = NotebookJob(Path(name), Path(name).with_suffix(".out"))
    [result] = await execute([job], concurrency=1)
    return result.exit_reason.value

before = peak()
reason = asyncio.run(run(sys.argv[1]))
print(json.dumps([reason, peak() - before]))
"""


def test_a_million_prints_are_one_output_with_its_beginning_and_its_end(tmp_path: Path) -> None:
    loud = write_notebook(
        tmp_path / "loud.ipynb", "for n in range(1_000_000): print(f'{n:060}')", "print('next')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(loud)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=dict(os.environ),
    )
    reason, megabytes = json.loads(ran.stdout)
    assert reason == "completed"
    # What was printed is 61 MB.
    assert megabytes < 40
    saved = read(loud.with_suffix(".out"))
    [output] = saved.cells[0].outputs
    assert output.text.startswith(f"{0:060}\n{1:060}\n")
    assert output.text.endswith(f"\n{999_999:060}\n")
    assert "characters are left out here" in output.text
    assert len(output.text) < 2 * KEPT_CHARACTERS + 100
    assert printed(saved.cells[1]) == "next\n"


def test_more_outputs_than_a_cell_may_have_are_counted(
    results: dict[str, NotebookResult],
) -> None:
    outputs = read(results["shows_a_lot"].job.destination).cells[0].outputs
    shown = [output.data["text/plain"] for output in outputs if output.output_type != "stream"]
    assert shown == [str(number) for number in range(MOST_OUTPUTS)]
    assert outputs[-1].text == "… 600 more outputs are left out here …\n"


def stream_of(*texts: str) -> str:
    stream = StreamText(new_output("stream", name="stdout", text=""))
    for text in texts:
        stream.add(text)
    stream.settle()
    return str(stream.output.text)


TAKES_TURNS = """
import time
from IPython.display import HTML, display
for number in range(100):
    print(number)
    if number % 10 == 0:
        time.sleep(0.25)  # what was printed has been sent by itself by now
    display(HTML(f"<i>{number}</i>"))
"""


@pytest.mark.parametrize("warm", [False, True])
def test_what_is_printed_and_what_is_shown_stay_in_their_order(tmp_path: Path, warm: bool) -> None:
    source = write_notebook(tmp_path / "turns.ipynb", TAKES_TURNS)
    [result] = execute_now([job(source)], warm=warm)
    seen = [
        (one.get("name", "shown"), one.text if "text" in one else one.data["text/html"])
        for one in read(result.job.destination).cells[0].outputs
    ]
    assert seen == [
        told
        for number in range(100)
        for told in (
            ("stdout", f"{number}\n"),
            ("shown", f"<i>{number}</i>"),
        )
    ]


@pytest.mark.parametrize(
    ("texts", "settled"),
    [
        (("a", "b\n", "c"), "ab\nc"),
        (("10 %\r20 %\r", "30 %\n", "done\n"), "30 %\ndone\n"),
        (("windows\r\n", "lines\r\n"), "windows\r\nlines\r\n"),
        (("half\r",), "half\r"),
    ],
)
def test_a_stream_settles_to_what_a_terminal_would_show(
    texts: tuple[str, ...], settled: str
) -> None:
    assert stream_of(*texts) == settled


@pytest.mark.parametrize("size", [1, 1000, 3 * KEPT_CHARACTERS])
def test_a_long_stream_keeps_its_ends_whatever_its_pieces(size: int) -> None:
    text = "".join(f"{number:09}\n" for number in range(100_000))
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    left_out = len(text) - 2 * KEPT_CHARACTERS
    assert stream_of(*pieces) == (
        text[:KEPT_CHARACTERS]
        + f"\n… {left_out:,} characters are left out here …\n"
        + text[-KEPT_CHARACTERS:]
    )


def test_a_streams_memory_does_not_grow_with_it() -> None:
    stream = StreamText(new_output("stream", name="stdout", text=""))
    line = "x" * 1000
    tracemalloc.start()
    try:
        for _ in range(50_000):
            stream.add(line + "\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * KEPT_CHARACTERS


@pytest.mark.parametrize("written", [0, 10, CAPACITY - 1, CAPACITY, CAPACITY + 7, 3 * CAPACITY])
def test_the_recorder_gives_back_what_was_not_received(tmp_path: Path, written: int) -> None:
    create(tmp_path / "r")
    recorder, recording = Recorder(tmp_path / "r", "stderr"), Recording(tmp_path / "r")
    text = "".join(chr(33 + number % 90) for number in range(written))
    for start in range(0, written, 997):
        recorder.note(text[start : start + 997])
    received = written // 3
    kept, lost = recording.after("stderr", received)
    assert recording.total("stderr") == written
    assert lost == max(0, written - received - CAPACITY)
    assert kept == text[received + lost :]
    assert recording.after("stdout", 0) == ("", 0)
    recording.close()
