"""What a person does with a platform, whichever it is: log in, present a token, connect, ask.

Everything here follows the target's description and records what it does; nothing here knows the
embedded platform, a case, or a defect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.history import Entry
from gp_helpers.parameters.templates import render, render_expression
from gp_helpers.probes.accounts import WithAccounts
from gp_helpers.probes.acting import NotDescribedError
from gp_helpers.probes.expressions import holds, matches
from gp_helpers.probes.http import Exchange
from gp_helpers.probes.people import Person
from gp_helpers.probes.presenting import WithValidators
from gp_helpers.probes.socket import Socket


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was sent to an agent."""

    request_id: str
    text: str
    entry: Entry | None
    """None if the socket was closed before it could be sent."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the target's own rule says of a question in a conversation that was read."""

    times: int
    at_least: bool = False
    """The rule says that it is there, and not how often."""


class Client(WithAccounts, WithValidators):
    """Acts as people towards one running target, during one trial."""

    async def open_conversation(self, person: Person) -> str:
        """Open a conversation where the platform wants one first; the id to ask in."""
        conversation = self.target.description.conversation
        if conversation is None:
            person.thread_id = str(self._ids.uuid4())
            return person.thread_id
        exchange = await self._send(person, conversation.create, "open a conversation")
        thread_id = exchange.find(conversation.id)
        person.thread_id = str(thread_id) if thread_id is not None else ""
        if person.thread_id:
            self._conversations.append((person, person.thread_id))
        return person.thread_id

    def new_request_id(self) -> str:
        """An id for a question, as the platform wants it; the same seed gives the same ones."""
        match self._ws().request_ids:
            case "number":
                self._questions += 1
                return str(self._questions)
            case "uuid":
                return str(self._ids.uuid4())
            case _:
                return f"req-{self._ids.uuid4()}"

    async def ask(
        self,
        socket: Socket,
        text: str,
        *,
        request_id: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Question:
        """Ask an agent something; ``more`` adds fields to the request (priority, agent, …)."""
        description = self._ws()
        person = socket.person
        request_id = request_id or self.new_request_id()
        message = render(
            description.request,
            self._variables(person)
            | {
                "request_id": int(request_id)
                if description.request_ids == "number"
                else request_id,
                "text": text,
            },
        )
        if more and isinstance(message, dict):
            message |= more
        entry = await socket.send(message, request_id=request_id)
        return Question(request_id, text, entry)

    async def resume(self, socket: Socket, last_event_id: Any) -> Entry | None:
        """Ask for everything after an event, where the platform replays."""
        template = self._ws().resume
        if template is None:
            raise NotDescribedError("websocket.resume")
        return await socket.send(render(template, {"last_event_id": last_event_id}))

    async def ping(self, socket: Socket, timeout_s: float) -> bool:
        """Ping, and wait for the pong."""
        before = len(socket.messages)
        pong = await self.send_ping(socket)
        if pong is None:
            return False

        def came() -> bool:
            return any(matches(pong, message.body) for message in socket.messages[before:])

        return await socket.wait_until(came, timeout_s=timeout_s, awaited="pong")

    async def send_ping(self, socket: Socket) -> str | None:
        """Send a ping without waiting; the predicate of its pong, None if the socket is closed."""
        ping = self._ws().ping
        if ping is None:
            raise NotDescribedError("websocket.ping")
        ping_id = str(self._ids.uuid4())
        pong = render_expression(ping.pong, {"ping_id": ping_id})
        socket.pongs_awaited.append(pong)
        sent = await socket.send(render(ping.send, {"ping_id": ping_id}), is_ping=True)
        return None if sent is None else pong

    # Reading back

    async def read_conversation(self, person: Person, thread_id: str) -> Exchange:
        """Read a conversation back."""
        persistence = self.target.description.persistence
        if persistence is None:
            raise NotDescribedError("persistence")
        return await self._send(
            person, persistence, "read the conversation", variables={"thread_id": thread_id}
        )

    def times_stored(self, person: Person, question: Question, exchange: Exchange) -> Stored | None:
        """How often a question is in a conversation that was read; None if no rule says that."""
        persistence = self.target.description.persistence
        if persistence is None or persistence.found is None or exchange.status is None:
            return None
        known = self._variables(person)
        known |= {"request_id": question.request_id, "text": question.text}
        found = exchange.find(render_expression(persistence.found, known))
        return stored(found)

    async def read_billing(self, person: Person) -> Exchange:
        """Read the person's own figures."""
        billing = self.target.description.billing
        if billing is None:
            raise NotDescribedError("billing")
        return await self._send(person, billing, "read billing")

    async def check_health(self, actor: str = "lab") -> dict[str, Exchange]:
        """Ask every health endpoint."""
        found = {}
        for name, operation in self.target.description.health.items():
            found[name] = await self.http.send(actor, operation, {}, purpose=f"health of {name}")
        return found


def stored(found: Any) -> Stored:
    """What a rule found: a number is one, a list has a length, anything else is there or not."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        return Stored(int(found))
    if isinstance(found, list):
        return Stored(_length(found))
    return Stored(int(holds(found)), at_least=holds(found))


def _length(found: list[Any]) -> int:
    """Of a list, those within it included; projections leave false and null for what is not it."""
    return sum(
        _length(one) if isinstance(one, list) else one is not None and one is not False
        for one in found
    )
