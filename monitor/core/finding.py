"""What a test found: the values that travel from the statistics to the ledger. Pure, frozen.

Changes per year are relative: 0.14 is +14 % a year. Shares are 0 to 1. Every interval is a 95 % interval.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

VerdictName = Literal["supported", "contradicted", "inconclusive", "insufficient_data", "not_measurable"]
VERDICTS: tuple[VerdictName, ...] = get_args(VerdictName)

CheckVerdict = Literal["passed", "failed", "noted"]
"""`noted` is shown and decides nothing."""

RELATIVE_PER_YEAR = "relative change per year"
SHARE = "share"
DIFFERENCE = "difference of shares"


@dataclass(frozen=True, slots=True)
class Effect:
    value: float
    low: float | None
    high: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question beside the main test."""

    name: str
    """Stable slug, such as drop-largest."""
    verdict: CheckVerdict
    says: str
    """One sentence for a reader."""
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class SourceWeeks:
    """Counts of some sources in consecutive weeks. Shape (sources, weeks); nothing is known where `n` is 0."""

    sources: tuple[str, ...]
    starts: NDArray[np.int64]
    """(weeks,): day number of the Monday each week begins on."""
    k: NDArray[np.int64]
    """Posts counted."""
    n: NDArray[np.int64]
    """What they are a part of: posts for a share, observed days for a rate. 0: not observed, or no posts at all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one test, before the ledger looks at all claims together."""

    verdict: VerdictName
    says: str
    """Why, in one sentence for a reader."""
    effect: Effect | None = None
    p_support: float | None = None
    """One-sided p-value against the null in the direction of the claim."""
    p_contradict: float | None = None
    """One-sided p-value of the test that would contradict the claim."""
    n_posts: int = 0
    n_sources: int = 0
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    """Caveats that follow from the numbers."""
    detectable: float | None = None
    """The effect that this test would find with 80 % probability; in the unit of `effect`."""
    details: dict[str, float | int | str | None] = field(default_factory=dict)
    """Figures for people who check: standard error, degrees of freedom, weights …; name → value."""
