"""What several routing checks read out of a history: a message's data, and whom it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gp_helpers.history import Entry, History, Kind


def body_of(entry: Entry) -> Mapping[str, Any]:
    """The message of an entry, empty where it is not an object."""
    message = entry.data.get("message")
    return message if isinstance(message, Mapping) else {}


def data_of(entry: Entry) -> Mapping[str, Any]:
    """The `data` of an entry's message."""
    data = body_of(entry).get("data")
    return data if isinstance(data, Mapping) else {}


def is_event(entry: Entry, name: str) -> bool:
    """Whether an entry is one of the five events."""
    return name in entry.data.get("events", ())


def is_error(entry: Entry) -> bool:
    """Whether an entry tells that a request failed."""
    return bool(entry.data.get("is_error"))


def about(history: History, request_id: str) -> list[Entry]:
    """Every message about a request, on whosever socket it arrived."""
    return [
        entry
        for entry in history.of(Kind.WS_RECEIVED)
        if request_id in (entry.data.get("request_id"), body_of(entry).get("request_id"))
    ]


def expectations(history: History, key: str) -> list[Entry]:
    """The entries in which the case said what is right about `key`."""
    return [entry for entry in history.of(Kind.EXPECTED) if key in entry.data]
