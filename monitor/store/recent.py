"""Duplicate keys of the newest posts, held in memory until they are worth writing.

Keys are random numbers: putting the six of each post into a sorted table as it comes would rewrite a page of the
database for every single key. So the table `post_key` follows some tens of thousands of posts behind, in sorted
order, and each process that writes knows the keys of the posts in between. It reads them from the posts themselves at
the start of a transaction, and takes what it remembers for a hint that is checked against the posts, so that what
other processes do meanwhile cannot mislead it. Posts whose keys or date change go to the table at once.
"""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from bisect import insort
from collections.abc import Container, Iterable

from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.rows import unpack_keys

Hint = tuple[int, int]
"""published_at, row"""
Rank = tuple[int, str, str, int]
"""published_at, source id, post id, row: the order in which posts count as earlier."""

FEWEST_FOLDED, MOST_FOLDED = 20_000, 50_000
"""Posts the table may lie behind: a twentieth of all, within these bounds."""
STRETCH = 2**62
"""Of the 2⁶⁴ keys, how many are folded at a time: a quarter of the memory for a fifth more time."""
_POSTS = "SELECT row, published_at, keys FROM post WHERE row > ? ORDER BY row"


class RecentKeys:
    """What one process knows of the posts that are not in `post_key` yet. Used in a writer's turn only."""

    def __init__(self) -> None:
        # Nearly every key has one post, and a tuple of numbers is no work for the garbage collector; lists are.
        self._hints: dict[int, Hint | list[Hint]] = {}
        self._keyed = 0
        self._seen = 0

    def catch_up(self, tx: Transaction, clock: Clock) -> None:
        """Learn the posts that were committed since; before any new row number is given out."""
        if clock.keyed != self._keyed:
            self._hints.clear()
            self._keyed = self._seen = clock.keyed
        if clock.last_post == self._seen:
            return
        hints = self._hints
        for row, published_at, packed in tx.rows(_POSTS, (self._seen,)):
            hint = (published_at, row)
            for key in set(unpack_keys(packed)):
                held = hints.get(key)
                if held is None:
                    hints[key] = hint
                elif isinstance(held, list):
                    insort(held, hint)
                else:
                    hints[key] = sorted((held, hint))
        self._seen = clock.last_post

    def earliest(self, tx: Transaction, keys: Iterable[int], without: Container[int]) -> dict[int, Rank]:
        """key → the earliest recent post that has it, not counting those of the row numbers `without`."""
        hints = self._hints
        open_keys = {key for key in keys if key in hints}
        found: dict[int, Rank] = {}
        while open_keys:
            wanted = {key: self._first(key, without) for key in open_keys}
            posts = _read(tx, {row for together in wanted.values() for _, row in together})
            for key, together in wanted.items():
                ranks = []
                for hint in together:
                    published_at, row = hint
                    post = posts.get(row)
                    if post is not None and post[0] == published_at and key in post[3]:
                        ranks.append((published_at, post[1], post[2], row))
                    else:
                        # Changed or deleted since: if it still has this key, the table says so.
                        self._drop(key, hint)
                if ranks:
                    found[key] = min(ranks)
                if ranks or not together:
                    open_keys.discard(key)
        return found

    def _drop(self, key: int, hint: Hint) -> None:
        held = self._hints[key]
        if isinstance(held, list):
            held.remove(hint)
        else:
            del self._hints[key]

    def _first(self, key: int, without: Container[int]) -> list[Hint]:
        """The earliest hints of a key, several if they are of one time."""
        held = self._hints.get(key, [])
        first: list[Hint] = []
        for hint in held if isinstance(held, list) else (held,):
            if hint[1] in without:
                continue
            if first and hint[0] != first[0][0]:
                break
            first.append(hint)
        return first


def _read(tx: Transaction, rows: set[int]) -> dict[int, tuple[int, str, str, tuple[int, ...]]]:
    """row → published_at, source id, post id, keys; for those that exist."""
    if not rows:
        return {}
    posts = tx.rows(
        "SELECT p.row, p.published_at, s.id, p.id, p.keys FROM post AS p JOIN source AS s ON s.number = p.source"
        f" WHERE {tx.dialect.among('p.row', 'bigint')}",
        (tx.dialect.array(list(rows)),),
    )
    return {
        row: (published_at, source, post_id, unpack_keys(keys)) for row, published_at, source, post_id, keys in posts
    }


def due(clock: Clock) -> bool:
    """Whether `fold` is worth its while."""
    return clock.last_post - clock.keyed > min(max(clock.posts // 20, FEWEST_FOLDED), MOST_FOLDED)


def fold(database: Database) -> None:
    """Bring `post_key` up to the newest post."""
    with database.write() as tx:
        fold_all(tx, Clock.take(tx))


def fold_all(tx: Transaction, clock: Clock) -> None:
    while clock.keyed < clock.last_post:
        to = min(clock.keyed + MOST_FOLDED, clock.last_post)
        posts = tx.rows("SELECT row, published_at, keys FROM post WHERE row > ? AND row <= ?", (clock.keyed, to))
        # One stretch of keys after the other: each page is still written once, with a part of the rows in memory
        for low in range(-(2**63), 2**63, STRETCH):
            high = low + STRETCH
            put_keys(
                tx, [(k, at, row) for row, at, packed in posts for k in set(unpack_keys(packed)) if low <= k < high]
            )
        clock.keyed = to
    clock.save(tx)


def put_keys(tx: Transaction, keys: list[tuple[int, int, int]]) -> None:
    """Rows (key, published_at, post) into the table, each page of it once; what is there stays."""
    keys.sort()
    tx.many("INSERT INTO post_key (key, published_at, post) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", keys)
