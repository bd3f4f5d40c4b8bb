"""What each metric counts, and how counts become values with intervals.

A metric is a small class in `METRICS`: its words, the sums it needs from the cells, and one function of these sums.
Adding a metric is writing one class; nothing else lists them. `points` turns a query into points with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core import estimates
from monitor.core.cells import Occupied, Product, Sum, Term
from monitor.core.estimates import Estimate
from monitor.core.query import QueryError, TrendQuery, read_query

__all__ = ["METRICS", "Measured", "Metric", "QueryError", "TrendQuery", "parse_query"]

Ints = NDArray[np.int64]
Arrays = Mapping[str, NDArray[Any]]

LOG_SCALE = 1e-4
SENTIMENT_SCALE = 1e-4
"""Cells hold scores and logarithms in units of 10⁻⁴."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a metric says of every (key, bucket)."""

    estimate: Estimate
    n: Ints
    """What was counted, or how many posts the value rests on."""
    of: Ints
    """What `n` is part of."""
    base: Ints | None
    """The denominator that must not be too small; None for plain counts."""


class Metric(Protocol):
    """Declared facts and one function of sums."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def about(self) -> str:
        """What the value, n and of are, and which interval it is, in plain words."""
        ...

    @property
    def whole(self) -> bool:
        """Values are whole numbers."""
        ...

    @property
    def terms(self) -> Mapping[str, Term]:
        """Sums needed beside the number of posts, which is always there as `posts`."""
        ...

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        """`sums` have shape (keys, buckets); `of`, of the same shape, are the posts that a share divides by."""
        ...


class Volume:
    name = "volume"
    label = "Posts"
    unit = "posts"
    about = "Number of posts; n is the same, of all posts under the same filters. Interval: exact Poisson (Garwood)."
    whole = True
    terms: ClassVar[Mapping[str, Term]] = {}

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        return Measured(estimates.count(sums["posts"]), sums["posts"], of, None)


class Share:
    name = "share"
    label = "Share of posts"
    unit = "share"
    about = (
        "Posts with this key (n) divided by all posts under the same filters (of), 0 to 1. Without a split: posts "
        "that pass the filters divided by all posts of the same sources. Interval: Wilson."
    )
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {}

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        return Measured(estimates.share(sums["posts"], of), sums["posts"], of, of)


class Sentiment:
    name = "sentiment"
    label = "Mean sentiment"
    unit = "compound score, −1 to 1"
    about = (
        "Mean VADER compound score of the posts that have one (n), out of all posts (of). Languages that are not "
        "scored are left out, never counted as 0. Interval: Student's t."
    )
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {
        "scored": Sum("sentiment_n"),
        "sum": Sum("sentiment_sum"),
        "squares": Sum("sentiment_sq"),
    }

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        scored = sums["scored"]
        raw = estimates.scaled(estimates.mean(scored, sums["sum"], sums["squares"]), SENTIMENT_SCALE)
        return Measured(estimates.clipped(raw, -1.0, 1.0), scored, sums["posts"], scored)


class _SentimentShare:
    column: ClassVar[str]

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        scored = sums["scored"]
        return Measured(estimates.share(sums["counted"], scored), sums["counted"], scored, scored)


class PositiveShare(_SentimentShare):
    name = "positive_share"
    label = "Share of positive posts"
    unit = "share"
    about = (
        "Posts with a compound score of at least 0.05 (n) divided by posts that have a score (of). Interval: Wilson."
    )
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {"scored": Sum("sentiment_n"), "counted": Sum("positive")}


class NegativeShare(_SentimentShare):
    name = "negative_share"
    label = "Share of negative posts"
    unit = "share"
    about = (
        "Posts with a compound score of at most −0.05 (n) divided by posts that have a score (of). Interval: Wilson."
    )
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {"scored": Sum("sentiment_n"), "counted": Sum("negative")}


class Engagement:
    name = "engagement"
    label = "Engagement of a typical post"
    unit = "interactions per post (geometric mean)"
    about = (
        "Likes + comments + shares of a typical post: exp(mean of ln(1 + x)) − 1 over posts whose platform tells any "
        "of them (n), out of all posts (of). A few viral posts hardly move it. Interval: Student's t on the log scale."
    )
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {
        "told": Sum("engagement_n"),
        "sum": Sum("engagement_log_sum"),
        "squares": Sum("engagement_log_sq"),
    }

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        told = sums["told"]
        logs = estimates.clipped(estimates.mean(told, sums["sum"], sums["squares"]), 0.0, np.inf)
        return Measured(estimates.mapped(logs, np.expm1, LOG_SCALE), told, sums["posts"], told)


class EngagementRate:
    name = "engagement_rate"
    label = "Interactions per 1,000 views"
    unit = "interactions per 1,000 views"
    about = (
        "1,000 × likes, comments and shares divided by views, over posts whose platform tells both (n), out of all "
        "posts (of). Interval: linearised ratio between groups of like posts of one source and day."
    )
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {
        "viewed": Sum("viewed_n"),
        "interactions": Sum("viewed_interactions_sum"),
        "views": Sum("viewed_views_sum"),
        "cells": Occupied("viewed_n"),
        "aa": Product("viewed_interactions_sum", "viewed_interactions_sum"),
        "ab": Product("viewed_interactions_sum", "viewed_views_sum"),
        "bb": Product("viewed_views_sum", "viewed_views_sum"),
    }

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        products = sums["aa"], sums["ab"], sums["bb"]
        rate = estimates.ratio(sums["interactions"], sums["views"], sums["cells"], products)
        return Measured(estimates.scaled(rate, 1000.0), sums["viewed"], sums["posts"], sums["viewed"])


class Duration:
    name = "duration"
    label = "Mean duration"
    unit = "seconds"
    about = (
        "Mean length of the posts that have one (n), out of all posts (of). No interval: cells hold no squares of it."
    )
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {"timed": Sum("duration_n"), "sum": Sum("duration_sum")}

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        timed = sums["timed"]
        value = np.where(timed > 0, sums["sum"] / np.maximum(timed, 1), np.nan)
        nothing = np.full(value.shape, np.nan)
        return Measured(Estimate(value, nothing, nothing), timed, sums["posts"], timed)


class Words:
    name = "words"
    label = "Mean length of text"
    unit = "words per post"
    about = "Mean number of words of a post; n and of are all posts. Interval: Student's t."
    whole = False
    terms: ClassVar[Mapping[str, Term]] = {"sum": Sum("words_sum"), "squares": Sum("words_sq")}

    def measure(self, sums: Arrays, of: Ints) -> Measured:
        posts = sums["posts"]
        mean = estimates.mean(posts, sums["sum"], sums["squares"])
        return Measured(estimates.clipped(mean, 0.0, np.inf), posts, posts, posts)


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Volume(),
        Share(),
        Sentiment(),
        Engagement(),
        EngagementRate(),
        PositiveShare(),
        NegativeShare(),
        Duration(),
        Words(),
    )
}


def parse_query(params: Mapping[str, Sequence[str]], *, now: datetime) -> TrendQuery:
    """`read_query` for the metrics that exist. Raises QueryError."""
    return read_query(params, metrics=tuple(METRICS), now=now)
