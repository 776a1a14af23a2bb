"""Each notebook's cells are the steps of its cases, in order; nothing is edited by hand."""

import json
from itertools import pairwise
from typing import Any

import pytest

from gp_helpers.cases import case_class
from gp_helpers.parameters import Parameters
from gp_helpers.plan import SUITES, Suite, cases_of
from gp_helpers.workbook.review_parameters import ReviewParameters
from tools.notebooks import EVIDENCE_REVIEW, NOTEBOOKS, START_HERE, generated, main, prose_of

WRITTEN = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
REVIEW = f"{EVIDENCE_REVIEW}.ipynb"
INVESTIGATIONS = [name for name in WRITTEN if name != REVIEW]


def cells_of(name: str) -> list[dict[str, Any]]:
    notebook: dict[str, Any] = json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))
    return [cell | {"text": "".join(cell["source"])} for cell in notebook["cells"]]


def code_of(name: str) -> list[str]:
    return [cell["text"] for cell in cells_of(name) if cell["cell_type"] == "code"]


def test_every_suite_has_its_notebook() -> None:
    names = (START_HERE, EVIDENCE_REVIEW, *(info.notebook for info in SUITES.values()))
    assert sorted(f"{name}.ipynb" for name in names) == WRITTEN


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_what_its_cases_say(name: str) -> None:
    assert (NOTEBOOKS / name).read_text(encoding="utf-8") == generated()[name]


@pytest.mark.parametrize("suite", Suite)
def test_each_step_is_a_cell_under_its_sentence(suite: Suite) -> None:
    cells = cells_of(f"{SUITES[suite].notebook}.ipynb")
    found = []
    for before, cell in pairwise(cells):
        for case in cases_of(suite):
            for step in case_class(case.id).steps():
                if cell["text"] == f"await {case.id.rpartition('.')[2]}.{step.name}()":
                    assert step.does in before["text"]
                    assert step.expects in before["text"]
                    found.append((case.id, step.name))
    expected = [
        (case.id, step.name) for case in cases_of(suite) for step in case_class(case.id).steps()
    ]
    assert found == expected


@pytest.mark.parametrize("suite", Suite)
def test_each_case_is_introduced_with_its_whole_statement_of_value(suite: Suite) -> None:
    cells = {cell["id"]: cell["text"] for cell in cells_of(f"{SUITES[suite].notebook}.ipynb")}
    abouts = [text for text in cells.values() if "**Why it matters**" in text]
    assert len(abouts) == len(cases_of(suite))
    for case, about in zip(cases_of(suite), abouts, strict=True):
        for part, said in case.value.stated().items():
            assert f"- {part.capitalize()}: {said}." in about


@pytest.mark.parametrize("name", WRITTEN)
def test_a_heading_a_thought_a_cell(name: str) -> None:
    cells = cells_of(name)
    assert cells[0]["text"].startswith("# ")
    for before, cell in pairwise(cells):
        if cell["cell_type"] == "code" and cell["id"] not in ("set-up", "explored"):
            assert before["cell_type"] == "markdown"
    conclusion = "review.conclude()" if name == REVIEW else "await lab.conclude()"
    assert cells[-1]["text"] == conclusion
    assert len({cell["id"] for cell in cells}) == len(cells)


def bound_by_its_parameters_cell(name: str) -> dict[str, Any]:
    tagged = [
        cell["text"] for cell in cells_of(name) if "parameters" in cell["metadata"].get("tags", ())
    ]
    assert len(tagged) == 1
    bound: dict[str, Any] = {}
    exec(tagged[0], {}, bound)
    bound.pop("__annotations__", None)
    return bound


@pytest.mark.parametrize("name", INVESTIGATIONS)
def test_its_parameters_are_those_of_the_schema_with_their_defaults(name: str) -> None:
    bound = bound_by_its_parameters_cell(name)
    assert set(bound) == set(Parameters.model_fields)
    assert Parameters.model_validate(bound) == Parameters()


def test_the_reviews_parameters_are_those_of_its_own_schema() -> None:
    bound = bound_by_its_parameters_cell(REVIEW)
    assert set(bound) == set(ReviewParameters.model_fields)
    assert ReviewParameters.model_validate(bound) == ReviewParameters()


@pytest.mark.parametrize("suite", Suite)
def test_prose_is_written_for_every_case_and_for_no_other(suite: Suite) -> None:
    assert list(prose_of(suite.value)) == ["", *(case.id for case in cases_of(suite))]


def test_a_notebook_that_was_edited_is_named(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.notebooks.NOTEBOOKS", tmp_path)
    assert main([]) == 0
    assert main(["--check"]) == 0
    edited = tmp_path / WRITTEN[1]
    edited.write_text(edited.read_text().replace("components()", "log_in()", 1))
    capsys.readouterr()
    assert main(["--check"]) == 1
    assert capsys.readouterr().out == f"{WRITTEN[1]}: differs from its cases\n"
