"""Reading posts: full text, filters by dimension, pages by position."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import orjson

from monitor.core.model import UNKNOWN, Post
from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.errors import NotFound
from monitor.store.rows import COLUMN_LIST, StoredPost, to_post
from monitor.store.tables import from_micros, to_micros

Order = Literal["newest", "relevance", "engagement"]
LARGEST_PAGE = 500
LONGEST_QUERY = 64
"""Phrases of one query; more are an error, not an attack on the database."""
INDEXED_AT_ONCE = 5000
_BEHIND = "SELECT last_post - searchable FROM clock WHERE id = 1"


@dataclass(frozen=True, slots=True)
class PostQuery:
    """What to look for. Filters: within one dimension any value, across dimensions all must hold.

    Dimensions: content_type, audience, platform, country ('unknown': none), language ('unknown': none), topic
    ('none': without topics), source, and live, sponsored, copy with 'true' or 'false'.
    `q`: words that all must occur, "phrases", -exclusions; any text is allowed. Order 'relevance' without words to
    look for is 'newest'.
    """

    q: str | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: datetime | None = None
    """Inclusive, by publication."""
    until: datetime | None = None
    """Exclusive."""
    order: Order = "newest"
    cursor: str | None = None
    """`PostPage.next` of the same query."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class PostPage:
    posts: tuple[Post, ...]
    next: str | None
    """Cursor of the next page; None: this was the last."""


@dataclass(frozen=True, slots=True)
class Totals:
    posts: int
    sources: int
    """Tracked, not counting removed ones."""
    oldest: datetime | None
    newest: datetime | None
    """Of publication."""


@dataclass(slots=True)
class _Select:
    """A SELECT over `post AS p` in the making."""

    joins: str = ""
    join_values: list[Any] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        self.conditions.append(condition)
        self.values.extend(values)

    def text(self, columns: str, tail: str) -> str:
        where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        return f"SELECT {columns} FROM post AS p {self.joins}{where} {tail}"

    def all_values(self, *tail: Any) -> list[Any]:
        return [*self.join_values, *self.values, *tail]


def posts(database: Database, query: PostQuery) -> PostPage:
    """One page. Raises ValueError with a plain message for an unknown filter, order, limit or cursor."""
    if not 1 <= query.limit <= LARGEST_PAGE:
        raise ValueError(f"limit must be 1 to {LARGEST_PAGE}")
    wanted, unwanted = words(query.q)
    order = _order(query, wanted)
    after = None if query.cursor is None else _read_cursor(query, query.cursor, order)
    if wanted or unwanted:
        catch_up(database)
    with database.read() as tx:
        select = _filtered(tx, query)
        if order == "relevance":
            select.joins, select.join_values = tx.dialect.ranked(wanted)
            place, direction = ("r.rank", "p.row"), "ASC"
            if unwanted:
                select.add(*_flat(tx.dialect.matching((), unwanted)))
        else:
            place = ("p.published_at", "p.row")
            if order == "engagement":
                place = ("p.interactions", "p.row")
            direction = "DESC"
            if wanted or unwanted:
                select.add(*_flat(tx.dialect.matching(wanted, unwanted)))
        if after is not None:
            select.add(f"({', '.join(place)}) {'>' if direction == 'ASC' else '<'} (?, ?)", *after)
        tail = f"ORDER BY {', '.join(f'{part} {direction}' for part in place)} LIMIT ?"
        found = tx.rows(select.text(f"{place[0]}, {COLUMN_LIST}", tail), select.all_values(query.limit + 1))
        names = _names(tx)
    stored = [(row[0], StoredPost._make(row[1:])) for row in found[: query.limit]]
    following = None
    if len(found) > query.limit:
        value, last = stored[-1]
        following = _make_cursor(query, order, [value, last.row])
    return PostPage(tuple(to_post(post, names[post.source]) for _, post in stored), following)


