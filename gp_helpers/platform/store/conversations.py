"""Threads and their messages, each owned by one user and seen by nobody else."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, select

from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.store.engine import Insert, Store
from gp_helpers.platform.store.schema import messages, threads

Role = Literal["user", "assistant"]
_ADD_THREAD = threads.insert()
_OWNED = select(threads).where(
    threads.c.id == bindparam("thread_id"), threads.c.owner == bindparam("owner")
)


@cache
def _add_message(insert: Insert) -> Any:
    return (
        insert(messages)
        .on_conflict_do_nothing(index_elements=["owner", "request_id", "role"])
        .returning(messages.c.id)
    )


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation."""

    id: str
    owner: str
    title: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `request_id` ties question and answer of an agent's run."""

    id: str
    thread_id: str
    owner: str
    role: Role
    content: str
    request_id: str | None
    created_at: float


class Conversations:
    """The tables of threads and messages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, owner: str, title: str, now: float) -> Thread:
        thread = Thread(f"thr_{secrets.token_hex(8)}", owner, title, now)
        await self._store.execute(_ADD_THREAD, **asdict(thread))
        return thread

    async def threads_of(self, owner: str) -> list[Thread]:
        rows = await self._store.rows(
            select(threads).where(threads.c.owner == owner).order_by(threads.c.created_at)
        )
        return [_thread(row) for row in rows]

    async def thread(self, owner: str, thread_id: str) -> Thread:
        """Raises `PlatformError("thread_not_found")`, also for somebody else's thread."""
        return await self._store.read(lambda connection: _owned(connection, owner, thread_id))

    async def messages_in(self, owner: str, thread_id: str) -> list[Message]:
        """Raises `PlatformError("thread_not_found")`."""

        def work(connection: Connection) -> list[Message]:
            _owned(connection, owner, thread_id)
            rows = connection.execute(
                select(messages)
                .where(messages.c.thread_id == thread_id)
                .order_by(messages.c.position)
            )
            return [_message(row) for row in rows]

        return await self._store.read(work)

    async def add(
        self,
        owner: str,
        thread_id: str,
        role: Role,
        content: str,
        now: float,
        *,
        request_id: str | None = None,
    ) -> Message:
        """The stored message; a request's question and answer are each stored once.

        Adding again with the same owner, `request_id` and role returns what is stored already.
        Raises `PlatformError("thread_not_found")`.
        """
        message = Message(
            f"msg_{secrets.token_hex(8)}", thread_id, owner, role, content, request_id, now
        )

        def work(connection: Connection) -> Message:
            _owned(connection, owner, thread_id)
            add = _add_message(self._store.insert)
            if connection.execute(add, asdict(message)).first() is not None:
                return message
            stored = connection.execute(
                select(messages).where(
                    messages.c.owner == owner,
                    messages.c.request_id == request_id,
                    messages.c.role == role,
                )
            ).one()
            return _message(stored)

        return await self._store.write(work)


def _owned(connection: Connection, owner: str, thread_id: str) -> Thread:
    row = connection.execute(_OWNED, {"thread_id": thread_id, "owner": owner}).first()
    if row is None:
        raise PlatformError("thread_not_found")
    return _thread(row)


def _thread(row: Row[Any]) -> Thread:
    return Thread(row.id, row.owner, row.title, row.created_at)


def _message(row: Row[Any]) -> Message:
    return Message(
        row.id,
        row.thread_id,
        row.owner,
        row.role,
        row.content,
        row.request_id,
        row.created_at,
    )
