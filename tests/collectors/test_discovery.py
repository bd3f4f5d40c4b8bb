"""Finding feeds: in pages, by platform, at usual places, and over real HTTP on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Drifted, NotFound, Refused
from collectors.feeds.discovery import FeedLink, discover
from collectors.feeds.finder import TRIES, find_feeds
from collectors.feeds.hints import platform_candidates, well_known_candidates
from collectors.fetch import Http, HttpSettings, parse_nets

FIXTURES = Path(__file__).parents[1] / "fixtures" / "feeds"
UC = "UC" + "a1_-" * 5 + "zz"


def test_links_of_a_page_the_feed_first_and_comments_last() -> None:
    found = discover((FIXTURES / "page.html").read_bytes(), "https://clinic.example/")
    assert found == [
        FeedLink("https://clinic.example/en/feed/", "Clinic » Feed", "rss"),
        FeedLink("https://clinic.example/podcast.xml", "Podcast RSS", ""),
        FeedLink("https://clinic.example/rss/press.rss", "Press", ""),
        FeedLink("http://clinic.example/atom", "Atom", ""),
        FeedLink("https://clinic.example/en/comments/feed/", "Clinic » Comments Feed", "rss"),
    ]


@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                "<link rel=alternate",
                " type='application/rss+xml'",
                " href='",
                "//[",
                "'>",
                "<base href='http://[x'>",
                "<a href=feed:>",
            ]
        )
    ).map("".join)
)
def test_discover_never_fails(html: str) -> None:
    for link in discover(html, "https://x.example/"):
        assert link.url.startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("url", "html", "expected"),
    [
        (
            f"https://www.youtube.com/channel/{UC}/videos",
            "",
            f"https://www.youtube.com/feeds/videos.xml?channel_id={UC}",
        ),
        (
            "https://www.youtube.com/playlist?list=PL123_abc",
            "",
            "https://www.youtube.com/feeds/videos.xml?playlist_id=PL123_abc",
        ),
        (
            "https://www.youtube.com/@clinic",
            f'{{"externalId":"{UC}"}}',
            f"https://www.youtube.com/feeds/videos.xml?channel_id={UC}",
        ),
        ("https://www.youtube.com/@clinic", "", None),
        ("https://youtube.com/user/clinic", "", "https://www.youtube.com/feeds/videos.xml?user=clinic"),
        ("https://med-mastodon.example/@ward_b", "", "https://med-mastodon.example/@ward_b.rss"),
        ("https://social.example/tags/nursing", "<title>Mastodon</title>", "https://social.example/tags/nursing.rss"),
        ("https://www.reddit.com/r/nursing/", "", "https://www.reddit.com/r/nursing/new/.rss"),
        ("https://old.reddit.com/user/someone", "", "https://www.reddit.com/user/someone/.rss"),
        ("https://bsky.app/profile/clinic.example", "", "https://bsky.app/profile/clinic.example/rss"),
        ("https://vimeo.com/clinic", "", "https://vimeo.com/clinic/videos/rss"),
        ("https://vimeo.com/channels/health", "", "https://vimeo.com/channels/health/videos/rss"),
        ("https://vimeo.com/12345", "", None),
        ("https://www.pinterest.com/clinic/", "", "https://www.pinterest.com/clinic/feed.rss"),
        ("https://www.pinterest.de/clinic/wellness/", "", "https://www.pinterest.com/clinic/wellness.rss"),
        ("https://www.pinterest.com/pin/1/", "", None),
        ("https://medium.com/@doc", "", "https://medium.com/feed/@doc"),
        ("https://doc.medium.com/", "", "https://doc.medium.com/feed"),
        ("https://ward.substack.com/p/one", "", "https://ward.substack.com/feed"),
        ("https://ward.wordpress.com/category/news/x", "", "https://ward.wordpress.com/category/news/feed/"),
        ("https://elsewhere.example/about", "", None),
        ("not a url at all", "", None),
    ],
)
def test_platforms(url: str, html: str, expected: str | None) -> None:
    assert platform_candidates(url, html) == ([expected] if expected else [])


def test_usual_places() -> None:
    found = well_known_candidates("https://clinic.example/en/news")
    assert found[0] == "https://clinic.example/en/news/feed/"
    assert "https://clinic.example/en/feed/" in found
    assert "https://clinic.example/rss.xml" in found
    assert len(found) == len(set(found))
    assert well_known_candidates("mailto:x@y.example") == []
    assert well_known_candidates("https://bsky.app/profile/a.example")[0] == "https://bsky.app/profile/a.example/rss"


class _Site(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        pages = {
            "/": b"<html><head><link rel=alternate type=application/rss+xml href=/news.xml title=News>"
            b"<link rel=alternate type=application/rss+xml href=/broken.xml></head></html>",
            "/plain": b"<html><body>Nothing here</body></html>",
            "/bare/": b"<html><body>Nothing here either</body></html>",
            "/news.xml": (FIXTURES / "blog.xml").read_bytes(),
            "/bare/feed/": (FIXTURES / "rdf.xml").read_bytes(),
            "/broken.xml": b"<rss",
            "/bomb.xml": b'<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///x">]><rss/>',
            "/robots.txt": b"User-agent: *\nDisallow: /private\n",
        }
        body = pages.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        return


@pytest.fixture
def site() -> Iterator[str]:
    _Site.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _http() -> Http:
    return Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8")))


async def test_a_feed_is_its_own_candidate(site: str) -> None:
    async with _http() as http:
        (found,) = await find_feeds(http, f"{site}/news.xml")
    assert (found.url, found.title, found.format) == (f"{site}/news.xml", "Hospital & Home", "rss20")
    assert (found.items, found.language, found.found) == (2, "de", "the address itself")
    assert found.newest == datetime(2026, 11, 19, 7, 30, tzinfo=UTC)


async def test_a_page_leads_to_its_feeds_and_broken_ones_are_left_out(site: str) -> None:
    async with _http() as http:
        found = await find_feeds(http, f"{site}/")
    assert [(candidate.url, candidate.found) for candidate in found] == [(f"{site}/news.xml", "named by the page")]


async def test_usual_places_are_tried_last_and_few(site: str) -> None:
    async with _http() as http:
        found = await find_feeds(http, f"{site}/bare/")
        assert [(candidate.url, candidate.found) for candidate in found] == [(f"{site}/bare/feed/", "a usual place")]
        _Site.asked.clear()
        assert await find_feeds(http, f"{site}/plain") == []
    assert len([path for path in _Site.asked if path != "/robots.txt"]) <= TRIES + 1


async def test_what_cannot_be_had_is_named(site: str) -> None:
    async with _http() as http:
        with pytest.raises(NotFound):
            await find_feeds(http, f"{site}/missing")
        with pytest.raises(Refused):
            await find_feeds(http, f"{site}/private/page")
        with pytest.raises(Drifted):
            await find_feeds(http, f"{site}/bomb.xml")