def count_posts(database: Database, query: PostQuery, cap: int) -> int:
    """How many posts a query finds, counting no further than `cap`."""
    wanted, unwanted = words(query.q)
    if wanted or unwanted:
        catch_up(database)
    with database.read() as tx:
        select = _filtered(tx, query)
        if wanted or unwanted:
            select.add(*_flat(tx.dialect.matching(wanted, unwanted)))
        return int(tx.value(f"SELECT count(*) FROM ({select.text('1', 'LIMIT ?')}) AS found", select.all_values(cap)))


def post(database: Database, source_id: str, post_id: str) -> Post | None:
    with database.read() as tx:
        row = tx.row(
            f"SELECT {COLUMN_LIST} FROM post AS p JOIN source AS s ON s.number = p.source WHERE s.id = ? AND p.id = ?",
            (source_id, post_id.replace("\0", "")),
        )
    return None if row is None else to_post(StoredPost._make(row), source_id)


def history(database: Database, source_id: str, post_id: str) -> list[tuple[datetime, tuple[int | None, ...]]]:
    """The counts of a post over time: (when told, (views, likes, comments, shares)). Raises NotFound."""
    with database.read() as tx:
        place = tx.row(
            "SELECT p.source, p.row FROM post AS p JOIN source AS s ON s.number = p.source WHERE s.id = ? AND p.id = ?",
            (source_id, post_id.replace("\0", "")),
        )
        if place is None:
            raise NotFound(f"source {source_id!r} has no post {post_id!r}")
        rows = tx.rows(
            "SELECT at, views, likes, comments, shares FROM engagement WHERE source = ? AND post = ? ORDER BY at",
            tuple(place),
        )
    return [(from_micros(at), tuple(counts)) for at, *counts in rows]


def totals(database: Database) -> Totals:
    with database.read() as tx:
        count = tx.value("SELECT posts FROM clock WHERE id = 1")
        tracked = tx.value("SELECT count(*) FROM source WHERE NOT removed")
        # Two statements, because each alone is answered from the end of an index.
        oldest = tx.value("SELECT min(published_at) FROM post")
        newest = tx.value("SELECT max(published_at) FROM post")
    return Totals(
        count,
        tracked,
        None if oldest is None else from_micros(oldest),
        None if newest is None else from_micros(newest),
    )


def make_searchable(database: Database, most: int = INDEXED_AT_ONCE) -> bool:
    """Bring up to `most` new posts into the text index; False if there were none.

    On SQLite the index follows the posts, because it takes thousands at once for half the cost of a few at a time,
    and leaves less to merge. PostgreSQL keeps it in step by itself.
    """
    if not database.dialect.follows:
        return False
    with database.read() as tx:
        if not tx.value(_BEHIND):
            return False
    with database.write() as tx:
        clock = Clock.take(tx)
        to = min(clock.last_post, clock.searchable + most)
        tx.dialect.index_from(tx, clock.searchable, to)
        clock.searchable = to
        clock.save(tx)
    return True


def catch_up(database: Database) -> None:
    """Make all posts searchable, so that a search finds what was committed before it."""
    while make_searchable(database):
        pass


