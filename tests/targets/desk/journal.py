"""What members said and were told, line by line: the desk's only memory.

In a folder that all instances share, or, in the variant ``memory``, in that of one process.
"""

import fcntl
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class SharedJournal:
    """Files: what is in them outlives an instance, and a lock on one ends with its holder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lines(self, member: str) -> list[Line]:
        path = self._folder / f"{member}.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def add(self, member: str, line: Line) -> None:
        with (self._folder / f"{member}.jsonl").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            number = len(self.lines(member)) + 1
            file.write(json.dumps({**line, "for": member, "no": number}) + "\n")

    @contextmanager
    def working_on(self, reference: str) -> Iterator[bool]:
        """Whether nobody else works on a question; nobody else will meanwhile."""
        with (self._folder / f"{reference}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


class MarkedJournal(SharedJournal):
    """Whose questions are marked as taken, and stay so, whatever becomes of who took them."""

    @contextmanager
    def working_on(self, reference: str) -> Iterator[bool]:
        try:
            (self._folder / f"{reference}.taken").touch(exist_ok=False)
        except FileExistsError:
            yield False
        else:
            yield True


class OwnJournal:
    """One process's memory: other instances and whoever comes after it know nothing of it."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Line]] = defaultdict(list)
        self._taken: set[str] = set()

    def lines(self, member: str) -> list[Line]:
        return list(self._lines[member])

    def add(self, member: str, line: Line) -> None:
        number = len(self._lines[member]) + 1
        self._lines[member].append({**line, "for": member, "no": number})

    @contextmanager
    def working_on(self, reference: str) -> Iterator[bool]:
        is_mine = reference not in self._taken
        self._taken.add(reference)
        yield is_mine
