"""The steps of the journey suite's cases, a module a case."""

from collections.abc import Mapping

from gp_helpers.cases.journey.error_recovery import ErrorRecovery
from gp_helpers.cases.journey.login_to_answer import LoginToAnswer
from gp_helpers.cases.journey.multi_user_isolation import MultiUserIsolation
from gp_helpers.cases.journey.performance_under_load import PerformanceUnderLoad
from gp_helpers.cases.steps import Case

CASES: Mapping[str, type[Case]] = {
    case.id: case
    for case in (LoginToAnswer, MultiUserIsolation, ErrorRecovery, PerformanceUnderLoad)
}
