"""The series that are watched for sudden change, counted over sources that were observed before and now. Pure.

**Panel.** A source takes part if it was observed (half of a day at least) on four of five days, both of the latest eight
weeks and of the whole window; so a source that was added or lost is no news. The window is as long as that leaves sources
with half of the posts: two years if it can be, eight weeks at least. It begins after the latest change of tagging rules,
and a source whose address or prior tags were changed takes part once the window lies after that.

**Exposure.** The part of the panel's time that was observed in a period, each source weighed by the posts it brings in a
day, because a silent feed that fails hides less than a busy one.

**Keys.** Of content type, audience, platform, region and topic those with enough posts, and all posts together; the
largest first, as many as fit. A key with four posts a day or more is watched by days, any other by weeks (docs/signals.md
has the reason), unless there are too few weeks. Days and weeks are UTC, weeks begin on Monday; the day and week under way
are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.buckets import SECONDS_PER_DAY, floor_day, make_buckets
from monitor.core.cells import NO_TOPIC, Sum
from monitor.core.cube import Cube
from monitor.core.model import UNKNOWN
from monitor.core.observed import Coverage
from monitor.core.panel import Regimes
from monitor.core.signals.series import LENGTH, Alarm, Origin, Signal, Size, WatchSeries

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

DIMENSIONS = ("content_type", "audience", "platform", "region", "topic")
ALL = "all"
"""Key of the series of all posts."""
WINDOWS = (728, 546, 364, 182, 112, 56)
"""Days of a window, longest first."""
OBSERVED_DAYS = 0.8
KEPT_POSTS = 0.5
"""A longer window must keep sources with this part of the latest posts."""
FEWEST = 30
"""Posts in the window below which a key is not watched."""
MOST = 60
"""Keys that are watched."""
BY_DAYS = 4.0
"""Posts a day from which on a key is watched by days."""
FEWEST_WEEKS = 15
"""A baseline, its guard band and a week to judge."""
_RESIDUAL = {"topic": NO_TOPIC, "region": UNKNOWN}
"""Keys that stand for 'we don't know'."""


@dataclass(frozen=True, slots=True)
class WatchList:
    """What is watched on one state of the data."""

    series: tuple[WatchSeries, ...]
    """One for each key, the largest first."""
    members: tuple[str, ...]
    """Ids of the sources of the panel."""
    first: int
    """First day of the window."""
    exposure: NDArray[np.float64]
    """By day."""


def watch_list(cube: Cube, coverage: Coverage, today: int, regimes: Regimes) -> WatchList:
    """`today`: number of the latest complete day. Empty where too little was observed. `coverage` is indexed as the
    cube's sources. Raises LookupError as the cube does."""
    nobody = WatchList((), (), today, np.zeros(0))
    longest = WINDOWS[0]
    end = today + 1
    edges = np.arange(end - longest, end + 1) * SECONDS_PER_DAY
    seconds = coverage.seconds(edges)
    observed = seconds * 2 >= SECONDS_PER_DAY
    posts = _by_source(cube, end - longest, end)
    chosen = _window(cube, observed, posts, end, regimes)
    if chosen is None:
        return nobody
    length, members = chosen
    first = end - length
    weights = posts[members, -length:].sum(axis=1) / np.maximum(observed[members, -length:].sum(axis=1), 1) + 1e-9
    parts = np.minimum(seconds[members, -length:] / SECONDS_PER_DAY, 1.0)
    exposure = np.clip(weights @ parts / weights.sum(), 0.0, 1.0)
    days = _series(cube, members, first, end, exposure, _keys(cube, members, first, end), folded=False)
    names = tuple(cube.source_ids[at] for at in np.flatnonzero(members))
    return WatchList(tuple(one if _by_days(one) else _weekly(one) or one for one in days), names, first, exposure)


def without_copies(cube: Cube, watched: WatchList, today: int) -> list[WatchSeries]:
    """The same series if each text counts once, where it appeared first. `today` as for `watch_list`."""
    if not watched.series:
        return []
    sizes = {one.key: one.size for one in watched.series}
    panel, end = cube.source_mask(ids=watched.members), today + 1
    folded = _series(cube, panel, watched.first, end, watched.exposure, list(sizes), folded=True)
    return [one if sizes[one.key] == "day" else _weekly(one) or one for one in folded]


def origins(cube: Cube, watched: WatchList, alarms: Mapping[str, Alarm], lasting: frozenset[str]) -> dict[str, Origin]:
    """Where the posts of each alarm came from, by `Alarm.name`. `lasting`: names that alarm without copies too."""
    out = {}
    panel = cube.source_mask(ids=watched.members)
    for name, alarm in alarms.items():
        filters, members = _filter(cube, alarm.key, panel)
        buckets = make_buckets(alarm.start, alarm.end + LENGTH[alarm.size], "day")
        sums = cube.sums(buckets, {"posts": Sum("posts")}, by="source", filters=filters, sources=members)
        counts = sums.terms["posts"].sum(axis=1)
        total = int(counts.sum())
        out[name] = Origin(
            n_sources=int((counts > 0).sum()),
            top_source_share=float(counts.max() / total) if total else 0.0,
            copies_only=alarm.direction == "up" and name not in lasting,
        )
    return out


