"""Sockets: opening them with a token in any of the places where a platform may want it."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress

from gp_helpers.history import Entry, Kind
from gp_helpers.parameters.description import WebSocketDescription
from gp_helpers.parameters.templates import render
from gp_helpers.probes.acting import Actor, base64url
from gp_helpers.probes.events import MessageReader
from gp_helpers.probes.guest import LimitReachedError
from gp_helpers.probes.own_values import hold_own_headers
from gp_helpers.probes.people import Person
from gp_helpers.probes.socket import MOST_SHOWN, Socket
from gp_helpers.targets.transports import Handshake, HandshakeRefused, transport


class WithSockets(Actor):
    """Opens people's sockets, and closes what is left at the end."""

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
        allowed_s = self.guest.bounded(timeout_s)
        handshake = self._handshake(description, person, token or "", query or {}, allowed_s)
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
            is_ours = refusal.status is None and allowed_s < timeout_s
            behind = "".join(f"; behind the proxy: {why}" for why in refusals[known:])
            return None, self.recorder.add(
                Kind.WS_REFUSED,
                person.label,
                label,
                status=refusal.status,
                reason=f"{refusal.reason}{behind}",
                headers=redactor.headers(list(refusal.headers)),
                body=redactor.beginning(refusal.body, MOST_SHOWN),
                **({"shortened": True} if is_ours else {}),
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
            "token_base64url": base64url(token),
        }
        hold_own_headers(description.headers, variables)
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
            ca_file=self.target.description.tls_ca_file,
            options=render(description.options, variables),
            via=self.target.socket_via,
        )
