"""The checks of the auth suite, a module a case."""

from collections.abc import Mapping

from gp_helpers.checkers.auth import (
    context_isolation,
    error_amplification,
    timing,
    validation_cascade,
)
from gp_helpers.checkers.judging import Check

CHECKS: Mapping[str, Check] = {
    "auth.validation_cascade": validation_cascade.check,
    "auth.context_isolation": context_isolation.check,
    "auth.timing": timing.check,
    "auth.error_amplification": error_amplification.check,
}
