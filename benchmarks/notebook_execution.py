"""Runs the same notebooks through stock papermill and through our runner, and prints the ratios.

Without notebooks to run, five small ones are made: what the runner itself costs, and no platform.

    python -m benchmarks small [NOTEBOOK ...] [-f PARAMETERS] [--rounds 3] [--script COMMAND]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.commands import run_quietly
from benchmarks.ways import Way, measure, report

SMALL_NOTEBOOKS = 5
_CELLS = (
    "import numpy, pandas\nimport matplotlib.pyplot as plt",
    "values = pandas.Series(numpy.random.default_rng(seed).normal(size=1000)).cumsum()\n"
    "print(values.describe())",
    "figure, axes = plt.subplots()\naxes.plot(values)\naxes.set_title('a walk')\nplt.show()",
    "figure, axes = plt.subplots()\naxes.hist(values, bins=30)\nplt.show()",
)
_RUN_OURS = """
import asyncio, json, sys
from pathlib import Path
from gp_helpers.execution import NotebookJob, execute

told = json.loads(sys.argv[1])
jobs = [
    NotebookJob(Path(source), Path(destination), parameters)
    for source, destination, parameters in told["jobs"]
]
results = asyncio.run(execute(jobs, concurrency=told["concurrency"], warm=told["warm"]))
sys.exit(0 if all(result.is_complete for result in results) else 1)
"""


@dataclass(frozen=True)
class Execution:
    """One notebook with one set of parameters."""

    source: Path
    parameters_file: Path | None

    def parameters(self) -> dict[str, object]:
        """What the file of parameters holds."""
        import yaml

        if self.parameters_file is None:
            return {}
        loaded: dict[str, object] = yaml.safe_load(self.parameters_file.read_text()) or {}
        return loaded


def _stock(executions: Sequence[Execution], folder: Path) -> None:
    for number, execution in enumerate(executions):
        options = ["-f", str(execution.parameters_file)] if execution.parameters_file else []
        run_quietly(
            [
                *(sys.executable, "-m", "papermill", "--no-progress-bar"),
                *(str(execution.source), str(folder / f"{number}.ipynb")),
                *options,
            ]
        )


def _ours(executions: Sequence[Execution], folder: Path, *, warm: bool, concurrency: int) -> None:
    jobs = [
        (str(execution.source), str(folder / f"{number}.ipynb"), execution.parameters())
        for number, execution in enumerate(executions)
    ]
    told = {"jobs": jobs, "warm": warm, "concurrency": concurrency}
    run_quietly([sys.executable, "-c", _RUN_OURS, json.dumps(told)])


def small_executions(folder: Path) -> list[Execution]:
    """Five notebooks that draw two figures each, with two sets of parameters."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    files = []
    for seed in (1, 2):
        files.append(folder / f"{seed}.yaml")
        files[-1].write_text(f"seed: {seed}\n")
    executions: list[Execution] = []
    for number in range(SMALL_NOTEBOOKS):
        parameters = new_code_cell("seed = 1176", metadata={"tags": ["parameters"]})
        notebook = new_notebook(
            cells=[parameters, *map(new_code_cell, _CELLS)],
            metadata={
                "kernelspec": {
                    "name": "python3",
                    "language": "python",
                    "display_name": "Python 3",
                }
            },
        )
        source = folder / f"small_{number}.ipynb"
        nbformat.write(notebook, source)
        executions.extend(Execution(source, file) for file in files)
    return executions


def small_script(folder: Path, executions: Sequence[Execution]) -> list[str]:
    """The command that does the work of the small notebooks without any notebook."""
    script = folder / "script.py"
    work = "\n".join(_CELLS[1:])
    indented = "\n".join(f"    {line}" for line in work.splitlines())
    script.write_text(
        "import matplotlib\nmatplotlib.use('agg')\n"
        f"{_CELLS[0]}\nfor seed in [1, 2] * {len(executions) // 2}:\n{indented}\n"
        "    for number in plt.get_fignums():\n"
        f"        plt.figure(number).savefig({str(folder / 'figure.png')!r})\n"
        "    plt.close('all')\n"
    )
    return [sys.executable, str(script)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks small", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: five small ones")
    parser.add_argument(
        "-f", "--parameters", action="append", type=Path, default=[], help="file of parameters"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--script", help="command that does the same work without notebooks")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        if chosen.notebooks:
            files: list[Path | None] = chosen.parameters or [None]
            executions = [
                Execution(notebook, file) for notebook in chosen.notebooks for file in files
            ]
            script = ["sh", "-c", chosen.script] if chosen.script else None
        else:
            executions = small_executions(Path(made))
            script = small_script(Path(made), executions)
        ways = [
            Way("stock papermill, one by one", lambda folder: _stock(executions, folder)),
            *(
                Way(
                    f"our runner, {kind} kernels, {chosen.jobs} jobs",
                    lambda folder, warm=kind == "warm": _ours(  # type: ignore[misc]
                        executions, folder, warm=warm, concurrency=chosen.jobs
                    ),
                )
                for kind in ("cold", "warm")
            ),
        ]
        plain = "plain script"
        if script is not None:
            ways.append(Way(plain, lambda _: run_quietly(script)))
        print(
            f"{len(executions)} executions, {chosen.rounds} rounds, load {os.getloadavg()[0]:.1f}"
        )
        taken = measure(ways, chosen.rounds)
    scripts = dict.fromkeys(taken, plain) if script is not None else {}
    print(report(taken, len(executions), scripts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
