"""How long it takes to check a run again: a run of many entries is built, and `recheck` is timed.

The entries are those of one real trial, over and over: as many trials as it takes, or with
`--long` one history whose trial goes on reading the platform's state. The re-check is a process of
its own, its start included.

    python -m benchmarks recheck [--entries 1000000] [--long] [--case ID] [--rounds 1]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.pairs import in_threads
from gp_helpers.evidence import RunFolder, finalise
from gp_helpers.execution.trials import Plan, run_trial
from gp_helpers.history import Entry, History, Kind
from gp_helpers.plan import CASES
from gp_helpers.probes import new_client

CASE = "journey.login_to_answer"


async def one_trial(case: str) -> History:
    """A trial on the remediated platform, hosted in this process."""
    plan = Plan(case, in_threads("remediated"), frozenset(), 1, 1)
    async with new_client() as http:
        _, history = await run_trial(plan, 1, http)
    return history


def trials(history: History, entries: int) -> list[History]:
    """As many trials like this one as have this many entries, each with a seed of its own."""
    first, *others = history.entries
    return [
        History(
            (
                replace(
                    first,
                    data={**first.data, "trial": number + 1, "seed": first.data["seed"] + number},
                ),
                *others,
            )
        )
        for number in range(max(1, round(entries / len(history))))
    ]


def long_trial(history: History, entries: int) -> History:
    """A trial like this one that read the platform's state till it had this many entries."""
    *body, last = history.entries
    step = max(1e-6, last.t / entries)
    readings = (
        Entry(seq, last.t + step * seq, "lab", Kind.READING, "backend", "", {"in_flight": seq % 7})
        for seq in range(len(body), entries - 1)
    )
    end = last._replace(seq=max(len(body), entries - 1), t=last.t + step * entries)
    return History((*body, *readings, end))


def build(outputs: Path, case: str, histories: Sequence[History]) -> Path:
    """A finalised run that left these histories."""
    parameters = in_threads("remediated").model_copy(update={"trials": len(histories)})
    with RunFolder.create(
        outputs, parameters, environment="remediated", run_id="many", selected=[case]
    ) as run:
        for number, history in enumerate(histories, start=1):
            path = run.history_path(case, "trial", number)
            path.parent.mkdir(exist_ok=True)
            with path.open("w", encoding="utf-8") as file:
                file.writelines(entry.to_json() + "\n" for entry in history)
        finalise(run)
    return run.path


def main(options: Sequence[str]) -> int:
    """Build, check again, print; the exit status is the re-check's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks recheck", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--long", action="store_true", help="one history instead of many")
    parser.add_argument("--case", choices=list(CASES), default=CASE, metavar="ID")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args(options)
    with tempfile.TemporaryDirectory(prefix="gp-recheck-") as folder:
        began = time.perf_counter()
        history = asyncio.run(one_trial(asked.case))
        made = long_trial if asked.long else trials
        found = made(history, asked.entries)
        run = build(Path(folder), asked.case, [found] if isinstance(found, History) else found)
        size = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
        print(f"built in {time.perf_counter() - began:.1f} s, {size / 1e6:.0f} MB", flush=True)
        digest = json.loads((run / "manifest.json").read_bytes())["digest"]
        command = [sys.executable, "-m", "gp_helpers.cli.main", "recheck", str(run)]
        status = 0
        for _ in range(asked.rounds):
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            ran = subprocess.run(
                [*command, "--expect", digest], capture_output=True, text=True, check=False
            )
            elapsed = time.perf_counter() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = sum(after[:2]) - sum(before[:2])
            print(ran.stdout.partition("\n")[0] or ran.stderr[-2000:])
            print(
                f"elapsed {elapsed:.1f} s, processor {used:.1f} s, "
                f"at most {after.ru_maxrss / 1024:.0f} MB of memory",
                flush=True,
            )
            status = status or ran.returncode
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
