"""Whose request it is and how it is to be answered: from its own connection, and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.gateway.messages import Request
from gp_helpers.platform.routing.roles import Accept
from gp_helpers.platform.seams import Identity


class ConnectionContext:
    """Preferences that were said on a connection hold there until they are said anew."""

    def preferences_for(self, connection: Connection, said: Mapping[str, str]) -> dict[str, str]:
        connection.preferences.update(said)
        return dict(connection.preferences)


class HandshakeDecides:
    """A request belongs to the user of the handshake; a message cannot name another."""

    def of(self, identity: Identity, claimed_user_id: str | None) -> Identity:
        if claimed_user_id not in (None, identity.user_id):
            raise PlatformError("identity_spoofed")
        return identity


class OwnHandler:
    """Each connection's requests are handled for that connection."""

    def bind(self, connection: Connection, accept: Accept) -> Callable[[Request], Awaitable[None]]:
        return partial(accept, connection)
