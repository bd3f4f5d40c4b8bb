"""The cube against a recount by hand, over random cells, changes, filters and splits."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.buckets import SIZES, make_buckets
from monitor.core.cells import MEASURES, CellBatch, Combo, Occupied, Product, Sum
from monitor.core.cube import Cube, _exact_bincount
from monitor.core.query import DIMENSIONS

FIRST = 20_000
SOURCES = {3: ("a", "web"), 1: ("b", "youtube"), 7: ("c", "web")}
REGIONS = {"US": "north_america", "DE": "europe", "FR": "europe", None: "unknown"}
COMBOS = {
    combo.id: combo
    for combo in (
        Combo(1, "video", ("nurses",), "US", "en", (), False, False, False),
        Combo(2, "news", ("nurses", "physicians"), "DE", "de", ("ai",), False, True, False),
        Combo(4, "news", ("other",), None, None, ("ai", "telehealth"), True, False, True),
        Combo(5, "podcast", ("other",), "FR", None, ("telehealth",), False, False, True),
        Combo(9, "video", ("other", "physicians"), "FR", "en", ("vaccination",), False, False, False),
    )
}


@dataclass(frozen=True)
class Cell:
    id: int
    source: int
    day: int
    combo: int
    numbers: tuple[int, ...]


def region_of(country: str | None) -> str:
    return REGIONS[country]


def batch(cells: list[Cell]) -> CellBatch:
    columns = np.array([[cell.id, cell.source, cell.day, cell.combo, *cell.numbers] for cell in cells], np.int64)
    columns = columns.reshape(len(cells), 4 + len(MEASURES))
    return CellBatch(*columns[:, :4].T, {name: columns[:, 4 + at] for at, name in enumerate(MEASURES)})


def filled(*batches: list[Cell]) -> Cube:
    cube = Cube(region_of)
    for cells in batches:
        cube.apply(batch(cells))
    cube.set_sources(SOURCES)
    cube.add_combos(COMBOS.values())
    return cube


def keys_of(cell: Cell, dimension: str) -> tuple[str, ...]:
    combo, source = COMBOS[cell.combo], SOURCES[cell.source]
    return {
        "content_type": (combo.content_type,),
        "audience": combo.audience,
        "platform": (source[1],),
        "region": (region_of(combo.country),),
        "country": (combo.country or "unknown",),
        "language": (combo.language or "unknown",),
        "topic": combo.topics or ("none",),
        "source": (source[0],),
        "live": (str(combo.live).lower(),),
        "sponsored": (str(combo.sponsored).lower(),),
        "copy": (str(combo.copy).lower(),),
    }[dimension]


# A cell is found by id; source, day and combo are its identity and never change, its numbers do.
counts = st.one_of(st.integers(-5, 300), st.integers(-(2**40), 2**40))
numbers = st.builds(
    lambda posts, views: tuple({"posts": posts, "views_sum": views}.get(name, 1) for name in MEASURES), counts, counts
)
identities = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.sampled_from(sorted(SOURCES)),
        st.integers(FIRST, FIRST + 60),
        st.sampled_from(sorted(COMBOS)),
    ),
    unique_by=lambda one: one[0],
    max_size=12,
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Cell]]:
    known = draw(identities)
    if not known:
        return [[]]
    return [
        [Cell(*one, draw(numbers)) for one in draw(st.lists(st.sampled_from(known), unique=True))]
        for _ in range(draw(st.integers(1, 4)))
    ]


filters = st.dictionaries(
    st.sampled_from(["content_type", "audience", "region", "country", "language", "topic", "live", "sponsored", "copy"]),
    st.lists(st.sampled_from(["video", "news", "nurses", "other", "europe", "FR", "unknown", "en", "ai", "none", "true", "false"]), min_size=1, max_size=3),
    max_size=2,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    histories(), st.sampled_from([None, *DIMENSIONS]), filters, st.sampled_from(SIZES),
    st.integers(0, 40), st.integers(1, 40), st.sets(st.sampled_from(["a", "b", "c"])),
)  # fmt: skip
def test_sums_equal_a_recount(history, by, wanted, size, after, length, sources) -> None:
    cube = filled(*history)
    cells = {cell.id: cell for cells in history for cell in cells}
    assert len(cube) == len(cells)
    buckets = make_buckets(FIRST + after, FIRST + after + length, size)
    terms = {
        "posts": Sum("posts"),
        "views": Sum("views_sum"),
        "cells": Occupied("posts"),
        "product": Product("posts", "posts"),
    }
    mask = cube.source_mask(ids=sorted(sources))
    found = cube.sums(buckets, terms, by=by, filters=wanted, sources=mask)

    expected: dict = defaultdict(lambda: [0, 0, 0])
    totals: dict = defaultdict(int)
    for cell in cells.values():
        if not FIRST + after <= cell.day < FIRST + after + length or SOURCES[cell.source][0] not in sources:
            continue
        if any(not set(keys_of(cell, name)) & set(values) for name, values in wanted.items()):
            continue
        at = int(np.searchsorted(buckets.starts, cell.day, side="right")) - 1
        posts, views = cell.numbers[MEASURES.index("posts")], cell.numbers[MEASURES.index("views_sum")]
        totals[at] += posts
        for key in keys_of(cell, by) if by else ("all",):
            expected[key, at][0] += posts
            expected[key, at][1] += views
            expected[key, at][2] += posts > 0
    for place, key in enumerate(found.keys):
        for at in range(len(buckets)):
            got = [int(found.terms[name][place, at]) for name in ("posts", "views", "cells")]
            assert got == expected[key, at], (key, at)
    assert {key for key, _ in expected} <= set(found.keys)
    assert [totals[at] for at in range(len(buckets))] == found.totals["posts"].tolist()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**62), 2**62)), max_size=30))
def test_sums_stay_exact_beyond_float(pairs: list[tuple[int, int]]) -> None:
    codes = np.array([code for code, _ in pairs], np.intp)
    values = np.array([value for _, value in pairs], np.int64)
    if pairs and sum(abs(value) for _, value in pairs) >= 2**63:
        return
    peak = max((abs(value) for _, value in pairs), default=0)
    found = _exact_bincount(codes, values, 4, peak)
    assert found.tolist() == [sum(value for code, value in pairs if code == wanted) for wanted in range(4)]


def test_middle_sized_values_go_in_two_halves() -> None:
    values = np.array([2**52 + 1, -(2**52) - 1, 2**52 + 1, 3], np.int64)
    found = _exact_bincount(np.array([0, 1, 0, 1], np.intp), values, 2, 2**52 + 1)
    assert found.tolist() == [2**53 + 2, -(2**52) + 2]


def test_columns_widen_and_keep_what_they_hold() -> None:
    first = Cell(1, 1, FIRST, 1, (1,) * len(MEASURES))
    cube = filled([first], [Cell(2, 1, FIRST, 2, (2**45,) * len(MEASURES))])
    sums = cube.sums(make_buckets(FIRST, FIRST + 1, "day"), {"views": Sum("views_sum")}, by="content_type")
    assert dict(zip(sums.keys, sums.terms["views"][:, 0].tolist(), strict=True)) == {
        "video": 1,
        "news": 2**45,
        "podcast": 0,
    }


def test_an_emptied_cell_counts_nothing() -> None:
    cube = filled([Cell(1, 1, FIRST, 1, (1,) * len(MEASURES))], [Cell(1, 1, FIRST, 1, (0,) * len(MEASURES))])
    assert cube.sums(make_buckets(FIRST, FIRST + 1, "day"), {"posts": Sum("posts")}).totals["posts"].tolist() == [0]


def test_ids_may_have_holes() -> None:
    cube = filled([Cell(900_000, 7, FIRST, 9, (2,) * len(MEASURES)), Cell(5, 3, FIRST, 1, (1,) * len(MEASURES))])
    sums = cube.sums(make_buckets(FIRST, FIRST + 1, "day"), {"posts": Sum("posts")}, by="source")
    assert dict(zip(sums.keys, sums.terms["posts"][:, 0].tolist(), strict=True)) == {"a": 1, "b": 0, "c": 2}


@pytest.mark.parametrize("wrong", [-1, 2**32 + 4])
def test_an_absurd_id_is_refused_before_memory_is_taken(wrong: int) -> None:
    with pytest.raises(ValueError, match="read wrongly"):
        filled([Cell(wrong, 1, FIRST, 1, (1,) * len(MEASURES))])


def test_combos_may_come_later_but_not_never() -> None:
    cube = Cube(region_of)
    cube.set_sources(SOURCES)
    cube.apply(batch([Cell(1, 1, FIRST, 5, (1,) * len(MEASURES))]))
    buckets = make_buckets(FIRST, FIRST + 1, "day")
    with pytest.raises(LookupError, match="combo"):
        cube.sums(buckets, {"posts": Sum("posts")})
    cube.add_combos([COMBOS[9]])
    assert cube.keys("content_type") == ("video",)
    cube.add_combos([COMBOS[5]])  # fills a hole of the tables
    sums = cube.sums(buckets, {"posts": Sum("posts")}, by="content_type")
    assert dict(zip(sums.keys, sums.terms["posts"][:, 0].tolist(), strict=True))["podcast"] == 1


def test_a_new_combo_extends_the_tables() -> None:
    cube = filled([Cell(1, 1, FIRST, 9, (1,) * len(MEASURES))])
    assert set(cube.keys("topic")) == {"none", "ai", "telehealth", "vaccination"}
    cube.add_combos([Combo(10, "other", ("other",), "US", "en", ("ai", "oncology"), False, False, False)])
    cube.apply(batch([Cell(2, 1, FIRST, 10, (1,) * len(MEASURES))]))
    sums = cube.sums(make_buckets(FIRST, FIRST + 1, "day"), {"posts": Sum("posts")}, by="topic")
    found = dict(zip(sums.keys, sums.terms["posts"][:, 0].tolist(), strict=True))
    assert found == {"none": 0, "ai": 1, "telehealth": 0, "vaccination": 1, "oncology": 1}


def test_a_million_cells_would_fit_in_a_hundred_megabytes() -> None:
    """Ordinary posts: the bytes of 20,000 cells, times fifty."""
    rng = np.random.default_rng(1)
    size = 20_000
    ordinary = {"posts": 1, "sentiment_sum": 9_000, "sentiment_sq": 81_000_000, "engagement_log_sum": 120_000, "engagement_log_sq": 120_000**2,
                "views_sum": 3_000_000, "viewed_views_sum": 3_000_000, "interactions_sum": 90_000, "viewed_interactions_sum": 90_000,
                "words_sum": 1_500, "words_sq": 1_500**2, "duration_sum": 7_200}  # fmt: skip
    columns = {name: rng.integers(0, ordinary.get(name, 1) + 1, size) for name in MEASURES}
    cube = Cube(region_of)
    ids = np.arange(size)
    cube.apply(CellBatch(ids, ids % 400, FIRST + ids % 700, 1 + ids % 5, columns))
    assert cube.nbytes * 50 <= 100e6
