"""An index of the few participants whose event stream is counted as lost.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WHERE = sa.text("left_at IS NULL AND lost_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_participants_lost",
        "participants",
        ["connection_id"],
        sqlite_where=_WHERE,
        postgresql_where=_WHERE,
    )


def downgrade() -> None:
    op.drop_index("ix_participants_lost", table_name="participants")
