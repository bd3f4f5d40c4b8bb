"""A claim and what was collected → what its test found. Pure: cells, coverage and the moment are passed in.

`Evidence` cuts the weeks and sources that a test may rest on; one function per kind of claim counts, asks the
statistics, and says in words what the numbers rest on. `family` then looks at all claims together.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from monitor.core.breaks import volume_breaks
from monitor.core.buckets import SECONDS_PER_DAY, Buckets, day_date, make_buckets
from monitor.core.claim import (
    METHOD,
    Claim,
    ClaimBook,
    Comparison,
    ConsistencyTest,
    LevelTest,
    Posts,
    RankTest,
    ReferenceTest,
    Side,
    TagError,
    TrendTest,
)
from monitor.core.cube import Cube
from monitor.core.finding import Check, Finding, SourceWeeks
from monitor.core.level import judge_level
from monitor.core.observed import Coverage
from monitor.core.panel import Absence, Regimes, Watched, Window, choose_window, watch_weeks
from monitor.core.rank import SideSums, judge_rank
from monitor.core.slices import Slice
from monitor.core.stated import judge_consistency, judge_reference
from monitor.core.tag_error import attenuation, unmeasured
from monitor.core.trend_rules import judge_trend

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SHORTEST_LEVEL = 8
"""Weeks below which there is no verdict on a level or a rank."""
_COLUMNS: Mapping[str, tuple[str, str, float]] = {
    "words": ("words_sum", "posts", 1.0),
    "duration": ("duration_sum", "duration_n", 1.0),
    "guests": ("guests_sum", "guests_n", 1.0),
    "engagement": ("engagement_log_sum", "engagement_n", 1e-4),
}
"""What is measured per post → column of the sum, column of how many posts have it, unit of the sum."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What a finding rests on. Days are UTC; `until` is not included."""

    since: date
    until: date
    weeks: int
    in_scope: int
    """Sources that could have such posts."""
    sources: int
    """Sources that the test rests on."""
    excluded: Mapping[str, int]
    """Why the others are left out: reason → how many."""
    observed: float | None
    """Observed part of the window of the sources that the test rests on; 0 to 1."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found for one claim, alone."""

    claim: Claim
    finding: Finding
    rest: Rest | None
    """None where the claim is not measured on posts, or nothing was observed."""
    fingerprint: str
    """Of the claim, the method and every count that went in; hex. Equal fingerprints, equal outcome."""
    panel: SourceWeeks | None = None
    """What a trend was tested on."""


class Evidence:
    """What was collected and observed up to a moment, cut for tests. Valid until the cube changes."""

    def __init__(
        self, cube: Cube, coverage: Coverage, until: datetime, regimes: Regimes, tag_errors: Sequence[TagError] = ()
    ) -> None:
        """`until` is aware UTC: only complete weeks before it count. `coverage` is indexed as the cube's sources."""
        self._cube = cube
        self._coverage = coverage
        self._windows: dict[tuple[bytes, int, int], Window | None] = {}
        self._slices: dict[tuple[int, int], Slice] = {}
        self.tag_errors = tuple(tag_errors)
        self.regimes = regimes
        self.watched: Watched | None = watch_weeks(coverage, cube.source_ids, until, regimes)

    def scope(self, *sets: Posts) -> Mask:
        """Sources that could have posts in all of these sets."""
        empty = self.slice(make_buckets(0, 0, "week"))
        scope: Mask = np.logical_and.reduce([empty.in_scope(one) for one in sets])
        return scope

    def window(self, scope: Mask, longest: int, shortest: int) -> Window | None:
        key = scope.tobytes(), longest, shortest
        if key not in self._windows:
            watched = self.watched
            self._windows[key] = None if watched is None else choose_window(watched, scope, longest, shortest=shortest)
        return self._windows[key]

    def slice(self, buckets: Buckets) -> Slice:
        key = buckets.since, buckets.until
        if key not in self._slices:
            self._slices[key] = Slice(self._cube, buckets)
        return self._slices[key]

    def cut(self, window: Window) -> tuple[Slice, Mask, Ints]:
        """Cells of a window, and which source-weeks were observed, and for how many seconds."""
        watched = self.watched
        assert watched is not None
        starts = watched.weeks.starts
        since = int(starts[window.first])
        buckets = make_buckets(since, since + 7 * len(window), "week")
        inside = slice(window.first, window.last)
        return self.slice(buckets), watched.observed[:, inside], watched.seconds[:, inside]

    def rest(self, window: Window, scope: Mask, used: Mask, *, else_why: str = "no_such_posts") -> Rest:
        """`else_why` is the reason of sources that were observed throughout and yet are not used."""
        assert self.watched is not None
        since = int(self.watched.weeks.starts[window.first])
        until = since + 7 * len(window)
        away = Counter(Absence(int(why)).name.lower() if why else else_why for why in window.absences[scope & ~used])
        low, high = since * SECONDS_PER_DAY, until * SECONDS_PER_DAY
        seconds = self.watched.seconds[used, window.first : window.last].sum()
        return Rest(
            since=day_date(since),
            until=day_date(until),
            weeks=len(window),
            in_scope=int(scope.sum()),
            sources=int(used.sum()),
            excluded=dict(sorted(away.items())),
            observed=float(seconds / ((high - low) * used.sum())) if used.any() else None,
        )


