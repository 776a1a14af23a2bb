"""Showing a token to everybody who validates one, and recording what each of them decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gp_helpers.history import Entry, Kind, fingerprint
from gp_helpers.probes.connecting import WithSockets
from gp_helpers.probes.expressions import search
from gp_helpers.probes.people import Person

WEBSOCKET = "websocket"
"""The validator that every platform with a socket has: its handshake."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a validator said about a token."""

    validator: str
    accepted: bool | None
    """None if it gave no answer."""
    identity: str | None
    entry: Entry


class WithValidators(WithSockets):
    """Presents tokens; the WebSocket handshake is one of those who validate them."""

    def validators(self) -> list[str]:
        """Everybody who validates a token, the WebSocket handshake last."""
        named = list(self.target.description.auth.validators)
        return [*named, WEBSOCKET] if self.target.description.websocket else named

    def naming(self) -> list[str]:
        """Those who also say whose token it is, by the target's description."""
        stated = self.target.description.auth.validators
        names = [name for name, operation in stated.items() if operation.identity is not None]
        socket = self.target.description.websocket
        return [*names, WEBSOCKET] if socket is not None and socket.identity else names

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
