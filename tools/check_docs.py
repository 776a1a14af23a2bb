"""Checks what the documentation promises: links lead somewhere, commands exist, Python compiles.

    python -m tools.check_docs            every Markdown file of the repository
    python -m tools.check_docs README.md  these files alone

Prints one `file:line: objection` a line, and exits with 1 if there is any.
"""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

FENCE = re.compile(r"^\s*```\s*(\w*)")
LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|#)")
CODE_SPAN = re.compile(r"`([^`]+)`")
PATH_IN_THE_REPOSITORY = re.compile(
    r"(?:gp_helpers|tests|tools|notebooks|parameters|docs|benchmarks|\.ci|\.github)/[\w./-]*\w/?"
)
COMMANDS = ("make", "golden-path")
CALL_GOLDEN_PATH = "import sys; from gp_helpers.cli import main; sys.exit(main())"
SHELL_LANGUAGES = {"bash", "sh", "shell", "console"}
SUBCOMMAND = re.compile(r"[a-z][a-z-]*")


@dataclass(frozen=True)
class Line:
    """A line of a Markdown file, with the language of the fence that it stands in."""

    number: int
    text: str
    fenced: bool
    language: str


def lines_of(markdown: str) -> Iterator[Line]:
    """Every line but the fences themselves."""
    language, fenced = "", False
    for number, text in enumerate(markdown.splitlines(), 1):
        fence = FENCE.match(text)
        if fence:
            fenced = not fenced
            language = fence.group(1) if fenced else ""
        else:
            yield Line(number, text, fenced, language)


def python_snippets(lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
    """Line number and text of each Python fence."""
    snippet: list[Line] = []
    for line in [*lines, Line(0, "", False, "")]:
        follows = bool(snippet) and line.number == snippet[-1].number + 1
        if snippet and not (line.language == "python" and follows):
            yield snippet[0].number, "\n".join(part.text for part in snippet)
            snippet = []
        if line.language == "python":
            snippet.append(line)


@cache
def make_targets() -> frozenset[str]:
    makefile = (ROOT / "Makefile").read_text()
    return frozenset(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))


@cache
def help_of_golden_path(subcommands: tuple[str, ...]) -> str | None:
    """What `golden-path SUBCOMMANDS --help` prints; None if it is refused."""
    ran = subprocess.run(
        [sys.executable, "-c", CALL_GOLDEN_PATH, *subcommands, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout if ran.returncode == 0 else None


def objections_to_make(arguments: Sequence[str]) -> Iterator[str]:
    for argument in arguments:
        if "=" not in argument and not argument.startswith("-") and argument not in make_targets():
            yield f"the Makefile has no target {argument!r}"


def objections_to_golden_path(arguments: Sequence[str]) -> Iterator[str]:
    subcommands: list[str] = []
    for argument in arguments[:2]:
        if not SUBCOMMAND.fullmatch(argument):
            break
        subcommands.append(argument)
    text = help_of_golden_path(tuple(subcommands))
    if text is None:
        yield f"`golden-path {' '.join(subcommands)} --help` is refused"
        return
    options = {argument.partition("=")[0] for argument in arguments if argument.startswith("--")}
    for option in sorted(options):
        if not re.search(rf"{re.escape(option)}(?![\w-])", text):
            yield f"`golden-path {' '.join(subcommands)}` has no option {option}"


def objections_to_command(text: str) -> Iterator[str]:
    """What is wrong with one line of a shell snippet; lines of other commands are let pass."""
    try:
        words = shlex.split(text.strip().removeprefix("$ "), comments=True)
    except ValueError as error:
        yield f"not a shell line: {error}"
        return
    while words and "=" in words[0]:
        words = words[1:]
    if not words or Path(words[0]).name not in COMMANDS:
        return
    arguments = words[1:]
    for end in ("|", "&&", "||", ";", ">", ">>", "\\"):
        if end in arguments:
            arguments = arguments[: arguments.index(end)]
    if words[0] == "make":
        yield from objections_to_make(arguments)
    else:
        yield from objections_to_golden_path(arguments)


def objections_to_places(path: Path, text: str) -> Iterator[str]:
    """Relative links and code spans that are paths of the repository, and lead nowhere."""
    for target in LINK.findall(CODE_SPAN.sub("", text)):
        if not ELSEWHERE.match(target) and not (path.parent / target.partition("#")[0]).exists():
            yield f"link to nowhere: {target}"
    for span in CODE_SPAN.findall(text):
        if PATH_IN_THE_REPOSITORY.fullmatch(span) and not (ROOT / span).exists():
            yield f"no such path: {span}"


def objections_to(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and objection, for one Markdown file."""
    lines = list(lines_of(path.read_text()))
    for line in lines:
        if not line.fenced:
            found = objections_to_places(path, line.text)
        elif line.language in SHELL_LANGUAGES:
            found = objections_to_command(line.text)
        else:
            continue
        yield from ((line.number, objection) for objection in found)
    for number, snippet in python_snippets(lines):
        try:
            compile(snippet, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError as error:
            yield number + (error.lineno or 1) - 1, f"Python that does not compile: {error.msg}"


def markdown_files() -> list[Path]:
    """Every Markdown file that git tracks or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in sorted(set(listed.splitlines())) if (path := ROOT / name).is_file()]


def main(arguments: Sequence[str]) -> int:
    paths = [Path(argument).resolve() for argument in arguments] or markdown_files()
    found = [(path, *objection) for path in paths for objection in objections_to(path)]
    for path, number, objection in found:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        print(f"{shown}:{number}: {objection}")
    if not found:
        print(f"documentation: {len(paths)} Markdown files keep their promises")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
