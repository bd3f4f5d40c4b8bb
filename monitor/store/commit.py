"""One page, one transaction: posts, counts, search, copies, cells, coverage, cursor and the visit.

What is new, changed or a repeat is decided by comparing with the stored rows, inside the transaction; a write that
is tried again, or that overlaps another, therefore counts once.
"""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import orjson

from collectors.base import EMPTY, Engagement
from monitor.core.model import Post, Visit, Write
from monitor.store.clock import Clock
from monitor.store.copies import Change, Changes, settle
from monitor.store.coverage import observe
from monitor.store.database import Database, Transaction
from monitor.store.errors import NotFound
from monitor.store.keys import put
from monitor.store.label_rows import kept_corrections
from monitor.store.measures import Combo
from monitor.store.memory import Memory
from monitor.store.recent import due, fold
from monitor.store.rows import COLUMN_LIST, COLUMNS, StoredPost, clean, to_stored, unpack_keys, with_counts
from monitor.store.set_aside import put_aside
from monitor.store.tables import to_micros
from monitor.store.visits import add_visit

NO_TIMES: Mapping[int, int] = MappingProxyType({})
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_INSERT = f"INSERT INTO post ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"
_UPDATE = "UPDATE post SET {} WHERE row = ?".format(", ".join(f'"{name}" = ?' for name in COLUMNS[1:]))
_UPDATE_COUNTS = "UPDATE post SET views = ?, likes = ?, comments = ?, shares = ?, interactions = ? WHERE row = ?"
_OBSERVE_COUNTS = (
    "INSERT INTO engagement (source, post, at, views, likes, comments, shares) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (source, post, at) DO UPDATE SET views = excluded.views, likes = excluded.likes,"
    " comments = excluded.comments, shares = excluded.shares"
)


def commit(
    database: Database,
    memory: Memory,
    writes: Sequence[Write],
    *,
    visit: Visit | None = None,
    meta: Mapping[str, str | None] = EMPTY,
) -> None:
    """Some pages in one transaction, with the facts of `meta` (None: forget it) and the visit that brought them.

    Raises NotFound for a source that is not tracked, Unavailable; nothing is written then.
    """
    fresh: dict[Combo, int] = {}
    with database.write() as tx:
        clock = Clock.take(tx)
        memory.recent.catch_up(tx, clock)
        grown, moved = 0, False
        for group in _apart(writes):
            numbers = _numbers(tx, [write.source for write in group])
            changes: Changes = {}
            for write in group:
                changes |= _compare(tx, clock, write, numbers[write.source])
            names = {numbers[write.source]: write.source for write in group}
            times = {numbers[write.source]: to_micros(write.at) for write in group}
            fresh |= store_changes(tx, clock, memory, changes, names, times)
            grown += added(changes.values())
            moved |= bool(changes)
            for write in group:
                moved |= _move_source(tx, write, numbers[write.source])
                _confirm(tx, numbers[write.source], write.confirmed, times[numbers[write.source]])
                put_aside(tx, numbers[write.source], write.set_aside, times[numbers[write.source]])
        if visit is not None:
            moved |= add_visit(tx, _numbers(tx, [visit.source])[visit.source], visit)
        for key, value in meta.items():
            put(tx, key, value)
        if moved:
            clock.tick(tx, posts=grown)
    memory.cells.learn(fresh)
    if due(clock):
        fold(database)


