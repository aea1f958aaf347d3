"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_RUNNING: dict[str, Any] = {
    "sqlite_where": sa.text("ended_at IS NULL"),
    "postgresql_where": sa.text("ended_at IS NULL"),
}
_OPEN: dict[str, Any] = {
    "sqlite_where": sa.text("left_at IS NULL"),
    "postgresql_where": sa.text("left_at IS NULL"),
}


def upgrade() -> None:
    """Create every table."""
    _call_types()
    _events()
    _idempotency()
    _outbox()
    _roles()
    _users()
    _calls()
    _members()
    _sessions()
    _ledger()
    _participants()


def _call_types() -> None:
    op.create_table(
        "call_types",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("grants", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("members_only", sa.Boolean(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_call_types"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("position", _Serial, autoincrement=False, nullable=False),
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("cid", "id", name="uq_events_cid_id"),
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "method", "path", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _Serial, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_due", "outbox", ["not_before", "id"])


def _roles() -> None:
    op.create_table(
        "roles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("custom", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name="fk_users_role"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_role", "users", ["role"])


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("settings_override", sa.JSON(), nullable=False),
        sa.Column("custom", sa.JSON(), nullable=False),
        sa.Column("last_event_id", sa.BigInteger(), nullable=False),
        sa.Column("last_session_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name="fk_calls_created_by_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["type"], ["call_types.name"], name="fk_calls_type"),
        sa.PrimaryKeyConstraint("cid", name="pk_calls"),
    )
    op.create_index("ix_calls_created_at_cid", "calls", ["created_at", "cid"])
    op.create_index("ix_calls_created_by_id", "calls", ["created_by_id"])
    op.create_index("ix_calls_type", "calls", ["type"])


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("custom", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["cid"], ["calls.cid"], name="fk_members_cid", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name="fk_members_role"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_members_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cid", "user_id", name="pk_members"),
    )
    op.create_index("ix_members_role", "members", ["role"])
    op.create_index("ix_members_user_id", "members", ["user_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("max_duration_seconds", sa.Integer(), nullable=True),
        sa.Column("timer_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("next_alarm_at", sa.BigInteger(), nullable=True),
        sa.Column("warning_seconds", sa.JSON(), nullable=False),
        sa.Column("empty_timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("join_timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("warned_seconds", sa.Integer(), nullable=True),
        sa.Column("reached_at", sa.BigInteger(), nullable=True),
        sa.Column("empty_since", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["cid"], ["calls.cid"], name="fk_sessions_cid", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_alarm", "sessions", ["next_alarm_at"], **_RUNNING)
    op.create_index("ix_sessions_cid_started_at", "sessions", ["cid", "started_at"])
    op.create_index("uq_sessions_running", "sessions", ["cid"], unique=True, **_RUNNING)


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("position", _Serial, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("by_user_id", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("old_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("new_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["cid"], ["calls.cid"], name="fk_ledger_cid", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_ledger_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("position", name="pk_ledger"),
        sa.UniqueConstraint("cid", "idempotency_key", name="uq_ledger_cid_idempotency_key"),
        sa.UniqueConstraint("id", name="uq_ledger_id"),
    )
    op.create_index("ix_ledger_session_id", "ledger", ["session_id"])


def _participants() -> None:
    op.create_table(
        "participants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=True),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("join_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("connection_id", sa.Text(), nullable=True),
        sa.Column("lost_at", sa.BigInteger(), nullable=True),
        sa.Column("grace_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("media_sid", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_participants_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_participants"),
    )
    op.create_index("ix_participants_connection", "participants", ["connection_id"], **_OPEN)
    op.create_index("ix_participants_session_id", "participants", ["session_id"])
    op.create_index("ix_participants_user", "participants", ["user_id"], **_OPEN)
    op.create_index(
        "uq_participants_slot", "participants", ["session_id", "user_id", "device_id"], unique=True, **_OPEN
    )
