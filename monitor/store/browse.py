"""Looking around in what a search found: how its latest posts are tagged, the page before, the copies of one post."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from monitor.core.model import Post
from monitor.store.database import Database
from monitor.store.rows import COLUMN_LIST, StoredPost, split, to_post, unpack_keys
from monitor.store.search import PostQuery, _filtered, _flat, _make_cursor, _order, _read_cursor, catch_up, words

LATEST = "SELECT row, keys FROM post WHERE row > (SELECT keyed FROM clock WHERE id = 1)"
"""Posts whose keys are not in `post_key` yet."""
_TAGS = ("source", "content_type", "audience", "country", "language", "topics", "live", "sponsored", "is_copy")


class Tags(NamedTuple):
    """What one post counts under."""

    source: str
    content_type: str
    audience: tuple[str, ...]
    country: str | None
    language: str | None
    topics: tuple[str, ...]
    live: bool
    sponsored: bool
    copy: bool


@dataclass(frozen=True, slots=True)
class Family:
    """The posts that share a duplicate key with one."""

    posts: tuple[Post, ...]
    """The earliest first."""
    more: bool
    """There are others."""


class Browse:
    """Reached as `Store.browse`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, query: PostQuery, most: int) -> list[Tags]:
        """The tags of the `most` posts stored last that fit the words and dates of a query, whatever its filters."""
        wanted, unwanted = words(query.q)
        if wanted or unwanted:
            catch_up(self._database)
        with self._database.read() as tx:
            select = _filtered(tx, replace(query, filters={}))
            if wanted or unwanted:
                select.add(*_flat(tx.dialect.matching(wanted, unwanted)))
            columns = ", ".join(f"p.{name}" for name in _TAGS)
            rows = tx.rows(select.text(columns, "ORDER BY p.row DESC LIMIT ?"), select.all_values(most))
            names = dict(tx.rows("SELECT number, id FROM source"))
        return [
            Tags(names[source], kind, split(audience), country, language, split(topics), *map(bool, flags))
            for source, kind, audience, country, language, topics, *flags in rows
        ]

    def before(self, query: PostQuery) -> str | None:
        """The cursor of the page before that of `query.cursor`; None if that is the first. Raises ValueError as
        `posts` does."""
        wanted, unwanted = words(query.q)
        order = _order(query, wanted)
        if query.cursor is None:
            return None
        place = _read_cursor(query, query.cursor, order)
        with self._database.read() as tx:
            select = _filtered(tx, query)
            columns, rising = ("p.published_at", "p.row"), False
            if order == "relevance":
                select.joins, select.join_values = tx.dialect.ranked(wanted)
                columns, rising = ("r.rank", "p.row"), True
                if unwanted:
                    select.add(*_flat(tx.dialect.matching((), unwanted)))
            else:
                if order == "engagement":
                    columns = ("p.interactions", "p.row")
                if wanted or unwanted:
                    select.add(*_flat(tx.dialect.matching(wanted, unwanted)))
            select.add(f"({', '.join(columns)}) {'<=' if rising else '>='} (?, ?)", *place)
            direction = "DESC" if rising else "ASC"
            tail = f"ORDER BY {', '.join(f'{column} {direction}' for column in columns)} LIMIT ?"
            rows: list[Any] = tx.rows(select.text(", ".join(columns), tail), select.all_values(query.limit + 1))
        return None if len(rows) <= query.limit else _make_cursor(query, order, list(rows[-1]))

    def family(self, post: Post, most: int) -> Family:
        """Copies and the original of a post, as far as they share a key with it; not the post itself."""
        keys = set(post.annotation.duplicate_keys)
        if not keys:
            return Family((), more=False)
        with self._database.read() as tx:
            known = tx.rows(
                f"SELECT post FROM post_key WHERE {tx.dialect.among('key', 'bigint')} ORDER BY published_at LIMIT ?",
                (tx.dialect.array(sorted(keys)), (most + 2) * len(keys)),
            )
            rows = {row[0] for row in known}
            packed = [key.to_bytes(8, "little", signed=True) for key in keys]
            for row, held in tx.run(LATEST):
                # whether any key is in it is asked of the bytes first, which is fast and errs only to one side
                if any(key in held for key in packed) and not keys.isdisjoint(unpack_keys(held)):
                    rows.add(row)
            found = tx.rows(
                f"SELECT {COLUMN_LIST} FROM post AS p WHERE {tx.dialect.among('p.row', 'bigint')}"
                " ORDER BY p.published_at, p.row LIMIT ?",
                (tx.dialect.array(sorted(rows)), most + 2),
            )
            names = dict(tx.rows("SELECT number, id FROM source"))
        posts = [to_post(one, names[one.source]) for one in map(StoredPost._make, found)]
        others = [one for one in posts if (one.source, one.id) != (post.source, post.id)]
        return Family(tuple(others[:most]), more=len(others) > most)
