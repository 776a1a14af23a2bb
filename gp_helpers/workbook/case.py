"""A case in a notebook: its steps one by one, its figures, its verdict and its contrast."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gp_helpers.cases import Role, Step, case_class
from gp_helpers.checkers import Outcome, Verdict
from gp_helpers.checkers.expectations import TrialEnd
from gp_helpers.cloud_run import HostClosedError
from gp_helpers.display.html import Html, table
from gp_helpers.display.introduction import introduction
from gp_helpers.display.mechanisms import mechanism_of
from gp_helpers.display.svg import Svg
from gp_helpers.history import History
from gp_helpers.parameters import EmbeddedTarget, Parameters
from gp_helpers.plan import CaseInfo, case_info
from gp_helpers.targets import NotStartedError
from gp_helpers.workbook.conclusions import Conclusion, Ended, conclude
from gp_helpers.workbook.contrasts import Contrasts
from gp_helpers.workbook.errors import NothingTaken, StepOutOfOrder
from gp_helpers.workbook.many_sessions import with_sessions
from gp_helpers.workbook.trials import HeldTrial, Order
from gp_helpers.workbook.views import CaseViews, line

if TYPE_CHECKING:
    from gp_helpers.workbook.lab import Lab

StepCall = Callable[[], Awaitable[Html]]


class CaseHandle(CaseViews):
    """One case of a lab. Each of its steps is a method; `steps` names them in order."""

    def __init__(
        self,
        lab: Lab,
        case_id: str,
        *,
        defects: frozenset[str] | None = None,
        index: int = 0,
        parameters: Parameters | None = None,
    ) -> None:
        self._lab = lab
        self.id = case_id
        self.info: CaseInfo = case_info(case_id)
        self._chosen = defects
        """Defects of somebody's own choice; None for those of the lab's wiring."""
        self._index = index
        self._own_parameters = parameters
        """Resolved parameters other than the lab's, of an exploration."""
        self._steps: dict[str, Step] = {step.name: step for step in case_class(case_id).steps()}
        self._trial: HeldTrial | None = None
        self._ended: list[Ended] = []
        self._contrasts = Contrasts()
        self._number = 0
        self._unopened: TrialEnd | None = None
        """What became of a trial that could not even be opened."""
        self._not_started: str | None = None
        """Why the trial at hand could not begin: an application that is not ours did not start."""

    # What it is

    @property
    def title(self) -> str:
        """The case's title."""
        return self.info.title

    @property
    def hypothesis(self) -> str:
        """What is suspected."""
        return self.info.hypothesis

    @property
    def expected_symptom(self) -> str:
        """What one would see."""
        return self.info.expected_symptom

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of its steps, in order."""
        return tuple(self._steps)

    @property
    def defects(self) -> frozenset[str]:
        """The defects with which its next trial runs; none on a platform that is not ours."""
        if self._chosen is not None:
            return self._chosen
        target = self._lab.parameters.target
        if not isinstance(target, EmbeddedTarget):
            return frozenset()
        from gp_helpers.targets.defects_on import defects_on

        return defects_on(target, self.id)

    def mechanism(self) -> Svg:
        """What really breaks, drawn as a sequence diagram."""
        return mechanism_of(self.id)

    # Steps

    def __getattr__(self, name: str) -> StepCall:
        steps: dict[str, Step] = self.__dict__.get("_steps", {})
        if name not in steps:
            raise AttributeError(
                f"{self.__dict__.get('id', 'a case')} has no step or view {name!r}; "
                f"steps: {', '.join(steps)}"
            )
        step = steps[name]

        async def take() -> Html:
            return await self._take(step)

        take.__name__ = take.__qualname__ = name
        take.__doc__ = f"{step.does} Expected: {step.expects}."
        return take

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._steps})

    async def _take(self, step: Step) -> Html:
        reason = self.why_not_selected()
        if reason is not None:
            return line(reason)
        if step.name == self.steps[0]:
            try:
                self._trial = await self._open_next()
            except NotStartedError:
                self._trial = None
        if self._not_started is not None:
            return line(self._not_started)
        if self._trial is None:
            raise StepOutOfOrder(self.id, step.name, (), self.steps)
        try:
            shown = await self._trial.take(step)
        finally:
            self._note_end(self._trial)
        return table(shown.rows, title=shown.title) if shown.rows else line(shown.title)

    def why_not_selected(self) -> str | None:
        """Why the case is not run here; None if it is."""
        return None if self._chosen is not None else self._lab.why_not_selected(self.id)

    def why_not_taken(self) -> str | None:
        """Why there is nothing to look at: it is not selected, or its platform did not start."""
        return self.why_not_selected() or self._not_started

    async def _open_next(self) -> HeldTrial:
        if self._trial is not None:
            await self._trial.close("interrupted", "given up for a new trial")
            self._note_end(self._trial)
        self._number = max(self._number + 1, self._next_free())
        return await self._open(Role.TRIAL, self._number, self.defects)

    def _next_free(self) -> int:
        return 1 if self._chosen is not None else self._lab.run.next_trial(self.id)

    def _history_path(self, role: Role, number: int) -> Path:
        if self._chosen is None:
            return self._lab.run.history_path(self.id, role.value, number)
        name = f"{self.id}.{self._index}.{role.value}.{number}.jsonl"
        return self._lab.folder / "explorations" / name

    async def _open(self, role: Role, number: int, defects: frozenset[str]) -> HeldTrial:
        history = self._history_path(role, number)
        order = Order(
            self.id,
            self._own_parameters or self._lab.resolved,
            defects,
            role,
            number,
            history,
            self._lab.folder / "logs" / history.stem,
            self._lab.secrets,
        )
        trial = HeldTrial(order)
        self._lab.adopt(trial)
        self._not_started = None
        try:
            await trial.open()
        except NotStartedError as error:
            self._not_started = f"nothing could be observed: {error}"
            self._note_unopened(Outcome.INCONCLUSIVE, self._not_started)
            raise
        except HostClosedError:
            raise  # The run is over, and the trial has shown nothing.
        except Exception as error:
            told = f"the trial could not be opened: {type(error).__name__}: {error}"
            self._note_unopened(Outcome.ERROR, told)
            raise
        return trial

    def _note_unopened(self, outcome: Outcome, reason: str) -> None:
        if self._chosen is None:
            self._unopened = TrialEnd(outcome, (), reason, is_whole=True)
            self.conclude()

    def _note_end(self, trial: HeldTrial) -> None:
        """Keep what a trial showed once it is over, and write it down."""
        order = trial.order
        if not trial.is_over or any(ended.number == order.number for ended in self._ended):
            return
        self._ended.append(
            Ended(
                order.number,
                order.parameters.seed + order.number - 1,
                str(order.history.relative_to(self._lab.folder)),
                trial.verdict,
                counts=trial.history.entries[-1].data.get("outcome") != "interrupted",
            )
        )
        if self._chosen is None:
            self.conclude()

    # The trial at hand

    def _held(self) -> HeldTrial:
        if self._trial is None:
            raise NothingTaken(f"{self.id}: nothing was taken yet; begin with {self.steps[0]}()")
        return self._trial

    @property
    def history(self) -> History:
        """What the trial at hand did and saw so far."""
        return self._held().history

    @property
    def result(self) -> Verdict:
        """The verdict as data; `verdict` shows it."""
        return self._held().verdict

    @property
    def drawn(self) -> Svg:
        """The timeline of the trial at hand; `timeline` shows it."""
        return self._held().timeline

    @property
    def logs_folder(self) -> Path:
        """Where the services of the trial at hand log."""
        return self._held().order.logs

    # Contrast, more trials, other defects

    async def contrast(self) -> Any:
        """Take the same steps with the same seed on the remediated wiring; show where they part."""
        reason = self.why_not_taken()
        if reason is not None:
            return line(reason)
        if not isinstance(self._lab.parameters.target, EmbeddedTarget):
            return line("There is no contrast: the wiring of this target is not ours to change.")
        held = self._held()
        if not held.order.defects:
            return line("There is no contrast: this is the remediated wiring already.")
        number = held.order.number
        place = self._history_path(Role.CONTRAST, number)
        await self._contrasts.take(
            held,
            place if self._chosen is None else None,
            lambda: self._open(Role.CONTRAST, number, frozenset()),
        )
        return self._contrasts.beside(held)

    def contrast_timeline(self) -> Any:
        """The timeline of the contrast, after `contrast`."""
        return self._when_taken(lambda: self._contrasts.timeline(self._held()))

    async def trials(self, count: int | None = None) -> Any:
        """Take unattended trials until there are ``count``, by default the parameter ``trials``."""
        reason = self.why_not_taken()
        if reason is not None:
            return line(reason)
        wanted = self._lab.parameters.trials if count is None else count
        while len([ended for ended in self._ended if ended.counts]) < wanted:
            try:
                trial = await self._open_next()
            except NotStartedError:
                return line(str(self._not_started))
            try:
                await trial.take_rest()
            finally:
                self._note_end(trial)
                self._trial = trial
        conclusion = self._conclusion()
        if len(conclusion.counting) == 1:
            return line("One trial, as `trials` says: taken step by step, above.")
        rows = [
            {
                "trial": ended.number,
                "seed": ended.seed,
                "verdict": ended.verdict.outcome.value,
                "findings": ", ".join(ended.verdict.findings) or None,
                "seconds": ended.verdict.seconds,
            }
            for ended in conclusion.counting
        ]
        return table(rows, title=f"Passed: {conclusion.passed}; {conclusion.average}")

    def with_defects(self, *defects: str) -> CaseHandle:
        """The same case with exactly these defects on; what it shows is an exploration.

        Its trials start from the same seed, stand in ``explorations/`` and count for nothing.
        Raises `UnknownDefect` with a suggestion.
        """
        from gp_helpers.platform.wiring import Wiring

        chosen = Wiring(defects).defects
        return CaseHandle(
            self._lab, self.id, defects=frozenset(chosen), index=self._lab.next_exploration()
        )

    async def over_many_sessions(self) -> Any:
        """Count what the platform holds over ``many_sessions`` sessions, as an exploration."""
        count = self._lab.parameters.many_sessions
        reason = self.why_not_taken()
        if reason is None and not count:
            reason = "many_sessions is 0 here: it was counted over the sessions of the trial alone."
        if reason is not None:
            return line(reason)
        explored = CaseHandle(
            self._lab,
            self.id,
            defects=self.defects,
            index=self._lab.next_exploration(),
            parameters=with_sessions(self._lab.resolved, count),
        )
        await explored.trials(1)
        return explored.resources()

    def remediated(self) -> CaseHandle:
        """The same case with no defect on, as an exploration."""
        return self.with_defects()

    # Conclusion

    def _conclusion(self) -> Conclusion:
        return conclude(self.id, self._ended, self._lab.parameters, unopened=self._unopened)

    def conclude(self) -> Conclusion:
        """What its trials amount to, written into the run's folder."""
        conclusion = self._conclusion()
        run = self._lab.run
        run.record_case(
            self.id,
            conclusion.outcome,
            conclusion.reason,
            findings=list(conclusion.findings),
            expectation=self._lab.parameters.expectation.value,
            met=conclusion.met.met,
            why=conclusion.met.reason,
            defects=sorted(self.defects),
            trials=[ended.to_json() for ended in conclusion.trials],
            parameters=self._lab.parameters.as_json(),
        )
        if self._trial is not None and self._trial.is_over and self._chosen is None:
            drawn = self._trial.timeline.svg
            run.figure_path(self.id).write_text(drawn, encoding="utf-8")
        return conclusion

    def introduction(self) -> Html:
        """What the case is, and how far its trial at hand is."""
        steps = {name: step.does for name, step in self._steps.items()}
        taken = self._trial.taken if self._trial is not None else []
        return introduction(self.info, self.defects, steps, taken)

    def __repr__(self) -> str:
        return repr(self.introduction())

    def _repr_html_(self) -> str:
        return self.introduction()._repr_html_()
