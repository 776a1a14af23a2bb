"""A service's log: one JSON object a line, with the correlation id, in a file of its own.

Several services may live in one process; each handler takes only the records of its service.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gp_helpers.platform.correlation import current_correlation_id, current_service

_PLATFORM_LOGGER = logging.getLogger("gp_helpers.platform")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": record.created,
            "level": record.levelname,
            "service": current_service(),
            "correlation_id": current_correlation_id(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def stamp_records() -> None:
    """Let every log record carry the correlation id of the request in which it is made.

    Whoever hosts the service formats the records and knows nothing of requests. Doing it twice
    changes nothing.
    """
    make = logging.getLogRecordFactory()
    if getattr(make, "stamps_correlation_ids", False):
        return

    def stamped(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make(*arguments, **named)
        correlation_id = current_correlation_id()
        if correlation_id is not None:
            record.correlation_id = correlation_id
        return record

    stamped.stamps_correlation_ids = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(stamped)


@contextmanager
def service_log(service: str, path: str | None) -> Iterator[None]:
    """Append the service's records to `path` inside the block; without a path, change nothing."""
    if path is None:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_JsonLines())
    handler.addFilter(lambda _record: current_service() == service)
    _PLATFORM_LOGGER.addHandler(handler)
    if _PLATFORM_LOGGER.level == logging.NOTSET:
        _PLATFORM_LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        _PLATFORM_LOGGER.removeHandler(handler)
        handler.close()
