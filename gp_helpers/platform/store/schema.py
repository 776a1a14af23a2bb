"""The tables of the store, and the version that a starting service checks."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 1

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("password_hash", String(200), nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("family", String(64), nullable=False, index=True),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    Column("revoked_at", Float),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("expires_at", Float, nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("created_at", Float, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("thread_id", String(64), ForeignKey("threads.id"), nullable=False, index=True),
    Column("owner", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("request_id", String(128)),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("owner", "request_id", "role"),
)

agent_runs = Table(
    "agent_runs",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("request_id", String(128), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("attempt", String(32), nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("done", Boolean, nullable=False),
)

billing_items = Table(
    "billing_items",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("service", String(100), nullable=False),
    Column("project", String(300), nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
)

outbox_heads = Table(
    "outbox_heads",
    metadata,
    Column("user_id", String(64), primary_key=True),
    Column("last_id", Integer, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("user_id", String(64), primary_key=True),
    Column("event_id", Integer, primary_key=True),
    Column("message", JSON, nullable=False),
)

instances = Table(
    "instances",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("url", String(300), nullable=False),
)

presence = Table(
    "presence",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("user_id", String(64), nullable=False, index=True),
    Column("instance_id", String(64), nullable=False),
    Column("connected_at", Float, nullable=False),
)

agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", String(64), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("opened_at", Float, nullable=False),
)

session_parts = Table(
    "session_parts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("session_id", String(64), ForeignKey("agent_sessions.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("made_at", Float, nullable=False),
)