def examine(claim: Claim, evidence: Evidence, book: ClaimBook) -> Outcome:
    """Test one claim. Never raises on data."""
    if claim.why_not is not None:
        return Outcome(claim, Finding("not_measurable", claim.why_not), None, _fingerprint(claim, claim.why_not))
    return _EXAMINERS[type(claim.test)](claim, evidence, book)


def _trend(claim: Claim, evidence: Evidence, book: ClaimBook) -> Outcome:
    test = claim.test
    assert isinstance(test, TrendTest)
    rate = test.quantity == "rate"
    scope = evidence.scope(test.denominator, test.numerator) if rate else evidence.scope(test.denominator)
    window = evidence.window(scope, test.weeks, 52)
    if window is None:
        return _nothing(claim, scope)
    cells, observed, seconds = evidence.cut(window)
    sets = (test.numerator, test.denominator)
    k = np.where(observed, cells.weekly(*sets), 0)
    days = np.rint(seconds / SECONDS_PER_DAY).astype(np.int64)
    n = np.where(observed, days if rate else cells.weekly(test.denominator), 0)
    folded_k = np.where(observed, cells.weekly(*sets, folded=True), 0)
    folded_n = n if rate else np.where(observed, cells.weekly(test.denominator, folded=True), 0)
    full = _at_ceiling(k, n, test)
    members = window.members & ~full
    panel = _source_weeks(cells, members, k, n)
    finding = judge_trend(
        panel,
        test,
        everything=_source_weeks(cells, scope & ~full & (n > 0).any(axis=1), k, n),
        folded=_source_weeks(cells, members, folded_k, folded_n),
        stretch=(1.0, attenuation(panel, test.numerator, evidence.tag_errors)),
    )
    rest = evidence.rest(window, scope, members, else_why="no_room_to_change")
    if test.majority and finding.verdict == "supported":
        finding = _majority(finding, claim, k[window.members].sum(axis=1), n[window.members].sum(axis=1))
    finding = _noted(finding, [*_regimes(evidence, rest), *_breaks(evidence, window, cells), *_tags(evidence, *sets)])
    return Outcome(claim, finding, rest, _fingerprint(claim, k[scope], n[scope], folded_k[scope], rest), panel)


def _at_ceiling(k: Ints, n: Ints, test: TrendTest) -> Mask:
    """Sources in which the share has no room left to rise by the smallest change that matters; shape (sources,).

    A channel that only ever publishes videos says nothing of a move to video, as little as a source without any; left
    in, such sources would pull the average change towards zero. The share over the whole window decides, which a rise
    and a fall change alike. A rate has no ceiling.
    """
    if test.quantity == "rate":
        return np.zeros(len(k), np.bool_)
    full: Mask = k.sum(axis=1) * (1 + test.smallest) > n.sum(axis=1)
    return full


