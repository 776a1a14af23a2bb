"""Names bound by a notebook's parameters cells, by hand and by papermill, against the schema."""

from typing import Any

import pytest

from gp_helpers.parameters import ParameterError, Parameters
from gp_helpers.workbook.binding import MARKER, read_parameters


def session(*cells: str, **elsewhere: Any) -> dict[str, Any]:
    """The namespace of a kernel in which these cells have run."""
    namespace: dict[str, Any] = {"In": ["", *cells], **elsewhere}
    for cell in cells:
        exec(cell, namespace)
    return namespace


OWN = f'{MARKER}.\ntarget: dict = {{"kind": "embedded"}}  # what\ntrials: int = 1\nseed: int = 7\n'


def refusal(namespace: dict[str, Any]) -> list[str]:
    with pytest.raises(ParameterError) as refused:
        read_parameters(namespace)
    return refused.value.problems


def test_the_parameters_cell_is_read() -> None:
    assert read_parameters(session(OWN)) == Parameters(seed=7)


def test_what_papermill_injects_comes_on_top() -> None:
    injected = '# Parameters\ntarget = {"kind": "embedded", "wiring": "remediated"}\ntrials = 3\n'
    parameters = read_parameters(session(OWN, injected))
    assert (parameters.trials, parameters.seed) == (3, 7)
    assert parameters.target.model_dump()["wiring"] == "remediated"


def test_an_unknown_injected_name_is_an_error_with_cell_line_and_suggestion() -> None:
    problems = refusal(session(OWN, "# Parameters\nseed = 1\ntrails = 5\n"))
    assert len(problems) == 1
    assert problems[0].startswith(
        "injected parameters In [2], line 3: trails: unknown parameter; did you mean trials? "
        "allowed: target, cases, expectation,"
    )


def test_an_unknown_name_in_the_notebooks_own_cell_too() -> None:
    problems = refusal(session(f"{OWN}expectaton = 'pass'\n"))
    assert problems[0].startswith("parameters cell In [1], line 5: expectaton: unknown parameter;")


def test_a_wrong_value_names_the_cell_that_bound_it() -> None:
    problems = refusal(session(OWN, "# Parameters\ntrials = 0\nseed = 'x'\n"))
    assert [problem.split(": ")[0] for problem in problems] == [
        "injected parameters In [2], line 2",
        "injected parameters In [2], line 3",
    ]
    assert "trials" in problems[0]
    assert "found 0" in problems[0]


def test_all_problems_are_told_at_once() -> None:
    assert len(refusal(session(OWN, "# Parameters\ntrails = 5\ntrials = 0\n"))) == 2


def test_a_mistake_that_was_corrected_and_run_again_is_forgotten() -> None:
    wrong = OWN.replace("trials", "trails")
    with pytest.raises(ParameterError):
        read_parameters(session(wrong))
    assert read_parameters(session(wrong, OWN)).trials == 1


def test_names_of_other_cells_are_nobodys_business() -> None:
    parameters = read_parameters(session(OWN, "import os\nrows = [1]\ntrials_so_far = 2\n"))
    assert parameters == Parameters(seed=7)


def test_a_variable_of_the_same_name_does_not_replace_a_parameter_that_is_not_bound() -> None:
    assert read_parameters(session(OWN, "sessions = object()\n")).sessions == 20


def test_outside_of_a_notebook_the_names_of_the_schema_are_taken() -> None:
    assert read_parameters({"trials": 2, "anything": 1}).trials == 2
