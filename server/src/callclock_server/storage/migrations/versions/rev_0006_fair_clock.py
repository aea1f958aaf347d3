"""The clock's policies: state of a session, details of the ledger, waiting room, calls that open themselves.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("fair", sa.JSON(), nullable=True))
    op.add_column("ledger", sa.Column("details", sa.JSON(), nullable=True))
    op.add_column("participants", sa.Column("waiting_since", sa.BigInteger(), nullable=True))
    op.create_table(
        "openings",
        sa.Column("cid", sa.Text(), nullable=False),
        sa.Column("opens_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["cid"], ["calls.cid"], name=op.f("fk_openings_cid"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cid", name=op.f("pk_openings")),
    )
    op.create_index("ix_openings_opens_at", "openings", ["opens_at"])


def downgrade() -> None:
    op.drop_table("openings")
    op.drop_column("participants", "waiting_since")
    op.drop_column("ledger", "details")
    op.drop_column("sessions", "fair")
