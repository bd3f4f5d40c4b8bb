"""A small cube to ask: posts in a line each, and what a query about them answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from monitor.core.answer import document
from monitor.core.buckets import day_number
from monitor.core.cells import MEASURES, CellBatch, Combo
from monitor.core.cube import Cube
from monitor.core.metrics import parse_query
from monitor.core.model import Interval
from monitor.core.observed import Coverage
from monitor.core.points import STATUSES, Trend, compute

NOW = datetime(2026, 2, 4, 12, tzinfo=UTC)  # a Wednesday
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SOURCES = {1: ("blog", "web"), 2: ("journal", "web"), 3: ("channel", "youtube")}
NUMBERS = {source: number for number, (source, _) in SOURCES.items()}
ALWAYS = (-40.0, 30.4)
WINDOW = {"since": ["2026-01-05"], "until": ["2026-02-02"]}


@dataclass(frozen=True)
class P:
    """A post in a line."""

    day: int  # after MONDAY
    source: str = "blog"
    content_type: str = "news"
    audience: tuple[str, ...] = ("other",)
    country: str | None = None
    topics: tuple[str, ...] = ()
    copy: bool = False
    sentiment: float | None = None
    interactions: int | None = None
    views: int | None = None
    words: int = 10
    duration: int | None = None

    def measures(self) -> dict[str, int]:
        score = round((self.sentiment or 0) * 10_000)
        log = round(math.log1p(self.interactions or 0) * 10_000)
        both = self.interactions is not None and self.views is not None
        return {
            "posts": 1,
            "sentiment_n": self.sentiment is not None,
            "sentiment_sum": score,
            "sentiment_sq": score * score,
            "positive": self.sentiment is not None and score >= 500,
            "negative": self.sentiment is not None and score <= -500,
            "engagement_n": self.interactions is not None,
            "engagement_log_sum": log,
            "engagement_log_sq": log * log,
            "viewed_n": both,
            "viewed_interactions_sum": (self.interactions or 0) * both,
            "viewed_views_sum": (self.views or 0) * both,
            "words_sum": self.words,
            "words_sq": self.words**2,
            "duration_n": self.duration is not None,
            "duration_sum": self.duration or 0,
        }


WEEKLY = [P(day, source, sentiment=0.1, interactions=2) for day in range(31) for source in ("blog", "channel")]
"""Every day a post of two sources, which are thus never few."""


def ask(
    posts: list[P],
    coverage: dict[str, list[tuple[float, float]]] | None = None,
    *,
    over: tuple[str, ...] = (),
    **params: Any,
) -> Trend:
    """Answer a query about these posts. `coverage` in days after MONDAY; without it all was observed until now."""
    combos: dict[tuple[Any, ...], int] = {}
    cells: dict[tuple[int, int, int], dict[str, int]] = {}
    for post in posts:
        facts = (post.content_type, post.audience, post.country, None, post.topics, False, False, post.copy)
        combo = combos.setdefault(facts, len(combos) + 1)
        cell = cells.setdefault(
            (NUMBERS[post.source], day_number(MONDAY) + post.day, combo), dict.fromkeys(MEASURES, 0)
        )
        for name, number in post.measures().items():
            cell[name] += number
    cube = Cube(lambda country: "unknown" if country is None else "europe")
    cube.set_sources(SOURCES)
    cube.add_combos(Combo(number, *facts) for facts, number in combos.items())
    identity = np.array(list(cells), np.int64).reshape(len(cells), 3)
    columns = {name: np.array([cell[name] for cell in cells.values()], np.int64) for name in MEASURES}
    cube.apply(CellBatch(np.arange(1, len(cells) + 1), *identity.T, columns))
    spans = coverage if coverage is not None else {source: [ALWAYS] for source in NUMBERS}
    observed = Coverage(
        [
            [Interval(*(MONDAY + timedelta(days=at) for at in span)) for span in spans.get(source, [])]
            for source in NUMBERS
        ],
        [source not in over for source in NUMBERS],
        NOW,
    )
    texts = {name: value if isinstance(value, list) else [value] for name, value in (WINDOW | params).items()}
    return compute(parse_query(texts, now=NOW), cube, observed, NOW)


def line(trend: Trend, key: str = "all") -> list[float | None]:
    values = trend.value[trend.keys.index(key)].tolist()
    return [None if math.isnan(value) else value for value in values]


def statuses(trend: Trend, key: str = "all") -> list[str]:
    return [STATUSES[code] for code in trend.status[trend.keys.index(key)]]


def points(trend: Trend, key: str = "all") -> list[dict[str, Any]]:
    told = document(trend, label=lambda *_: None, generated=False, now=NOW)
    return next(series["points"] for series in told["series"] if series["key"] == key)
