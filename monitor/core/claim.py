"""What a claim is: a statement, and how it could be shown to be right or wrong. Read from `config/claims/*.yaml`.

Pure values; `config_claims` reads and checks the files, `claims` turns a claim and the cells into a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["trend", "level", "rank", "reference", "consistency"]
KINDS: tuple[Kind, ...] = get_args(Kind)

METHOD = 1
"""Number of the rules by which claims are tested; verdicts that were stored under another number are computed anew."""

Filters = Mapping[str, tuple[str, ...]]
"""dimension (of `query.FILTERS`) → wanted values; a post needs any of the values in every dimension."""

Direction = Literal["rising", "falling", "not_falling"]
Quantity = Literal["share", "rate"]
Population = Literal["sources", "posts"]
Measured = Literal["share", "words", "duration", "guests", "engagement"]
Relation = Literal["about", "at_least", "at_most"]
Arithmetic = Literal["sums_to", "does_not_sum_to", "agree", "differ"]


@dataclass(frozen=True, slots=True)
class Posts:
    """A set of posts: those that pass any of the filters. No filters at all means every post."""

    any_of: tuple[Filters, ...] = ()


ALL_POSTS = Posts()


@dataclass(frozen=True, slots=True)
class TrendTest:
    """Does a share of posts, or a rate of posting, change?"""

    numerator: Posts
    denominator: Posts = ALL_POSTS
    """A share counts posts in both sets, divided by posts in this one. A rate divides by observed days instead."""
    quantity: Quantity = "share"
    direction: Direction = "rising"
    smallest: float = 0.10
    """The smallest relative change per year that would matter; 0.10 is 10 %."""
    expected: float | None = None
    """Relative change per year that the claim itself names, if it names one."""
    weeks: int = 104
    """The window: at most this many complete weeks."""
    majority: bool = False
    """`not_falling` only: the share must also lie above one half."""
    volume: bool = False
    """The claim speaks of all posts taken together, not of the average source."""


@dataclass(frozen=True, slots=True)
class LevelTest:
    """Does a share have a stated size?"""

    numerator: Posts
    claimed: float
    """0 to 1."""
    denominator: Posts = ALL_POSTS
    tolerance: float | None = None
    """Half-width of what still counts as the stated size; None: 5 points or 15 % of it, whichever is more."""
    population: Population = "sources"
    """Whether the verdict speaks of the sector (sources are a sample) or only of the posts collected."""
    weeks: int = 52


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    label: str
    numerator: Posts = ALL_POSTS
    denominator: Posts = ALL_POSTS
    """For a share: posts in both sets over posts in this one. For a mean: the mean is over posts in both sets."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`higher` is said to exceed `lower`."""

    higher: Side
    lower: Side
    measured: Measured = "share"
    """share, or a mean per post: words, duration (seconds), guests, engagement (mean of ln(1 + interactions))."""
    within: bool = False
    """Compare inside each source that has both sides, instead of across sources."""


@dataclass(frozen=True, slots=True)
class RankTest:
    """Is one share or mean larger than another? All comparisons must hold."""

    comparisons: tuple[Comparison, ...]
    weeks: int = 52
    picked: bool = False
    """The leader was picked from the same data, not named beforehand: tests run at half the level."""


@dataclass(frozen=True, slots=True)
class ReferenceTest:
    """Does a stated figure agree with a published one?"""

    claimed: float
    unit: str
    relation: Relation = "about"
    tolerance: float = 0.10
    """Relative."""
    figures: tuple[str, ...] = ()
    """Ids in `config/references.yaml`; none: not measurable."""
    why_not: str | None = None
    """Why no published figure can be cited, where `figures` is empty."""
    context: TrendTest | None = None
    """A change in the collected posts shown beside the figure; it never decides."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One piece of arithmetic on the report's own numbers."""

    name: str
    relation: Arithmetic
    values: Mapping[str, float]
    target: float | None = None
    """For sums_to and does_not_sum_to."""
    tolerance: float = 0.0
    """Absolute, in the unit of the values."""


@dataclass(frozen=True, slots=True)
class ConsistencyTest:
    """Do the report's own numbers fit together? All sums must hold."""

    unit: str
    sums: tuple[Sum, ...]


Test = TrendTest | LevelTest | RankTest | ReferenceTest | ConsistencyTest


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of the report and the test that was chosen for it before looking at the data."""

    id: str
    says: str
    """In our words, a whole sentence."""
    segment: str
    """The part of the report it belongs to: content type, audience, region, topic, market or players."""
    test: Test
    supports: str
    """What would support it, in plain words."""
    limits: tuple[str, ...]
    """What this measurement cannot show."""
    file: str = ""
    """Where it was read from."""
    why_not: str | None = None
    """Why it can't be measured with this configuration (a topic that its taxonomy does not have); None: it can."""

    @property
    def kind(self) -> Kind:
        return _KIND_OF[type(self.test)]


@dataclass(frozen=True, slots=True)
class Reference:
    """A published figure, with where it was published."""

    id: str
    what: str
    value: float
    unit: str
    dated: str
    """The day, month or year that the figure speaks of, ISO 8601."""
    citation: str
    url: str | None
    checked: bool
    """True if someone opened the source and compared; False: from memory or a secondary source."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TagError:
    """Measured error of one tag, from a labelled sample."""

    dimension: str
    value: str
    sensitivity: tuple[int, int]
    """Found of the truly positive in the sample."""
    specificity: tuple[int, int]
    """Left alone of the truly negative in the sample."""
    sample: str
    """What was labelled, by whom, when."""


@dataclass(frozen=True, slots=True)
class ClaimBook:
    """All that `config/` says about claims."""

    claims: tuple[Claim, ...] = ()
    """Ordered as the ledger shows them."""
    references: Mapping[str, Reference] = field(default_factory=dict)
    tag_errors: tuple[TagError, ...] = ()


_KIND_OF: Mapping[type, Kind] = {
    TrendTest: "trend",
    LevelTest: "level",
    RankTest: "rank",
    ReferenceTest: "reference",
    ConsistencyTest: "consistency",
}
