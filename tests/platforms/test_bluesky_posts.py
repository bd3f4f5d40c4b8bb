"""What is made of one post of Bluesky."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from collectors.atproto_api.posts import item_of_record
from collectors.base import NO_ENGAGEMENT, Drifted, Engagement, Item, Page
from collectors.bluesky import COLLECTOR
from collectors.reading import UnreadableItemError
from tests.platforms.bluesky_platform import WARD, author, iso, record, ref, source, tid
from tests.platforms.serving import START

ACCOUNT = source("https://bsky.app/profile/ward-seven.example")


def view(**changes: Any) -> dict[str, Any]:
    uri = f"at://{WARD}/app.bsky.feed.post/{tid(1)}"
    return {
        "uri": uri, "cid": "bafy", "author": author(WARD), "record": record("Hello", START), "indexedAt": iso(START)
    } | changes  # fmt: skip


def read(entry: dict[str, Any]) -> Item:
    page = Page(orjson.dumps({"feed": [{"post": entry}]}), "https://x.example", START, context={"kind": "feed"})
    found = COLLECTOR.parse(ACCOUNT, page)
    assert not found.rejected
    return found.items[0]


def of(**changes: Any) -> Item:
    return read(view(record=record("Hello", START) | changes))


def test_counts_that_are_left_out_are_unknown_and_zero_is_zero() -> None:
    assert read(view()).engagement == NO_ENGAGEMENT
    told = view(likeCount=0, replyCount=3, repostCount=1, quoteCount=4)
    assert read(told).engagement == Engagement(likes=0, comments=3, shares=5)
    assert read(view(repostCount=0)).engagement == Engagement(shares=0)


@pytest.mark.parametrize(
    ("created", "wanted"),
    [
        (START - timedelta(days=3), START - timedelta(days=3)),
        (START + timedelta(days=900), START),
    ],
)
def test_the_earlier_of_both_times_counts(created: datetime, wanted: datetime) -> None:
    assert of(createdAt=iso(created)).published_at == wanted


def test_a_date_that_is_none_is_replaced_and_told() -> None:
    item = of(createdAt="yesterday")
    assert item.published_at == START
    assert item.repairs


def test_links_that_are_cut_for_show_are_written_out() -> None:
    text = "Über 😷 see example.org/a/ve… and read this"
    start, end = text.encode().index(b"example"), text.encode().index(b" and")
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.org/a/very/long/address"}
    named = {"$type": "app.bsky.richtext.facet#link", "uri": "https://other.example/"}
    facets = [
        {"index": {"byteStart": start, "byteEnd": end}, "features": [link]},
        {"index": {"byteStart": len(text.encode()) - 4, "byteEnd": len(text.encode())}, "features": [named]},
        {"index": {"byteStart": -1, "byteEnd": 9000}, "features": [link, 7]},
        "odd",
    ]
    assert of(text=text, facets=facets).text == "Über 😷 see https://example.org/a/very/long/address and read this"


def test_tags_come_from_the_text_and_from_beside_it_once_each() -> None:
    feature = {"$type": "app.bsky.richtext.facet#tag", "tag": "flu"}
    facets = [{"index": {"byteStart": 0, "byteEnd": 4}, "features": [feature]}]
    assert of(text="#flu", facets=facets, tags=["#ward", "flu", "", 7]).categories == ("flu", "ward")


@pytest.mark.parametrize(
    ("langs", "wanted"),
    [(["en"], "en"), (["pt-BR"], "pt"), (["en", "en-GB"], "en"), (["en", "de"], None), (["fil"], None), (None, None), ([7], None)],
)  # fmt: skip
def test_one_declared_language_is_taken(langs: Any, wanted: str | None) -> None:
    assert of(langs=langs).language == wanted


def blob(mime: str) -> dict[str, Any]:
    return {"$type": "blob", "ref": {"$link": "bafycid"}, "mimeType": mime, "size": 1}


@pytest.mark.parametrize(
    ("embed", "wanted"),
    [
        ({"$type": "app.bsky.embed.images", "images": [{"alt": "", "image": blob("image/jpeg")}]}, ("image/jpeg", "image")),
        ({"$type": "app.bsky.embed.images", "images": [{"image": {"cid": "bafycid", "mimeType": "image/png"}}]}, ("image/png", "image")),
        ({"$type": "app.bsky.embed.gallery", "items": [{"image": blob("image/webp")}]}, ("image/webp", "image")),
        ({"$type": "app.bsky.embed.video", "video": blob("video/mp4")}, ("video/mp4", "video")),
        ({"$type": "app.bsky.embed.video", "video": blob("video/mp4"), "presentation": "gif"}, ("", "image")),
        ({"$type": "app.bsky.embed.external", "external": {"uri": "https://e.example/a", "title": "", "description": ""}}, ("", "")),
    ],
)  # fmt: skip
def test_what_is_embedded_is_told(embed: dict[str, Any], wanted: tuple[str, str]) -> None:
    media = of(embed=embed).media
    assert [(one.type, one.medium) for one in media] == [wanted]
    assert media[0].url.startswith("https://")
    both = {"$type": "app.bsky.embed.recordWithMedia", "record": {}, "media": embed}
    assert of(embed=both).media == media


def test_only_the_post_with_the_link_of_the_broadcast_is_live() -> None:
    card = {"$type": "app.bsky.embed.external", "external": {"uri": "https://live.example/1"}}
    status = {"status": "app.bsky.actor.status#live", "isActive": True, "record": {}, "embed": card}
    on_air = author(WARD) | {"status": status}
    with_link = record("Join us", START, embed=card)
    assert read(view(author=on_air, record=with_link)).live == "live"
    assert read(view(author=on_air)).live is None
    over = author(WARD) | {"status": status | {"isActive": False}}
    assert read(view(author=over, record=with_link)).live is None
    assert read(view(record=with_link)).live is None


@pytest.mark.parametrize("label", ["!no-unauthenticated", "!hide", "!takedown"])
def test_posts_that_are_labelled_not_to_be_shown_are_left_out(label: str) -> None:
    own = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": label}]}
    for hidden in (
        view(labels=[{"val": label}]),
        view(author=author(WARD) | {"labels": [{"val": label}]}),
        view(record=record("Hello", START, labels=own)),
    ):
        page = Page(orjson.dumps({"feed": [{"post": hidden}]}), "", START, context={"kind": "feed"})
        assert COLLECTOR.parse(ACCOUNT, page).items == ()


def test_a_content_warning_is_no_reason_to_leave_a_post_out() -> None:
    assert of(labels={"values": [{"val": "graphic-media"}]}).text == "Hello"


def test_an_item_that_cannot_be_read_is_set_aside_and_the_others_are_not_affected() -> None:
    entries = [{"post": view()}, {"post": view(uri="https://no.example")}, {"post": None}, 7, {"post": view(record=1)}]
    page = Page(orjson.dumps({"feed": entries}), "", START, context={"kind": "feed"})
    found = COLLECTOR.parse(ACCOUNT, page)
    assert len(found.items) == 1
    assert len(found.rejected) == 4
    assert all(one.raw for one in found.rejected)


def test_a_reply_is_a_post_and_links_lead_to_the_post() -> None:
    item = of(reply={"root": ref(), "parent": ref()})
    assert item.url == f"https://bsky.app/profile/{WARD}/post/{tid(1)}"
    assert (item.title, item.sponsored, item.country) == ("", None, None)
    assert item.published_at is not None
    assert item.published_at.tzinfo is UTC


def test_a_record_without_any_time_is_no_post() -> None:
    with pytest.raises(UnreadableItemError):
        item_of_record(WARD, "a", {"text": "x"}, None)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"posts": 1}'])
def test_a_page_that_is_something_else_has_drifted(body: bytes) -> None:
    for context in ({"kind": "feed"}, {"kind": "posts", "asked": []}):
        with pytest.raises(Drifted):
            COLLECTOR.parse(ACCOUNT, Page(body, "", START, context=context))
