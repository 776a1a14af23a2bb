"""What several tests look at is made once, by whoever comes first, and never left half made."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.once import made_once


def test_those_who_come_at_once_get_what_one_of_them_makes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    tmp_path_factory.getbasetemp()  # which is a process's own, and made when it is first asked for
    makers: list[Path] = []

    def make(folder: Path) -> None:
        makers.append(folder)
        time.sleep(0.05)  # so that without the lock the others would begin too
        (folder / "made").write_text("whole")

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(made_once, tmp_path_factory, "at-once", make) for _ in range(4)]
    assert {(one.result() / "made").read_text() for one in asked} == {"whole"}
    assert len(makers) == 1


def test_what_could_not_be_made_is_made_anew_by_the_next(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("the plan's line did not start")

    with pytest.raises(RuntimeError, match="did not start"):
        made_once(tmp_path_factory, "anew", fail)
    folder = made_once(tmp_path_factory, "anew", lambda folder: (folder / "made").touch())
    assert [path.name for path in folder.iterdir()] == ["made"]
