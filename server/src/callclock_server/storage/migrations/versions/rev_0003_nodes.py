"""Nodes, whose event streams are whose, and a name of the deployment.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_WHERE = sa.text("left_at IS NULL AND connection_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )
    deployment = op.create_table(
        "deployment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.bulk_insert(deployment, [{"id": secrets.token_hex(8)}])
    op.add_column("participants", sa.Column("node_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_participants_node", "participants", ["node_id"], sqlite_where=_WHERE, postgresql_where=_WHERE
    )


def downgrade() -> None:
    op.drop_index("ix_participants_node", table_name="participants")
    op.drop_column("participants", "node_id")
    op.drop_table("deployment")
    op.drop_table("nodes")
