"""How surprising a count is, given the mean and variance to be expected. Pure, vectorised.

A count with mean m and variance v is taken as negative binomial (v > m), Poisson (v = m) or binomial (v < m): the
three members of Panjer's class that two moments determine. Tail probabilities are exact for that law, by the
incomplete beta and gamma functions (Abramowitz and Stegun 26.5.24, 26.5.26, 26.4.21).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from monitor.core.signals.series import Floats

_ALIKE = 1e-3
"""Variances this close to the mean, relatively, are Poisson: the other two formulas lose digits there."""
_LEAST = 1e-9


def at_least(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """P(Y ≥ count); 1 for a count of 0. NaN where mean or variance is."""
    count, mean, variance = np.broadcast_arrays(count, np.maximum(mean, _LEAST), variance)
    excess = variance / mean - 1
    with np.errstate(all="ignore"):
        poisson = special.gammainc(np.maximum(count, _LEAST), mean)
        size = mean / excess  # NaN-free where it is used: excess > 0
        negative = special.betainc(np.maximum(count, _LEAST), size, excess / (1 + excess))
        part = np.clip(-excess, _LEAST, 1 - _LEAST)
        trials = mean / part
        left = trials - count + 1
        binomial = np.where(left > 0, special.betainc(np.maximum(count, _LEAST), np.maximum(left, _LEAST), part), 0.0)
    found = np.where(np.abs(excess) <= _ALIKE, poisson, np.where(excess > 0, negative, binomial))
    tail: Floats = np.where(np.isnan(excess), np.nan, np.where(count <= 0, 1.0, found))
    return tail


def at_most(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """P(Y ≤ count)."""
    count, mean, variance = np.broadcast_arrays(count, np.maximum(mean, _LEAST), variance)
    excess = variance / mean - 1
    with np.errstate(all="ignore"):
        poisson = special.gammaincc(count + 1, mean)
        size = mean / excess
        negative = special.betainc(size, count + 1, 1 / (1 + excess))
        part = np.clip(-excess, _LEAST, 1 - _LEAST)
        trials = mean / part
        left = trials - count
        binomial = np.where(left > 0, special.betainc(np.maximum(left, _LEAST), count + 1, 1 - part), 1.0)
    found = np.where(np.abs(excess) <= _ALIKE, poisson, np.where(excess > 0, negative, binomial))
    tail: Floats = np.where(np.isnan(excess), np.nan, found)
    return tail


def widened(p: Floats, df: Floats) -> Floats:
    """The same tail when the variance was estimated with `df` degrees of freedom: a normal score read as Student's t."""
    wider: Floats = special.stdtr(df, special.ndtri(np.clip(p, 1e-300, 1.0)))
    return wider


def interval(mean: float, variance: float, level: float = 0.95) -> tuple[float, float]:
    """Prediction interval of a count: the central one of a gamma law with these moments, so that it is never negative."""
    mean, variance = max(mean, _LEAST), max(variance, _LEAST)
    outside = (1 - level) / 2
    shape, scale = mean * mean / variance, variance / mean
    return float(scale * special.gammaincinv(shape, outside)), float(scale * special.gammainccinv(shape, outside))
