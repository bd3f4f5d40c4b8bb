"""From the counts of a trend claim to its verdict, before the ledger corrects for asking many claims at once.

The order of the rules matters (docs/statistics.md, "Verdicts"):

1. too little data for the test to mean anything: `insufficient_data`;
2. the interval lies on the claim's side and the robustness checks pass: `supported`. A failed check: `inconclusive`;
3. the interval lies on the other side, or excludes every change that would matter: `contradicted`;
4. the interval is so wide that a change of half could hide in it: `insufficient_data`;
5. otherwise `inconclusive`. "Not significant" alone never contradicts.

Thresholds are fixed here, before any data are seen. Whether a share also is a majority, and Benjamini and Hochberg's
correction, are the ledger's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log1p

import numpy as np

from monitor.core.buckets import day_date
from monitor.core.claim import TrendTest
from monitor.core.finding import RELATIVE_PER_YEAR, Check, Effect, Finding, SourceWeeks, VerdictName
from monitor.core.trend import WEEKS_PER_YEAR, TrendFit, fit_trend
from monitor.core.trend_checks import (
    CAP_WEIGHT,
    Side,
    drop_largest,
    effect_of,
    find_caps,
    first_and_last,
    halves,
    in_words,
    line_or_step,
    noted,
    percent,
    relative,
    some_sources,
    variant,
)

LEAST_WEEKS = 52
"""Below a year, season and trend cannot be told apart at all."""
SEASON_SURE_FROM = 65
LEAST_SOURCES = 5
LEAST_EFFECTIVE = 4.0
LEAST_POSTS = 100
LEAST_FILLED = 0.80
"""Weeks in which sources that carry half of the weight have data, as a part of all weeks."""
WIDEST = log(1.5)
"""Half-width, log per year: beyond it a change of 50 % could be missed."""
DETECTABLE = 1.43
"""Effect found with 80 % probability over the half-width of the interval: (1.96 + 0.84) / 1.96."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a test on these data could find, whatever its verdict."""

    weeks: int
    sources: int
    """Sources that say anything about change."""
    sources_effective: float
    posts: int
    half_width: float | None
    """Of the 95 % interval, log per year; None where no trend, or no season beside it, can be estimated."""
    detectable: float | None
    """Relative change per year found with 80 % probability; None likewise."""
    missing: tuple[str, ...]
    """What is lacking for a verdict, one clause each; empty if nothing is."""


@dataclass(frozen=True, slots=True)
class _Ruling:
    verdict: VerdictName
    why: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reach:
    """The interval with tag errors: the true slope is the measured one times something between 1 and `factor`."""

    fit: TrendFit
    factor: float

    @property
    def low(self) -> float:
        return min(self.fit.low, self.fit.low * self.factor)

    @property
    def high(self) -> float:
        return max(self.fit.high, self.fit.high * self.factor)

    def p_above(self, slope: float) -> float:
        return max(self.fit.p_above(slope), self.fit.p_above(slope / self.factor))

    def p_below(self, slope: float) -> float:
        return max(self.fit.p_below(slope), self.fit.p_below(slope / self.factor))


def plan(panel: SourceWeeks, test: TrendTest) -> Plan:
    """What `judge_trend` could find with this panel; for people who write a claim."""
    return _plan(panel, fit_trend(panel))


