"""The times of a connection, nested into the times of what stands in front of it."""

from __future__ import annotations

from gp_helpers.platform.settings import GatewaySettings

_HEARTBEATS_PER_IDLE_TIMEOUT = 3
_SHARE_OF_REQUEST_TIMEOUT = 0.8
_SHARE_OF_LIFETIME = 0.25


class NestedTimeouts:
    """Heartbeat below the idle timeout, life below the request timeout, whatever the wishes are."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.heartbeat_s = min(
            settings.heartbeat_s, settings.idle_timeout_s / _HEARTBEATS_PER_IDLE_TIMEOUT
        )
        self.lifetime_s = min(
            settings.lifetime_s, settings.request_timeout_s * _SHARE_OF_REQUEST_TIMEOUT
        )
        self.reconnect_notice_s = min(
            settings.reconnect_notice_s, self.lifetime_s * _SHARE_OF_LIFETIME
        )
