"""The folder of a run: made exclusively, written as things happen, readable at every moment.

The process that makes it owns it until `close`; the kernels that work for the run join it with
`RunFolder.join`. A folder whose owner died is free to be read and finalised by anybody.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from gp_helpers.checkers import Outcome
from gp_helpers.evidence.environment import describe
from gp_helpers.evidence.environment_types import ill_typed
from gp_helpers.evidence.errors import EvidenceWriteError, NotARunError, RunFolderTakenError
from gp_helpers.evidence.files import as_json, write_atomically
from gp_helpers.parameters import Parameters
from gp_helpers.plan import CASES, select

RUN_VARIABLE = "GOLDEN_PATH_RUN"
"""Names the folder of the run that a notebook works for."""
CONTRASTS_VARIABLE = "GOLDEN_PATH_CONTRASTS"
"""Names the folder of a run beside it whose trials may stand as its contrasts; empty for none."""
OWNER_FILE = ".owner"
"""Locked by the owner for as long as it lives; deleted when it ends properly."""
ENVIRONMENT_FILE = "environment.json"
_HISTORY = re.compile(
    r"(?P<case>[a-z_]+\.[a-z_]+)\.(?P<role>trial|contrast)\.(?P<number>[1-9][0-9]{0,8})\.jsonl"
)
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def unpublished(folder: Path) -> Path:
    """Where something stands beside its place until it may be evidence: hidden files are not."""
    return folder.with_name(f".{folder.name}")


def new_run_id(environment: str, now: datetime) -> str:
    """An id that sorts by time and says what was run: ``20261122T205538Z-as_reported-3f9a``."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(environment).stem)[:40] or "run"
    return f"{now:%Y%m%dT%H%M%SZ}-{name}-{secrets.token_hex(2)}"


def parse_history_name(name: str) -> tuple[str, str, int] | None:
    """Case, role and number of a history file's name; None if it is not one."""
    match = _HISTORY.fullmatch(name)
    return (match["case"], match["role"], int(match["number"])) if match else None


