"""The views of one issue: mail that reads in any program, its plain twin, Markdown and a chat line."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from monitor.core.digest import Message
from monitor.core.digest_compose import compose
from monitor.deliver.render import foreign, render, unlinked
from monitor.deliver.render_text import WIDTH
from monitor.store import Store
from tests.support.digests import CONFIG, HOSTILE, NOW, SPEC, facts_of, fill, visit

BASE = "https://trends.example.org"


def png(width: int = 1078, height: int = 640) -> bytes:
    """A real grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\xee" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def shown(document: Mapping[str, Any], *, base: str | None = BASE, **more: Any) -> Message:
    return render(document, locale=str(document["locale"]), base_url=base, chart_png=lambda _: png(), **more)


@pytest.fixture(scope="module")
def issue(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> dict[str, Any]:
    """The document of an eventful week, with hostile names and titles."""
    path = tmp_path_factory.mktemp("issue") / "t.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{path}")
    names = {0: HOSTILE, 1: "who.int News & Co", 2: "x" * 90, 5: HOSTILE}
    fill(store, sources=24, weekly=20, jump=2.5, names=names, unseen={5: (8, 10)})
    visit(store, "s01", ok=False)
    visit(store, "s05", ok=False, message="<script>alert('x')</script> https://evil.example/")
    store.record_event(
        "verdict_changed",
        at=NOW - timedelta(hours=1),
        subject="video-rising",
        detail={"from": "supported", "to": "inconclusive"},
    )
    signal = {"id": "a b", "says": HOSTILE + " rose", "state": "open"}
    document = compose(SPEC, facts_of(store, book=CONFIG.claims, signals=[signal]))
    store.close()
    return document


