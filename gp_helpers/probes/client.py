"""What a person does with a platform, whichever it is: log in, present a token, connect, ask.

Everything here follows the target's description and records what it does; nothing here knows the
embedded platform, a case, or a defect.
"""

from __future__ import annotations

import asyncio
import base64
import urllib.parse
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gp_helpers.history import Entry, Kind, Recorder, fingerprint
from gp_helpers.parameters.description import Operation, WebSocketDescription
from gp_helpers.parameters.templates import render, render_expression
from gp_helpers.probes.events import MessageReader
from gp_helpers.probes.guest import Guest, LimitReachedError
from gp_helpers.probes.http import (
    MOST_TOKEN_CHARACTERS,
    Exchange,
    HttpProbe,
    matches,
    search,
)
from gp_helpers.probes.people import Person
from gp_helpers.probes.socket import Socket
from gp_helpers.probes.supervisor import Supervisor
from gp_helpers.targets.running import RunningTarget
from gp_helpers.targets.transports import Handshake, HandshakeRefused, transport

WEBSOCKET = "websocket"
"""The validator that every platform with a socket has: its handshake."""


class NotDescribedError(Exception):
    """The target's description does not say how to do something that a step needs."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the target does not state {key}")
        self.key = key


@dataclass(frozen=True, slots=True)
class Decision:
    """What a validator said about a token."""

    validator: str
    accepted: bool | None
    """None if it gave no answer."""
    identity: str | None
    entry: Entry


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was sent to an agent."""

    request_id: str
    text: str
    entry: Entry | None
    """None if the socket was closed before it could be sent."""


