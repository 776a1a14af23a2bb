"""Check again: whatever is changed in a run or a bundle is found and named; nothing else is."""

import json
import math
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gp_helpers.cases import case_class
from gp_helpers.checkers.component_checks import checks_of, checks_of_embedded
from gp_helpers.evidence import (
    DifferenceKind,
    Finalised,
    NotARunError,
    Recheck,
    bundle,
    finalise,
    recheck,
)
from gp_helpers.evidence.differences import verdict_differences
from gp_helpers.evidence.files import as_json, sha256
from gp_helpers.evidence.manifest import line_marks, root_digest
from gp_helpers.evidence.stated import in_header
from gp_helpers.history import Kind, Recorder
from gp_helpers.plan import CASES
from gp_helpers.targets.embedded_description import embedded_description
from tests.evidence.stories import CASE, OTHER, RunFolder, a_run, loaded, parameters, rewrite, tell

ROOT = Path(__file__).parents[2]
HISTORY = f"histories/{CASE}.trial.1.jsonl"


def told(found: Recheck) -> list[str]:
    return [str(one) for one in found.differences]


def test_an_untouched_run_holds_and_so_does_its_bundle(final: Finalised) -> None:
    for place in (final.path, bundle(final.path).path):
        found = recheck(place, expect=final.digest)
        assert told(found) == []
        assert (found.holds, found.digest, found.histories) == (True, final.digest, 2)
        assert found.verdicts == loaded(final.path / "verdicts.json")
        assert found.entries == 40
        [note] = found.notes
        assert note.startswith("not derived: only the manifest covers them: ")
        assert "index.html" in note
        assert "traffic.har" not in note


def test_without_a_digest_it_says_what_is_not_proven(final: Finalised) -> None:
    assert "not a forgery that is consistent in itself" in "\n".join(recheck(final.path).notes)


def test_one_changed_byte_of_any_file_is_found_and_the_file_named(final: Finalised) -> None:
    source = random.Random(5)
    for path in sorted(path for path in final.path.rglob("*") if path.is_file()):
        name = path.relative_to(final.path).as_posix()
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, source.randrange(len(whole))}:
            changed = bytearray(whole)
            changed[place] ^= 1
            path.write_bytes(changed)
            found = recheck(final.path)
            assert name in {one.file for one in found.differences}, (name, place)
        path.write_bytes(whole)
    assert recheck(final.path).holds


def test_one_changed_byte_of_a_history_is_named_with_its_line(final: Finalised) -> None:
    path = final.path / HISTORY
    whole = path.read_bytes()
    source = random.Random(7)
    for place in source.sample(range(len(whole)), 40):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        line = whole.count(b"\n", 0, place) + 1
        if whole[place] == 10 or changed[place] == 10:
            continue
        lines = {one.line for one in recheck(final.path).differences if one.file == HISTORY}
        assert str(line) in lines


def swap(at: int, other: int) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        lines[at - 1], lines[other - 1] = lines[other - 1], lines[at - 1]
        return lines

    return change


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (lambda lines: lines[:4] + lines[5:], "5", "a line was dropped here"),
        (lambda lines: lines[:4] + lines[6:], "5", "2 lines were dropped here"),
        (lambda lines: lines[:-1], "19", "a line was dropped here"),
        (lambda lines: lines[1:], "1", "a line was dropped here"),
        (swap(3, 4), "3 and 4", "these two lines were swapped"),
        (swap(2, 9), "2 and 9", "these two lines were swapped"),
        (lambda lines: [*lines[:6], lines[5], *lines[6:]], "7", "1 line(s) were added"),
        (lambda lines: [*lines[:6], "{}\n", *lines[7:]], "7", "this line was changed"),
    ],
)
def test_a_dropped_swapped_or_added_line_is_named(
    change: Callable[[list[str]], list[str]], where: str, what: str, final: Finalised
) -> None:
    rewrite(final.path / HISTORY, change)
    found = recheck(final.path)
    assert f"{HISTORY}, line {where}: {what}" in told(found)


