"""What is not a feed, what is one no longer, and what means harm: a named error, never a crash, never a wait."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.base import Drifted, Page, Parsed
from collectors.feeds.draft import ITEM_LIMIT
from collectors.feeds.read import read
from collectors.feeds.referee import TAG_LIMIT, read_patiently

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIXTURES = Path(__file__).parents[1] / "fixtures" / "feeds"


def parse(body: bytes | str, content_type: str = "") -> Parsed:
    data = body.encode() if isinstance(body, str) else body
    return read(Page(body=data, url="https://feed.example/feed", fetched_at=NOW, content_type=content_type))


def wrap(inside: str, head: str = "") -> str:
    return f'<?xml version="1.0"?>{head}<rss version="2.0"><channel>{inside}</channel></rss>'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\ufeff\n", "empty"),
        ("\0\0\0\0", "empty"),
        ("<!DOCTYPE html><html><body>Sorry</body></html>", "not_a_feed"),
        ("<html><head><title>404</title></head></html>", "not_a_feed"),
        (
            '<?xml version="1.0"?><!DOCTYPE html PUBLIC "x" "y"><html xmlns="http://www.w3.org/1999/xhtml"/>',
            "not_a_feed",
        ),
        ("<!-- hello --><script>location='/'</script>", "not_a_feed"),
        ("just words", "not_a_feed"),
        ("%PDF-1.7 binary", "not_a_feed"),
        ('<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>', "not_a_feed"),
        ('<opml version="2.0"><body/></opml>', "not_a_feed"),
        ('{"error": "nope"}', "not_a_feed"),
        ('{"version": 1, "items": []}', "not_a_feed"),
        ('{"version": "https://jsonfeed.org/version/1", "items": 3}', "not_a_feed"),
        ('{"version": "https://jsonfeed.org', "malformed"),
        ("{" * 100_000, "malformed"),
        ('{"a":' + "[" * 100_000, "malformed"),
        ("<rss version='2.0'><channel><title>cut", "malformed"),
        ("<!DOCTYPE rss [ <!ENTITY", "malformed"),
        ("<nonsense", "malformed"),
    ],
)
def test_is_refused_by_name(body: str, code: str) -> None:
    with pytest.raises(Drifted) as caught:
        parse(body)
    assert caught.value.code == code


_LAUGHS = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    ("doctype", "what"),
    [
        (_LAUGHS, "expands into other entities"),
        ('<!ENTITY a SYSTEM "file:///etc/passwd">', "outside the document"),
        ('<!ENTITY a PUBLIC "x" "http://attacker.example/">', "outside the document"),
        ('<!ENTITY % a SYSTEM "http://attacker.example/e.dtd"> %a;', "outside the document"),
        (f'<!ENTITY a "{"x" * 3000}">', "characters"),
    ],
)
@pytest.mark.parametrize("broken", [False, True], ids=["well-formed", "ill-formed"])
def test_entities_that_must_not_be_expanded(doctype: str, what: str, broken: bool) -> None:
    body = wrap("<item><title>&a;&j;</title>" + ("" if broken else "</item>"), f"<!DOCTYPE rss [{doctype}]>")
    start = time.perf_counter()
    with pytest.raises(Drifted, match=what) as caught:
        parse(body)
    assert caught.value.code == "entity_bomb"
    assert time.perf_counter() - start < 0.5


def test_quadratic_growth_is_refused() -> None:
    body = wrap(f"<item><title>{'&a;' * 1000}</title></item>", f'<!DOCTYPE rss [<!ENTITY a "{"x" * 1900}">]>')
    with pytest.raises(Drifted, match="would grow to 1,900,000") as caught:
        parse(body)
    assert caught.value.code == "entity_bomb"


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE rss [<!ENTITY nbsp \"&#160;\"><!ENTITY hosp 'Hospital'>]>",
        '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.example/rss-0.91.dtd" [<!ENTITY hosp "Hospital">]>',
        '<!-- a > b --><!DOCTYPE rss [<!-- ]> --><!ENTITY % H PUBLIC "-//W3C//ENTITIES Latin 1 for XHTML//EN" "http://w3.example/x.ent"> %H;'
        '<!ENTITY hosp "Hospital">]>',
    ],
)
def test_harmless_document_types_are_read(head: str) -> None:
    (item,) = parse(
        wrap("<item><title>The &hosp; caf&eacute;</title><description><![CDATA[&hosp;]]></description></item>", head)
    ).items
    assert item.title == "The Hospital café"
    assert item.text == "&hosp;"


@pytest.mark.parametrize(
    ("body", "repair"),
    [
        (wrap("<item><title>a\x00\x08b</title></item>"), "characters that XML forbids: removed"),
        (wrap("<item><title>a&#0;&#x1F;b</title></item>"), "references to characters that XML forbids: removed"),
        (wrap("<item><title>a&zwnj;b</title></item>"), "undefined entities or bare ampersands: mended"),
        (
            wrap("<item><title>ab</title><dc:date>2026-11-20</dc:date></item>"),
            "namespace prefixes without a declaration: declared",
        ),
        (wrap("<item><title>ab</title></item>") + "<!-- x --><script/>", "text after the document: ignored"),
        (
            "\n\nPHP Warning: no such file\n" + wrap("<item><title>ab</title></item>"),
            "text before the document: ignored",
        ),
        ("<br /><b>Warning</b>: x" + wrap("<item><title>ab</title></item>"), "text before the document: ignored"),
        (wrap("<item><title>ab</title><description><b>x</item>"), "ill-formed XML: read by the forgiving parser"),
    ],
)
def test_is_mended_and_told(body: str, repair: str) -> None:
    parsed = parse(body)
    assert [item.title.replace("\u200c", "") for item in parsed.items] == ["ab"]
    assert repair in parsed.facts.repairs


def test_bare_ampersands_keep_links_whole() -> None:
    (item,) = parse(wrap("<item><link>https://x.example/?a=1&b=2&copy=3</link><title>Q&A & more</title></item>")).items
    assert item.url == "https://x.example/?a=1&b=2&copy=3"
    assert item.title == "Q&A & more"


def test_json_with_byte_order_mark_and_control_characters() -> None:
    body = b'\xef\xbb\xbf{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "title": "a\tb"}]}'
    parsed = parse(body)
    assert parsed.items[0].title == "a b"
    assert parsed.facts.repairs == ("JSON with raw control characters: accepted",)


def test_half_a_feed_gives_the_items_that_are_whole() -> None:
    body = (FIXTURES / "blog.xml").read_text()
    cut = body[: body.index("<title>No date")]
    parsed = parse(cut)
    assert parsed.items[0].title == "New ward opens: R&D & care"
    assert "ill-formed XML: read by the forgiving parser" in parsed.facts.repairs


@pytest.mark.parametrize(
    "piece",
    [
        "<item><title>x</title>",
        "<a>",
        "<item>&",
        "<![CDATA[",
        "<item><description><b>",
        "]]>",
        "<!--",
        '<a b="',
        "<!DOCTYPE",
        "&#1",
        "<x:y>",
    ],
)
def test_a_large_broken_body_ends_soon(piece: str) -> None:
    body = "<rss version='2.0'><channel>" + piece * (100_000 // len(piece))
    start = time.perf_counter()
    with contextlib.suppress(Drifted):
        parse(body)
    assert time.perf_counter() - start < 5


def test_the_forgiving_parser_is_given_no_more_than_it_can_chew() -> None:
    body = b"<rss version='2.0'><channel>" + b"<item><title>x</title></item>" * TAG_LIMIT + b"<oops"
    feed = read_patiently(body)
    assert len(feed.items) == TAG_LIMIT // 4 - 1
    assert "ill-formed and large" in feed.repairs[0]


def test_endless_items_are_cut() -> None:
    parsed = parse(wrap("".join(f"<item><guid>{n}</guid></item>" for n in range(ITEM_LIMIT + 5))))
    assert len(parsed.items) == ITEM_LIMIT
    assert parsed.facts.repairs == ("more than 20,000 items: the rest was not read",)


_FRAGMENTS = [
    "<?xml version='1.0'?>", "<rss version='2.0'>", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<channel>", "<item>", "</item>", "<entry>",
    "</entry>", "<title>", "</title>", "<link>", "</link>", "<link href='x'/>", "<guid>", "</guid>", "<![CDATA[", "]]>", "&", "&nbsp;", "<!--",
    "-->", "<", ">", "text", "é", "\x00", "<pubDate>", "</pubDate>", "2026-11-20", "<media:content url='a'/>", "<georss:point>", "</rss>",
    "<podcast:liveItem status='live'>", "<!DOCTYPE x [", "<!ENTITY a 'b'>", "]>", "{", '"version":"https://jsonfeed.org/version/1"', "}",
]  # fmt: skip


def outcome(body: bytes | str) -> Parsed | str:
    """What came of it; a crash is neither."""
    try:
        return parse(body)
    except Drifted as drifted:
        return drifted.code


_NAMED = {"empty", "not_a_feed", "entity_bomb", "malformed"}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=25))
def test_any_mixture_gives_items_or_a_named_error(pieces: list[str]) -> None:
    found = outcome("".join(pieces))
    if isinstance(found, str):
        assert found in _NAMED
    else:
        assert all(0 < len(item.id) <= 512 for item in found.items)
        assert len({item.id for item in found.items}) == len(found.items)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_feed_gives_items_or_a_named_error(data: st.DataObject) -> None:
    body = bytearray(
        (
            FIXTURES / data.draw(st.sampled_from(["podcast.xml", "atom.xml", "blog.xml", "feed.json", "rdf.xml"]))
        ).read_bytes()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body) - 1))
        body[start : start + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=6))
    found = outcome(bytes(body))
    assert not isinstance(found, str) or found in _NAMED
