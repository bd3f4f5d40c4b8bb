"""Does a share have a stated size? The source is the unit that is drawn, not the post. Pure.

Posts of one source resemble each other, so that an interval which takes posts as the units drawn is far too narrow for
a statement about the sector. Two populations are told apart: the sector, of which the sources collected are a sample,
and the posts collected, which are only counted. Neither speaks of sources that would never have been collected.

Formulae: logit-scale interval with the bias-reduced cluster variance of Bell & McCaffrey 2002 (CR2), weights of a
one-way random-effects model with a fixed intraclass correlation, Student's t with the effective number of sources
(Kish 1965) less one; delete-one-source jackknife (Efron & Tibshirani 1993); Wilson 1927; tag errors: `tagged_share`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from monitor.core.claim import LevelTest, TagError
from monitor.core.estimates import Floats, Ints
from monitor.core.finding import SHARE, Check, Effect, Finding, VerdictName
from monitor.core.tagged_share import corrected, wilson_bounds

ICC = 0.15
"""Assumed correlation of two posts of one source; fixed beforehand, so that no data can choose the weights."""

MIN_SOURCES = 8
MIN_EFFECTIVE_POSTS = 6.0
"""Fewest effective sources when posts carry the weight."""
WIDEST = 0.30
"""A 95 % interval wider than this says too little about a share."""
TOLERANCE_POINTS = 0.05
TOLERANCE_RELATIVE = 0.15

LONE_HOLDER = 1.0
"""Where all of the rarer kind fits into fewer sources than this, sources of that kind may not have been drawn at all."""

_LARGEST_LEVERAGE = 0.98
_SMALLEST_DF = 0.1
_POWER = 0.80
_NORMAL_DF = 1e9


@dataclass(frozen=True, slots=True)
class LevelFit:
    """A share with its intervals. All of 0 to 1; never NaN."""

    value: float
    low: float
    high: float
    low90: float
    high90: float
    g: int
    """Sources with posts."""
    g_eff: float
    """Effective sources, 1 / Σ weight²: how many equal ones would decide as much."""
    se: float
    """Standard error of the share (on its own scale); infinite when a single source leaves it unknown."""
    df: float
    """Degrees of freedom of Student's t; infinite for a plain count of posts."""


def source_weights(n: Floats | Ints) -> Floats:
    """n / (1 + (n − 1)·ICC) per source, normalised to sum 1; 0 where n is 0. All zeros if nothing was counted.

    The precision of a source's own share under a constant intraclass correlation: two posts weigh nearly twice as much
    as one, but no number of posts weighs more than 1 / ICC.
    """
    raw = precision(n)
    total = raw.sum()
    return raw / total if total > 0 else raw


def precision(n: Floats | Ints) -> Floats:
    """n / (1 + (n − 1)·ICC), 0 where n is 0."""
    size = np.asarray(n, np.float64)
    return np.where(size > 0, size / (1 + (np.maximum(size, 1) - 1) * ICC), 0.0)


def effective(weights: Floats) -> float:
    """1 / Σ weight² of weights that sum to 1; 0 for no weights."""
    squares = float(weights @ weights)
    return 1 / squares if squares > 0 else 0.0


def level_of_sources(k: Ints, n: Ints) -> LevelFit | None:
    """The share in the average source of the sector, with the sources as a sample. None: no source has posts.

    m = Σ h·k/n, variance Σ h²(k/n − m)² / (1 − h), logit scale, t with G_eff − 1 degrees of freedom. Where m·G_eff or
    (1 − m)·G_eff is below 1, no bound lies closer than m·u below or (1 − m)·u above, u = 1 − 0.025^(1 / G_eff), which
    is what sources of a kind not yet seen could change; where every source is at 0 or at 1 that is the whole interval.
    """
    k, n = _with_posts(k, n)
    if not len(n):
        return None
    h = source_weights(n)
    g_eff = effective(h)
    share = k / n
    value = min(float(h @ share), 1.0)
    leverage = np.minimum(h, _LARGEST_LEVERAGE)
    variance = float(np.sum(h**2 * (share - value) ** 2 / (1 - leverage)))
    spread = math.sqrt(variance) / (value * (1 - value)) if 0 < k.sum() < n.sum() else None
    return _fit(value, spread, len(n), g_eff)


