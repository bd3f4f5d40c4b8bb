"""How often a feed says it changes: ttl, sy:updatePeriod and podcast:updateFrequency → a polling interval."""

from __future__ import annotations

import re
from datetime import timedelta

from collectors.feeds.draft import FeedDraft

LONGEST = timedelta(days=1)
"""No document may silence its source for longer: a wrong ttl, or a publishing rhythm that is only a plan."""
_PERIODS = {"hourly": 1.0, "daily": 24.0, "weekly": 168.0, "monthly": 730.0, "yearly": 8766.0}
_FREQUENCIES = {**_PERIODS, "minutely": 1 / 60, "secondly": 1 / 3600}
_WITHIN = {"daily": "BYHOUR", "weekly": "BYDAY", "monthly": "BYMONTHDAY", "yearly": "BYMONTH"}
"""What names several times within one period."""
_RULE = re.compile(r"([A-Z]+)=([^;]{1,200})", re.IGNORECASE)


def poll_after(feed: FeedDraft) -> timedelta | None:
    """The shortest sensible wait before the next visit; None if the document does not say.

    ttl (minutes) first, then sy, then the publishing rhythm of podcast:updateFrequency (simple rules of RFC 5545:
    FREQ, INTERVAL and how many hours, days or months they name). Never above LONGEST.
    """
    if feed.complete:
        return LONGEST
    hours = _ttl(feed.ttl)
    if hours is None:
        hours = _syndication(feed.sy_period, feed.sy_frequency)
    if hours is None:
        hours = _rule(feed.rrule)
    return None if hours is None else min(timedelta(hours=hours), LONGEST)


def _ttl(text: str | None) -> float | None:
    minutes = _number(text)
    return None if minutes is None else min(minutes, 1e6) / 60


def _syndication(period: str | None, frequency: str | None) -> float | None:
    if period is None and frequency is None:
        return None
    hours = _PERIODS.get((period or "daily").strip().lower())
    if hours is None:
        return None
    return hours / min(_number(frequency) or 1, 3600)


def _rule(rrule: str | None) -> float | None:
    parts: dict[str, str] = {name.upper(): value.strip() for name, value in _RULE.findall((rrule or "")[:500])}
    frequency = parts.get("FREQ", "").lower()
    hours = _FREQUENCIES.get(frequency)
    if hours is None:
        return None
    within = _WITHIN.get(frequency, "")
    times = 1 + parts.get(within, "").count(",")
    return hours * min(_number(parts.get("INTERVAL")) or 1.0, 1000.0) / times


def _number(text: str | None) -> float | None:
    """A positive number; None for anything else."""
    try:
        value = float((text or "").strip()[:20])
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
