"""How long it takes to check a run again: a run of many entries is built, and `recheck` is timed.

A few trials of each case are real, on the remediated platform. The others are these again, each
with a seed, users and ids of its own, till there are as many entries as were asked for. With
`--long` it is one history instead, whose trial goes on reading the platform's state. The re-check
is a process of its own, its start included; memory is that of all its processes, together.

    python -m benchmarks recheck [--entries 1000000] [--long] [--case ID ...] [--rounds 1]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import re
import resource
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import HighWater
from benchmarks.pairs import in_threads
from gp_helpers.evidence import Finalised, RunFolder, finalise
from gp_helpers.execution.trials import Plan, run_trial
from gp_helpers.history import Entry, History, Kind
from gp_helpers.plan import CASES

CASE_IDS = ("journey.login_to_answer", "journey.multi_user_isolation")
"""Two, since parameters allow 10,000 trials of a case."""
REAL_TRIALS = 4
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{12,}(?![0-9a-f])")


async def real_trials(case: str, count: int) -> list[History]:
    """Trials on the remediated platform, hosted in this process."""
    plan = Plan(case, in_threads("remediated"), frozenset(), 1, 1)
    return [(await run_trial(plan, seed))[1] for seed in range(1, count + 1)]


def another(history: History, number: int, first_seed: int) -> Iterator[str]:
    """The lines of a trial like this one, whose users, ids and seed are those of no other."""
    first, *others = history.entries
    header = {**first.data, "trial": number, "seed": first_seed + number - 1}
    yield first._replace(data=header).to_json()
    text = "\n".join(entry.to_json() for entry in others)
    for user in history.of(Kind.USER):
        word = str(user.data["canary"])
        letters = random.Random(f"{number} {word}").choices(string.ascii_lowercase, k=len(word))
        text = text.replace(word, "".join(letters))
    yield _ID.sub(
        lambda old: hashlib.sha256(f"{number} {old[0]}".encode()).hexdigest()[: len(old[0])], text
    )


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


def build(outputs: Path, real: Mapping[str, Sequence[History]], trials: int) -> Finalised:
    """A finalised run of as many trials of each case, like these."""
    parameters = in_threads("remediated").model_copy(update={"trials": trials, "cases": (*real,)})
    with RunFolder.create(
        outputs, parameters, environment="remediated", run_id="many", selected=[*real]
    ) as run:
        for case, histories in real.items():
            for number in range(1, trials + 1):
                path = run.history_path(case, "trial", number)
                path.parent.mkdir(exist_ok=True)
                like = histories[number % len(histories)]
                with path.open("w", encoding="utf-8") as file:
                    file.writelines(f"{line}\n" for line in another(like, number, parameters.seed))
        return finalise(run)


@dataclass(frozen=True)
class Checked:
    """What a re-check cost."""

    told: str
    """The first line that it printed, or why it ended."""
    status: int
    elapsed_s: float
    processor_s: float
    memory_mb: float


def check(run: Path, digest: str) -> Checked:
    """Check a run again in a process of its own."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = "from gp_helpers.cli.main import main; raise SystemExit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "recheck", str(run), "--expect", digest],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with HighWater(process.pid) as memory:
        output, errors = process.communicate()
    elapsed, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = sum(after[:2]) - sum(before[:2])
    told = output.partition("\n")[0] or errors[-2000:]
    return Checked(told, process.returncode, elapsed, used, memory.most_mb)


def main(options: Sequence[str]) -> int:
    """Build, check again, print; the exit status is the re-check's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks recheck", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--long", action="store_true", help="one history instead of many")
    parser.add_argument("--case", choices=list(CASES), nargs="+", default=CASE_IDS, metavar="ID")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args(options)
    with tempfile.TemporaryDirectory(prefix="gp-recheck-") as folder:
        began = time.perf_counter()
        cases, count = (asked.case[:1], 1) if asked.long else (asked.case, REAL_TRIALS)
        real = {case: asyncio.run(real_trials(case, count)) for case in cases}
        if asked.long:
            real = {case: [long_trial(one, asked.entries) for one in real[case]] for case in real}
        at_a_time = sum(sum(map(len, ones)) / len(ones) for ones in real.values())
        final = build(Path(folder), real, max(1, round(asked.entries / at_a_time)))
        size = sum(path.stat().st_size for path in final.path.rglob("*") if path.is_file())
        ends = ", ".join(f"{one['case']}: {one['reason']}" for one in final.verdicts["cases"])
        built = time.perf_counter() - began
        print(f"built in {built:.1f} s, {size / 1e6:.0f} MB; {ends}", flush=True)
        status = 0
        for _ in range(asked.rounds):
            checked = check(final.path, final.digest)
            print(checked.told)
            print(
                f"elapsed {checked.elapsed_s:.1f} s, processor {checked.processor_s:.1f} s, "
                f"at most {checked.memory_mb:.0f} MB of memory",
                flush=True,
            )
            status = status or checked.status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