def test_an_edited_verdict_is_named_with_what_the_histories_say(final: Finalised) -> None:
    path = final.path / "verdicts.json"
    path.write_text(path.read_text().replace('"outcome": "fail"', '"outcome": "pass"', 1))
    assert told(recheck(final.path)) == [
        "verdicts.json: changed (the same length)",
        f'verdicts.json: {CASE}: outcome is recorded as "pass", the histories say "fail"',
    ]


def made_consistent(run: Path) -> str:
    """Make the manifest fit the files again, as a forger would; returns the new digest."""
    manifest = loaded(run / "manifest.json")
    for name, stated in manifest["files"].items():
        content = (run / name).read_bytes()
        stated |= {"sha256": sha256(content), "bytes": len(content)}
        if "lines" in stated:
            stated["lines"] = line_marks(content)
    manifest["digest"] = root_digest(manifest)
    (run / "manifest.json").write_text(as_json(manifest))
    return str(manifest["digest"])


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "the outcome of a case": lambda said: said["cases"][0].update(outcome="pass", met=True),
    "a claim": lambda said: said["cases"][0]["trials"][0]["claims"][1].update(state="held"),
    "a measured value": lambda said: said["cases"][0]["trials"][0]["claims"][1].update(
        measured={"slowest_ms": 1.0}
    ),
    "a count of another type": lambda said: said["cases"][0]["success"].update(
        trials=float(said["cases"][0]["success"]["trials"])
    ),
    "yes as one": lambda said: said["cases"][0].update(met=int(said["cases"][0]["met"])),
    "no number for nothing": lambda said: said.update(partial=float("nan")),
    "a rate": lambda said: said["cases"][0]["success"].update(passed=1),
    "the seconds": lambda said: said["cases"][0].update(seconds=0.01),
    "a case left out": lambda said: said["cases"].pop(0),
    "a case added": lambda said: said["cases"].append(dict(said["cases"][0], case="auth.timing2")),
    "that it was partial": lambda said: said.update(partial="no"),
    "what was expected": lambda said: said["cases"][0]["expected"].update(findings=[]),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_verdict_that_its_histories_do_not_support_is_found_in_a_consistent_manifest(
    forgery: str, final: Finalised
) -> None:
    said = loaded(final.path / "verdicts.json")
    FORGERIES[forgery](said)
    (final.path / "verdicts.json").write_text(as_json(said))
    made_consistent(final.path)
    kinds = {one.kind for one in recheck(final.path).differences}
    assert kinds == {DifferenceKind.VERDICT}


@pytest.mark.parametrize(
    ("recorded", "derived"), [("null", math.nan), ("1.0", 1), ("true", 1), ("0.5", 0.6)]
)
def test_values_that_look_alike_are_told_apart(recorded: str, derived: float) -> None:
    said = f'{{"cases": [], "seconds": {recorded}}}'.encode()
    [found] = verdict_differences(said, {"cases": [], "seconds": derived})
    assert f"seconds is recorded as {recorded}, derived was" in str(found)
    assert not [*verdict_differences(said, {"cases": [], "seconds": json.loads(recorded)})]


@pytest.mark.parametrize("name", ["summary.md", "junit.xml", "traffic.har"])
def test_what_follows_from_the_histories_is_made_again(name: str, final: Finalised) -> None:
    path = final.path / name
    path.write_text(path.read_text().replace("4", "5", 1))
    made_consistent(final.path)
    assert told(recheck(final.path)) == [f"{name}: does not follow from the histories"]
    path.unlink()
    manifest = loaded(final.path / "manifest.json")
    manifest["files"].pop(name)
    (final.path / "manifest.json").write_text(as_json(manifest))
    made_consistent(final.path)
    assert told(recheck(final.path)) == [f"{name}: missing"]


