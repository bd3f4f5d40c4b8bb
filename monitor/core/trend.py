"""How a share or a rate changes over time, in the average source.

The model: in source s and week w, of n posts (or on n observed days) k were counted, and

    E[k] = n · exp(level of the source + slope of the source · years + season + shock of the week).

The estimand is the mean of the slopes over sources: the change per year in the average source, on the log scale. It
is not the change of all posts taken together, which a few large sources decide.

* Estimate: the Poisson likelihood conditional on the total of each source (Hausman, Hall & Griliches 1984), which
  asks nothing of the counts but that their mean is right (Wooldridge 1999). A source only informs about its own
  change, so that who joins and who leaves cannot make a trend. Each source's score is weighted by
  1 / (1 + tau0² · information): the weight of a random effect with a spread fixed beforehand, so that neither a giant
  nor a source with two posts decides. Weeks are capped likewise, by the shocks that all sources share: one loud week
  counts for little more than any other.
* Variance: the sum of what differs between sources (Hartung & Knapp 2001, and CR2 of Bell & McCaffrey 2002, whichever
  is larger) and of shocks common to all sources in a week (autoregressive of order 1, corrected for the bias of a
  correlation around a fitted trend, Marriott & Pope 1954), with Satterthwaite's degrees of freedom (1946).
* Season: one harmonic of the year.

Pure numpy, vectorised over sources: sums over weeks are products of the count table with a few columns, so that a fit
of 400 sources and 104 weeks takes about a millisecond. docs/statistics.md has the formulae, and what simulation says
about error rates and power.

What the interval does not cover: a slow drift common to all sources, steps in all sources at once (a changed tagger),
and which sources were chosen. `trend_rules` turns a fit into a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.core.finding import SourceWeeks
from monitor.core.trend_variance import between_sources, between_weeks, paule_mandel

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

WEEKS_PER_YEAR = 52.18
SPREAD = 0.5
"""tau0, log per year: the spread of slopes between sources that the weights assume. Fixed beforehand, never estimated."""
SHOCK = 0.3
"""Size of a week's common shock (log) that the weights of weeks assume. Fixed beforehand, too."""
SEASON_FROM = 26
"""Fewer weeks than this say nothing of a season; no season is modelled then. (No verdict is given below 52 anyway.)"""

_TAIL = 0.025
_WEEKS_TO_SPARE = 7
"""Weeks with data beyond the number of fitted columns; with fewer the correction of rho has nothing to divide by."""
_LARGEST_STEP = 1.0
_LARGEST_SLOPE = 20.0
_ITERATIONS = 60
_CLOSE_ENOUGH = 1e-5
"""A last step this small leaves an error of about its square."""
_BLAS_THREADS_FROM = 250_000
"""Multiplications; OpenBLAS computes products up to 64³ in the calling thread."""
_PAIRS = {columns: np.triu_indices(columns) for columns in (1, 3)}
"""Which columns to multiply, each pair once; with and without a season."""
_LEAST_INDEX = 0.02
"""A week in which nothing was counted has no logarithm; its index stops here."""


