"""Transports: how messages travel over a socket."""

from gp_helpers.targets.transports.base import (
    Channel,
    ChannelClosed,
    Handshake,
    HandshakeRefused,
    Received,
    Transport,
    transport,
)

__all__ = [
    "Channel",
    "ChannelClosed",
    "Handshake",
    "HandshakeRefused",
    "Received",
    "Transport",
    "transport",
]
