"""One trial of a notebook: its platform, its steps one by one, and its end on every path.

The platform and the sockets belong to a supervisor of the trial's own and live across cells; the
platform ends with the last step, when a new trial begins, or when the lab is closed.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gp_helpers.cases import OpenTrial, Role, Shown, Step, case_class, open_trial
from gp_helpers.checkers import Verdict, judge
from gp_helpers.display.svg import Svg
from gp_helpers.display.timeline import timeline
from gp_helpers.evidence import ServiceLogs, redactor_for
from gp_helpers.history import History
from gp_helpers.parameters import Parameters
from gp_helpers.probes import Supervisor
from gp_helpers.targets import open_target
from gp_helpers.workbook.errors import StepOutOfOrder
from gp_helpers.workbook.publishing import published
from gp_helpers.workbook.secrecy import hide_secrets, without_secrets


@dataclass(frozen=True, slots=True)
class Order:
    """What is opened for a trial."""

    case_id: str
    parameters: Parameters
    """With references to the environment resolved."""
    defects: frozenset[str]
    role: Role
    number: int
    history: Path
    logs: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Those that are known before anything is recorded, to their kinds."""


class HeldTrial:
    """A trial that a notebook holds in its hand."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.steps: tuple[Step, ...] = case_class(order.case_id).steps()
        self._supervisor = Supervisor(f"{order.case_id} {order.role.value} {order.number}")
        self._opened: OpenTrial | None = None
        self._is_closed = False
        self._judged: tuple[int, Verdict] | None = None
        """A verdict and how many entries it is of: a history only grows."""
        self._drawn: tuple[int, Svg] | None = None
        """The same of a timeline."""
        self._redactor = redactor_for(order.parameters.target, order.secrets, also=published)
        self._logs = ServiceLogs(order.parameters.target, order.logs, self._redactor)
        self._process = os.getpid()
        # Where a kernel ends in order before the trial does, as after a cell that raised.
        atexit.register(self._publish_logs)

    async def open(self) -> None:
        """Start the platform and the trial; nothing is left if that fails or is interrupted."""
        order = self.order
        try:
            target = await self._supervisor.enter(
                open_target(
                    order.parameters.target,
                    defects=order.defects,
                    arrangement=case_class(order.case_id).arranged(order.parameters),
                    folder=self._logs.written_to,
                )
            )
            self._opened = await self._supervisor.enter(
                open_trial(
                    order.case_id,
                    target,
                    parameters=order.parameters,
                    path=order.history,
                    role=order.role,
                    number=order.number,
                    about={"defects": sorted(order.defects)},
                    redactor=self._redactor,
                )
            )
        except BaseException as error:
            hide_secrets(error, self._redactor)
            await self.close()
            raise

    @property
    def secrets(self) -> frozenset[str]:
        """The passwords and tokens of the trial's people, to look for in what it wrote."""
        return self._redactor.secrets

    @property
    def opened(self) -> OpenTrial:
        """The open trial; only after `open`."""
        assert self._opened is not None
        return self._opened

    @property
    def taken(self) -> list[str]:
        """The names of the steps taken so far."""
        return [] if self._opened is None else self._opened.taken

    @property
    def is_over(self) -> bool:
        """Whether the trial has come to an end, its own or another."""
        return self._is_closed or (self._opened is not None and self._opened.is_over)

    @property
    def came_to_its_end(self) -> bool:
        """Whether every step was taken, or one of them broke."""
        return self._opened is not None and self._opened.is_over and self.history.is_complete

    @property
    def history(self) -> History:
        """What was recorded so far."""
        return self.opened.trial.recorder.history

    @property
    def verdict(self) -> Verdict:
        """The verdict of what was recorded so far; once it is over, it stays as it is."""
        history = self.history
        if self._judged is None or self._judged[0] != len(history):
            self._judged = (len(history), judge(history))
        return self._judged[1]

    @property
    def timeline(self) -> Svg:
        """What was recorded so far, drawn; the notebook and the run's folder show the same."""
        history = self.history
        if self._drawn is None or self._drawn[0] != len(history):
            self._drawn = (len(history), timeline(history, self.verdict))
        return self._drawn[1]

    async def take(self, step: Step) -> Shown:
        """Take the next step; the last one ends the trial and its platform.

        Raises `StepOutOfOrder`. A step that is interrupted or breaks ends the trial.
        """
        names = [one.name for one in self.steps]
        if self.is_over or len(self.taken) >= len(names) or names[len(self.taken)] != step.name:
            raise StepOutOfOrder(self.order.case_id, step.name, self.taken, names)
        try:
            shown = await self.opened.take(step)
        except asyncio.CancelledError:
            await self.close("interrupted", f"{step.name} was interrupted")
            raise
        except Exception as error:
            hide_secrets(error, self._redactor)
            await self.close("failed", f"{type(error).__name__}: {error}")
            raise
        if step.name == names[-1]:
            await self.close("completed")
        return Shown(self._redactor.text(shown.title), without_secrets(shown.rows, self._redactor))

    async def take_rest(self) -> None:
        """Take every step that is left, and end; what breaks is in the verdict."""
        try:
            for step in self.steps[len(self.taken) :]:
                await self.take(step)
        except Exception:
            if not self.is_over:
                raise
        finally:
            await self.close()

    async def close(self, outcome: str = "interrupted", error: str | None = None) -> None:
        """End the trial, its sockets and its platform; does nothing the second time."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._opened is not None:
            self._opened.end(outcome, error)
        try:
            await self._supervisor.close()
        finally:
            self._publish_logs()
            atexit.unregister(self._publish_logs)

    def _publish_logs(self) -> None:
        if os.getpid() == self._process:
            self._logs.publish()
