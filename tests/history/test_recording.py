"""Recording on real files: what is on disk at every moment, and what a reader makes of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gp_helpers.history import (
    Entry,
    HistoryReadError,
    HistoryWriteError,
    Kind,
    Recorder,
    Redactor,
    parse,
    read,
)


class Ticks:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def record(path: Path, count: int = 3) -> Recorder:
    recorder = Recorder(path, Redactor(), clock=Ticks())
    recorder.start(case="auth.timing", role="trial")
    for number in range(count):
        recorder.add(Kind.MEASURED, "lab", "x", quantity="x", value=number, unit="ms")
    return recorder


def test_a_whole_history_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "histories" / "h.jsonl"
    with record(path, 1) as recorder:
        recorder.step = "log_in"
        recorder.add(Kind.TRIAL_ENDED, "lab", outcome="completed", error=None)
    history = read(path)
    header = {"schema": 1, "case": "auth.timing", "role": "trial"}
    assert history.entries == (
        Entry(0, 1.0, "lab", Kind.TRIAL_STARTED, "", "", header),
        Entry(1, 2.0, "lab", Kind.MEASURED, "x", "", {"quantity": "x", "value": 0, "unit": "ms"}),
        Entry(
            2, 3.0, "lab", Kind.TRIAL_ENDED, "", "log_in", {"outcome": "completed", "error": None}
        ),
    )
    assert (history.truncated, history.is_complete, history.header) == (None, True, header)


def test_each_entry_is_on_disk_when_add_returns(tmp_path: Path) -> None:
    recorder = record(tmp_path / "h.jsonl", 0)
    for number in range(1, 5):
        recorder.add(Kind.SILENCE, "lab", proven=True)
        assert len((tmp_path / "h.jsonl").read_text().splitlines()) == number + 1
    recorder.close()


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text("evidence")
    with pytest.raises(HistoryWriteError, match=r"cannot write .*h\.jsonl: File exists"):
        record(path)
    assert path.read_text() == "evidence"


def test_what_comes_after_the_seal_is_not_part_of_it(tmp_path: Path) -> None:
    with record(tmp_path / "h.jsonl") as recorder:
        recorder.seal()
        late = recorder.add(Kind.SILENCE, "lab", proven=True)
    assert late.kind is Kind.SILENCE
    assert len(recorder.history) == len(read(tmp_path / "h.jsonl")) == 4


def test_a_torn_line_is_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    record(path).close()
    whole = path.read_bytes()
    for cut in range(1, len(whole.splitlines(keepends=True)[-1])):
        history = parse(whole[:-cut], "h.jsonl")
        assert (len(history), history.truncated) == (3, "the line after entry 2 is torn")
    assert parse(whole, "h.jsonl").truncated == "the trial did not come to its end"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda lines: lines[:2] + lines[3:], "h.jsonl, line 3: entry 3 stands where 2 belongs"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "line 2: entry 2 stands where 1"),
        (lambda lines: [*lines[:2], "", *lines[2:]], "h.jsonl, line 3: Expecting value"),
        (lambda lines: [*lines[:3], lines[3].replace("measured", "felt")], "line 4: not a history"),
        (lambda lines: [lines[0], lines[1] + "," + lines[2], lines[3]], "line 2: Extra data"),
        (lambda lines: [lines[0], lines[1][:-1], lines[2][1:], lines[3]], "line 2: Expecting"),
        (lambda lines: [lines[0].replace('"seq":0', '"seq": 7'), *lines[1:]], "line 1: entry 7"),
    ],
)
def test_a_damaged_line_is_named(damage, found: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "h.jsonl"
    record(path).close()
    path.write_text("\n".join(damage(path.read_text().splitlines())) + "\n")
    with pytest.raises(HistoryReadError, match=found):
        read(path)


def test_a_line_that_is_written_in_another_style_is_read_too() -> None:
    lines = [
        json.dumps(json.loads(Entry(at, at / 2, "lab", Kind.SILENCE, "", "", {}).to_json()))
        for at in range(2500)
    ]
    assert [entry.seq for entry in parse(("\n".join(lines) + "\n").encode(), "h")] == list(
        range(2500)
    )


def test_what_utf_8_cannot_say_is_recorded_and_read_back(tmp_path: Path) -> None:
    with Recorder(tmp_path / "h.jsonl", Redactor()) as recorder:
        added = recorder.add(Kind.WS_RECEIVED, "ada", "ws-1", message={"half": "\ud83d", "é": "\0"})
    assert read(tmp_path / "h.jsonl").entries[0].data == added.data


def test_an_empty_file_is_a_history_that_never_began(tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").touch()
    history = read(tmp_path / "h.jsonl")
    assert (len(history), history.header, history.is_complete) == (0, {}, False)
    assert history.truncated == "the trial did not come to its end"


def test_entries_are_found_by_kind_actor_step_and_subject(tmp_path: Path) -> None:
    with record(tmp_path / "h.jsonl", 0) as recorder:
        recorder.step = "ask"
        asked = recorder.add(Kind.WS_SENT, "ada", "ws-1", message={})
        got = recorder.add(Kind.WS_RECEIVED, "ben", "ws-2", message={})
        recorder.step = ""
        late = recorder.add(Kind.WS_SENT, "ada", "ws-1", message={})
    history = recorder.history
    assert history.of(Kind.WS_RECEIVED, Kind.WS_SENT) == [asked, got, late]
    assert history.of(Kind.WS_SENT, Kind.WS_SENT) == [asked, late]
    assert history.of(Kind.WS_SENT, actor="ada", step="ask") == [asked]
    assert history.about("ws-1") == [asked, late]
    assert history.about("nothing") == history.of(Kind.TOKEN) == []


FILL_UP = """
import resource, signal, sys
from pathlib import Path
from gp_helpers.history import HistoryWriteError, Kind, Recorder, Redactor
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
recorder = Recorder(Path(sys.argv[1]), Redactor())
recorder.start(case="auth.timing", role="trial")
try:
    for number in range(10_000):
        recorder.add(Kind.MEASURED, "lab", "x", quantity="x", value=number, unit="ms")
