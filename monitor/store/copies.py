"""Which posts are copies: the earliest of those that share a duplicate key is the original, the others are copies.

"Earliest" is by (published_at, source id, post id), so the answer depends on what is stored, never on the order in
which it came. A post is a copy if it is not the earliest for any one of its keys. One write can therefore change
posts that it does not name: a late arrival that is older takes the place of the original, and a deleted original
gives its place to the next.
"""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass

from monitor.store.database import Transaction
from monitor.store.recent import Rank, RecentKeys, put_keys
from monitor.store.rows import COLUMN_LIST, StoredPost, unpack_keys


@dataclass(slots=True)
class Change:
    """One post before and after a write; None: it is not there."""

    old: StoredPost | None
    new: StoredPost | None


Changes = dict[int, Change]
"""row → what happens to it"""


def settle(tx: Transaction, recent: RecentKeys, changes: Changes, names: Mapping[int, str]) -> None:
    """Bring `post_key` up to date with `changes`, set `copy` in what is new, and add the other posts that turn.

    `names` holds the ids of the changed posts' source numbers. The changes are not yet written to the table `post`.
    """
    gone: list[tuple[int, int, int]] = []
    came: list[tuple[int, int, int]] = []
    moved: dict[int, tuple[int, ...]] = {}
    ranks: dict[int, Rank] = {}
    for row, change in changes.items():
        old, new = change.old, change.new
        if old and new and old.keys == new.keys and old.published_at == new.published_at:
            continue
        if old:
            gone.extend((key, old.published_at, row) for key in set(unpack_keys(old.keys)))
        if new:
            keys = tuple(set(unpack_keys(new.keys)))
            moved[row] = keys
            ranks[row] = (new.published_at, names[new.source], new.id, row)
            came.extend((key, new.published_at, row) for key in keys)
    if not gone and not came:
        for row in moved:  # posts without keys are nobody's copy
            _turn(changes, row, copy=False)
        return

    before = earliest(tx, recent, {key for key, _, _ in (*gone, *came)})
    tx.many("DELETE FROM post_key WHERE key = ? AND published_at = ? AND post = ?", gone)
    after = dict(before)
    for key in {key for key, _, _ in gone}:
        after.pop(key, None)
    # Whoever is left of keys that lost a post has to be looked up; the rest follows from what we know.
    if gone:
        touched = {row for _, _, row in gone}
        after.update(earliest(tx, recent, {key for key, _, _ in gone}, without=touched))
    for key, _, row in came:
        rank = ranks[row]
        if key not in after or rank < after[key]:
            after[key] = rank
    # The keys of new posts follow later, see `recent`; those of posts that changed are written now.
    put_keys(tx, [entry for entry in came if changes[entry[2]].old])

    for row, keys in moved.items():
        _turn(changes, row, copy=any(after[key][3] != row for key in keys))
    losers = {rank[3] for key, rank in before.items() if key in after and after[key][3] != rank[3]}
    winners = {rank[3] for key, rank in after.items() if key not in before or before[key][3] != rank[3]}
    losers -= moved.keys()
    winners -= moved.keys() | losers
    _load(tx, changes, losers | winners)
    for row in losers:
        _turn(changes, row, copy=True)
    _recheck(tx, recent, changes, winners, after)


def earliest(
    tx: Transaction, recent: RecentKeys, keys: Collection[int], without: Container[int] = ()
) -> dict[int, Rank]:
    """key → its earliest post, for the keys that have any; not counting posts of the row numbers `without`, whose
    entries in `post_key` were deleted already."""
    found = recent.earliest(tx, keys, without)
    for key, *rank in tx.rows(tx.dialect.least_of_keys, (tx.dialect.array(list(keys)),)):
        least: Rank = tuple(rank)
        if key not in found or least < found[key]:
            found[key] = least
    return found


def _load(tx: Transaction, changes: Changes, rows: set[int]) -> None:
    missing = [row for row in rows if row not in changes]
    if missing:
        query = f"SELECT {COLUMN_LIST} FROM post AS p WHERE {tx.dialect.among('p.row', 'bigint')}"
        for values in tx.rows(query, (tx.dialect.array(missing),)):
            post = StoredPost._make(values)
            changes[post.row] = Change(post, post)


def _recheck(tx: Transaction, recent: RecentKeys, changes: Changes, winners: set[int], after: dict[int, Rank]) -> None:
    """A post that became the earliest of one key may still be a copy by another of its keys."""
    keys = {}
    for row in winners:
        new = changes[row].new
        if new:
            keys[row] = unpack_keys(new.keys)
    unknown = {key for own in keys.values() for key in own if key not in after}
    after = after | earliest(tx, recent, unknown) if unknown else after
    for row, own in keys.items():
        _turn(changes, row, copy=any(after[key][3] != row for key in own))


def _turn(changes: Changes, row: int, *, copy: bool) -> None:
    change = changes[row]
    if change.new and change.new.is_copy != copy:
        change.new = change.new._replace(is_copy=copy)
