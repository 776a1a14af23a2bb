"""One actor of a trial: the target, where everything is recorded, and who it acts as.

What a person can do is in the modules that build on this one, a subject each.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any

from gp_helpers.history import Recorder
from gp_helpers.parameters.description import Operation, WebSocketDescription
from gp_helpers.parameters.templates import render
from gp_helpers.probes.events import MessageReader
from gp_helpers.probes.guest import Guest
from gp_helpers.probes.http import Exchange, HttpProbe
from gp_helpers.probes.people import Person
from gp_helpers.probes.socket import Socket
from gp_helpers.probes.supervisor import Supervisor
from gp_helpers.targets.running import RunningTarget


class NotDescribedError(Exception):
    """The target's description does not say how to do something that a step needs."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the target does not state {key}")
        self.key = key


class Actor:
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

    def _ws(self) -> WebSocketDescription:
        description = self.target.description.websocket
        if description is None:
            raise NotDescribedError("websocket")
        return description

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
            "token_base64url": base64url(person.access_token or ""),
        }


def base64url(token: str) -> str:
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
