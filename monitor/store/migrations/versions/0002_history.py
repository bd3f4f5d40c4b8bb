"""Events and the history of verdicts; visits are counted by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", ROW, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("event_by_kind", "event", ["kind", "id"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("cutoff", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("claim", "number"),
    )
    op.create_index("visit_by_time", "visit", ["finished", "outcome"], unique=False)
    # Sources that were tracked before events were recorded: when each began is known, what changed later is not.
    op.execute(
        "INSERT INTO event (id, at, kind, source, subject, says, detail)"
        " SELECT number, created_at, 'source_added', id, '', id || ' is tracked from now on.', '{}' FROM source"
    )