def level_of_posts_jackknife(k: Ints, n: Ints) -> LevelFit | None:
    """The share of the sector's posts, large sources counting by their size. None: no source has posts.

    Logit of Σk / Σn with the delete-one-source jackknife, t with G_eff − 1 degrees of freedom, G_eff from the posts of
    each source. Meaningless if G_eff is near 1: callers have a gate for that. Where one source holds all posts of one
    kind, half a post is added to both kinds so that the share without that source has a logit.
    """
    k, n = _with_posts(k, n)
    if not len(n):
        return None
    total_k, total_n = float(k.sum()), float(n.sum())
    g = len(n)
    g_eff = effective(n / total_n)
    without_k, without_n = total_k - k, total_n - n
    if 0 < total_k < total_n and g > 1:
        half = 0.5 if bool(np.any((without_k == 0) | (without_k == without_n))) else 0.0
        gone = special.logit((without_k + half) / (without_n + 2 * half))
        here = special.logit((total_k + half) / (total_n + 2 * half))
        spread: float | None = math.sqrt((g - 1) / g * float(np.sum((gone - here) ** 2)))
    else:
        spread = None
    return _fit(total_k / total_n, spread, g, g_eff)


def wilson(k: Ints, n: Ints) -> LevelFit | None:
    """The share of the posts collected, with Wilson's interval: posts as if drawn independently from the same stream.

    Says nothing about the sector: as an interval for it this covers a few per cent of the time. None: no posts.
    """
    k, n = _with_posts(k, n)
    if not len(n):
        return None
    found, total = int(k.sum()), int(n.sum())
    value = found / total
    low, high = wilson_bounds(found, total, 0.975)
    low90, high90 = wilson_bounds(found, total, 0.95)
    error = math.sqrt(value * (1 - value) / total) or (high - low) / (2 * float(special.ndtri(0.975)))
    return LevelFit(value, low, high, low90, high90, len(n), effective(n / total), error, math.inf)


def tolerance(test: LevelTest) -> float:
    """Half-width of what still counts as the claimed size: as the claim says, else 5 points or 15 % of it."""
    if test.tolerance is not None:
        return test.tolerance
    return max(TOLERANCE_POINTS, TOLERANCE_RELATIVE * test.claimed)


def widened(fit: LevelFit, errors: tuple[TagError, ...]) -> LevelFit:
    """The fit with intervals that also reach over the share corrected for tag errors. The value stays as observed.

    Both ranges are kept, the observed and the corrected, because a small labelled sample may not speak for these posts.
    """
    if not errors:
        return fit
    low, high = corrected(fit.value, fit.low, fit.high, errors, tail=0.975)
    low90, high90 = corrected(fit.value, fit.low90, fit.high90, errors, tail=0.95)
    return replace(
        fit,
        low=min(fit.low, low),
        high=max(fit.high, high),
        low90=min(fit.low90, low90),
        high90=max(fit.high90, high90),
    )


