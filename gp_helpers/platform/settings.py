"""The settings of each service: frozen, validated, JSON-able, and the only place for addresses.

They arrive as the `settings` of a factory's config (`build_auth({"settings": {…}})`); an unknown
key is an error. Every address is a setting, so that a proxy can stand at any hop.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class Settings(BaseModel):
    """Base of all settings: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(Settings):
    """Where the store is and how patient its users are."""

    url: str
    """SQLAlchemy URL: `sqlite:////abs/path.db` or `postgresql://…`, which psycopg serves."""
    schema_name: str | None = None
    """PostgreSQL schema that belongs to this platform alone; not used with SQLite."""
    busy_timeout_s: PositiveFloat = 5.0
    """How long a statement waits for a lock before the store counts as unavailable."""
    synchronous: Literal["OFF", "NORMAL", "FULL"] = "NORMAL"
    """SQLite's `synchronous` pragma; `OFF` is for trials that do not cut the power."""
    pool_size: PositiveInt = 8
    """Connections, and threads that use them, in one service."""


class ServiceSettings(Settings):
    """What every service has."""

    instance_id: str = "1"
    diagnostics_secret: str
    """The run's secret: `X-Golden-Path-Secret` of every `/internal/*` request."""
    clock_offset_s: float = 0.0
    log_path: str | None = None
    """File that the service appends its JSON log lines to; `None` logs through the root logger."""


class PasswordSettings(Settings):
    """Cost of argon2id; the defaults are argon2-cffi's, trials set it low."""

    time_cost: PositiveInt = 3
    memory_cost_kib: PositiveInt = 65536
    parallelism: PositiveInt = 4


class AuthSettings(ServiceSettings):
    """The auth service."""

    store: StoreSettings
    creates_store: bool = False
    """Whether it makes the store's schema when it starts, before anybody else uses the store."""
    jwt_secret: str = Field(min_length=32)
    issuer: str = "golden-path-auth"
    audience: str = "golden-path"
    access_lifetime_s: PositiveFloat = 900.0
    refresh_lifetime_s: PositiveFloat = 86_400.0
    session_lifetime_s: PositiveInt = 3600
    """Lifetime that the product page promises; nothing enforces it."""
    allowed_skew_s: float = Field(default=1.0, ge=0)
    passwords: PasswordSettings = PasswordSettings()
    service_credentials: dict[str, str]
    """`X-Service-ID` → `X-Service-Secret` of those who may ask `/auth/validate`."""


class GatewaySettings(Settings):
    """WebSocket connections: sizes, waits, and the timeouts that the gateway assumes around it."""

    ready_wait_s: PositiveFloat = 5.0
    """How long a handshake waits for a starting instance before it answers 503."""
    heartbeat_s: PositiveFloat = 20.0
    idle_timeout_s: PositiveFloat = 60.0
    """Idle timeout of a proxy in front, as the gateway assumes it."""
    lifetime_s: PositiveFloat = 240.0
    request_timeout_s: PositiveFloat = 300.0
    """Request timeout of the ingress, as the gateway assumes it."""
    reconnect_notice_s: PositiveFloat = 5.0
    """How long before the end of its lifetime a connection is told to reconnect."""
    resume_grace_s: PositiveFloat = 0.25
    """How long a new connection's events wait for its client to say where it stopped."""
    max_message_bytes: PositiveInt = 65_536
    misunderstood_allowed: PositiveInt = 20
    """Messages in a row that a client may send without one being understood; then 1008."""
    send_buffer: PositiveInt = 128
    """Messages that may wait to be sent on one connection; further events wait in the outbox."""
    send_timeout_s: PositiveFloat = 5.0
    """How long a client may take to accept one message; then 1013."""


class RoutingSettings(Settings):
    """The queue of an instance, hand-offs, and what instances do for each other."""

    workers: PositiveInt = 64
    """Requests that one instance works on at the same time."""
    queue_capacity: PositiveInt = 1000
    """Requests that may wait for a worker; further ones are answered with `overloaded`."""
    spill_over_at: PositiveInt = 64
    """From so many waiting requests on, another instance with fewer gets the next one."""
    most_handoffs: PositiveInt = 4
    """Hand-offs of one request; one more is answered with `handoff_limit`."""
    peer_timeout_s: PositiveFloat = 1.0
    """Time for another instance's answer."""


class BackendSettings(ServiceSettings):
    """The backend: REST, WebSocket gateway and agents."""

    store: StoreSettings
    auth_url: str
    service_id: str = "backend"
    service_secret: str
    auth_timeout_s: PositiveFloat = 5.0
    """Time for one attempt at the auth service; there are at most two."""
    auth_concurrency: PositiveInt = 16
    """Questions that one backend has for the auth service at once; others wait for their turn."""
    auth_wait_s: PositiveFloat = 10.0
    """How long a question may wait for its turn."""
    allowed_skew_s: float = Field(default=1.0, ge=0)
    jwt_secret_key: str = "golden-path-development-secret-key-not-for-production"
    """Secret for verifying tokens in this process; the auth service signs with `jwt_secret`."""
    issuer: str = "golden-path-auth"
    audience: str = "golden-path"
    model_url: str
    """Base of the OpenAI-compatible API, with its `/v1`."""
    model_api_key: str = "embedded"
    model_name: str = "golden-path-embedded"
    model_timeout_s: PositiveFloat = 10.0
    """Time for one attempt at the model server."""
    model_attempts: PositiveInt = 3
    gateway: GatewaySettings = GatewaySettings()
    routing: RoutingSettings = RoutingSettings()


class ModelSettings(ServiceSettings):
    """The embedded model server."""

    api_key: str = "embedded"
    model_name: str = "golden-path-embedded"
