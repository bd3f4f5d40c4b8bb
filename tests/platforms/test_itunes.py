"""Apple's directory leads to a feed; the feed is collected like any other. And both directories searched as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.access import Access
from collectors.base import Drifted, NeedsKey, NotFound, Page, Source, Throttled
from collectors.feeds.directories import Show, same_feed, search_podcasts
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.itunes import CALLS, COLLECTOR
from collectors.quota import MemoryMeter
from tests.platforms.itunes_platform import APP_ONLY, SOURCE, Itunes
from tests.platforms.podcastindex_platform import KEY, SECRET, PodcastIndex
from tests.platforms.serving import START, Asked, Told


async def visit(platform: Itunes, cursor: Mapping[str, Any] | None = None, *, source: Source = SOURCE) -> list[Page]:
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
        access = Access("itunes", http, base=platform.base)
        return [page async for page in COLLECTOR.retrieve(source, cursor or {}, access, platform.clock())]


def ids(pages: list[Page]) -> set[str]:
    return {item.id for page in pages for item in COLLECTOR.parse(SOURCE, page).items}


async def test_the_feed_is_looked_up_once_and_then_asked_for_what_is_new() -> None:
    with Itunes() as platform:
        (first,) = await visit(platform)
        assert ids([first]) == platform.ids()
        assert first.observed is None  # a feed: what was missed is told by overlap
        (second,) = await visit(platform, first.resume)
        assert second.body is None
        platform.publish(2)
        assert ids(await visit(platform, second.resume)) == platform.ids()
        assert platform.lookups == 1


async def test_after_a_week_the_directory_is_asked_again() -> None:
    with Itunes() as platform:
        (first,) = await visit(platform)
        platform.clock = lambda: START + timedelta(days=7)
        (second,) = await visit(platform, first.resume)
        assert platform.lookups == 2
        assert second.body is None  # the same feed: its validators are kept
        platform.clock = lambda: START + timedelta(days=8)
        await visit(platform, second.resume)
        assert platform.lookups == 2


async def test_a_show_that_changed_its_host_is_found_again_at_once() -> None:
    with Itunes() as platform:
        (first,) = await visit(platform)
        platform.clock = lambda: START + timedelta(hours=1)
        platform.feed_path = "/elsewhere.xml"
        (second,) = await visit(platform, first.resume)
        assert second.url.endswith("/elsewhere.xml")
        assert ids([second]) == platform.ids()
        assert platform.lookups == 2


async def test_a_feed_that_is_gone_and_not_listed_anew_is_not_found() -> None:
    with Itunes() as platform:
        (first,) = await visit(platform)
        platform.clock = lambda: START + timedelta(hours=1)
        shows = platform._shows()
        platform.feed_path = "/elsewhere.xml"
        platform._shows = lambda: shows  # type: ignore[method-assign]
        with pytest.raises(NotFound):
            await visit(platform, first.resume)


async def test_a_moved_feed_never_changes_the_source_itself() -> None:
    with Itunes() as platform:
        platform.new_feed_url = "https://example.fm/new.xml"
        (page,) = await visit(platform)
        assert page.moved_to is None
        assert COLLECTOR.parse(SOURCE, page).facts.new_url is None


async def test_an_unlisted_show_and_one_without_a_feed() -> None:
    with Itunes() as platform:
        with pytest.raises(NotFound, match="no show with the number 123456") as caught:
            await visit(platform, source=replace(SOURCE, url="https://podcasts.apple.com/de/podcast/id123456"))
        assert caught.value.code == "http_404"
        with pytest.raises(NotFound, match="without a feed") as caught:
            await visit(platform, source=replace(SOURCE, url=f"https://podcasts.apple.com/de/podcast/id{APP_ONLY}"))
        assert caught.value.code == "no_route"


async def test_apple_says_403_to_those_who_ask_too_often() -> None:
    with Itunes() as platform:
        platform.throttled = True
        with pytest.raises(Throttled) as caught:
            await visit(platform)
        assert caught.value.until == START + timedelta(minutes=15)
        assert len(platform.requests) == 1


async def test_calls_are_counted_before_they_are_made() -> None:
    with Itunes() as platform:
        meter = MemoryMeter()
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
            access = Access("itunes", http, base=platform.base, meter=meter)
            for _ in range(int(CALLS.limit)):
                await access.spend(CALLS)
            with pytest.raises(Throttled) as caught:
                _ = [page async for page in COLLECTOR.retrieve(SOURCE, {}, access, START)]
        assert caught.value.code == "quota_used"
        assert caught.value.until == START + timedelta(seconds=61)
        assert platform.requests == []


async def test_a_web_page_instead_of_the_directory_is_drift() -> None:
    class Changed(Itunes):
        def answer(self, asked: Asked) -> Told:
            return Told(200, b"<html>Apple Podcasts</html>", {"content-type": "text/html"})

    with Changed() as platform:
        with pytest.raises(Drifted) as caught:
            await visit(platform)
        assert caught.value.code == "not_json"


@pytest.mark.parametrize(
    "url",
    [
        "https://podcasts.apple.com/us/genre/podcasts-health/id1512",
        "https://podcasts.apple.com/us/podcast/example",
        "https://music.apple.com/us/album/id1441923632",
        "https://itunes.apple.com/us/app/id1441923632",
    ],
)
def test_other_pages_of_apple_are_no_show(url: str) -> None:
    (problem,) = COLLECTOR.check(replace(SOURCE, url=url))
    assert problem.path == ("url",)


def test_addresses_of_shows_have_no_problem() -> None:
    for url in (*COLLECTOR.examples, "https://podcasts.apple.com/podcast/id1441923632?i=100", SOURCE.url):
        assert COLLECTOR.check(replace(SOURCE, url=url)) == []


# --- both directories ---------------------------------------------------------------------------------------------


async def test_both_directories_are_searched_and_each_feed_is_listed_once() -> None:
    with PodcastIndex() as index, Itunes() as itunes:
        show = itunes._shows()[0] | {
            "feedUrl": "http://www.example.fm/feed-75075.xml/",
            "collectionName": "A health show",
        }
        itunes._shows = lambda: [show]  # type: ignore[method-assign]
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=index.clock) as http:
            accesses = {
                "podcastindex": Access("podcastindex", http, keys={"podcastindex": f"{KEY}:{SECRET}"}, base=index.base),
                "itunes": Access("itunes", http, base=itunes.base),
            }
            found = await search_podcasts(accesses, "health", country="GB")
        (both,) = found.shows
        assert (both.title, both.directory) == ("Example Health Show", "podcastindex, itunes")
        assert both.feed_url == "https://example.fm/feed-75075.xml"
        assert both.newest is not None
        assert both.newest.isoformat() == "2026-07-05T10:00:00+00:00"
        assert found.failed == ()
        assert itunes.requests[0].one("country") == "GB"


async def test_a_directory_without_a_key_does_not_keep_the_other_from_answering() -> None:
    with Itunes() as itunes:
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=itunes.clock) as http:
            accesses = {
                "podcastindex": Access("podcastindex", http),
                "itunes": Access("itunes", http, base=itunes.base),
            }
            found = await search_podcasts(accesses, "nursing")
        assert [(show.title, show.episodes, show.language) for show in found.shows] == [
            ("Example Nursing Show", 6, None)
        ]
        ((name, error),) = found.failed
        assert name == "podcastindex"
        assert isinstance(error, NeedsKey)


async def test_nothing_to_look_for_is_no_search() -> None:
    with pytest.raises(ValueError, match="no words"):
        await search_podcasts({}, "  ")


def test_addresses_of_one_feed_are_recognised() -> None:
    assert same_feed("http://www.Example.fm/a/") == same_feed("https://example.fm/a")
    assert same_feed("https://example.fm/a?id=1") != same_feed("https://example.fm/a?id=2")
    assert Show("t", "https://example.fm/a").episodes is None
