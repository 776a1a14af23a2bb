"""The checks of the routing suite, a module a case."""

from collections.abc import Mapping

from gp_helpers.checkers.judging import Check
from gp_helpers.checkers.routing import (
    circular_deadlock,
    load_balancing,
    priority,
    selection_conflict,
    state_pollution,
)

CHECKS: Mapping[str, Check] = {
    "routing.selection_conflict": selection_conflict.check,
    "routing.priority": priority.check,
    "routing.state_pollution": state_pollution.check,
    "routing.circular_deadlock": circular_deadlock.check,
    "routing.load_balancing": load_balancing.check,
}