def _level(claim: Claim, evidence: Evidence, book: ClaimBook) -> Outcome:
    test = claim.test
    assert isinstance(test, LevelTest)
    scope = evidence.scope(test.denominator)
    window = evidence.window(scope, test.weeks, SHORTEST_LEVEL)
    if window is None:
        return _nothing(claim, scope)
    cells, observed, _ = evidence.cut(window)
    k = np.where(observed, cells.weekly(test.numerator, test.denominator), 0).sum(axis=1)
    n = np.where(observed, cells.weekly(test.denominator), 0).sum(axis=1)
    used = scope & (n > 0)
    errors = [one for one in evidence.tag_errors if _applies(one, test.numerator)]
    finding = judge_level(k[used], n[used], test, errors=tuple(errors))
    rest = evidence.rest(window, scope, used)
    finding = _long_enough(finding, rest)
    finding = _noted(finding, [*_regimes(evidence, rest), *_tags(evidence, test.numerator, test.denominator)])
    return Outcome(claim, finding, rest, _fingerprint(claim, k, n, rest))


def _rank(claim: Claim, evidence: Evidence, book: ClaimBook) -> Outcome:
    test = claim.test
    assert isinstance(test, RankTest)
    sides = [side for one in test.comparisons for side in (one.higher, one.lower)]
    scope: Mask = np.logical_or.reduce([evidence.scope(side.numerator, side.denominator) for side in sides])
    window = evidence.window(scope, test.weeks, SHORTEST_LEVEL)
    if window is None:
        return _nothing(claim, scope)
    cells, observed, _ = evidence.cut(window)
    compared = [
        (one, _side(cells, observed, one.higher, one), _side(cells, observed, one.lower, one))
        for one in test.comparisons
    ]
    finding = judge_rank(compared, picked=test.picked)
    used = np.logical_or.reduce([side.den > 0 for _, a, b in compared for side in (a, b)])
    rest = evidence.rest(window, scope, used & scope)
    finding = _long_enough(finding, rest)
    tagged = [posts for side in sides for posts in (side.numerator, side.denominator)]
    finding = _noted(finding, [*_regimes(evidence, rest), *_tags(evidence, *tagged)])
    arrays = [array for _, a, b in compared for array in (a.num, a.den, b.num, b.den)]
    return Outcome(claim, finding, rest, _fingerprint(claim, *arrays, rest))


def _side(cells: Slice, observed: Mask, side: Side, comparison: Comparison) -> SideSums:
    def total(*sets: Posts, column: str = "posts") -> Ints:
        summed: Ints = np.where(observed, cells.weekly(*sets, column=column), 0).sum(axis=1)
        return summed

    posts = total(side.numerator, side.denominator)
    if comparison.measured == "share":
        return SideSums(side.label, posts.astype(float), total(side.denominator).astype(float), posts)
    sum_column, n_column, unit = _COLUMNS[comparison.measured]
    both = (side.numerator, side.denominator)
    counted = total(*both, column=n_column)
    return SideSums(
        side.label, unit * total(*both, column=sum_column).astype(np.float64), counted.astype(np.float64), counted
    )


def _reference(claim: Claim, evidence: Evidence, book: ClaimBook) -> Outcome:
    test = claim.test
    assert isinstance(test, ReferenceTest)
    figures = [book.references[name] for name in test.figures]
    finding = judge_reference(test, figures)
    if test.context is None:
        return Outcome(claim, finding, None, _fingerprint(claim, *figures))
    beside = _trend(replace(claim, test=test.context), evidence, book)
    context = beside.finding
    shown = Check("context", "noted", f"Beside it, and deciding nothing: {context.says}", context.effect)
    finding = replace(finding, checks=(*finding.checks, shown))
    return Outcome(claim, finding, beside.rest, _fingerprint(claim, *figures, beside.fingerprint))


def _consistency(claim: Claim, evidence: Evidence, book: ClaimBook) -> Outcome:
    assert isinstance(claim.test, ConsistencyTest)
    return Outcome(claim, judge_consistency(claim.test), None, _fingerprint(claim))


_EXAMINERS: Mapping[type, Callable[[Claim, Evidence, ClaimBook], Outcome]] = {
    TrendTest: _trend,
    LevelTest: _level,
    RankTest: _rank,
    ReferenceTest: _reference,
    ConsistencyTest: _consistency,
}


def _nothing(claim: Claim, scope: Mask) -> Outcome:
    says = (
        "No source in scope was observed for a whole week yet."
        if scope.any()
        else "No tracked source could have such posts."
    )
    return Outcome(claim, Finding("insufficient_data", says), None, _fingerprint(claim))


