"""What all tests share: the tools a test may need, and that nothing is green unless it ran.

A test says what it needs with `@pytest.mark.needs("chromium")`, or by asking for a fixture below.
"""

import gc
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.needs import Need, UnknownNeedError, need_named
from tests.support.repository import THE_PLANS_WORD

NOT_RUN = "not run here"
LONGEST_FILES = (
    "test_with_papermill.py",
    "test_the_plans_commands.py",
    "test_detection.py",
    "test_kills.py",
    "test_asgi.py",
    "test_faults_between.py",
    "test_hostile.py",
    "test_no_secret_leaves.py",
    "test_all_cases.py",
    "test_output_volume.py",
    "test_honesty.py",
    "test_going_down.py",
    "test_run.py",
    "test_lab.py",
    "test_rules_requests.py",
    "test_outcomes.py",
    "test_evidence_review.py",
    "test_stopping.py",
    "test_side_by_side.py",
    "test_warm_for_real.py",
    "test_the_plugin_of_users.py",
    "test_load.py",
    "test_needs.py",
    "test_rechecking.py",
    "test_examining.py",
    "test_interrupts.py",
    "test_lifetime.py",
    "test_orphans.py",
    "test_slow_machine.py",
    "test_rules_instances.py",
    "test_defects_on_the_wire.py",
    "test_auth_defects_on_the_wire.py",
    "test_matrix.py",
    "test_judge.py",
    "test_guest.py",
    "test_deployment.py",
    "test_cut_texts.py",
    "test_run_folder.py",
)
"""They begin first, so that at the end no process waits long for the other one. The third looks at
what the two before it have made; those that mostly wait stand beside those that work."""
FIXTURES_WITH_A_NEED = {"postgresql_url": "postgresql", "chromium_path": "chromium"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require",
        metavar="NAME[,NAME]",
        default="",
        help="tools whose absence is a failure instead of a test not run: postgresql, chromium",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*names): tools without which the test cannot run")
    for name in filter(None, config.getoption("--require").split(",")):
        try:
            need = need_named(name.strip())
        except UnknownNeedError as error:
            raise pytest.UsageError(f"--require: {error}") from None
        if need.find() is None:
            raise pytest.UsageError(f"--require {need.name}: {need.absence}")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Four thousand tests live as long as the session: to search them for garbage is waste."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The plan's word names its own five files alone (a test holds that): no other is imported."""
    is_module = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    if config.option.keyword == THE_PLANS_WORD and is_module:
        return THE_PLANS_WORD not in collection_path.name or None
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, name in FIXTURES_WITH_A_NEED.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.needs(name))
    ranks = {name: rank for rank, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    needs: list[Need] = [
        need_named(name) for mark in item.iter_markers("needs") for name in mark.args
    ]
    for need in needs:
        if need.find() is None:
            pytest.skip(f"{NOT_RUN}: {need.absence}")


def _skipped_reasons(reporter: pytest.TerminalReporter) -> list[tuple[str, str]]:
    """Node id and reason of every skipped test or module."""
    return [
        (report.nodeid, str(report.longrepr[2]).removeprefix("Skipped: "))
        for report in reporter.stats.get("skipped", [])
    ]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A skip that declares no need, and a session that ran nothing, are failures."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus != pytest.ExitCode.OK or session.config.option.collectonly or reporter is None:
        return
    undeclared = any(not reason.startswith(NOT_RUN) for _, reason in _skipped_reasons(reporter))
    if undeclared or not reporter.stats.get("passed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.option.collectonly:
        return
    skipped = _skipped_reasons(terminalreporter)
    declared = [entry for entry in skipped if entry[1].startswith(NOT_RUN)]
    undeclared = [entry for entry in skipped if not entry[1].startswith(NOT_RUN)]
    for heading, entries in (
        ("Not run here", declared),
        ("Skipped without a declared need: a failure", undeclared),
    ):
        if entries:
            terminalreporter.section(heading)
        for node, reason in entries:
            terminalreporter.line(f"{node}: {reason.removeprefix(NOT_RUN + ': ')}")
    if not any(terminalreporter.stats.get(kind) for kind in ("passed", "failed", "error")):
        terminalreporter.section("No test ran: a failure")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The SQLAlchemy URL of a real PostgreSQL server that lives as long as the session."""
    from tests.support.postgresql import throwaway_postgresql

    binaries = need_named("postgresql").find()
    assert binaries is not None
    with throwaway_postgresql(binaries) as url:
        yield url


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The Chromium to start; as root it wants `--no-sandbox`."""
    executable = need_named("chromium").find()
    assert executable is not None
    return executable
