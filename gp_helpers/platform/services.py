"""How each service is put together from the components that the wiring chooses.

`build_auth`, `build_backend` and `build_model` are ASGI factories that take a JSON-able config,
`{"settings": {…}, "defects": ["auth.prefix_cache", …]}`; a host starts them by import string.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette

from gp_helpers.platform.agents.assembly import supervised
from gp_helpers.platform.agents.model_client import ModelClient
from gp_helpers.platform.agents.runner import ModelAgentRunner
from gp_helpers.platform.agents.tools import BillingTool
from gp_helpers.platform.auth.application import AuthServices, auth_application
from gp_helpers.platform.auth.passwords import Passwords
from gp_helpers.platform.auth.tokens import TokenAuthority
from gp_helpers.platform.backend.application import backend_application
from gp_helpers.platform.backend.auth_client import AuthHop
from gp_helpers.platform.backend.services import BackendServices
from gp_helpers.platform.backend.startup import Readiness
from gp_helpers.platform.backend.supervision import Supervisor
from gp_helpers.platform.backend.validation import ChainedValidator
from gp_helpers.platform.clock import Clock
from gp_helpers.platform.gateway.assembly import build_gateway
from gp_helpers.platform.model_server.application import model_application
from gp_helpers.platform.routing.desks import Desks
from gp_helpers.platform.routing.instances import InstanceDirectory, OwnAddress
from gp_helpers.platform.routing.peers import Peers
from gp_helpers.platform.routing.router import Router
from gp_helpers.platform.seams import TokenValidator
from gp_helpers.platform.service_client import ServiceClient
from gp_helpers.platform.settings import AuthSettings, BackendSettings, ModelSettings
from gp_helpers.platform.store import (
    Accounts,
    Billing,
    Conversations,
    Ledger,
    Outbox,
    Presence,
    Runs,
    Sessions,
    Store,
)
from gp_helpers.platform.wiring import Wiring

ServiceSettingsType = TypeVar("ServiceSettingsType", bound=BaseModel)


class ServiceConfig(BaseModel, Generic[ServiceSettingsType]):
    """The config of a service's factory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: ServiceSettingsType
    defects: list[str] = []
    instance_id: str | None = None
    """Set by a host that starts instances from one template; goes before the settings' own."""

    def service_settings(self) -> ServiceSettingsType:
        """The settings of this instance."""
        if self.instance_id is None:
            return self.settings
        return self.settings.model_copy(update={"instance_id": self.instance_id})


AuthConfig = ServiceConfig[AuthSettings]
BackendConfig = ServiceConfig[BackendSettings]
ModelConfig = ServiceConfig[ModelSettings]
"""Named, so that they are made once and not whenever a service starts."""


def build_auth(config: Mapping[str, Any]) -> Starlette:
    """The auth service; `settings` are `AuthSettings`."""
    parsed = AuthConfig.model_validate(config)
    settings, wiring = parsed.service_settings(), Wiring(parsed.defects)
    clock = Clock(settings.clock_offset_s)
    store = Store(settings.store)
    sessions = Sessions(store)
    return auth_application(
        AuthServices(
            settings=settings,
            clock=clock,
            store=store,
            accounts=Accounts(store),
            sessions=sessions,
            passwords=Passwords(settings.passwords),
            tokens=TokenAuthority(settings, clock),
            revocations=wiring.component("revocation_list")(sessions, clock),
            lifetime=wiring.component("token_lifetime")(settings),
        )
    )


def build_backend(config: Mapping[str, Any]) -> Starlette:
    """A backend instance; `settings` are `BackendSettings`."""
    parsed = BackendConfig.model_validate(config)
    settings, wiring = parsed.service_settings(), Wiring(parsed.defects)
    clock = Clock(settings.clock_offset_s)
    http = ServiceClient()
    store = Store(settings.store)
    accounts = Accounts(store)
    billing = Billing(store, accounts)
    conversations = Conversations(store)
    agent_router = wiring.component("agent_router")(Router())
    desks = Desks()
    address = OwnAddress()
    directory = InstanceDirectory(store, settings.instance_id, address)
    model = ModelClient(http, settings, clock)
    auth_hop = AuthHop(http, settings, clock)
    auth_client = wiring.component("auth_client")(auth_hop, clock)
    time_rules = wiring.component("token_time_rules")(settings, clock)
    refusal_cache = wiring.component("refusal_cache")(clock)
    identity_cache = wiring.component("identity_cache")(clock)

    followers = wiring.component("run_followers")()

    def chain(reader_seam: str) -> TokenValidator:
        return ChainedValidator(
            time_rules=time_rules,
            refusal_cache=refusal_cache,
            identity_cache=identity_cache,
            auth_client=auth_client,
            reply_reader=wiring.component(reader_seam)(),
        )

    services = BackendServices(
        settings=settings,
        clock=clock,
        http=http,
        supervisor=Supervisor(),
        readiness=Readiness(("store", "auth", "model", "event_manager", "address")),
        store=store,
        accounts=accounts,
        billing=billing,
        conversations=conversations,
        outbox=Outbox(store),
        presence=Presence(store),
        ledger=Ledger(store),
        auth_client=auth_client,
        threads_validator=chain("threads_reply_reader"),
        chat_validator=chain("chat_reply_reader"),
        gateway_validator=wiring.component("gateway_validator")(
            chain("gateway_reply_reader"), settings, clock
        ),
        gateway_fallback=wiring.component("gateway_fallback")(),
        auth_failure_edge=wiring.component("auth_failure_edge")(),
        agent_router=agent_router,
        desks=desks,
        address=address,
        peers=Peers(http, settings, directory),
        runner=supervised(
            ModelAgentRunner(
                router=agent_router,
                delegation=wiring.component("handoff")(
                    desks, wiring.component("handoff_rules")(), settings.routing.most_handoffs
                ),
                model=wiring.component("completions")(model),
                tool=BillingTool(billing, wiring.component("billing_account")()),
                conversations=conversations,
                clock=clock,
            ),
            followers=followers,
            runs=Runs(store),
            clock=clock,
            instance_id=settings.instance_id,
            components=wiring.component,
        ),
        followers=followers,
    )
    gateway = build_gateway(services, wiring.component)
    parts = {
        "store": store.version,
        "auth": auth_hop.ready,
        "model": model.ready,
        "event_manager": gateway.start,
        "address": directory.announce,
    }
    return backend_application(services, gateway, parts)


def build_model(config: Mapping[str, Any]) -> Starlette:
    """The embedded model server; `settings` are `ModelSettings`. No defect concerns it."""
    parsed = ModelConfig.model_validate(config)
    return model_application(parsed.settings, Clock(parsed.settings.clock_offset_s))
