"""Sitemaps: headlines of news sitemaps, indexes, gzip, pages that are read, and documents that mean harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.access import Access
from collectors.base import NOTHING_PROVED, Drifted, Item, NotFound, Page, Refused, Source, Stretch, Throttled
from collectors.feeds.articles import read_article
from collectors.feeds.sitemaps import File, choose, dates_are_made_up, read_sitemap, same_site
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.sitemap import COLLECTOR
from tests.platforms.serving import START, Asked, Told
from tests.platforms.sitemap_platform import INDEX, NEWS, SITE, Paper, read_by_pages

URL = f"{SITE}/news-sitemap.xml"


async def visit(
    paper: Paper, cursor: Mapping[str, Any] | None = None, *, source: Source = NEWS, into: list[Page] | None = None
) -> list[Page]:
    pages: list[Page] = [] if into is None else into
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=paper.clock) as http:
        access = Access("sitemap", http, base=paper.base)
        async for page in COLLECTOR.retrieve(source, cursor or {}, access, paper.clock()):
            pages.append(page)
    return pages


def items(pages: list[Page]) -> dict[str, Item]:
    return {item.id: item for page in pages for item in COLLECTOR.parse(NEWS, page).items}


def asked(paper: Paper) -> list[str]:
    return [one.path for one in paper.requests]


# --- news sitemaps ------------------------------------------------------------------------------------------------


async def test_headlines_come_in_one_request_and_overlap_tells_what_was_missed() -> None:
    with Paper(articles=2) as paper:
        (page,) = await visit(paper)
        assert page.observed is None
        assert asked(paper) == ["/news-sitemap.xml"]
        item = items([page])[f"{SITE}/news/1-invented"]
        assert (item.title, item.url) == ("Headline & more of 1-invented", f"{SITE}/news/1-invented")
        assert (item.published_at, item.language) == (START - timedelta(hours=6), "en")
        assert (item.content_type, item.categories) == ("news", ("health", "number 1"))
        assert (item.engagement.views, item.sponsored, item.author) == (None, None, None)


async def test_an_unchanged_sitemap_costs_one_conditional_request() -> None:
    with Paper() as paper:
        (first,) = await visit(paper)
        (second,) = await visit(paper, first.resume)
        assert (second.body, second.observed) == (None, None)
        assert "if-none-match" in paper.requests[-1].headers
        paper.publish(1)
        (third,) = await visit(paper, second.resume)
        assert set(items([third])) == paper.ids()


async def test_the_files_of_an_index_count_as_one_list() -> None:
    with Paper() as paper:
        source = replace(NEWS, url=f"{SITE}/sitemap_index.xml", options={"files": 2})
        (first,) = await visit(paper, source=source)
        # by the date of their change: the page about the paper is the oldest and left out
        assert asked(paper) == ["/sitemap_index.xml", "/post-sitemap2.xml", "/post-sitemap1.xml.gz"]
        assert set(items([first])) == paper.ids()
        (second,) = await visit(paper, first.resume, source=source)
        assert second.body is None
        paper.publish(1)
        (third,) = await visit(paper, second.resume, source=source)
        assert set(items([third])) == paper.ids()  # the unchanged file too: only together do they overlap


async def test_a_file_that_is_missing_does_not_hide_the_others() -> None:
    with Paper() as paper:
        paper.missing.add("/post-sitemap1.xml.gz")
        source = replace(NEWS, url=f"{SITE}/sitemap_index.xml", options={"files": 2})
        (page,) = await visit(paper, source=source)
        assert len(items([page])) == 3
        assert COLLECTOR.parse(NEWS, page).facts.repairs == ("a file of the sitemap index cannot be read: left out",)
        paper.missing.add("/post-sitemap2.xml")
        with pytest.raises(NotFound):
            await visit(paper, source=source)


async def test_only_what_lies_under_a_path() -> None:
    with Paper() as paper:
        wanted = paper.add(START - timedelta(hours=1), "/blog/one")
        (page,) = await visit(paper, source=replace(NEWS, options={"under": ["/blog/"]}))
        assert set(items([page])) == {wanted}


async def test_a_headline_without_a_readable_date_is_set_aside_alone() -> None:
    with Paper() as paper:
        paper.break_one()
        (page,) = await visit(paper)
        parsed = COLLECTOR.parse(NEWS, page)
        assert {item.id for item in parsed.items} == paper.ids()
        assert [one.reason for one in parsed.rejected] == ["no title"]


# --- pages that are read ------------------------------------------------------------------------------------------


async def test_without_leave_to_read_pages_addresses_alone_are_an_error_and_no_zero() -> None:
    with Paper(news=False) as paper:
        with pytest.raises(Drifted, match="`titles: true`") as caught:
            await visit(paper, source=replace(INDEX, options={}))
        assert caught.value.code == "no_titles"


async def test_pages_tell_headline_date_and_summary() -> None:
    with read_by_pages(lambda: START) as paper:
        pages = await visit(paper, source=INDEX)
        found = items(pages)
        assert set(found) == paper.ids()  # the page about the paper is read, and is no article
        assert "/about" in asked(paper)
        item = found[f"{SITE}/news/5-invented"]
        assert (item.title, item.text) == ("Headline of 5-invented", "An invented lead.")
        assert (item.author, item.language, item.content_type) == ("Example Author", "en", "news")
        assert item.categories == ("health",)
        assert item.published_at == START - timedelta(hours=6)
        assert [page.observed for page in pages[:-1]] == [NOTHING_PROVED] * (len(pages) - 1)
        assert pages[-1].observed == Stretch(START - timedelta(days=30), START)


async def test_the_next_visit_reads_only_what_changed() -> None:
    with read_by_pages(lambda: START) as paper:
        first = await visit(paper, source=INDEX)
        later = START + timedelta(hours=3)
        paper.clock = lambda: later
        late = paper.add(START - timedelta(hours=30))  # listed late, dated before the end of the first visit
        paper.requests.clear()
        second = await visit(paper, first[-1].resume, source=INDEX)
        assert set(items(second)) == {late}
        assert sum(path.startswith("/news/") for path in asked(paper)) == 1
        assert second[-1].observed == Stretch(START, later)


async def test_a_visit_that_reads_its_fill_goes_on_at_the_next() -> None:
    source = replace(INDEX, options={"titles": True, "pages": 4})
    with read_by_pages(lambda: START) as paper:
        first = await visit(paper, source=source)
        assert first[-1].observed == NOTHING_PROVED
        second = await visit(paper, first[-1].resume, source=source)
        assert set(items(first)) & set(items(second)) == set()
        assert set(items(first)) | set(items(second)) == paper.ids()
        assert second[-1].observed == Stretch(START - timedelta(days=30), START)


async def test_robots_txt_is_obeyed_for_pages() -> None:
    with read_by_pages(lambda: START) as paper:
        hidden = paper.add(START - timedelta(hours=2), "/private/notes")
        pages = await visit(paper, source=INDEX)
        assert "/private/notes" not in asked(paper)
        assert hidden not in items(pages)
        assert len(items(pages)) == 6


async def test_a_site_that_refuses_its_pages_is_left_alone() -> None:
    with read_by_pages(lambda: START) as paper:
        paper.refusing = {f"/news/{number}-invented" for number in range(6)}
        with pytest.raises(Refused) as caught:
            await visit(paper, source=INDEX)
        assert caught.value.code == "http_403"
        assert sum(path.startswith("/news/") for path in asked(paper)) == 1


async def test_too_often_in_the_middle_keeps_what_was_read() -> None:
    with read_by_pages(lambda: START) as paper:
        plain_answer = paper.answer

        def answer(one: Asked) -> Told:
            return paper.answer_throttled(one) if one.path == "/news/3-invented" else plain_answer(one)

        paper.answer = answer  # type: ignore[method-assign]
        pages: list[Page] = []
        with pytest.raises(Throttled) as caught:
            await visit(paper, source=INDEX, into=pages)
        assert caught.value.until == START + timedelta(minutes=5)
        assert set(items(pages)) == {f"{SITE}/news/{number}-invented" for number in range(3)}
        paper.answer = plain_answer  # type: ignore[method-assign]
        rest = await visit(paper, pages[-1].resume, source=INDEX)
        assert set(items(rest)) | set(items(pages)) == paper.ids()


async def test_pages_that_are_no_articles_are_an_error_and_no_zero() -> None:
    with read_by_pages(lambda: START) as paper:
        paper.page = lambda url, published: b"<html><head><title>App</title></head></html>"  # type: ignore[method-assign]
        pages: list[Page] = []
        with pytest.raises(Drifted) as caught:
            await visit(paper, source=INDEX, into=pages)
        assert caught.value.code == "no_articles"
        assert items(pages) == {}
        assert {page.observed for page in pages} == {NOTHING_PROVED}


async def test_nothing_under_the_wanted_path_is_an_error_and_no_zero() -> None:
    with read_by_pages(lambda: START) as paper:
        with pytest.raises(NotFound) as caught:
            await visit(paper, source=replace(INDEX, options={"titles": True, "under": ["/blog/"]}))
        assert caught.value.code == "no_route"


async def test_dates_that_are_those_of_the_file_tell_nothing() -> None:
    with Paper(news=False, articles=0) as paper:
        for number in range(60):
            paper.add(START, f"/news/{number}")
        with pytest.raises(Drifted) as caught:
            await visit(paper, source=replace(NEWS, options={"titles": True}))
        assert caught.value.code == "no_dates"


async def test_what_waits_longer_than_can_be_remembered_is_a_gap() -> None:
    with read_by_pages(lambda: START) as paper:
        paper.articles = []
        for number in range(1510):
            paper.add(START - timedelta(minutes=1510 - number), f"/news/{number}")
        source = replace(NEWS, options={"titles": True, "pages": 1})
        pages = await visit(paper, source=source)
        assert pages[0].url == f"{SITE}/news/10"
        cursor = dict(pages[-1].resume or {})
        cursor["read"] = {}
        paper.articles = paper.articles[-1:]
        last = await visit(paper, cursor, source=source)
        assert last[-1].observed == Stretch(START - timedelta(minutes=1500), START, gap="overflow")


# --- documents ----------------------------------------------------------------------------------------------------


def test_a_broken_sitemap_is_mended() -> None:
    body = b"\n<urlset><url><loc>https://a.example/?a=1&b=2</loc><lastmod>2026-07-01</lastmod></url></urlset>trailing"
    sitemap = read_sitemap(body, URL, "", START)
    assert sitemap.entries == ({"url": "https://a.example/?a=1&b=2", "lastmod": "2026-07-01"},)
    assert sitemap.repairs


def test_addresses_of_images_are_no_pages() -> None:
    body = (
        b"<urlset xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'><url><loc>/a</loc>"
        b"<image:image><image:loc>https://a.example/b.jpg</image:loc><image:title>Not this</image:title></image:image>"
        b"</url><url><loc>javascript:alert(1)</loc></url></urlset>"
    )
    assert read_sitemap(body, "https://a.example/s.xml", "", START).entries == ({"url": "https://a.example/a"},)


def test_another_encoding_is_read() -> None:
    text = "<?xml version='1.0' encoding='ISO-8859-1'?><urlset xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>https://a.example/a</loc><n:news><n:title>Ärzte</n:title></n:news></url></urlset>"
    (entry,) = read_sitemap(text.encode("latin-1"), URL, "application/xml", START).entries
    assert entry["title"] == "Ärzte"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "not_a_sitemap"),
        (b"<rss version='2.0'><channel/></rss>", "not_a_sitemap"),
        (b"https://a.example/a\nhttps://a.example/b\n", "not_a_sitemap"),
        (b"", "not_a_sitemap"),
        (b"<urlset><url><loc>https://a.example/a</loc>", "malformed"),
        (
            b'<!DOCTYPE u [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
            "entity_bomb",
        ),
        (
            b'<!DOCTYPE u [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>',
            "entity_bomb",
        ),
        (b"<urlset>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</urlset>", "malformed"),
    ],
)
def test_what_is_no_sitemap_is_named(body: bytes, code: str) -> None:
    with pytest.raises(Drifted) as caught:
        read_sitemap(body, URL, "", START)
    assert caught.value.code == code


def test_an_empty_news_sitemap_is_one_all_the_same() -> None:
    body = b"<urlset xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'></urlset>"
    assert read_sitemap(body, URL, "", START).kind == "news"


def test_files_named_after_news_come_first_then_the_last_changed() -> None:
    old, new = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    files = [
        File("https://a.example/a.xml", old),
        File("https://a.example/b.xml", new),
        File("https://a.example/news.xml"),
    ]
    assert [file.url[-6:] for file in choose(files, 2)] == ["ws.xml", "/b.xml"]


def test_the_same_site() -> None:
    assert same_site("https://www.a.example/x", "https://a.example/")
    assert same_site("https://cdn.a.example/x", "https://www.a.example/")
    assert not same_site("https://b.example/x", "https://a.example/")
    assert not same_site("https://nota.example/x", "https://a.example/")
    assert not dates_are_made_up([START] * 10)


def test_open_graph_serves_where_there_is_no_json_ld() -> None:
    article = read_article(
        b"<html lang='de-AT'><head><meta property='og:title' content='T'><meta property='og:type' content='article'>"
        b"<meta property='article:published_time' content='2026-07-01T10:00:00Z'><meta name='description' content='D'>"
        b"<script type='application/ld+json'>{broken</script></head></html>"
    )
    assert (article.title, article.text, article.published) == ("T", "D", "2026-07-01T10:00:00Z")
    assert (article.language, article.claimed) == ("de-AT", True)


def test_paid_articles_are_known_by_the_pages_own_type() -> None:
    body = (
        b'<script type=\'application/ld+json\'>{"@type": "AdvertiserContentArticle", "headline": "Buy",'
        b'"datePublished": "2026-07-01"}</script>'
    )
    page = Page(body=body, url=URL, fetched_at=START, context={"article": {"url": f"{SITE}/a"}})
    (item,) = COLLECTOR.parse(NEWS, page).items
    assert item.sponsored is True


@pytest.mark.parametrize("options", [{"under": ["news"]}, {"under": "/news"}, {"pages": 0}, {"title": True}])
def test_wrong_options_are_named(options: dict[str, Any]) -> None:
    (problem,) = COLLECTOR.check(replace(NEWS, options=options))
    assert problem.path[0] == "options"
