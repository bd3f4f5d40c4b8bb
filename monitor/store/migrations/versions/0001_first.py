"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", ROW, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "cell",
        sa.Column("id", ROW, autoincrement=False, nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("combo", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.Column("sentiment_n", sa.BigInteger(), nullable=False),
        sa.Column("sentiment_sum", sa.BigInteger(), nullable=False),
        sa.Column("sentiment_sq", sa.BigInteger(), nullable=False),
        sa.Column("positive", sa.BigInteger(), nullable=False),
        sa.Column("negative", sa.BigInteger(), nullable=False),
        sa.Column("engagement_n", sa.BigInteger(), nullable=False),
        sa.Column("engagement_log_sum", sa.BigInteger(), nullable=False),
        sa.Column("engagement_log_sq", sa.BigInteger(), nullable=False),
        sa.Column("views_n", sa.BigInteger(), nullable=False),
        sa.Column("views_sum", sa.BigInteger(), nullable=False),
        sa.Column("interactions_sum", sa.BigInteger(), nullable=False),
        sa.Column("viewed_n", sa.BigInteger(), nullable=False),
        sa.Column("viewed_interactions_sum", sa.BigInteger(), nullable=False),
        sa.Column("viewed_views_sum", sa.BigInteger(), nullable=False),
        sa.Column("words_sum", sa.BigInteger(), nullable=False),
        sa.Column("words_sq", sa.BigInteger(), nullable=False),
        sa.Column("duration_n", sa.BigInteger(), nullable=False),
        sa.Column("duration_sum", sa.BigInteger(), nullable=False),
        sa.Column("guests_n", sa.BigInteger(), nullable=False),
        sa.Column("guests_sum", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "day", "combo", name="cell_identity"),
    )
    op.create_index("cell_by_version", "cell", ["version"], unique=False)
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.Column("last_source", sa.BigInteger(), nullable=False),
        sa.Column("last_post", sa.BigInteger(), nullable=False),
        sa.Column("keyed", sa.BigInteger(), nullable=False),
        sa.Column("searchable", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "combo",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("sponsored", sa.Boolean(), nullable=False),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "engagement",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("post", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=True),
        sa.Column("likes", sa.BigInteger(), nullable=True),
        sa.Column("comments", sa.BigInteger(), nullable=True),
        sa.Column("shares", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("source", "post", "at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "post",
        sa.Column("row", ROW, autoincrement=False, nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("date_guessed", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("forgotten", sa.Boolean(), nullable=False),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("subtype", sa.Text(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("sponsored", sa.Boolean(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("sentiment", sa.Double(), nullable=True),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("guests", sa.Integer(), nullable=True),
        sa.Column("duration", sa.Double(), nullable=True),
        sa.Column("views", sa.BigInteger(), nullable=True),
        sa.Column("likes", sa.BigInteger(), nullable=True),
        sa.Column("comments", sa.BigInteger(), nullable=True),
        sa.Column("shares", sa.BigInteger(), nullable=True),
        sa.Column("interactions", sa.BigInteger(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("repairs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("row"),
        sa.UniqueConstraint("source", "id", name="post_identity"),
    )
    op.create_index("post_by_date", "post", ["published_at", "forgotten"], unique=False)
    op.create_index("post_by_interactions", "post", ["interactions"], unique=False)
    op.create_index("post_by_source", "post", ["source", "published_at"], unique=False)
    op.create_table(
        "post_key",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("post", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "published_at", "post"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collector", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("every", sa.BigInteger(), nullable=True),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("checked", sa.Boolean(), nullable=False),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("moved_from", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("last_try", sa.BigInteger(), nullable=True),
        sa.Column("last_success", sa.BigInteger(), nullable=True),
        sa.Column("last_new", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Double(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("spacing", sa.Double(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "coverage",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("gap", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "since"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "visit",
        sa.Column("id", ROW, nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("repairs", sa.Text(), nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Double(), nullable=False),
        sa.Column("spacing", sa.Double(), nullable=True),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.Column("new_url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["source.number"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("visit_source", "visit", ["source", "id"], unique=False)
    op.execute(
        "INSERT INTO clock (id, version, epoch, posts, last_source, last_post, keyed, searchable)"
        " VALUES (1, 0, 0, 0, 0, 0, 0, 0)"
    )
    if op.get_bind().dialect.name == "sqlite":
        # The text stays in `post` alone; the index holds words and places. Merging is left to `Store.tidy`, which
        # runs off the way of commits; 128 is the limit at which a commit must merge after all.
        op.execute(
            "CREATE VIRTUAL TABLE post_fts USING fts5(title, text, content='post', content_rowid='row',"
            " tokenize='unicode61 remove_diacritics 2')"
        )
        op.execute("INSERT INTO post_fts(post_fts, rank) VALUES ('automerge', 0)")
        op.execute("INSERT INTO post_fts(post_fts, rank) VALUES ('crisismerge', 128)")
    else:
        # A tsvector holds at most 1 MB; 200,000 characters are far beyond a post and safely within.
        words = "translate(title || ' ' || left(text, 200000), '-_/.@:+&''’', '          ')"
        op.execute(
            f"ALTER TABLE post ADD COLUMN search tsvector GENERATED ALWAYS AS (to_tsvector('simple', {words})) STORED"
        )
        op.execute("CREATE INDEX post_search ON post USING gin (search)")
