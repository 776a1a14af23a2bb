"""Several ways of doing the same, measured in turn.

Each way is a process of its own, so its start is part of the time, and the ways take turns, so
that a noisy machine is noisy for all of them.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Way:
    """One way of doing everything."""

    name: str
    run: Callable[[Path], None]
    """Does it, with a folder for what it leaves behind."""


@dataclass(frozen=True)
class Taken:
    """What one way took in one round, in seconds."""

    elapsed: float
    processor: float
    """Of all processes together: the steadier number on a busy machine."""


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(ways: Sequence[Way], rounds: int) -> dict[str, list[Taken]]:
    """What each way took in each round; the ways take turns."""
    taken: dict[str, list[Taken]] = {way.name: [] for way in ways}
    for number in range(rounds):
        turn = number % len(ways)
        for way in [*ways[turn:], *ways[:turn]]:
            with tempfile.TemporaryDirectory() as folder:
                began, used = time.perf_counter(), _processor_seconds()
                way.run(Path(folder))
                last = Taken(time.perf_counter() - began, _processor_seconds() - used)
            taken[way.name].append(last)
            print(
                f"  round {number + 1}: {way.name}: {last.elapsed:.2f} s, "
                f"processor {last.processor:.2f} s, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    return taken


def report(taken: Mapping[str, list[Taken]], executions: int, scripts: Mapping[str, str]) -> str:
    """Two tables, of elapsed and of processor time: seconds, how often faster than the first way,
    and what a notebook costs over a plain script.

    ``scripts``: which way is the script that a way is held against.
    """
    tables = []
    for title, number_of in (
        ("elapsed time", lambda one: one.elapsed),
        ("processor time", lambda one: one.processor),
    ):
        seconds = {name: list(map(number_of, rounds)) for name, rounds in taken.items()}
        tables.append(_table(title, seconds, executions, scripts))
    return "\n\n".join(tables)


def _table(
    title: str, seconds: dict[str, list[float]], executions: int, scripts: Mapping[str, str]
) -> str:
    first = next(iter(seconds))
    over_script = "over its script" if scripts else ""
    lines = [f"{title:36} {'median s (range)':>24} {'times less (range)':>24} {over_script:>18}"]
    for name, found in seconds.items():
        ratios = [one / other for one, other in zip(seconds[first], found, strict=True)]
        over = ""
        script = scripts.get(name, name)
        if script != name:
            pairs = zip(found, seconds[script], strict=True)
            more = statistics.median(one - other for one, other in pairs)
            over = f"{more / executions:+.2f} s a notebook"
        lines.append(f"{name:36} {_spread(found):>24} {_spread(ratios):>24} {over:>18}")
    return "\n".join(lines)


def _spread(numbers: Sequence[float]) -> str:
    return f"{statistics.median(numbers):.2f} ({min(numbers):.2f}-{max(numbers):.2f})"
