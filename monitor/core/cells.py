"""The nouns of counting: what a cell is, which numbers it holds, and which sums can be asked of cells.

A *cell* counts the posts of one source, one UTC day and one *combo*: what these posts have in common. All measures
are whole numbers, so that taking a post out is the exact reverse of putting it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures import MEASURES as MEASURES

Ints = NDArray[np.int64]

NO_TOPIC = "none"
"""Key of the posts without a topic."""

ONE_VALUED = ("content_type", "region", "country", "language", "live", "sponsored", "copy")
"""Dimensions of a combo of which every post has exactly one value."""
MANY_VALUED = ("audience", "topic")
"""Dimensions of which a post may have several; it then counts once under each."""
OF_SOURCE = ("platform", "source")
"""Dimensions that follow from the source."""


@dataclass(frozen=True, slots=True)
class Combo:
    """What the posts of a cell have in common. `audience` and `topics` are sorted; no topics is ()."""

    id: int
    content_type: str
    audience: tuple[str, ...]
    country: str | None
    language: str | None
    topics: tuple[str, ...]
    live: bool
    sponsored: bool
    copy: bool


@dataclass(frozen=True, slots=True)
class CellBatch:
    """New or changed cells, as int64 columns of one length. A cell replaces the earlier one of the same id."""

    ids: Ints
    sources: Ints
    """Source numbers: small integers that stand for source ids."""
    days: Ints
    """UTC days since 1970-01-01."""
    combos: Ints
    """Combo ids."""
    measures: Mapping[str, Ints]
    """One column for each of MEASURES."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Σ column."""

    column: str


@dataclass(frozen=True, slots=True)
class Occupied:
    """How many cells have a positive value in the column."""

    column: str


@dataclass(frozen=True, slots=True)
class Product:
    """Σ a·b over cells, as float64: for variances, where the last digits do not matter."""

    a: str
    b: str


Term = Sum | Occupied | Product
