"""routing.state_pollution: users with different wishes, one after the other, through one router."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from gp_helpers.cases.asking import ask, connect, settle, until_taken_on
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.probes import NotDescribedError, Socket
from gp_helpers.probes.client import Question

TECHNICAL = "technical"
PLAIN = "plain"
_QUESTION = "Where does most of the money go?"
_PATIENCE_S = 5.0


class StatePollution(Case):
    """What one user said changes nothing for another."""

    id = "routing.state_pollution"
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "websocket.in_the_name_of": ("spoofed_user_refused",)
    }
    users_at_once = 3
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "asgi": ("own_style",),
        "deployment": ("own_style",),
    }

    sockets: list[Socket]

    @step(
        "Log in three fresh users and connect them one after the other.",
        expects="a socket of one's own for each",
    )
    async def connect_three(self) -> Shown:
        people = await self.trial.people(3)
        await asyncio.gather(*(self.trial.client.open_conversation(one) for one in people))
        self.sockets = [await connect(self.trial, person) for person in people]
        return Shown(
            f"{len(people)} users are connected", [{"user": person.label} for person in people]
        )

    @step(
        "The first user wants technical detail. The second says nothing, the third wants it "
        "plain. Then the first asks again, and says nothing.",
        expects="each gets the style that they asked for on their own connection",
    )
    async def ask_in_turn(self) -> Shown:
        first, second, third = self.sockets
        turns = [
            (first, "first, wants technical detail", {"style": TECHNICAL}, TECHNICAL),
            (second, "second, says nothing", None, PLAIN),
            (third, "third, wants it plain", {"style": PLAIN}, PLAIN),
            (first, "first again, says nothing", None, TECHNICAL),
        ]
        asked = []
        for socket, about, preferences, style in turns:
            more = {"preferences": preferences} if preferences is not None else {}
            asked.append((socket, await self._ask(socket, about, more, style)))
            await until_taken_on(self.trial, *asked[-1], within_s=_PATIENCE_S)
        await settle(self.trial, asked)
        rows = [
            {"turn": turn[1], "wanted": turn[3], "got": self._style(socket, question)}
            for turn, (socket, question) in zip(turns, asked, strict=True)
        ]
        wrong = sum(row["wanted"] != row["got"] for row in rows)
        return Shown(
            f"{wrong} of {len(rows)} answers are not in the style that was asked for", rows
        )

    @step(
        "The second user asks in the first one's name, in the first one's conversation.",
        expects="an error, and nothing for the first user",
    )
    async def ask_in_another_name(self) -> Shown:
        victim, spoofer = self.sockets[0].person, self.sockets[1]
        fields = spoofer.description.in_the_name_of
        if fields is None:
            raise NotDescribedError("websocket.in_the_name_of")
        more = self.trial.client.filled(victim, fields)
        question = await ask(self.trial, spoofer, _QUESTION, about="spoofed", more=more)
        await settle(self.trial, [(spoofer, question)])
        rows = [
            {"seen by": socket.person.label, "type": message.type}
            for socket in self.sockets
            for message in socket.messages
            if isinstance(message.body, Mapping)
            and message.body.get("request_id") == question.request_id
        ]
        return Shown("Who hears of the request in another name", rows)

    async def _ask(
        self, socket: Socket, about: str, more: Mapping[str, Any], style: str
    ) -> Question:
        question = await ask(self.trial, socket, _QUESTION, about=about, more=more)
        self.trial.expect(
            f"style of {about}", style_for=question.request_id, style=style,
            technical_marker="Technical detail" if self.trial.is_ours else None,
        )  # fmt: skip
        return question

    def _style(self, socket: Socket, question: Question) -> str:
        for message in socket.of(question.request_id):
            if "agent_started" in message.events and isinstance(message.body, Mapping):
                preferences = message.body.get("data", {}).get("preferences", {})
                return str(preferences.get("style", PLAIN))
        return "no answer"