def judge_level(k: Ints, n: Ints, test: LevelTest, *, errors: tuple[TagError, ...] = ()) -> Finding:
    """The verdict on a stated share from counts per source: `k` of `n` posts. Never raises on counts 0 ≤ k ≤ n.

    Gates first (8 sources; 6 effective ones where posts carry the weight), then: supported if the 90 % interval lies
    inside claimed ± tolerance, contradicted if the 95 % interval lies wholly outside, insufficient_data if the 95 %
    interval is wider than 30 points, else inconclusive. `errors` are the measured errors of the tags that the
    numerator is made of; they only ever widen.

    `p_support` is the larger p-value of the two one-sided tests of equivalence (Schuirmann 1987); it goes with a level
    of 0.05, as the 90 % interval does. `p_contradict` goes with 0.025. `detectable` is the distance of the true share
    from the claimed one at which this much data would contradict it with 80 % probability.
    """
    of_sources = test.population == "sources"
    fit = level_of_sources(k, n) if of_sources else wilson(k, n)
    if fit is None:
        return Finding("insufficient_data", "No posts that this share could be counted in were collected.")
    raw, fit = fit, widened(fit, errors)
    reach = tolerance(test)
    bounds = (max(test.claimed - reach, 0.0), min(test.claimed + reach, 1.0))
    verdict, reason = _verdict(fit, of_sources, test.claimed, bounds)
    posts = int(n[n > 0].sum())
    whole = f"Of the sector, with the {fit.g} {_sources(fit.g)} collected as its sample, the share is"
    counted = f"Of the {posts:,} posts collected from {fit.g} {_sources(fit.g)}, the share is"
    interval = f"{percent(fit.value)} (95 % interval {fit.low * 100:.1f} to {percent(fit.high)})"
    return Finding(
        verdict,
        f"{whole if of_sources else counted} {interval}; {reason} The sample is what was collected.",
        effect=Effect(fit.value, fit.low, fit.high, SHARE),
        p_support=max(_p_above(fit, bounds[0]), _p_below(fit, bounds[1])),
        p_contradict=min(_p_below(fit, bounds[0]), _p_above(fit, bounds[1])),
        n_posts=posts,
        n_sources=fit.g,
        checks=_checks(k, n, raw, fit, of_sources),
        notes=_notes(of_sources, errors),
        detectable=_detectable(fit, reach),
        details={
            "method": "source average, CR2, logit, t" if of_sources else "Wilson",
            "claimed": test.claimed,
            "tolerance": reach,
            "low90": fit.low90,
            "high90": fit.high90,
            "standard_error": fit.se if math.isfinite(fit.se) else None,
            "degrees_of_freedom": fit.df if math.isfinite(fit.df) else None,
            "effective_sources": fit.g_eff,
            "tag_errors": len(errors),
        },
    )


def percent(share: float) -> str:
    """0.3512 → 35.1 %."""
    return f"{share * 100:.1f} %"


def _with_posts(k: Ints, n: Ints) -> tuple[Ints, Ints]:
    if k.shape != n.shape:
        raise ValueError(f"k and n count the same sources, so their shapes must agree: {k.shape} and {n.shape}")
    some = n > 0
    return k[some], n[some]


def _fit(value: float, spread: float | None, g: int, g_eff: float) -> LevelFit:
    """Intervals from a standard error on the logit scale; None: no spread could be measured."""
    df = max(g_eff - 1, _SMALLEST_DF)
    if g < 2:
        return LevelFit(value, 0.0, 1.0, 0.0, 1.0, g, g_eff, math.inf, df)
    low, high = _bounds(value, spread, df, g_eff, 0.025)
    low90, high90 = _bounds(value, spread, df, g_eff, 0.05)
    error = (high - low) / float(special.stdtrit(df, 0.975)) if spread is None else spread * value * (1 - value)
    return LevelFit(value, low, high, low90, high90, g, g_eff, error, df)


def _bounds(value: float, spread: float | None, df: float, g_eff: float, tail: float) -> tuple[float, float]:
    """Student's t on the logit scale; where one source could hold all of the rarer kind, room for unseen sources too.

    Sources of a kind that none of g_eff draws met may be as many as 1 − tail^(1 / g_eff) of the sector (exact
    binomial), and each of them may lie wholly on the other side. Without this a share that few sources hold almost
    alone (a country, say) is called too low with false certainty whenever none of them was drawn.
    """
    unseen = 1 - tail ** (1 / g_eff)
    low, high = value * (1 - unseen), value + (1 - value) * unseen
    if spread is None:
        return low, high
    middle, reach = float(special.logit(value)), float(special.stdtrit(df, 1 - tail)) * spread
    from_spread = float(special.expit(middle - reach)), float(special.expit(middle + reach))
    if min(value, 1 - value) * g_eff >= LONE_HOLDER:
        return from_spread
    return min(low, from_spread[0]), max(high, from_spread[1])


def _verdict(fit: LevelFit, of_sources: bool, claimed: float, bounds: tuple[float, float]) -> tuple[VerdictName, str]:
    band = f"{bounds[0] * 100:.1f} to {percent(bounds[1])}"
    if fit.g < MIN_SOURCES:
        return "insufficient_data", f"a verdict needs posts from at least {MIN_SOURCES} sources."
    if not of_sources and fit.g_eff < MIN_EFFECTIVE_POSTS:
        return "insufficient_data", (
            f"a few loud sources decide it (as if there were {fit.g_eff:.1f} equal ones; "
            f"a verdict needs {MIN_EFFECTIVE_POSTS:.0f})."
        )
    if bounds[0] <= fit.low90 and fit.high90 <= bounds[1]:
        return (
            "supported",
            f"its 90 % interval lies inside {band}, which counts as the claimed {percent(claimed)}.",
        )
    if fit.low > bounds[1] or fit.high < bounds[0]:
        side = "above" if fit.low > bounds[1] else "below"
        return "contradicted", (
            f"the whole interval lies {side} {band}, which would count as the claimed {percent(claimed)}."
        )
    if fit.high - fit.low > WIDEST:
        return "insufficient_data", (
            f"the interval is {(fit.high - fit.low) * 100:.0f} points wide; "
            f"a verdict on the claimed {percent(claimed)} needs at most {WIDEST * 100:.0f}."
        )
    return "inconclusive", (
        f"the data fit sizes inside and outside {band}, which would count as the claimed {percent(claimed)}."
    )


