"""A small world of sources whose shares are known, written to a real store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from monitor.core.model import Observed, Post, Write
from monitor.store import Store
from tests.support.posts import make_post, make_source

MONDAY = datetime(2024, 9, 2, tzinfo=UTC)

Share = Callable[[int, int], float]
"""(number of the source, week) → share of its posts that are videos."""


def fill(
    store: Store,
    *,
    weeks: int,
    sources: int,
    share: Share,
    posts: int = 12,
    seed: int = 1,
    gaps: Mapping[int, range] | None = None,
    **facts: Any,
) -> datetime:
    """Sources s0, s1 … with about so many posts a week; returns the moment after the last week.

    `gaps` are weeks in which a source was not observed. `facts` are tags of every post.
    """
    rng = np.random.default_rng(seed)
    until = MONDAY + timedelta(weeks=weeks)
    for number in range(sources):
        name = f"s{number}"
        store.add_source(make_source(name), MONDAY)
        missing = (gaps or {}).get(number, range(0))
        found = [
            post
            for week in range(weeks)
            if week not in missing
            for post in _week(rng, name, week, posts, share(number, week), facts)
        ]
        pieces = (
            [(MONDAY, until)]
            if not missing
            else [(MONDAY, MONDAY + timedelta(weeks=missing.start)), (MONDAY + timedelta(weeks=missing.stop), until)]
        )
        store.commit(Write(source=name, at=until, posts=tuple(found)))
        for since, end in pieces:
            store.commit(Write(source=name, at=until, observed=Observed(since, end)))
    return until


def _week(
    rng: np.random.Generator, source: str, week: int, posts: int, share: float, facts: Mapping[str, Any]
) -> list[Post]:
    return [
        make_post(
            f"{source}-{week}-{number}",
            source,
            published_at=MONDAY + timedelta(weeks=week, hours=float(rng.uniform(0, 167))),
            title=f"Post {number} of week {week}",
            text=f"Some words of {source}",
            **({"content_type": "video" if rng.random() < share else "news"} | dict(facts)),
        )
        for number in range(int(rng.poisson(posts)))
    ]
