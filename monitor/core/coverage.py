"""What a visit observed, and what it did not.

A feed remembers: it shows its newest items, so a page that still holds something we already knew proves that nothing
between our last visit and now has been missed, even if we were down meanwhile. A page that holds nothing we knew has
lost what lay between. That difference is the whole of this module; nothing here touches a database or the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from collectors.base import Stretch
from monitor.core.model import Known, Observed

STRAGGLER_FACTOR = 20.0
"""An old item counts as a straggler (pinned, undeleted) when the hole before it is this many typical spacings …"""
STRAGGLER_HOLE = timedelta(days=60)
"""… and at least this long."""
STRAGGLER_SHARE = 0.2
"""At most this share of a page can be stragglers; more, and the source is simply irregular."""

SMALLEST_CAP = 10
"""Feeds that cut their list cut it at this length or later (WordPress 10, YouTube 15, Reddit 25)."""
RENAMED_SHARE = 0.5
"""A page without a known anchor still connects if at least this share of it are unknown items from before …"""
DAY = timedelta(days=1)
"""… and, where the source dates by the day only, from at least a day before."""
INSTANT = timedelta(microseconds=1)
"""What a look without any date to go by observed: the moment itself, so that what follows has a point to start from."""


def observe_unchanged(known: Known, now: datetime) -> Observed | None:
    """The source said 'nothing new': observed from the last visit to now.

    None if it was never observed before: an unchanged page proves nothing about a past that nobody has seen.
    """
    return Observed(known.observed_until, now) if known.observed_until else None


def observe_page(known: Known, items: Sequence[tuple[str, datetime | None]], now: datetime) -> Observed:
    """What a page with these (native id, published) pairs, in any order, adds to the coverage.

    The result starts where the last coverage ended when the page connects to it, otherwise at the oldest item that
    the page proves, with the reason of the gap. A first visit starts at the page's oldest item. An emptied page proves
    nothing: `since` equals `until`.
    """
    last = known.observed_until
    dates = sorted((published for _, published in items if published is not None and published <= now), reverse=True)
    if last is None:
        return Observed(_oldest_without_stragglers(dates) if dates else now - INSTANT, now)
    last = min(last, now)
    if _connects(known, items, last):
        return Observed(last, now)
    if not items:
        return Observed(now, now, gap="emptied")
    fresh = [published for published in dates if published > last]
    since = fresh[-1] if fresh else now - INSTANT
    return Observed(since, now, gap="overflow")


def observe_stretch(known: Known, stretch: Stretch, now: datetime) -> Observed | None:
    """What a collector says it has shown without a hole; None if that is no time at all.

    A stretch that does not reach back to the last coverage leaves a gap. Where the collector gives no reason, the
    visit is still on its way there, or was cut off: a later page or visit that reaches it closes the gap.
    """
    until = min(stretch.until, now)
    if stretch.since >= until:
        return None
    apart = known.observed_until is not None and stretch.since > known.observed_until
    return Observed(stretch.since, until, gap=(stretch.gap or "cut off") if apart else None)


def _connects(known: Known, items: Sequence[tuple[str, datetime | None]], last: datetime) -> bool:
    """True if the page reaches back to what was known at `last`.

    The test is against the *newest* known posts, not any: a pinned post from last year stays in the feed while a
    hundred others roll through unseen. A page without them still connects when much of it is unknown and older than
    the last visit: the publisher renamed its ids. One such item proves nothing, it may be newly pinned or backdated.
    """
    if (
        not known.anchors
    ):  # an empty feed was observed as empty: what it shows came since, unless more came than it holds
        return len(items) < SMALLEST_CAP
    ids = {native for native, _ in items}
    if any(anchor in ids for anchor in known.anchors):
        return True
    before = last - DAY if _dated_by_the_day(items) else last
    older = sum(
        published is not None and published <= before and native not in known.hashes for native, published in items
    )
    return older > 0 and older >= RENAMED_SHARE * len(items)


def _dated_by_the_day(items: Sequence[tuple[str, datetime | None]]) -> bool:
    """True if all items bear the same time of day (two, where the clocks changed): what came at noon says midnight."""
    times = [published.timetz() for _, published in items if published is not None]
    return len(times) >= 3 and len(set(times)) <= 2


def _oldest_without_stragglers(newest_first: Sequence[datetime]) -> datetime:
    """The oldest date of a first page, leaving out a few items that lie far before all others."""
    if len(newest_first) < 5:
        return newest_first[-1]
    holes = [(earlier - later).total_seconds() for earlier, later in pairwise(newest_first)]
    limit = max(STRAGGLER_HOLE.total_seconds(), median(holes) * STRAGGLER_FACTOR)
    allowed = int(len(newest_first) * STRAGGLER_SHARE)
    for index in range(len(holes) - 1, -1, -1):
        stragglers = len(newest_first) - 1 - index
        if stragglers > allowed:
            break
        if holes[index] > limit:
            return newest_first[index]
    return newest_first[-1]
