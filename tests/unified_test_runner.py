"""The plan's runner: a thin front on pytest that turns a category into the folder of its tests.

`python tests/unified_test_runner.py --category integration -k "issue_1176"`; whatever else is given
goes to pytest as it is. It has no rules of its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

FOLDERS = {"integration": "tests/integration", "e2e": "tests/e2e"}


def main() -> int:
    """Run the tests of a category; pytest's exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--category", choices=sorted(FOLDERS), required=True)
    options, others = parser.parse_known_args()
    try:
        import pytest
    except ImportError:
        print(
            "pytest is not installed for this Python; run `make setup`, then "
            "`.venv/bin/python tests/unified_test_runner.py ...`",
            file=sys.stderr,
        )
        return 3
    root = Path(__file__).resolve().parents[1]
    return int(
        pytest.main(["--rootdir", str(root), str(root / FOLDERS[options.category]), *others])
    )


if __name__ == "__main__":
    sys.exit(main())
