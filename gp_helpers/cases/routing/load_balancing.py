"""routing.load_balancing: ten users with two devices each, two instances, one question each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from gp_helpers.cases.asking import ask, connect, settle
from gp_helpers.cases.routing.answers import until_one_of
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.history import Kind
from gp_helpers.probes import Person, Socket
from gp_helpers.probes.client import Question
from gp_helpers.probes.events import MessageReader
from gp_helpers.probes.expressions import search
from gp_helpers.targets import Ability, Arrangement

USERS = 10
WORKERS = 2
"""Of each instance; more of them would only wait for each other at the store's write lock."""


class LoadBalancing(Case):
    """An answer reaches every device of its user, wherever it is made."""

    id = "routing.load_balancing"
    arrangement = Arrangement(backends=2, backend={"routing": {"workers": WORKERS}})
    users_at_once = USERS
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "asgi": ("load_is_even",),
        "deployment": ("load_is_even",),
    }

    people: list[Person]
    laptops: list[Socket]
    phones: list[Socket]
    _instance_of: dict[str, str]
    """Name of the instance by label of the socket, where the platform says so."""

    @step(f"Log in {USERS} fresh users, and open a conversation for each.", expects="all are in")
    async def log_in(self) -> Shown:
        self.people = [await self.trial.person() for _ in range(USERS)]
        for person in self.people:
            await self.trial.client.open_conversation(person)
        return Shown(f"{USERS} users are logged in", [{"user": one.label} for one in self.people])

    @step(
        "Connect everybody's laptop, one after the other, and then everybody's phone, beginning "
        "with the second user.",
        expects="both instances get as many connections, and every user is at both",
    )
    async def connect_two_devices_each(self) -> Shown:
        self.laptops = [await connect(self.trial, person) for person in self.people]
        phones = {}
        for person in [*self.people[1:], self.people[0]]:
            phones[person.label] = await connect(self.trial, person)
            # Both devices get the same messages: neither goes on where the other was.
            phones[person.label].reader = MessageReader(phones[person.label].description)
        self.phones = [phones[person.label] for person in self.people]
        await self._read_where_sockets_are()
        rows = [
            {"instance": name, "connections": number}
            for name, number in sorted(Counter(self._instance_of.values()).items())
        ]
        return Shown(f"{2 * USERS} devices are connected", rows)

    @step(
        "Everybody asks at once, on the laptop.",
        expects="the five events on both devices, and no instance with much more work",
    )
    async def ask_at_once(self) -> Shown:
        asked = list(zip(self.laptops, await self._ask_all(), strict=True))
        await asyncio.gather(
            *(
                until_one_of(self.trial, (laptop, phone), partial(_has_answer, question))
                for (laptop, question), phone in zip(asked, self.phones, strict=True)
            )
        )
        await settle(self.trial, asked)
        rows = []
        for (laptop, question), phone in zip(asked, self.phones, strict=True):
            worked_at = self._worked_at(laptop, phone, question)
            connected_at = self._instance_of.get(laptop.label)
            if worked_at is not None and connected_at is not None:
                self.trial.recorder.add(
                    Kind.DECISION,
                    "platform",
                    question.request_id,
                    decider="placement",
                    about=laptop.person.label,
                    agent="where it was asked" if worked_at == connected_at else "elsewhere",
                )
            rows.append(
                {
                    "user": laptop.person.label,
                    "asked at": connected_at,
                    "worked at": worked_at,
                    "laptop": _outcome(laptop, question),
                    "phone": _outcome(phone, question),
                }
            )
        lost = sum(row[device] == "nothing" for row in rows for device in ("laptop", "phone"))
        return Shown(f"{lost} of {2 * USERS} devices get nothing", rows)

    async def _read_where_sockets_are(self) -> None:
        """Read which instance has which socket."""
        self._instance_of = {}
        if not self.trial.target.can(Ability.DIAGNOSTICS):
            return
        instances = list(await self.trial.controls.instances())
        self.trial.expect("instances", instances=instances)
        by_id = {
            socket.ready.body.get("data", {}).get("connection_id"): socket.label
            for socket in (*self.laptops, *self.phones)
            if socket.ready is not None
        }
        for name in instances:
            state = await self.trial.reading(name)
            for connection in state.get("connections", ()):
                label = by_id.get(connection.get("connection_id"))
                if label is not None:
                    self._instance_of[label] = name

    async def _ask_all(self) -> list[Question]:
        return list(
            await asyncio.gather(
                *(
                    ask(
                        self.trial,
                        laptop,
                        about=f"from {laptop.person.label}'s laptop",
                        also_on=[phone],
                    )
                    for laptop, phone in zip(self.laptops, self.phones, strict=True)
                )
            )
        )

    def _worked_at(self, laptop: Socket, phone: Socket, question: Question) -> str | None:
        for socket in (laptop, phone):
            for message in socket.of(question.request_id):
                instance = search("data.queue.instance", message.body)
                if instance is not None:
                    return str(instance)
        return None


def _has_answer(question: Question, socket: Socket) -> bool:
    return socket.is_finished(question.request_id)


def _outcome(socket: Socket, question: Question) -> str:
    received = [name for message in socket.of(question.request_id) for name in message.events]
    return f"{len(received)} events" if received else "nothing"
