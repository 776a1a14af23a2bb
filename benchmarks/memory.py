"""The most memory that a process and its children had at one time, read every quarter second.

Pages that several of them share count once (`Pss`, Linux). Elsewhere it is 0.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

_EVERY_S = 0.25


class HighWater:
    """Looks at a process until it is left."""

    def __init__(self, pid: int) -> None:
        self.most_mb = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._looks = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> HighWater:
        self._looks.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._looks.join()

    def _look(self) -> None:
        while not self._over.wait(_EVERY_S):
            self.most_mb = max(self.most_mb, sum(map(_megabytes, _with_children(self._pid))))


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