def judge_trend(
    panel: SourceWeeks,
    test: TrendTest,
    *,
    everything: SourceWeeks | None = None,
    folded: SourceWeeks | None = None,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Finding:
    """The verdict on one trend claim, with the checks beside it.

    `panel`: sources observed throughout. `everything`: all sources, those that came and went too, for the all-sources
    check. `folded`: the panel without near-duplicates, only noted. All have the same consecutive weeks.

    `stretch`: (1, factor) where tag errors are known. Posts tagged by mistake dilute a change: if a part f of the
    counted posts is counted wrongly at all times, the measured slope is (1 − f) times the true one (Copeland and
    others 1977 on non-differential misclassification). The ends of the interval move outward by the factor. It cannot
    make or break "the direction", only whether a change that would matter is excluded.
    """
    fit = fit_trend(panel)
    planned = _plan(panel, fit)
    if fit is None or planned.missing:
        return _too_little(panel, fit, planned, test)
    reach = _Reach(fit, max(stretch))
    side = Side(-log1p(test.smallest) if test.direction == "not_falling" else 0.0)
    ruling = _rule(reach, test)
    checks, details = _checks(panel, fit, test, side, everything=everything, folded=folded)
    limit, limit_notes = _capped(panel, fit, test, ruling, max(stretch))
    checks += limit
    after = _after_checks(ruling, checks)
    low, high = relative(reach.low), relative(reach.high)
    effect = Effect(relative(fit.slope), low, high, RELATIVE_PER_YEAR)
    ends = first_and_last(panel, fit)
    p_support, p_contradict = _p_values(reach, test)
    return Finding(
        verdict=after.verdict,
        says=f"{_opening(panel, fit, test, ends)}: {in_words(effect)}. {after.why}",
        effect=effect,
        p_support=p_support,
        p_contradict=p_contradict,
        n_posts=fit.posts,
        n_sources=fit.informative,
        checks=checks,
        notes=after.notes + limit_notes + _caveats(fit, reach, ends, details),
        detectable=planned.detectable,
        details=_details(panel, fit, reach) | details,
    )


def _plan(panel: SourceWeeks, fit: TrendFit | None) -> Plan:
    weeks = panel.n.shape[1]
    missing = [f"{weeks} weeks where {LEAST_WEEKS} are needed"] if weeks < LEAST_WEEKS else []
    if fit is None:
        counted = int(panel.k[panel.n > 0].sum())
        missing.append(f"no change can be estimated from {counted} counted posts in {_many(len(panel.sources))}")
        return Plan(weeks, 0, 0.0, counted, None, None, tuple(missing))
    if fit.informative < LEAST_SOURCES:
        missing.append(f"{_many(fit.informative)} with counted posts where {LEAST_SOURCES} are needed")
    if fit.g_eff < LEAST_EFFECTIVE:
        missing.append(
            f"sources so unequal that they weigh like {fit.g_eff:.1f}, where {LEAST_EFFECTIVE:.0f} are needed"
        )
    if fit.posts < LEAST_POSTS:
        missing.append(f"{fit.posts} counted posts where {LEAST_POSTS} are needed")
    filled = float((fit.weights @ (panel.n > 0) >= 0.5).mean())
    if filled < LEAST_FILLED:
        missing.append(
            f"data from sources with half of the weight in only {100 * filled:.0f} % of the weeks, "
            f"where {100 * LEAST_FILLED:.0f} % are needed"
        )
    known = len(fit.season) > 0
    return Plan(
        weeks=weeks,
        sources=fit.informative,
        sources_effective=fit.g_eff,
        posts=fit.posts,
        half_width=fit.half_width if known else None,
        detectable=relative(DETECTABLE * fit.half_width) if known else None,
        missing=tuple(missing),
    )


def _too_little(panel: SourceWeeks, fit: TrendFit | None, planned: Plan, test: TrendTest) -> Finding:
    """No p-values: a test that was not done has no place among those that are corrected together."""
    shown = fit is not None and planned.weeks >= LEAST_WEEKS
    return Finding(
        verdict="insufficient_data",
        says=f"Too little data for a trend: {'; '.join(planned.missing)}.",
        effect=effect_of(fit) if fit is not None and shown else None,
        n_posts=planned.posts,
        n_sources=planned.sources,
        detectable=planned.detectable,
        details=_details(panel, fit, _Reach(fit, 1.0)) if fit is not None else {"weeks": planned.weeks},
    )


def _rule(reach: _Reach, test: TrendTest) -> _Ruling:
    """Rules 2 to 5 without the checks."""
    direct = _rule_direct(reach, test)
    if direct is not None:
        return direct
    if reach.fit.half_width > WIDEST:
        return _Ruling("insufficient_data", "The interval is so wide that a change of 50 % a year could hide in it.")
    if reach.low <= 0 <= reach.high:
        return _Ruling("inconclusive", "The data fit both a rise and a fall; this does not show that nothing changed.")
    return _Ruling("inconclusive", "The data fit both a fall that matters and one that does not.")


def _rule_direct(reach: _Reach, test: TrendTest) -> _Ruling | None:
    margin = log1p(test.smallest)
    matters = f"{100 * test.smallest:.0f} %"
    if test.direction == "not_falling":
        if reach.low > -margin:
            slight = ("It falls by more than chance explains, but by too little to matter.",) if reach.high < 0 else ()
            return _Ruling("supported", f"A fall of {_lost(margin)} a year or more is excluded.", slight)
        return _Ruling("contradicted", "It fell, by more than chance explains.") if reach.high < 0 else None
    rising = test.direction == "rising"
    low, high = (reach.low, reach.high) if rising else (-reach.high, -reach.low)
    verb, noun = ("rose", "rise") if rising else ("fell", "fall")
    if test.expected is not None:
        named = log1p(max(test.expected, -0.999))
        stated = f"{percent((test.expected,))[0]} % a year"
        if not reach.low <= named <= reach.high:
            return _Ruling("contradicted", f"The claimed {stated} lies outside the interval.")
        if low > 0:
            return _Ruling(
                "supported",
                f"It {verb}, by more than chance explains, and the claimed {stated} lies inside the interval.",
            )
        return None
    if low > 0:
        slight = (f"More than chance, but less than {matters} a year.",) if high < margin else ()
        return _Ruling("supported", f"It {verb}, by more than chance explains.", slight)
    if high < 0:
        return _Ruling("contradicted", f"It {'fell' if rising else 'rose'}, by more than chance explains.")
    if high < margin:
        excluded = matters if rising else _lost(margin)
        return _Ruling("contradicted", f"A {noun} of {excluded} a year or more is excluded.")
    return None


def _lost(margin: float) -> str:
    """A fall as large as a rise by the margin, on the log scale: 10 % up is undone by 9.1 % down."""
    return f"{percent((relative(-margin),))[0].lstrip('−')} %"


def _p_values(reach: _Reach, test: TrendTest) -> tuple[float, float]:
    """One-sided, each below 0.025 exactly where the interval alone gives that verdict."""
    margin = log1p(test.smallest)
    if test.direction == "not_falling":
        return reach.p_above(-margin), reach.p_below(0.0)
    rising = test.direction == "rising"
    support = reach.p_above(0.0) if rising else reach.p_below(0.0)
    if test.expected is not None:
        named = log1p(max(test.expected, -0.999))
        return support, min(reach.p_above(named), reach.p_below(named))
    return support, reach.p_below(margin) if rising else reach.p_above(-margin)


def _checks(
    panel: SourceWeeks,
    fit: TrendFit,
    test: TrendTest,
    side: Side,
    *,
    everything: SourceWeeks | None,
    folded: SourceWeeks | None,
) -> tuple[tuple[Check, ...], dict[str, float | int | str | None]]:
    checks = [drop_largest(panel, fit, side)]
    if everything is not None:
        subject = f"All {len(everything.sources)} sources, those that came or went too"
        checks.append(variant("all-sources", subject, fit_trend(everything), fit, side))
    checks.append(halves(fit, side))
    stepped, ratio = line_or_step(fit, side)
    checks.append(stepped)
    pooled = fit_trend(panel, tau0=0.0)
    subject = "All posts taken together, so that large sources decide"
    checks.append(variant("pooled", subject, pooled, fit, side) if test.volume else noted("pooled", subject, pooled))
    equal = fit_trend(panel, tau0=1.0)
    checks.append(noted("tau-1", "With sources weighed more equally", equal))
    if folded is not None:
        checks.append(noted("without-copies", "Without near-duplicates", fit_trend(folded)))
    apart = abs(equal.slope - fit.slope) / fit.se if equal is not None else None
    return tuple(checks), {"step_ratio": ratio, "tau_1_apart": apart}


def _capped(
    panel: SourceWeeks, fit: TrendFit, test: TrendTest, ruling: _Ruling, factor: float
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """The check of sources that a limit seems to cut, and what to say where the limit leaves a share fair."""
    caps = find_caps(panel, test.quantity)
    notes: tuple[str, ...] = ()
    fair = int((caps.fair & ~caps.biased).sum())
    if fair:
        notes = (
            f"In {fair} of {_many(len(panel.sources))} the posts a week stop at a limit; the share stays fair as long "
            "as the limit favours no kind of post.",
        )
    cut = int(caps.biased.sum())
    if not cut:
        return (), notes
    rest = fit_trend(some_sources(panel, ~caps.biased))
    weight = float(fit.weights[caps.biased].sum())
    subject = f"Without {_many(cut)} whose counts stop at a limit ({100 * weight:.0f} % of the weight)"
    name = "capped-sources"
    if rest is None:
        return (Check(name, "failed", f"{subject}: no trend can be estimated."),), notes
    effect = effect_of(rest)
    holds = ruling.verdict not in ("supported", "contradicted") or (
        weight <= CAP_WEIGHT and _rule(_Reach(rest, factor), test).verdict == ruling.verdict
    )
    tail = "the verdict holds" if holds else "the limit may have made the result"
    return (Check(name, "passed" if holds else "failed", f"{subject}: {in_words(effect)}; {tail}.", effect),), notes


DECIDES: dict[VerdictName, tuple[str, ...]] = {
    "supported": ("drop-largest", "all-sources", "halves-of-time", "line-or-step", "pooled", "capped-sources"),
    "contradicted": ("pooled", "capped-sources"),
}
"""Checks whose failure turns a verdict into `inconclusive`."""

_REASON: dict[str, str] = {
    "drop-largest": "without the largest source it points the other way",
    "all-sources": "with all sources it points the other way",
    "halves-of-time": "the two halves of the window do not agree",
    "line-or-step": "one single step describes it better than a steady change",
    "pooled": "all posts taken together do not agree with the average source",
    "capped-sources": "it rests on sources whose counts stop at a limit",
}


def _after_checks(ruling: _Ruling, checks: tuple[Check, ...]) -> _Ruling:
    deciding = DECIDES.get(ruling.verdict, ())
    failed = [check.name for check in checks if check.verdict == "failed" and check.name in deciding]
    if not failed:
        return ruling
    reasons = ", and ".join(_REASON[name] for name in failed)
    return _Ruling("inconclusive", f"{ruling.why} But {reasons}.", ruling.notes)


def _opening(panel: SourceWeeks, fit: TrendFit, test: TrendTest, ends: tuple[float, float] | None) -> str:
    first_day, last_day = day_date(int(panel.starts[0])), day_date(int(panel.starts[-1]) + 6)
    where = f"In {fit.informative} sources from {first_day} to {last_day} ({fit.weeks_spanned} weeks)"
    what = "the share" if test.quantity == "share" else "posts a day"
    if ends is None:
        return f"{where}, {what} changed"
    first, last = (f"{100 * end:.3g} %" if test.quantity == "share" else f"{end:.3g}" for end in ends)
    return f"{where}, {what} went from {first} (first quarter) to {last} (last quarter)"


def _many(sources: int) -> str:
    return f"{sources} source" if sources == 1 else f"{sources} sources"


def _caveats(
    fit: TrendFit,
    reach: _Reach,
    ends: tuple[float, float] | None,
    details: dict[str, float | int | str | None],
) -> tuple[str, ...]:
    notes: list[str] = []
    if fit.weeks_spanned < SEASON_SURE_FROM:
        notes.append(
            f"With {fit.weeks_spanned} weeks the season is known only from its assumed shape, one sine wave a year."
        )
    if ends is not None and (fit.low > 0 or fit.high < 0) and (ends[1] > ends[0]) != (fit.slope > 0):
        notes.append("The first and last quarter are raw: with the season taken out they differ the other way.")
    apart = details["tau_1_apart"]
    if isinstance(apart, float) and apart > 1:
        notes.append("Small and large sources change differently: weighed more equally, the result differs clearly.")
    if reach.factor > 1:
        notes.append(f"The interval is stretched by {reach.factor:.2f} because some posts are tagged by mistake.")
    return tuple(notes)


def _details(panel: SourceWeeks, fit: TrendFit, reach: _Reach) -> dict[str, float | int | str | None]:
    raw, free = first_and_last(panel, fit), first_and_last(panel, fit, season_free=True)
    return {
        "slope": fit.slope,
        "se": fit.se,
        "df": fit.df,
        "low": reach.low,
        "high": reach.high,
        "weeks": fit.weeks_spanned,
        "years": fit.weeks_spanned / WEEKS_PER_YEAR,
        "sources_effective": fit.g_eff,
        "largest_weight": float(fit.weights.max()),
        "spread_of_slopes": fit.tau_hat,
        "variance_between_sources": fit.v_source,
        "variance_between_weeks": fit.v_week,
        "df_between_sources": fit.df_source,
        "df_between_weeks": fit.df_week,
        "shock_autocorrelation": fit.rho,
        "season_amplitude": float(np.linalg.norm(fit.season)),
        "first_quarter": raw[0] if raw else None,
        "last_quarter": raw[1] if raw else None,
        "first_quarter_season_free": free[0] if free else None,
        "last_quarter_season_free": free[1] if free else None,
        "posts_compared_with": int(panel.n.sum()),
        "stretch": reach.factor,
    }
