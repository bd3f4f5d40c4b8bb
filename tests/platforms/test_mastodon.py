"""The Mastodon collector against a server in small: the way through a timeline."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from collectors.base import (
    Drifted,
    Stretch,
)
from tests.platforms.mastodon_platform import source
from tests.platforms.mastodon_visits import HOUR, MINUTE, visitor
from tests.platforms.serving import START


async def test_the_first_visit_goes_back_and_the_next_ones_forwards_without_holes() -> None:
    async with visitor() as one:
        first = await one.visit(source())
        assert set(one.items) == one.platform.ids()
        assert first[-1][0].observed == Stretch(START - timedelta(days=365), START)
        one.clock.move(HOUR)
        one.platform.publish(50)
        second = await one.visit(source())
        assert set(one.items) == one.platform.ids()
        stretches = [page.observed for page, _ in second if isinstance(page.observed, Stretch)]
        assert (stretches[0].since, stretches[-1].until) == (START, START + HOUR)
        assert all(before.until == after.since for before, after in pairwise(stretches))
        assert one.platform.unknown == set()
        assert all("min_id" in request.query for request in one.platform.requests[-len(second) :])


async def test_the_first_visit_reaches_back_as_far_as_it_is_told() -> None:
    async with visitor() as one:
        pages = await one.visit(source(days=1))
        assert len(pages) == 1
        assert pages[0][0].observed == Stretch(START - timedelta(days=1), START)


async def test_a_first_visit_that_runs_out_of_pages_says_how_far_it_came() -> None:
    async with visitor() as one:
        pages = await one.visit(source(pages=2))
        assert (len(pages), len(one.items)) == (2, 80)
        oldest = min(item.published_at for item in one.items.values() if item.published_at)
        assert pages[-1][0].observed == Stretch(oldest + timedelta(seconds=1), START)
        one.clock.move(HOUR)
        one.platform.publish(3)
        await one.visit(source(pages=2))
        assert len(one.items) == 83  # it goes forwards from now on


async def test_a_walk_that_runs_out_of_pages_goes_on_at_the_next_visit() -> None:
    async with visitor(posts=5) as one:
        await one.visit(source())
        one.clock.move(HOUR)
        one.platform.publish(100)
        pages = await one.visit(source(pages=2))
        assert len(one.items) == 84  # one page of the two begins with a post that was known
        observed = pages[-1][0].observed
        assert isinstance(observed, Stretch)
        assert START < observed.until < START + HOUR
        assert observed.gap is None
        await one.visit(source(pages=2))
        assert set(one.items) == one.platform.ids()


async def test_a_first_visit_that_broke_goes_on_where_it_was_and_then_forwards() -> None:
    async with visitor() as one:
        one.platform.stop_after = 2
        with pytest.raises(Exception, match="closed without an answer"):
            await one.visit(source())
        assert len(one.items) == 80
        one.platform.stop_after = None
        one.clock.move(HOUR)
        one.platform.publish(4)
        pages = await one.visit(source())
        assert set(one.items) == one.platform.ids()
        assert [page.observed for page, _ in pages][1] == Stretch(START - timedelta(days=365), START)
        last = pages[-1][0].observed
        assert isinstance(last, Stretch)
        assert last.until == START + HOUR


async def test_a_post_of_another_server_that_arrives_late_is_not_missed() -> None:
    async with visitor(posts=20) as one:
        await one.visit(source())
        one.clock.move(HOUR)
        one.platform.publish(3)
        await one.visit(source())
        late = one.platform.add(one.clock.now - 25 * MINUTE)  # its id lies before those that we have read
        one.clock.move(10 * MINUTE)
        await one.visit(source())
        assert late in one.items
        too_late = one.platform.add(one.clock.now - 90 * MINUTE)
        await one.visit(source())
        assert too_late not in one.items  # said in the manual


async def test_a_quiet_hashtag_costs_one_request_a_visit() -> None:
    async with visitor(posts=3) as one:
        await one.visit(source(overlap_minutes=0))
        before = len(one.platform.requests)
        one.clock.move(HOUR)
        pages = await one.visit(source(overlap_minutes=0))
        assert pages[-1][0].observed == Stretch(START, START + HOUR)
        assert len(one.platform.requests) == before + 2  # and once a day: is this timeline shown at all?
        one.clock.move(HOUR)
        await one.visit(source(overlap_minutes=0))
        assert len(one.platform.requests) == before + 3


async def test_an_empty_timeline_is_observed_and_its_first_post_found() -> None:
    async with visitor(posts=0) as one:
        pages = await one.visit(source())
        assert pages[-1][0].observed == Stretch(START - timedelta(days=365), START)
        one.clock.move(HOUR)
        first = one.platform.add(START + MINUTE)
        pages = await one.visit(source())
        assert set(one.items) == {first}
        last = pages[-1][0].observed
        assert isinstance(last, Stretch)
        assert (last.since <= START, last.until) == (True, START + HOUR)


async def test_much_that_comes_to_an_empty_timeline_is_read_in_several_visits() -> None:
    async with visitor(posts=0) as one:
        await one.visit(source())
        one.clock.move(2 * HOUR)
        one.platform.publish(90)
        pages = await one.visit(source(pages=2))
        assert len(one.items) == 80
        observed = pages[-1][0].observed
        assert isinstance(observed, Stretch)
        assert (observed.since > START, observed.until, observed.gap) == (True, START + 2 * HOUR, None)
        await one.visit(source(pages=2))
        assert set(one.items) == one.platform.ids()
        one.clock.move(HOUR)
        one.platform.publish(1)
        await one.visit(source())
        assert set(one.items) == one.platform.ids()


async def test_ids_that_are_no_numbers_are_ordered_all_the_same() -> None:
    async with visitor(letters=True) as one:
        await one.visit(source("/public"))
        one.clock.move(HOUR)
        one.platform.publish(90)
        await one.visit(source("/public"))
        assert set(one.items) == one.platform.ids()


async def test_without_a_link_header_the_pages_own_ids_lead_on() -> None:
    async with visitor() as one:
        one.platform.link = False
        await one.visit(source())
        one.clock.move(HOUR)
        one.platform.publish(50)
        await one.visit(source())
        assert set(one.items) == one.platform.ids()


async def test_a_link_to_another_host_is_not_followed() -> None:
    async with visitor() as one:
        one.platform.elsewhere = "https://thief.example"
        await one.visit(source())  # any other host would be refused here, as it does not exist
        assert set(one.items) == one.platform.ids()


async def test_pages_that_do_not_lead_on_end_the_visit() -> None:
    async with visitor() as one:
        answer = one.platform._list

        def stuck(asked: Any, known: Any) -> Any:
            return answer(replace(asked, query={"limit": ["40"]}), known)

        one.platform._list = stuck  # type: ignore[method-assign]
        with pytest.raises(Drifted) as caught:
            await one.visit(source())
        assert caught.value.code == "unknown_shape"
        assert len(one.platform.requests) == 2


async def test_a_cursor_of_another_address_is_not_used() -> None:
    async with visitor(posts=10) as one:
        await one.visit(source("/public"))
        one.items.clear()
        await one.visit(source())
        assert set(one.items) == one.platform.ids()
        assert "min_id" not in one.platform.requests[-1].query