def _checks(k: Ints, n: Ints, raw: LevelFit, fit: LevelFit, of_sources: bool) -> tuple[Check, ...]:
    """Other readings of the same counts; shown, they decide nothing."""
    found = []
    others = [("average-post", "In all posts of the sector, large sources counting by size", level_of_posts_jackknife)]
    if of_sources:
        others.append(("posts-collected", "Of the posts collected, without a word on the sector", wilson))
    else:
        others.append(("average-source", "In the average source of the sector", level_of_sources))
    for name, whose, method in others:
        other = method(k, n)
        if other is not None:
            found.append(_noted(name, whose, other))
    if (n > 0).sum() > 1:
        rest = np.arange(len(n)) != int(np.argmax(n))
        other = (level_of_sources if of_sources else wilson)(k[rest], n[rest])
        if other is not None:
            found.append(_noted("drop-largest", "Without the source that has most posts", other))
    if fit != raw:
        found.append(_noted("without-tag-errors", "If the tags were free of error", raw))
    return tuple(found)


def _noted(name: str, whose: str, fit: LevelFit) -> Check:
    says = f"{whose}: {percent(fit.value)} (95 % interval {fit.low * 100:.1f} to {percent(fit.high)})."
    return Check(name, "noted", says, Effect(fit.value, fit.low, fit.high, SHARE))


def _notes(of_sources: bool, errors: tuple[TagError, ...]) -> tuple[str, ...]:
    notes = [
        "The sources collected stand for the sector only as far as they were chosen without regard to this share."
        if of_sources
        else "This counts the posts collected; it does not say how they stand for the sector."
    ]
    if errors:
        tags = ", ".join(f"{error.dimension} {error.value}" for error in errors)
        notes.append(f"The interval also covers the share corrected for the measured errors of the tags: {tags}.")
    return tuple(notes)


def _detectable(fit: LevelFit, reach: float) -> float | None:
    if not math.isfinite(fit.se):
        return None
    df = fit.df if math.isfinite(fit.df) else _NORMAL_DF
    half = max(fit.high - fit.value, fit.value - fit.low)
    ratio = 1 + float(special.stdtrit(df, _POWER)) / float(special.stdtrit(df, 0.975))
    distance = reach + half * ratio
    return distance if distance < 1 else None


def _p_below(fit: LevelFit, bound: float) -> float:
    """One-sided p-value for "the share lies below `bound`"; under 0.025 exactly if the 95 % interval does."""
    return _p_above(replace(fit, value=1 - fit.value, low=1 - fit.high, high=1 - fit.low), 1 - bound)


def _p_above(fit: LevelFit, bound: float) -> float:
    """One-sided p-value for "the share lies above `bound`", from how far the interval reaches on that side."""
    if bound <= 0 or bound >= 1:
        return 0.0 if bound <= 0 else 1.0
    end = fit.low if bound < fit.value else fit.high
    if fit.value <= 0 or not 0 < end <= 1 or not math.isfinite(fit.se):
        return 1.0
    if fit.value >= 1:
        return float(bound ** (math.log(0.025) / math.log(end))) if end < 1 else 0.0
    if end >= 1:
        return 1.0
    df = fit.df if math.isfinite(fit.df) else _NORMAL_DF
    middle = float(special.logit(fit.value))
    error = abs(float(special.logit(end)) - middle) / float(special.stdtrit(df, 0.975))
    distance = middle - float(special.logit(bound))
    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(special.stdtr(df, -distance / error))


def _sources(number: int) -> str:
    return "source" if number == 1 else "sources"