def _source_weeks(cells: Slice, rows: Mask, k: Ints, n: Ints) -> SourceWeeks:
    names = tuple(name for name, wanted in zip(cells.sources, rows.tolist(), strict=True) if wanted)
    return SourceWeeks(names, cells.buckets.starts, k[rows], n[rows])


def _majority(finding: Finding, claim: Claim, k: Ints, n: Ints) -> Finding:
    """`not_falling` with a majority: the average source's share must also lie above one half."""
    level = judge_level(k[n > 0], n[n > 0], LevelTest(posts_of(claim), 0.5, tolerance=0.0))
    effect = level.effect
    if effect is None or effect.low is None or effect.low <= 0.5:
        words = "could not be measured" if effect is None else f"is {100 * effect.value:.0f} %"
        says = f"It does not fall, but that it is more than half is not shown: the average source's share {words}."
        check = Check("majority", "failed", says, effect)
        return replace(finding, verdict="inconclusive", says=f"{finding.says} {says}", checks=(*finding.checks, check))
    says = f"The average source's share is above one half ({100 * effect.value:.0f} %)."
    return replace(finding, checks=(*finding.checks, Check("majority", "passed", says, effect)))


def posts_of(claim: Claim) -> Posts:
    """The posts that a claim counts: what its evidence is. All posts for claims about figures."""
    test = claim.test
    if isinstance(test, TrendTest | LevelTest):
        return test.numerator
    if isinstance(test, RankTest):
        return test.comparisons[0].higher.numerator
    if isinstance(test, ReferenceTest) and test.context is not None:
        return test.context.numerator
    return Posts()


def _long_enough(finding: Finding, rest: Rest) -> Finding:
    if rest.weeks >= SHORTEST_LEVEL or finding.verdict == "insufficient_data":
        return finding
    says = f"{rest.weeks} complete weeks were observed; at least {SHORTEST_LEVEL} are needed."
    return replace(finding, verdict="insufficient_data", says=says)


def _noted(finding: Finding, caveats: Sequence[str]) -> Finding:
    return replace(finding, notes=(*finding.notes, *caveats))


def _regimes(evidence: Evidence, rest: Rest) -> list[str]:
    notes = []
    watched = evidence.watched
    if watched is not None and watched.tagging is not None:
        notes.append(
            f"The tagging rules changed on {day_date(watched.tagging)} and older posts still have the old tags, so "
            "nothing before it is compared. `trendmonitor retag --all` makes the older weeks count again."
        )
    if changed := rest.excluded.get("changed"):
        what = "source was" if changed == 1 else "sources were"
        notes.append(f"{changed} {what} left out because the address, the collector or the prior tags changed.")
    return notes


def _breaks(evidence: Evidence, window: Window, cells: Slice) -> list[str]:
    """Weeks around which the volume of the panel is not stable, unless a gap explains it."""
    watched = evidence.watched
    assert watched is not None
    observed = watched.observed[window.members, window.first : window.last]
    totals = np.where(observed, cells.weekly(Posts())[window.members], 0).sum(axis=0)
    seen = np.flatnonzero(observed.any(axis=0))
    missing = observed.sum(axis=0) < observed.shape[0]
    notes = []
    for week in seen[list(volume_breaks(totals[seen]))]:
        if missing[max(week - 2, 0) : week + 3].any():
            continue
        day = day_date(int(cells.buckets.starts[week]))
        notes.append(
            f"The volume of posts of these sources is not stable around the week of {day}; no known event explains "
            "it. That alone does not bend a share."
        )
    return notes


def _tags(evidence: Evidence, *sets: Posts) -> list[str]:
    missing = unmeasured(sets, evidence.tag_errors)
    if not missing:
        return []
    return [
        f"How often these tags are wrong has not been measured, and the interval leaves it out: {', '.join(missing)}."
    ]


def _applies(error: TagError, posts: Posts) -> bool:
    return posts.any_of == ({error.dimension: (error.value,)},)


def _fingerprint(claim: Claim, *inputs: object) -> str:
    digest = hashlib.blake2b(repr((METHOD, claim.id, claim.test)).encode(), digest_size=12)
    for one in inputs:
        if isinstance(one, np.ndarray):
            digest.update(repr((one.shape, one.dtype.str)).encode())
            digest.update(np.ascontiguousarray(one).tobytes())
        else:
            digest.update(repr(one).encode())
    return digest.hexdigest()
