"""Recording and reading of histories: appended as things happen, readable after any crash.

Each entry is one line, written and flushed when it happens; a reader takes everything up to the
last whole line and says whether the trial came to its end.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from gp_helpers.history.decoding import reader_of
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
        if len(kinds) == 1:
            found = list(self._by_kind.get(kinds[0], ()))
        else:
            kinds_once = dict.fromkeys(kinds)
            found = [entry for kind in kinds_once for entry in self._by_kind.get(kind, ())]
            found.sort(key=attrgetter("seq"))
        if actor is not None:
            found = [entry for entry in found if entry.actor == actor]
        if step is not None:
            found = [entry for entry in found if entry.step == step]
        return found

    def about(self, subject: str) -> list[Entry]:
        """The entries that belong to an exchange, a connection or a request."""
        return list(self._by_subject.get(subject, ()))

    @cached_property
    def _by_kind(self) -> dict[Kind, list[Entry]]:
        index: dict[Kind, list[Entry]] = {}
        for entry in self.entries:
            index.setdefault(entry.kind, []).append(entry)
        return index

    @cached_property
    def _by_subject(self) -> dict[str, list[Entry]]:
        index: dict[str, list[Entry]] = {}
        for entry in self.entries:
            index.setdefault(entry.subject, []).append(entry)
        return index


def read(path: Path) -> History:
    """Read a history up to its last whole line; `HistoryReadError` names a line that is not one."""
    return parse(path.read_bytes(), path.name)


def parse(content: bytes, name: str) -> History:
    """Read a history from the content of its file; ``name`` stands in front of what is wrong."""
    lines = content.split(b"\n")
    torn = lines.pop() != b""
    with no_collection():
        entries = tuple(_entries(lines, name, reader_of(content)))
    truncated = None
    if torn:
        truncated = f"the line after entry {len(entries) - 1} is torn"
    elif not entries or entries[-1].kind is not Kind.TRIAL_ENDED:
        truncated = "the trial did not come to its end"
    return History(entries, truncated)


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Without the collector, which a million new objects without a cycle keep busy for nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _entries(
    lines: Sequence[bytes], name: str, read_json: Callable[[bytes], Any]
) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=1):
        try:
            entry = Entry.from_object(read_json(line))
        except (ValueError, RecursionError) as error:
            raise HistoryReadError(f"{name}, line {number}: {error}") from error
        if entry.seq != number - 1:
            raise HistoryReadError(
                f"{name}, line {number}: entry {entry.seq} stands where {number - 1} belongs"
            )
        yield entry


@dataclass
class Recorder:
    """The one writer of a history.

    ``path`` None keeps the history in memory alone. ``clock`` gives monotonic seconds.
    ``is_cut_off`` is asked before each entry: once what is observed has been taken away from under
    the trial, as it is when a run is killed, the history ends where it is.
    """

    path: Path | None
    redactor: Redactor
    clock: Callable[[], float] = time.monotonic
    is_cut_off: Callable[[], bool] = bool
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
                # Half a surrogate, which a server may send, is escaped; JSON reads it back.
                self._file = self.path.open(
                    "x", encoding="utf-8", errors="backslashreplace", newline="\n"
                )
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
            data=self.redactor.entry(data),
        )
        if self._sealed or self.is_cut_off():
            self._sealed = True
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
