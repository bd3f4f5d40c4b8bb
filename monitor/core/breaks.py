"""Is the volume of what is collected stable? A caveat for readers, never a verdict. Pure.

PELT with squared-error cost (Killick, Fearnhead & Eckley 2012) by `ruptures` on the log of weekly totals. The penalty
is built on a long-run variance, because weekly counts are autocorrelated and the usual penalty then finds changes in
half of all calm series. It does not tell a step from steady growth or a season, and not why the volume changed.
"""

from __future__ import annotations

import math

import numpy as np

from monitor.core.estimates import Floats, Ints

MIN_WEEKS = 8
"""Shortest stretch between two changes."""
PENALTY = 3.0
"""Times long-run variance times ln(weeks), per change."""


def volume_breaks(totals: Ints) -> tuple[int, ...]:
    """Weeks at whose start the volume is not stable: indices into `totals`, each the first week of a new stretch.

    `totals` are posts per week without holes; weeks that were not observed must not be among them as zeros. Empty
    below 16 weeks and for volumes that never change. How often it is right is in the calibration table: calm series
    rarely alarm it, but steady growth and a season do.
    """
    weeks = len(totals)
    if weeks < 2 * MIN_WEEKS:
        return ()
    signal = np.log(totals + 1.0)
    variance = long_run_variance(signal)
    if variance <= 0:
        return ()
    # Imported where needed: it loads all of scipy.stats, about half a second that most commands need not wait for.
    from ruptures.detection.kernelcpd import KernelCPD

    # float noise: a penalty of nearly nothing would cut a constant series into pieces
    penalty = max(PENALTY * variance * math.log(weeks), 1e-9)
    found = KernelCPD(kernel="linear", min_size=MIN_WEEKS).fit(signal.reshape(-1, 1)).predict(pen=penalty)
    return tuple(int(week) for week in found[:-1])


def long_run_variance(signal: Floats) -> float:
    """Variance of an AR(1) series times (1 + rho) / (1 − rho), both from its first differences (at least 3 values).

    Differences hardly feel a step, which would inflate the plain variance and so hide itself. For AR(1) the lag-1
    correlation of differences is −(1 − rho) / 2, their variance 2(1 − rho) times that of the series. rho is kept
    within 0 and 0.8, moved up by 2 / weeks for the bias of short series, at most 0.85.
    """
    steps = np.diff(signal)
    spread = float(np.var(steps))
    if spread == 0:
        return 0.0
    first, second = steps[:-1] - steps[:-1].mean(), steps[1:] - steps[1:].mean()
    scale = math.sqrt(float(first @ first) * float(second @ second))
    correlation = float(first @ second) / scale if scale > 0 else 0.0
    rho = min(min(max(1 + 2 * correlation, 0.0), 0.8) + 2 / len(signal), 0.85)
    return spread / (2 * (1 - rho)) * (1 + rho) / (1 - rho)
