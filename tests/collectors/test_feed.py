"""The feed collector over hand-written feeds of every format, and over real HTTP on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from collectors import registry
from collectors.access import Access
from collectors.base import NO_ENGAGEMENT, Drifted, Engagement, Gone, Media, Page, Parsed, Source
from collectors.fetch import Http, HttpSettings, parse_nets

FIXTURES = Path(__file__).parents[1] / "fixtures" / "feeds"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOURCE = Source(id="s", collector="feed", platform="web", url="https://feed.example/dir/feed.xml")
FEED = registry.get("feed")


def parse(body: bytes | str, *, url: str = SOURCE.url, content_type: str = "") -> Parsed:
    data = body.encode() if isinstance(body, str) else body
    return FEED.parse(SOURCE, Page(body=data, url=url, fetched_at=NOW, content_type=content_type))


def fixture(name: str) -> Parsed:
    return parse((FIXTURES / name).read_bytes())


def test_a_podcast_with_live_items_guests_and_transcripts() -> None:
    parsed = fixture("podcast.xml")
    live, pending, twelve, eleven = parsed.items
    facts = parsed.facts
    assert (facts.format, facts.title, facts.link) == ("rss20", "Ward Round Radio", "https://wardround.example/")
    assert (facts.language, facts.country) == ("en", "GB")
    assert facts.new_url == "https://feeds.wardround.example/main.xml"
    assert facts.poll_after == timedelta(days=1)  # every 3.5 days, but never longer than a day
    assert facts.blocked is None

    assert (live.id, live.live, live.url) == ("live-7", "live", "https://wardround.example/live")
    assert live.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (pending.live, pending.published_at, pending.repairs) == ("pending", None, ())

    assert twelve.title == "Ep 12: burnout & rest"
    assert twelve.text == "Two nurses talk about burnout.\nRest\nRotas"
    assert twelve.guests == 2
    assert twelve.transcripts == ("https://wardround.example/t/12.vtt", "https://wardround.example/t/12.srt")
    assert (twelve.location, twelve.country) == ("Leeds", "GB")
    assert twelve.categories == ("nursing", "burnout")
    assert twelve.media == (
        Media("https://cdn.wardround.example/12.mp3", "audio/mpeg", "", 3723.0),
        Media("https://cdn.wardround.example/12.mp4", "video/mp4", "", 3723.0),
    )
    assert twelve.url is None
    assert eleven.guests == 0  # the channel names its host, and nobody else
    assert eleven.media[0].duration is None
    assert eleven.repairs == ("duration 'sometime' is unreadable: ignored",)


def test_youtube_counts_ratings_as_likes() -> None:
    parsed = fixture("youtube.xml")
    (video,) = parsed.items
    assert parsed.facts.format == "atom10"
    assert (video.id, video.url) == ("yt:video:abcdefghijk", "https://www.youtube.com/shorts/abcdefghijk")
    assert video.engagement == Engagement(views=14327, likes=250)
    assert video.text == "First line.\nSecond line with #hashtag"
    assert video.author == "Clinic Channel"
    assert video.published_at == datetime(2026, 11, 19, 15, 0, 21, tzinfo=UTC)
    assert video.updated_at == datetime(2026, 11, 20, 3, 4, 5, tzinfo=UTC)


def test_ratings_elsewhere_are_not_likes() -> None:
    feed = (FIXTURES / "youtube.xml").read_text().replace("<yt:videoId>abcdefghijk</yt:videoId>", "")
    (video,) = parse(feed).items
    assert video.engagement == Engagement(views=14327)


def test_a_blog_with_markup_relative_links_and_a_mailbox_for_an_author() -> None:
    parsed = fixture("blog.xml")
    ward, bare = parsed.items
    assert parsed.facts.title == "Hospital & Home"
    assert parsed.facts.language == "de"
    assert parsed.facts.poll_after == timedelta(hours=6)
    assert ward.title == "New ward opens: R&D & care"
    assert ward.url == "https://blog.example.org/news/2026/ward"
    assert ward.author == "Jane Doe"
    assert ward.published_at == datetime(2026, 11, 19, 7, 30, tzinfo=UTC)
    assert ward.categories == ("Nursing", "Wards & beds")
    assert ward.text == "A new ward opens in spring.\nIt has 40 beds — and a garden.\nbeds 40"
    assert ward.engagement == Engagement(comments=3)
    assert ward.location == "48.2082,16.3738"
    assert ward.media == (Media("https://img.example.org/ward.jpg", "image/jpeg", "image"),)
    assert bare.url is None
    assert len(bare.id) == 32
    assert bare.engagement is NO_ENGAGEMENT
    assert bare.repairs == (
        "link is not a web address: ignored",
        "no id and no link: a hash of title and date is used",
    )


def test_atom_03() -> None:
    parsed = fixture("atom03.xml")
    (entry,) = parsed.items
    assert (parsed.facts.format, parsed.facts.language) == ("atom03", "fr")
    assert (entry.id, entry.text) == ("tag:sante.example,2004:1", "La grippe arrive.")
    assert entry.published_at == datetime(2004, 5, 6, 5, 8, 9, tzinfo=UTC)
    assert entry.updated_at == datetime(2004, 5, 7, 7, 8, 9, tzinfo=UTC)


def test_atom_10_with_bases_xhtml_and_threads() -> None:
    parsed = fixture("atom.xml")
    one, two = parsed.items
    assert parsed.facts.link == "https://journal.example/base/"
    assert (one.title, one.text) == ("La diabetes", "Primer párrafo.\nSegundo < tercero.")
    assert one.url == "https://journal.example/base/es/uno.html"
    assert one.media == (Media("https://journal.example/base/es/a.mp3", "audio/mpeg"),)
    assert one.engagement == Engagement(comments=12)
    assert one.language == "es"
    assert one.author == "Editorial Board"  # RFC 4287, 4.2.1: inherited from the feed
    assert one.categories == ("Diabetes tipo 2", "salud")
    assert one.published_at == datetime(2026, 11, 18, 13, 0, 0, 123000, tzinfo=UTC)
    assert one.updated_at is None
    assert (two.author, two.text) == ("Only Me", "Seen only here")
    assert two.url == "https://journal.example/two"
    assert two.published_at == datetime(2026, 11, 17, 10, tzinfo=UTC)


def test_rdf() -> None:
    parsed = fixture("rdf.xml")
    (item,) = parsed.items
    assert (parsed.facts.format, parsed.facts.language) == ("rdf", "it")
    assert (item.id, item.url) == ("https://lab.example/1", "https://lab.example/1?utm_source=rss")
    assert item.published_at == datetime(2026, 11, 16, tzinfo=UTC)
    assert (item.author, item.categories, item.text) == ("Anna", ("Vaccini",), "Testo")


def test_json_feed() -> None:
    parsed = fixture("feed.json")
    first, second = parsed.items
    assert (parsed.facts.format, parsed.facts.language) == ("json11", "en")
    assert (first.title, first.text) == ("p < 0.05 & more", "Line one\nLine <two>")
    assert first.media == (Media("https://feed.example/dir/a1.mp3", "audio/mpeg", "", 610.0),)
    assert (first.author, first.language, first.categories) == ("Whole Desk", "fr", ("nursing", "7"))
    assert (second.id, second.url, second.author) == ("42", "https://elsewhere.example/x", "Solo")
    assert len(parsed.rejected) == 2


@pytest.mark.parametrize(
    ("blocks", "blocked"),
    [
        ("<podcast:block>yes</podcast:block>", True),
        ("<podcast:block>no</podcast:block>", False),
        ('<podcast:block id="spotify">yes</podcast:block>', False),
        ('<podcast:block>yes</podcast:block><podcast:block id="trendmonitor">no</podcast:block>', False),
        ('<podcast:block>no</podcast:block><podcast:block id="trendmonitor">yes</podcast:block>', True),
    ],
)
def test_the_publisher_may_ask_not_to_be_ingested(blocks: str, blocked: bool) -> None:
    feed = (
        f'<rss version="2.0" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel>{blocks}</channel></rss>'
    )
    assert (parse(feed).facts.blocked is not None) is blocked


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("<ttl>90</ttl>", timedelta(minutes=90)),
        ("<ttl>0</ttl>", None),
        ("<ttl>99999999</ttl>", timedelta(days=1)),
        ("<ttl>soon</ttl>", None),
        ("<sy:updateFrequency>2</sy:updateFrequency>", timedelta(hours=12)),
        ("<sy:updatePeriod> hourly </sy:updatePeriod>", timedelta(hours=1)),
        ("<sy:updatePeriod>fortnightly</sy:updatePeriod>", None),
        ('<p:updateFrequency rrule="FREQ=DAILY;BYHOUR=6,12,18"/>', timedelta(hours=8)),
        ('<p:updateFrequency rrule="nonsense"/>', None),
        ('<p:updateFrequency complete="true"/>', timedelta(days=1)),
    ],
)
def test_how_often_a_feed_says_it_changes(said: str, wait: timedelta | None) -> None:
    feed = (
        '<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
        f' xmlns:p="https://podcastindex.org/namespace/1.0"><channel>{said}</channel></rss>'
    )
    assert parse(feed).facts.poll_after == wait


def test_items_keep_the_order_of_the_document() -> None:
    items = "".join(f"<item><guid>{name}</guid><title>{name}</title></item>" for name in ("b", "c", "a"))
    parsed = parse(f"<rss version='2.0'><channel>{items}</channel></rss>")
    assert [item.id for item in parsed.items] == ["b", "c", "a"]


def test_an_unchanged_page_has_no_items() -> None:
    page = Page(body=None, url=SOURCE.url, fetched_at=NOW)
    assert FEED.parse(SOURCE, page) == Parsed(items=())


def test_what_the_fetcher_mended_is_told() -> None:
    body = (FIXTURES / "rdf.xml").read_bytes()
    page = Page(body=body, url=SOURCE.url, fetched_at=NOW, context={"repairs": ["gzip twice: undone"]})
    assert FEED.parse(SOURCE, page).facts.repairs == ("gzip twice: undone",)


def test_registry_finds_collectors_by_file_name() -> None:
    assert "feed" in registry.names()
    assert "base" not in registry.names()
    assert list(registry.names()) == sorted(registry.names())
    with pytest.raises(registry.UnknownCollectorError, match=r"no collector 'fed'.*feed"):
        registry.get("fed")


class _Site(BaseHTTPRequestHandler):
    feed = (FIXTURES / "rdf.xml").read_bytes()

    def do_GET(self) -> None:
        if self.path == "/gone":
            self.send_response(410)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.headers.get("If-None-Match") == '"v1"':
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Type", "application/rss+xml; charset=iso-8859-1")
        self.send_header("Cache-Control", "max-age=1800")
        self.send_header("Content-Length", str(len(self.feed)))
        self.end_headers()
        self.wfile.write(self.feed)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        return


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_retrieve_asks_only_for_what_is_new(site: str) -> None:
    source = Source(id="s", collector="feed", platform="web", url=f"{site}/feed")
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"))) as http:
        (first,) = [page async for page in FEED.retrieve(source, {}, Access("feed", http), NOW)]
        assert first.body == _Site.feed
        assert first.poll_after == timedelta(minutes=30)
        assert first.observed is None
        assert first.resume is not None
        assert len(FEED.parse(source, first).items) == 1
        (second,) = [page async for page in FEED.retrieve(source, first.resume, Access("feed", http), NOW)]
        assert second.body is None
        assert FEED.parse(source, second).items == ()
        with pytest.raises(Gone):
            _ = [
                page
                async for page in FEED.retrieve(
                    Source("g", "feed", "web", f"{site}/gone"), {}, Access("feed", http), NOW
                )
            ]


def test_a_web_page_says_which_feeds_it_advertises() -> None:
    with pytest.raises(Drifted, match=r"web page.*advertises https://clinic\.example/en/feed/") as caught:
        fixture("page.html")
    assert caught.value.code == "not_a_feed"
