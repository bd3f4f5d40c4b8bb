"""The five stories of DESIGN section 4, and the traps beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Stretch
from monitor.core.coverage import INSTANT, observe_page, observe_stretch, observe_unchanged
from monitor.core.model import Known, Observed

NOW = datetime(2026, 7, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def known(ids: list[str], until: datetime | None, anchors: int = 5) -> Known:
    """`ids` newest first."""
    return Known(hashes=dict.fromkeys(ids, 1), engagement={}, anchors=tuple(ids[:anchors]), observed_until=until)


NOTHING = known([], None)


def items(*ages: float, prefix: str = "p") -> list[tuple[str, datetime | None]]:
    """One item per age in hours before NOW."""
    return [(f"{prefix}{age:g}", NOW - age * HOUR) for age in ages]


def test_first_visit_starts_at_the_oldest_item_in_any_order() -> None:
    assert observe_page(NOTHING, items(3, 30, 1, 12), NOW) == Observed(NOW - 30 * HOUR, NOW)


def test_first_visit_to_an_empty_or_undated_feed_starts_now() -> None:
    moment = Observed(NOW - INSTANT, NOW)
    assert observe_page(NOTHING, [], NOW) == moment
    assert observe_page(NOTHING, [("a", None), ("b", None)], NOW) == moment


def test_a_pinned_post_from_years_ago_does_not_stretch_the_first_coverage() -> None:
    page = [*items(*range(1, 21)), ("pinned", NOW - timedelta(days=2000))]
    assert observe_page(NOTHING, page, NOW).since == NOW - 20 * HOUR


def test_an_irregular_source_keeps_its_whole_first_page() -> None:
    ages = [24.0 * 30 * step for step in (1, 3, 4, 9, 13, 20, 27)]
    assert observe_page(NOTHING, items(*ages), NOW).since == NOW - ages[-1] * HOUR


def test_outage_that_the_feed_remembers_is_no_gap() -> None:
    before = known(["p50", "p51", "p52"], NOW - 49 * HOUR)
    assert observe_page(before, items(1, 20, 40, 50, 51), NOW) == Observed(NOW - 49 * HOUR, NOW)


def test_outage_that_the_feed_does_not_remember_is_a_gap_up_to_its_oldest_new_item() -> None:
    before = known(["p50", "p51", "p52"], NOW - 49 * HOUR)
    assert observe_page(before, items(1, 2, 20), NOW) == Observed(NOW - 20 * HOUR, NOW, gap="overflow")


def test_overflow_is_seen_through_a_pinned_item() -> None:
    before = known(["p50", "p51", "p52", "p53", "p54", "p900"], NOW - 49 * HOUR)
    page = [*items(1, 2, 20), ("p900", NOW - 900 * HOUR)]
    assert observe_page(before, page, NOW) == Observed(NOW - 20 * HOUR, NOW, gap="overflow")


def test_the_newest_post_was_deleted_but_the_next_ones_are_still_there() -> None:
    before = known(["p50", "p51", "p52"], NOW - 49 * HOUR)
    assert observe_page(before, items(1, 51, 52), NOW).gap is None


def test_a_publisher_that_renames_all_ids_loses_nothing() -> None:
    before = known(["p50", "p51"], NOW - 49 * HOUR)
    assert observe_page(before, items(1, 50, 51, prefix="new"), NOW).gap is None


def test_one_backdated_or_newly_pinned_item_does_not_hide_an_overflow() -> None:
    before = known(["p50", "p51", "p52"], NOW - 49 * HOUR)
    page = [*items(1, 2, 20), ("backdated", NOW - 60 * HOUR)]
    assert observe_page(before, page, NOW) == Observed(NOW - 20 * HOUR, NOW, gap="overflow")


def test_where_dates_are_days_posts_of_the_day_of_the_last_visit_may_have_come_after_it() -> None:
    last = NOW - 2 * HOUR  # at ten, and all of this came after ten
    before = known(["a", "b", "c"], last)
    page: list[tuple[str, datetime | None]] = [(f"n{n}", NOW.replace(hour=0)) for n in range(20)]
    assert observe_page(before, page, NOW) == Observed(NOW - INSTANT, NOW, gap="overflow")
    old: list[tuple[str, datetime | None]] = [(f"n{n}", NOW.replace(hour=0) - n * 24 * HOUR) for n in range(20)]
    assert observe_page(before, old, NOW) == Observed(last, NOW), "renamed: they lie days before"


def test_an_empty_feed_that_was_observed_empty_stays_observed() -> None:
    before = known([], NOW - 5 * HOUR)
    assert observe_page(before, items(1, 2), NOW) == Observed(NOW - 5 * HOUR, NOW)
    assert observe_page(before, [], NOW) == Observed(NOW - 5 * HOUR, NOW)
    ten = [(f"p{n}", NOW - n * HOUR / 4) for n in range(1, 11)]  # as many as a feed may hold: more may have come
    assert observe_page(before, ten, NOW) == Observed(NOW - 2.5 * HOUR, NOW, gap="overflow")


def test_a_feed_that_lost_all_its_items_proves_nothing_about_the_past() -> None:
    before = known(["p50"], NOW - 5 * HOUR)
    assert observe_page(before, [], NOW) == Observed(NOW, NOW, gap="emptied")


def test_what_a_collector_says_it_has_shown_is_taken_and_a_hole_before_it_has_a_reason() -> None:
    before = known(["p50"], NOW - 5 * HOUR)
    reaches = Stretch(NOW - 5 * HOUR, NOW + HOUR)
    assert observe_stretch(before, reaches, NOW) == Observed(NOW - 5 * HOUR, NOW), (
        "no word about the future is believed"
    )
    assert observe_stretch(before, Stretch(NOW - 2 * HOUR, NOW), NOW) == Observed(NOW - 2 * HOUR, NOW, gap="cut off")
    lost = Stretch(NOW - 2 * HOUR, NOW, gap="budget")
    assert observe_stretch(before, lost, NOW) == Observed(NOW - 2 * HOUR, NOW, gap="budget")
    assert observe_stretch(known([], None), lost, NOW) == Observed(NOW - 2 * HOUR, NOW), "nothing was watched before"
    assert observe_stretch(before, Stretch(NOW, NOW), NOW) is None


def test_unchanged_extends_what_was_observed_and_nothing_else() -> None:
    assert observe_unchanged(known(["a"], NOW - HOUR), NOW) == Observed(NOW - HOUR, NOW)
    assert observe_unchanged(NOTHING, NOW) is None


def test_a_clock_that_was_set_back_gives_no_interval_that_ends_before_it_starts() -> None:
    before = known(["p1"], NOW + HOUR)
    seen = observe_page(before, items(1), NOW)
    assert seen.since <= seen.until


@given(
    length=st.integers(10, 15),
    published=st.lists(st.integers(1, 400), min_size=1, max_size=60, unique=True),
    polls=st.lists(st.integers(1, 400), min_size=1, max_size=12, unique=True),
)
@pytest.mark.timeout(60)
def test_a_feed_of_the_newest_n_never_claims_time_in_which_a_post_was_missed(
    length: int, published: list[int], polls: list[int]
) -> None:
    """Simulation: hour-stamped posts, a feed of the newest `length`, polls at chosen hours."""
    start = NOW
    stored: dict[str, datetime] = {}
    covered: list[Observed] = []
    until: datetime | None = None
    for poll in sorted(polls):
        now = start + poll * HOUR
        live = sorted((h for h in published if h < poll), reverse=True)[:length]
        newest = sorted(stored, key=lambda key: stored[key], reverse=True)
        view = Known(dict.fromkeys(stored, 1), {}, tuple(newest[:5]), until)
        page: list[tuple[str, datetime | None]] = [(str(h), start + h * HOUR) for h in live]
        seen = observe_page(view, page, now)
        covered.append(seen)
        stored |= {str(h): start + h * HOUR for h in live}
        until = seen.until
    for hour in published:
        at = start + hour * HOUR
        if str(hour) not in stored:
            assert not any(seen.since <= at < seen.until for seen in covered), (hour, covered)
