"""What platforms ask of those who keep their posts: to look them up again, and to let them go in time.

A post is confirmed when it is first seen and whenever the platform is asked about it again and still has it.
"""

from __future__ import annotations

from datetime import datetime

from collectors.base import Stored
from monitor.store.clock import Clock
from monitor.store.commit import store_changes
from monitor.store.copies import Change, Changes
from monitor.store.database import Database, Transaction
from monitor.store.memory import Memory
from monitor.store.rows import COLUMN_LIST, StoredPost
from monitor.store.tables import from_micros, to_micros

_CONFIRMED = "FROM post AS p LEFT JOIN confirmed AS c ON c.source = p.source AND c.post = p.row"
_STALE = "p.source = ? AND NOT p.forgotten AND coalesce(c.at, p.seen_at) < ?"


class Duties:
    """Reached as `Store.duties`."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database = database
        self._memory = memory

    def to_review(
        self, source_id: str, *, before: datetime, published_since: datetime | None, limit: int
    ) -> list[Stored]:
        """Posts that nobody confirmed since `before`, the longest unconfirmed first; those published before
        `published_since` are left in peace."""
        since = to_micros(published_since) if published_since is not None else -(2**63)
        with self._database.read() as tx:
            rows = tx.rows(
                f"SELECT p.id, p.url, p.published_at {_CONFIRMED} WHERE {_STALE} AND p.published_at >= ?"
                " ORDER BY coalesce(c.at, p.seen_at), p.row LIMIT ?",
                (_number(tx, source_id), to_micros(before), since, limit),
            )
        return [Stored(post, url, from_micros(at)) for post, url, at in rows]

    def let_go(self, source_id: str, *, before: datetime, batch: int = 1000) -> int:
        """Forget title, text, address, author and counts of posts that nobody confirmed since `before`; what was
        counted by day and tag stays. Works in transactions of `batch` posts; returns how many were let go."""
        gone = 0
        while True:
            with self._database.write() as tx:
                clock = Clock.take(tx)
                self._memory.recent.catch_up(tx, clock)
                number = _number(tx, source_id)
                query = f"SELECT {COLUMN_LIST} {_CONFIRMED} WHERE {_STALE} LIMIT ?"
                posts = [StoredPost._make(row) for row in tx.rows(query, (number, to_micros(before), batch))]
                changes: Changes = {post.row: Change(post, _emptied(post)) for post in posts}
                tx.many("DELETE FROM engagement WHERE source = ? AND post = ?", [(number, post.row) for post in posts])
                times = {number: to_micros(before)} if number is not None else {}
                fresh = store_changes(tx, clock, self._memory, changes, {number or 0: source_id}, times)
                tx.many("DELETE FROM engagement WHERE source = ? AND post = ?", [(number, post.row) for post in posts])
                if changes:
                    clock.tick(tx)
            self._memory.cells.learn(fresh)
            gone += len(posts)
            if len(posts) < batch:
                return gone


def _emptied(post: StoredPost) -> StoredPost:
    return post._replace(
        title="", text="", url=None, author=None, forgotten=True,
        views=None, likes=None, comments=None, shares=None, interactions=-1,
    )  # fmt: skip


def _number(tx: Transaction, source_id: str) -> int | None:
    number: int | None = tx.value("SELECT number FROM source WHERE id = ?", (source_id,))
    return number
