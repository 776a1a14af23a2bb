"""The steps of the auth suite's cases, a module a case."""

from collections.abc import Mapping

from gp_helpers.cases.auth.context_isolation import ContextIsolation
from gp_helpers.cases.auth.error_amplification import ErrorAmplification
from gp_helpers.cases.auth.timing import Timing
from gp_helpers.cases.auth.validation_cascade import ValidationCascade
from gp_helpers.cases.steps import Case

CASES: Mapping[str, type[Case]] = {
    case.id: case for case in (ValidationCascade, ContextIsolation, Timing, ErrorAmplification)
}
