"""How far a share of tagged posts may lie from the share of posts that the tag truly fits. Pure.

Works from the counts of a labelled sample, and speaks for other posts only as far as that sample does.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from monitor.core.claim import TagError


def corrected(
    value: float, low: float, high: float, errors: tuple[TagError, ...], *, tail: float
) -> tuple[float, float]:
    """Bounds, 0 to 1, of a tagged share once its tags' errors are taken out; `tail` is 0.975 for a 95 % interval.

    Corrected share: (share + specificity − 1) / (sensitivity + specificity − 1) (Rogan & Gladen 1978). The distances by
    which the bounds of the share, of sensitivity and of specificity move it are joined as the root of their sum of
    squares (variance recovery, Zou & Donner 2008); the latter two have Wilson intervals of their labelled samples. With
    several tags a post counts if any of them is given: sensitivity lies between their lowest and highest, and false
    alarms add up at worst. Tags that may be no better than chance, or were not tried, leave 0 to 1.
    """
    if any(of <= 0 for error in errors for _, of in (error.sensitivity, error.specificity)):
        return 0.0, 1.0
    hits = [_rate(k, n, tail) for k, n in (error.sensitivity for error in errors)]
    alarms = [_rate(n - k, n, tail) for k, n in (error.specificity for error in errors)]
    hit = (min(h[0] for h in hits), float(np.mean([h[1] for h in hits])), max(h[2] for h in hits))
    # Several tags cannot alarm less than the loudest of them alone, nor more than all together.
    alarm = (max(a[0] for a in alarms), min(sum(a[1] for a in alarms), 1.0), min(sum(a[2] for a in alarms), 1.0))
    if hit[0] <= alarm[2]:
        return 0.0, 1.0
    middle = _rogan_gladen(value, hit[1], alarm[1])
    reach = [
        math.hypot(
            _rogan_gladen(share, hit[1], alarm[1]) - middle,
            _rogan_gladen(value, sensitivity, alarm[1]) - middle,
            _rogan_gladen(value, hit[1], false_alarm) - middle,
        )
        for share, sensitivity, false_alarm in ((low, hit[2], alarm[2]), (high, hit[0], alarm[0]))
    ]
    return min(max(middle - reach[0], 0.0), 1.0), max(min(middle + reach[1], 1.0), 0.0)


def wilson_bounds(k: int, n: int, tail: float) -> tuple[float, float]:
    """Wilson's score interval of k of n (Wilson 1927), n at least 1; `tail` is 0.975 for a 95 % interval."""
    z = float(special.ndtri(tail))
    share, total = k / n, n + z * z
    middle = (k + z * z / 2) / total
    half = z / total * math.sqrt(share * (1 - share) * n + z * z / 4)
    return (0.0 if k == 0 else max(middle - half, 0.0)), (1.0 if k == n else min(middle + half, 1.0))


def _rate(k: int, n: int, tail: float) -> tuple[float, float, float]:
    low, high = wilson_bounds(k, n, tail)
    return low, k / n, high


def _rogan_gladen(share: float, sensitivity: float, false_alarm: float) -> float:
    return (share - false_alarm) / (sensitivity - false_alarm)
