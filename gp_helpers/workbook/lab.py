"""The lab: what a notebook's set-up cell opens, and its last cell concludes.

It owns the run's folder and every trial, so that all of it ends when the lab is
closed, whatever a cell did. One kernel has one lab: opening another closes the one before.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gp_helpers.display.html import Html, table, tag
from gp_helpers.evidence import RunFolder, finalise, leave_scan, stated_secrets
from gp_helpers.evidence.folder import RUN_VARIABLE
from gp_helpers.parameters import (
    AsgiTarget,
    DeploymentTarget,
    EmbeddedTarget,
    ListedDefects,
    Parameters,
    load,
    resolved,
    validate,
)
from gp_helpers.plan import CASES, case_info, select
from gp_helpers.probes import Supervisor
from gp_helpers.targets import prepare
from gp_helpers.targets.requirements import require_foundations
from gp_helpers.targets.tls import verification
from gp_helpers.workbook.binding import read_parameters
from gp_helpers.workbook.conclusions import Conclusion
from gp_helpers.workbook.errors import ExpectationNotMet, LabClosed, NothingTaken
from gp_helpers.workbook.interrupts import waking_on_signals
from gp_helpers.workbook.publishing import hide_secrets_in_outputs, published

if TYPE_CHECKING:
    from gp_helpers.workbook.case import CaseHandle
    from gp_helpers.workbook.trials import HeldTrial

OUTPUTS_VARIABLE = "GOLDEN_PATH_OUTPUTS"
"""Names the folder in which a lab makes the folder of its run."""

_open_labs: list[Lab] = []


def outputs_folder() -> Path:
    """``$GOLDEN_PATH_OUTPUTS``, or the nearest ``outputs/`` at or above this folder."""
    stated = os.environ.get(OUTPUTS_VARIABLE)
    if stated:
        return Path(stated)
    here = Path.cwd()
    nearest = (folder / "outputs" for folder in (here, *here.parents))
    return next((folder for folder in nearest if folder.is_dir()), here / "outputs")


def seen_from_here(path: Path) -> Path:
    """A path relative to this folder or to the one above it; elsewhere as it is.

    What a notebook shows is evidence, and should name no folder of one machine.
    """
    for start in (Path.cwd(), Path.cwd().parent):
        if path.resolve().is_relative_to(start):
            return Path(os.path.relpath(path, Path.cwd()))
    return path


class Lab:
    """One run's parameters, folder and cases; see `open_lab`."""

    def __init__(
        self, parameters: Parameters, run: RunFolder, about: str | None, *, owns_run: bool
    ) -> None:
        self.parameters = parameters
        """As they were written, references to the environment unresolved."""
        self.run = run
        self._owns_run = owns_run
        self.about = about
        """The suite or case whose selected cases have to be accounted for; None: those taken."""
        self.resolved = resolved(parameters)
        self.secrets = stated_secrets(parameters.as_json())
        """What is known before anything runs, to its kind; a trial learns more of them."""
        self._supervisor = Supervisor("lab")
        self._cases: dict[str, CaseHandle] = {}
        self._trials: list[HeldTrial] = []
        self._explorations = 0
        self._is_closed = False

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.run.path

    async def start(self) -> None:
        """Take what the lab needs; called by `open_lab`."""
        hide_secrets_in_outputs()
        for secret, kind in self.secrets.items():
            published.register(secret, kind)
        verification(self.resolved.target)  # A file that is none is told before any case.
        await self._supervisor.enter(waking_on_signals())

    def adopt(self, trial: HeldTrial) -> None:
        """Own a trial, so that it ends with the lab at the latest."""
        self._trials.append(trial)

    def next_exploration(self) -> int:
        """A number for trials with defects of somebody's own choice."""
        self._explorations += 1
        return self._explorations

    def case(self, case_id: str) -> CaseHandle:
        """A case to take in one's hand; the same one each time it is asked for.

        Raises `UnknownNameError` with a suggestion.
        """
        from gp_helpers.workbook.case import CaseHandle

        if self._is_closed:
            raise LabClosed
        case_info(case_id)
        if case_id not in self._cases:
            self._cases[case_id] = CaseHandle(self, case_id)
        return self._cases[case_id]

    def why_not_selected(self, case_id: str) -> str | None:
        """Why a case is not selected; None if it is."""
        if any(case.id == case_id for case in select(self.parameters.cases)):
            return None
        return f"{case_id} is not among this environment's cases: {list(self.parameters.cases)}"

    def rewire(self, wiring: str | list[str] | tuple[str, ...]) -> Lab:
        """Wire the trials that are opened from now on differently: a wiring's name, or defects.

        Expectations follow the wiring. Only for the embedded platform.
        """
        stated = wiring if isinstance(wiring, str) else {"defects": list(wiring)}
        target = self.parameters.target.model_dump(mode="json") | {"wiring": stated}
        changed = self.parameters.as_json() | {"target": target}
        parameters = validate(changed, source="lab.rewire")
        _check_defects(parameters.target)
        self.parameters, self.resolved = parameters, resolved(parameters)
        return self

    async def conclude(self) -> Html:
        """Write what every case amounts to, then enforce the expectation.

        Raises `ExpectationNotMet`, after the evidence is written, or `NothingTaken` if no case of
        this notebook was selected.
        """
        conclusions = [handle.conclude() for handle in self._accountable()]
        for trial in self._trials:
            await trial.close()
        if not conclusions:
            raise NothingTaken(
                "nothing was selected or taken here, so nothing was observed: "
                f"cases = {list(self.parameters.cases)}"
            )
        evidence = self.folder
        await asyncio.to_thread(self._leave_scan)
        if self._owns_run:
            evidence = (await asyncio.to_thread(finalise, self.run)).index
            # A notebook's kernel ends without closing its lab, and the run has come to its end.
            atexit.register(self.run.close)
        evidence = seen_from_here(evidence)
        view = conclusions_view(conclusions, evidence)
        unmet = {one.case: one.met.reason for one in conclusions if not one.met.met}
        if unmet:
            _show(view)
            raise ExpectationNotMet(unmet, evidence)
        return view

    def _leave_scan(self) -> None:
        secrets = {secret for trial in self._trials for secret in trial.secrets}
        name = f"{self.about or 'lab'}.{os.getpid()}"
        leave_scan(self.folder, name, secrets, {trial.order.case_id for trial in self._trials})

    def _accountable(self) -> list[CaseHandle]:
        """The cases that count here: those that this is about, or those that were opened."""
        chosen = selected_of(self.parameters, self.about)
        return [self.case(name) for name in chosen if self.about is not None or name in self._cases]

    async def close(self) -> None:
        """End every trial and the run's folder; does nothing the second time."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            for trial in self._trials:
                await trial.close()
        finally:
            self.run.close()
            await self._supervisor.close()

    async def __aenter__(self) -> Lab:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _about(self) -> dict[str, Any]:
        return {
            "target": describe_target(self.parameters.target),
            "expectation": self.parameters.expectation.value,
            "cases": len(selected_of(self.parameters, self.about)),
            "trials": self.parameters.trials,
            "seed": self.parameters.seed,
            "evidence": str(seen_from_here(self.folder)),
        }

    def __repr__(self) -> str:
        return "\n".join(f"{name:12} {value}" for name, value in self._about().items())

    def _repr_html_(self) -> str:
        rows = (
            tag("tr", tag("th", escape(name), scope="row"), tag("td", escape(str(value))))
            for name, value in self._about().items()
        )
        return Html(tag("table", tag("tbody", *rows)), repr(self))._repr_html_()


def selected_of(parameters: Parameters, about: str | None) -> list[str]:
    """The ids of the cases that are selected, of what a notebook is about."""
    concerned = {case.id for case in select([about] if about is not None else ())}
    return [case.id for case in select(parameters.cases) if case.id in concerned]


def describe_target(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> str:
    """A target in a few words."""
    if not isinstance(target, EmbeddedTarget):
        return f"{target.kind} {target.name}"
    wiring = target.wiring
    if isinstance(wiring, ListedDefects):
        wired = ", ".join(wiring.defects) or "no defects"
    else:
        wired = wiring.replace("_", " ")
    return f"embedded platform, {wired}, a {target.isolation.value} for each service"


def conclusions_view(conclusions: list[Conclusion], evidence: Path) -> Html:
    """The closing table."""
    met = sum(one.met.met for one in conclusions)
    title = f"{met} of {len(conclusions)} cases as expected; evidence: {evidence}"
    return table([one.row() for one in conclusions], title=title)


def _show(view: Html) -> None:
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        print(view)
        return
    show: Callable[[Any], Any] = display if get_ipython() is not None else print
    show(view)


def _check_defects(target: EmbeddedTarget | AsgiTarget | DeploymentTarget) -> None:
    if isinstance(target, EmbeddedTarget):
        from gp_helpers.targets.defects_on import defects_on

        defects_on(target, next(iter(CASES)))


async def open_lab(
    notebook: Mapping[str, Any] | None = None,
    /,
    *,
    about: str | None = None,
    environment: str | None = None,
    folder: Path | None = None,
    **parameters: Any,
) -> Lab:
    """Open the lab of a notebook, and close the one that was open before.

    ``notebook`` is ``globals()``: the names that the parameters cell and papermill's injected
    cell bind are held against the schema, and an unknown one is a `ParameterError` that names
    cell and line. Without it, ``environment`` names a parameter file, or ``parameters`` states
    them. ``about`` is the suite or case that the notebook is about: what is selected of it has to
    be accounted for. ``folder`` is a run's folder to join; by default ``$GOLDEN_PATH_RUN``, or a
    new one.
    """
    while _open_labs:
        await _open_labs.pop().close()
    if environment is not None:
        stated = load(environment)
    elif notebook is not None:
        stated = read_parameters(notebook)
    else:
        stated = validate(parameters, source="open_lab")
    warming = asyncio.get_running_loop().run_in_executor(None, prepare, stated.target)
    try:
        _check_defects(stated.target)
        if isinstance(stated.target, EmbeddedTarget):
            require_foundations()
        run, owns_run = _run_folder(stated, about, environment, folder)
        lab = Lab(stated, run, about, owns_run=owns_run)
    finally:
        await asyncio.gather(warming, return_exceptions=True)
    try:
        await lab.start()
    except BaseException:
        await lab.close()
        raise
    _open_labs.append(lab)
    print(f"evidence: {seen_from_here(lab.folder)}")
    return lab


def _run_folder(
    parameters: Parameters, about: str | None, environment: str | None, folder: Path | None
) -> tuple[RunFolder, bool]:
    """The run's folder, and whether this lab made it."""
    named = os.environ.get(RUN_VARIABLE)
    stated = folder or (Path(named) if named else None)
    if stated is not None:
        return RunFolder.join(stated), False
    wiring = getattr(parameters.target, "wiring", parameters.target.kind)
    name = environment or (wiring if isinstance(wiring, str) else "defects")
    selected = selected_of(parameters, about)
    made = RunFolder.create(outputs_folder(), parameters, environment=name, selected=selected)
    return made, True