def some_bytes_else(content: bytes) -> list[bytes]:
    at = random.Random(3).sample(range(len(content)), 40)
    return [content[:one] + bytes([content[one] ^ 1]) + content[one + 1 :] for one in at]


def test_no_part_of_the_traffic_can_be_another_in_a_consistent_manifest(final: Finalised) -> None:
    path = final.path / "traffic.har"
    content = path.read_bytes()
    head, *lines, last, tail = content.splitlines(keepends=True)
    assert len(lines) >= 3
    for other in (
        *some_bytes_else(content),
        b"".join([head, *lines[1:], last, tail]),
        b"".join([head, *lines, lines[0], last, tail]),
        b"".join([head, lines[1], lines[0], *lines[2:], last, tail]),
        head + tail,
        content + b" ",
        content[:-1],
        b"",
    ):
        path.write_bytes(other)
        made_consistent(final.path)
        assert told(recheck(final.path)) == ["traffic.har: does not follow from the histories"]
    path.write_bytes(content)
    assert recheck(final.path, expect=made_consistent(final.path)).holds


@pytest.mark.parametrize(
    "where", [(), ("files", HISTORY), ("files", HISTORY, "lines")], ids=["top", "file", "lines"]
)
def test_an_unknown_key_of_the_manifest_is_refused(
    where: tuple[str, ...], final: Finalised
) -> None:
    manifest = loaded(final.path / "manifest.json")
    place = manifest
    for key in where:
        place = place[key]
    place["approved_by"] = "somebody"
    manifest["digest"] = root_digest(manifest)
    (final.path / "manifest.json").write_text(as_json(manifest))
    [one] = told(recheck(final.path))
    assert one.startswith("manifest.json: unknown key ")
    assert "approved_by" in one


@pytest.mark.parametrize(
    "changes",
    [
        {"selected": [], "trials": "x"},
        {"workbook": "x"},
        {"ended": "x"},
        {"ended": {"reason": 3}},
        {"expected": []},
        {"expected": {CASE: "x"}},
        {"expected": {CASE: {"findings": 3}}},
        {"not_selected": "x"},
        {"selected": [["x"]]},
        {"selected": None},
        {"success_threshold": "x"},
        {"run": 3},
    ],
    ids=str,
)
def test_an_environment_of_wrong_types_is_damaged_and_no_traceback(
    changes: dict[str, Any], final: Finalised
) -> None:
    path = final.path / "environment.json"
    path.write_text(as_json(loaded(path) | changes))
    made_consistent(final.path)
    assert any(
        one.file == "environment.json" and one.kind is DifferenceKind.FILE
        for one in recheck(final.path).differences
    )


def test_a_consistent_forgery_is_found_with_the_digest_alone(final: Finalised) -> None:
    rewrite(
        final.path / HISTORY,
        lambda lines: [line.replace('"status":401,"http', '"status":200,"http') for line in lines],
    )
    forged = made_consistent(finalise(final.path).path)
    assert loaded(final.path / "verdicts.json")["cases"][0]["outcome"] == "pass"
    assert recheck(final.path).holds
    found = recheck(final.path, expect=final.digest)
    assert told(found) == [f"manifest.json: the digest is {forged}, expected was {final.digest}"]


HEADERS: dict[str, Any] = {
    "optional_claims": ["answered"],
    "thresholds": {"case_seconds": 600.0},
    "events": ["agent_completed"],
    "components": [["auth", "answers its health endpoint"]],
    "lacking": {"diagnostics": "not there"},
    "kind": "deployment",
    "concurrent_users": 1,
    "seed": 4,
    "trial": 2,
    "defects": [],
}


