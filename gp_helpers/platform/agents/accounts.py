"""Whose billing data an agent looks up: that of the token's subject."""

from __future__ import annotations

from gp_helpers.platform.seams import Identity


class TokenSubject:
    """The id in the token is the id under which everything of a user is kept."""

    def account_of(self, identity: Identity) -> str:
        return identity.user_id
