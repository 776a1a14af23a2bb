"""The backend's instances and where each can be reached, in the store that they share.

Ports are the kernel's choice, so an instance learns its own address from the first request that
reaches it (the start-up probe's), and is ready when the others can find it.
"""

from __future__ import annotations

import anyio
from sqlalchemy import Connection, delete, select
from starlette.types import ASGIApp, Receive, Scope, Send

from gp_helpers.platform.store import Store
from gp_helpers.platform.store.schema import instances, presence


class OwnAddress:
    """Where this instance listens; known from the first request on."""

    def __init__(self) -> None:
        self._known = anyio.Event()
        self._url = ""

    def note(self, host: str, port: int) -> None:
        """Take note of the address; the first one counts."""
        if not self._known.is_set():
            self._url = f"http://{host}:{port}"
            self._known.set()

    async def url(self) -> str:
        """The base URL, as soon as it is known."""
        await self._known.wait()
        return self._url


class AddressReader:
    """ASGI middleware: reads the instance's own address from the scope of each request."""

    def __init__(self, app: ASGIApp, address: OwnAddress) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if server is not None and server[1] is not None:
            self._address.note(server[0], server[1])
        await self._app(scope, receive, send)


class InstanceDirectory:
    """The table of instances."""

    def __init__(self, store: Store, instance_id: str, address: OwnAddress) -> None:
        self._store = store
        self._instance_id = instance_id
        self._address = address

    async def announce(self) -> None:
        """Let the others find this instance, and forget connections of a predecessor's life."""
        url = await self._address.url()

        def work(connection: Connection) -> None:
            upsert = (
                self._store.insert(instances)
                .values(instance_id=self._instance_id, url=url)
                .on_conflict_do_update(index_elements=["instance_id"], set_={"url": url})
            )
            connection.execute(upsert)
            connection.execute(delete(presence).where(presence.c.instance_id == self._instance_id))

        await self._store.write(work)

    async def addresses(self) -> dict[str, str]:
        """Base URLs of all instances that ever announced themselves, this one included."""
        rows = await self._store.rows(select(instances.c.instance_id, instances.c.url))
        return {row.instance_id: row.url for row in rows}
