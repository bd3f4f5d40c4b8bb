"""What tests ask of a store, computed in another way than the store computes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import log
from typing import Any

from monitor.core.model import Post
from monitor.store import Store
from monitor.store.cells import CELL_COLUMNS

Cells = dict[tuple[Any, ...], dict[str, int]]
"""(source, day, content type, audience, country, language, topics, live, sponsored, copy) → measures, without zeros"""


class Mirror:
    """A reader as the contract describes it: applies what changed, remembers the version, starts over on an epoch."""

    def __init__(self) -> None:
        self.version = 0
        self.epoch = 0
        self.rows: dict[int, dict[str, int]] = {}

    def refresh(self, store: Store) -> Cells:
        epoch = store.epoch()
        if epoch != self.epoch:
            self.__init__()  # type: ignore[misc]  # start over
            self.epoch = epoch
        version = self.version
        for batch in store.cells_since(self.version):
            for values in batch.values.tolist():
                row = dict(zip(CELL_COLUMNS, values, strict=True))
                self.rows[row["id"]] = row
            version = batch.version
        self.version = version
        combos = {combo.id: combo[1:] for combo in store.combos_since(0)}
        sources = {number: source.id for number, source in store.source_numbers().items()}
        cells: Cells = {}
        for row in self.rows.values():
            key = (sources[row["source"]], row["day"], *combos[row["combo"]])
            assert key not in cells, "one cell, one id"
            cells[key] = {name: value for name, value in row.items() if name not in ("id", "source", "day", "combo")}
        return {key: {n: v for n, v in cell.items() if v} for key, cell in cells.items() if any(cell.values())}


def stored_cells(store: Store) -> Cells:
    return Mirror().refresh(store)


def counted_cells(posts: Iterable[Post]) -> Cells:
    """The cells of these posts by the definitions in words, post by post."""
    known = {(post.source, post.id): post for post in posts}
    copied = copies(known.values())
    cells: dict[tuple[Any, ...], Counter[str]] = {}
    for identity, post in known.items():
        tags, told = post.annotation, post.engagement
        key = (
            post.source,
            (post.published_at.astimezone(UTC).date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days,
            tags.content_type,
            ",".join(tags.audience),
            tags.country,
            tags.language,
            ",".join(tags.topics),
            tags.live,
            tags.sponsored,
            identity in copied,
        )
        cell = cells.setdefault(key, Counter())
        cell["posts"] += 1
        if tags.sentiment is not None:
            score = round(tags.sentiment * 10_000)
            cell["sentiment_n"] += 1
            cell["sentiment_sum"] += score
            cell["sentiment_sq"] += score**2
            cell["positive"] += tags.sentiment >= 0.05
            cell["negative"] += tags.sentiment <= -0.05
        actions = [count for count in (told.likes, told.comments, told.shares) if count is not None]
        if actions:
            x = round(log(1 + sum(actions)) * 10_000)
            cell["engagement_n"] += 1
            cell["engagement_log_sum"] += x
            cell["engagement_log_sq"] += x**2
            cell["interactions_sum"] += sum(actions)
        if told.views is not None:
            cell["views_n"] += 1
            cell["views_sum"] += told.views
            if actions:
                cell["viewed_n"] += 1
                cell["viewed_interactions_sum"] += sum(actions)
                cell["viewed_views_sum"] += told.views
        cell["words_sum"] += post.words
        cell["words_sq"] += post.words**2
        if post.duration is not None:
            cell["duration_n"] += 1
            cell["duration_sum"] += round(post.duration)
        if post.guests is not None:
            cell["guests_n"] += 1
            cell["guests_sum"] += post.guests
    return {key: {name: value for name, value in cell.items() if value} for key, cell in cells.items()}


def copies(posts: Iterable[Post]) -> set[tuple[str, str]]:
    """Posts that are not the earliest of all that share one of their keys."""
    copied: set[tuple[str, str]] = set()
    seen: set[int] = set()
    for post in sorted(posts, key=lambda post: (post.published_at, post.source, post.id)):
        if not seen.isdisjoint(post.annotation.duplicate_keys):
            copied.add((post.source, post.id))
        seen.update(post.annotation.duplicate_keys)
    return copied


def all_posts(store: Store, sources: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], Post]:
    """The stored ones of these ids."""
    found = {(source, post_id): store.post(source, post_id) for source, ids in sources.items() for post_id in ids}
    return {identity: post for identity, post in found.items() if post is not None}
