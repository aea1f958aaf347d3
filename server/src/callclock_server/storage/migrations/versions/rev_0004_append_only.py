"""The ledger and the event log take rows and give none back; a session outlives its call.

Revision ID: 0004
Revises: 0003

Foreign keys that delete with the call or the session go, or refuse. On SQLite that means to copy the tables,
which is safe here: `migrate` switches foreign keys off and checks them in the end.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = ("ledger", "events")

_FUNCTION = """
CREATE FUNCTION callclock_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the table % is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
"""
_TRIGGER = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION callclock_append_only()
"""
# Also in a session that plays back another server's changes, where triggers are usually off.
_ALWAYS = "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only"

_SQLITE_TRIGGER = """
CREATE TRIGGER {table}_no_{deed} BEFORE {deed} ON {table}
BEGIN SELECT RAISE(ABORT, 'the table {table} is append-only'); END
"""
# INSERT OR REPLACE deletes without a trigger of deletion: a row that would take another's place is refused.
_SQLITE_REPLACE = """
CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken}
BEGIN SELECT RAISE(ABORT, 'the table {table} is append-only'); END
"""
_KEYS = {
    "ledger": (("position",), ("id",), ("session_id", "idempotency_key")),
    "events": (("position",), ("cid", "id")),
}


def upgrade() -> None:
    """Let what is evidence outlive the call, then close the two tables."""
    op.add_column("sessions", sa.Column("call_deleted_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_constraint("fk_sessions_cid", type_="foreignkey")
    with op.batch_alter_table("participants") as participants:
        participants.drop_constraint("fk_participants_session_id", type_="foreignkey")
        participants.create_foreign_key("fk_participants_session_id", "sessions", ["session_id"], ["id"])
    with op.batch_alter_table("ledger") as ledger:
        ledger.drop_constraint("fk_ledger_cid", type_="foreignkey")
        ledger.drop_constraint("fk_ledger_session_id", type_="foreignkey")
        ledger.create_foreign_key("fk_ledger_session_id", "sessions", ["session_id"], ["id"])
        ledger.drop_constraint("uq_ledger_cid_idempotency_key", type_="unique")
        ledger.create_unique_constraint(
            "uq_ledger_session_id_idempotency_key", ["session_id", "idempotency_key"]
        )
        ledger.create_index("ix_ledger_cid_idempotency_key", ["cid", "idempotency_key"])
    if op.get_bind().dialect.name == "postgresql":
        _close_on_postgresql()
    else:
        _close_on_sqlite()


def _close_on_postgresql() -> None:
    op.execute(_FUNCTION)
    for table in _TABLES:
        op.execute(_TRIGGER.format(table=table))
        op.execute(_ALWAYS.format(table=table))


def _close_on_sqlite() -> None:
    for table in _TABLES:
        for deed in ("update", "delete"):
            op.execute(_SQLITE_TRIGGER.format(table=table, deed=deed))
        op.execute(_SQLITE_REPLACE.format(table=table, taken=" OR ".join(map(_taken(table), _KEYS[table]))))


def _taken(table: str) -> Callable[[tuple[str, ...]], str]:
    """How to ask whether a new row's key is another row's."""

    def ask(key: tuple[str, ...]) -> str:
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        return f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names of our own

    return ask
