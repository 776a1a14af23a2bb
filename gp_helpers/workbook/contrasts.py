"""Contrasts that were taken already: the same trial in a run beside this one, on no defects.

`golden-path run` with an environment and its remediated twin would otherwise take each of those
trials twice. The history is copied, so that a run's folder says everything without the other.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from gp_helpers.cases import Role
from gp_helpers.evidence.folder import CONTRASTS_VARIABLE
from gp_helpers.history import History, HistoryReadError, parse

_COMPLETED = "completed"


def borrowed(case_id: str, number: int, seed: int, to: Path) -> History | None:
    """The contrast of a trial, copied to ``to`` from the run beside; None if it has none (yet).

    Its header says ``taken_from``. Which runs may stand beside each other is for the runner to
    decide: it names the other's folder in ``$GOLDEN_PATH_CONTRASTS``.
    """
    beside = os.environ.get(CONTRASTS_VARIABLE)
    if beside is None:
        return None
    name = f"{case_id}.{Role.TRIAL.value}.{number}.jsonl"
    try:
        content = (Path(beside) / "histories" / name).read_bytes()
        history = parse(content, name)
    except (OSError, HistoryReadError):
        return None
    header = history.header
    stated = (header.get("seed"), header.get("defects"), header.get("role"))
    if stated != (seed, [], Role.TRIAL.value) or not history.is_complete:
        return None
    if history.entries[-1].data.get("outcome") != _COMPLETED:
        return None
    first, _, rest = content.partition(b"\n")
    line = json.loads(first)
    line["data"] |= {
        "role": Role.CONTRAST.value,
        "taken_from": f"{Path(beside).name}/histories/{name}",
    }
    copied = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" + rest
    with to.open("xb") as file:
        file.write(copied)
    return parse(copied, to.name)
