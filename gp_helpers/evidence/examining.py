"""Trials examined again, one after the other or, where there are many, on all processors."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context, parent_process

from gp_helpers.evidence.differences import Difference, DifferenceKind, short
from gp_helpers.evidence.har import Passage, passage
from gp_helpers.evidence.held import HeldFiles, Noted
from gp_helpers.evidence.rederiving import exchanges_of
from gp_helpers.evidence.stated import Stated, in_header
from gp_helpers.evidence.trial_results import (
    RecordedTrial,
    TrialFiles,
    TrialResult,
    judged_pair,
    recorded_trials,
    trial_files,
)
from gp_helpers.history import History
from gp_helpers.parameters import Parameters

_BATCH_BYTES = 4 * 1024**2
"""What one process examines at a time; less than two of these are not worth a process."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a trial's history shows, and what is wrong with it."""

    result: TrialResult
    exchanges: Passage
    """What ``traffic.har`` has of it."""
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
    return Examined(result, passage(exchanges_of(result, history, contrast)), found)


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


def examine_all(files: HeldFiles, parameters: Parameters | None) -> Iterator[Examined]:
    """Examine every trial among these files, in their order; what differs is noted there.

    Only a few of them are in memory at a time.
    """
    batches = _batches(trial_files(files.evidence.names()), files.evidence.size)
    first = list(islice(batches, 2))
    if len(first) < 2 or not _may_fork():
        for batch in chain(first, batches):
            yield from _examine_batch(files, batch, parameters)
        return
    processes = os.cpu_count() or 1
    pool = ProcessPoolExecutor(
        processes, get_context("fork"), initializer=_begin, initargs=(files, parameters)
    )
    try:
        ahead: deque[Future[tuple[list[Examined], Noted]]] = deque()
        for batch in chain(first, batches):
            ahead.append(pool.submit(_examine_here, batch))
            if len(ahead) > 2 * processes:
                yield from _examined_elsewhere(files, ahead.popleft())
        while ahead:
            yield from _examined_elsewhere(files, ahead.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(
    trials: Iterable[TrialFiles], size_of: Callable[[str], int]
) -> Iterator[list[TrialFiles]]:
    batch: list[TrialFiles] = []
    size = 0
    for one in trials:
        batch.append(one)
        size += size_of(one.name) + (size_of(one.beside) if one.beside is not None else 0)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _examine_batch(
    files: HeldFiles, batch: list[TrialFiles], parameters: Parameters | None
) -> Iterator[Examined]:
    for recorded in recorded_trials(batch, files.read):
        one = examine(recorded, parameters)
        files.found += one.differences
        yield one


_mine: list[tuple[HeldFiles, Parameters | None]] = []
"""What this process works on, where it is not the one that was asked."""


def _begin(files: HeldFiles, parameters: Parameters | None) -> None:
    _end_with_owner()
    _mine.append((files.in_another_process(), parameters))


def _examine_here(batch: list[TrialFiles]) -> tuple[list[Examined], Noted]:
    files, parameters = _mine[-1]
    return list(_examine_batch(files, batch, parameters)), files.taken()


def _examined_elsewhere(
    files: HeldFiles, pending: Future[tuple[list[Examined], Noted]]
) -> Iterator[Examined]:
    examined, noted = pending.result()
    files.add(noted)
    yield from examined


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
