"""The run folder: exclusive, readable at every moment, with errors that name the path."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gp_helpers.checkers import Outcome
from gp_helpers.evidence import (
    EvidenceWriteError,
    NotARunError,
    RunFolder,
    RunFolderTakenError,
    finalise,
    read_run,
    recheck,
    runs_in,
)
from gp_helpers.evidence.files import write_atomically
from gp_helpers.evidence.folder import parse_history_name
from gp_helpers.evidence.reading import NOT_FINISHED
from gp_helpers.plan import CASES
from tests.evidence.stories import CASE, OTHER, a_run, loaded, parameters, tell


def create(outputs: Path, run_id: str | None = None, **more: object) -> RunFolder:
    return RunFolder.create(
        outputs,
        parameters(),
        environment="as_reported",
        run_id=run_id,
        **more,  # type: ignore[arg-type]
    )


def test_a_new_run_says_what_it_is_going_to_do(tmp_path: Path) -> None:
    with create(tmp_path / "outputs", not_selected={"journey.login_to_answer": "no model"}) as run:
        stated = loaded(run.path / "environment.json")
    assert stated["run"] == run.run_id == run.path.name
    assert stated["selected"] == [CASE, OTHER]
    assert stated["not_selected"]["journey.login_to_answer"] == "no model"
    assert stated["not_selected"]["factory.lifecycle"] == "not selected by the parameters"
    assert set(stated["selected"]) | set(stated["not_selected"]) == set(CASES)
    assert stated["expected"][CASE] == {"outcome": "fail", "findings": ["AUTH_GOOD_TOKEN_REFUSED"]}
    assert (stated["expectation"], stated["seed"], stated["ended"]) == ("reproduce", 1176, None)
    assert stated["cloud_run_rules"]["read_on"] == "2026-11-22"
    assert stated["workbook"]["revision"]["commit"]
    assert stated["packages"]["papermill"]


def test_ids_of_runs_differ_and_sort_by_time(tmp_path: Path) -> None:
    with create(tmp_path) as one, create(tmp_path) as other:
        assert one.run_id != other.run_id
        assert one.run_id[:9] <= other.run_id[:9]
        assert one.run_id.split("-")[1] == "as_reported"


@pytest.mark.parametrize("run_id", ["../x", "a/b", ".hidden", "x" * 101])
def test_an_id_that_is_no_name_is_refused(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match="a run id is"):
        create(tmp_path, run_id)
    assert list(tmp_path.iterdir()) == []


def test_secrets_in_parameters_stay_references_and_literals_go(tmp_path: Path) -> None:
    target = {
        "kind": "deployment",
        "auth": {
            "login": {
                "method": "POST",
                "url": "https://auth.example.com/login",
                "json": {"email": "{user.email}", "password": "{user.password}"},
                "headers": {"X-Service-Secret": "${SERVICE_SECRET}", "X-Api-Key": "literal-9a8b7c"},
            },
            "token": {"body": "access_token"},
            "refresh_token": "refresh_token",
        },
        "limits": {"hosts": ["auth.example.com"]},
    }
    stated = parameters(target=target, expectation="pass")
    with RunFolder.create(tmp_path, stated, environment="staging") as run:
        text = (run.path / "environment.json").read_text()
    login = loaded(run.path / "environment.json")["parameters"]["target"]["auth"]["login"]
    assert "literal-9a8b7c" not in text
    assert login["headers"]["X-Service-Secret"] == "${SERVICE_SECRET}"
    assert login["json"]["password"] == "{user.password}"
    assert '"refresh_token": "refresh_token"' in text


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with create(tmp_path, "one"), pytest.raises(RunFolderTakenError, match="holds a run already"):
        create(tmp_path, "one")
    with pytest.raises(RunFolderTakenError, match="holds a run already"):
        create(tmp_path, "one")


HOLD = """
import sys
from pathlib import Path
from gp_helpers.evidence import RunFolder
from tests.evidence.stories import parameters, tell
run = RunFolder.create(Path(sys.argv[1]), parameters(), environment="as_reported", run_id="held")
tell(run)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_run_of_another_process_is_taken_while_it_lives_and_partial_when_it_died(
    tmp_path: Path,
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        with pytest.raises(RunFolderTakenError, match=f"process {owner.pid} is still writing it"):
            create(tmp_path, "held")
        with pytest.raises(RunFolderTakenError, match=f"process {owner.pid}"):
            finalise(tmp_path / "held")
        assert not RunFolder.join(tmp_path / "held").owner_died
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    left = read_run(tmp_path / "held")
    assert not left.is_final
    assert left.verdicts["partial"] == f"{NOT_FINISHED}; not reached: {OTHER}"
    found = recheck(tmp_path / "held")
    assert f"the run is partial: {left.verdicts['partial']}" in found.notes
    run = RunFolder.join(tmp_path / "held")
    assert run.owner_died
    final = finalise(run)
    assert final.verdicts["partial"] == (
        f"the process that ran it ended without finishing it; not reached: {OTHER}"
    )
    outcomes = {case["case"]: case["outcome"] for case in final.verdicts["cases"]}
    assert outcomes == {CASE: "pass", OTHER: "inconclusive"}
    assert not run.owner_died
    assert finalise(run).digest == final.digest


def test_a_run_whose_process_died_while_it_was_finalised_says_that_it_is_partial(
    tmp_path: Path,
) -> None:
    path = a_run(tmp_path)
    finalise(path)
    assert read_run(path).verdicts["partial"] is None
    (path / "manifest.json").unlink()
    assert read_run(path).verdicts["partial"] == NOT_FINISHED
    assert f"the run is partial: {NOT_FINISHED}" in recheck(path).notes


KILLED_WHILE_MAKING_IT = """
import os, signal, sys
from pathlib import Path
from gp_helpers.evidence import RunFolder, folder
from tests.evidence.stories import parameters
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(Path if sys.argv[2] == "rename" else folder, sys.argv[2], killed)
RunFolder.create(Path(sys.argv[1]), parameters(), environment="as_reported", run_id="half")
"""


@pytest.mark.parametrize("at", ["_own", "describe", "write_atomically", "rename"])
def test_a_folder_is_seen_only_once_it_says_which_run_it_is_of(tmp_path: Path, at: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_MAKING_IT, str(tmp_path), at],
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert ran.returncode == -signal.SIGKILL
    assert not (tmp_path / "half").exists()
    assert list(runs_in(tmp_path)) == []
    with create(tmp_path, "half") as run:
        assert list(runs_in(tmp_path)) == [run.path]


def test_a_forked_child_does_not_give_the_folder_up(tmp_path: Path) -> None:
    with create(tmp_path, "forked") as run:
        child = os.fork()
        if child == 0:
            run.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert (run.path / ".owner").exists()
    assert not (run.path / ".owner").exists()


def test_a_run_that_is_finished_has_no_owner_whom_a_kill_could_end(tmp_path: Path) -> None:
    with create(tmp_path, "finished") as run:
        tell(run)
        finalise(run)
        assert not (run.path / ".owner").exists()
        assert recheck(run.path).holds


def test_a_kernel_joins_and_numbers_its_trials(tmp_path: Path) -> None:
    with create(tmp_path, "joined") as run:
        joined = RunFolder.join(run.path)
        assert joined.next_trial(CASE) == 1
        tell(joined)
        tell(joined, number=7)
        assert (joined.next_trial(CASE), joined.next_trial(OTHER)) == (8, 1)
        joined.close()
        assert (run.path / ".owner").exists()


@pytest.mark.parametrize("case", ["nonsense", "../../etc", "auth.timing/../x"])
def test_a_history_has_a_name_that_can_be_read_back(case: str, tmp_path: Path) -> None:
    with create(tmp_path, "named") as run:
        with pytest.raises(ValueError, match="does not name a history"):
            run.history_path(case, "trial", 1)
        name = run.history_path(CASE, "contrast", 12).name
    assert parse_history_name(name) == (CASE, "contrast", 12)


def test_joining_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match=r"no readable environment\.json"):
        RunFolder.join(tmp_path)
    (tmp_path / "environment.json").write_text("[]")
    with pytest.raises(NotARunError, match="does not describe a run"):
        RunFolder.join(tmp_path)