def words(q: str | None) -> tuple[list[str], list[str]]:
    """The phrases that must and must not occur. A phrase without a letter or digit asks for nothing."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, quoted, bare in re.findall(r'(?<!\S)(-?)(?:"([^"]*)"?|(\S+))', (q or "").replace("\0", " ")):
        # How a phrase falls into words is left to the database, which cut the texts by the same rule.
        phrase = (quoted or bare).encode("utf-8", "ignore").decode()
        if any(map(str.isalnum, phrase)):
            (unwanted if minus else wanted).append(phrase)
    if len(wanted) + len(unwanted) > LONGEST_QUERY:
        raise ValueError(f"q has more than {LONGEST_QUERY} words")
    return wanted, unwanted


_TEXT = {"content_type": "p.content_type", "country": "p.country", "language": "p.language"}
_SETS = {"audience": "p.audience", "topic": "p.topics"}
_MARKS = {"live": "p.live", "sponsored": "p.sponsored", "copy": "p.is_copy"}
_SOURCES = {"source": "id", "platform": "platform"}
FILTERS = (*_TEXT, *_SETS, *_MARKS, *_SOURCES)


def _filtered(tx: Transaction, query: PostQuery) -> _Select:
    select = _Select()
    for name, values in query.filters.items():
        if name in _TEXT:
            _text_filter(tx, select, _TEXT[name], values)
        elif name in _SETS:
            _set_filter(select, _SETS[name], values)
        elif name in _MARKS:
            if any(value not in ("true", "false") for value in values):
                raise ValueError(f"{name} must be true or false")
            wanted = {value == "true" for value in values}
            if len(wanted) == 1:
                select.add(f"{_MARKS[name]} = ?", wanted.pop())
        elif name in _SOURCES:
            chosen = tx.dialect.among(_SOURCES[name], "text")
            numbers = [
                row[0] for row in tx.rows(f"SELECT number FROM source WHERE {chosen}", (tx.dialect.array(values),))
            ]
            select.add(tx.dialect.among("p.source", "bigint"), tx.dialect.array(numbers))
        else:
            raise ValueError(f"there is no filter {name!r}: use one of {', '.join(FILTERS)}")
    if query.since is not None:
        select.add("p.published_at >= ?", to_micros(query.since))
    if query.until is not None:
        select.add("p.published_at < ?", to_micros(query.until))
    return select


def _text_filter(tx: Transaction, select: _Select, column: str, values: tuple[str, ...]) -> None:
    condition = tx.dialect.among(column, "text")
    if UNKNOWN in values:
        condition = f"({condition} OR {column} IS NULL)"
    select.add(condition, tx.dialect.array([value.replace("\0", "") for value in values]))


def _set_filter(select: _Select, column: str, values: tuple[str, ...]) -> None:
    parts, patterns = [], []
    for value in values:
        if value == "none":
            parts.append(f"{column} = ''")
        else:
            escaped = re.sub(r"([\\%_])", r"\\\1", value.replace("\0", ""))
            parts.append(f"',' || {column} || ',' LIKE ? ESCAPE '\\'")
            patterns.append(f"%,{escaped},%")
    if parts:
        select.add(f"({' OR '.join(parts)})", *patterns)


def _names(tx: Transaction) -> dict[int, str]:
    return dict(tx.rows("SELECT number, id FROM source"))


def _flat(condition: tuple[str, list[Any]]) -> tuple[Any, ...]:
    return condition[0], *condition[1]


def _order(query: PostQuery, wanted: list[str]) -> Order:
    if query.order not in ("newest", "relevance", "engagement"):
        raise ValueError("order must be newest, relevance or engagement")
    return "newest" if query.order == "relevance" and not wanted else query.order


def _digest(query: PostQuery, order: Order) -> str:
    """What ties a cursor to its query."""
    filters = sorted((name, sorted(values)) for name, values in query.filters.items())
    span = [None if moment is None else to_micros(moment) for moment in (query.since, query.until)]
    return sha256(repr((query.q, filters, span, order)).encode("utf-8", "replace")).hexdigest()[:12]


def _make_cursor(query: PostQuery, order: Order, place: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([_digest(query, order), *place])).decode().rstrip("=")


def _read_cursor(query: PostQuery, cursor: str, order: Order) -> tuple[Any, int]:
    """Raises ValueError for what `_make_cursor` did not make for this query."""
    trouble = ValueError("cursor is not one of this query: leave it out to start from the first page")
    try:
        digest, value, row = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError):
        raise trouble from None
    numeric = float if order == "relevance" else int
    sound = digest == _digest(query, order) and isinstance(row, int) and isinstance(value, (int, numeric))
    if not sound or isinstance(value, bool) or isinstance(row, bool) or not _fits(row) or not _fits(value):
        raise trouble
    return value, row


def _fits(value: float) -> bool:
    return -(2**63) <= value < 2**63