def posts_by_source(cube: Cube, signal: Signal) -> dict[str, int]:
    """Posts of a signal by source id, whether the source is in the panel or not; those without any are left out."""
    filters, sources = _filter(cube, signal.key, np.ones(len(cube.source_ids), np.bool_))
    buckets = make_buckets(signal.since, signal.last + LENGTH[signal.size], "day")
    sums = cube.sums(buckets, {"posts": Sum("posts")}, by="source", filters=filters, sources=sources)
    counts = sums.terms["posts"].sum(axis=1).tolist()
    return {name: count for name, count in zip(sums.keys, counts, strict=True) if count}


def key_filter(key: str) -> dict[str, tuple[str, ...]]:
    """The filter of posts with a key such as topic=telehealth; empty for all."""
    dimension, _, value = key.partition("=")
    return {dimension: (value,)} if value else {}


def _by_source(cube: Cube, since: int, until: int) -> Ints:
    sums = cube.sums(make_buckets(since, until, "day"), {"posts": Sum("posts")}, by="source")
    counts: Ints = sums.terms["posts"]
    return counts


def _window(cube: Cube, observed: Mask, posts: Ints, end: int, regimes: Regimes) -> tuple[int, Mask] | None:
    """Days of the window and the sources that take part; None if nobody does."""
    changes = regimes.sources or {}
    changed = np.array([changes.get(one, np.iinfo(np.int64).min) for one in cube.source_ids], np.int64)
    shortest = WINDOWS[-1]
    now = observed[:, -shortest:].mean(axis=1) >= OBSERVED_DAYS if len(observed) else np.zeros(0, np.bool_)
    recent = posts[:, -shortest:].sum(axis=1)
    for length in WINDOWS:
        if regimes.tagging is not None and end - length < regimes.tagging:
            continue
        members = now & (observed[:, -length:].mean(axis=1) >= OBSERVED_DAYS) & (changed <= end - length)
        enough = length == shortest or recent[members].sum() >= KEPT_POSTS * recent[now].sum()
        if members.any() and enough:
            return length, members
    return None


def _keys(cube: Cube, members: Mask, first: int, end: int) -> list[str]:
    """The largest keys, all posts among them, in a fixed order."""
    buckets = make_buckets(first, end, "day")
    found: list[tuple[int, str]] = []
    total = 0
    for dimension in DIMENSIONS:
        sums = cube.sums(buckets, {"posts": Sum("posts")}, by=dimension, sources=members)
        counts = sums.terms["posts"].sum(axis=1)
        if dimension == "content_type":
            total = int(sums.totals["posts"].sum())
        for key, count in zip(sums.keys, counts.tolist(), strict=True):
            if FEWEST <= count < total and key != _RESIDUAL.get(dimension):
                found.append((count, f"{dimension}={key}"))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return [ALL, *(key for _, key in found[: MOST - 1])] if total >= FEWEST else []


def _series(
    cube: Cube,
    members: Mask,
    first: int,
    end: int,
    exposure: NDArray[np.float64],
    keys: list[str],
    *,
    folded: bool,
) -> list[WatchSeries]:
    """One series by day for each key."""
    buckets = make_buckets(first, end, "day")
    filters = {"copy": ("false",)} if folded else None
    terms = {"posts": Sum("posts")}
    total = cube.sums(buckets, terms, filters=filters, sources=members).totals["posts"]
    counts = {ALL: total}
    for dimension in dict.fromkeys(key.partition("=")[0] for key in keys if key != ALL):
        sums = cube.sums(buckets, terms, by=dimension, filters=filters, sources=members)
        counts |= {f"{dimension}={key}": row for key, row in zip(sums.keys, sums.terms["posts"], strict=True)}
    nothing = np.zeros(len(buckets), np.int64)
    return [
        WatchSeries(
            key=key, size="day", starts=buckets.starts, counts=counts.get(key, nothing), of=total, exposure=exposure
        )
        for key in keys
    ]


def _by_days(days: WatchSeries) -> bool:
    seen = days.seen
    return bool(days.counts[seen].sum() >= BY_DAYS * max(int(seen.sum()), 1))


def _weekly(days: WatchSeries) -> WatchSeries | None:
    """The complete weeks of a series by day; None if they are too few."""
    size: Size = "week"
    first = floor_day(int(days.starts[0]) + 6, size)
    skip = first - int(days.starts[0])
    weeks = (len(days.starts) - skip) // LENGTH[size]
    if weeks < FEWEST_WEEKS:
        return None
    inside = slice(skip, skip + weeks * LENGTH[size])

    def summed(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values[inside].reshape(weeks, LENGTH[size])

    return WatchSeries(
        key=days.key,
        size=size,
        starts=days.starts[inside][:: LENGTH[size]],
        counts=summed(days.counts).sum(axis=1),
        of=summed(days.of).sum(axis=1),
        exposure=np.clip(summed(days.exposure).mean(axis=1), 0.0, 1.0),
    )


def _filter(cube: Cube, key: str, members: Mask) -> tuple[dict[str, tuple[str, ...]], Mask]:
    """Filters over combos, and the sources, that a key means within the panel."""
    filters = key_filter(key)
    platforms = filters.pop("platform", None)
    return filters, members if platforms is None else members & cube.source_mask(platforms=platforms)
