"""The checks of the factory suite, a module a case."""

from collections.abc import Mapping

from gp_helpers.checkers.factory import (
    dependency_injection,
    error_propagation,
    interface_mismatch,
    lifecycle,
    user_context_isolation,
)
from gp_helpers.checkers.judging import Check

CHECKS: Mapping[str, Check] = {
    "factory.interface_mismatch": interface_mismatch.check,
    "factory.user_context_isolation": user_context_isolation.check,
    "factory.lifecycle": lifecycle.check,
    "factory.dependency_injection": dependency_injection.check,
    "factory.error_propagation": error_propagation.check,
}