@pytest.mark.parametrize("key", HEADERS)
def test_a_header_that_its_parameters_do_not_state_is_named_in_a_consistent_forgery(
    key: str, final: Finalised
) -> None:
    def forge(lines: list[str]) -> list[str]:
        header = json.loads(lines[0])
        header["data"][key] = HEADERS[key]
        return [json.dumps(header, separators=(",", ":")) + "\n", *lines[1:]]

    rewrite(final.path / HISTORY, forge)
    finalise(final.path)
    [found] = recheck(final.path).differences
    assert (found.kind, found.file, found.line) == (DifferenceKind.STATED, HISTORY, "1")
    assert found.description.startswith(f"{key} is stated as ")


@pytest.mark.parametrize("key", ["events", "components"])
def test_a_header_does_not_leave_out_what_is_owed(key: str, final: Finalised) -> None:
    def forge(lines: list[str]) -> list[str]:
        header = json.loads(lines[0])
        del header["data"][key]
        return [json.dumps(header, separators=(",", ":")) + "\n", *lines[1:]]

    rewrite(final.path / HISTORY, forge)
    finalise(final.path)
    [found] = recheck(final.path).differences
    assert found.description.startswith(f"{key} is stated as null")


@pytest.mark.parametrize(
    ("stated", "is_named"),
    [
        ({}, True),
        ({"success_rate": 0.95}, True),
        ({"case_seconds": 2.0}, False),
        ({"case_seconds": 2.0, "contamination": None}, True),
        ({"case_seconds": 2.0, "urgent_seconds": 2.0}, True),
        (None, True),
    ],
)
def test_a_stricter_limit_of_the_parameters_cannot_be_left_out(
    stated: dict[str, Any] | None, is_named: bool
) -> None:
    strict = parameters(thresholds={"case_seconds": 2.0})
    header = {"thresholds": stated}
    named = [key for key, _, _ in in_header(header, CASE, "trial", 1, strict)]
    assert ("thresholds" in named) == is_named


def test_what_the_embedded_platform_owes_is_what_its_cases_check() -> None:
    for case in CASES:
        arrangement = case_class(case).arranged(parameters())
        numbers = range(1, arrangement.auth_services + 1)
        auths = ["auth"] if len(numbers) == 1 else [f"auth-{number}" for number in numbers]
        backends = [] if arrangement.cold else range(1, arrangement.backends + 1)
        description = embedded_description(
            auth_urls=dict.fromkeys(auths, "http://127.0.0.1:1"),
            backend_urls={f"backend-{number}": "http://127.0.0.1:2" for number in backends},
            ingress="http://127.0.0.1:3",
            model="http://127.0.0.1:4",
            service_secret="-",
        )
        validator = next(iter(description.auth.validators))
        owed = checks_of(description.health, validator, has_model=True)
        assert checks_of_embedded(case) == owed, case


STATEMENTS: dict[str, Any] = {
    "selected": [OTHER, CASE],
    "expected": {CASE: {"outcome": "pass", "findings": []}},
    "expectation": "none",
    "trials": 2,
    "seed": 4,
    "success_threshold": 0.1,
}


@pytest.mark.parametrize("key", STATEMENTS)
def test_an_environment_that_its_parameters_do_not_state_is_named_in_a_consistent_forgery(
    key: str, final: Finalised
) -> None:
    path = final.path / "environment.json"
    path.write_text(as_json(loaded(path) | {key: STATEMENTS[key]}))
    finalise(final.path)
    [found] = recheck(final.path).differences
    assert (found.kind, found.file) == (DifferenceKind.STATED, "environment.json")
    assert found.description.startswith(f"{key} is stated as ")


def test_a_case_that_was_left_out_is_noted_and_parameters_that_are_none_are_named(
    final: Finalised,
) -> None:
    path = final.path / "environment.json"
    whole = loaded(path)
    path.write_text(as_json(whole | {"selected": [CASE]}))
    notes = "\n".join(recheck(final.path).notes)
    assert f"selected by its parameters, and not taken: {OTHER}" in notes
    for parameters_of in (None, {"target": {"kind": "castle"}}, {"cases": ["auth.nothing"]}):
        path.write_text(as_json(whole | {"parameters": parameters_of}))
        finalise(final.path)
        [found] = told(recheck(final.path))
        assert "what it states cannot be held against its parameters" in found