def _apart(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Runs of writes of different sources, so that each write is compared with what the one before it left."""
    group: dict[str, Write] = {}
    for write in writes:
        if write.source in group:
            yield list(group.values())
            group = {}
        group[write.source] = write
    if group:
        yield list(group.values())


def _numbers(tx: Transaction, source_ids: Sequence[str]) -> dict[str, int]:
    if len(source_ids) == 1:
        number = tx.value("SELECT number FROM source WHERE id = ?", (source_ids[0],))
        numbers = {} if number is None else {source_ids[0]: number}
    else:
        query = f"SELECT id, number FROM source WHERE {tx.dialect.among('id', 'text')}"
        numbers = dict(tx.rows(query, (tx.dialect.array(source_ids),)))
    for source_id in source_ids:
        if source_id not in numbers:
            raise NotFound(f"source {source_id!r} is not tracked: add it before its posts")
    return numbers


def _move_source(tx: Transaction, write: Write, source: int) -> bool:
    """Coverage and cursor; True if coverage changed."""
    if write.cursor is not None:
        cursor = orjson.dumps(dict(write.cursor), default=dict).decode()
        tx.run("UPDATE source SET cursor = ? WHERE number = ?", (cursor, source))
    return write.observed is not None and observe(tx, source, write.observed)


def _compare(tx: Transaction, clock: Clock, write: Write, source: int) -> Changes:
    """What differs from the stored rows."""
    deleted = {clean(post_id) for post_id in write.deleted}
    deleted |= _beginning_with(tx, source, write.deleted_prefixes)
    posts = {clean(post.id): post for post in write.posts}
    counts = {clean(post_id): told for post_id, told in write.engagement.items()}
    stored = stored_by_id(tx, source, {*posts, *counts, *deleted})
    changes: Changes = {}
    for post_id, post in posts.items():
        if post_id in deleted:
            continue
        old = stored.get(post_id)
        if old is None:
            clock.last_post += 1
            changes[clock.last_post] = Change(None, to_stored(post, clock.last_post, source))
        else:
            new = _edited(old, post)
            if new != old:
                changes[old.row] = Change(old, new)
    rows = {change.new.id: row for row, change in changes.items() if change.new} if counts else {}
    for post_id, told in counts.items():
        _recount(changes, stored.get(post_id), rows.get(post_id), told)
    for post_id in deleted:
        if post_id in stored:
            changes[stored[post_id].row] = Change(stored[post_id], None)
    return {row: change for row, change in changes.items() if change.old != change.new}


def _beginning_with(tx: Transaction, source: int, prefixes: Iterable[str]) -> set[str]:
    """Native ids of a source that begin with one of these. Reads the source's ids once for each length of prefix; a
    range would use the index, but the order of text differs between databases."""
    by_length: dict[int, list[str]] = {}
    for prefix in filter(None, map(clean, prefixes)):
        by_length.setdefault(len(prefix), []).append(prefix)
    found: set[str] = set()
    for length, members in by_length.items():
        query = f"SELECT id FROM post WHERE source = ? AND {tx.dialect.among(f'substr(id, 1, {length})', 'text')}"
        found.update(row[0] for row in tx.rows(query, (source, tx.dialect.array(members))))
    return found


def _edited(old: StoredPost, post: Post) -> StoredPost:
    """The new state of a known post. When it was first seen stays, and so does a date that is no longer told."""
    new = to_stored(post, old.row, old.source)._replace(seen_at=old.seen_at, is_copy=bool(old.is_copy))
    if new.date_guessed:
        new = new._replace(published_at=old.published_at, date_guessed=bool(old.date_guessed))
    if old.forgotten and new.hash == old.hash:
        new = new._replace(forgotten=True, url=old.url, title=old.title, text=old.text)
    return kept_corrections(old, new)


def _recount(changes: Changes, old: StoredPost | None, row: int | None, told: Engagement) -> None:
    if row is not None:
        change = changes[row]
        if change.new is not None:
            change.new = with_counts(change.new, told)
    elif old is not None:
        new = with_counts(old, told)
        if new != old:
            changes[old.row] = Change(old, new)


def stored_by_id(tx: Transaction, source: int, post_ids: Collection[str]) -> dict[str, StoredPost]:
    """post id → row, for those of these posts that are stored."""
    if not post_ids:
        return {}
    query = f"SELECT {COLUMN_LIST} FROM post AS p WHERE p.source = ? AND {tx.dialect.among('p.id', 'text')}"
    rows = tx.rows(query, (source, tx.dialect.array(list(post_ids))))
    return {post.id: post for post in map(StoredPost._make, rows)}


def store_changes(
    tx: Transaction,
    clock: Clock,
    memory: Memory,
    changes: Changes,
    names: Mapping[int, str],
    times: Mapping[int, int] = NO_TIMES,
) -> dict[Combo, int]:
    """Write changes of posts, with everything that follows from them; `changes` grows by the posts of any source that
    become copies or originals. `names` are the ids of the changed posts' source numbers, `times` when their counts
    were told (microseconds; needed where counts change).

    `memory.recent` must have caught up. Returns what `Cells.learn` takes after the transaction. The caller ticks the clock.
    """
    if not changes:
        return {}
    settle(tx, memory.recent, changes, names)
    new = [c.new for c in changes.values() if c.old is None and c.new is not None]
    gone = [c.old for c in changes.values() if c.old is not None and c.new is None]
    edited = [(c.old, c.new) for c in changes.values() if c.old is not None and c.new is not None]
    _delete(tx, clock, gone)
    tx.many(_INSERT, list(map(tuple, new)))  # drivers bind plain tuples a third faster than named ones
    _update(tx, clock, edited)
    _observe_counts(tx, new, edited, times)
    return memory.cells.move(tx, changes.values(), clock.version + 1)


def _confirm(tx: Transaction, source: int, post_ids: Collection[str], at: int) -> None:
    """Those of these posts that are still stored were there at this time (microseconds)."""
    rows = [(source, post.row, at) for post in stored_by_id(tx, source, set(post_ids)).values()]
    tx.many(
        "INSERT INTO confirmed (source, post, at) VALUES (?, ?, ?)"
        " ON CONFLICT (source, post) DO UPDATE SET at = excluded.at",
        rows,
    )


def _delete(tx: Transaction, clock: Clock, posts: Sequence[StoredPost]) -> None:
    if posts:
        tx.dialect.unindex(tx, [(post.row, post.title, post.text) for post in posts if post.row <= clock.searchable])
        tx.many("DELETE FROM post WHERE row = ?", [(post.row,) for post in posts])
        tx.many("DELETE FROM engagement WHERE source = ? AND post = ?", [(post.source, post.row) for post in posts])
        tx.many("DELETE FROM confirmed WHERE source = ? AND post = ?", [(post.source, post.row) for post in posts])
        tx.many("DELETE FROM label WHERE source = ? AND post = ?", [(post.source, post.row) for post in posts])


def _update(tx: Transaction, clock: Clock, edited: Iterable[tuple[StoredPost, StoredPost]]) -> None:
    whole, counts, texts = [], [], []
    for old, new in edited:
        if old == new:
            continue
        if new.row <= clock.searchable and (old.title != new.title or old.text != new.text):
            texts.append((old, new))
        told = (new.views, new.likes, new.comments, new.shares, new.interactions)
        if old == new._replace(
            views=old.views,
            likes=old.likes,
            comments=old.comments,
            shares=old.shares,
            interactions=old.interactions,
        ):
            counts.append((*told, new.row))
        else:
            whole.append((*new[1:], new.row))
    tx.dialect.unindex(tx, [(old.row, old.title, old.text) for old, _ in texts])
    tx.many(_UPDATE, whole)
    tx.many(_UPDATE_COUNTS, counts)
    tx.dialect.index(tx, [(new.row, new.title, new.text) for _, new in texts])


def _observe_counts(
    tx: Transaction,
    new: Sequence[StoredPost],
    edited: Iterable[tuple[StoredPost, StoredPost]],
    times: Mapping[int, int],
) -> None:
    seen = [
        (post.source, post.row, times[post.source], post.views, post.likes, post.comments, post.shares)
        for post in new
        if post.interactions >= 0 or post.views is not None
    ]
    for old, post in edited:
        told = (post.views, post.likes, post.comments, post.shares)
        if told != (old.views, old.likes, old.comments, old.shares):
            seen.append((post.source, post.row, times[post.source], *told))
    tx.many(_OBSERVE_COUNTS, seen)


def added(changes: Iterable[Change]) -> int:
    """By how many the number of posts grows."""
    return sum((change.new is not None) - (change.old is not None) for change in changes)


def keys_of(posts: Iterable[StoredPost]) -> list[tuple[int, int, int]]:
    """Rows of `post_key` for these posts."""
    return [(key, post.published_at, post.row) for post in posts for key in set(unpack_keys(post.keys))]
