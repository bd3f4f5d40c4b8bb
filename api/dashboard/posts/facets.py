"""How the posts of a question divide: counts by tag beside a list of posts, exact where they can be.

Without words to look for, the cells that trends are made of count every post without reading any. Words are known to
the text index alone, so there the posts are read: no more than the LATEST that were stored, and the page says so.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock

import numpy as np

from api.dashboard.posts.asked import Asked
from monitor.core.buckets import Buckets, day_number
from monitor.core.cells import NO_TOPIC, OF_SOURCE, Sum
from monitor.core.cube import Cube
from monitor.core.model import UNKNOWN
from monitor.core.region import region_of
from monitor.posts_query import FLAG
from monitor.store import PostQuery, Store
from monitor.store.browse import Tags
from monitor.trends import Trends

FACETS = (
    "content_type", "audience", "platform", "region", "country", "language", "topic", "live", "sponsored", "source",
)  # fmt: skip
LATEST = 12_000
"""Matches of words that are read, the last stored ones."""
MOST = 10_000
"""Counts beyond this are “more than”, where not all was counted."""
KEPT = 64
FIRST_DAY, LAST_DAY = 0, day_number(date(2200, 1, 1))

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Division:
    """The number of posts that a question finds, and how they divide."""

    posts: int
    capped: bool
    """There are more than `posts`."""
    copies: int
    """Copies among what would be found if they were not left out."""
    copies_capped: bool
    by: Mapping[str, Counts]
    """dimension → key → posts, as if nothing had been asked of this dimension."""
    of_latest: int | None
    """Nothing but this many matches of the words, those stored last, were looked at; None: all."""


class Facets:
    """One for a process; remembers the latest answers until the data change."""

    def __init__(self, store: Store, trends: Trends, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._trends = trends
        self._clock = clock
        self._kept: OrderedDict[tuple[object, ...], Division] = OrderedDict()
        self._lock = Lock()

    def divide(self, asked: Asked) -> Division:
        """Raises QueryError and ValueError as the search itself does."""
        asked = asked.text("cursor", None).text("order", None)
        key = (self._store.data_version(), tuple(asked.pairs()), self._clock().date())
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self._searched(asked) if "q" in asked.texts else self._counted(asked)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def count(self, asked: Asked) -> tuple[int, bool]:
        """How many posts a question finds, and whether there are more than that."""
        found = self.divide(asked)
        return found.posts, found.capped

    def _query(self, asked: Asked) -> PostQuery:
        return asked.query(self._clock())

    def _counted(self, asked: Asked) -> Division:
        query, copies = self._query(asked), self._query(asked.only(FLAG, "true"))
        queries = {name: self._query(asked.only(name)) for name in FACETS}

        def look(cube: Cube, *_: object) -> Division:
            return Division(
                posts=_total(cube, query),
                capped=False,
                copies=_total(cube, copies),
                copies_capped=False,
                by={name: _by(cube, one, name) for name, one in queries.items()},
                of_latest=None,
            )

        return self._trends.look(look)

    def _searched(self, asked: Asked) -> Division:
        wanted = {name: set(values) for name, values in self._query(asked.only("region")).filters.items()}
        if "region" in asked.filters:
            wanted["region"] = set(asked.filters["region"])
        platforms = {one.id: one.platform for one in self._store.source_numbers().values()}
        found = self._store.browse.latest(self._query(asked), LATEST)
        by: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
        posts = copies = 0
        for one, count in Counter(found).items():  # few are tagged in a way of their own
            keys = {name: _keys(one, name, platforms) for name in (*FACETS, FLAG)}
            failing = [name for name, values in wanted.items() if values.isdisjoint(keys[name])]
            if not failing:
                posts += count
            if one.copy and not set(failing) - {FLAG}:
                copies += count
            for name in FACETS:
                if not set(failing) - {name}:  # as if nothing had been asked of this dimension
                    by[name].update(dict.fromkeys(keys[name], count))
        cut = len(found) == LATEST
        return Division(
            posts=min(posts, MOST) if cut else posts,
            capped=cut,
            copies=copies,
            copies_capped=cut,
            by=by,
            of_latest=LATEST if cut else None,
        )


def _keys(one: Tags, name: str, platforms: Mapping[str, str]) -> Sequence[str]:
    """The values of one dimension that a post counts under."""
    match name:
        case "audience":
            return one.audience
        case "topic":
            return one.topics or (NO_TOPIC,)
        case "platform":
            return (platforms.get(one.source, UNKNOWN),)
        case "region":
            return (region_of(one.country),)
        case "live" | "sponsored" | "copy":
            return (str(getattr(one, name)).lower(),)
        case _:
            return (getattr(one, name) or UNKNOWN,)


def _total(cube: Cube, query: PostQuery) -> int:
    return sum(_by(cube, query, None).values())


def _by(cube: Cube, query: PostQuery, name: str | None) -> dict[str, int]:
    """Posts by a dimension, from the cells. A post of several audiences counts under each."""
    of_combo = {key: values for key, values in query.filters.items() if key not in OF_SOURCE}
    sources = cube.source_mask(platforms=query.filters.get("platform"), ids=query.filters.get("source"))
    since = FIRST_DAY if query.since is None else day_number(query.since)
    until = LAST_DAY if query.until is None else day_number(query.until)
    sums = cube.sums(_one_bucket(since, until), {"posts": Sum("posts")}, by=name, filters=of_combo, sources=sources)
    if name is None:
        return {"all": int(sums.totals["posts"].sum())}
    counted = sums.terms["posts"].sum(axis=1)
    return {key: int(count) for key, count in zip(sums.keys, counted, strict=True) if count > 0}


def _one_bucket(since: int, until: int) -> Buckets:
    lows, highs = np.array([since], np.int64), np.array([until], np.int64)
    return Buckets("day", since, until, lows, lows, highs, np.zeros(1, np.bool_))
