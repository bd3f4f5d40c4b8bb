"""Everything a digest is composed from, read once from the store, its trends and its ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from monitor.core.answer import LABELS
from monitor.core.buckets import SECONDS_PER_DAY, Buckets, day_date, day_number, step_back
from monitor.core.cells import NO_TOPIC
from monitor.core.claim import Posts
from monitor.core.digest import DigestSpec
from monitor.core.digest_input import SPLITS, Facts, Happening, Missing, Observation, Recount, Sample, Series, Trouble
from monitor.core.digest_periods import Period, day_span, period_of
from monitor.core.mask import shown_post
from monitor.core.metrics import METRICS
from monitor.core.model import UNKNOWN, TrackedSource
from monitor.core.moments import midnight
from monitor.core.query import FILTERS, TrendQuery, read_query
from monitor.core.schedule import ScheduleError, parse_schedule
from monitor.core.slices import Slice
from monitor.posts_query import by_country
from monitor.retag import tagging_break
from monitor.standing import standing, status_of, why_lost
from monitor.store.search import PostQuery

if TYPE_CHECKING:
    from monitor.config_platform import PlatformInfo
    from monitor.core.cube import Cube
    from monitor.core.observed import Coverage
    from monitor.store.store import Store
    from monitor.trends import Trends

Document = Mapping[str, Any]

MOST_POSTS = 5
CHART_BUCKETS = 10
"""As many as the rows of the table beside the chart; more only if the period itself is longer."""
_LOOKED_AT = 60
"""Posts that are read to find the five that may be shown."""
_WITHOUT_WORDS = frozenset({"open_network", "closed_network"})
"""Kinds of platform whose posts are people's own: a mail cannot be taken back when one is deleted there, so it has a
link and counts, and no words."""
_NEWS = ("source_added", "source_changed", "source_paused", "source_stopped", "source_retired", "source_resumed")
_BROKEN = frozenset({"failing", "stopped"})
_SUMS = ("posts", "sentiment_n", "sentiment_sum")


class Claims(Protocol):
    """What is asked of the ledger."""

    def ledger(self) -> dict[str, Any]: ...


class Names(Protocol):
    """What is asked of the configuration: what platforms and topics are called."""

    @property
    def platforms(self) -> Mapping[str, PlatformInfo]: ...
    @property
    def taxonomy(self) -> Mapping[str, Any]: ...


def gather(
    trends: Trends,
    ledger: Claims,
    store: Store,
    config: Names,
    spec: DigestSpec,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    signals: Sequence[Document] = (),
    earlier: Document | None = None,
) -> Facts:
    """The facts of the instants [since, until), as known at `now`; all aware.

    The days that count are those of `monitor.core.digest_periods`. `earlier` is the document of the digest's previous
    issue: what happened since it was composed has not been told yet, and what it counted is counted again. `signals`
    are told as they are given. Raises QueryError for a filter that the store cannot apply, and StoreError.
    """
    period = period_of(since, until, _zone(spec), now)
    since_last = _since_last(earlier, since, now)
    scope = _scope(spec.filters, now)
    tagging = tagging_break(store)
    changed = source_changes(store, now)

    def look(cube: Cube, coverage: Coverage, version: int) -> tuple[Sample, Observation, tuple[Recount, ...], int]:
        sample, observation = sample_of(cube, coverage, (period, *period.earlier()), scope, tagging, changed, now)
        return sample, observation, _recounts(cube, earlier, scope), version

    sample, observation, recounts, version = trends.look(look)
    sample = labelled(sample, config)
    tracked = {one.source.id: one for one in store.sources()}
    names = {name: one.source.name or name for name, one in tracked.items()}
    inside = {name: tracked[name] for name in sample.sources if name in tracked}
    document = ledger.ledger()
    return Facts(
        now=now,
        period=period,
        earlier=period.earlier(),
        since_last=since_last,
        scope=scope,
        observation=replace(observation, missing=_explained(store, observation.missing, tracked, period, now)),
        sample=sample,
        charts=_charts(trends, period, scope),
        claims=tuple(document["claims"]),
        verdict_counts=dict(document["counts"]),
        happenings=_happenings(store, since_last, now, set(sample.sources), names, document["claims"]),
        signals=tuple(signals),
        posts=_engaged(store, config, tracked, scope, period),
        source_names=names,
        platform_names={name: info.name for name, info in config.platforms.items()},
        troubles=_troubles(inside.values(), since_last, now),
        tracked=Counter(status_of(one) for one in inside.values()),
        recounts=recounts,
        previous=None if earlier is None else str(earlier.get("period_name") or "") or None,
        tagging_since=None if tagging is None else tagging.date(),
        generated=store.meta("generated") == "true",
        data_version=version,
    )


def _zone(spec: DigestSpec) -> Any:
    try:
        return parse_schedule(spec.schedule).zone
    except ScheduleError:
        return UTC  # a digest made by hand, without a schedule, speaks of UTC days


def _since_last(earlier: Document | None, since: datetime, now: datetime) -> datetime:
    if earlier is not None:
        composed = datetime.fromisoformat(str(earlier["composed_at"]))
        if composed < now:
            return composed
    return since


def _scope(filters: Mapping[str, Sequence[str]], now: datetime) -> dict[str, tuple[str, ...]]:
    """The filters, checked and tidied as those of a query. Raises QueryError."""
    asked = {name: list(values) for name, values in filters.items()}
    return dict(read_query({**asked, "interval": ["month"]}, metrics=("volume",), now=now).filters)


def source_changes(store: Store, now: datetime) -> dict[str, int]:
    """Source → UTC day of the latest change of where its posts come from or what they are taken for."""
    changes: dict[str, int] = {}
    after = 0
    while events := store.events(kinds=("source_changed",), until=now, after=after):
        changes.update((event.source, day_number(event.at)) for event in events if event.source is not None)
        after = events[-1].id
    return changes


def sample_of(
    cube: Cube,
    coverage: Coverage,
    periods: Sequence[Period],
    scope: Mapping[str, tuple[str, ...]],
    tagging: datetime | None,
    changed: Mapping[str, int],
    now: datetime,
) -> tuple[Sample, Observation]:
    """The sums of the first of `periods`, of those it is compared with, and what was observed of the first.

    Periods must not overlap. `changed` and `tagging` are the changes before which counts are of another kind.
    """
    buckets = _buckets(periods)
    place = {int(low): at for at, low in enumerate(buckets.lows)}
    columns = [place[day_span(one)[0]] for one in periods]
    mask = cube.source_mask(platforms=scope.get("platform"), ids=scope.get("source"))
    watch = coverage.watch(buckets)
    complete = watch.complete[mask][:, columns] & (watch.seconds[mask][:, columns] > 0)
    ids = tuple(name for name, inside in zip(cube.source_ids, mask.tolist(), strict=True) if inside)
    lows = buckets.lows[columns]
    since = np.array([changed.get(name, -(2**40)) for name in ids], np.int64)
    comparable = complete & (lows[None, :] >= since[:, None])
    if tagging is not None:
        # the first day after the change is the first that is of one kind throughout
        comparable &= (lows > day_number(tagging))[None, :]
    cells = Slice(cube, buckets)
    everything = Posts((scope,)) if scope else Posts()

    # As in trends: what nobody vouches for is in no total, unless it is asked for by name
    vouched = np.ones(len(ids), np.bool_) if scope.get("source") else coverage.ever[mask]

    def series(dimension: str, key: str) -> Series:
        within = (Posts(({dimension: (key,)},)),) if dimension else ()
        sums = [cells.weekly(everything, *within, column=name)[mask][:, columns] * vouched[:, None] for name in _SUMS]
        return Series(dimension, key, key, *sums)

    parts = [series(dimension, key) for dimension in SPLITS for key in sorted(cube.keys(dimension)) if _told(key)]
    parts = [part for part in parts if part.posts.any()]
    low, high = (day * SECONDS_PER_DAY for day in day_span(periods[0]))
    expected = watch.expected[mask][:, columns[0]]
    seconds = watch.seconds[mask][:, columns[0]]
    end = coverage.until(mask)
    missing = [
        Missing(name, name, _part(int(seconds[at]), high - low), "")
        for at, name in enumerate(ids)
        if expected[at] and not complete[at, 0]
    ]
    observation = Observation(
        sources=len(ids),
        expected=int(expected.sum()),
        observed=int((expected & (seconds > 0)).sum()),
        complete=int((expected & complete[:, 0]).sum()),
        share=coverage.observed_share(mask, low, min(high, int(now.timestamp()))),
        cutoff=None if end is None else datetime.fromtimestamp(end, UTC),
        missing=tuple(sorted(missing, key=lambda one: (one.observed, one.source))),
    )
    return Sample(ids, comparable, series("", ""), tuple(parts)), observation


def _part(seconds: int, length: int) -> float:
    return seconds / length if length else 0.0


def _told(key: str) -> bool:
    """Not the posts about which a dimension says nothing: their share tells of tagging, not of the world."""
    return key not in (NO_TOPIC, UNKNOWN)


def _buckets(periods: Sequence[Period]) -> Buckets:
    """One bucket a period, and one for each stretch between two of them."""
    edges = np.array(sorted({edge for one in periods for edge in day_span(one)}), np.int64)
    lows, highs = edges[:-1], edges[1:]
    return Buckets("day", int(edges[0]), int(edges[-1]), lows, lows, highs, np.zeros(len(lows), np.bool_))


def labelled(sample: Sample, config: Names) -> Sample:
    def label(part: Series) -> str:
        if part.dimension == "platform" and part.key in config.platforms:
            return config.platforms[part.key].name
        if part.dimension == "topic" and part.key in config.taxonomy:
            return str(config.taxonomy[part.key].get("label", part.key))
        return LABELS.get(part.dimension, {}).get(part.key, part.key)

    return replace(sample, parts=tuple(replace(part, label=label(part)) for part in sample.parts))


def _recounts(cube: Cube, earlier: Document | None, scope: Mapping[str, tuple[str, ...]]) -> tuple[Recount, ...]:
    """The numbers of the previous issue, counted again; none if it had another scope."""
    if earlier is None or {name: tuple(values) for name, values in earlier.get("scope", {}).items()} != dict(scope):
        return ()
    mask = cube.source_mask(platforms=scope.get("platform"), ids=scope.get("source"))
    found = []
    for one in earlier.get("recount", ()):
        period = Period(date.fromisoformat(one["since"]), date.fromisoformat(one["until"]))
        cells = Slice(cube, _buckets([period]))
        everything = Posts((scope,)) if scope else Posts()
        posts = int(cells.totals(everything)[mask].sum())
        value: float | None = float(posts)
        count = posts
        if one["id"] == "sentiment":
            count = int(cells.totals(everything, column="sentiment_n")[mask].sum())
            total = int(cells.totals(everything, column="sentiment_sum")[mask].sum())
            value = total / 10_000 / count if count else None
        elif one["id"] != "posts":
            dimension, _, key = str(one["id"]).partition("=")
            part = Posts(({dimension: (key,)},))
            count = int(cells.totals(everything, part)[mask].sum())
            value = count / posts if posts else None
        found.append(Recount(one["id"], one["label"], one["unit"], period, one["value"], value, int(one["n"]), count))
    return tuple(found)


def _charts(trends: Trends, period: Period, scope: Mapping[str, tuple[str, ...]]) -> dict[str, Document]:
    """The recent past up to the end of the period, ready to be drawn."""
    interval = period.interval
    last = day_number(period.until)
    since = step_back(last, interval, max(CHART_BUCKETS, period.days if interval == "day" else 0))
    shared: dict[str, Any] = {
        "interval": interval,
        "since": day_date(since),
        "until": period.until,
        "filters": {name: values for name, values in scope.items() if name in FILTERS},
    }
    asked = {"volume": TrendQuery(metric="volume", by=None, **shared)}
    asked |= {name: TrendQuery(metric="share", by=name, **shared) for name in SPLITS}
    assert {query.metric for query in asked.values()} <= METRICS.keys()
    return {name: trends.answer(query) for name, query in asked.items()}


def _explained(
    store: Store, missing: Sequence[Missing], tracked: Mapping[str, TrackedSource], period: Period, now: datetime
) -> tuple[Missing, ...]:
    """With names and reasons: a recorded gap that reaches into the period, else how the source fares now."""
    since, until = midnight(period.since), midnight(period.until)
    told = []
    for one in missing:
        source = tracked.get(one.source)
        gaps = [gap for gap in store.gaps(one.source) if gap.since < until and gap.until > since]
        reasons = list(dict.fromkeys(why_lost(gap.reason) for gap in gaps if gap.reason))
        if source is not None and not reasons:
            fares = standing(source, now)
            if source.state.created_at > since:
                reasons = ["tracked only since then"]
            elif fares.status != "ok":
                reasons = [fares.label + (f": {fares.reason}" if fares.reason else "")]
        name = one.source if source is None else source.source.name or one.source
        told.append(replace(one, name=name, why="; ".join(reasons) or "no reason was recorded"))
    return tuple(told)


def _happenings(
    store: Store,
    since: datetime,
    now: datetime,
    sources: set[str],
    names: Mapping[str, str],
    claims: Sequence[Document],
) -> tuple[Happening, ...]:
    """Events after the last issue: of sources in scope, and of every claim."""
    says = {str(claim["id"]): str(claim["says"]) for claim in claims}
    found: list[Happening] = []
    after = 0
    while events := store.events(since=since, until=now, kinds=(*_NEWS, "verdict_changed"), after=after):
        for event in events:
            if event.kind == "verdict_changed":
                name = says.get(event.subject, event.subject)
                found.append(Happening(event.at, event.kind, event.subject, name, event.says, event.detail))
            elif event.source is not None and (event.source in sources or event.kind == "source_retired"):
                name = names.get(event.source, event.source)
                found.append(Happening(event.at, event.kind, event.source, name, event.says, event.detail))
        after = events[-1].id
    return tuple(found)


def _engaged(
    store: Store,
    config: Names,
    tracked: Mapping[str, TrackedSource],
    scope: Mapping[str, tuple[str, ...]],
    period: Period,
) -> tuple[Document, ...]:
    """The posts of the period with the most likes, comments and shares: originals with an https address."""
    page = store.posts(
        PostQuery(
            filters={**by_country(scope), "copy": ("false",)},
            since=midnight(period.since),
            until=midnight(period.until),
            order="engagement",
            limit=_LOOKED_AT,
        )
    )
    fitting = (
        post
        for post in page.posts
        if (post.url or "").startswith("https://")
        and sum(filter(None, (post.engagement.likes, post.engagement.comments, post.engagement.shares))) > 0
    )
    told = []
    for post in islice(fitting, MOST_POSTS):
        source = tracked.get(post.source)
        platform = source.source.platform if source else ""
        info = config.platforms.get(platform)
        shown: dict[str, Any] = {**shown_post(post), "platform": platform}
        if info is None or info.kind in _WITHOUT_WORDS:
            shown |= {"title": None, "excerpt": None}
        told.append(shown)
    return tuple(told)


def _troubles(sources: Any, since: datetime, now: datetime) -> tuple[Trouble, ...]:
    found = []
    for one in sources:
        fares = standing(one, now)
        if fares.status not in _BROKEN:
            continue
        began = one.state.failing_since or one.state.last_try
        fresh = began is not None and began >= since
        name = one.source.name or one.source.id
        found.append(Trouble(one.source.id, name, fares.label, fares.reason or "", began, fresh))
    found.sort(key=lambda one: (not one.fresh, -(one.since or now).timestamp(), one.source))
    return tuple(found)
