"""The rules of Cloud Run that the ingress emulates: a dated table with a citation each.

They were read in stored copies of Cloud Run's documentation; what those copies do not say, or what
is our own choice, is labelled as not verified, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

RULES_READ_ON = "2026-11-22"
"""The date on which every citation was read."""

_DOCS = "https://cloud.google.com/run/docs"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the runtime environment."""

    id: str
    statement: str
    values: Mapping[str, float | str]
    """Seconds carry the suffix ``_s``."""
    citation: str
    verified: bool
    reason: str = ""
    """Why it is not verified, or how far."""
    read_on: str = RULES_READ_ON


def _rule(
    rule_id: str,
    statement: str,
    values: dict[str, float | str],
    page: str,
    *,
    verified: bool = True,
    reason: str = "",
) -> Rule:
    return Rule(rule_id, statement, MappingProxyType(values), f"{_DOCS}/{page}", verified, reason)


RULES: tuple[Rule, ...] = (
    _rule(
        "request_timeout",
        "A request that is not answered within the timeout, the container's start included, ends "
        "with a 504; the instance is not terminated and may go on processing it.",
        {"default_s": 300, "most_s": 3600, "status": 504},
        "configuring/request-timeout",
    ),
    _rule(
        "websocket_timeout",
        "A WebSocket is a request and subject to the request timeout; the client has to reconnect.",
        {},
        "triggering/websockets",
        verified=False,
        reason="That the timeout applies is documented. That the connection is cut without a "
        "close frame (1006) is reported from practice, not stated by the documentation.",
    ),
    _rule(
        "concurrency",
        "An instance receives at most this many requests at the same time.",
        {"default": 80, "most": 1000},
        "about-concurrency",
        reason="80 holds for the console and for one vCPU; gcloud and Terraform set 80 a vCPU.",
    ),
    _rule(
        "queue_at_instance_limit",
        "With all instances full and no more allowed, requests wait for up to 3.5 times the "
        "average start-up time of instances, or 10 s, whichever is longer; then 429.",
        {"factor": 3.5, "floor_s": 10, "status": 429},
        "about-instance-autoscaling",
    ),
    _rule(
        "shutdown",
        "An instance that is shut down receives SIGTERM and, after 10 s, SIGKILL.",
        {"grace_s": 10},
        "container-contract",
    ),
    _rule(
        "idle_instances",
        "Instances without requests are kept for up to 15 minutes; minimum instances stay.",
        {"most_s": 900},
        "about-instance-autoscaling",
        reason="The documentation promises no exact time; here it is always the longest.",
    ),
    _rule(
        "session_affinity",
        "With session affinity a cookie of 30 days sends a client to the same instance as long as "
        "that instance lives and has room: best effort.",
        {"cookie_max_age_s": 2_592_000},
        "configuring/session-affinity",
    ),
    _rule(
        "session_affinity_cookie",
        "The name of the session affinity cookie.",
        {"name": "GAESA"},
        "configuring/session-affinity",
        verified=False,
        reason="The documentation describes the cookie without naming it.",
    ),
    _rule(
        "startup_probe",
        "An instance receives requests once its start-up probe succeeds: by default a TCP "
        "connection to its port; with an HTTP probe a status from 200 to 399. It is shut down if "
        "that takes longer than 240 s.",
        {"default": "tcp", "most_s": 240},
        "configuring/healthchecks",
    ),
    _rule(
        "scale_from_zero",
        "A request that finds no instance starts one and waits for it.",
        {},
        "about-instance-autoscaling",
        reason="The autoscaler's targets (60 % of concurrency and of CPU) are not emulated: an "
        "instance is added when the others have no room.",
    ),
    _rule(
        "bad_response",
        "A request whose instance breaks the connection or answers malformed HTTP gets a 503.",
        {"status": 503},
        "troubleshooting",
        verified=False,
        reason="From the troubleshooting page as remembered; no stored copy was found.",
    ),
    _rule(
        "failed_start",
        "A request that waits for an instance that does not start gets a 503.",
        {"status": 503},
        "troubleshooting",
        verified=False,
        reason="The documentation names no status.",
    ),
    _rule(
        "placement",
        "How requests are spread over instances with room.",
        {"here": "round robin"},
        "about-concurrency",
        verified=False,
        reason="The documentation does not say; it is a setting here.",
    ),
    _rule(
        "front_proxy_idle_timeout",
        "A connection on which nothing is sent for some time is cut.",
        {},
        "triggering/websockets",
        verified=False,
        reason="Not a rule of Cloud Run: it belongs to a proxy or load balancer in front.",
    ),
)

RULE: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in RULES})
"""The rules by id."""
