"""Counts per source and week against a recount by hand, over random cells and random sets of posts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.buckets import make_buckets
from monitor.core.cells import MEASURES, Combo
from monitor.core.claim import Filters, Posts
from monitor.core.slices import Slice
from tests.core.test_cube import COMBOS, FIRST, REGIONS, SOURCES, Cell, filled

BUCKETS = make_buckets(FIRST - FIRST % 7 + 4, FIRST - FIRST % 7 + 4 + 28, "week")

VALUES = {
    "content_type": ("video", "news", "podcast"),
    "audience": ("nurses", "physicians", "other"),
    "topic": ("ai", "telehealth", "none"),
    "region": ("north_america", "europe", "unknown"),
    "platform": ("web", "youtube"),
    "source": ("a", "b", "c"),
    "live": ("true", "false"),
}

filters = st.dictionaries(st.sampled_from(sorted(VALUES)), st.just(()), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries(
        {
            name: st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=2, unique=True).map(tuple)
            for name in names
        }
    )
)
sets = st.lists(filters, max_size=3).map(lambda found: Posts(tuple(found)))
cells = st.lists(
    st.builds(
        Cell,
        id=st.just(0),
        source=st.sampled_from(sorted(SOURCES)),
        day=st.integers(FIRST - 5, FIRST + 40),
        combo=st.sampled_from(sorted(COMBOS)),
        numbers=st.tuples(*[st.integers(0, 50)] * len(MEASURES)),
    ),
    max_size=40,
).map(lambda found: [Cell(at, one.source, one.day, one.combo, one.numbers) for at, one in enumerate(found)])


def values_of(cell: Cell) -> dict[str, tuple[str, ...]]:
    combo: Combo = COMBOS[cell.combo]
    source, platform = SOURCES[cell.source]
    return {
        "content_type": (combo.content_type,),
        "audience": combo.audience,
        "topic": combo.topics or ("none",),
        "region": (REGIONS[combo.country],),
        "platform": (platform,),
        "source": (source,),
        "live": (str(combo.live).lower(),),
    }


def lies_in(cell: Cell, posts: Posts) -> bool:
    own = values_of(cell)
    return not posts.any_of or any(_passes(own, filters) for filters in posts.any_of)


def _passes(own: dict[str, tuple[str, ...]], filters: Filters) -> bool:
    return all(set(own[name]) & set(wanted) for name, wanted in filters.items())


@settings(max_examples=150, deadline=None)
@given(cells, sets, sets, st.sampled_from(MEASURES), st.booleans())
def test_weekly_sums_are_a_recount(found: list[Cell], one: Posts, other: Posts, column: str, folded: bool) -> None:
    cut = Slice(filled(found), BUCKETS)
    expected = np.zeros((len(SOURCES), len(BUCKETS)), np.int64)
    for cell in found:
        inside = BUCKETS.since <= cell.day < BUCKETS.until
        if inside and lies_in(cell, one) and lies_in(cell, other) and not (folded and COMBOS[cell.combo].copy):
            week = (cell.day - BUCKETS.since) // 7
            expected[cut.sources.index(SOURCES[cell.source][0]), week] += cell.numbers[MEASURES.index(column)]
    assert (cut.weekly(one, other, column=column, folded=folded) == expected).all()
    assert (cut.weekly(one, other, column=column, folded=folded) == expected).all()


@given(sets)
def test_a_source_is_in_scope_unless_platform_or_source_rule_it_out(posts: Posts) -> None:
    scope = Slice(filled([]), BUCKETS).in_scope(posts)
    for at, (source, platform) in enumerate(SOURCES.values()):
        own = {"source": (source,), "platform": (platform,)}
        narrowed = [{name: wanted for name, wanted in one.items() if name in own} for one in posts.any_of]
        assert scope[at] == (not posts.any_of or any(_passes(own, one) for one in narrowed))