except HistoryWriteError as error:
    print(error, len(recorder.history), sep="|")
"""


@pytest.mark.parametrize("room", [4096, 5000, 70_001])
def test_without_room_the_error_names_the_path_and_the_file_stays_readable(
    room: int, tmp_path: Path
) -> None:
    path = tmp_path / "h.jsonl"
    ran = subprocess.run(
        [sys.executable, "-c", FILL_UP, str(path), str(room)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    said, _, in_memory = ran.stdout.strip().partition("|")
    assert said == f"cannot write {path}: File too large"
    assert path.stat().st_size == room
    history = read(path)
    assert len(history) >= int(in_memory) - 2
    assert history.truncated is not None


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="not run here: no /dev/full")
def test_a_full_disk_is_an_error_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").symlink_to("/dev/full")
    recorder = Recorder(None, Redactor())
    recorder.path = tmp_path / "h.jsonl"
    with recorder.path.open("w") as full:
        recorder._file = full
        with pytest.raises(HistoryWriteError, match=r"h\.jsonl: No space left on device"):
            recorder.start(case="auth.timing")
        with pytest.raises(HistoryWriteError, match="No space left"):
            recorder.close()


def test_no_permission_is_an_error_with_the_path(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from gp_helpers.history import Recorder, Redactor\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "Recorder(Path(sys.argv[1]), Redactor())"
    )
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    ran = subprocess.run(
        [sys.executable, "-c", program, str(locked / "h.jsonl")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "HistoryWriteError: cannot write" in ran.stderr
    assert f"{locked / 'h.jsonl'}: Permission denied" in ran.stderr


KILLED = """
import sys
from pathlib import Path
from gp_helpers.history import Kind, Recorder, Redactor
recorder = Recorder(Path(sys.argv[1]), Redactor())
recorder.start(case="auth.timing", role="trial")
print("began", flush=True)
while True:
    recorder.add(Kind.READING, "lab", "backend", text="x" * 500)
"""


def test_a_killed_process_leaves_a_readable_history(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.jsonl"
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "began\n"
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        history = read(path)
        assert len(history) >= 1
        assert history.truncated is not None
        assert not history.is_complete
