"""Puts a gateway together from a backend's services and the components at its seams."""

from __future__ import annotations

from gp_helpers.platform.backend.services import BackendServices, Components
from gp_helpers.platform.factories.building import build_sessions
from gp_helpers.platform.factories.parts import FactoryParts, Living
from gp_helpers.platform.gateway.dispatch import Dispatcher
from gp_helpers.platform.gateway.events import EventManagerParts
from gp_helpers.platform.gateway.gateway import GatewayParts, WebSocketGateway
from gp_helpers.platform.gateway.handlers import ClientHandlers
from gp_helpers.platform.gateway.intake import IntakeParts, RequestIntake
from gp_helpers.platform.gateway.keep_alive import KeepAlive
from gp_helpers.platform.gateway.readiness import ManagerSlot
from gp_helpers.platform.gateway.registry import PresenceLog
from gp_helpers.platform.gateway.roles import (
    ConnectionCleanup,
    ConnectionRegistry,
    ConnectionSetup,
    ConnectionTimeouts,
    CutHandling,
    EventDelivery,
    EventManager,
    ReadinessGate,
)
from gp_helpers.platform.gateway.setup import HandshakeIdentity
from gp_helpers.platform.gateway.totals import Totals
from gp_helpers.platform.routing.queue import WorkQueue
from gp_helpers.platform.routing.sessions import EventNotices


def build_gateway(services: BackendServices, components: Components) -> WebSocketGateway:
    """The gateway of one backend instance; `components` says what stands at each seam."""
    settings = services.settings.gateway
    totals = Totals()
    dispatcher = Dispatcher()
    slot = ManagerSlot()
    directory = components("session_directory")(services.presence, services.settings.instance_id)
    presence = PresenceLog(directory, services.clock)
    registry: ConnectionRegistry = components("connection_registry")(presence)
    notices = EventNotices(directory, services.peers, services.supervisor)
    delivery: EventDelivery = components("event_delivery")(services.outbox, registry, notices)
    cut_handling: CutHandling = components("cut_handling")(delivery)
    sessions = build_sessions(
        components,
        FactoryParts(
            runner=services.runner,
            supervisor=services.supervisor,
            ledger=services.ledger,
            living=Living(),
            clock=services.clock,
        ),
    )
    routing = services.settings.routing
    queue = WorkQueue(
        services.supervisor,
        instance_id=services.settings.instance_id,
        workers=routing.workers,
        capacity=routing.queue_capacity,
    )
    intake = RequestIntake(
        IntakeParts(
            sessions=sessions,
            runner=services.runner,
            supervisor=services.supervisor,
            delivery=delivery,
            cut_handling=cut_handling,
            totals=totals,
            identities=components("request_identity")(),
            scale=components("priority_scale")(),
            context=components("routing_context")(),
            placement=components("work_placement")(services.peers, queue, routing.spill_over_at),
            queue=queue,
            peers=services.peers,
        )
    )
    identities = HandshakeIdentity(
        services.gateway_validator, services.gateway_fallback, services.auth_failure_edge
    )
    setup: ConnectionSetup = components("connection_setup")(identities)
    timeouts: ConnectionTimeouts = components("connection_timeouts")(settings)
    gate: ReadinessGate = components("readiness_gate")(services.readiness, slot, settings)
    cleanup: ConnectionCleanup = components("connection_cleanup")(dispatcher, registry)
    manager_parts = EventManagerParts(
        registry=registry,
        delivery=delivery,
        dispatcher=dispatcher,
        handlers=ClientHandlers(delivery, intake, components("handler_binding")()),
        totals=totals,
        http=services.http,
        auth_url=services.settings.auth_url,
    )

    def make_manager() -> EventManager:
        manager: EventManager = components("event_manager")(manager_parts)
        return manager

    return WebSocketGateway(
        GatewayParts(
            settings=settings,
            clock=services.clock,
            slot=slot,
            make_manager=make_manager,
            gate=gate,
            setup=setup,
            timeouts=timeouts,
            registry=registry,
            delivery=delivery,
            dispatcher=dispatcher,
            intake=intake,
            queue=queue,
            notices=notices,
            desks=services.desks,
            sessions=sessions,
            cut_handling=cut_handling,
            cleanup=cleanup,
            keep_alive=KeepAlive(services.clock, settings.resume_grace_s),
            totals=totals,
        )
    )
