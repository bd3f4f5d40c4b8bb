"""What the first page tells of one period, read from the trends and the store: figures, and what was observed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from monitor.core.buckets import SECONDS_PER_DAY, day_date, day_number, floor_day
from monitor.core.digest_input import Mask, Observation, Sample
from monitor.core.digest_periods import Period, day_span
from monitor.core.overview import Compare, Figures, base_of, figures
from monitor.digest_facts import Names, labelled, sample_of, source_changes
from monitor.retag import tagging_break

if TYPE_CHECKING:
    from monitor.core.cube import Cube
    from monitor.core.observed import Coverage
    from monitor.store.store import Store
    from monitor.trends import Trends


@dataclass(frozen=True, slots=True)
class Overview:
    period: Period
    base: Period | None
    """What it is compared with."""
    figures: Figures
    observation: Observation
    watched: int
    """Sources that should be observed now or were expected to be in the period."""
    joined: tuple[str, ...]
    """Ids of sources observed in the period and not in the base."""
    left: tuple[str, ...]
    """The reverse."""
    latest: Period | None
    """The last week that is over and in which anything was observed; None if there is none."""
    version: int


def look_at(
    trends: Trends, store: Store, config: Names, period: Period, compare: Compare, *, active: Collection[str], now: datetime
) -> Overview:  # fmt: skip
    """The period as known at `now`. `active` are the sources that should be observed, whether they ever were or not."""
    base = base_of(period, compare)
    chosen = (period,) if base is None else (period, base)
    tagging, changed = tagging_break(store), source_changes(store, now)

    def look(cube: Cube, coverage: Coverage, version: int) -> Overview:
        found, observation = sample_of(cube, coverage, chosen, {}, tagging, changed, now)
        earlier, _ = sample_of(cube, coverage, (period, *period.earlier()), {}, tagging, changed, now)
        pair: Sample = labelled(found, config)
        then, before = (_observed(coverage, one) for one in (period, base or period))
        ids = cube.source_ids
        low, high = (day * SECONDS_PER_DAY for day in day_span(period))
        expected = (coverage.starts < high) & (coverage.collected | (coverage.ends > low))
        watched = {name for name, one in zip(ids, expected.tolist(), strict=True) if one} | set(active)
        return Overview(
            period=period,
            base=base,
            figures=figures(pair, earlier, period.days, compare, observed=observation.observed > 0),
            observation=observation,
            watched=len(watched),
            joined=_named(ids, then & ~before),
            left=_named(ids, before & ~then),
            latest=_latest(coverage, now),
            version=version,
        )

    return trends.look(look)


def last_monday(now: datetime) -> date:
    """The Monday that the present UTC week began with; the last whole week ends there."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=today.weekday())


def _observed(coverage: Coverage, period: Period) -> Mask:
    edges = np.array(day_span(period), np.int64) * SECONDS_PER_DAY
    seen: Mask = coverage.seconds(edges)[:, 0] > 0
    return seen


def _named(ids: tuple[str, ...], mask: Mask) -> tuple[str, ...]:
    return tuple(name for name, one in zip(ids, mask.tolist(), strict=True) if one)


def _latest(coverage: Coverage, now: datetime) -> Period | None:
    ever = coverage.ends > coverage.starts
    if not ever.any():
        return None
    end = min(int(coverage.ends[ever].max()) - 1, day_number(last_monday(now)) * SECONDS_PER_DAY - 1)
    if end < int(coverage.starts[ever].min()):
        return None
    monday = day_date(floor_day(end // SECONDS_PER_DAY, "week"))
    return Period(monday, monday + timedelta(weeks=1))
