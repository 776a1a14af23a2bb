"""Passwords with argon2id, hashed and verified in threads, because they cost processor time."""

from __future__ import annotations

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gp_helpers.platform.settings import PasswordSettings

_CONCURRENT_HASHES = 2


class Passwords:
    """Hashes passwords, and verifies them in the same time whether or not the account exists."""

    def __init__(self, settings: PasswordSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.time_cost,
            memory_cost=settings.memory_cost_kib,
            parallelism=settings.parallelism,
        )
        self._limiter = anyio.CapacityLimiter(_CONCURRENT_HASHES)
        self._nobodys_hash = self._hasher.hash("the password of no account")

    async def hash(self, password: str) -> str:
        return await anyio.to_thread.run_sync(self._hasher.hash, password, limiter=self._limiter)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is right; `None` stands for an account that does not exist."""
        return await anyio.to_thread.run_sync(
            self._verify, password, password_hash, limiter=self._limiter
        )

    def _verify(self, password: str, password_hash: str | None) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None