@pytest.mark.parametrize("given", ["{}", "sha256:{}", " {} "])
def test_a_digest_may_be_given_in_several_ways(given: str, final: Finalised) -> None:
    assert recheck(final.path, expect=given.format(final.digest.upper())).holds
    for less in (12, 16, 63):
        assert not recheck(final.path, expect=given.format(final.digest[:less])).holds
    assert not recheck(final.path, expect="").holds


def test_the_digest_can_be_computed_by_hand_as_the_documentation_says(final: Finalised) -> None:
    text = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    by_hand = text.partition("```python\n")[2].partition("```")[0]
    ran = subprocess.run(
        [sys.executable, "-c", by_hand], capture_output=True, text=True, timeout=60, cwd=final.path
    )
    assert ran.stdout.strip() == final.digest, ran.stderr


STRAYS = {
    f"{CASE}.trial.01.jsonl": "does not name a case",
    f"{CASE}.trial.0.jsonl": "does not name a case",
    f"{CASE}.trial.\N{SUPERSCRIPT TWO}.jsonl": "does not name a case",
    f"{CASE}.trial.1.jsonl.txt": "does not name a case",
    "auth.nothing.trial.1.jsonl": "does not name a case",
    f"more/{CASE}.trial.1.jsonl": "does not name a case",
    f"{CASE}.contrast.7.jsonl": "the contrast of no trial",
    f"{OTHER}.contrast.2.jsonl": "the contrast of no trial",
    "journey.login_to_answer.contrast.1.jsonl": (
        "its parameters do not select journey.login_to_answer"
    ),
    "journey.login_to_answer.trial.1.jsonl": "its parameters do not select journey.login_to_answer",
}


@pytest.mark.parametrize("name", STRAYS)
def test_a_history_of_no_trial_that_was_to_be_made_is_named_in_a_consistent_forgery(
    name: str, final: Finalised
) -> None:
    stray = final.path / "histories" / name
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("garbage\n")
    finalise(final.path)
    assert f"histories/{name}: {STRAYS[name]}" in told(recheck(final.path))


ALONE = {
    "started": "2020-01-01T00:00:00+00:00",
    "workbook": {"version": "0.9"},
    "python": "Other 9",
    "platform": {},
    "packages": {"httpx": "0.1"},
}


@pytest.mark.parametrize("key", ALONE)
def test_what_an_environment_states_alone_is_said_to_be_covered_by_the_manifest_alone(
    key: str, final: Finalised
) -> None:
    path = final.path / "environment.json"
    path.write_text(as_json(loaded(path) | {key: ALONE[key]}))
    forged = finalise(final.path)
    found = recheck(forged.path)
    assert told(found) == []
    [note] = [note for note in found.notes if note.startswith("not derived")]
    assert key in note.partition("environment.json")[2]
    assert not recheck(forged.path, expect=final.digest).holds


def test_a_file_that_is_gone_or_new_is_named(final: Finalised) -> None:
    (final.path / "summary.md").unlink()
    (final.path / "logs" / "extra.log").write_text("x")
    assert set(told(recheck(final.path))) == {
        "summary.md: missing",
        "logs/extra.log: not in the manifest: added later",
    }


@pytest.mark.parametrize("gone", ["environment.json", "verdicts.json", "manifest.json", HISTORY])
def test_what_is_missing_is_a_difference_and_no_traceback(gone: str, final: Finalised) -> None:
    (final.path / gone).unlink()
    if gone == "environment.json":
        with pytest.raises(NotARunError):
            recheck(final.path)
        return
    assert gone in {one.file for one in recheck(final.path).differences}


@pytest.mark.parametrize("name", ["environment.json", "verdicts.json", "manifest.json", HISTORY])
@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"files": 3}', b"[" * 9999]
)
def test_nonsense_in_any_file_is_a_difference_and_no_traceback(
    name: str, content: bytes, final: Finalised
) -> None:
    (final.path / name).write_bytes(content)
    assert name in {one.file for one in recheck(final.path).differences}


