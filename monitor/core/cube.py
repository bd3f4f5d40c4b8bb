"""The cells in memory, as columns: every trend query is a handful of passes over numpy arrays.

Combos are few and cells are many, so a filter or a split by any dimension becomes a small table over combos or sources,
and the cells only look it up.

Sums are exact integers. Columns are as narrow as their values allow and widen when a value no longer fits; one million
cells take about 75 MB. Nothing here is safe against a reader and a writer at the same time: the owner holds a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.buckets import Buckets
from monitor.core.cells import (
    MANY_VALUED,
    NO_TOPIC,
    OF_SOURCE,
    ONE_VALUED,
    CellBatch,
    Combo,
    Occupied,
    Product,
    Term,
)
from monitor.core.measures import MEASURES
from monitor.core.model import UNKNOWN

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_WIDTHS = (np.dtype(np.int8), np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.int64))
_EXACT = 2**53
"""Beyond this a float64 can skip integers."""
_HALF_BITS = 26
_HIGHEST_ID = 2**28
"""Cell ids index an array, so they must be dense; one beyond this is a sign of a broken reader."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums per key and bucket."""

    keys: tuple[str, ...]
    """Keys that the cube has met, in order of first sight; ('all',) without a split. Not all need have posts."""
    terms: Mapping[str, NDArray[Any]]
    """name → array of shape (keys, buckets)."""
    totals: Mapping[str, NDArray[Any]]
    """name → array of shape (buckets,): each post once, even if it has several keys."""


@dataclass(frozen=True, slots=True)
class CellsIn:
    """The cells of a window, one entry each."""

    places: Ints
    """Place of the source in `Cube.source_ids`."""
    buckets: NDArray[np.int32]
    combos: NDArray[np.int32]
    column: Callable[[str], NDArray[Any]]
    """The values of a measure, by its name."""


