"""When to ask a source again.

A source that posts hourly is asked more often than one that posts monthly; one that fails is asked less often, never
not at all. Delays are spread by chance so that sources which failed together do not come back in one burst.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from collectors.base import CollectError

SHORTEST = timedelta(minutes=15)
LONGEST = timedelta(hours=6)
FIRST_GUESS = timedelta(hours=1)
SLOWEST_WHEN_FAILING = timedelta(days=2)
"""No source is ever forgotten: however often it failed, it is tried again within this time (plus jitter)."""
ASKED_AT_MOST = timedelta(days=1)
"""Longest wish of a server (ttl, max-age) that is honoured."""
THROTTLED_AT_MOST = timedelta(days=7)
"""Longest Retry-After that is honoured."""
OFFLINE_WAIT = timedelta(minutes=2)
"""After our own network failed: asked again after this long to twice as long."""
JITTER = 0.2
SMOOTHING = 0.3
OLDEST_IGNORED = 0.2
"""This share of a page, its oldest items, says nothing about the rhythm: pinned posts lie years before the others."""

WEIGHTS = {"temporary": 0.5, "soft": 1.0, "hard": 2.0}
"""What a failure adds to the count that doubles the delay."""


def spacing_of(previous: float | None, dates: Sequence[datetime], now: datetime) -> float | None:
    """Typical seconds between posts, from the dates of one page (any order), smoothed over visits.

    The mean, because sources that post in batches have a median of nearly nothing. The time since the newest post counts as a spacing once it exceeds the typical one, so that a source which falls
    silent is asked less and less often.
    """
    ordered = sorted(dates)[-50:]
    ordered = ordered[int(len(ordered) * OLDEST_IGNORED) :]
    if len(ordered) < 2:
        return previous
    typical = (ordered[-1] - ordered[0]).total_seconds() / (len(ordered) - 1)
    typical = max(typical, 1.0, (now - ordered[-1]).total_seconds() / 2)
    return typical if previous is None else previous + SMOOTHING * (typical - previous)


def after_success(
    now: datetime,
    *,
    every: timedelta | None,
    spacing: float | None,
    page_length: int,
    asked: timedelta | None,
    overflowed: bool = False,
    rng: random.Random,
) -> datetime:
    """Next time to ask after a visit that worked.

    `every` fixes the interval; otherwise half the typical spacing, early enough that a page of `page_length` items
    cannot roll over thrice unseen, and soonest where one just did (`overflowed`). `asked` is what server or document
    wish for; it can only lengthen the wait.
    """
    if every is not None:
        wait = every
    elif overflowed:
        wait = SHORTEST
    elif spacing is None:
        wait = FIRST_GUESS
    else:
        wait = min(max(timedelta(seconds=min(spacing, 30 * 86400) / 2), SHORTEST), LONGEST)
        if page_length:
            wait = max(min(wait, timedelta(seconds=spacing * page_length / 3)), SHORTEST / 3)
    if asked is not None:
        wait = max(wait, min(asked, ASKED_AT_MOST))
    return now + wait * (1 + JITTER * (rng.random() - 0.5))


def after_failure(
    now: datetime,
    error: CollectError,
    failures: float,
    *,
    every: timedelta | None,
    spacing: float | None,
    rng: random.Random,
) -> tuple[datetime, float]:
    """(next time to ask, new weighted count of failures)."""
    failures += WEIGHTS[error.weight]
    base = every or timedelta(seconds=min(max((spacing or 3600.0) / 2, SHORTEST.total_seconds()), 6 * 3600))
    wait = min(base * 2 ** min(failures - 0.5, 10), max(SLOWEST_WHEN_FAILING, base))
    due = now + wait * (0.5 + rng.random())
    if error.until is not None:
        due = max(due, min(error.until, now + THROTTLED_AT_MOST) + wait * JITTER * rng.random())
    return due, failures


def after_offline(now: datetime, rng: random.Random) -> datetime:
    """Next time to ask after a failure that was ours; soon, because it says nothing about the source."""
    return now + OFFLINE_WAIT * (1 + rng.random())
