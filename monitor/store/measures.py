"""What one post adds to its cell. Pure; all whole numbers, so that taking out is the exact reverse of putting in."""

from __future__ import annotations

from math import log1p

from monitor.core.measures import MEASURES
from monitor.store.rows import StoredPost
from monitor.store.tables import DAY

__all__ = ["MEASURES", "CellKey", "Combo", "Measures", "cell_of", "measures_of"]

POSITIVE, NEGATIVE = 500, -500
"""VADER's own thresholds on the compound score, in units of 10^-4."""

Measures = tuple[int, ...]
Combo = tuple[str, str, str | None, str | None, str, bool, bool, bool]
"""content type, audience set, country, language, topic set, live, sponsored, copy; sets as comma-joined sorted text."""
CellKey = tuple[int, int, Combo]
"""source number, day, combination"""


def cell_of(post: StoredPost) -> CellKey:
    """The one cell this post lies in."""
    return (
        post.source,
        post.published_at // DAY,
        (
            post.content_type,
            post.audience,
            post.country,
            post.language,
            post.topics,
            bool(post.live),
            bool(post.sponsored),
            bool(post.is_copy),
        ),
    )


def measures_of(post: StoredPost) -> Measures:
    """What this post adds, in the order of `MEASURES`."""
    sentiment_n = score = positive = negative = 0
    if post.sentiment is not None:
        sentiment_n = 1
        score = round(post.sentiment * 10_000)
        positive = 1 if score >= POSITIVE else 0
        negative = 1 if score <= NEGATIVE else 0
    words, views, interactions = post.words, post.views, post.interactions
    engagement_n = log = viewed_n = 0
    if interactions >= 0:
        engagement_n = 1
        log = round(log1p(interactions) * 10_000)
        viewed_n = 0 if views is None else 1
    else:
        interactions = 0
    duration, guests = post.duration, post.guests
    return (
        1,
        sentiment_n,
        score,
        score * score,
        positive,
        negative,
        engagement_n,
        log,
        log * log,
        0 if views is None else 1,
        views or 0,
        interactions,
        viewed_n,
        interactions if viewed_n else 0,
        (views or 0) if viewed_n else 0,
        words,
        words * words,
        0 if duration is None else 1,
        0 if duration is None else round(duration),
        0 if guests is None else 1,
        guests or 0,
    )