class _Vocabulary:
    """Strings ↔ small integers, in order of first sight."""

    __slots__ = ("codes", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.codes: dict[str, int] = {}

    def code(self, word: str) -> int:
        known = self.codes.get(word)
        if known is None:
            known = self.codes[word] = len(self.words)
            self.words.append(word)
        return known


class _Sets:
    """Sets of words ↔ small integers, with the members of each. No set is empty."""

    __slots__ = ("_owners", "codes", "members", "vocabulary")

    def __init__(self) -> None:
        self.vocabulary = _Vocabulary()
        self.codes: dict[tuple[str, ...], int] = {}
        self.members: list[tuple[int, ...]] = []
        self._owners: tuple[int, Ints, Ints] = (0, np.zeros(0, np.int64), np.zeros(0, np.int64))

    def code(self, words: tuple[str, ...]) -> int:
        known = self.codes.get(words)
        if known is None:
            known = self.codes[words] = len(self.members)
            self.members.append(tuple(sorted({self.vocabulary.code(word) for word in words})))
        return known

    def owners(self) -> tuple[Ints, Ints]:
        """Sets ordered by member, a set once for each of its members, and where each member's sets begin."""
        size, owners, firsts = self._owners
        if size != len(self.members):
            owners = np.repeat(np.arange(len(self.members)), [len(members) for members in self.members])
            words = np.array([word for members in self.members for word in members], np.int64)
            order = np.argsort(words, kind="stable")
            owners, firsts = owners[order], np.searchsorted(words[order], np.arange(len(self.vocabulary.words)))
            self._owners = len(self.members), owners, firsts
        return owners, firsts


class Cube:
    """All cells, ready to be summed by any dimension. Starts empty.

    `region_of` tells the region of a country code, and what to call the region of a post without a country.
    """

    def __init__(self, region_of: Callable[[str | None], str]) -> None:
        self._words: Mapping[str, Callable[[Combo], str]] = {
            "content_type": lambda combo: combo.content_type,
            "region": lambda combo: region_of(combo.country),
            "country": lambda combo: combo.country or UNKNOWN,
            "language": lambda combo: combo.language or UNKNOWN,
            "live": lambda combo: _flag(combo.live),
            "sponsored": lambda combo: _flag(combo.sponsored),
            "copy": lambda combo: _flag(combo.copy),
        }
        self._size = 0
        self._room = 0
        self._positions = np.full(0, -1, np.int32)  # cell id → row
        self._source = np.empty(0, np.int16)
        self._day = np.empty(0, np.int32)
        self._combo = np.empty(0, np.int32)
        self._columns = {name: np.empty(0, np.int8) for name in MEASURES}
        self._peaks = dict.fromkeys(MEASURES, 0)  # largest absolute value ever held
        self._combos: dict[int, Combo] = {}
        self._one_valued = {name: _Vocabulary() for name in ONE_VALUED}
        self._many_valued = {name: _Sets() for name in MANY_VALUED}
        self._tables: dict[str, Ints] = {}  # dimension → code of each combo id, made when first asked for
        self._source_ids: tuple[str, ...] = ()
        self._platforms: tuple[str, ...] = ()
        self._places_of_sources = np.zeros(0, np.int64)  # source number → place in the two tuples above
        self._highest = {"combo": -1, "source": -1}  # ids that cells have named so far

    def __len__(self) -> int:
        """Number of cells."""
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes held by the columns of cells."""
        arrays: list[NDArray[Any]] = [self._positions, self._source, self._day, self._combo, *self._columns.values()]
        return sum(array.nbytes for array in arrays)

    @property
    def source_ids(self) -> tuple[str, ...]:
        return self._source_ids

    def keys(self, dimension: str) -> tuple[str, ...]:
        """All values of a dimension that the cube has met, in order of first sight."""
        if dimension not in OF_SOURCE:
            self._table(dimension)
        if dimension in OF_SOURCE:
            return tuple(dict.fromkeys(self._source_ids if dimension == "source" else self._platforms))
        if dimension in MANY_VALUED:
            return tuple(self._many_valued[dimension].vocabulary.words)
        return tuple(self._one_valued[dimension].words)

    def set_sources(self, sources: Mapping[int, tuple[str, str]]) -> None:
        """(id, platform) of every source by its number; replaces what was known. Masks follow the order given here."""
        self._source_ids = tuple(source for source, _ in sources.values())
        self._platforms = tuple(platform for _, platform in sources.values())
        self._places_of_sources = np.zeros(max(sources, default=-1) + 1, np.int64)
        self._places_of_sources[list(sources)] = np.arange(len(sources))

    def add_combos(self, combos: Iterable[Combo]) -> None:
        """Learn combos. They may come after the cells that use them, but before the next query."""
        highest = max(self._combos, default=-1)
        for combo in combos:
            if combo.id <= highest and combo.id not in self._combos:
                self._tables.clear()  # it fills a hole that the tables took for unused
            self._combos[combo.id] = combo

    def _table(self, dimension: str) -> Ints:
        """Code of each combo id in a dimension. Ids that no combo has are 0; no cell uses them."""
        table = self._tables.get(dimension, np.zeros(0, np.int64))
        known = len(table)
        if known <= max(self._combos, default=-1):
            table = self._tables[dimension] = np.pad(table, (0, max(self._combos) + 1 - known))
            for number, combo in self._combos.items():
                if number >= known:
                    table[number] = self._code(dimension, combo)
        return table

    def _code(self, dimension: str, combo: Combo) -> int:
        if dimension in MANY_VALUED:
            words = combo.audience if dimension == "audience" else combo.topics or (NO_TOPIC,)
            return self._many_valued[dimension].code(words)
        return self._one_valued[dimension].code(self._words[dimension](combo))

    def apply(self, batch: CellBatch) -> None:
        """Insert or replace cells. Their sources and combos must be known by the next query."""
        if not len(batch.ids):
            return
        self._highest["combo"] = max(self._highest["combo"], int(batch.combos.max()))
        self._highest["source"] = max(self._highest["source"], int(batch.sources.max()))
        at = self._places(batch.ids)
        if self._highest["source"] > np.iinfo(self._source.dtype).max:
            self._source = self._source.astype(np.int32)
        self._source[at] = batch.sources
        self._day[at] = batch.days
        self._combo[at] = batch.combos
        for name in MEASURES:
            values = batch.measures[name]
            low, high = int(values.min()), int(values.max())
            column = self._columns[name]
            limits = np.iinfo(column.dtype)
            if low < limits.min or high > limits.max:
                column = self._columns[name] = column.astype(_width(low, high))
            self._peaks[name] = max(self._peaks[name], -low, high)
            column[at] = values

    def _places(self, ids: Ints) -> NDArray[np.int32]:
        """Row of each cell id; unknown ids get new rows at the end."""
        if int(ids.max()) > _HIGHEST_ID or int(ids.min()) < 0:
            raise ValueError(f"cell ids must lie between 0 and {_HIGHEST_ID:,}; these were read wrongly")
        self._positions = _grown(self._positions, int(ids.max()) + 1, fill=-1)
        fresh = np.unique(ids[self._positions[ids] < 0])
        if len(fresh):
            self._reserve(self._size + len(fresh))
            self._positions[fresh] = np.arange(self._size, self._size + len(fresh), dtype=np.int32)
            self._size += len(fresh)
        return self._positions[ids]

    def _reserve(self, size: int) -> None:
        if size <= self._room:
            return
        self._room = max(size, self._room + self._room // 8, 1024)
        self._source = _resized(self._source, self._room)
        self._day = _resized(self._day, self._room)
        self._combo = _resized(self._combo, self._room)
        for name, column in self._columns.items():
            self._columns[name] = _resized(column, self._room)

    def source_mask(self, *, platforms: Sequence[str] | None = None, ids: Sequence[str] | None = None) -> Mask:
        """Sources on any of the platforms and with any of the ids; None does not restrict."""
        mask = np.ones(len(self._source_ids), np.bool_)
        if platforms is not None:
            mask &= np.array([platform in platforms for platform in self._platforms], np.bool_)
        if ids is not None:
            mask &= np.array([source in ids for source in self._source_ids], np.bool_)
        return mask

    def values_of_sources(self, dimension: str, mask: Mask) -> tuple[str, ...]:
        """Ids or platforms (a dimension of OF_SOURCE) of the sources in the mask, each once."""
        values = self._source_ids if dimension == "source" else self._platforms
        return tuple(dict.fromkeys(values[at] for at in np.flatnonzero(mask)))

    def combo_mask(self, filters: Mapping[str, Sequence[str]]) -> Mask:
        """Combo ids that have any of the wanted values in every filtered dimension (ONE_VALUED or MANY_VALUED)."""
        mask = np.ones(max(self._combos, default=-1) + 1, np.bool_)
        for name, wanted in filters.items():
            codes = self._table(name)
            if name in MANY_VALUED:
                sets = self._many_valued[name]
                values = {sets.vocabulary.codes[word] for word in wanted if word in sets.vocabulary.codes}
                passing = np.array([not values.isdisjoint(members) for members in sets.members], np.bool_)
            else:
                vocabulary = self._one_valued[name]
                passing = np.array([word in wanted for word in vocabulary.words], np.bool_)
            mask &= passing[codes] if len(passing) else False
        return mask

    def sums(
        self,
        buckets: Buckets,
        terms: Mapping[str, Term],
        *,
        by: str | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        sources: Mask | None = None,
    ) -> Sums:
        """Sum the terms per key of `by` and bucket, over cells that pass the filters and lie in these sources.

        `filters` are as for `combo_mask`; `sources` is a mask as of `source_mask`. Raises LookupError if cells name
        a source or combo that was never given.
        """
        self._complete()
        rows = self._passing(buckets, filters or {}, sources)
        groups, codes, over_source = self._groups(by)
        width = len(buckets)
        table = (codes * width).astype(np.intp)
        code = table[_picked(self._source if over_source else self._combo, rows, self._size)]
        day = _picked(self._day, rows, self._size)
        code += buckets.index_of_days().astype(np.intp)[day - np.int32(buckets.since)]
        summed = {name: self._total(term, rows, code, (groups, width)) for name, term in terms.items()}
        totals = {name: array.sum(axis=0) for name, array in summed.items()}
        if by is not None and by in MANY_VALUED:
            sets = self._many_valued[by]
            return Sums(tuple(sets.vocabulary.words), {name: _spread(a, sets) for name, a in summed.items()}, totals)
        return Sums(self.keys(by) if by else ("all",), summed, totals)

    def cells_in(self, buckets: Buckets) -> CellsIn:
        """The cells of a window. Raises LookupError as `sums` does."""
        self._complete()
        rows = self._passing(buckets, {}, None)
        days = _picked(self._day, rows, self._size)
        return CellsIn(
            places=self._places_of_sources[_picked(self._source, rows, self._size)],
            buckets=buckets.index_of_days()[days - np.int32(buckets.since)],
            combos=_picked(self._combo, rows, self._size),
            column=lambda name: _picked(self._columns[name], rows, self._size),
        )

    def _complete(self) -> None:
        known = max(self._combos, default=-1), len(self._places_of_sources) - 1
        if self._highest["combo"] > known[0] or self._highest["source"] > known[1]:
            raise LookupError("cells name a source or combo that the cube was not told of")

    def _passing(self, buckets: Buckets, filters: Mapping[str, Sequence[str]], sources: Mask | None) -> Any:
        """Rows of the cells in question: an index array, or None for all."""
        if not len(buckets):
            return np.empty(0, np.intp)
        day = self._day[: self._size]
        mask = (day >= buckets.since) & (day < buckets.until)
        if filters:
            mask &= self.combo_mask(filters)[self._combo[: self._size]]
        if sources is not None and not sources.all():
            mask &= sources[self._places_of_sources][self._source[: self._size]]
        return None if mask.all() else np.flatnonzero(mask)

    def _groups(self, by: str | None) -> tuple[int, Ints, bool]:
        """How many groups, the group of each combo id or source number, and whether it is per source."""
        if by is None:
            return 1, np.zeros(self._highest["combo"] + 1, np.int64), False
        if by in OF_SOURCE:
            words = self.keys(by)
            place = {word: at for at, word in enumerate(words)}
            named = self._source_ids if by == "source" else self._platforms
            return len(words), np.array([place[word] for word in named], np.int64)[self._places_of_sources], True
        table = self._table(by)
        groups = len(self._many_valued[by].members) if by in MANY_VALUED else len(self._one_valued[by].words)
        return groups, table, False

    def _total(self, term: Term, rows: Any, code: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[Any]:
        size = shape[0] * shape[1]
        if isinstance(term, Product):
            a, b = (_picked(self._columns[name], rows, self._size).astype(np.float64) for name in (term.a, term.b))
            return np.bincount(code, a * b, minlength=size).reshape(shape)
        column = _picked(self._columns[term.column], rows, self._size)
        if isinstance(term, Occupied):
            summed = np.bincount(code, column > 0, minlength=size).astype(np.int64)
        else:
            summed = _exact_bincount(code, column, size, self._peaks[term.column])
        return summed.reshape(shape)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _picked(column: NDArray[Any], rows: Any, size: int) -> NDArray[Any]:
    picked: NDArray[Any] = column[:size] if rows is None else column[rows]
    return picked


def _exact_bincount(code: NDArray[np.intp], values: NDArray[Any], size: int, peak: int) -> Ints:
    """Integer sums per code. np.bincount adds in float64, so large values go in two halves that stay exact."""
    if peak * max(len(values), 1) < _EXACT:
        return np.bincount(code, values, minlength=size).astype(np.int64)
    high = values >> _HALF_BITS
    low = values & (2**_HALF_BITS - 1)
    if (peak >> _HALF_BITS) * len(values) >= _EXACT or len(values) >= 2 ** (53 - _HALF_BITS):
        totals = np.zeros(size, np.int64)  # slower, without any limit below int64
        np.add.at(totals, code, values.astype(np.int64))
        return totals
    return (np.bincount(code, high, minlength=size).astype(np.int64) << _HALF_BITS) + np.bincount(
        code, low, minlength=size
    ).astype(np.int64)


def _spread(summed: NDArray[Any], sets: _Sets) -> NDArray[Any]:
    """From sums per set to sums per member: a set counts under each of its members."""
    if not sets.members:
        return np.zeros((0, summed.shape[1]), summed.dtype)
    owners, firsts = sets.owners()
    spread: NDArray[Any] = np.add.reduceat(summed[owners], firsts, axis=0)
    return spread


def _width(low: int, high: int) -> np.dtype[Any]:
    for width in _WIDTHS:
        limits = np.iinfo(width)
        if limits.min <= low and high <= limits.max:
            return width
    raise OverflowError("a cell holds a number beyond 64 bits")


def _grown(array: NDArray[Any], size: int, *, fill: int) -> NDArray[Any]:
    if size <= len(array):
        return array
    grown = np.full(max(size, len(array) + len(array) // 8), fill, array.dtype)
    grown[: len(array)] = array
    return grown


def _resized(array: NDArray[Any], size: int) -> NDArray[Any]:
    resized = np.zeros(size, array.dtype)
    resized[: len(array)] = array
    return resized
