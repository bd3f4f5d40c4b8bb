"""A site by its address: which way is found, that it is remembered, and when it is looked for anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.access import Access
from collectors.base import Item, NotFound, Page, Refused, RetryLater, Source, Stretch
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.site import COLLECTOR
from tests.platforms.serving import START, Asked, Told
from tests.platforms.site_platform import SOURCE, with_feed, with_news_sitemap, without_news_sitemap
from tests.platforms.sitemap_platform import SITE, Paper


def clock() -> Any:
    return START


async def visit(paper: Paper, cursor: Mapping[str, Any] | None = None, *, source: Source = SOURCE) -> list[Page]:
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=paper.clock) as http:
        access = Access("site", http, base=paper.base)
        return [page async for page in COLLECTOR.retrieve(source, cursor or {}, access, paper.clock())]


def items(pages: list[Page]) -> dict[str, Item]:
    return {item.id: item for page in pages for item in COLLECTOR.parse(SOURCE, page).items}


def asked(paper: Paper) -> list[str]:
    return [one.path for one in paper.requests]


async def test_a_feed_that_the_page_names_is_found_and_remembered() -> None:
    with with_feed(clock) as paper:
        (page,) = await visit(paper)
        assert set(items([page])) == paper.ids()
        assert page.context["route"] == "feed"
        assert page.resume is not None
        assert (page.resume["route"], page.resume["url"]) == ("feed", f"{SITE}/feed.xml")
        paper.requests.clear()
        (again,) = await visit(paper, page.resume)
        assert again.body is None
        assert asked(paper) == ["/feed.xml"]


async def test_without_a_feed_the_news_sitemap_of_robots_txt() -> None:
    with with_news_sitemap(clock) as paper:
        (page,) = await visit(paper)
        assert set(items([page])) == paper.ids()
        assert page.resume is not None
        assert (page.resume["route"], page.resume["url"]) == ("sitemap", f"{SITE}/news-sitemap.xml")
        paper.requests.clear()
        (again,) = await visit(paper, page.resume)
        assert again.body is None
        assert asked(paper) == ["/news-sitemap.xml"]


async def test_else_the_sitemap_and_the_pages_under_the_address() -> None:
    with without_news_sitemap(clock) as paper:
        paper.add(START - timedelta(hours=1), "/doctors/example")
        paper.add(START - timedelta(hours=1), "/newsletter")
        pages = await visit(paper)
        assert len(items(pages)) == 6
        assert not {"/doctors/example", "/newsletter"} & set(asked(paper))
        assert pages[-1].observed == Stretch(START - timedelta(days=30), START)


async def test_a_route_that_ended_is_looked_for_anew() -> None:
    with with_feed(clock) as paper:
        (first,) = await visit(paper)
        paper.missing.add("/feed.xml")
        paper.robots += f"Sitemap: {SITE}/news-sitemap.xml\n"
        paper.publish(1)
        (second,) = await visit(paper, first.resume)
        assert second.context["route"] == "sitemap"
        assert set(items([second])) == paper.ids()


async def test_a_web_page_in_place_of_the_feed_ends_the_route() -> None:
    with with_feed(clock) as paper:
        (first,) = await visit(paper)
        plain_answer = paper.answer

        def answer(one: Asked) -> Told:
            return (
                Told(200, b"<html>Moved</html>", {"content-type": "text/html"})
                if one.path == "/feed.xml"
                else plain_answer(one)
            )

        paper.answer = answer  # type: ignore[method-assign]
        paper.robots += f"Sitemap: {SITE}/news-sitemap.xml\n"
        (second,) = await visit(paper, first.resume)
        assert second.context["route"] == "sitemap"


async def test_a_bad_day_does_not_end_the_route() -> None:
    with with_feed(clock) as paper:
        (first,) = await visit(paper)
        plain_answer = paper.answer
        paper.answer = lambda one: Told(503) if one.path == "/feed.xml" else plain_answer(one)  # type: ignore[method-assign]
        paper.requests.clear()
        with pytest.raises(RetryLater):
            await visit(paper, first.resume)
        assert set(asked(paper)) == {"/feed.xml"}


async def test_nothing_found_says_what_was_tried() -> None:
    with Paper(news=False) as paper:
        paper.missing |= {"/feed.xml", "/sitemap_index.xml", "/news-sitemap.xml", "/robots.txt"}
        with pytest.raises(NotFound, match=r"feeds that .* and sitemaps that .*`collector: feed`") as caught:
            await visit(paper)
        assert caught.value.code == "no_route"


async def test_a_refusal_is_respected() -> None:
    with with_feed(clock) as paper:
        paper.refusing.add("/news")
        with pytest.raises(Refused) as caught:
            await visit(paper)
        assert caught.value.code == "http_403"
        assert asked(paper) == ["/robots.txt", "/news"]


async def test_robots_txt_may_forbid_the_page() -> None:
    with with_feed(clock) as paper:
        paper.robots = "User-agent: *\nDisallow: /\n"
        with pytest.raises(Refused) as caught:
            await visit(paper)
        assert caught.value.code == "robots"
        assert asked(paper) == ["/robots.txt"]


async def test_only_the_wanted_route_is_looked_for() -> None:
    with with_feed(clock) as paper:
        (page,) = await visit(paper, source=replace(SOURCE, options={"route": "sitemap"}))
        assert page.context["route"] == "sitemap"
        assert "/feed.xml" not in asked(paper)


async def test_a_site_that_nobody_has_found_asks_for_its_address() -> None:
    source = Source(id="g2s", collector="site", platform="g2s_technology", url="", name="G2S Technology")
    assert COLLECTOR.check(source) == []
    with Paper() as paper:
        with pytest.raises(
            NotFound, match=r"address of G2S Technology; write its `url:` in config/sources\.yaml"
        ) as caught:
            await visit(paper, source=source)
        assert caught.value.code == "needs_address"
        assert paper.requests == []


@pytest.mark.parametrize("url", ["ftp://a.example", "paper.example.org", "https://"])
def test_what_is_no_address_is_named(url: str) -> None:
    (problem,) = COLLECTOR.check(replace(SOURCE, url=url))
    assert problem.path == ("url",)


def test_wrong_options_are_named() -> None:
    (problem,) = COLLECTOR.check(replace(SOURCE, options={"route": "crawl"}))
    assert problem.path == ("options", "route")
    (problem,) = COLLECTOR.check(replace(SOURCE, options={"under": ["news"]}))
    assert problem.path == ("options", "under", 0)
    assert COLLECTOR.check(replace(SOURCE, options={"under": ["/news"], "pages": 5})) == []
