"""Which cases can be judged on a target, and the plain reason for each that cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gp_helpers.cases.steps import case_class
from gp_helpers.parameters import Parameters
from gp_helpers.plan import CaseInfo
from gp_helpers.targets.running import RunningTarget


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether a case can be judged on a target."""

    case: CaseInfo
    reasons: tuple[str, ...] = ()
    """Why it cannot be judged; empty if it can."""
    left_open: tuple[str, ...] = ()
    """Claims that it makes elsewhere, and that may stay unobserved here."""
    through: tuple[str, ...] = ()
    """What the target's limits allow by name, and the case makes use of."""

    @property
    def can_be_judged(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.reasons


def fitness(case: CaseInfo, target: RunningTarget, parameters: Parameters) -> Fitness:
    """Hold what a case needs against what a target has, states and allows."""
    cls = case_class(case.id)
    reasons = [target.lacking[ability] for ability in cls.requires if not target.can(ability)]
    if cls.requires_one_of and not any(target.can(one) for one in cls.requires_one_of):
        reasons.append(", and ".join(target.lacking[one] for one in cls.requires_one_of))
    reasons += [
        f"the target does not state {part.replace('|', ' or ')}"
        for part in cls.describes
        if not target.states(part)
    ]
    users = cls.users_on(target, parameters)
    reasons += _too_many_users(users, users + cls.users_beside, target)
    levers = {*cls.requires, *cls.requires_one_of, *cls.uses}
    through = tuple(name for ability, name in target.through.items() if ability in levers)
    return Fitness(case, tuple(dict.fromkeys(reasons)), cls.optional_on(target), through)


def _too_many_users(at_once: int, in_all: int, target: RunningTarget) -> Iterable[str]:
    allowed = target.limits.concurrent_users if target.limits is not None else None
    if allowed is not None and at_once > allowed:
        yield f"it needs {at_once} users at once, limits.concurrent_users allows {allowed}"
    if target.accounts and in_all > len(target.accounts):
        yield f"it needs {in_all} users, the accounts are {len(target.accounts)}"
