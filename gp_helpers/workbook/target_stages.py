"""The stages in which a live system is gone through, with one user and one question.

Each says what was sent and seen in it, and what the description recognised of that.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from gp_helpers.history import Entry, Recorder
from gp_helpers.parameters.templates import UnknownPlaceholderError
from gp_helpers.probes import (
    Client,
    Exchange,
    Guest,
    LimitReachedError,
    NotDescribedError,
    OwnValueError,
    Person,
    Socket,
)
from gp_helpers.probes.client import Question
from gp_helpers.targets.running import RunningTarget
from gp_helpers.workbook.target_findings import paths_in

ANSWERED_WITHIN_S = 20.0
READY_WITHIN_S = 10.0
QUESTION = "What is my largest cost this month, and what can I do about it?"


class Outcome(StrEnum):
    """How a stage went."""

    DONE = "ok"
    PROBLEM = "problem"
    NOT_STATED = "not stated"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the walk."""

    name: str
    outcome: Outcome
    detail: str
    entries: tuple[Entry, ...] = ()
    """What was sent and seen in it."""


class StageProblem(Exception):
    """Raised where a stage does not come to its end; the message says what was missing."""


@dataclass
class Walk:
    """A walk in progress: one person, one socket, one question."""

    target: RunningTarget
    client: Client
    recorder: Recorder
    guest: Guest
    person: Person
    stages: list[Stage] = field(default_factory=list)
    socket: Socket | None = None
    question: Question | None = None
    answer: str | None = None

    def has_reached(self, name: str) -> bool:
        """Whether a stage went well."""
        return any(one.name == name and one.outcome is Outcome.DONE for one in self.stages)

    async def stage(
        self, name: str, work: Callable[[], Awaitable[str]], *, after: str | None = None
    ) -> None:
        """Do a stage and keep how it went; what is not stated is no problem."""
        if after is not None and not self.has_reached(after):
            self.stages.append(Stage(name, Outcome.NOT_REACHED, f"needs: {after}"))
            return
        begin = len(self.recorder.history.entries)
        try:
            outcome, detail = Outcome.DONE, await work()
        except NotDescribedError as lacking:
            outcome, detail = Outcome.NOT_STATED, lacking.key
        except (StageProblem, LimitReachedError, OwnValueError, UnknownPlaceholderError) as problem:
            outcome, detail = Outcome.PROBLEM, str(problem)
        detail = self.recorder.redactor.text(detail)
        entries = tuple(self.recorder.history.entries[begin:])
        self.stages.append(Stage(name, outcome, detail, entries))

    # The stages

    async def health(self) -> str:
        """Ask every health endpoint."""
        if not self.target.description.health:
            raise NotDescribedError("health")
        found = await self.client.check_health()
        bad = [f"{name}: {said(one)}" for name, one in found.items() if not one.accepted]
        if bad:
            raise StageProblem("; ".join(bad))
        return ", ".join(found)

    async def account(self) -> str:
        """Make an account, or take a stated one."""
        exchange = await self.client.register(self.person)
        if exchange is None:
            if self.target.accounts:
                return f"the first of {len(self.target.accounts)} stated accounts"
            raise NotDescribedError("accounts")
        if not exchange.accepted:
            raise StageProblem(f"register: {said(exchange)}")
        return "registered a fresh one"

    async def log_in(self) -> str:
        """Log in; without a token nothing else can be tried."""
        exchange = await self.client.log_in(self.person)
        auth = self.target.description.auth
        if exchange is not None and not exchange.accepted:
            raise StageProblem(said(exchange))
        if self.person.access_token is None:
            there = paths_in(exchange.root) if exchange else ""
            wanted = auth.token.body or f"cookie {auth.token.cookie}"
            raise StageProblem(f"no token at {wanted}; the response has {there}")
        missing = [
            key
            for key, path, value in (
                ("auth.user_id", auth.user_id, self.person.user_id),
                ("auth.expires_in", auth.expires_in, self.person.expires_in),
                ("auth.refresh_token", auth.refresh_token, self.person.refresh_token),
            )
            if path is not None and value is None
        ]
        if missing and exchange is not None:
            raise StageProblem(
                f"nothing at {', '.join(missing)}; there is {paths_in(exchange.root)}"
            )
        return f"token, user id {self.person.user_id or 'not stated'}"

    async def validators(self) -> str:
        """Show a good token and a flawed one to everybody."""
        names = self.client.validators()
        if not self.target.description.auth.validators:
            raise NotDescribedError("auth.validators")
        good = self.person.access_token or ""
        garbage = f"garbage-{random.SystemRandom().getrandbits(96):024x}"
        self.recorder.redactor.register(garbage, "token")
        problems = []
        for name in names:
            right = await self.client.present(self.person, name, good)
            wrong = await self.client.present(self.person, name, garbage, about="garbage")
            if right.accepted is not True:
                problems.append(f"{name} does not accept the good token")
            if wrong.accepted is not False:
                problems.append(f"{name} does not refuse a token that nobody issued")
            if right.identity is not None and right.identity != self.person.user_id:
                problems.append(f"{name} says {right.identity}, logged in as {self.person.user_id}")
        if problems:
            raise StageProblem("; ".join(problems))
        return ", ".join(names)

    async def conversation(self) -> str:
        """Open a conversation."""
        thread_id = await self.client.open_conversation(self.person)
        if self.target.description.conversation is None:
            raise NotDescribedError("conversation (an id is made up)")
        if not thread_id:
            raise StageProblem("no id at conversation.id")
        return thread_id

    async def connect(self) -> str:
        """Open the socket and wait until it serves."""
        socket, refusal = await self.client.connect(self.person)
        if socket is None:
            assert refusal is not None
            raise StageProblem(f"refused: {refusal.data['status']} {refusal.data['reason']}")
        self.socket = socket
        description = socket.description
        if not await socket.wait_ready(READY_WITHIN_S):
            raise StageProblem(f"open, but nothing matched ready: {description.ready}")
        if description.ready is None:
            return "open (the target does not state how it says that it is ready)"
        return "open and ready"

    async def ping(self) -> str:
        """Ping and wait for the pong."""
        assert self.socket is not None
        if not await self.client.ping(self.socket, READY_WITHIN_S):
            raise StageProblem("no pong")
        return "answered"

    async def ask(self) -> str:
        """Ask the first question and wait for its answer."""
        assert self.socket is not None
        stated = self.target.description.questions
        text = str(self.client.filled(self.person, stated[0])) if stated else QUESTION
        self.question = question = await self.client.ask(self.socket, text)
        finished = await self.socket.wait_for_answer(question.request_id, ANSWERED_WITHIN_S)
        if not finished:
            closed = self.socket.closed
            why = f"closed with {closed.data['code']}" if closed else "nothing ended the request"
            raise StageProblem(f"{why} within {ANSWERED_WITHIN_S:g} s: {self._events()}")
        if any(self.socket.is_error(one) for one in self.socket.of(question.request_id)):
            raise StageProblem("answered with an error")
        return self._events()

    def _events(self) -> str:
        assert self.socket is not None
        seen = [name for one in self.socket.of(self._request_id) for name in one.events]
        missing = [name for name in self.socket.description.rules if name not in seen]
        text = f"events: {', '.join(seen) or 'none'}"
        return f"{text}; never came: {', '.join(missing)}" if missing else text

    @property
    def _request_id(self) -> str:
        return self.question.request_id if self.question is not None else ""

    async def read_answer(self) -> str:
        """Find the answer in what came."""
        assert self.socket is not None
        description = self.socket.description
        if description.answer is None and description.answer_chunk is None:
            raise NotDescribedError("websocket.answer, websocket.answer_chunk")
        self.answer = self.socket.answer_to(self._request_id)
        if not self.answer:
            raise StageProblem("nothing at websocket.answer in what ended the request")
        begins = self.recorder.redactor.beginning(self.answer, 80)
        return f"{len(self.answer)} characters: {begins!r}"

    async def read_back(self) -> str:
        """Read the conversation back."""
        thread_id = self.person.thread_id or ""
        exchange = await self.client.read_conversation(self.person, thread_id)
        if not exchange.accepted:
            raise StageProblem(said(exchange))
        persistence = self.target.description.persistence
        items = exchange.find(persistence.items) if persistence else None
        if persistence and persistence.items and not items:
            raise StageProblem(f"nothing at persistence.items; there is {paths_in(exchange.root)}")
        stored = self.question and self.client.times_stored(self.person, self.question, exchange)
        if stored and not stored.times:
            raise StageProblem(f"nothing for persistence.found in {paths_in(exchange.root)}")
        told = f"{len(items)} messages" if isinstance(items, list) else said(exchange)
        if stored and stored.at_least:
            told += "; persistence.found does not say how often, so nothing shows that it is once"
        return told

    async def resume(self) -> str:
        """Connect again and resume from the last event."""
        assert self.socket is not None
        if self.socket.description.resume is None:
            raise NotDescribedError("websocket.resume")
        last = self.socket.last_event_id
        await self.socket.close()
        await self.connect()
        await self.client.resume(self.socket, last or 0)
        return f"asked for everything after {last!r}"

    async def refresh(self) -> str:
        """Rotate the tokens."""
        before = self.person.access_token
        exchange = await self.client.refresh(self.person)
        if not exchange.accepted:
            raise StageProblem(said(exchange))
        if self.person.access_token == before:
            raise StageProblem("the token is the same as before")
        return "a new token"

    async def log_out(self) -> str:
        """Log out."""
        exchange = await self.client.log_out(self.person)
        if not exchange.accepted:
            raise StageProblem(said(exchange))
        return said(exchange)


def said(exchange: Exchange) -> str:
    """How an exchange ended, in a few words."""
    if exchange.status is None:
        return str(exchange.answer.data.get("error"))
    return f"status {exchange.status}"
