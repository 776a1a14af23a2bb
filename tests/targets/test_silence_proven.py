"""Silence is proven by somebody who could say otherwise, or it is not proven."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from gp_helpers.history import Kind, Recorder, Redactor
from gp_helpers.plan.thresholds import THRESHOLDS
from gp_helpers.probes import silence

STATE = {"messages": {"sent": 3}, "in_flight": 0}


class Platform:
    """As much of a client as silence asks: instances that answer, and sockets that may not."""

    def __init__(self, states: Mapping[str, Mapping[str, Any]], pongs: tuple[bool, ...]) -> None:
        self.recorder = Recorder(None, Redactor())
        self.target = SimpleNamespace(can=lambda _: True, controls=self)
        self.sockets = [SimpleNamespace(ready=True, closed=None, pongs=pong) for pong in pongs]
        self.pongs_within_s: list[float] = []
        self._states = states

    async def instances(self) -> Mapping[str, str]:
        return dict.fromkeys(self._states, "")

    async def state(self, name: str) -> Mapping[str, Any]:
        return self._states[name]

    async def ping(self, socket: Any, timeout_s: float) -> bool:
        self.pongs_within_s.append(timeout_s)
        return bool(socket.pongs)


@pytest.mark.anyio
async def test_an_instance_at_rest_and_a_pong_from_everybody_prove_it() -> None:
    said = await silence(Platform({"backend-1": STATE}, (True, True)))  # type: ignore[arg-type]
    assert (said.kind, said.data["proven"], said.data["pongs"]) == (Kind.SILENCE, True, 2)
    assert said.data["rests_on"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("states", "pongs", "awaited"),
    [
        ({}, (True,), "silence"),
        ({"backend-1": STATE}, (True, False), "pong of every open socket"),
        ({"backend-1": {**STATE, "in_flight": 1}}, (True,), "silence"),
    ],
    ids=["nobody to say so", "a socket that does not answer", "something under way"],
)
async def test_without_them_it_is_not(
    states: dict[str, Any], pongs: tuple[bool, ...], awaited: str
) -> None:
    said = await silence(Platform(states, pongs), timeout_s=0.1)  # type: ignore[arg-type]
    assert (said.kind, said.data["awaited"]) == (Kind.TIMEOUT, awaited)


class Working(Platform):
    """A platform that has sent one message more whenever it is asked, until it has sent all."""

    def __init__(self, messages: float) -> None:
        super().__init__({"backend-1": STATE}, (True,))
        self._messages = messages
        self._sent = 0

    async def state(self, name: str) -> Mapping[str, Any]:
        del name
        self._sent += 1
        is_busy = self._sent < self._messages
        sent = min(self._sent, self._messages)
        return {"messages": {"sent": sent}, "in_flight": int(is_busy)}


@pytest.mark.anyio
async def test_a_pong_may_take_as_long_as_a_trial() -> None:
    platform = Platform({"backend-1": STATE}, (True,))
    await silence(platform)  # type: ignore[arg-type]
    assert min(platform.pongs_within_s) >= THRESHOLDS["case_seconds"].limit


PATIENCE_S = 0.1
"""Less than it takes to ask a busy platform ten times."""


@pytest.mark.anyio
async def test_a_platform_that_goes_on_with_its_work_is_waited_for() -> None:
    said = await silence(Working(10), timeout_s=PATIENCE_S)  # type: ignore[arg-type]
    assert said.kind is Kind.SILENCE


@pytest.mark.anyio
async def test_a_platform_that_never_ends_its_work_is_given_up() -> None:
    said = await silence(Working(float("inf")), timeout_s=PATIENCE_S)  # type: ignore[arg-type]
    assert (said.kind, said.data["awaited"]) == (Kind.TIMEOUT, "silence")
