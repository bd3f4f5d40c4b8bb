"""PodcastIndex: signed requests, overlap, guests without names, live items, and the search for shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors import registry
from collectors.access import Access
from collectors.base import (
    NOTHING_PROVED,
    Drifted,
    Item,
    Media,
    NeedsKey,
    NotFound,
    Page,
    Source,
    Stretch,
    Throttled,
)
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.podcastindex import COLLECTOR, search_shows
from tests.platforms.podcastindex_platform import KEY, PERSON, SECRET, SOURCE, Person, PodcastIndex
from tests.platforms.serving import START


async def visit(
    platform: PodcastIndex,
    cursor: Mapping[str, Any] | None = None,
    *,
    source: Source = SOURCE,
    key: str | None = f"{KEY}:{SECRET}",
) -> list[Page]:
    now = platform.clock()
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
        access = Access("podcastindex", http, keys={"podcastindex": key} if key else {}, base=platform.base)
        return [page async for page in COLLECTOR.retrieve(source, cursor or {}, access, now)]


def items(pages: list[Page], source: Source = SOURCE) -> dict[str, Item]:
    return {item.id: item for page in pages for item in COLLECTOR.parse(source, page).items}


async def test_the_episodes_and_live_items_of_a_show() -> None:
    with PodcastIndex() as platform:
        pages = await visit(platform)
        assert set(items(pages)) == platform.ids()
        assert [page.observed for page in pages] == [Stretch(START - timedelta(days=90), START)]
        assert SECRET not in pages[0].url
        assert KEY not in pages[0].url


async def test_an_episode_as_it_is_told() -> None:
    with PodcastIndex(episodes=2) as platform:
        found = items(await visit(platform))
    bare, full, live = found["90000000"], found["90000001"], found["91000001"]
    assert (full.title, full.text) == ("Ep 1: invented & example", "About example number 1.")
    assert (full.url, full.language, full.content_type) == ("https://example.fm/1", "en", "podcast")
    assert full.published_at == START - timedelta(hours=30)
    assert full.media == (Media("https://example.fm/1.mp3", "audio/mpeg", "audio", 1810.0),)
    assert full.guests == 1  # the host is none, and no name is kept
    assert "Example Guest" not in repr(full)
    assert full.transcripts == ("https://example.fm/1.srt", "https://example.fm/1.vtt")
    assert (bare.guests, bare.transcripts, bare.media[0].duration) == (None, (), None)
    assert (full.engagement.views, full.live, full.sponsored) == (None, None, None)
    assert (live.live, live.title, live.url) == ("live", "Live 1", "https://example.fm/live")


@pytest.mark.parametrize("status", ["pending", "live", "ended"])
async def test_the_status_of_a_live_item_is_canonical(status: str) -> None:
    with PodcastIndex(episodes=0) as platform:
        platform.go_live(status)
        (item,) = items(await visit(platform)).values()
        assert item.live == status


def test_a_broadcast_to_come_has_no_date_of_publication_yet() -> None:
    later = int((START + timedelta(days=3)).timestamp())
    entry = f'{{"id": 5, "title": "Soon", "datePublished": {later}, "startTime": {later}, "status": "pending"}}'
    body = f'{{"status": "true", "items": [], "liveItems": [{entry}]}}'.encode()
    (item,) = COLLECTOR.parse(SOURCE, Page(body=body, url="", fetched_at=START)).items
    assert (item.live, item.published_at) == ("pending", None)


async def test_the_next_visit_asks_a_week_back() -> None:
    with PodcastIndex() as platform:
        (first,) = await visit(platform)
        later = START + timedelta(hours=6)
        platform.clock = lambda: later
        backdated = platform.add(START - timedelta(days=3), feedId=75075)
        (page,) = await visit(platform, first.resume)
        assert platform.requests[-1].one("since") == str(int((START - timedelta(days=7)).timestamp()))
        assert str(backdated["id"]) in items([page])
        assert page.observed == Stretch(START - timedelta(days=7), later)


async def test_a_thousand_episodes_are_all_it_shows() -> None:
    with PodcastIndex(episodes=0) as platform:
        for number in range(1005):
            platform.add(START - timedelta(days=2) + timedelta(minutes=number), feedId=75075)
        (page,) = await visit(platform)
        assert page.observed == Stretch(START - timedelta(days=2) + timedelta(minutes=5), START, gap="overflow")


async def test_the_episodes_of_a_person() -> None:
    with Person() as platform:
        pages = await visit(platform, source=PERSON)
        assert set(items(pages)) == platform.ids()
        assert all(item.guests is None for item in items(pages).values())  # the search tells no persons
        for number in range(1000):
            platform.add(START - timedelta(minutes=number), persons=[{"name": "Example Guest", "role": "guest"}])
        (full,) = await visit(platform, source=PERSON)
        assert full.observed == NOTHING_PROVED  # in no promised order


async def test_a_broken_episode_is_set_aside_alone() -> None:
    with PodcastIndex() as platform:
        platform.break_one()
        (page,) = await visit(platform)
        parsed = COLLECTOR.parse(SOURCE, page)
        assert {item.id for item in parsed.items} == platform.ids()
        assert [one.raw is not None for one in parsed.rejected] == [True]


@pytest.mark.parametrize("key", [None, "hush-without-colon", "hush-wrong:hush-secret"])
async def test_a_missing_or_wrong_key_names_its_variable(key: str | None) -> None:
    with PodcastIndex() as platform:
        with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__PODCASTINDEX") as caught:
            await visit(platform, key=key)
        assert "hush" not in str(caught.value)


async def test_a_clock_that_is_wrong_is_suspected_with_the_key() -> None:
    with PodcastIndex() as platform:
        async with Http(
            HttpSettings(allow_nets=parse_nets("127.0.0.0/8")), clock=lambda: START + timedelta(hours=1)
        ) as http:
            access = Access("podcastindex", http, keys={"podcastindex": f"{KEY}:{SECRET}"}, base=platform.base)
            with pytest.raises(NeedsKey, match="check the clock"):
                _ = [page async for page in COLLECTOR.retrieve(SOURCE, {}, access, START)]


async def test_an_unknown_show_is_not_found() -> None:
    with PodcastIndex() as platform:
        with pytest.raises(NotFound) as caught:
            await visit(platform, source=replace(SOURCE, url="https://podcastindex.org/podcast/1"))
        assert caught.value.code == "http_404"


async def test_too_often_is_asked_again_when_it_says() -> None:
    with PodcastIndex() as platform:
        platform.throttled = True
        with pytest.raises(Throttled) as caught:
            await visit(platform)
        assert caught.value.until == START + timedelta(minutes=2)


def test_a_status_of_false_is_drift_and_no_empty_list() -> None:
    with pytest.raises(Drifted) as caught:
        COLLECTOR.parse(SOURCE, Page(body=b'{"status": "false", "items": []}', url="", fetched_at=START))
    assert caught.value.code == "unknown_shape"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/podcast/75075",
        "https://podcastindex.org/",
        "https://podcastindex.org/podcast/abc",
        "https://podcastindex.org/search?q=nursing&type=all",
        "https://podcastindex.org/search?q=&type=person",
    ],
)
def test_other_addresses_are_told_what_is_right(url: str) -> None:
    (problem,) = COLLECTOR.check(replace(SOURCE, url=url))
    assert problem.path == ("url",)
    assert "https://podcastindex.org/podcast/" in problem.instead


def test_its_own_examples_have_no_problem() -> None:
    for url in COLLECTOR.examples:
        assert COLLECTOR.check(replace(SOURCE, url=url)) == []


async def test_shows_are_found_by_words_without_dead_ones() -> None:
    with PodcastIndex() as platform:
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8")), clock=platform.clock) as http:
            access = Access("podcastindex", http, keys={"podcastindex": f"{KEY}:{SECRET}"}, base=platform.base)
            (show,) = await search_shows(access, "show")
    assert (show.title, show.publisher, show.directory) == ("Example Health Show", "Example Desk", "podcastindex")
    assert (show.feed_url, show.language, show.episodes) == ("https://example.fm/feed-75075.xml", "en", 16)
    assert show.newest is not None
    assert show.newest.isoformat() == "2026-07-05T00:00:00+00:00"


def test_in_a_feed_one_broadcast_goes_from_pending_to_ended_under_one_id() -> None:
    feed = registry.get("feed")
    seen = []
    for status in ("pending", "live", "ended"):
        body = f"""<rss version="2.0" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel><title>S</title>
        <podcast:person role="host">Example Host</podcast:person>
        <podcast:liveItem status="{status}" start="2026-07-06T10:00:00Z" end="2026-07-06T11:00:00Z">
        <title>Live</title><guid isPermaLink="false">live-1</guid><enclosure url="https://example.org/l.mp3" type="audio/mpeg"/>
        <podcast:person Role="Guest">Example Guest</podcast:person>
        <podcast:transcript url="https://example.org/l.vtt" type="text/vtt"/>
        <podcast:contentLink href="https://example.org/live">Listen</podcast:contentLink></podcast:liveItem></channel></rss>"""
        page = Page(body=body.encode(), url="https://example.org/feed.xml", fetched_at=START)
        (item,) = feed.parse(replace(SOURCE, collector="feed"), page).items
        seen.append((item.id, item.live, item.guests, item.transcripts, item.url))
    assert seen == [
        ("live-1", status, 1, ("https://example.org/l.vtt",), "https://example.org/live")
        for status in ("pending", "live", "ended")
    ]
