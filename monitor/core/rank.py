"""Is one share or mean larger than another? The verdict on a claim of one or several comparisons. Pure.

A claim of several comparisons needs each of them (intersection-union test, Berger 1982). How a single one is tested is
in `contrast`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from scipy import special

from monitor.core.claim import Comparison, Measured, Side
from monitor.core.contrast import LEVEL, MIN_WITHIN, Contrast, SideSums, compare
from monitor.core.finding import DIFFERENCE, Check, Effect, Finding, VerdictName

__all__ = ["MIN_EFFECTIVE", "MIN_SOURCES", "Compared", "Contrast", "SideSums", "compare", "judge_rank"]

MIN_SOURCES = 8
MIN_EFFECTIVE = 4.0
MIN_COUNTED = 30
"""Posts counted on both sides together. Below, "no difference" only says that hardly anything was there to compare;
a judgement, like the gates of a trend."""

_POWER = 0.80

Compared = tuple[Comparison, SideSums, SideSums]


def judge_rank(comparisons: Sequence[Compared], *, picked: bool) -> Finding:
    """The verdict on "each `higher` exceeds its `lower`". Needs at least one comparison.

    supported: every comparison passes at 2.5 % one-sided, 1.25 % if the leader was picked from the same data.
    contradicted: a comparison passes in reverse; one false part makes the whole false, so with c comparisons each is
    tried at a c-th of the level (Bonferroni), and sides with too few sources are not tried. insufficient_data: else, if
    a comparison has under 8 sources or 4 effective ones on a side, or under 30 counted posts on both together. inconclusive: else.

    `p_support` is the largest p-value, `p_contradict` the smallest reversed one times c; both doubled where the leader
    was picked, so that 2.5 % is the level to hold them against. `effect` is the comparison that decides: the weakest,
    or the one that contradicts. `detectable` is the difference that this comparison would find with 80 % probability.
    """
    if not comparisons:
        raise ValueError("a rank needs at least one comparison")
    contrasts = [
        compare(higher, lower, within=one.within, shares=one.measured == "share") for one, higher, lower in comparisons
    ]
    penalty = 2.0 if picked else 1.0
    tested = {
        at: found
        for at, found in enumerate(contrasts)
        if found is not None and _enough(found) and _counted(comparisons[at]) >= MIN_COUNTED
    }
    lacking = [at for at in range(len(contrasts)) if at not in tested]
    p_support = p_contradict = None
    verdict: VerdictName = "inconclusive"
    if tested:
        decides = min(tested, key=lambda at: tested[at].p_lower)
        p_contradict = min(tested[decides].p_lower * len(comparisons) * penalty, 1.0)
    if p_contradict is not None and p_contradict <= LEVEL:
        verdict = "contradicted"
    elif lacking:
        verdict, decides = "insufficient_data", min(lacking, key=lambda at: _sources_of(contrasts[at]))
    else:
        decides = max(tested, key=lambda at: tested[at].p_higher)
    if not lacking:
        p_support = min(max(one.p_higher for one in tested.values()) * penalty, 1.0)
        verdict = "supported" if p_support <= LEVEL and verdict == "inconclusive" else verdict
    found = contrasts[decides]
    return Finding(
        verdict,
        _says(verdict, comparisons[decides], found, len(comparisons)),
        effect=_effect(found, comparisons[decides][0].measured),
        p_support=p_support,
        p_contradict=p_contradict,
        n_posts=_posts(comparisons),
        n_sources=_all_sources(comparisons),
        checks=tuple(_check(one, found, LEVEL / penalty) for one, found in zip(comparisons, contrasts, strict=True)),
        notes=_notes(comparisons, picked),
        detectable=_detectable(found, LEVEL / penalty),
        details=_details(found, len(comparisons), picked),
    )


def _enough(found: Contrast) -> bool:
    return found.g >= MIN_SOURCES and found.g_eff >= MIN_EFFECTIVE


def _counted(compared: Compared) -> int:
    _, higher, lower = compared
    return int(higher.posts.sum() + lower.posts.sum())


def _sources_of(found: Contrast | None) -> float:
    return found.g_eff if found is not None else 0.0


def _effect(found: Contrast | None, measured: Measured) -> Effect | None:
    if found is None:
        return None
    if found.g < 2:
        return Effect(found.difference, None, None, _UNITS[measured])
    return Effect(found.difference, found.low, found.high, _UNITS[measured])


def _detectable(found: Contrast | None, level: float) -> float | None:
    if found is None or found.g < 2:
        return None
    return float(special.stdtrit(found.df, 1 - level) + special.stdtrit(found.df, _POWER)) * found.se


def _details(found: Contrast | None, comparisons: int, picked: bool) -> dict[str, float | int | str | None]:
    details: dict[str, float | int | str | None] = {
        "method": "source averages, CR2, t; intersection-union",
        "comparisons": comparisons,
        "level": LEVEL / 2 if picked else LEVEL,
    }
    if found is not None:
        details |= {
            "standard_error": found.se,
            "degrees_of_freedom": found.df,
            "sources_of_smaller_side": found.g,
            "effective_sources": found.g_eff,
            "value_higher": found.value_higher,
            "value_lower": found.value_lower,
        }
    return details


def _says(verdict: VerdictName, compared: Compared, found: Contrast | None, comparisons: int) -> str:
    comparison, higher, lower = compared
    part = "" if comparisons == 1 else f" Of the {comparisons} comparisons this one decides."
    if found is None:
        where = "in one source" if comparison.within else "in any source"
        return f"{higher.label} and {lower.label} cannot be compared: not enough posts of both {where} were collected."
    values = f"{_values(compared, found)}, {_interval(found, comparison.measured)}"
    if verdict == "insufficient_data":
        counted = _counted(compared)
        reason = (
            f"{counted} such posts were collected on both sides together, a verdict needs {MIN_COUNTED}"
            if counted < MIN_COUNTED
            else f"the side with fewer sources has {found.g}, a verdict needs {MIN_SOURCES}"
            if found.g < MIN_SOURCES
            else f"a few sources decide it (as if there were {found.g_eff:.1f} equal ones, "
            f"a verdict needs {MIN_EFFECTIVE:.0f})"
        )
    else:
        reason = {
            "supported": "the difference is as claimed and too large for chance among sources",
            "contradicted": "the difference is the other way round and too large for chance among sources",
        }.get(verdict, "chance among sources could make such a difference")
    return (
        f"In {_whose(compared)}, as a sample of the sector, {values}: {reason}.{part} The sample is what was collected."
    )


def _whose(compared: Compared) -> str:
    comparison, higher, lower = compared
    if comparison.within:
        return f"the {int(((higher.den >= MIN_WITHIN) & (lower.den >= MIN_WITHIN)).sum())} sources that publish both"
    sides = int((higher.den > 0).sum()), int((lower.den > 0).sum())
    if np.array_equal(higher.den > 0, lower.den > 0):
        return f"the average of {sides[0]} sources"
    return f"the average of {sides[0]} and of {sides[1]} sources"


def _values(compared: Compared, found: Contrast) -> str:
    comparison, higher, lower = compared
    measured = comparison.measured
    return (
        f"{higher.label} {_written(found.value_higher, measured)} "
        f"against {lower.label} {_written(found.value_lower, measured)}"
    )


def _written(value: float, measured: Measured) -> str:
    match measured:
        case "share":
            return f"{value * 100:.1f} %"
        case "words":
            return f"{value:.0f} words"
        case "duration":
            return f"{value / 60:.1f} minutes"
        case "guests":
            return f"{value:.2f} named guests"
        case "engagement":
            return f"{math.expm1(value):.1f} interactions (geometric mean)"


def _interval(found: Contrast, measured: Measured) -> str:
    scale, unit, digits = _SCALES[measured]

    def written(value: float) -> str:
        # a difference of ln(1 + interactions) reads as a ratio; beyond e^50 nobody reads it
        shown = math.expm1(min(value, 50.0)) if measured == "engagement" else value
        return f"{shown * scale:+,.{digits}f}".replace("-", "−")

    if found.g < 2:
        return f"difference {written(found.difference)} {unit}, no interval from a single source"
    return (
        f"difference {written(found.difference)} {unit} (95 % interval {written(found.low)} to {written(found.high)})"
    )


def _check(compared: Compared, found: Contrast | None, level: float) -> Check:
    comparison, higher, lower = compared
    name = re.sub(r"[^a-z0-9]+", "-", f"{higher.label} over {lower.label}".lower()).strip("-")
    if found is None:
        return Check(name, "noted", f"{higher.label} and {lower.label} have no sources in which to compare them.")
    effect = _effect(found, comparison.measured)
    says = (
        f"In {_whose(compared)}: {_values(compared, found)}, {_interval(found, comparison.measured)}; "
        f"posts: {int(higher.posts.sum()):,} and {int(lower.posts.sum()):,}."
    )
    if _counted(compared) < MIN_COUNTED:
        return Check(name, "noted", f"{says} Too few posts for a test.", effect)
    if not _enough(found):
        return Check(name, "noted", f"{says} Too few sources for a test.", effect)
    return Check(name, "passed" if found.p_higher <= level else "failed", says, effect)


def _base(side: Side, measured: Measured) -> object:
    """What the posts of a side's base are, comparable: two sides may rest on the same posts."""
    return (side.denominator,) if measured == "share" else (side.denominator, side.numerator)


