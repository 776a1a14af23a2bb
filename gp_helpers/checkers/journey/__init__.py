"""The checks of the journey suite, a module a case."""

from collections.abc import Mapping

from gp_helpers.checkers.journey import (
    error_recovery,
    login_to_answer,
    multi_user_isolation,
    performance_under_load,
)
from gp_helpers.checkers.judging import Check

CHECKS: Mapping[str, Check] = {
    "journey.login_to_answer": login_to_answer.check,
    "journey.multi_user_isolation": multi_user_isolation.check,
    "journey.error_recovery": error_recovery.check,
    "journey.performance_under_load": performance_under_load.check,
}
