"""When sources were observed, with the reasons of the gaps between."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.core.model import Observed, Write
from monitor.store import Store
from tests.support.posts import NOW, make_source


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def test_each_time_bears_the_reason_of_the_gap_before_it(store: Store) -> None:
    for name in ("a", "b"):
        store.add_source(make_source(name), NOW)
    for since, until, gap in ((0, 1, None), (5, 6, "overflow"), (9, 10, None)):
        store.commit(Write("a", NOW, observed=Observed(at(since), at(until), gap)))
    assert store.observations(["b", "a", "nobody"]) == {
        "b": [],
        "a": [Observed(at(0), at(1)), Observed(at(5), at(6), "overflow"), Observed(at(9), at(10))],
        "nobody": [],
    }
    assert store.observations([]) == {}
