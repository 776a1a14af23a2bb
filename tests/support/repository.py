"""The repository as data, for the tests that hold its parts together."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
THE_PLANS_WORD = "issue_1176"


def files_of_the_repository() -> list[Path]:
    """Every file that git tracks, or would: what is ignored stays out, what was deleted too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())
