"""Two periods against each other: the change of each bucket and of the whole, with its interval. Pure.

A count changes by a ratio, whose interval is that of the split of both counts between two equally long times (exact,
Clopper and Pearson). Everything else changes by a difference; its interval puts those of both sides together (Newcombe
1998, Zou and Donner 2008), which needs no more than that the two are independent. Like the intervals they are made of,
they are for chance among the posts collected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from monitor.core import estimates
from monitor.core.charts import Bucket

SHARES = ("share", "positive_share", "negative_share")
MEANS: Mapping[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sentiment": (float, float),
    "words": (float, float),
    "duration": (float, float),
    "engagement": (math.log1p, math.expm1),
}
"""Means over n posts, which add up to a mean over more; with the scale on which they do, and the way back."""
_TAIL = (1 - estimates.LEVEL) / 2

Three = tuple[float, float | None, float | None]
"""A value with the ends of its interval, which may be missing."""


@dataclass(frozen=True, slots=True)
class Change:
    """`relative`: value and ends are parts of the earlier count (0.12 is 12 % more), else they are differences."""

    value: float | None
    """None: it was nothing before."""
    low: float | None
    high: float | None
    relative: bool

    @property
    def clear(self) -> bool:
        """The interval leaves out no change."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high


@dataclass(frozen=True, slots=True)
class Whole:
    """One series over all buckets that count in both periods."""

    label: str
    pairs: int
    """Buckets that count."""
    now: Three | None
    before: Three | None
    n_now: int
    n_before: int
    change: Change | None
    """None where nothing can be said honestly."""


def comparable(now: Bucket, before: Bucket | None, metric: str) -> bool:
    """Both buckets are over and were observed; for counts throughout, because less was seen is not less was posted."""
    if before is None or now.value is None or before.value is None or now.so_far or before.so_far:
        return False
    return metric != "volume" or "partial" not in (now.status, before.status)


def bucket_change(now: Bucket, before: Bucket | None, metric: str) -> Change | None:
    """None where the two cannot be compared."""
    if before is None or not comparable(now, before, metric) or now.value is None or before.value is None:
        return None
    if metric == "volume":
        return ratio(now.n, before.n)
    return difference((now.value, now.low, now.high), (before.value, before.low, before.high))


def whole(label: str, pairs: Sequence[tuple[Bucket, Bucket | None]], metric: str) -> Whole:
    """The change over all comparable pairs together; empty where values do not add up (rates) or there are none."""
    used = [(now, before) for now, before in pairs if before is not None and comparable(now, before, metric)]
    late, early = [now for now, _ in used], [before for _, before in used]
    n_now, n_before = sum(one.n for one in late), sum(one.n for one in early)
    if not used:
        return Whole(label, 0, None, None, 0, 0, None)
    now, before = pooled(late, metric), pooled(early, metric)
    change = None
    if metric == "volume":
        change = ratio(n_now, n_before)
    elif now is not None and before is not None:
        change = difference(now, before)
    return Whole(label, len(used), now, before, n_now, n_before, change)


def pooled(buckets: Sequence[Bucket], metric: str) -> Three | None:
    """The value over several buckets, or None where the answer does not hold what that takes."""
    n, of = sum(one.n for one in buckets), sum(one.of for one in buckets)
    if metric == "volume" or metric in SHARES:
        found = estimates.count(np.array([n])) if metric == "volume" else estimates.share(np.array([n]), np.array([of]))
        value, low, high = (float(part[0]) for part in (found.value, found.low, found.high))
        return None if math.isnan(value) else (value, low, high)
    if metric not in MEANS or not n:
        return None
    there, back = MEANS[metric]
    told = [(one.n / n, one) for one in buckets if one.value is not None and one.n]
    middle = sum(weight * there(one.value) for weight, one in told if one.value is not None)
    ends = [
        (weight * (there(one.value) - there(one.low)), weight * (there(one.high) - there(one.value)))
        for weight, one in told
        if one.value is not None and one.low is not None and one.high is not None
    ]
    if len(ends) < len(told):
        return back(middle), None, None
    down, up = math.hypot(*(end[0] for end in ends)), math.hypot(*(end[1] for end in ends))
    return back(middle), back(middle - down), back(middle + up)


def ratio(now: int, before: int) -> Change:
    """Change of a count over equally long times. Without an earlier count there is none to divide by."""
    if not before:
        return Change(None, None, None, relative=True)
    total = now + before
    low = float(special.betaincinv(now, before + 1, _TAIL)) if now else 0.0
    high = float(special.betaincinv(now + 1, before, 1 - _TAIL))
    return (
        Change(now / before - 1, low / (1 - low) - 1, high / (1 - high) - 1, relative=True)
        if total
        else Change(None, None, None, relative=True)
    )


def difference(now: Three, before: Three) -> Change:
    """`now` less `before`."""
    value = now[0] - before[0]
    if None in now or None in before:
        return Change(value, None, None, relative=False)
    (a, a_low, a_high), (b, b_low, b_high) = now, before
    assert a_low is not None and a_high is not None and b_low is not None and b_high is not None  # noqa: PT018
    return Change(value, value - math.hypot(a - a_low, b_high - b), value + math.hypot(a_high - a, b - b_low), False)
