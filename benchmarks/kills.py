"""Kills runs at random instants and looks at what is left: crash safety, counted.

Each run is `golden-path run` on the remediated platform, killed with SIGKILL. Its folder must be
readable, say that it is partial, and be fit to be finished by somebody else; a verdict that was
not reached is inconclusive, none is a failure or an error; and no process and no temporary folder
is left. Instants are drawn uniformly over the duration of an undisturbed run, its start included.

    python -m benchmarks kills [--times 100] [--seed 1] [--case ID ...] [--isolation process]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.evidence import EvidenceError, finalise, read_run, recheck, runs_in

MARKER = "GOLDEN_PATH_KILLS"
"""An environment variable that every process of a run inherits; what carries it belongs to it."""
CASES = ("auth.validation_cascade",)
GONE_WITHIN_S = 5.0
RUN_WITHIN_S = 300.0


class Found(StrEnum):
    """How far a run had come."""

    NO_FOLDER = "no folder yet"
    """Nothing had been begun, so nothing is claimed."""
    PARTIAL = "partial"
    FINISHED = "finished"
    """Its evidence was whole already: only the process was still there."""


@dataclass(frozen=True)
class Kill:
    """One run that was killed, and what was left of it."""

    after_s: float
    processes: int
    """How many were running when it was killed."""
    found: Found
    decided: int
    """Cases with a verdict other than inconclusive."""
    gone_after_s: float
    objections: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """What is run, and where."""

    folder: Path
    cases: Sequence[str] = CASES
    isolation: str = "thread"

    def start(self, name: str) -> Run:
        """Start a run that is told apart by its marker and by its folders."""
        return Run(self, self.folder / name, f"{name}-{secrets.token_hex(8)}")


class Run:
    """A run in a process of its own; dead, with all that belongs to it, when it is left."""

    def __init__(self, order: Order, folder: Path, marker: str) -> None:
        self.outputs = folder / "outputs"
        self._marker = f"{MARKER}={marker}".encode()
        self._temporary = folder / "tmp"
        self._temporary.mkdir(parents=True)
        command = [sys.executable, "-m", "gp_helpers.cli.main", "run", "--env", "remediated"]
        command += [word for case in order.cases for word in ("--case", case)]
        command += ["--isolation", order.isolation, "--outputs", str(self.outputs), "--quiet"]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, MARKER: marker, "TMPDIR": str(self._temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def ended_within(self, seconds: float) -> bool:
        """Whether it ends by itself within these seconds of its start."""
        try:
            self.process.wait(max(0.0, self.began + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def processes(self) -> list[int]:
        """The living processes that carry the marker."""
        return processes_with(self._marker)

    def temporaries(self) -> list[str]:
        """What is in its temporary folder."""
        return sorted(os.listdir(self._temporary))


def processes_with(variable: bytes) -> list[int]:
    """The living processes that began with this variable, `NAME=value`, in their environment."""
    return [pid for pid in _all_processes() if variable in _environment_of(pid)]


def _all_processes() -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            yield int(entry.name)


def _environment_of(pid: int) -> list[bytes]:
    """The variables that a process began with; none of one that has ended or is a zombie."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def undisturbed(order: Order) -> float:
    """The seconds that a run takes; raises ``RuntimeError`` if it does not pass."""
    with order.start("undisturbed") as run:
        if not run.ended_within(RUN_WITHIN_S) or run.process.returncode != 0:
            raise RuntimeError(f"the undisturbed run ended with {run.process.returncode}")
        seconds = time.monotonic() - run.began
        left = run.processes()
    if left:
        raise RuntimeError(f"the undisturbed run left {len(left)} processes")
    return seconds


def kill_runs(
    order: Order, times: int, seed: int, progress: Callable[[int, Kill], None] = lambda *_: None
) -> list[Kill]:
    """Kill this many runs; one that had ended before its instant came is not counted.

    Raises ``RuntimeError`` if the undisturbed run does not pass, or if too many end before.
    """
    longest = undisturbed(order)
    instants = random.Random(seed)
    kills: list[Kill] = []
    for number in range(1, 2 * times + 3):
        if len(kills) == times:
            return kills
        with order.start(str(number)) as run:
            after = instants.uniform(0.0, longest)
            if run.ended_within(after):
                continue
            kills.append(_killed(run, order, after))
        progress(len(kills), kills[-1])
    raise RuntimeError(f"only {len(kills)} of {times} runs lived until their instant")


