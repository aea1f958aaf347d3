"""The tables. Portable between SQLite and PostgreSQL; `migrations/` leads every database to this state."""

from __future__ import annotations

import sqlalchemy as sa

from .types import Instant

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only under INTEGER PRIMARY KEY.
_Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _cid(*, primary_key: bool = False) -> sa.Column[str]:
    target = sa.ForeignKey("calls.cid", ondelete="CASCADE")
    return sa.Column("cid", sa.Text, target, primary_key=primary_key, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, Instant, nullable=nullable)


roles = sa.Table(
    "roles",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("built_in", sa.Boolean, nullable=False),
    _time("created_at"),
)

call_types = sa.Table(
    "call_types",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("grants", sa.JSON, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("members_only", sa.Boolean, nullable=False),
    sa.Column("built_in", sa.Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("role", sa.Text, sa.ForeignKey("roles.name"), nullable=False, index=True),
    sa.Column("image", sa.Text),
    sa.Column("custom", sa.JSON, nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("cid", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, sa.ForeignKey("call_types.name"), nullable=False, index=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("created_by_id", sa.Text, sa.ForeignKey("users.id", ondelete="SET NULL"), index=True),
    _time("created_at"),
    _time("updated_at"),
    _time("starts_at", nullable=True),
    _time("ended_at", nullable=True),
    sa.Column("ended_reason", sa.Text),
    sa.Column("settings_override", sa.JSON, nullable=False),
    sa.Column("custom", sa.JSON, nullable=False),
    sa.Column("last_event_id", sa.BigInteger, nullable=False),
    sa.Column("last_session_id", sa.Text),
    sa.Index("ix_calls_created_at_cid", "created_at", "cid"),
)

members = sa.Table(
    "members",
    metadata,
    _cid(primary_key=True),
    sa.Column(
        "user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    sa.Column("role", sa.Text, sa.ForeignKey("roles.name"), index=True),
    sa.Column("custom", sa.JSON, nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # No foreign keys to the call, here and in the ledger: what was sold outlives it.
    sa.Column("cid", sa.Text, nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    _time("started_at"),
    sa.Column("max_duration_seconds", sa.Integer),
    _time("timer_ends_at", nullable=True),
    _time("next_alarm_at", nullable=True),
    sa.Column("warning_seconds", sa.JSON, nullable=False),
    sa.Column("empty_timeout_seconds", sa.Integer, nullable=False),
    sa.Column("join_timeout_seconds", sa.Integer, nullable=False),
    sa.Column("warned_seconds", sa.Integer),
    _time("reached_at", nullable=True),
    _time("empty_since", nullable=True),
    _time("ended_at", nullable=True),
    sa.Column("ended_reason", sa.Text),
    _time("call_deleted_at", nullable=True),
    sa.Column("media_cluster", sa.Text),
    sa.Column("fair", sa.JSON(none_as_null=True)),
    sa.Index("ix_sessions_cid_started_at", "cid", "started_at"),
)
_running = sessions.c.ended_at.is_(None)
sa.Index("ix_sessions_alarm", sessions.c.next_alarm_at, sqlite_where=_running, postgresql_where=_running)
sa.Index("uq_sessions_running", sessions.c.cid, unique=True, sqlite_where=_running, postgresql_where=_running)

participants = sa.Table(
    "participants",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id"), nullable=False, index=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text, nullable=False),
    _time("accepted_at"),
    _time("joined_at", nullable=True),
    _time("left_at", nullable=True),
    _time("join_expires_at", nullable=True),
    sa.Column("connection_id", sa.Text),
    _time("lost_at", nullable=True),
    _time("grace_ends_at", nullable=True),
    sa.Column("media_sid", sa.Text),
    sa.Column("node_id", sa.Text),
    _time("waiting_since", nullable=True),
)
_open = participants.c.left_at.is_(None)
sa.Index(
    "uq_participants_slot",
    participants.c.session_id,
    participants.c.user_id,
    participants.c.device_id,
    unique=True,
    sqlite_where=_open,
    postgresql_where=_open,
)
sa.Index(
    "ix_participants_connection", participants.c.connection_id, sqlite_where=_open, postgresql_where=_open
)
_lost = _open & participants.c.lost_at.is_not(None)
sa.Index("ix_participants_lost", participants.c.connection_id, sqlite_where=_lost, postgresql_where=_lost)
_by_stream = _open & participants.c.connection_id.is_not(None)
sa.Index("ix_participants_node", participants.c.node_id, sqlite_where=_by_stream, postgresql_where=_by_stream)
sa.Index("ix_participants_user", participants.c.user_id, sqlite_where=_open, postgresql_where=_open)

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _time("started_at"),
    _time("beat_at"),
)

# One row: what tells this database from every other one.
deployment = sa.Table("deployment", metadata, sa.Column("id", sa.Text, primary_key=True))

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("position", _Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("session_id", sa.Text, sa.ForeignKey("sessions.id"), nullable=False, index=True),
    sa.Column("cid", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("by_user_id", sa.Text),
    _time("at"),
    _time("old_ends_at", nullable=True),
    _time("new_ends_at", nullable=True),
    sa.Column("seconds", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("idempotency_key", sa.Text),
    sa.UniqueConstraint("session_id", "idempotency_key"),
    sa.Index("ix_ledger_cid_idempotency_key", "cid", "idempotency_key"),
    sa.Column("details", sa.JSON(none_as_null=True)),
)

openings = sa.Table(
    "openings",
    metadata,
    _cid(primary_key=True),
    _time("opens_at"),
    sa.Index("ix_openings_opens_at", "opens_at"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("position", _Serial, primary_key=True, autoincrement=False),
    sa.Column("cid", sa.Text, nullable=False),
    sa.Column("id", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    _time("created_at"),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("cid", "id"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _Serial, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    _time("not_before"),
    sa.Column("lease_token", sa.Text),
    sa.Column("last_error", sa.Text),
    _time("created_at"),
    sa.Index("ix_outbox_due", "not_before", "id"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    _time("expires_at"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("method", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body_hash", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    _time("created_at"),
    sa.Index("ix_idempotency_created_at", "created_at"),
)