def test_a_run_that_was_never_finalised_can_be_judged_and_says_so(tmp_path: Path) -> None:
    found = recheck(a_run(tmp_path))
    assert "manifest.json: missing: the run was never finalised" in told(found)
    assert found.verdicts["cases"][0]["outcome"] == "fail"


@pytest.mark.parametrize("what", ["nothing", "text", "zip"])
def test_what_is_no_run_is_an_error(what: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    if what == "text":
        place.write_text("hello")
    if what == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("a", "b")
    with pytest.raises(NotARunError):
        recheck(place)


def test_damage_in_a_bundle_is_named(final: Finalised, tmp_path: Path) -> None:
    whole = bundle(final.path).path.read_bytes()
    with zipfile.ZipFile(tmp_path / "outputs" / "run-1.zip") as archive:
        start = archive.getinfo(f"run-1/{HISTORY}").header_offset + 200
    damaged = bytearray(whole)
    damaged[start] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(damaged)
    found = recheck(tmp_path / "damaged.zip")
    assert HISTORY in {one.file for one in found.differences}
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NotARunError, match="not a bundle"):
        recheck(tmp_path / "cut.zip")


def test_a_bundle_is_the_same_bytes_each_time_and_anywhere(
    final: Finalised, tmp_path: Path
) -> None:
    one = bundle(final.path, tmp_path / "one.zip").path.read_bytes()
    copied = shutil.copytree(final.path, tmp_path / "elsewhere" / "renamed")
    assert bundle(copied, tmp_path / "other.zip").path.read_bytes() == one
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.testzip() is None
        assert {name.split("/")[0] for name in archive.namelist()} == {"run-1"}
        assert all(info.date_time == (1980, 1, 1, 0, 0, 0) for info in archive.infolist())


OFFLINE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"httpx", "websockets", "starlette", "uvicorn", "sqlalchemy"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import socket
socket.socket.connect = None
from pathlib import Path
from gp_helpers.evidence import recheck
found = recheck(Path(sys.argv[1]), expect=sys.argv[2])
print(found.holds, [case["outcome"] for case in found.verdicts["cases"]], *found.differences)
"""


def test_it_works_with_the_network_and_the_platforms_libraries_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the suites' own checks, which the other process has too
    final = finalise(a_run(tmp_path))
    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(final.path), final.digest],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    outcomes = [case["outcome"] for case in final.verdicts["cases"]]
    assert ran.stdout.strip() == f"True {outcomes}", ran.stderr
    assert "pass" not in outcomes


def test_a_long_history_is_checked_in_seconds_and_a_changed_line_is_found(tmp_path: Path) -> None:
    def long(recorder: Recorder) -> None:
        for number in range(50_000):
            recorder.add(Kind.READING, "lab", "backend", in_flight=number % 7)

    with RunFolder.create(
        tmp_path, parameters(cases=[CASE]), environment="e", run_id="long"
    ) as run:
        path = tell(run, more=long)
    final = finalise(run.path)
    found = recheck(final.path, expect=final.digest)
    assert (found.holds, found.entries) == (True, 50_019)
    assert found.seconds < 20
    rewrite(
        path, lambda lines: [*lines[:40_000], lines[40_000].replace("in", "on"), *lines[40_001:]]
    )
    places = [one.line for one in recheck(final.path).differences if one.line]
    assert places == ["40000 to 40002", "40001"]


def test_other_contrasts_than_the_trials_are_checked_too(final: Finalised) -> None:
    name = f"histories/{CASE}.contrast.1.jsonl"
    rewrite(final.path / name, lambda lines: lines[:2] + lines[3:])
    assert f"{name}, line 3: entry 3 stands where 2 belongs" in told(recheck(final.path))