NO_PERMISSION = """
import os, sys
from pathlib import Path
from gp_helpers.evidence import RunFolder, finalise
from tests.evidence.stories import parameters
import gp_helpers.platform.defects.catalogue, gp_helpers.cloud_run.rules
os.umask(0)
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
RunFolder.create(Path(sys.argv[1]), parameters(), environment="as_reported", run_id="x")
"""


def test_no_permission_names_the_path(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    ran = subprocess.run(
        [sys.executable, "-c", NO_PERMISSION, str(locked)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert f"EvidenceWriteError: cannot write {locked / 'x'}: Permission denied" in ran.stderr


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from gp_helpers.evidence import EvidenceWriteError, finalise
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))
try:
    finalise(Path(sys.argv[1]))
except EvidenceWriteError as error:
    print(error)
"""


def test_without_room_what_was_recorded_stays_and_can_be_finalised_later(tmp_path: Path) -> None:
    path = a_run(tmp_path)
    before = {file: file.read_bytes() for file in (path / "histories").iterdir()}
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout.startswith(f"cannot write {path}/"), ran.stderr
    assert "File too large" in ran.stdout
    assert {file: file.read_bytes() for file in (path / "histories").iterdir()} == before
    assert not (path / "manifest.json").exists()
    assert list(path.rglob("*.tmp")) == []
    assert finalise(path).verdicts["cases"][0]["outcome"] == "fail"


def test_an_atomic_write_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomically(target, "old")
    (tmp_path / "blocked").mkdir()
    with pytest.raises(EvidenceWriteError, match="blocked"):
        write_atomically(tmp_path / "blocked", "a folder stands there")
    write_atomically(target, "new")
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocked", "file"]


def test_what_was_stated_counts_only_where_there_is_no_history(tmp_path: Path) -> None:
    with create(tmp_path, "stated") as run:
        tell(run, CASE, status=500)
        run.record_case(CASE, Outcome.PASS, "looked fine")
        run.record_case(OTHER, Outcome.ERROR, "the platform did not start")
    cases = {case["case"]: case for case in finalise(run.path).verdicts["cases"]}
    assert (cases[CASE]["outcome"], cases[CASE]["findings"]) == ("fail", ["NOT_ANSWERED"])
    assert (cases[OTHER]["outcome"], cases[OTHER]["reason"]) == (
        "error",
        "the platform did not start",
    )


def test_a_pass_that_no_history_supports_is_inconclusive(tmp_path: Path) -> None:
    with create(tmp_path, "claimed") as run:
        run.record_case(CASE, Outcome.PASS, "trust me")
    case = finalise(run.path).verdicts["cases"][0]
    assert (case["outcome"], case["reason"]) == (
        "inconclusive",
        "stated as pass, and no history supports it",
    )
