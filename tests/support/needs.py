"""Tools that a test may need and a machine may lack: what they are called, and how each is found.

A test that lacks one is reported as not run, with the reason; `--require NAME` makes the absence
a failure.
"""

import importlib.util
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

POSTGRESQL_FOLDERS = Path("/usr/lib/postgresql")
CHROMIUM_COMMANDS = ("chromium", "chromium-browser", "google-chrome")


def postgresql_binaries() -> Path | None:
    """The folder that holds `initdb` and `postgres`: Debian's newest, else the one on PATH."""
    found = list(POSTGRESQL_FOLDERS.glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda initdb: int(initdb.parent.parent.name)).parent
    on_path = shutil.which("initdb")
    if on_path is None:
        return None
    folder = Path(on_path).resolve().parent
    return folder if (folder / "postgres").exists() else None


def chromium_executable() -> Path | None:
    """The first Chromium on PATH."""
    for command in CHROMIUM_COMMANDS:
        found = shutil.which(command)
        if found is not None:
            return Path(found)
    return None


THIRD_PARTY_MODULES = ("chainlit", "jupyter_server", "moonraker", "socketio")


def third_party_systems() -> Path | None:
    """Where the extra `thirdparty` is installed; all of it, or it is not there."""
    found = [importlib.util.find_spec(name) for name in THIRD_PARTY_MODULES]
    if any(spec is None or spec.origin is None for spec in found):
        return None
    return Path(str(found[0].origin)).parent.parent if found[0] else None


@dataclass(frozen=True)
class Need:
    """A tool by name, how it is found, and what to say where it is not."""

    name: str
    find: Callable[[], Path | None]
    absence: str


NEEDS: Mapping[str, Need] = {
    need.name: need
    for need in (
        Need(
            "postgresql",
            postgresql_binaries,
            "no PostgreSQL server here (Debian: apt-get install postgresql)",
        ),
        Need(
            "chromium",
            chromium_executable,
            "no Chromium here (Debian: apt-get install chromium)",
        ),
        Need(
            "thirdparty",
            third_party_systems,
            "Chainlit, Jupyter Server and Moonraker are not installed here (make thirdparty)",
        ),
    )
}


class UnknownNeedError(ValueError):
    """A test or the command line names a tool that nobody declared."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown need {name!r}; known: {', '.join(sorted(NEEDS))}")


def need_named(name: str) -> Need:
    """The declared need; raises `UnknownNeedError`."""
    try:
        return NEEDS[name]
    except KeyError:
        raise UnknownNeedError(name) from None
