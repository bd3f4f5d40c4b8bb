"""Retention, re-tagging, repair and upkeep: work in bounded transactions beside the running service."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import add

from monitor.core.model import Post
from monitor.store.cells import Cells
from monitor.store.clock import Clock
from monitor.store.commit import added, keys_of, store_changes
from monitor.store.copies import Change, Changes
from monitor.store.database import Database, Transaction
from monitor.store.measures import MEASURES, Combo, Measures, cell_of, measures_of
from monitor.store.memory import Memory
from monitor.store.recent import fold_all, put_keys
from monitor.store.rows import COLUMN_LIST, StoredPost, to_post, to_stored
from monitor.store.search import make_searchable
from monitor.store.sources import hide_source
from monitor.store.tables import from_micros, to_micros

STEP = 1000
"""Posts of one transaction where the caller does not choose."""


def forget_text(database: Database, before: datetime, batch: int) -> int:
    """Blank title, text and address of posts published before a time; everything that counts stays.

    Works in transactions of `batch` posts and returns how many it blanked.
    """
    forgotten = 0
    while True:
        with database.write() as tx:
            searchable = Clock.take(tx).searchable
            rows = tx.rows(
                "SELECT row, title, text FROM post WHERE published_at < ? AND NOT forgotten"
                " ORDER BY published_at LIMIT ?",
                (to_micros(before), batch),
            )
            indexed = [row for row in rows if row[0] <= searchable]
            tx.dialect.unindex(tx, indexed)
            tx.many(
                "UPDATE post SET forgotten = ?, title = '', text = '', url = NULL WHERE row = ?",
                [(True, row[0]) for row in rows],
            )
            # An empty entry stays, because the text index counts one entry for every post.
            tx.dialect.index(tx, [(row[0], "", "") for row in indexed])
        forgotten += len(rows)
        if len(rows) < batch:
            return forgotten


def scan_posts(database: Database, below_version: int, after: int, limit: int) -> list[tuple[int, Post]]:
    """Posts tagged by an older version, with their row numbers, in order of these; go on after the last one.

    Posts whose text was forgotten are left out: they cannot be tagged again and keep the tags they have.
    """
    with database.read() as tx:
        names = dict(tx.rows("SELECT number, id FROM source"))
        rows = tx.rows(
            f"SELECT {COLUMN_LIST} FROM post AS p WHERE p.row > ? AND p.version < ? AND NOT p.forgotten"
            " ORDER BY p.row LIMIT ?",
            (after, below_version, limit),
        )
    return [(post.row, to_post(post, names[post.source])) for post in map(StoredPost._make, rows)]


def newest_forgotten(database: Database) -> datetime | None:
    """When the newest of the posts was published whose text was forgotten; None if there are none."""
    with database.read() as tx:
        newest = tx.value("SELECT published_at FROM post WHERE forgotten ORDER BY published_at DESC LIMIT 1")
    return None if newest is None else from_micros(newest)


def retag(database: Database, memory: Memory, rows: Sequence[tuple[int, Post]]) -> None:
    """Write new annotations (and what follows from them) of posts as `scan_posts` gave them.

    Only the annotation, words, duration, guests and evidence are taken. A post that was changed or deleted since it
    was scanned is left as it is: its new state comes from newer tagging already, or is gone.
    """
    by_source: dict[str, list[tuple[int, Post]]] = {}
    for row, post in rows:
        by_source.setdefault(post.source, []).append((row, post))
    for source_id, members in by_source.items():
        with database.write() as tx:
            clock = Clock.take(tx)
            memory.recent.catch_up(tx, clock)
            number = tx.value("SELECT number FROM source WHERE id = ?", (source_id,))
            changes = retagged(tx, number, dict(members))
            fresh = store_changes(tx, clock, memory, changes, {number: source_id})
            if changes:
                clock.tick(tx)
        memory.cells.learn(fresh)


def retagged(tx: Transaction, number: int | None, posts: dict[int, Post]) -> Changes:
    """What new annotations change, by row; see `retag`."""
    query = f"SELECT {COLUMN_LIST} FROM post AS p WHERE {tx.dialect.among('p.row', 'bigint')}"
    changes: Changes = {}
    for old in map(StoredPost._make, tx.rows(query, (tx.dialect.array(list(posts)),))):
        tagged = to_stored(posts[old.row], old.row, old.source)
        if old.source != number or (old.id, old.hash) != (tagged.id, tagged.hash) or old.forgotten:
            continue
        new = old._replace(
            version=tagged.version,
            content_type=tagged.content_type,
            subtype=tagged.subtype,
            live=tagged.live,
            sponsored=tagged.sponsored,
            audience=tagged.audience,
            language=tagged.language,
            country=tagged.country,
            topics=tagged.topics,
            sentiment=tagged.sentiment,
            keys=tagged.keys,
            reasons=tagged.reasons,
            words=tagged.words,
            duration=tagged.duration,
            guests=tagged.guests,
            evidence=tagged.evidence,
        )
        if new != old:
            changes[old.row] = Change(old, new)
    return changes


def remove_source(database: Database, memory: Memory, source_id: str, purge: bool, now: datetime) -> None:
    """Stop tracking a run-time source. With `purge` all that came from it goes too: posts (in several transactions,
    so that a purge that was cut off can be started again), cells, coverage, visits.

    Raises NotFound, OwnedByConfig.
    """
    number = hide_source(database, source_id, now, purge=purge)
    if not purge:
        return
    while True:
        with database.write() as tx:
            clock = Clock.take(tx)
            memory.recent.catch_up(tx, clock)
            query = f"SELECT {COLUMN_LIST} FROM post AS p WHERE p.source = ? LIMIT ?"
            changes: Changes = {
                post.row: Change(post, None) for post in map(StoredPost._make, tx.rows(query, (number, STEP)))
            }
            fresh = store_changes(tx, clock, memory, changes, {number: source_id})
            if not changes:
                tx.run("DELETE FROM cell WHERE source = ?", (number,))
                tx.run("DELETE FROM source WHERE number = ?", (number,))  # coverage and visits go with it
            clock.tick(tx, posts=added(changes.values()), epoch=not changes)
        memory.cells.learn(fresh)
        if not changes:
            return


def rebuild_cells(database: Database, memory: Memory) -> int:
    """Recount copies and cells from the posts alone, and correct what differs; returns how many rows were wrong.

    One transaction for the copies, then one per source; readers see the corrections like any other change.
    """
    wrong = _rebuild_copies(database)
    with database.read() as tx:
        numbers = [row[0] for row in tx.rows("SELECT number FROM source ORDER BY number")]
    for number in numbers:
        wrong += _rebuild_source(database, memory.cells, number)
    return wrong


def _rebuild_copies(database: Database) -> int:
    """Derive `post_key` and `copy` anew: going from the earliest post to the latest, one with a key that was seen
    before is a copy. Also counts the posts."""
    wrong = 0
    with database.write() as tx:
        clock = Clock.take(tx)
        names = dict(tx.rows("SELECT number, id FROM source"))
        seen: set[int] = set()
        turned: list[tuple[bool, int]] = []
        count = 0
        for _, together in groupby(_posts_by_date(tx), key=lambda post: post.published_at):
            for post in sorted(together, key=lambda post: (names[post.source], post.id)):
                keys = {key for key, _, _ in keys_of([post])}
                copy = not keys.isdisjoint(seen)
                if copy != post.is_copy:
                    turned.append((copy, post.row))
                seen |= keys
                count += 1
        tx.many("UPDATE post SET is_copy = ? WHERE row = ?", turned)
        fold_all(tx, clock)
        wrong = len(turned) + _rebuild_keys(tx) + (count != clock.posts)
        if wrong:
            clock.posts = count
            clock.tick(tx)
    return wrong


def _rebuild_keys(tx: Transaction) -> int:
    last, wrong = 0, 0
    held = int(tx.value("SELECT count(*) FROM post_key"))
    right = 0
    missing: list[tuple[int, int, int]] = []
    while posts := _chunk(tx, "p.row > ?", (last,), "p.row"):
        last = posts[-1].row
        for key in keys_of(posts):
            right += 1
            if not tx.value("SELECT 1 FROM post_key WHERE key = ? AND published_at = ? AND post = ?", key):
                missing.append(key)
    if missing or held != right:
        wrong = len(missing) + abs(held + len(missing) - right)
        tx.run("DELETE FROM post_key")
        last = 0
        while posts := _chunk(tx, "p.row > ?", (last,), "p.row"):
            last = posts[-1].row
            put_keys(tx, keys_of(posts))
    return wrong


def _rebuild_source(database: Database, cells: Cells, number: int) -> int:
    with database.write() as tx:
        clock = Clock.take(tx)
        counted: dict[tuple[int, Combo], Measures] = {}
        last = (-(2**63), 0)
        while posts := _chunk(
            tx, "p.source = ? AND (p.published_at, p.row) > (?, ?)", (number, *last), "p.published_at, p.row"
        ):
            last = (posts[-1].published_at, posts[-1].row)
            for post in posts:
                _, day, combo = cell_of(post)
                held, more = counted.get((day, combo)), measures_of(post)
                counted[day, combo] = more if held is None else tuple(map(add, held, more))
        fresh = cells.intern(tx, {combo for _, combo in counted})
        right = {(day, cells.number(combo, fresh)): measures for (day, combo), measures in counted.items()}
        stored = {
            (day, combo): tuple(measures)
            for day, combo, *measures in tx.rows(
                f"SELECT day, combo, {', '.join(MEASURES)} FROM cell WHERE source = ?", (number,)
            )
        }
        wrong = cells.correct(tx, number, stored, right, clock.version + 1)
        if wrong:
            clock.tick(tx)
    cells.learn(fresh)
    return wrong


def _posts_by_date(tx: Transaction) -> Iterator[StoredPost]:
    last = (-(2**63), 0)
    while posts := _chunk(tx, "(p.published_at, p.row) > (?, ?)", last, "p.published_at, p.row"):
        last = (posts[-1].published_at, posts[-1].row)
        yield from posts


def _chunk(tx: Transaction, where: str, values: Sequence[object], order: str) -> list[StoredPost]:
    query = f"SELECT {COLUMN_LIST} FROM post AS p WHERE {where} ORDER BY {order} LIMIT {STEP}"
    return [StoredPost._make(row) for row in tx.rows(query, values)]


def tidy(database: Database, pages: int) -> bool:
    """One bounded step of upkeep (on SQLite: new posts into the text index, merging it); True while there is more."""
    if make_searchable(database):
        return True
    with database.write() as tx:
        return tx.dialect.tidy(tx, pages)
