"""Cases: the steps of each of the 23, a module or package a suite."""

from gp_helpers.cases.components import record_component
from gp_helpers.cases.opening import OpenTrial, Role, open_trial, take_all
from gp_helpers.cases.steps import CannotGoOn, Case, Shown, Step, case_class, step
from gp_helpers.cases.trial import Trial

__all__ = [
    "CannotGoOn",
    "Case",
    "OpenTrial",
    "Role",
    "Shown",
    "Step",
    "Trial",
    "case_class",
    "open_trial",
    "record_component",
    "step",
    "take_all",
]