@dataclass(frozen=True, slots=True, eq=False)
class TrendFit:
    """The change per year in the average source. Slopes are log per year; arrays follow the `SourceWeeks` fitted."""

    slope: float
    se: float
    df: float
    low: float
    high: float
    """Ends of the 95 % interval of `slope`."""

    informative: int
    """Sources that say anything about change: something counted, in more than one week. G in the formulae."""
    g_eff: float
    """How many equally weighted sources would weigh alike: 1 / Σ weights²."""
    posts: int
    """Posts counted in informative sources."""
    weeks_spanned: int
    """Weeks of the window, with data or without."""

    weights: Floats
    """(sources,): what each source weighs in the slope; sums to 1, 0 where a source is not informative."""
    slopes: Floats
    """(sources,): slope of each source, from one step of the score; NaN where a source is not informative."""
    tau_hat: float
    """Spread (standard deviation) of the slopes beyond chance, by Paule & Mandel 1982; a description only."""
    v_source: float
    v_week: float
    df_source: float
    df_week: float
    """The two parts of the variance and their degrees of freedom."""
    rho: float
    """Autocorrelation of the shocks from week to week, corrected for bias, cut to 0 … 0.9."""
    season: Floats
    """(2,): sine and cosine of the year on the log scale; empty where none was fitted."""

    years: Floats
    """(weeks,): time in years from the middle of the window."""
    season_of_week: Floats
    """(weeks,): season on the log scale."""
    index: Floats
    """(weeks,): the season-free weekly index, log, 0 at the fitted level of mid-window; NaN where there are no data."""
    residual: Floats
    """(weeks,): relative deviation of the weighted panel from the fit, r[w]; 0 where there are no data."""
    expected: Floats
    """(weeks,): weighted expected count, M[w]: what a week weighs. 0 where there are no data."""
    base: float
    """Share (or posts a day) of the average source at mid-window without season, sources weighted by `weights`.

    For a chart: base · exp(slope · years) is the line, base · exp(index) the season-free weeks.
    """

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval, log per year."""
        return (self.high - self.low) / 2

    @property
    def p_rising(self) -> float:
        """One-sided p-value against "not rising"."""
        return self.p_above(0.0)

    @property
    def p_falling(self) -> float:
        """One-sided p-value against "not falling"."""
        return self.p_below(0.0)

    def p_above(self, slope: float) -> float:
        """One-sided p-value against "the slope is at most this"; small means it is larger."""
        return float(special.stdtr(self.df, (slope - self.slope) / self.se))

    def p_below(self, slope: float) -> float:
        """One-sided p-value against "the slope is at least this"; small means it is smaller."""
        return float(special.stdtr(self.df, (self.slope - slope) / self.se))


def fit_trend(data: SourceWeeks, *, tau0: float = SPREAD, shock: float = SHOCK) -> TrendFit | None:
    """Fits the change per year. `tau0` = 0 caps neither sources nor weeks: every post weighs alike, the pooled slope.

    `shock` = 0 leaves the weeks uncapped; only the calibration asks for that, to compare.

    None where nothing can be said: no informative source, too few weeks with data, or no finite solution (for
    instance everything counted in the last week). Never raises on counts. With a single informative source there is
    no spread between sources to see: the interval then speaks of that source alone.
    """
    panel = _prepare(data)
    if panel is None:
        return None
    whole = np.ones(len(panel.k))
    pooled = panel.solve(whole, np.zeros(panel.x.shape[1]))
    if pooled is None:
        return None
    if tau0 <= 0:
        return _describe(panel, pooled, whole)
    caps = 1 / (1 + tau0**2 * _information(panel, pooled, whole)[0])
    panel = _capped_weeks(panel, pooled, caps, shock)
    solved = panel.solve(caps, pooled.beta)
    return None if solved is None else _describe(panel, solved, caps)


@dataclass(frozen=True, slots=True, eq=False)
class _Panel:
    """The informative sources, ready for the score equations."""

    rows: NDArray[np.intp]
    """Their places among all sources."""
    of: int
    """How many sources there are in all."""
    k: Floats
    n: Floats
    """(rows, weeks): counts; both times the weight of the week once weeks are capped, which keeps the model as it is."""
    total: Floats
    """(rows,): Σ_w k."""
    posts: NDArray[np.int64]
    """(rows,): posts counted, without weights."""
    x: Floats
    """(weeks, 1 + q): years, then the season."""
    moments: Floats
    """(weeks, …): 1, the columns of x, and their products, each pair once."""
    observed: Floats
    """(rows, 1 + q): Σ_w x k."""

    def solve(self, caps: Floats, beta: Floats) -> _Solution | None:
        """Newton's method on Σ c_s U_s = 0; the function is concave, so a bounded step always gets there."""
        for _ in range(_ITERATIONS):
            at = self.at(beta)
            score = caps @ at.scores
            try:
                step = np.linalg.solve(np.tensordot(caps, at.information, 1), score)
            except np.linalg.LinAlgError:
                return None
            size = float(np.abs(step).max())
            if not np.isfinite(size):
                return None
            beta = beta + step * (_LARGEST_STEP / max(size, _LARGEST_STEP))
            if abs(beta[0]) > _LARGEST_SLOPE:
                return None
            if size < _CLOSE_ENOUGH:
                return self.at(beta)
        return None

    def at(self, beta: Floats) -> _Solution:
        q = self.x.shape[1]
        growth = np.exp(self.x @ beta)
        sums = _product(self.n, growth[:, None] * self.moments)
        means = sums[:, 1 : 1 + q] / sums[:, :1]
        squares = np.empty((len(sums), q, q))
        one, other = _PAIRS[q]
        squares[:, one, other] = squares[:, other, one] = sums[:, 1 + q :] / sums[:, :1]
        spread = squares - means[:, :, None] * means[:, None, :]
        return _Solution(
            beta=beta,
            growth=growth,
            rate=self.total / sums[:, 0],
            means=means,
            scores=self.observed - self.total[:, None] * means,
            information=self.total[:, None, None] * spread,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    """The score equations at one point."""

    beta: Floats
    growth: Floats
    """(weeks,): exp(x · beta)."""
    rate: Floats
    """(rows,): exp(a_s), the level of each source. Expected counts are rate · n · growth."""
    means: Floats
    """(rows, 1 + q): mean of x in each source, weighted by expected counts."""
    scores: Floats
    """(rows, 1 + q): U_s."""
    information: Floats
    """(rows, 1 + q, 1 + q): H_s."""


def _prepare(data: SourceWeeks) -> _Panel | None:
    weeks = data.n.shape[1]
    n = data.n.astype(np.float64)
    k = np.where(n > 0, data.k, 0).astype(np.float64)
    total = k.sum(axis=1)
    rows = np.flatnonzero((total > 0) & ((n > 0).sum(axis=1) > 1))
    x = _columns(weeks)
    if not len(rows):
        return None
    k, n, total = k[rows], n[rows], total[rows]
    if ((n > 0).any(axis=0)).sum() < x.shape[1] + _WEEKS_TO_SPARE:
        return None
    one, other = _PAIRS[x.shape[1]]
    moments = np.concatenate([np.ones((weeks, 1)), x, x[:, one] * x[:, other]], axis=1)
    return _Panel(rows, len(data.n), k, n, total, total.astype(np.int64), x, moments, _product(k, x))


def _capped_weeks(panel: _Panel, at: _Solution, caps: Floats, shock: float) -> _Panel:
    """Each week weighted by 1 / (1 + shock² · expected count), scaled so that the whole keeps its weight.

    The inverse variance of a week's mean where all sources share a shock: more posts make it no surer than the shock
    allows. The weight depends on what is expected, never on what was counted, and so cannot favour a direction.
    """
    expected = at.growth * np.einsum("s,sw->w", caps * at.rate, panel.n)
    weight = 1 / (1 + shock**2 * expected)
    weight *= expected.sum() / (weight @ expected)
    k, n = panel.k * weight, panel.n * weight
    return replace(panel, k=k, n=n, total=k.sum(axis=1), observed=_product(k, panel.x))


def _product(table: Floats, columns: Floats) -> Floats:
    """table @ columns, in blocks of rows small enough that BLAS does not start threads for them.

    The whole product takes microseconds; waiting for threads on a busy machine was measured to take milliseconds.
    """
    height = max(1, _BLAS_THREADS_FROM // columns.size)
    return np.concatenate([table[at : at + height] @ columns for at in range(0, len(table), height)])


def _columns(weeks: int) -> Floats:
    number = np.arange(weeks, dtype=np.float64)
    years = (number - (weeks - 1) / 2) / WEEKS_PER_YEAR
    if weeks < SEASON_FROM:
        return years[:, None]
    angle = 2 * np.pi * number / WEEKS_PER_YEAR
    return np.stack([years, np.sin(angle), np.cos(angle)], axis=1)


def _information(panel: _Panel, at: _Solution, caps: Floats) -> tuple[Floats, Floats]:
    """(I_s: information about the trend clear of the season, direction of z = x · direction)."""
    pooled = np.tensordot(caps, at.information, 1)
    direction = np.ones(1)
    if panel.x.shape[1] > 1:
        direction = np.concatenate([direction, -np.linalg.solve(pooled[1:, 1:], pooled[1:, 0])])
    return np.maximum(np.einsum("i,sij,j->s", direction, at.information, direction), 0.0), direction


def _describe(panel: _Panel, at: _Solution, caps: Floats) -> TrendFit | None:
    information, direction = _information(panel, at, caps)
    strength = caps * information
    total = float(strength.sum())
    told = information > 1e-9
    if total <= 0 or not told.any():
        return None
    weights = strength / total
    deviation = np.where(told, (at.scores @ direction) / np.where(told, information, 1.0), 0.0)
    v_source, df_source = between_sources(weights, deviation, strength, total, int(told.sum()))

    pull = caps * at.rate
    expected, centre = at.growth * _product(panel.n.T, np.stack([pull, pull * (at.means @ direction)], axis=1)).T
    some = expected > 0
    counted = np.einsum("s,sw->w", caps, panel.k)
    residual = np.where(some, counted - expected, 0.0) / np.where(some, expected, 1.0)
    z = panel.x @ direction
    # What a shock in a week does to the slope: sources that are absent or lie to one side of the window answer to it
    # only by their distance from their own mean time. Without that term, churn would inflate the variance.
    exposure = z * expected - centre
    v_week, df_week, rho = between_weeks(residual, expected, exposure / total, panel.x.shape[1] - 1)

    # Counts without any noise would divide by zero, and have no degrees of freedom of their own.
    variance = v_source + v_week
    df = variance**2 / (v_source**2 / df_source + v_week**2 / df_week) if variance > 1e-18 else df_source + df_week
    variance = max(variance, 1e-18)
    slope, se = float(at.beta[0]), float(np.sqrt(variance))
    half = float(special.stdtrit(df, 1 - _TAIL)) * se
    years = panel.x[:, 0]
    spread_out = np.zeros(panel.of)
    spread_out[panel.rows] = weights
    slopes = np.full(panel.of, np.nan)
    slopes[panel.rows[told]] = slope + deviation[told]
    return TrendFit(
        slope=slope,
        se=se,
        df=float(df),
        low=slope - half,
        high=slope + half,
        informative=int(told.sum()),
        g_eff=float(1 / (weights @ weights)),
        posts=int(panel.posts[told].sum()),
        weeks_spanned=len(years),
        weights=spread_out,
        slopes=slopes,
        tau_hat=paule_mandel(deviation[told], 1 / information[told]),
        v_source=v_source,
        v_week=v_week,
        df_source=df_source,
        df_week=df_week,
        rho=rho,
        season=at.beta[1:],
        years=years,
        season_of_week=panel.x[:, 1:] @ at.beta[1:],
        index=np.where(some, np.log(np.maximum(1 + residual, _LEAST_INDEX)) + slope * years, np.nan),
        residual=residual,
        expected=expected,
        base=float(weights @ at.rate),
    )
