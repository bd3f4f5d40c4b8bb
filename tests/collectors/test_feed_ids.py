"""Ids, links, authors and durations: what shape.py decides."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from collectors.base import Item, Page, Parsed
from collectors.feeds.read import read
from collectors.feeds.shape import ID_LIMIT, country_code, duration, language_code

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def rss(*items: str, link: str = "https://site.example/") -> Parsed:
    body = f"<rss version='2.0'><channel><link>{link}</link>{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"
    return read(Page(body=body.encode(), url="https://feed.example/dir/feed.xml", fetched_at=NOW))


def one(item: str, **more: str) -> Item:
    (found,) = rss(item, **more).items
    return found


def test_id_is_the_guid_then_the_link_then_a_hash() -> None:
    assert one("<guid> g-1 </guid><link>https://site.example/1</link>").id == "g-1"
    by_link = one("<link>https://site.example/1</link>")
    assert (by_link.id, by_link.repairs) == ("https://site.example/1", ("no id: the link is used",))
    by_hash = one("<title>T</title><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><description>a</description>")
    edited = one("<title>T</title><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><description>b</description>")
    other = one("<title>U</title><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>")
    assert by_hash.id == edited.id != other.id


def test_a_very_long_id_is_hashed() -> None:
    assert len(one(f"<guid>{'x' * (ID_LIMIT + 1)}</guid>").id) == 32
    assert one(f"<guid>{'x' * ID_LIMIT}</guid>").id == "x" * ID_LIMIT


def test_a_permalink_is_a_link() -> None:
    assert one("<guid>https://site.example/p</guid>").url == "https://site.example/p"
    assert one("<guid isPermaLink='false'>https://site.example/p</guid>").url is None
    assert one("<guid>not-an-address</guid>").url is None


def test_an_item_with_nothing_is_rejected() -> None:
    parsed = rss("", "<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>", "<title>x</title>")
    assert len(parsed.items) == 1
    assert len(parsed.rejected) == 2


def test_repeats_are_dropped() -> None:
    item = "<guid>1</guid><title>same</title>"
    parsed = rss(item, item, "<guid>2</guid><title>other</title>")
    assert [found.id for found in parsed.items] == ["1", "2"]
    assert parsed.facts.repairs == ("1 repeated items: dropped",)


def test_different_items_under_one_id_are_told_apart_whatever_their_order() -> None:
    items = [
        f"<guid isPermaLink='false'>site</guid><title>{name}</title><link>https://site.example/{name}</link>"
        for name in "abc"
    ]
    first = {item.title: item.id for item in rss(*items).items}
    later = {item.title: item.id for item in rss(*reversed(items)).items}
    with_more = {item.title: item.id for item in rss(items[0].replace("a", "d"), *items[:2]).items}
    assert len(set(first.values())) == 3
    assert first == later
    assert with_more["a"] == first["a"]
    assert with_more["b"] == first["b"]
    assert all("id is shared" in item.repairs[-1] for item in rss(*items).items)


def test_same_head_but_different_text_is_told_apart_by_the_text() -> None:
    parsed = rss(
        "<guid>1</guid><title>t</title><description>x</description>",
        "<guid>1</guid><title>t</title><description>y</description>",
    )
    assert len({item.id for item in parsed.items}) == 2


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://x.example/a?utm_source=rss&amp;b=1#f", "https://x.example/a?utm_source=rss&b=1#f"),
        ("/a", "https://site.example/a"),
        ("a b", "https://site.example/a%20b"),
        ("//cdn.example/a", "https://cdn.example/a"),
        ("www.site.example/a", "http://www.site.example/a"),
        (" https://x.example/\n a ", "https://x.example/%20a"),
        ("HTTPS://X.example/a", "https://X.example/a"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@b.example", None),
        ("http://[bad", None),
        ("https://x.example/" + "a" * 3000, None),
    ],
)
def test_links(link: str, expected: str | None) -> None:
    assert one(f"<guid isPermaLink='false'>1</guid><link>{link}</link>").url == expected


def test_relative_links_start_from_the_page_if_the_site_is_unknown() -> None:
    assert one("<link>a</link>", link="").url == "https://feed.example/dir/a"


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Jane Doe", "Jane Doe"),
        ("desk@example.org (Jane Doe)", "Jane Doe"),
        ("Jane Doe &lt;desk@example.org&gt;", "Jane Doe"),
        ("Jane Doe (mailto:desk@example.org)", "Jane Doe"),
        ("mailto:desk@example.org", "desk@example.org"),
        ("desk@example.org", "desk@example.org"),
        ("&lt;b&gt;Jane&lt;/b&gt;", "Jane"),
        ("  ", None),
    ],
)
def test_authors(author: str, expected: str | None) -> None:
    assert one(f"<title>t</title><author>{author}</author>").author == expected


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("3723", 3723), ("3723.4", 3723.4), ("1:02:03", 3723), ("62:03", 3723), ("01:02:03.5", 3723), ("1h 2m 3s", 3723),
        ("PT1H2M3S", 3723), ("45 min", 2700), ("", None), ("soon", None), ("999:59:59", None), ("-5", None), ("1:2:3:4", None),
    ],
)  # fmt: skip
def test_durations(raw: str, seconds: float | None) -> None:
    assert duration(raw) == seconds


def test_codes() -> None:
    assert [language_code(raw) for raw in ("en-US", "DE_at", "eng", "ger", "pt", "xx", "english", "", None)] == [
        "en", "de", "en", "de", "pt", None, None, None, None,
    ]  # fmt: skip
    assert [country_code(raw) for raw in ("us", "GB", "XX", "USA", None)] == ["US", "GB", None, None, None]


def test_the_longer_text_wins_and_the_full_one_if_equal() -> None:
    full = "<content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>{}</content:encoded>"
    assert (
        one("<description>A longer summary than that</description>" + full.format("short")).text
        == "A longer summary than that"
    )
    image = "&lt;img src='https://x.example/a-very-long-address-that-is-no-text.jpg'&gt;"
    assert one("<description>Caption</description>" + full.format(image)).text == "Caption"
    assert one("<description>same</description>" + full.format("&lt;p&gt;same&lt;/p&gt;")).text == "same"