def _killed(run: Run, order: Order, after: float) -> Kill:
    processes = len(run.processes())
    run.process.kill()
    killed_at = time.monotonic()
    run.process.wait()
    while left := run.processes():
        if time.monotonic() - killed_at > GONE_WITHIN_S:
            break
        time.sleep(0.01)
    gone_after = time.monotonic() - killed_at
    objections = [f"{len(left)} processes are left"] if left else []
    if temporaries := run.temporaries():
        objections.append(f"temporary folders are left: {', '.join(temporaries)}")
    if not processes:
        objections.append("none of its processes was seen, so none can be missed")
    found, decided, wrong = examined(run.outputs, order.cases)
    return Kill(after, processes, found, decided, gone_after, (*objections, *wrong))


def examined(outputs: Path, cases: Sequence[str]) -> tuple[Found, int, list[str]]:
    """How far a killed run had come, how many of its cases are decided, and what is wrong."""
    folders = list(runs_in(outputs)) if outputs.is_dir() else []
    if not folders:
        return Found.NO_FOLDER, 0, []
    try:
        return _looked_into(folders[0], cases)
    except (EvidenceError, ValueError, KeyError) as error:
        return Found.PARTIAL, 0, [f"not readable: {type(error).__name__}: {error}"]


def _looked_into(folder: Path, cases: Sequence[str]) -> tuple[Found, int, list[str]]:
    is_sealed = (folder / "manifest.json").exists()
    first, checked = read_run(folder), recheck(folder)
    objections = list(_wrong_verdicts(first.verdicts, cases))
    if is_sealed:
        objections += [str(one) for one in checked.differences]
        if first.verdicts["partial"]:
            objections.append(f"whole, and says that it is partial: {first.verdicts['partial']}")
    else:
        if not first.verdicts["partial"]:
            objections.append("does not say that it is partial")
        if not any("partial" in note for note in checked.notes):
            objections.append("a re-check does not say that it is partial")
        objections += _wrong_after_finishing(folder, cases)
    for notebook in folder.glob("*.ipynb"):
        json.loads(notebook.read_text(encoding="utf-8"))
    decided = sum(case["outcome"] != Outcome.INCONCLUSIVE for case in first.verdicts["cases"])
    return Found.FINISHED if is_sealed else Found.PARTIAL, decided, objections


def _wrong_verdicts(verdicts: dict[str, Any], cases: Sequence[str]) -> Iterator[str]:
    """On the remediated platform a case passes by a whole trial, or was not reached."""
    listed = [case["case"] for case in verdicts["cases"]]
    if listed != list(cases):
        yield f"lists {listed} instead of {list(cases)}"
    for case in verdicts["cases"]:
        whole = [one for one in case["trials"] if one["unfinished"] is None]
        expected = Outcome.PASS if whole else Outcome.INCONCLUSIVE
        if case["outcome"] != expected:
            yield f"{case['case']} is {case['outcome']}, not {expected}: {case['reason']}"


def _wrong_after_finishing(folder: Path, cases: Sequence[str]) -> Iterator[str]:
    """What is wrong once somebody else has finished the evidence of a killed run."""
    final = finalise(folder)
    yield from _wrong_verdicts(dict(final.verdicts), cases)
    yield from final.problems
    yield from (str(one) for one in final.scan.findings)
    yield from (str(one) for one in recheck(folder, expect=final.digest).differences)
    for name, words in (("index.html", "Partial run."), ("summary.md", "artial")):
        if words not in (folder / name).read_text(encoding="utf-8"):
            yield f"{name} does not say that the run is partial"


def _row(number: int, kill: Kill) -> str:
    told = "; ".join(kill.objections) or "as it should be"
    return (
        f"{number:4} {kill.after_s:8.3f} {kill.processes:9} {kill.found.value:>13} "
        f"{kill.decided:7} {kill.gone_after_s:8.3f}  {told}"
    )


def main(options: Sequence[str]) -> int:
    """Kill, print a row for each, and a closing line; the exit status says whether all held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks kills", description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", action="append", default=[], metavar="ID")
    parser.add_argument("--isolation", choices=("process", "thread"), default="thread")
    asked = parser.parse_args(options)
    with tempfile.TemporaryDirectory(prefix="gp-kills-") as folder:
        order = Order(Path(folder), asked.case or CASES, asked.isolation)
        print(
            f"seed {asked.seed}, {', '.join(order.cases)}, {order.isolation} isolation\n"
            f"{'':4} {'after s':>8} {'processes':>9} {'found':>13} {'decided':>7} {'gone in':>8}"
        )
        try:
            kills = kill_runs(
                order,
                asked.times,
                asked.seed,
                lambda number, kill: print(_row(number, kill), flush=True),
            )
        except RuntimeError as error:
            print(error)
            return 1
    counts = Counter(kill.found for kill in kills)
    wrong = sum(bool(kill.objections) for kill in kills)
    told = ", ".join(f"{counts[found]} {found.value}" for found in Found)
    slowest = max(kill.gone_after_s for kill in kills)
    print(f"{len(kills)} killed: {told}; processes gone within {slowest:.2f} s; {wrong} objections")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
