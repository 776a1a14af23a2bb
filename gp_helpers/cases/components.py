"""Component checks: each part of the platform alone is healthy; the plan's thesis, seen.

On every target the health endpoints; where single services can be addressed, also what each of
them does by itself: the auth service issues and validates a token, the model server completes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gp_helpers.checkers.component_checks import ACCEPTS, COMPLETES, HEALTHY, ISSUES, checks_of
from gp_helpers.history import Kind
from gp_helpers.parameters.description import Operation
from gp_helpers.targets.running import TargetKind

if TYPE_CHECKING:
    from gp_helpers.cases.trial import Trial
    from gp_helpers.targets.running import RunningTarget


def checks_on(target: RunningTarget) -> list[tuple[str, str]]:
    """Each component of a target and the check that is owed of it, as every case makes them."""
    description = target.description
    validator = next(iter(description.auth.validators), None)
    return checks_of(description.health, validator, has_model=_model_of(target) is not None)


def _model_of(target: RunningTarget) -> str | None:
    """The address of the embedded platform's model server."""
    if target.kind is not TargetKind.EMBEDDED:
        return None
    services: Mapping[str, str] = target.controls.services()
    return services.get("model")


async def check_components(trial: Trial) -> list[dict[str, Any]]:
    """Record a check of each component, and return them as rows."""
    rows = []
    for name, exchange in (await trial.client.check_health()).items():
        rows.append(
            record_component(
                trial,
                name,
                HEALTHY,
                exchange.accepted if exchange.status is not None else False,
                f"status {exchange.status}",
            )
        )
    rows.append(await _auth_alone(trial))
    model = _model_of(trial.target)
    if model is not None:
        rows.append(await _model_alone(trial, model))
    return rows


def record_component(
    trial: Trial, component: str, check: str, healthy: bool | None, detail: str
) -> dict[str, Any]:
    """Record one component check; ``healthy`` None is "could not be checked"."""
    trial.recorder.add(
        Kind.COMPONENT, "lab", component, component=component, check=check, healthy=healthy,
        detail=detail,
    )  # fmt: skip
    return {"component": component, "check": check, "healthy": healthy, "detail": detail}


async def _auth_alone(trial: Trial) -> dict[str, Any]:
    person = await trial.person("auth-check")
    description = trial.target.description.auth
    validator = next(iter(description.validators), None)
    if validator is None or person.access_token is None:
        return record_component(
            trial,
            "auth",
            ISSUES,
            person.access_token is not None,
            "logged in" if person.access_token else _no_token(trial, person.label),
        )
    decision = await trial.client.present(
        person, validator, person.access_token, about="component check"
    )
    label = trial.client.label_of(decision.identity)
    is_known = decision.identity is not None and person.user_id is not None
    return record_component(
        trial,
        validator,
        ACCEPTS,
        decision.accepted and not (is_known and label != person.label),
        f"identity {label}",
    )


def _no_token(trial: Trial, label: str) -> str:
    """That somebody has no token, and what the platform said last to whoever wanted one."""
    answers = trial.recorder.history.of(Kind.RESPONSE, actor=label)
    said = f": the last answer was {answers[-1].data['status']}" if answers else ""
    return f"no token after log-in{said}"


async def _model_alone(trial: Trial, url: str) -> dict[str, Any]:
    operation = Operation.model_validate(
        {
            "method": "POST",
            "url": f"{url}/v1/chat/completions",
            "bearer": "embedded",
            "json": {
                "model": "golden-path-embedded",
                "messages": [{"role": "user", "content": "What can I ask you?"}],
            },
        }
    )
    exchange = await trial.client.http.send("lab", operation, {}, purpose="model alone")
    return record_component(
        trial, "model", COMPLETES, bool(exchange.accepted), f"status {exchange.status}"
    )
