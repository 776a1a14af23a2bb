"""What no file here may hold: a machine's paths, a package index, the plan's word as a name."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.repository import ROOT, THE_PLANS_WORD, files_of_the_repository

# Written with a class of one letter, so that the patterns do not find themselves.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.}-])/(?:wor[k]|hom[e]/\w|User[s]/\w|roo[t]|op[t]/whee)[\w./-]*"
    r"|//[\w.-]+(?::\d+)?/simpl[e]\b|--(?:extra-)?index-ur[l]\s*[= ]\s*\S"
)
SCREENSHOTS_AND_SUCH = {".png", ".jpg", ".gif", ".ico", ".zip", ".woff2"}


@pytest.mark.parametrize(
    "line",
    [
        "path = '/wor" + "k/main/x'",
        "see /hom" + "e/ada/notes",
        "url: https://mirror.example/simpl" + "e/",
        "pip install --index-ur" + "l mirror",
    ],
)
def test_the_pattern_finds_what_it_is_for(line: str) -> None:
    assert OF_ONE_MACHINE.search(line)


@pytest.mark.parametrize("line", ["docs/work/x.md", "a/root", "$(DIR)/home", "--no-emit-index-url"])
def test_the_pattern_lets_the_rest_pass(line: str) -> None:
    assert not OF_ONE_MACHINE.search(line)


def test_no_file_names_a_path_of_one_machine_or_an_index() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in files_of_the_repository()
        if path.suffix not in SCREENSHOTS_AND_SUCH
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (match := OF_ONE_MACHINE.search(line))
    ]
    assert found == []


def own_test_modules() -> list[Path]:
    """The project's test modules; the plan's five files are those that carry its word."""
    tests = [path for path in files_of_the_repository() if path.is_relative_to(ROOT / "tests")]
    plans = {
        path
        for path in tests
        if path.parent.name in {"integration", "e2e"}
        and path.name.startswith(f"test_{THE_PLANS_WORD}_golden_path_")
    }
    return [path for path in tests if path not in plans]


def test_the_plans_word_is_no_name_in_the_projects_own_tests() -> None:
    found = [
        str(path) for path in own_test_modules() if THE_PLANS_WORD in str(path.relative_to(ROOT))
    ]
    for path in own_test_modules():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named and THE_PLANS_WORD in node.name:
                found.append(f"{path}:{node.lineno}: {node.name}")
    assert found == []


def test_the_plans_word_selects_none_of_the_projects_own_tests(
    request: pytest.FixtureRequest,
) -> None:
    selected = [item.nodeid for item in request.session.items if THE_PLANS_WORD in item.nodeid]
    own = {str(path.relative_to(ROOT)) for path in own_test_modules()}
    assert [node for node in selected if node.partition("::")[0] in own] == []
