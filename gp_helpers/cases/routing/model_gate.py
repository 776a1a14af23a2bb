"""Holding requests at the hop to the model server: an order of events is made, not hoped for."""

from __future__ import annotations

from gp_helpers.cases.trial import Trial
from gp_helpers.faults import HttpMessage, OrderGate
from gp_helpers.targets import Hop


def hold_the_model(trial: Trial) -> OrderGate[HttpMessage]:
    """Hold every completion that is asked for from now on, until the gate is opened."""
    gate: OrderGate[HttpMessage] = OrderGate(
        hold=lambda message: message.status is None and message.method == "POST",
        until=lambda _message: False,
    )
    trial.controls.http_fault(Hop.BACKEND_MODEL).gates.append(gate)
    trial.control("hold the requests to the model server")
    return gate
