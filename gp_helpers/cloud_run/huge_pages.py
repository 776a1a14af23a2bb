"""Memory of a process that is forked often, gathered into huge pages (Linux 6.1 and later).

A fork copies the table of its parent's pages, and drops it when it ends: 2 ms of a service's 25
with pages of 4 KB. A huge page has one entry; what a fork writes to is still copied in small ones.
"""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

_MADV_COLLAPSE = 25
"""madvise(2): make huge pages now, or fail; whatever it answers, the memory holds what it held."""
_HUGE = 2 * 1024 * 1024
_OWN_MEMORY = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *(?:\[heap\])?$")
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def gather_in_huge_pages() -> int:
    """Ask for huge pages for what this process has written; return how many bytes are in some.

    Where the system has none, or older ways, nothing happens.
    """
    if _libc is None:
        return 0
    gathered = 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        if (found := _OWN_MEMORY.match(line)) is None:
            continue
        begin = -(-int(found[1], 16) // _HUGE) * _HUGE
        end = int(found[2], 16) // _HUGE * _HUGE
        if begin < end and not _madvise(begin, end - begin):
            gathered += end - begin
    return gathered


def _madvise(begin: int, length: int) -> int:
    assert _libc is not None
    return int(_libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(length), _MADV_COLLAPSE))
