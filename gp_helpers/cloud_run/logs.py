"""One log file a service, JSON lines, also where many services share a process.

Each line has ``time`` (ISO 8601, UTC), ``service``, ``level``, ``logger``, ``message``; and
``correlation_id`` and ``exception`` where the record has them.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

current_service: ContextVar[ServiceLog | None] = ContextVar("current_service", default=None)
"""The log of the service in whose context this code runs (thread isolation)."""


class JsonLinesFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "service": self._service,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        correlation_id = getattr(record, "correlation_id", None)
        if correlation_id is not None:
            line["correlation_id"] = str(correlation_id)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class ServiceLog:
    """The log file of one service in thread isolation; opened at its first line."""

    def __init__(self, service: str, path: Path) -> None:
        self.service = service
        self.path = path
        self._formatter = JsonLinesFormatter(service)
        self._file: TextIO | None = None
        self._is_muted = False

    def mute(self) -> None:
        """Write nothing any more: a killed process does not log its end either."""
        self._is_muted = True

    def write(self, record: logging.LogRecord) -> None:
        """Append `record` and flush, so that a crash loses nothing."""
        if self._is_muted:
            return
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8")
        self._file.write(self._formatter.format(record) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class _ServiceRouter(logging.Handler):
    """Sends each record to the log of the service that it was made in, and leaves others alone."""

    def emit(self, record: logging.LogRecord) -> None:
        log = current_service.get()
        try:
            if log is not None:
                log.write(record)
            elif logging.getLogger().handlers == [self]:
                # Being on the root logger must not silence the warnings of the rest of the program.
                last_resort = logging.lastResort
                if last_resort is not None and record.levelno >= last_resort.level:
                    last_resort.handle(record)
        except Exception:
            self.handleError(record)


_router = _ServiceRouter()


def route_records_by_service(entry: str) -> None:
    """Let records made in a service's context reach its file; `entry` is its import string."""
    root = logging.getLogger()
    if _router not in root.handlers:
        root.addHandler(_router)
    package = logging.getLogger(entry.partition(":")[0].partition(".")[0])
    if package.level == logging.NOTSET:
        package.setLevel(logging.INFO)
    quieten_uvicorn()


def log_to_standard_error(service: str) -> None:
    """Make this process's records JSON lines on standard error (process isolation)."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLinesFormatter(service))
    logging.getLogger().handlers = [handler]
    set_levels()


def set_levels() -> None:
    """Let this process's services log from INFO on (process isolation).

    What is so already stays untouched: each change makes every logger forget what it knows.
    """
    root = logging.getLogger()
    if root.level != logging.INFO:
        root.setLevel(logging.INFO)
    quieten_uvicorn()


def quieten_uvicorn() -> None:
    """Keep uvicorn from logging request targets, whose query may hold a token."""
    logger = logging.getLogger("uvicorn")
    if logger.level != logging.WARNING:
        logger.setLevel(logging.WARNING)


def last_lines(path: Path, count: int = 15) -> list[str]:
    """Return the last lines of a log file; none if there is no file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=count)]
    except FileNotFoundError:
        return []
