"""Lists of feeds in and out."""

from __future__ import annotations

import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Drifted, Source
from collectors.feeds.opml import OpmlFeed, parse_opml, to_source, write_opml


def opml(body: str, head: str = "<title>My list</title>") -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><head>{head}</head><body>{body}</body></opml>'.encode()


def test_folders_names_languages_and_categories() -> None:
    report = parse_opml(
        opml(
            '<outline text="Health"><outline text="Europe">'
            '<outline type="rss" text="A &amp; B" title="A &amp;amp; B" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/"'
            ' language="de-AT" category="/medicine/nursing, news"/>'
            '</outline></outline><outline text="Top" xmlUrl="https://b.example/feed"/>'
        )
    )
    assert report.title == "My list"
    assert report.skipped == ()
    assert report.outlines == (
        OpmlFeed(
            url="https://a.example/feed",
            title="A & B",
            html_url="https://a.example/",
            folder=("Health", "Europe"),
            category=("/medicine/nursing", "news"),
            language="de",
        ),
        OpmlFeed(url="https://b.example/feed", title="Top"),
    )


@pytest.mark.parametrize("name", ["xmlUrl", "xmlurl", "XMLURL", "XmlURL", "feedUrl"])
def test_the_address_whatever_its_case(name: str) -> None:
    assert (
        parse_opml(opml(f'<outline text="x" {name}=" https://a.example/f "/>')).outlines[0].url == "https://a.example/f"
    )


@pytest.mark.parametrize(
    ("outline", "url"),
    [
        ('<outline type="rss" url="https://a.example/f"/>', "https://a.example/f"),
        ('<outline xmlUrl="feed://a.example/f"/>', "http://a.example/f"),
        ('<outline xmlUrl="feed:https://a.example/f"/>', "https://a.example/f"),
    ],
)
def test_other_ways_to_write_it(outline: str, url: str) -> None:
    assert parse_opml(opml(outline)).outlines[0].url == url


@pytest.mark.parametrize(
    ("outline", "reason"),
    [
        ('<outline text="just a note"/>', "no xmlUrl"),
        ('<outline type="link" url="https://a.example/"/>', "no xmlUrl"),
        ('<outline type="include" url="https://a.example/x.opml"/>', "import that list"),
        ('<outline xmlUrl="ftp://a.example/f"/>', "not a web address"),
        ('<outline xmlUrl="javascript:alert(1)"/>', "not a web address"),
        ('<outline xmlUrl="http://[bad"/>', "not a web address"),
        ('<outline xmlUrl="https://twice.example/"/><outline xmlUrl="https://twice.example/"/>', "already in the list"),
    ],
)
def test_what_is_skipped_says_why(outline: str, reason: str) -> None:
    report = parse_opml(opml(outline + '<outline xmlUrl="https://good.example/f"/>'))
    assert report.outlines[-1].url == "https://good.example/f"
    (skipped,) = report.skipped
    assert reason in skipped[1]
    assert skipped[0].startswith("line 1: ")


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (opml('<outline text="Caf&eacute; & Co" xmlUrl="https://a.example/?a=1&b=2"/>'), "Café & Co"),
        (opml('<outline text="Cafe" xmlUrl="https://a.example/?a=1&amp;b=2">'), "Cafe"),
        (opml('<outline text="Café" xmlUrl="https://a.example/?a=1&amp;b=2"/>').decode().encode("cp1252"), "Café"),
        (opml('<outline text="Café" xmlUrl="https://a.example/?a=1&amp;b=2"/>').decode().encode("utf-16"), "Café"),
        (b"junk\n" + opml('<outline text="Cafe" xmlUrl="https://a.example/?a=1&amp;b=2"/>'), "Cafe"),
        (b'<outline text="Cafe" xmlUrl="https://a.example/?a=1&amp;b=2"/>', "Cafe"),
    ],
)
def test_malformed_lists_are_read(data: bytes, title: str) -> None:
    (feed,) = parse_opml(data).outlines
    assert (feed.title, feed.url) == (title, "https://a.example/?a=1&b=2")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_opml"),
        (b"<html><body/></html>", "not_opml"),
        (b"\x89PNG", "not_opml"),
        (
            b'<!DOCTYPE opml [<!ENTITY a SYSTEM "file:///etc/passwd">]><opml><body><outline text="&a;"/></body></opml>',
            "entity_bomb",
        ),
    ],
)
def test_what_is_no_list_is_named(data: bytes, code: str) -> None:
    with pytest.raises(Drifted) as caught:
        parse_opml(data)
    assert caught.value.code == code


_NAMES = st.text(
    alphabet=st.characters(exclude_categories=["C", "Z"], exclude_characters="<>&\x1e"), min_size=1, max_size=20
)
_SOURCES = st.builds(
    Source,
    id=st.text(alphabet=string.ascii_lowercase + "-", min_size=1, max_size=12),
    collector=st.sampled_from(["feed", "youtube"]),
    platform=st.sampled_from(["web", "podcast"]),
    url=st.integers(0, 10**6).map(lambda n: f"https://s{n}.example/feed?a=1&b={n}"),
    name=_NAMES,
    content_type=st.sampled_from([None, "video", "podcast", "news", "other"]),
    audience=st.sampled_from([(), ("nurses",), ("nurses", "physicians")]),
    country=st.sampled_from([None, "DE", "US"]),
    language=st.sampled_from([None, "de", "en"]),
    every=st.sampled_from([None, timedelta(minutes=30)]),
)


@given(st.lists(_SOURCES, max_size=8, unique_by=lambda source: source.url))
def test_what_is_written_comes_back(sources: list[Source]) -> None:
    report = parse_opml(write_opml(sources))
    assert report.skipped == ()
    assert report.repairs == ()
    back = {feed.url: to_source(feed, "unnamed") for feed in report.outlines}
    assert back == {source.url: source for source in sources}


def test_options_are_not_written() -> None:
    source = Source(id="x", collector="feed", platform="web", url="https://x.example/", options={"token": "hush"})
    assert b"hush" not in write_opml([source])


def test_a_name_that_xml_cannot_carry() -> None:
    source = Source(id="x", collector="feed", platform="web", url="https://x.example/", name="a\x00\x0bb\ud800 <&>")
    assert parse_opml(write_opml([source])).outlines[0].title == "ab <&>"