class RunFolder:
    """A run's folder of ``outputs/``: `create` makes a new one, `join` takes one that is there."""

    def __init__(self, path: Path, environment: Mapping[str, Any]) -> None:
        self.path = path
        self.environment = environment
        """What ``environment.json`` says."""
        self._owns = False

    @classmethod
    def create(
        cls,
        outputs: Path,
        parameters: Parameters,
        *,
        environment: str,
        run_id: str | None = None,
        selected: Sequence[str] | None = None,
        not_selected: Mapping[str, str] | None = None,
    ) -> RunFolder:
        """Make the folder of a new run, and state what it is going to do.

        ``selected``: the ids of the cases to run; None is what the parameters select.
        ``not_selected``: other cases and why they are not; a case that neither names is listed as
        not selected by the parameters. Raises `RunFolderTakenError` and `EvidenceWriteError`.
        """
        now = datetime.now(UTC)
        run_id = new_run_id(environment, now) if run_id is None else run_id
        if not _RUN_ID.fullmatch(run_id):
            allowed = "a run id is letters, digits, dots, dashes and underscores, at most 100"
            raise NotARunError(
                outputs, f"{allowed}, and begins with one of the first two; found {run_id!r}"
            )
        path = outputs / run_id
        with suppress(OSError):  # that nothing can be written there is told below
            if path.exists():
                raise RunFolderTakenError(path, living_owner(path))
        chosen = [case.id for case in select(parameters.cases)] if selected is None else selected
        why = {case: "not selected by the parameters" for case in CASES if case not in chosen}
        why |= {case: reason for case, reason in (not_selected or {}).items() if case not in chosen}
        with _made_whole(path) as made:
            stated = describe(
                run_id, environment, parameters, selected=chosen, not_selected=why, started=now
            )
            write_atomically(made / ENVIRONMENT_FILE, as_json(stated))
        run = cls(path, stated)
        run._owns = True
        return run

    @classmethod
    def join(cls, path: Path) -> RunFolder:
        """The folder of a run that is there, to add to it or to read it."""
        return cls(path, read_environment(path))

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.environment["run"])

    def history_path(self, case_id: str, role: str, number: int) -> Path:
        """Where the history of a trial (role ``trial``) or of its ``contrast`` goes."""
        name = f"{case_id}.{role}.{number}.jsonl"
        if parse_history_name(name) is None:
            raise ValueError(f"{name} does not name a history")
        return self.path / "histories" / name

    def next_trial(self, case_id: str) -> int:
        """The number of a case's next trial, from 1."""
        taken = [
            parsed[2]
            for path in (self.path / "histories").glob(f"{case_id}.*.jsonl")
            if (parsed := parse_history_name(path.name))
        ]
        return max(taken, default=0) + 1

    def log_path(self, service: str) -> Path:
        """Where a service's log goes; ``service`` may name a folder, ``<case>/backend-1``."""
        return self._made(self.path / "logs" / f"{service}.log")

    def figure_path(self, case_id: str, name: str = "timeline") -> Path:
        """Where a figure of a case goes; the report shows ``timeline`` and lists the others."""
        return self._made(self.path / "figures" / f"{case_id}.{name}.svg")

    def notebook_path(self, name: str) -> Path:
        """Where an executed notebook goes."""
        return self.path / f"{name}.ipynb"

    def record_case(self, case_id: str, outcome: Outcome, reason: str, **more: Any) -> None:
        """State how a case ended, as the one that ran it saw it: ``verdicts/<case>.json``.

        A verdict follows from the histories; this is what counts where there is no history (the
        platform did not start, the target cannot be judged), and what is compared where there is.
        """
        stated = {"case": case_id, "outcome": outcome.value, "reason": reason, **more}
        self.write_json(f"verdicts/{case_id}.json", stated)

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the run atomically."""
        path = self.path / name
        try:
            write_atomically(path, text)
        except EvidenceWriteError as error:
            error.run = self.path
            raise
        return path

    def write_json(self, name: str, value: Any) -> Path:
        """Write a JSON file of the run atomically."""
        return self.write_text(name, as_json(value))

    def _made(self, path: Path) -> Path:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EvidenceWriteError(path, error, run=self.path) from error
        return path

    @property
    def owner_died(self) -> bool:
        """Whether the process that made the run ended without closing it."""
        there = (self.path / OWNER_FILE).exists()
        return there and not _is_ours(self.path) and living_owner(self.path) is None

    def close(self) -> None:
        """Give the folder up; does nothing for one that was joined."""
        if self._owns:
            _disown(self.path)

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


_OWNED: dict[Path, tuple[int, int]] = {}
"""Folder to process and lock file of the runs that this process owns."""


@contextmanager
def _made_whole(path: Path) -> Iterator[Path]:
    """A folder beside its place, owned, and moved there when it is filled.

    Whatever ends this process, nobody sees a folder that does not say which run it is of.
    """
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        made.mkdir(parents=True)
        _own(made)
        yield made
        made.rename(path)
        _OWNED[path.resolve()] = _OWNED.pop(made.resolve())
    except BaseException as error:
        _disown(made)
        shutil.rmtree(made, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise RunFolderTakenError(path, living_owner(path)) from error
        raise EvidenceWriteError(path, error) from error


def _own(path: Path) -> None:
    # A record lock belongs to the process alone: kernels that are forked from it do not keep it.
    # It ends when any handle of the file is closed, so the owner opens the file just once.
    try:
        handle = os.open(path / OWNER_FILE, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        _OWNED[path.resolve()] = (os.getpid(), handle)
        os.write(handle, _mark_of(os.getpid()))
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        _disown(path)
        raise EvidenceWriteError(path / OWNER_FILE, error) from error


def _is_ours(path: Path) -> bool:
    owned = _OWNED.get(path.resolve())
    return owned is not None and owned[0] == os.getpid()


def _disown(path: Path) -> None:
    if _is_ours(path):
        _, handle = _OWNED.pop(path.resolve())
        (path / OWNER_FILE).unlink(missing_ok=True)
        os.close(handle)


def living_owner(path: Path) -> int | None:
    """Another process that is writing a run's folder; None if there is none."""
    if _is_ours(path):
        return None
    try:
        handle = os.open(path / OWNER_FILE, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = os.pread(handle, 32, 0).strip()
        return int(text) if text.isdigit() else None
    else:
        return None
    finally:
        os.close(handle)


def is_marked_by_owner(path: Path) -> bool:
    """Whether the owner's mark in a run's folder is as a process that lives has written it."""
    owner = os.getpid() if _is_ours(path) else living_owner(path)
    try:
        about = (path / OWNER_FILE).lstat()
    except OSError:
        return False
    is_as_written = owner is not None and about.st_size == len(_mark_of(owner))
    return stat.S_ISREG(about.st_mode) and is_as_written


def _mark_of(process: int) -> bytes:
    return f"{process}\n".encode()


def read_environment(path: Path) -> dict[str, Any]:
    """What a run's ``environment.json`` says; `NotARunError` if there is none that can be read."""
    try:
        stated = json.loads((path / ENVIRONMENT_FILE).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise NotARunError(path, f"it has no readable {ENVIRONMENT_FILE}: {why}") from error
    for told in ill_typed(stated):
        raise NotARunError(path, f"its {ENVIRONMENT_FILE} does not describe a run: {told}")
    return dict(stated)