class Client:
    """Acts as people towards one running target, during one trial."""

    def __init__(
        self,
        target: RunningTarget,
        recorder: Recorder,
        http: HttpProbe,
        guest: Guest,
        supervisor: Supervisor,
        ids: Any = uuid,
    ) -> None:
        self.target = target
        self.recorder = recorder
        self.http = http
        self.guest = guest
        self._supervisor = supervisor
        self._ids = ids
        self._opened: dict[str, int] = {}
        self._readers: dict[str, MessageReader] = {}
        """One for all sockets of a person: what began on one may end on the next."""
        self._conversations: list[tuple[Person, str]] = []
        self._accounts_taken = 0
        self._questions = 0
        self.people: dict[str, Person] = {}
        self.sockets: list[Socket] = []

    # People and tokens

    async def register(self, person: Person) -> Exchange | None:
        """Make the person's account where the target registers afresh, or give them a stated one.

        Raises `NotDescribedError` if the stated accounts do not suffice.
        """
        if self.target.accounts:
            person.take(self._next_account())
        for secret in person.secrets:
            self.recorder.redactor.register(secret, "password")
        self.people[person.label] = person
        accounts = self.target.description.accounts
        if accounts is None or accounts.register_ is None:
            return None
        return await self._send(person, accounts.register_, "register")

    def _next_account(self) -> Mapping[str, str]:
        """An account that nobody in this trial has; component checks are done with the first."""
        accounts = self.target.accounts
        if self.recorder.step == "components":
            return accounts[0]
        if self._accounts_taken >= len(accounts):
            raise NotDescribedError(f"more than {len(accounts)} accounts: another user is needed")
        self._accounts_taken += 1
        return accounts[self._accounts_taken - 1]

    async def log_in(self, person: Person) -> Exchange | None:
        """Log in and keep the tokens; None for a target with a static token."""
        auth = self.target.description.auth
        if auth.login is None:
            person.access_token = render(auth.token.static or "", self._variables(person))
            self._remember(person, "static")
            self._introduce(person)
            return None
        exchange = await self._send(person, auth.login, "log in", secrets=self._secret_paths())
        self._keep_tokens(person, exchange, "log in")
        user_id = exchange.find(auth.user_id)
        if user_id is not None:
            person.user_id = str(user_id)
        self._introduce(person)
        return exchange

    def _introduce(self, person: Person) -> None:
        self.recorder.add(Kind.USER, person.label, user_id=person.user_id, canary=person.canary)

    def _secret_paths(self) -> tuple[str | None, ...]:
        auth = self.target.description.auth
        cookie = f'cookies."{auth.token.cookie}"' if auth.token.cookie is not None else None
        return (auth.token.body, cookie, auth.refresh_token)

    async def refresh(self, person: Person, *, refresh_token: str | None = None) -> Exchange:
        """Rotate the tokens; with an older ``refresh_token`` the person's own stay as they are."""
        auth = self.target.description.auth
        if auth.refresh is None:
            raise NotDescribedError("auth.refresh")
        exchange = await self._send(
            person,
            auth.refresh,
            "refresh",
            variables={"refresh_token": refresh_token or person.refresh_token},
            secrets=self._secret_paths(),
        )
        if refresh_token is None:
            self._keep_tokens(person, exchange, "refresh")
        return exchange

    async def log_out(self, person: Person) -> Exchange:
        """Log out, so that the token is dead."""
        auth = self.target.description.auth
        if auth.logout is None:
            raise NotDescribedError("auth.logout")
        return await self._send(person, auth.logout, "log out")

    def _keep_tokens(self, person: Person, exchange: Exchange, purpose: str) -> None:
        auth = self.target.description.auth
        if auth.token.cookie is not None:
            token = exchange.cookies.get(auth.token.cookie)
        else:
            token = exchange.find(auth.token.body) or search(auth.token.body, exchange.body)
        if not isinstance(token, str) or not exchange.accepted:
            return
        if len(token) > MOST_TOKEN_CHARACTERS:
            return
        person.access_token = token
        person.expires_in = exchange.find(auth.expires_in)
        refresh_token = exchange.find(auth.refresh_token)
        if isinstance(refresh_token, str):
            person.refresh_token = refresh_token
        self._remember(person, purpose)

    def _remember(self, person: Person, purpose: str) -> None:
        if person.access_token is None:
            return
        self.recorder.redactor.register(person.access_token, "token")
        self.recorder.add(
            Kind.TOKEN,
            person.label,
            token=fingerprint(person.access_token),
            purpose=purpose,
            subject=person.label,
            flaw=None,
            expires_in=person.expires_in,
        )

    # Validators

    def validators(self) -> list[str]:
        """Everybody who validates a token, the WebSocket handshake last."""
        named = list(self.target.description.auth.validators)
        return [*named, WEBSOCKET] if self.target.description.websocket else named

    async def present(
        self, person: Person, validator: str, token: str, *, about: str = "good", **known: Any
    ) -> Decision:
        """Show a token to a validator and record its decision.

        ``about`` names the token ("good", or its flaw); ``known`` goes into the entry.
        """
        if validator == WEBSOCKET:
            socket, refusal = await self.connect(person, token=token)
            if socket is not None:
                ready = await socket.wait_ready(5.0)
                is_refused = socket.closed is not None or socket.refused is not None
                accepted: bool | None = ready or (False if is_refused else None)
                identity = socket.ready and search(self._ws().identity, socket.ready.body)
                basis = [(socket.ready.entry if socket.ready else socket.opened).seq]
                await socket.close()
            else:
                assert refusal is not None
                accepted = False if refusal.data["status"] is not None else None
                identity, basis = None, [refusal.seq]
            return self._decide(person, validator, token, about, accepted, identity, basis, known)
        operation = self.target.description.auth.validators[validator]
        exchange = await self._send(
            person, operation, f"present to {validator}", variables={"token": token}
        )
        identity = exchange.find(operation.identity) if exchange.accepted else None
        known = {"status": exchange.status, **known}
        return self._decide(
            person,
            validator,
            token,
            about,
            exchange.accepted,
            identity,
            [exchange.answer.seq],
            known,
        )

    def _decide(
        self,
        person: Person,
        validator: str,
        token: str,
        about: str,
        accepted: bool | None,
        identity: Any,
        basis: list[int],
        known: Mapping[str, Any],
    ) -> Decision:
        entry = self.recorder.add(
            Kind.DECISION,
            person.label,
            decider=validator,
            about=about,
            token=fingerprint(token),
            accepted=accepted,
            identity=identity,
            identity_label=self.label_of(identity),
            rests_on=basis,
            **known,
        )
        return Decision(validator, accepted, None if identity is None else str(identity), entry)

    def label_of(self, user_id: Any) -> str | None:
        """Whose user id this is: a label of this trial, ``somebody else``, or None."""
        if user_id is None:
            return None
        for person in self.people.values():
            if person.user_id == str(user_id):
                return person.label
        return "somebody else"

    # Sockets and questions

    def _ws(self) -> WebSocketDescription:
        description = self.target.description.websocket
        if description is None:
            raise NotDescribedError("websocket")
        return description

    async def connect(
        self,
        person: Person,
        *,
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> tuple[Socket | None, Entry | None]:
        """Open a socket for a person: the socket, or the entry that says how it was refused."""
        description = self._ws()
        token = token if token is not None else person.access_token
        handshake = self._handshake(
            description, person, token or "", query or {}, self.guest.bounded(timeout_s)
        )
        connected = {one.person.label for one in self.sockets if one.closed is None}
        self.guest.admit_user(len(connected | {person.label}))
        await self.guest.admit_connection(handshake.url)
        self._opened[person.label] = self._opened.get(person.label, 0) + 1
        label = f"{person.label}-ws-{self._opened[person.label]}"
        redactor = self.recorder.redactor
        self.recorder.add(
            Kind.WS_OPENING,
            person.label,
            label,
            url=handshake.url,
            headers=redactor.headers(list(handshake.headers)),
            subprotocols=list(handshake.subprotocols),
        )
        refusals = handshake.via.refusals if handshake.via is not None else ()
        known = len(refusals)
        try:
            channel = await transport(description.transport).open(handshake)
        except HandshakeRefused as refusal:
            behind = "".join(f"; behind the proxy: {why}" for why in refusals[known:])
            return None, self.recorder.add(
                Kind.WS_REFUSED,
                person.label,
                label,
                status=refusal.status,
                reason=f"{refusal.reason}{behind}",
                headers=redactor.headers(list(refusal.headers)),
                body=refusal.body,
            )
        opened = self.recorder.add(
            Kind.WS_OPENED, person.label, label, subprotocol=channel.subprotocol
        )
        socket = Socket(
            label,
            person,
            description,
            self.recorder,
            channel,
            opened,
            self._readers.setdefault(person.label, MessageReader(description)),
            bounded=self.guest.bounded,
        )
        self.sockets.append(socket)
        socket.start_reading(self._supervisor)
        first = description.first_message
        for message in first if isinstance(first, list) else [first]:
            if message is not None:
                await socket.send(render(message, self._variables(person) | {"token": token}))
        return socket, None

    async def leave(self) -> None:
        """End what is still open, sockets in order where we are guests, and conversations."""
        channels = [socket.channel for socket in self.sockets if socket.closed is None]
        in_order = self.target.limits is not None
        await asyncio.gather(
            *(channel.close() if in_order else channel.abort() for channel in channels),
            return_exceptions=True,
        )
        conversation = self.target.description.conversation
        if conversation is None or conversation.close is None:
            return
        probe = self.http.unrecorded()
        for person, thread_id in self._conversations:
            variables = self._variables(person) | {"thread_id": thread_id}
            with suppress(LimitReachedError):
                await probe.send(
                    person.label, conversation.close, variables, purpose="close a conversation"
                )

    def _handshake(
        self,
        description: WebSocketDescription,
        person: Person,
        token: str,
        query: Mapping[str, str],
        timeout_s: float,
    ) -> Handshake:
        variables = self._variables(person) | {
            "token": token,
            "token_base64url": _base64url(token),
        }
        headers = list(render(description.headers, variables).items())
        subprotocols = list(description.subprotocols)
        parameters = dict(query)
        match description.present_token:
            case "header":
                headers.append(("Authorization", f"Bearer {token}"))
            case "subprotocol":
                subprotocols.append(render(description.token_subprotocol, variables))
            case "query":
                parameters[description.token_query] = token
            case "cookie":
                headers.append(("Cookie", f"{description.token_cookie}={token}"))
        url = render(description.url, variables)
        if parameters:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(parameters)
        return Handshake(
            url,
            headers,
            subprotocols,
            timeout_s,
            verify_tls=self.target.description.verify_tls,
            options=render(description.options, variables),
            via=self.target.socket_via,
        )

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

    async def _send(
        self,
        person: Person,
        operation: Operation,
        purpose: str,
        *,
        variables: Mapping[str, Any] | None = None,
        secrets: tuple[str | None, ...] = (),
    ) -> Exchange:
        return await self.http.send(
            person.label,
            operation,
            self._variables(person) | dict(variables or {}),
            purpose=purpose,
            secrets=secrets,
        )

    def filled(self, person: Person, template: Any) -> Any:
        """A template with everything about a person filled in."""
        return render(template, self._variables(person))

    def _variables(self, person: Person) -> dict[str, Any]:
        return {
            "user": person.as_variables(),
            "token": person.access_token or "",
            "refresh_token": person.refresh_token or "",
            "thread_id": person.thread_id or "",
            "thread_title": f"Costs of {person.name}",
            "token_base64url": _base64url(person.access_token or ""),
        }


def _base64url(token: str) -> str:
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
