"""Histories: the append-only record of what a trial did and saw. Knows no sockets and no cases."""

from gp_helpers.history.canonical import Divergence, first_divergence
from gp_helpers.history.decoding import may_have_long_numbers
from gp_helpers.history.entries import LONGEST_S, Entry, Kind
from gp_helpers.history.recording import (
    History,
    HistoryReadError,
    HistoryWriteError,
    Recorder,
    no_collection,
    parse,
    read,
)
from gp_helpers.history.redaction import ACCOUNT, Redactor, decoded_claims, fingerprint

__all__ = [
    "ACCOUNT",
    "LONGEST_S",
    "Divergence",
    "Entry",
    "History",
    "HistoryReadError",
    "HistoryWriteError",
    "Kind",
    "Recorder",
    "Redactor",
    "decoded_claims",
    "fingerprint",
    "first_divergence",
    "may_have_long_numbers",
    "no_collection",
    "parse",
    "read",
]
