"""What a visit observed, and what it did not.

A feed remembers: it shows its newest items, so a page that still holds something we already knew proves that nothing
between our last visit and now has been missed, even if we were down meanwhile. A page that holds nothing we knew has
lost what lay between. That difference is the whole of this module; nothing here touches a database or the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from monitor.core.model import Known, Observed

STRAGGLER_FACTOR = 20.0
"""An old item counts as a straggler (pinned, undeleted) when the hole before it is this many typical spacings …"""
STRAGGLER_HOLE = timedelta(days=60)
"""… and at least this long."""
STRAGGLER_SHARE = 0.2
"""At most this share of a page can be stragglers; more, and the source is simply irregular."""

SMALLEST_CAP = 10
"""Feeds that cut their list cut it at this length or later (WordPress 10, YouTube 15, Reddit 25)."""


def observe_unchanged(known: Known, now: datetime) -> Observed | None:
    """The source said 'nothing new': observed from the last visit to now.

    None if it was never observed before: an unchanged page proves nothing about a past that nobody has seen.
    """
    return Observed(known.observed_until, now) if known.observed_until else None


def observe_page(
    known: Known, items: Sequence[tuple[str, datetime | None]], now: datetime, *, continuous: bool | None = None
) -> Observed:
    """What a page with these (native id, published) pairs, in any order, adds to the coverage.

    `continuous` is the collector's own knowledge: True if its cursor guarantees that nothing was skipped, False if it
    knows that something was, None if only overlap can tell.

    The result starts where the last coverage ended when the page connects to it, otherwise at the oldest item that
    the page proves, with the reason of the gap. A first visit starts at the page's oldest item.
    """
    last = known.observed_until
    dates = sorted((published for _, published in items if published is not None and published <= now), reverse=True)
    if last is None:
        return Observed(_oldest_without_stragglers(dates) if dates else now, now)
    last = min(last, now)
    if continuous:
        return Observed(last, now)
    if continuous is None and _connects(known, items, last):
        return Observed(last, now)
    fresh = [published for published in dates if published > last]
    since = fresh[-1] if fresh else now
    if continuous is False:
        return Observed(since, now, gap="lost cursor")
    return Observed(since, now, gap="overflow" if items else "emptied")


def _connects(known: Known, items: Sequence[tuple[str, datetime | None]], last: datetime) -> bool:
    """True if the page reaches back to what was known at `last`.

    The test is against the *newest* known posts, not any: a pinned post from last year stays in the feed while a
    hundred others roll through unseen. A page without known ids still connects when unknown items are older than the
    last visit: the publisher renamed its ids, or the page is longer than what we stored.
    """
    if not known.anchors:  # an empty feed was observed as empty: what it shows came since, unless more came than it holds
        return len(items) < SMALLEST_CAP
    ids = {native for native, _ in items}
    if any(anchor in ids for anchor in known.anchors):
        return True
    return any(published is not None and published <= last and native not in known.hashes for native, published in items)


def _oldest_without_stragglers(newest_first: Sequence[datetime]) -> datetime:
    """The oldest date of a first page, leaving out a few items that lie far before all others."""
    if len(newest_first) < 5:
        return newest_first[-1]
    holes = [earlier - later for earlier, later in zip(newest_first, newest_first[1:], strict=False)]
    typical = median(holes)
    limit = max(STRAGGLER_HOLE, typical * STRAGGLER_FACTOR)
    allowed = int(len(newest_first) * STRAGGLER_SHARE)
    for index in range(len(holes) - 1, -1, -1):
        stragglers = len(newest_first) - 1 - index
        if stragglers > allowed:
            break
        if holes[index] > limit:
            return newest_first[index]
    return newest_first[-1]
