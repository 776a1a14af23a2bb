"""What each kind of client message does: a ping is answered, a resume replays, a request works."""

from __future__ import annotations

from gp_helpers.platform.errors import PlatformError
from gp_helpers.platform.gateway.connection import Connection
from gp_helpers.platform.gateway.dispatch import Handler, MessageHandler
from gp_helpers.platform.gateway.intake import RequestIntake
from gp_helpers.platform.gateway.messages import Ping, Request, Resume, pong_message
from gp_helpers.platform.gateway.roles import EventDelivery
from gp_helpers.platform.routing.roles import HandlerBinding


class ClientHandlers:
    """Makes the handlers of a connection."""

    def __init__(
        self, delivery: EventDelivery, intake: RequestIntake, binding: HandlerBinding
    ) -> None:
        self._delivery = delivery
        self._intake = intake
        self._binding = binding

    def of(self, connection: Connection) -> tuple[Handler, ...]:
        handle = self._binding.bind(connection, self._intake.accept)

        async def answer(ping: Ping) -> None:
            await connection.outgoing.reply(pong_message(ping))

        async def replay(resume: Resume) -> None:
            if resume.last_event_id > await self._delivery.position(connection.channel):
                raise PlatformError("invalid_request", "last_event_id: no such event yet")
            connection.outgoing.resume_after(resume.last_event_id)

        async def begin(request: Request) -> None:
            connection.outgoing.release()
            await handle(request)

        owner = connection.connection_id
        return (
            MessageHandler(owner, Ping, answer),
            MessageHandler(owner, Resume, replay),
            MessageHandler(owner, Request, begin),
        )
