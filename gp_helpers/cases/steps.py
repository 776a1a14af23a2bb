"""Steps: what a case consists of, in order, each shown in one notebook cell.

A case is a class; its steps are its decorated methods in the order of their definition; the state
of a trial lives in the instance, so a step takes no arguments.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from gp_helpers.cases.components import check_components
from gp_helpers.history import Kind
from gp_helpers.parameters import EmbeddedTarget, Parameters
from gp_helpers.plan import CASES, CaseInfo, Suite, UnknownNameError
from gp_helpers.targets.running import Ability, Arrangement, RunningTarget

if TYPE_CHECKING:
    from gp_helpers.cases.trial import Trial


@dataclass(frozen=True, slots=True)
class Shown:
    """What a step gives back to be looked at: a title that states what was seen, and rows."""

    title: str
    rows: list[dict[str, Any]] = field(default_factory=list)


class CannotGoOn(Exception):
    """Raised by a step when the platform leaves the case nothing to go on with.

    It ends the trial's steps, not the verdict: what was not observed makes it inconclusive.
    """


class NotMadeError(CannotGoOn, AttributeError):
    """A step needs what an earlier step would have made, and that one was not possible here."""

    def __init__(self, name: str, missing_step: str) -> None:
        super().__init__(f"{name} was not made, since {missing_step} was not possible here")


StepMethod = Callable[[Any], Awaitable[Shown]]


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a case."""

    name: str
    does: str
    """What it is about to do, in one sentence."""
    expects: str
    """What should come back from a healthy platform."""
    method: StepMethod
    needs: tuple[Ability, ...] = ()
    """Without these abilities of the target it is not taken; its claims stay unobserved."""


def step(
    does: str, *, expects: str, needs: tuple[Ability, ...] = ()
) -> Callable[[StepMethod], StepMethod]:
    """Mark a method of a case as a step."""

    def mark(method: StepMethod) -> StepMethod:
        method.__golden_path_step__ = Step(  # type: ignore[attr-defined]
            method.__name__, does, expects, method, needs
        )
        return method

    return mark


class Case:
    """Base of all cases. A subclass states its id, what it needs, and its steps."""

    id: ClassVar[str]
    arrangement: ClassVar[Arrangement] = Arrangement()
    requires: ClassVar[tuple[Ability, ...]] = ()
    """Abilities without which the case cannot be judged at all on a target."""
    requires_one_of: ClassVar[tuple[Ability, ...]] = ()
    """Abilities of which one suffices, but without any the case cannot be judged."""
    uses: ClassVar[tuple[Ability, ...]] = ()
    """Abilities with which the case looks closer, and without which it can be judged as well."""
    describes: ClassVar[tuple[str, ...]] = ("websocket",)
    """Parts of the description without which the case cannot be judged on a target."""
    optional_claims: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Kind of target to the claims that may stay unobserved there."""
    optional_without: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Ability or part of the description to the claims that may stay unobserved without it."""
    users_at_once: ClassVar[int | None] = None
    """How many users it connects together; None: as many as the parameters say."""
    users_beside: ClassVar[int] = 0
    """How many more it logs in, one after the other."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def __getattr__(self, name: str) -> Any:
        """Only called for what no step has made so far."""
        if not name.startswith("_") and "trial" in self.__dict__:
            for ended in self.trial.recorder.history.of(Kind.STEP_ENDED):
                if ended.data["outcome"] == "unavailable":
                    raise NotMadeError(name, ended.step)
        raise AttributeError(f"{type(self).__name__} has no {name}")

    @classmethod
    def info(cls) -> CaseInfo:
        """The plan's entry."""
        return CASES[cls.id]

    @classmethod
    def optional_on(cls, target: RunningTarget) -> tuple[str, ...]:
        """The claims that may stay unobserved on a target."""
        found = list(cls.optional_claims.get(target.kind.value, ()))
        for what, claims in cls.optional_without.items():
            is_there = target.can(Ability(what)) if what in _ABILITIES else target.states(what)
            found += [] if is_there else claims
        return tuple(dict.fromkeys(found))

    @classmethod
    def users_on(cls, target: RunningTarget, parameters: Parameters) -> int:
        """How many users it connects together on a target."""
        del target
        return cls.users_at_once or parameters.concurrent_users

    @classmethod
    def arranged(cls, parameters: Parameters) -> Arrangement:
        """What the case needs of a platform that is started for it, or stands in front of it."""
        looks_at_messages = Ability.CLIENT_FRAMES in (*cls.requires_one_of, *cls.uses)
        if looks_at_messages and not isinstance(parameters.target, EmbeddedTarget):
            return replace(cls.arrangement, framed=True)
        return cls.arrangement

    @classmethod
    def steps(cls) -> tuple[Step, ...]:
        """The steps, in order; the component checks come first in every case."""
        own = [
            member.__golden_path_step__
            for member in cls.__dict__.values()
            if hasattr(member, "__golden_path_step__")
        ]
        return (_COMPONENTS, *own)

    async def components(self) -> Shown:
        """Check each component alone; a case with more to check extends this."""
        return Shown("Each component alone", await check_components(self.trial))


async def _components(case: Case) -> Shown:
    return await case.components()


_COMPONENTS = Step(
    "components",
    "Check each component alone, before the integration is tried.",
    "every component is healthy by itself",
    _components,
)

_ABILITIES = frozenset(ability.value for ability in Ability)
_MODULES = {suite: f"gp_helpers.cases.{suite.value}" for suite in Suite}


def case_class(case_id: str) -> type[Case]:
    """The class of a case; `UnknownNameError` with a suggestion if the plan has no such case."""
    if case_id not in CASES:
        raise UnknownNameError("case", case_id, CASES)
    module = importlib.import_module(_MODULES[CASES[case_id].suite])
    cases: Mapping[str, type[Case]] = module.CASES
    return cases[case_id]