class Reader(HTMLParser):
    """Tags with their attributes, and whether they nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_mail_uses_only_what_every_program_shows(issue: dict[str, Any]) -> None:
    message = shown(issue)
    read = Reader(message.html)
    assert read.open == []
    assert message.html.index("<meta charset") < 200
    kinds = {tag for tag, _ in read.tags}
    assert not kinds & {"script", "form", "svg", "iframe", "input", "link", "object", "video"}
    assert len(message.html.encode()) < 80_000
    lower = message.html.lower()
    for refused in (
        "base64",
        "var(--",
        "display: flex",
        "display:flex",
        "position:",
        "#ffffff",
        "#000000",
    ):
        assert refused not in lower, refused
    attributes = [(tag, dict(values)) for tag, values in read.tags]
    (page,) = [values for tag, values in attributes if tag == "html"]
    assert (page["lang"], page["dir"]) == ("en", "ltr")
    assert any(values.get("name") == "color-scheme" and values["content"] == "light dark" for _, values in attributes)
    for tag, values in attributes:
        assert not any(name.startswith("on") for name in values)
        if tag == "table":
            assert values.get("role") == "presentation" or "data" in str(values.get("class"))
        if tag in ("td", "th", "p", "h2"):
            assert values.get("style"), (tag, values)
    assert any("max-width: 600px" in str(values.get("style")) for tag, values in attributes if tag == "table")


def test_pictures_have_sizes_words_and_a_table_below(issue: dict[str, Any]) -> None:
    message = shown(issue)
    (picture,) = message.pictures
    assert (picture.width, picture.height) == (539, 320)
    (image,) = [values for tag, values in Reader(message.html).tags if tag == "img"]
    assert image["src"] == f"cid:{picture.cid}"
    assert (image["width"], image["height"]) == ("539", "320")
    assert image["alt"] == picture.alt
    assert "%" in picture.alt
    for row in next(one["chart"] for one in issue["sections"] if one["chart"])["table"]["rows"]:
        assert row["cells"][1] in unescape(message.html)
        assert row["cells"][1] in message.text


def test_a_wide_picture_is_shown_no_wider_than_the_mail(issue: dict[str, Any]) -> None:
    message = render(issue, locale="en", base_url=None, chart_png=lambda _: png(2000, 1000))
    assert (message.pictures[0].width, message.pictures[0].height) == (560, 280)
    with pytest.raises(ValueError, match="PNG"):
        render(issue, locale="en", base_url=None, chart_png=lambda _: b"<svg/>")


def test_hostile_names_are_only_text(issue: dict[str, Any]) -> None:
    message = shown(issue)
    for text in (message.html, message.text, message.markdown, message.short, message.subject, message.preheader):
        assert "\u202e" not in text
        assert "\r" not in text
    assert "\n" not in message.subject + message.preheader
    assert "<b>ev" not in message.html.lower()
    assert "<script" not in message.html
    assert "who.int" not in message.html, "mail programs would make a link of it"
    assert "who\u2060.int" in message.html
    assert "x@evil.example" not in message.html
    links = [str(values["href"]) for tag, values in Reader(message.html).tags if tag == "a"]
    assert links
    assert all(link.startswith(("https://trends.example.org", "https://example.org/")) for link in links)
    assert "](javascript:" not in message.markdown
    assert "<b>" not in message.markdown.replace("\\<b\\>", "")
    cells = [line for line in message.markdown.splitlines() if line.startswith("| ") and "Evil" in line]
    assert all(line.replace("\\|", "").count("|") == 5 for line in cells)


def test_links_are_absolute_or_absent(issue: dict[str, Any]) -> None:
    with_links, without = shown(issue), shown(issue, base=None)
    for one in (with_links.html, with_links.text, with_links.markdown):
        assert f"{BASE}/claims/video-rising" in one
        assert f"{BASE}/api/v1/claims/video-rising" in one
    assert with_links.links == {"view": f"{BASE}/digests/weekly", "change": f"{BASE}/digests/weekly"}
    assert with_links.short.endswith(f"{BASE}/digests/weekly")
    assert without.links == {}
    for tag, values in Reader(without.html).tags:
        assert tag != "a" or str(values["href"]).startswith("https://example.org/")
    assert "/api/v1/" not in without.text
    own = shown(issue, links={"unsubscribe": "https://u.example/t", "view": "https://v.example/1"})
    assert own.links["view"] == "https://v.example/1"
    assert "https://u.example/t" in own.html
    assert "Unsubscribe from this digest: https://u.example/t" in own.text


def test_the_plain_twin_says_the_same_in_the_same_order(issue: dict[str, Any]) -> None:
    message = shown(issue)
    flat = " ".join(message.text.split())
    places = [flat.find(" ".join(one["title"].upper().split())) for one in issue["sections"] if one["title"]]
    assert -1 not in places
    assert places == sorted(places)
    for section in issue["sections"]:
        for one in section["says"]:
            assert " ".join(one["text"].split()) in flat
    for number in issue["numbers"]:
        assert number["text"] in message.text
    for line in message.text.splitlines():
        assert len(line) <= WIDTH + 4 or "://" in line or "trendmonitor" in line, line


def test_the_short_form_is_short_and_has_the_answer(issue: dict[str, Any]) -> None:
    short = shown(issue).short
    assert len(short) <= 900
    assert len(short.splitlines()) <= 7
    assert "Telehealth" in short
    assert "sources that should have been observed" in short


def test_the_same_document_gives_the_same_bytes(issue: dict[str, Any]) -> None:
    assert shown(issue) == shown(issue)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", shown(issue).key)
    assert shown({**issue, "digest": "wöchentlich / x"}).key == "w-chentlich-x.2026-07-06.2026-07-13"


def test_made_up_posts_are_marked_in_every_view(issue: dict[str, Any]) -> None:
    made_up = {**issue, "generated": True, "headline": f"Made-up data. {issue['headline']}"}
    message = shown(made_up)
    assert "are made up" in message.html
    for text in (message.text, message.markdown, message.short):
        assert "Made-up data" in text.replace("\\", "")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("example.org", "example\u2060.org"),
        ("12.5 and 3.", "12.5 and 3."),
        ("a@b.example", "a\u2060@b\u2060.example"),
        ("https://x.y", "https:\u2060//x\u2060.y"),
    ],
)
def test_names_are_not_taken_for_addresses(text: str, safe: str) -> None:
    assert unlinked(text) == safe


def test_long_words_may_break() -> None:
    assert foreign("<" * 30) == "&lt;" * 24 + "<wbr>" + "&lt;" * 6
