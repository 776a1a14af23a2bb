"""The documentation check objects to what leads nowhere, and to nothing else."""

from pathlib import Path

import pytest

from tools.check_docs import main, objections_to


def checked(folder: Path, markdown: str) -> list[tuple[int, str]]:
    page = folder / "page.md"
    page.write_text(markdown)
    return list(objections_to(page))


@pytest.mark.parametrize(
    "markdown",
    [
        "[this page](page.md#part) and [another place](https://example.org/x) and [part](#part)",
        "`tools/check_docs.py` and `gp_helpers/` and `docs/*.md` and `RUN/verdicts.json`",
        '```bash\n$ make test PYTEST_ARGS="-k x"   # a remark\nls nowhere\n```',
        "```bash\nmake setup && cd elsewhere\n```",
        "```python\nverdict = await case.judge()\n```\n\n```python\nx = 1\n```",
        "```text\nmake nothing\n```",
        "`[not](a-link.md)`",
    ],
)
def test_what_exists_is_let_pass(tmp_path: Path, markdown: str) -> None:
    assert checked(tmp_path, markdown) == []


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("x\n[gone](gone.md)", [(2, "link to nowhere: gone.md")]),
        ("see `tools/gone.py`", [(1, "no such path: tools/gone.py")]),
        ("```bash\nmake tset\n```", [(2, "the Makefile has no target 'tset'")]),
        (
            "```python\nx = 1\ny = = 2\n```",
            [(3, "Python that does not compile: invalid syntax")],
        ),
        ("```bash\nmake 'test\n```", [(2, "not a shell line: No closing quotation")]),
    ],
)
def test_what_leads_nowhere_is_named_with_its_line(
    tmp_path: Path, markdown: str, found: list[tuple[int, str]]
) -> None:
    assert checked(tmp_path, markdown) == found


def test_a_refused_subcommand_is_named(tmp_path: Path) -> None:
    found = checked(tmp_path, "```bash\n.venv/bin/golden-path no-such-act --now\n```")
    assert found == [(2, "`golden-path no-such-act --help` is refused")]


def test_the_exit_status_follows_from_the_objections(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("fine")
    assert main([str(page)]) == 0
    page.write_text("[gone](gone.md)")
    assert main([str(page)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == f"{page}:1: link to nowhere: gone.md"
