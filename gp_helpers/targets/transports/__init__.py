"""Transports: how messages travel over a socket."""

from gp_helpers.targets.transports.base import (
    MAX_MESSAGE_BYTES,
    Channel,
    ChannelClosed,
    Detour,
    Handshake,
    HandshakeRefused,
    Received,
    Transport,
    reader_of,
    require_transport,
    transport,
)

__all__ = [
    "MAX_MESSAGE_BYTES",
    "Channel",
    "ChannelClosed",
    "Detour",
    "Handshake",
    "HandshakeRefused",
    "Received",
    "Transport",
    "reader_of",
    "require_transport",
    "transport",
]
