"""The default combination: which series left its baseline, within a budget of false alarms. Pure.

A window fires "up" if

* the **share** of the key among all posts is too high: p at most the threshold that the budget leaves, and
* the **count** is above its own forecast too: p at most `GATE`, which is the edge of its 95 % prediction interval,

and "down" the other way round. The first keeps what happens to all posts alike (holidays, outages, a feed that delivers
twenty old posts, growth) from looking like news of one key. The second keeps a key that merely stood still while
everything else fell from looking like a rise. A series that counts all posts has no share, and its count is judged by
the budget's threshold itself.

**Budget.** `budget` false alarms in 30 days are shared by all series, both directions and all windows of every period:
alpha = budget / (30 days' periods of all series), half for each direction, times the part of each window. Windows of
several periods overlap from one period to the next and raise one alarm where independent ones would raise several, and
the dispersion of counts is bounded below by chance alone; `SPEND` holds what simulation found for both (see
docs/signals.md), so that the budget is spent and not exceeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.signals import ears
from monitor.core.signals.baseline import ERRORS, GUARD, LONG
from monitor.core.signals.detectors import WINDOWS, Judged, count_detector, share_detector
from monitor.core.signals.series import LENGTH, Alarm, Direction, Floats, Ints, Mask, Size, WatchSeries
from monitor.core.signals.tails import interval

BUDGET = 1.0
BUDGET_DAYS = 30
GATE = 0.025
GATE_RATIO = 10.0
"""With a budget so large that alpha comes close to GATE, the gate opens further."""
SPEND: Mapping[Size, Mapping[int, float]] = {"day": {1: 0.28, 3: 0.28, 7: 0.28}, "week": {1: 0.65}}
"""Part of alpha that a window of so many periods is tested at."""
FEWEST_POSTS = 5
"""A rise of fewer posts than this is not told, and a fall needs as many expected."""
LOOK: Mapping[Size, int] = {"day": 3, "week": 1}
"""An alarm is told if it stands in one of so many latest periods: posts may arrive a day or two late."""
JOIN: Mapping[Size, int] = {"day": 3, "week": 1}
"""Firings with at most so many periods from one to the next are one alarm."""
LONGEST = 28
"""Periods an alarm reaches back at most. By then the baseline has followed."""


@dataclass(frozen=True, slots=True)
class Side:
    """One direction; arrays (T,). A value belongs to the window that ends in its period."""

    p: Floats
    """The p that decides, of the window that fired most clearly; NaN where none fired."""
    width: Ints
    """Periods of that window; 0 where none fired."""

    @property
    def fired(self) -> Mask:
        fired: Mask = self.width > 0
        return fired


@dataclass(frozen=True, slots=True)
class Judgement:
    """What both detectors say of one series, by width of window."""

    count: Mapping[int, Judged]
    share: Mapping[int, Judged]
    """Empty for a series of all posts."""


def thresholds(series: Sequence[WatchSeries], budget: float) -> Mapping[Size, Mapping[int, float]]:
    """The p at which a window fires in one direction, by size and width."""
    tests = sum(BUDGET_DAYS / LENGTH[one.size] for one in series)
    alpha = budget / tests / 2 if tests else 0.0
    return {size: {width: min(alpha * part, 0.5) for width, part in parts.items()} for size, parts in SPEND.items()}


def judge(series: WatchSeries, first: int = 0) -> Judgement:
    """Judge the periods from `first` on. The result of a period depends neither on later ones nor on `first`."""
    reach = max(first - ERRORS[series.size] - GUARD[series.size] - 2 * max(WINDOWS[series.size]), 0)
    return Judgement(
        count_detector(series, first, reach), share_detector(series, first, reach) if series.has_share else {}
    )


def fire(judged: Judgement, alphas: Mapping[int, float]) -> Mapping[Direction, Side]:
    """Which windows left the baseline, at these thresholds by width."""
    return {"up": _side(judged, alphas, "up"), "down": _side(judged, alphas, "down")}


def gate(alpha: float) -> float:
    """The p that the count needs where the share decides at `alpha`: always much looser than that."""
    return min(max(GATE, GATE_RATIO * alpha), 0.5)


def _side(judged: Judgement, alphas: Mapping[int, float], direction: Direction) -> Side:
    """Of the windows that end in a period, the one that fired with the smallest p against its threshold."""
    decides, count = judged.share or judged.count, judged.count
    length = len(count[min(alphas)].up)
    smallest, widths, against = np.full(length, np.nan), np.zeros(length, np.int64), np.full(length, np.inf)
    for width, alpha in alphas.items():
        p, sums = decides[width].p(direction), count[width].sums
        many = (sums.observed if direction == "up" else sums.expected) >= FEWEST_POSTS
        better = many & (count[width].p(direction) <= gate(alpha)) & (p <= alpha) & (p / alpha < against)
        smallest[better], widths[better], against[better] = p[better], width, p[better] / alpha
    return Side(smallest, widths)


def detect(series: Sequence[WatchSeries], *, budget: float = BUDGET, today: int | None = None) -> list[Alarm]:
    """Alarms that stand in the latest complete periods (`LOOK` of them), most surprising first.

    `budget`: false alarms in 30 days over the whole list. `today`: day number of the latest complete day; later
    periods, and a week that is not over by the end of it, are not looked at. None: all periods are complete. A series
    with too short a past (see `baseline.FEWEST`) raises no alarm. Raises ValueError for a budget of 0 or less.
    """
    if not budget > 0:
        raise ValueError("the budget of false alarms must be above 0; 1 means one in 30 days over all series")
    alphas = thresholds(series, budget)
    found: list[Alarm] = []
    for whole in series:
        one = _until(whole, today)
        length, look = len(one.starts), LOOK[one.size]
        first = max(length - look - LONGEST, 0)
        judged = judge(one, first)
        for direction, side in fire(judged, alphas[one.size]).items():
            at = np.flatnonzero(side.fired)
            if len(at) and at[-1] >= length - look:
                breaks = np.flatnonzero(np.diff(at) > JOIN[one.size])
                episode = at[breaks[-1] + 1 :] if len(breaks) else at
                facts = {"budget": budget, "series": len(series)}
                found.append(_alarm(one, judged, direction, side, episode, alphas[one.size], facts))
    return sorted(found, key=lambda alarm: (alarm.p, alarm.name))


def _until(series: WatchSeries, today: int | None) -> WatchSeries:
    if today is None:
        return series
    return series.part(0, int(np.searchsorted(series.starts, today - LENGTH[series.size] + 1, side="right")))


def _alarm(
    series: WatchSeries,
    judged: Judgement,
    direction: Direction,
    side: Side,
    episode: NDArray[np.intp],
    alphas: Mapping[int, float],
    facts: Mapping[str, float | int | str],
) -> Alarm:
    """The alarm of an episode, a list of periods that fired."""
    best = int(episode[np.argmin(side.p[episode])])
    width = int(side.width[best])
    begin, end = int((episode - side.width[episode]).min()) + 1, int(episode[-1]) + 1
    single = judged.count[1].sums
    begin, end = _strongest(single.observed, single.expected, max(begin, 0), end, 1 if direction == "up" else -1)
    observed = float(np.nansum(single.observed[begin:end]))
    expected = float(np.nansum(single.expected[begin:end]))
    dispersion = _dispersion(judged, best, end - begin)
    low, high = interval(expected, dispersion * expected)
    decided = ("share", "farrington") if judged.share else ("farrington",)
    settings: dict[str, float | int | str] = {
        **facts,
        "alpha": alphas[width],
        "window": width,
        "gate": gate(alphas[width]),
        "baseline": LONG[series.size],
        "guard": GUARD[series.size],
        "dispersion": dispersion,
        "p_count": float(judged.count[width].p(direction)[best]),
    }
    if judged.share:
        of = float(series.of[begin:end][series.seen[begin:end]].sum())
        shares = judged.share[1].sums.expected[begin:end]
        settings |= {
            "p_share": float(judged.share[width].p(direction)[best]),
            "share_observed": observed / max(of, 1.0),
            "share_expected": float(np.nansum(shares)) / max(of, 1.0),
        }
    return Alarm(
        key=series.key,
        size=series.size,
        direction=direction,
        start=int(series.starts[begin]),
        end=int(series.starts[end - 1]),
        observed=round(observed),
        expected=expected,
        low=low,
        high=high,
        p=float(side.p[best]),
        detectors=(*decided, *(_also(series, begin, end) if direction == "up" else ())),
        settings=settings,
    )


def _dispersion(judged: Judgement, at: int, stretch: int) -> float:
    """Of the window that ends in a period and is nearest in width to the stretch, rather wider than narrower."""
    for width in sorted(judged.count, key=lambda one: (one < stretch, abs(one - stretch))):
        sums = judged.count[width].sums
        if sums.variance[at] > 0:  # a window with too many gaps has NaN
            return float(sums.variance[at] / sums.expected[at])
    raise AssertionError("an alarm stands on a window that was judged")


def _strongest(observed: Floats, expected: Floats, begin: int, end: int, sign: int) -> tuple[int, int]:
    """The stretch within [begin, end) that is farthest from its expected sum, in standard deviations of chance."""
    surplus = sign * np.nan_to_num(observed[begin:end] - expected[begin:end])
    chance = np.nan_to_num(expected[begin:end])
    sums, chances = np.concatenate([[0.0], np.cumsum(surplus)]), np.concatenate([[0.0], np.cumsum(chance)])
    standing = (sums[None, :] - sums[:, None]) / np.sqrt(np.maximum(chances[None, :] - chances[:, None], 0.25))
    standing[np.tril_indices(len(sums))] = -np.inf
    low, high = np.unravel_index(int(np.argmax(standing)), standing.shape)
    return begin + int(low), begin + int(high)


def _also(series: WatchSeries, begin: int, end: int) -> tuple[str, ...]:
    """The well-known detectors that fired in the stretch, by their own thresholds."""
    low = max(begin - 4 * ears.EWMA_WINDOW, 0)
    cut = series.part(low, end)
    names = []
    for name, statistic in ears.STATISTICS.items():
        with np.errstate(invalid="ignore"):
            if (statistic(cut)[begin - low :] > ears.THRESHOLDS[name]).any():
                names.append(name)
    return tuple(names)
