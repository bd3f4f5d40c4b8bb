"""Counts per source and week, for tests that take the source as their unit. Pure.

A `Slice` is the cells of a window, each with its source and bucket looked up once. A claim then costs one look-up of
a mask per cell and one count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.core.buckets import Buckets
from monitor.core.cells import OF_SOURCE
from monitor.core.claim import Posts
from monitor.core.cube import Cube

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
PostsKey = tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]

_ORIGINALS = Posts(({"copy": ("false",)},))


class Slice:
    """The cells of a window. Valid until the cube changes; the owner of the cube holds a lock meanwhile."""

    def __init__(self, cube: Cube, buckets: Buckets) -> None:
        """Raises LookupError if cells name a source or combo that the cube was not told of."""
        self._cube = cube
        self.buckets = buckets
        self.sources = cube.source_ids
        cells = cube.cells_in(buckets)
        self._places = cells.places
        self._weeks = cells.buckets
        self._combos = cells.combos
        self._column: Callable[[str], NDArray[np.generic]] = cells.column
        self._code = self._places.astype(np.intp) * len(buckets) + self._weeks
        self._masks: dict[PostsKey, Mask | None] = {}
        self._kept: dict[tuple[PostsKey, str, bool], Ints] = {}

    def weekly(self, posts: Posts, *others: Posts, column: str = "posts", folded: bool = False) -> Ints:
        """Sums of a measure over the posts in all of these sets; shape (sources, buckets), sources as `self.sources`.

        `folded` leaves copies of a text out, so that each text counts once, where it appeared first.
        """
        key = _key(posts), column, folded
        if not others and key in self._kept:
            return self._kept[key]
        summed = self._sums(self._code, len(self.sources) * len(self.buckets), (posts, *others), column, folded)
        weekly = summed.reshape(len(self.sources), len(self.buckets))
        weekly.setflags(write=False)
        if not others:  # denominators are shared by many claims
            self._kept[key] = weekly
        return weekly

    def totals(self, posts: Posts, *others: Posts, column: str = "posts") -> Ints:
        """The same over the whole window; shape (sources,)."""
        return self._sums(self._places, len(self.sources), (posts, *others), column, False)

    def in_scope(self, posts: Posts) -> Mask:
        """Sources that could have posts of this set at all, by platform and source filters; shape (sources,)."""
        if not posts.any_of:
            return np.ones(len(self.sources), np.bool_)
        scope: Mask = np.logical_or.reduce([self._source_mask(filters) for filters in posts.any_of])
        return scope

    def _sums(self, code: Ints, size: int, sets: tuple[Posts, ...], column: str, folded: bool) -> Ints:
        mask: Mask | None = None
        for one in (*sets, *((_ORIGINALS,) if folded else ())):
            passing = self._cells(one)
            mask = passing if mask is None else mask if passing is None else mask & passing
        values = self._column(column)
        if mask is None:
            summed = np.bincount(code, values, minlength=size)
        else:
            rows = np.flatnonzero(mask)
            summed = np.bincount(code[rows], values[rows], minlength=size)
        # float64 is exact here: sums stay far below 2^53 for posts, words, seconds and scaled logarithms
        return np.rint(summed).astype(np.int64)

    def _cells(self, posts: Posts) -> Mask | None:
        """Which cells lie in the set; None for all."""
        key = _key(posts)
        if key not in self._masks:
            self._masks[key] = self._made(posts)
        return self._masks[key]

    def _made(self, posts: Posts) -> Mask | None:
        if not posts.any_of or any(not filters for filters in posts.any_of):
            return None
        passing = np.zeros(len(self._combos), np.bool_)
        for filters in posts.any_of:
            of_combo = {name: wanted for name, wanted in filters.items() if name not in OF_SOURCE}
            mask = self._cube.combo_mask(of_combo)[self._combos]
            if len(of_combo) < len(filters):
                mask &= self._source_mask(filters)[self._places]
            passing |= mask
        return passing

    def _source_mask(self, filters: Mapping[str, tuple[str, ...]]) -> Mask:
        return self._cube.source_mask(platforms=filters.get("platform"), ids=filters.get("source"))


def _key(posts: Posts) -> PostsKey:
    return tuple(tuple(sorted(filters.items())) for filters in posts.any_of)
