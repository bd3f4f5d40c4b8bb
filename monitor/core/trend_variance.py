"""How sure a trend is: what differs between sources, what all sources share in a week, and how far slopes spread.

The two variances are added (`trend`). Their overlap is ignored, which errs on the side of caution. docs/statistics.md
has the formulae and where they come from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEVERAGE_CAP = 0.98
_RHO_CAP = 0.9


def between_sources(
    weights: Floats, deviation: Floats, strength: Floats, total: float, informative: int
) -> tuple[float, float]:
    """Variance of the slope from what differs between sources, and its degrees of freedom.

    The larger of Hartung & Knapp's 2001 and the CR2 variance; the latter's degrees of freedom by Bell & McCaffrey 2002.
    """
    if informative < 2:
        return 0.0, 1.0
    kept = 1 - np.minimum(weights, _LEVERAGE_CAP)
    spread = weights @ deviation**2 / (informative - 1)
    robust = (weights**2 / kept) @ deviation**2
    told = strength > 0
    lever = (weights**2 / kept)[told]
    unit = 1 / strength[told] - 1 / total
    own = lever * unit
    crossed = (lever.sum() ** 2 - lever @ lever) / total**2
    freedom = own.sum() ** 2 / max(own @ own + crossed, 1e-300)
    return float(max(spread, robust)), float(min(informative - 1, max(2.0, freedom)))


def between_weeks(residual: Floats, expected: Floats, exposure: Floats, q: int) -> tuple[float, float, float]:
    """Variance of the slope from shocks common to the sources, its degrees of freedom, and their autocorrelation."""
    some = expected > 0
    weeks = int(some.sum())
    power = float(residual**2 @ expected)
    if power <= 0:
        return 0.0, 1.0, 0.0
    pairs = residual[1:] * residual[:-1] * np.sqrt(expected[1:] * expected[:-1])
    found = float(pairs.sum()) / power
    rho = float(np.clip((weeks * found + 2 + q) / (weeks - 4 - q), 0.0, _RHO_CAP))
    effective = max(weeks * (1 - rho) / (1 + rho), q + 4.0)
    left = effective - q - 2
    size = power / float(expected[some].mean()) / weeks * effective / left
    lags = np.correlate(exposure, exposure, "full")[len(exposure) - 1 :]
    fading = rho ** np.arange(len(lags))
    quadratic = 2 * float(lags @ fading) - float(lags[0])
    return max(size * quadratic, 0.0), max(2.0, left), rho


def paule_mandel(estimates: Floats, variances: Floats) -> float:
    """The spread at which the weighted squares equal their expectation, G − 1 (DerSimonian & Kacker 2007, section 2)."""
    wanted = len(estimates) - 1
    if wanted < 1:
        return 0.0
    square = 0.0
    for _ in range(100):
        weights = 1 / (variances + square)
        mean = weights @ estimates / weights.sum()
        distance = weights @ (estimates - mean) ** 2 - wanted
        if distance <= 0:
            break
        step = distance / (weights**2 @ (estimates - mean) ** 2)
        square += step
        if step < 1e-10:
            break
    return float(np.sqrt(square))
