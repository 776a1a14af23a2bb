"""Levers at the probes' own sockets, for platforms into which no fault can be put.

What a platform has sent and the client has not got is lost with the connection: the end of an
answer is held on its way, so that a cut comes before it however fast the platform is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.frames import Opcode

from gp_helpers.cases.trial import Trial
from gp_helpers.faults import (
    Direction,
    FrameMatch,
    HoldUntilPassed,
    Match,
    WireMessage,
)
from gp_helpers.faults.frames_plan import PlannedFrame
from gp_helpers.parameters import AsgiTarget
from gp_helpers.parameters.description import EVENTS
from gp_helpers.probes import Question, Socket
from gp_helpers.probes.expressions import matches
from gp_helpers.targets import Ability, Hop
from gp_helpers.targets.transports import reader_of

NOTHING = FrameMatch(where=lambda _: False)
"""What never passes: what waits for it is held until it is let go."""


COMPLETIONS = "/v1/chat/completions"
"""What the embedded platform asks of a model."""


def of_the_model(trial: Trial) -> Match:
    """What on the hop to the model is about the question that is asked next.

    Other platforms ask theirs for what they state, or else by POST: what they read there all the
    time, to see that it is well, is not about a question.
    """
    if trial.is_ours:
        return Match(path_prefix=COMPLETIONS)
    asked = len(trial.controls.http_fault(Hop.BACKEND_MODEL).requests)
    target = trial.parameters.target
    if isinstance(target, AsgiTarget) and target.model_path is not None:
        return Match(path_prefix=target.model_path, after=asked)
    return Match(method="POST", after=asked)


def hold_the_end_of_answers(trial: Trial) -> PlannedFrame | None:
    """Hold what ends an answer on its way to the client, and all that follows it.

    None where messages may not be held, or where nobody but the transport can read them.
    """
    description = trial.target.description.websocket
    read = reader_of(description.transport) if description is not None else None
    if description is None or read is None or not trial.target.can(Ability.CLIENT_FRAMES):
        return None
    trial.control("hold the end of the answer on its way to the client")
    last = FrameMatch(
        direction=Direction.TO_CLIENT,
        opcode=Opcode.TEXT,
        where=_matching(read, description.rules[EVENTS[-1]].predicates),
    )
    held: PlannedFrame = trial.controls.frame_proxy().plan.add(
        HoldUntilPassed(until=NOTHING, keeps_order=True), last
    )
    return held


def _matching(
    read: Callable[[str], Any], predicates: tuple[str, ...]
) -> Callable[[WireMessage], bool]:
    def is_one_of_them(message: WireMessage) -> bool:
        body = read(message.payload.decode("utf-8", "replace"))
        return any(matches(predicate, body) for predicate in predicates)

    return is_one_of_them


async def until_begun(
    trial: Trial, socket: Socket, question: Question, held: PlannedFrame | None, *, within_s: float
) -> bool:
    """Wait until the platform works on a question, or has its answer's end under way."""

    async def has_begun() -> bool:
        is_on_its_way = held is not None and bool(held.applied_to)
        return is_on_its_way or bool(socket.of(question.request_id)) or socket.closed is not None

    return await trial.until(has_begun, timeout_s=within_s, awaited="start")


def let_go(trial: Trial, held: PlannedFrame | None) -> None:
    """Hold nothing any more; what was held is on record as a number of messages."""
    if held is not None:
        trial.measured("messages held", len(held.applied_to), "messages")
        trial.controls.frame_proxy().plan.clear()


def slowed(trial: Trial, hop: Hop, at_least_s: float) -> int:
    """On how many connections of a hop something was really held for so long."""
    delays = trial.controls.tcp_proxy(hop).delays
    return len({delay.connection for delay in delays if delay.achieved_s >= at_least_s})


def felt(trial: Trial, fault: str, was_felt: bool) -> None:
    """Put on record whether a fault really hit something."""
    trial.measured(f"fault {fault}", float(was_felt), "felt", fault=fault)
