"""A run as data: what its environment file says, and the verdicts that its histories stand for.

Verdicts are taken from ``verdicts.json`` where a run has been finalised, and derived where it has
not, so that a run that died at whichever instant can be compared and followed too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gp_helpers.evidence.environment_types import ill_typed
from gp_helpers.evidence.errors import NotARunError
from gp_helpers.evidence.folder import ENVIRONMENT_FILE
from gp_helpers.evidence.manifest import MANIFEST_FILE
from gp_helpers.evidence.source import DamagedFileError, Evidence, open_evidence, readable
from gp_helpers.evidence.trial_results import judged_pair, recorded_trials, trial_files
from gp_helpers.evidence.verdicts import assemble, stated_in

VERDICTS_FILE = "verdicts.json"
NOT_FINISHED = "it was not finished: there is no manifest.json"


@dataclass(frozen=True)
class Reading:
    """A run, read."""

    place: Path
    environment: dict[str, Any]
    verdicts: dict[str, Any]
    is_final: bool
    """Whether the verdicts are the recorded ones; otherwise they were derived just now."""
    differences: tuple[str, ...] = ()
    """What a re-check found; nothing was looked for without one."""

    @property
    def identity(self) -> tuple[str, str]:
        """Which run it is, whatever its folder or bundle is called: its id, and when it began."""
        return str(self.verdicts["run"]), str(self.verdicts["started"])


def read_run(place: Path) -> Reading:
    """Read a run's folder or a bundle; `NotARunError` if it is neither."""
    with open_evidence(place) as evidence:
        environment = _json(evidence, ENVIRONMENT_FILE)
        for told in ill_typed(environment):
            raise NotARunError(place, f"its {ENVIRONMENT_FILE} cannot be read: {told}")
        is_sealed = MANIFEST_FILE in evidence.names()
        recorded = _json(evidence, VERDICTS_FILE) if is_sealed else None
        if isinstance(recorded, dict) and isinstance(recorded.get("cases"), list):
            return Reading(place, environment, recorded, True)
        read = readable(evidence)
        recorded_of = recorded_trials(trial_files(evidence.names()), read)
        trials = [judged_pair(one)[0] for one in recorded_of]
        stated = stated_in(evidence.names(), read)
        verdicts = assemble(as_left(environment, evidence.names()), trials, stated)
        return Reading(place, environment, verdicts, False)


def as_left(environment: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What a run's environment file says; of one without a manifest also that it is not finished.

    The manifest is written last: a run that was killed at any instant lacks it.
    """
    ended = environment.get("ended") or {}
    if MANIFEST_FILE in names or ended.get("reason"):
        return environment
    return {**environment, "ended": {**ended, "reason": NOT_FINISHED}}


def runs_in(outputs: Path) -> Iterator[Path]:
    """The runs of a folder, oldest first: folders of runs, and bundles that stand alone."""
    if not outputs.is_dir():
        raise NotARunError(outputs, "there is no such folder")
    visible = (path for path in outputs.iterdir() if not path.name.startswith("."))
    folders = [path for path in visible if (path / ENVIRONMENT_FILE).is_file()]
    names = {path.name for path in folders}
    bundles = [path for path in outputs.glob("*.zip") if path.stem not in names]
    yield from sorted([*folders, *bundles], key=lambda path: path.name)


def _json(evidence: Evidence, name: str) -> Any:
    try:
        return json.loads(evidence.read(name))
    except (KeyError, DamagedFileError, ValueError, RecursionError):
        return None
