"""routing.selection_conflict: every router is asked about every message; some are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gp_helpers.cases.asking import ask, connect, settle, until_answered
from gp_helpers.cases.components import record_component
from gp_helpers.cases.journey.answers import record_answer
from gp_helpers.cases.routing.corpus import REFUSED, CorpusMessage, corpus
from gp_helpers.cases.steps import Case, Shown, step
from gp_helpers.history import Kind
from gp_helpers.probes import Socket
from gp_helpers.targets import Ability, Arrangement

SAMPLE = 20
WORKERS = 2
"""More of them would only wait for each other at the store's write lock."""
PLAIN_MESSAGES = {
    "Why are my costs so high?": "analysis",
    "Plan my next steps": "planning",
    "Hello": "triage",
}
"""What every router that deserves the name decides alike, and each one's own tests contain."""
_SHOWN_CHARACTERS = 60


class SelectionConflict(Case):
    """One decision about who works on a message, whoever takes it."""

    id = "routing.selection_conflict"
    arrangement = Arrangement(backend={"routing": {"workers": WORKERS}})
    requires = (Ability.ROUTES,)
    users_at_once = 1
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "asgi": ("agent_that_ran",),
        "deployment": ("agent_that_ran",),
    }

    socket: Socket

    async def components(self) -> Shown:
        shown = await super().components()
        if not self.trial.target.can(Ability.ROUTES):
            return shown
        instance = await self.trial.an_instance()
        decided = await self.trial.controls.routes(
            instance, [{"type": "agent_request", "message": text} for text in PLAIN_MESSAGES]
        )
        rows = [
            record_component(
                self.trial,
                router,
                "decides what is plain as its own tests want it",
                [_named(one[router]) for one in decided] == list(PLAIN_MESSAGES.values()),
                f"{len(decided)} messages",
            )
            for router in decided[0]
        ]
        return Shown(shown.title, [*shown.rows, *rows])

    @step("Log in and connect, as one fresh user.", expects="a socket that is ready")
    async def connect(self) -> Shown:
        person = await self.trial.person()
        await self.trial.client.open_conversation(person)
        self.socket = await connect(self.trial, person)
        return Shown(f"{person.label} is connected", [{"user": person.label}])

    @step(
        "Ask every router that the platform has about every message of the corpus.",
        expects="each names the agent that a person wrote beside the message",
        needs=(Ability.ROUTES,),
    )
    async def ask_every_router(self) -> Shown:
        messages = self._corpus()
        self.trial.expect("corpus", right_agents={one.id: one.right for one in messages})
        instance = await self.trial.an_instance()
        decided = await self.trial.controls.routes(instance, [one.fields() for one in messages])
        rows = []
        for message, decisions in zip(messages, decided, strict=True):
            said = {router: _named(decision) for router, decision in decisions.items()}
            for router, agent in said.items():
                self.trial.recorder.add(
                    Kind.DECISION,
                    "platform",
                    message.id,
                    decider=router,
                    about=message.id,
                    agent=agent,
                    message=_shortened(message),
                )
            rows.append(
                {
                    "message": _shortened(message),
                    "names": message.agent,
                    "right": message.right,
                    **said,
                    "agree": set(said.values()) == {message.right},
                }
            )
        rows.sort(key=lambda row: bool(row["agree"]))
        wrong = sum(not row["agree"] for row in rows)
        return Shown(f"Routers are wrong or disagree about {wrong} of {len(rows)} messages", rows)

    @step(
        f"Really send {SAMPLE} messages of the corpus, chosen by the seed.",
        expects="the right agent works on each, once, and its answer is about the message",
    )
    async def send_a_sample(self) -> Shown:
        sample = self.trial.random.sample(
            [one for one in self._corpus() if one.is_an_agent_request and self._can_be_sent(one)],
            SAMPLE,
        )
        asked = []
        for message in sample:
            more = {"agent": message.agent} if message.agent is not None else {}
            question = await ask(self.trial, self.socket, message.text, about="sample", more=more)
            self.trial.expect(
                f"agent for {message.id}", right_for=question.request_id, right=message.right,
                message=message.id,
            )  # fmt: skip
            asked.append((self.socket, question))
        await until_answered(self.trial, asked)
        await settle(self.trial, asked)
        rows = []
        for message, (_, question) in zip(sample, asked, strict=True):
            if not self.trial.is_ours:
                record_answer(self.trial, [self.socket], question)
            received = self.socket.of(question.request_id)
            started = [
                one.body.get("agent")
                for one in received
                if "agent_started" in one.events and isinstance(one.body, Mapping)
            ]
            ran = ", ".join(map(str, started)) or "nobody"
            rows.append({"message": _shortened(message), "right": message.right, "ran": ran})
        return Shown(f"{len(sample)} messages were sent", rows)

    def _corpus(self) -> list[CorpusMessage]:
        """All messages; elsewhere than on our wire those that are requests there as well."""
        return [one for one in corpus() if self.trial.is_ours or one.is_an_agent_request]

    def _can_be_sent(self, message: CorpusMessage) -> bool:
        """How a message names its agent, or is refused, we know of our own wire alone."""
        return self.trial.is_ours or (
            message.agent is None and not message.right.startswith(REFUSED)
        )


def _named(decision: object) -> str:
    """An agent's name, or `refused:` and the code."""
    if not isinstance(decision, Mapping):
        return "nothing readable"
    error = decision.get("error")
    if isinstance(error, Mapping):
        return f"{REFUSED}{error.get('code')}"
    if isinstance(error, str):
        return f"{REFUSED}{error.partition(':')[0]}"
    return str(decision.get("agent"))


def _shortened(message: CorpusMessage) -> str:
    text = " ".join(message.text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"…{text[-_SHOWN_CHARACTERS:]}"
