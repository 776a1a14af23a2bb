"""The rules are dated and have a test each; settings keep to their limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gp_helpers.cloud_run import RULES, HttpProbe, RevisionSettings, TcpProbe


def test_every_rule_is_dated_and_cites_its_page() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", rule.read_on)
        assert rule.citation.startswith("https://cloud.google.com/run/docs/")
        assert rule.statement


def test_what_could_not_be_verified_says_why() -> None:
    unverified = {rule.id for rule in RULES if not rule.verified}
    assert "front_proxy_idle_timeout" in unverified
    assert all(rule.reason for rule in RULES if not rule.verified)


def test_every_rule_has_a_conformance_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_rules_*.py"))
    names = set(re.findall(r"def (test_\w+)", tests))
    for rule in RULES:
        assert any(name.startswith(f"test_{rule.id}_") for name in names), rule.id


def test_defaults_are_those_of_cloud_run() -> None:
    settings = RevisionSettings()
    assert (settings.request_timeout_s, settings.concurrency) == (300, 80)
    assert (settings.queue_timeout_floor_s, settings.queue_timeout_factor) == (10, 3.5)
    assert (settings.shutdown_grace_s, settings.idle_instance_s) == (10, 900)
    assert settings.startup_probe == TcpProbe()
    assert settings.idle_timeout_s is None


def test_settings_survive_json() -> None:
    settings = RevisionSettings(startup_probe=HttpProbe("/ready"), idle_timeout_s=3, concurrency=5)
    assert RevisionSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"request_timeout_s": 3601}, "request_timeout_s must be from 0 to 3600.0, not 3601"),
        ({"concurrency": 1001}, "concurrency must be from 1 to 1000.0, not 1001"),
        ({"concurrency": 0}, "concurrency"),
        ({"min_instances": 3, "max_instances": 2}, "min_instances must be from 0 to 2, not 3"),
        ({"time_scale": 0}, "time_scale must be above 0"),
        ({"requst_timeout_s": 1}, "unknown settings: requst_timeout_s; known: "),
    ],
)
def test_values_outside_the_limits_are_errors(values: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        RevisionSettings.from_json(values)
