"""Trials examined again, one after the other or, where there are many, on all processors."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context, parent_process

from gp_helpers.evidence.differences import Difference, DifferenceKind, short
from gp_helpers.evidence.rederiving import exchanges_of
from gp_helpers.evidence.stated import Stated, in_header
from gp_helpers.evidence.trial_results import RecordedTrial, TrialResult, judged_pair
from gp_helpers.history import History
from gp_helpers.parameters import Parameters

_BATCH_BYTES = 4 * 1024**2
"""What one process examines at a time; less than two of these are not worth a process."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a trial's history shows, and what is wrong with it."""

    result: TrialResult
    exchanges: list[str]
    """Its lines of ``traffic.har``."""
    differences: list[Difference]


def examine(recorded: RecordedTrial, parameters: Parameters | None) -> Examined:
    """Judge a trial again and hold its headers against the run's parameters, if they are known."""
    result, history, contrast = judged_pair(recorded)
    found = []
    if not len(history) and result.unfinished and history.truncated is None:
        found.append(_unreadable(result.unfinished))
    if result.contrast_unreadable:
        found.append(_unreadable(result.contrast_unreadable))
    if parameters is not None:
        found += _headers(result, history, contrast, parameters)
    return Examined(result, list(exchanges_of(result, history, contrast)), found)


def _headers(
    result: TrialResult, history: History, contrast: History | None, parameters: Parameters
) -> Iterator[Difference]:
    for role, one in (("trial", history), ("contrast", contrast)):
        if one is not None:
            file = f"histories/{result.case}.{role}.{result.number}.jsonl"
            stated = in_header(one.header, result.case, role, result.number, parameters)
            yield from (contradicted(file, "1", each) for each in stated)


def contradicted(file: str, line: str | None, one: Stated) -> Difference:
    """What a file states, and its run's parameters do not."""
    key, stated, follows = one
    told = f"{key} is stated as {short(stated)}, its parameters say {short(follows)}"
    return Difference(DifferenceKind.STATED, file, line, told)


def _unreadable(told: str) -> Difference:
    place, _, what = told.partition(": ")
    file, _, line = place.partition(", line ")
    return Difference(DifferenceKind.HISTORY, file, line or None, what)


def examine_all(
    recorded: Iterable[RecordedTrial], parameters: Parameters | None
) -> Iterator[Examined]:
    """Examine trials, in their order. Only a few of them are in memory at a time."""
    batches = _batches(recorded)
    first = list(islice(batches, 2))
    if len(first) < 2 or not _may_fork():
        for batch in chain(first, batches):
            yield from (examine(one, parameters) for one in batch)
        return
    processes = os.cpu_count() or 1
    pool = ProcessPoolExecutor(processes, get_context("fork"), initializer=_end_with_owner)
    try:
        ahead: deque[Future[list[Examined]]] = deque()
        for batch in chain(first, batches):
            ahead.append(pool.submit(_examine_batch, batch, parameters))
            if len(ahead) > 2 * processes:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(recorded: Iterable[RecordedTrial]) -> Iterator[list[RecordedTrial]]:
    batch: list[RecordedTrial] = []
    size = 0
    for one in recorded:
        batch.append(one)
        size += one.size
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _examine_batch(batch: list[RecordedTrial], parameters: Parameters | None) -> list[Examined]:
    return [examine(one, parameters) for one in batch]


def _may_fork() -> bool:
    """Where forks are safe: on Linux, in a process with a single thread (not in a kernel)."""
    return sys.platform == "linux" and threading.active_count() == 1 and (os.cpu_count() or 1) > 1


def _end_with_owner() -> None:
    """End this process when the one that it works for is gone; that one decides on interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    owner = parent_process()

    def watch() -> None:
        if owner is not None:
            owner.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
