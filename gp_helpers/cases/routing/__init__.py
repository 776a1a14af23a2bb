"""The steps of the routing suite's cases, a module a case."""

from collections.abc import Mapping

from gp_helpers.cases.routing.circular_deadlock import CircularDeadlock
from gp_helpers.cases.routing.load_balancing import LoadBalancing
from gp_helpers.cases.routing.priority import PriorityScale
from gp_helpers.cases.routing.selection_conflict import SelectionConflict
from gp_helpers.cases.routing.state_pollution import StatePollution
from gp_helpers.cases.steps import Case

CASES: Mapping[str, type[Case]] = {
    case.id: case
    for case in (
        SelectionConflict,
        PriorityScale,
        StatePollution,
        CircularDeadlock,
        LoadBalancing,
    )
}
