"""Values of a parameter file that YAML lets through, and that nobody meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gp_helpers.parameters import ParameterError, load, validate
from gp_helpers.plan import THRESHOLDS
from tests.support.repository import ROOT


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError) as wrong:
        load(str(path))
    assert wrong.value.source == str(path)
    return wrong.value.problems


def underlined(text: str) -> bool:
    """Whether an editor that knows the schema objects."""
    schema = json.loads((ROOT / "docs/parameters.schema.json").read_text())
    return not Draft202012Validator(schema).is_valid(yaml.safe_load(text))


def test_a_key_that_is_stated_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    text = "trials: 1\ntarget:\n  kind: embedded\n  kind: asgi\ncases: [{a: 1, a: 2}]\ntrials: 2\n"
    assert problems(tmp_path, text) == [
        "line 4: target.kind: stated on line 3 already",
        "line 5: cases.0.a: stated on line 5 already",
        "line 6: trials: stated on line 1 already",
    ]


def test_what_an_alias_repeats_is_told_once(tmp_path: Path) -> None:
    text = "cases: [&one {a: 1, a: 2}, *one]\nthresholds: &all {case_seconds: *all}\n"
    assert problems(tmp_path, text) == ["line 1: cases.0.a: stated on line 1 already"]


def test_an_alias_states_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("cases: &all [auth]\nthresholds: {case_seconds: 3}\n")
    assert load(str(path)).thresholds == {"case_seconds": 3.0}
    path.write_text(
        "target:\n  kind: deployment\n  limits: {}\n  auth:\n    token: {static: x}\n"
        "    validators: {a: &one {url: 'https://x'}, b: *one}\n"
    )
    assert load(str(path)).target.kind == "deployment"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
def test_a_file_that_states_nothing_is_no_environment(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == [
        "it states nothing; allowed: target, cases, expectation, trials, seed, concurrent_users, "
        "sessions, many_sessions, thresholds"
    ]
    assert underlined(text)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("trials", "true", "input should be a valid integer; found True"),
        ("trials", "2.0", "input should be a valid integer; found 2.0"),
        ("concurrent_users", "'3'", "input should be a valid integer; found '3'"),
        ("concurrent_users", "'${USERS}'", "input should be a valid integer; found '${USERS}'"),
        ("target", "{kind: embedded, time_scale: true}", "input should be a valid number"),
        ("target", "{kind: embedded, time_scale: '1'}", "input should be a valid number"),
        ("target", "{kind: embedded, time_scale: .nan}", "input should be a finite number"),
        ("thresholds", "{case_seconds: '3'}", "input should be a valid number; found '3'"),
    ],
)
def test_a_value_of_another_type_is_not_made_to_fit(
    tmp_path: Path, key: str, value: str, told: str
) -> None:
    text = f"{key}: {value}\n"
    [problem] = problems(tmp_path, text)
    assert problem.startswith(f"line 1: {key}")
    assert told in problem
    # JSON has no NaN, and JSON Schema takes 2.0 for an integer.
    assert underlined(text) or value in ("2.0", "{kind: embedded, time_scale: .nan}")


@pytest.mark.parametrize("value", ["'yes'", "1"])
def test_a_flag_is_true_or_false(tmp_path: Path, value: str) -> None:
    text = (
        "target:\n  kind: deployment\n  limits: {}\n  auth: {token: {static: x}}\n"
        f"  verify_tls: {value}\n"
    )
    [problem] = problems(tmp_path, text)
    assert problem.startswith("line 5: target.verify_tls: input should be a valid boolean; found")
    assert underlined(text)


@pytest.mark.parametrize(
    ("name", "limit", "allowed"),
    [
        ("case_seconds", -1, "more than 0"),
        ("case_seconds", 0, "more than 0"),
        ("contamination", -1, "0 or more"),
        ("success_rate", 1.01, "more than 0, at most 1"),
        ("events", 6, "more than 0, at most 5"),
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused(
    tmp_path: Path, name: str, limit: float, allowed: str
) -> None:
    text = f"thresholds:\n  load_ratio: 2\n  {name}: {limit}\n"
    assert problems(tmp_path, text) == [
        f"line 3: thresholds.{name}: no limit that makes sense: {float(limit)}; allowed: {allowed}"
    ]
    assert underlined(text)


def test_the_plans_own_limits_may_be_stated_and_no_others_exist() -> None:
    stated: dict[str, Any] = {name: one.limit for name, one in THRESHOLDS.items()}
    assert validate({"thresholds": stated}, source="test").thresholds == stated
    assert not underlined(json.dumps({"thresholds": stated}))
    assert underlined(json.dumps({"thresholds": {"case_secnds": 3}}))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="it is a folder; name a YAML file in it"):
        load(f"{tmp_path}/")
