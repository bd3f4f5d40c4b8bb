"""From a query to points: which posts, which keys, which buckets, and what each point may claim.

Pure: the cube, the coverage and the present moment are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.buckets import SECONDS_PER_DAY, Buckets, day_number, make_buckets
from monitor.core.cells import ONE_VALUED, Sum
from monitor.core.cube import Cube, Sums
from monitor.core.metrics import METRICS, Measured, Metric, Share
from monitor.core.model import Status
from monitor.core.observed import Coverage, Exclusion, Scope, Watch, panel, scope, unfinished
from monitor.core.query import CLOSED, MAX_LIMIT, QueryError, TrendQuery

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

ALL = "all"
"""Key of the one series of a query without a split."""
MIN_DENOMINATOR = 5
"""Fewer than this under a ratio or a mean, and the point says too_few."""
MAX_POINTS = 100_000
"""Points of one answer; with many buckets fewer series fit."""
STATUSES: tuple[Status, ...] = ("ok", "too_few", "partial", "not_observed")
_OK, _TOO_FEW, _PARTIAL, _NOT_OBSERVED = range(4)


@dataclass(frozen=True, slots=True)
class Trend:
    """A computed answer as arrays; shape (keys, buckets) unless noted. NaN: nothing to say."""

    query: TrendQuery
    metric: Metric
    buckets: Buckets
    keys: tuple[str, ...]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: Ints
    of: Ints
    status: NDArray[np.int8]
    """Index into STATUSES."""
    sources_observed: Ints
    sources_expected: Ints
    keys_in_all: int
    """How many keys there were before the limit on series."""
    sources: int
    """Sources that the platform and source filters let through."""
    excluded: Mapping[str, int]
    """Why sources of these are not in the fixed panel: reason → how many. Empty for all sources."""
    observed_share: float | None
    """Observed part of the time that the sources were expected for, up to the cut-off; None if never observed."""
    as_of: datetime | None
    """Until when the sources were observed; None if never."""
    unfinished: Mask
    """(buckets,): cut by the window or not over yet."""


def window(query: TrendQuery, now: datetime) -> Buckets:
    """Buckets of a query up to the current day; none lies in the future. Raises QueryError if that leaves none."""
    until = min(day_number(query.until), day_number(now) + 1)
    buckets = make_buckets(day_number(query.since), until, query.interval)
    if not len(buckets):
        raise QueryError("since", f"since is {query.since}, which is in the future; nothing to show yet.")
    return buckets


def compute(query: TrendQuery, cube: Cube, coverage: Coverage, now: datetime, watch: Watch | None = None) -> Trend:
    """Answer a query. `coverage` is indexed as the cube's sources; `watch` is its watch of the query's window, if the
    caller has it already."""
    buckets = window(query, now)
    watch = watch or coverage.watch(buckets)
    metric = METRICS[query.metric]
    asked = cube.source_mask(platforms=query.filters.get("platform"), ids=query.filters.get("source"))
    open_buckets = unfinished(buckets, now)
    excluded: dict[str, int] = {}
    # What nobody vouches for (browser captures without a coverage line) is no part of any total: beside observed
    # sources it would look like growth. By its own name it can be asked for.
    sources = asked if query.filters.get("source") else asked & coverage.ever
    if query.panel == "fixed":
        reasons = panel(coverage, watch, buckets, asked, now)
        sources = asked & (reasons == Exclusion.NONE)
        excluded = {
            why.name.lower(): int((reasons == why).sum()) for why in Exclusion if why and (reasons == why).any()
        }

    folded = {"copy": ("false",)} if query.copies == "fold" else {}
    filters = {name: wanted for name, wanted in query.filters.items() if name not in ("platform", "source")} | folded
    sums = cube.sums(buckets, {"posts": Sum("posts"), **metric.terms}, by=query.by, filters=filters, sources=sources)
    of = sums.totals["posts"]
    if metric.name == Share.name and query.by is None and filters != folded:
        of = cube.sums(buckets, {"posts": Sum("posts")}, filters=folded, sources=sources).totals["posts"]

    watched = sources & watch.seconds.any(axis=1)
    keys = _keys(query, cube, sums, sources, watched)
    most = max(min(query.limit, MAX_LIMIT, MAX_POINTS // max(len(buckets), 1)), 1)
    shown = keys[:most]
    place = {key: at for at, key in enumerate(sums.keys)}
    chosen = {name: _chosen(array, [place.get(key, -1) for key in shown]) for name, array in sums.terms.items()}
    measured = metric.measure(chosen, np.broadcast_to(of, chosen["posts"].shape))

    whole = scope(watch, sources, open_buckets)
    own = _own_scopes(query, cube, watch, sources, open_buckets, shown) or [whole] * len(shown)
    status, told = _statuses(metric, chosen["posts"], measured, own, whole)
    until = coverage.until(sources)
    since_seconds, until_seconds = buckets.since * SECONDS_PER_DAY, buckets.until * SECONDS_PER_DAY
    estimate = measured.estimate
    return Trend(
        query=query,
        metric=metric,
        buckets=buckets,
        keys=shown,
        value=np.where(status == _NOT_OBSERVED, np.nan, estimate.value),
        low=np.where(status == _NOT_OBSERVED, np.nan, estimate.low),
        high=np.where(status == _NOT_OBSERVED, np.nan, estimate.high),
        n=measured.n,
        of=measured.of,
        status=status,
        sources_observed=_stacked([one.observed for one in told], len(buckets)),
        sources_expected=_stacked([one.expected for one in told], len(buckets)),
        keys_in_all=len(keys),
        sources=int(asked.sum()),
        excluded=excluded,
        observed_share=coverage.observed_share(sources, since_seconds, min(until_seconds, until or 0)),
        as_of=None if until is None else datetime.fromtimestamp(until, UTC),
        unfinished=open_buckets,
    )


def _keys(query: TrendQuery, cube: Cube, sums: Sums, sources: Mask, watched: Mask) -> tuple[str, ...]:
    """Keys to show, in order: closed dimensions in full and in their own order, others as they occur, largest first.

    A platform or source occurs if it has posts in the window, was observed in it or was asked for by name.
    """
    by = query.by
    if by is None:
        return (ALL,)
    posts = dict(zip(sums.keys, sums.terms["posts"].sum(axis=1).tolist(), strict=True))
    wanted = query.filters.get(by, ())
    if by in CLOSED:
        closed = tuple(key for key in CLOSED[by] if not wanted or by not in ONE_VALUED or key in wanted)
        return closed + tuple(key for key, total in posts.items() if total and key not in CLOSED[by])
    found = {key for key, total in posts.items() if total}
    if by in ("platform", "source"):
        found |= set(cube.values_of_sources(by, watched))
        found |= set(wanted) & set(cube.values_of_sources(by, sources))
    else:
        found |= set(wanted)
    return tuple(sorted(found, key=lambda key: (-posts.get(key, 0), key)))


def _chosen(array: NDArray[Any], places: list[int]) -> NDArray[Any]:
    """Rows of these places; −1 is a row of zeros."""
    rows = np.zeros((len(places), array.shape[1]), array.dtype)
    for at, place in enumerate(places):
        if place >= 0:
            rows[at] = array[place]
    return rows


def _own_scopes(
    query: TrendQuery, cube: Cube, watch: Watch, sources: Mask, open_buckets: Mask, keys: Sequence[str]
) -> list[Scope] | None:
    """Scope of each key where keys have sources of their own; None where all share the same."""
    if query.by == "source":
        masks = [cube.source_mask(ids=(key,)) for key in keys]
    elif query.by == "platform":
        masks = [cube.source_mask(platforms=(key,)) for key in keys]
    else:
        return None
    return [scope(watch, sources & mask, open_buckets) for mask in masks]


def _statuses(
    metric: Metric, posts: Ints, measured: Measured, own: Sequence[Scope], whole: Scope
) -> tuple[NDArray[np.int8], list[Scope]]:
    """Status of every point, and the scope that each key's points rest on.

    A share rests on all sources of the query, because a hole in any of them bends it; everything else rests on the
    sources of its own key.
    """
    told = [whole] * len(own) if metric.name == Share.name else list(own)
    width = posts.shape[1]
    unseen = _stacked([one.observed for one in own], width) == 0
    partial = unseen | _stacked([one.partial for one in told], width).astype(np.bool_)
    few = np.zeros(posts.shape, np.bool_) if measured.base is None else measured.base < MIN_DENOMINATOR
    status = np.where(partial, _PARTIAL, np.where(few, _TOO_FEW, _OK))
    return np.where(unseen & (posts == 0), _NOT_OBSERVED, status).astype(np.int8), told


def _stacked(rows: Sequence[NDArray[Any]], width: int) -> NDArray[Any]:
    return np.stack(rows) if rows else np.zeros((0, width), np.int64)