def _posts(comparisons: Sequence[Compared]) -> int:
    """Posts in the bases of all sides, a base that several sides share counted once."""
    seen: list[object] = []
    total = 0
    for comparison, *sums in comparisons:
        for side, one in zip((comparison.higher, comparison.lower), sums, strict=True):
            base = _base(side, comparison.measured)
            if base not in seen:
                seen.append(base)
                total += int(one.den.sum())
    return total


def _all_sources(comparisons: Sequence[Compared]) -> int:
    used = [(higher.den > 0) | (lower.den > 0) for _, higher, lower in comparisons]
    return int(np.logical_or.reduce(used).sum())


def _notes(comparisons: Sequence[Compared], picked: bool) -> tuple[str, ...]:
    notes = ["Every source counts about alike, however many posts it has; the average post may differ."]
    if any(one.within for one, _, _ in comparisons):
        notes.append("Only sources that publish both kinds are compared; the others say nothing here.")
    if picked:
        notes.append("The leader was picked from the same data, so each test runs at half the level.")
    return tuple(notes)


_UNITS = {
    "share": DIFFERENCE,
    "words": "difference in words",
    "duration": "difference in seconds",
    "guests": "difference in named guests",
    "engagement": "difference of ln(1 + interactions)",
}
_SCALES = {
    "share": (100.0, "points", 1),
    "words": (1.0, "words", 0),
    "duration": (1 / 60, "minutes", 1),
    "guests": (1.0, "guests", 2),
    "engagement": (100.0, "%", 0),
}
