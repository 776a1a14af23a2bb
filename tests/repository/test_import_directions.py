"""Each package of gp_helpers imports only what stands above it.

Parsed, not run, so that an import inside a function counts. An import by string (the wiring's) is
free.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT

PACKAGE = "gp_helpers"
FROM_THE_GROUND_UP = (
    "plan",
    "parameters",
    "history",
    "statistics",
    "checkers",
    "platform",
    "cloud_run",
    "faults",
    "targets",
    "probes",
    "cases",
    "evidence",
    "display",
    "workbook",
    "execution",
    "cli",
    "pytest_plugin",
)
IMPORT_NOTHING_OF_THE_REST = frozenset({"platform"})
SLOW_TO_IMPORT = ("pandas", "matplotlib", "scipy", "IPython", "papermill", "nbclient")

MODULES = sorted((ROOT / PACKAGE).rglob("*.py"))


def part_of(dotted: str) -> str | None:
    """`gp_helpers.history.entries` -> `history`; None outside the package and for its root."""
    names = dotted.split(".")
    return names[1] if names[0] == PACKAGE and len(names) > 1 else None


def imported_modules(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all that is imported anywhere in a module, made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module if is_package else module.rpartition(".")[0]
                ancestors = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*ancestors, *filter(None, [base])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def wrong_directions(source: str, module: str, is_package: bool = False) -> list[str]:
    """What a module imports from below itself, as `line: name`."""
    own = part_of(module)
    if own is None:
        return []
    allowed = set(FROM_THE_GROUND_UP[: FROM_THE_GROUND_UP.index(own) + 1])
    if own in IMPORT_NOTHING_OF_THE_REST:
        allowed = {own}
    return [
        f"{line}: {name}"
        for line, name in imported_modules(ast.parse(source), module, is_package)
        if name.split(".")[0] == PACKAGE and part_of(name) not in allowed
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    is_package = path.name == "__init__.py"
    relative = (path.parent if is_package else path.with_suffix("")).relative_to(ROOT)
    module = ".".join(relative.parts)
    own = part_of(module)
    assert own is None or own in FROM_THE_GROUND_UP, f"{own} has no place in FROM_THE_GROUND_UP yet"
    assert wrong_directions(path.read_text(), module, is_package) == []


@pytest.mark.parametrize(
    ("source", "module", "found"),
    [
        ("from gp_helpers.cases import base", "gp_helpers.history.entries", 1),
        ("def late():\n    import gp_helpers.cli", "gp_helpers.history.entries", 1),
        ("from ..cases import base", "gp_helpers.history.entries", 1),
        ("from gp_helpers import cases", "gp_helpers.history.entries", 1),
        ("from gp_helpers import plan", "gp_helpers.platform.wiring", 1),
        ("import gp_helpers", "gp_helpers.history.entries", 1),
        ("from . import entries", "gp_helpers.history.record", 0),
        ("from gp_helpers.plan import CASES\nimport json", "gp_helpers.history.entries", 0),
        ("COMPONENT = 'gp_helpers.cases:Case'", "gp_helpers.platform.wiring", 0),
    ],
)
def test_the_wrong_direction_is_seen_in_every_form(source: str, module: str, found: int) -> None:
    assert len(wrong_directions(source, module)) == found


@pytest.mark.parametrize("imported", ["gp_helpers", "gp_helpers.platform"])
def test_a_service_process_does_not_pay_for_the_notebooks_libraries(imported: str) -> None:
    program = f"import {imported}, sys; print(*sorted(set(sys.modules) & set({SLOW_TO_IMPORT!r})))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, ""), ran.stderr


def test_a_lab_comes_without_what_only_services_need() -> None:
    """Each takes tens to hundreds of milliseconds, in every kernel that is not warm."""
    told = """
import sys
from gp_helpers.platform.wiring import Wiring
import gp_helpers.faults, gp_helpers.targets.embedded, gp_helpers.workbook.case
for wiring in (Wiring(), Wiring.all_defects()):
    for seam in ("startup_probe", "connection_placement"):
        wiring.component(seam)
print(*sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    needed_by_services = {"sqlalchemy", "starlette", "aiohttp", "jwt", "argon2"}
    assert needed_by_services & set(ran.stdout.split()) == set()
