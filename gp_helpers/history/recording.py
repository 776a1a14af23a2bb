"""Recording and reading of histories: appended as things happen, readable after any crash.

Each entry is one line, written and flushed when it happens; a reader takes everything up to the
last whole line and says whether the trial came to its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from gp_helpers.history.entries import SCHEMA, Entry, Kind
from gp_helpers.history.redaction import Redactor


class HistoryWriteError(OSError):
    """A history could not be written; what was recorded before it is in the file."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"cannot write {path}: {error.strerror or error}")
        self.path = path


class HistoryReadError(ValueError):
    """A file is not a history; the message names the line."""


@dataclass(frozen=True)
class History:
    """Everything that one trial did and saw, in order."""

    entries: tuple[Entry, ...]
    truncated: str | None = None
    """Why the file ends early, if it does: a torn last line, or no end of the trial."""

    @property
    def header(self) -> Mapping[str, Any]:
        """The data of the first entry: case, role, trial, seed, target, abilities, thresholds."""
        if self.entries and self.entries[0].kind is Kind.TRIAL_STARTED:
            return self.entries[0].data
        return {}

    @property
    def is_complete(self) -> bool:
        """Whether the trial came to its own end."""
        return bool(self.entries) and self.entries[-1].kind is Kind.TRIAL_ENDED

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def of(self, *kinds: Kind, actor: str | None = None, step: str | None = None) -> list[Entry]:
        """The entries of these kinds, of an actor and of a step if they are given."""
        return [
            entry
            for entry in self.entries
            if entry.kind in kinds
            and (actor is None or entry.actor == actor)
            and (step is None or entry.step == step)
        ]

    def about(self, subject: str) -> list[Entry]:
        """The entries that belong to an exchange, a connection or a request."""
        return [entry for entry in self.entries if entry.subject == subject]


def read(path: Path) -> History:
    """Read a history up to its last whole line; `HistoryReadError` names a line that is not one."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")
    torn = lines.pop() != ""
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = Entry.from_json(line)
        except ValueError as error:
            raise HistoryReadError(f"{path.name}, line {number}: {error}") from error
        if entry.seq != number - 1:
            raise HistoryReadError(
                f"{path.name}, line {number}: entry {entry.seq} stands where {number - 1} belongs"
            )
        entries.append(entry)
    truncated = None
    if torn:
        truncated = f"the line after entry {len(entries) - 1} is torn"
    elif not entries or entries[-1].kind is not Kind.TRIAL_ENDED:
        truncated = "the trial did not come to its end"
    return History(tuple(entries), truncated)


@dataclass
class Recorder:
    """The one writer of a history.

    ``path`` None keeps the history in memory alone. ``clock`` gives monotonic seconds.
    """

    path: Path | None
    redactor: Redactor
    clock: Callable[[], float] = time.monotonic
    step: str = ""
    """The step that entries belong to from now on."""
    _entries: list[Entry] = field(default_factory=list)
    _file: TextIO | None = None
    _began: float = 0.0
    _sealed: bool = False

    def __post_init__(self) -> None:
        self._began = self.clock()
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("x", encoding="utf-8", newline="\n")
            except OSError as error:
                raise HistoryWriteError(self.path, error) from error

    def start(self, **header: Any) -> Entry:
        """Record the header, the first entry."""
        return self.add(Kind.TRIAL_STARTED, "lab", schema=SCHEMA, **header)

    def add(self, kind: Kind, actor: str, subject: str = "", /, **data: Any) -> Entry:
        """Record an entry; secrets are taken out before it exists.

        After `seal` an entry is made but belongs to no history any more.
        """
        entry = Entry(
            seq=len(self._entries),
            t=self.clock() - self._began,
            actor=actor,
            kind=kind,
            subject=subject,
            step=self.step,
            data=self.redactor.value(data),
        )
        if self._sealed:
            return entry
        self._entries.append(entry)
        if self._file is not None:
            try:
                self._file.write(entry.to_json() + "\n")
                self._file.flush()
            except OSError as error:
                assert self.path is not None
                raise HistoryWriteError(self.path, error) from error
        return entry

    def seal(self) -> None:
        """The history is over: what still arrives while things are taken down is not part of it."""
        self._sealed = True

    @property
    def history(self) -> History:
        """What was recorded so far."""
        return History(tuple(self._entries))

    @property
    def now(self) -> float:
        """Seconds since the history began."""
        return self.clock() - self._began

    def close(self) -> None:
        """End the file; recording in memory goes on to be readable."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                file.close()
            except OSError as error:
                assert self.path is not None
                raise HistoryWriteError(self.path, error) from error

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
