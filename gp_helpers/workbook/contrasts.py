"""The contrasts of a case: the same steps with the same seed on no defects, taken or borrowed.

`golden-path run` with an environment and its remediated twin would otherwise take each of those
trials twice. The history is copied, so that a run's folder says everything without the other.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gp_helpers.cases import Role
from gp_helpers.display.divergence import divergence_view
from gp_helpers.display.html import Html
from gp_helpers.display.timeline import timeline
from gp_helpers.evidence.folder import CONTRASTS_VARIABLE
from gp_helpers.history import History, HistoryReadError, first_divergence, parse
from gp_helpers.workbook.trials import HeldTrial
from gp_helpers.workbook.views import line

_COMPLETED = "completed"


class Contrasts:
    """Those of one case, by the number of the trial that each stands beside."""

    def __init__(self) -> None:
        self._histories: dict[int, History] = {}

    async def take(
        self, trial: HeldTrial, copy: Path | None, opened: Callable[[], Awaitable[HeldTrial]]
    ) -> None:
        """Have the contrast of a trial: that of the run beside, or a new one.

        ``copy`` is where a borrowed one goes; None: it may not be borrowed.
        """
        order = trial.order
        if order.number in self._histories:
            return
        found = None
        if copy is not None:
            seed = order.parameters.seed + order.number - 1
            found = await asyncio.to_thread(borrowed, order.case_id, order.number, seed, copy)
        if found is None:
            other = await opened()
            await other.take_rest()
            found = other.history
        self._histories[order.number] = found

    def beside(self, trial: HeldTrial) -> Html:
        """Where a trial and its contrast first part."""
        theirs = self._histories[trial.order.number]
        source = theirs.header.get("taken_from")
        names = ("as wired here", f"the contrast: remediated{f', from {source}' if source else ''}")
        divergence = first_divergence(trial.history, theirs)
        return divergence_view(divergence, trial.history, theirs, names=names)

    def timeline(self, trial: HeldTrial) -> Any:
        """The timeline of a trial's contrast, if it was taken."""
        theirs = self._histories.get(trial.order.number)
        return timeline(theirs) if theirs is not None else line("No contrast was taken.")


def borrowed(case_id: str, number: int, seed: int, to: Path) -> History | None:
    """The contrast of a trial, copied to ``to`` from the run beside; None if it has none (yet).

    Its header says ``taken_from``. Which runs may stand beside each other is for the runner to
    decide: it names the other's folder in ``$GOLDEN_PATH_CONTRASTS``.
    """
    beside = os.environ.get(CONTRASTS_VARIABLE)
    if not beside:
        return None
    name = f"{case_id}.{Role.TRIAL.value}.{number}.jsonl"
    try:
        first, _, rest = (Path(beside) / "histories" / name).read_bytes().partition(b"\n")
        about = parse(first + b"\n", name).header
        stated = (about.get("seed"), about.get("defects"), about.get("role"))
        if stated != (seed, [], Role.TRIAL.value):
            return None
        line = json.loads(first)
        line["data"] |= {
            "role": Role.CONTRAST.value,
            "taken_from": f"{Path(beside).name}/histories/{name}",
        }
        header = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
        copied = header + b"\n" + rest
        history = parse(copied, to.name)
    except (OSError, HistoryReadError):
        return None
    if not history.is_complete or history.entries[-1].data.get("outcome") != _COMPLETED:
        return None
    with to.open("xb") as file:
        file.write(copied)
    return history
