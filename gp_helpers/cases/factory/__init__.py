"""The steps of the factory suite's cases, a module a case."""

from collections.abc import Mapping

from gp_helpers.cases.factory.dependency_injection import DependencyInjection
from gp_helpers.cases.factory.error_propagation import ErrorPropagation
from gp_helpers.cases.factory.interface_mismatch import InterfaceMismatch
from gp_helpers.cases.factory.lifecycle import Lifecycle
from gp_helpers.cases.factory.user_context_isolation import UserContextIsolation
from gp_helpers.cases.steps import Case

CASES: Mapping[str, type[Case]] = {
    case.id: case
    for case in (
        InterfaceMismatch,
        UserContextIsolation,
        Lifecycle,
        DependencyInjection,
        ErrorPropagation,
    )
}
