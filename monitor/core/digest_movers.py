"""What rose and fell in one period: all shares and sentiments looked at together. Pure.

How one of them is compared with earlier periods is in `digest_shift`. Together they are one family; Benjamini &
Hochberg's (1995) procedure at q = 0.05 keeps those that stand out, and of these only what is large enough to matter is
told. None of this says why something changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.digest_input import Sample, Series
from monitor.core.digest_shift import (
    FEWEST_SOURCES,
    SENTIMENT_SCALE,
    Change,
    Mask,
    Shift,
    compared,
    concluded,
    moderated,
    ratio_change,
)

Kind = Literal["share", "sentiment"]

Q = 0.05
"""Largest expected part of false ones among what is said to stand out."""
FEWEST_POSTS = 10
"""Posts of a key, in the period or in an average earlier one, below which it is not looked at."""
SMALLEST: dict[Kind, float] = {"share": 0.005, "sentiment": 0.02}
"""Half a percentage point; 0.02 on the scale from −1 to 1."""
SMALLEST_RELATIVE = 0.05
"""A share must also change by this part of what it was."""


@dataclass(frozen=True, slots=True)
class Mover:
    kind: Kind
    series: Series
    shift: Shift
    q: float


@dataclass(frozen=True, slots=True)
class Movers:
    """All comparisons that were made, and those that stand out."""

    looked_at: int
    found: tuple[Mover, ...]
    """Largest change first, shares before sentiments."""
    sources: int
    """Sources that could be compared."""
    periods: int


def find_movers(sample: Sample) -> Movers:
    """What stands out among the shares and sentiments of all parts of the sample."""
    members = compared(sample.comparable)
    everything = sample.everything
    shares: list[tuple[Series, Change]] = []
    for part in sample.parts:
        share = ratio_change(part.posts, everything.posts, sample.comparable, counts=True)
        if share is not None and _enough(part.posts, sample.comparable):
            shares.append((part, share))
    moods: list[tuple[Series, Change]] = []
    for part in (everything, *sample.parts):
        if part.dimension in ("platform", "region"):
            continue  # where a source is says little of its tone, and each question costs the others
        mood = ratio_change(part.sentiment_sum / SENTIMENT_SCALE, part.sentiment_n, sample.comparable, counts=False)
        if mood is not None and _enough(part.sentiment_n, sample.comparable):
            moods.append((part, mood))
    made: list[tuple[Kind, Series, Shift]] = []
    kinds: tuple[tuple[Kind, list[tuple[Series, Change]]], ...] = (("share", shares), ("sentiment", moods))
    for kind, changes in kinds:
        spreads = moderated([change.among for _, change in changes])
        made += [
            (kind, part, concluded(change, spread)) for (part, change), spread in zip(changes, spreads, strict=True)
        ]
    adjusted = adjust([shift.p for _, _, shift in made])
    found = [
        Mover(kind, part, shift, q)
        for (kind, part, shift), q in zip(made, adjusted, strict=True)
        if q <= Q and _matters(kind, shift)
    ]
    found.sort(key=lambda one: (one.kind != "share", -abs(one.shift.difference), one.series.dimension, one.series.key))
    periods = int(sample.comparable[members][:, 1:].any(axis=0).sum()) if members.any() else 0
    return Movers(len(made), tuple(found), int(members.sum()), periods)


def adjust(values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values, in the order given."""
    if not values:
        return []
    # Imported here: scipy.stats takes half a second to load
    from scipy.stats import false_discovery_control

    return [float(one) for one in false_discovery_control(np.clip(values, 0.0, 1.0), method="bh")]


def _enough(posts: NDArray[np.int64], comparable: Mask) -> bool:
    """Decided by how much there is on either side, whatever the direction of change."""
    members = compared(comparable)
    known = comparable[members][:, 1:]
    now, before = posts[members, 0], (posts[members][:, 1:] * known).sum(axis=1) / known.sum(axis=1)
    return bool(
        max(now.sum(), before.sum()) >= FEWEST_POSTS and int(((now > 0) | (before > 0)).sum()) >= FEWEST_SOURCES
    )


def _matters(kind: Kind, shift: Shift) -> bool:
    smallest = SMALLEST[kind]
    if kind == "share":
        smallest = max(smallest, SMALLEST_RELATIVE * shift.before)
    return abs(shift.difference) >= smallest
