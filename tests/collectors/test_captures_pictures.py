"""Captures: the own JSON of Instagram, TikTok, Threads and Pinterest in each of its generations. All is invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.base import Engagement
from tests.support.captures import (
    INSTAGRAM_GRAPH,
    INSTAGRAM_LIST,
    PINTEREST,
    PINTEREST_RELAY,
    THREADS,
    TIKTOK,
    TIKTOK_EMBEDDED,
    TIKTOK_NEW,
    item,
    merged,
    why,
)

# ---- Instagram


@pytest.mark.parametrize(
    "post", [INSTAGRAM_GRAPH, {"node": INSTAGRAM_GRAPH}, INSTAGRAM_LIST], ids=["graph", "edge", "list"]
)
def test_instagram_in_every_generation_gives_the_same_post(post: dict[str, Any]) -> None:
    found = item("instagram.com", post)
    assert (found.id, found.url) == ("Cexample01", "https://www.instagram.com/p/Cexample01/")
    assert found.published_at == datetime(2024, 6, 10, 8, tzinfo=UTC)
    assert (found.text, found.categories) == ("Hand washing #nurses", ("nurses",))
    assert (found.author, found.followers, found.verified, found.sponsored) == ("77", 900, True, None)
    assert found.engagement == Engagement(views=400, likes=12, comments=3)
    assert found.media[0].medium == "video"


@pytest.mark.parametrize(
    "label",
    [
        {"product_type": "ad"},
        {"is_paid_partnership": True},
        {"sponsor_tags": [{"sponsor": {}}]},
        {"link": "https://www.facebook.com/ads/ig_redirect/?d=1"},
        {"edge_media_to_sponsor_user": {"edges": [{"node": {}}]}},
    ],
)
def test_instagram_labels_of_what_is_paid_for(label: dict[str, Any]) -> None:
    assert item("instagram.com", INSTAGRAM_LIST | label).sponsored is True


def test_instagram_the_absence_of_a_label_is_no_statement() -> None:
    assert (
        item("instagram.com", INSTAGRAM_LIST | {"is_paid_partnership": False, "sponsor_tags": None}).sponsored is None
    )


def test_instagram_hidden_counts_are_unknown() -> None:
    counts = item("instagram.com", INSTAGRAM_LIST | {"like_and_view_counts_disabled": True}).engagement
    assert counts == Engagement(comments=3)
    assert item("instagram.com", INSTAGRAM_LIST | {"like_count": -1}).engagement.likes is None


def test_instagram_reels_albums_and_lengths() -> None:
    assert item("instagram.com", INSTAGRAM_LIST | {"product_type": "clips"}).url == (
        "https://www.instagram.com/reel/Cexample01/"
    )
    assert item("instagram.com", INSTAGRAM_LIST).media[0].duration == 31.5
    album = INSTAGRAM_LIST | {
        "media_type": 8,
        "carousel_media": [{"media_type": 1}, {"media_type": 2}, {"media_type": 1}],
    }
    assert [one.medium for one in item("instagram.com", album).media] == ["image", "video"]


def test_instagram_refuses_stories_private_accounts_and_posts_without_words() -> None:
    assert why("instagram.com", INSTAGRAM_LIST | {"product_type": "story"}) == "instagram: a story, not a post"
    assert why("instagram.com", merged(INSTAGRAM_LIST, user={"is_private": True})) == "instagram: not public"
    assert why("instagram.com", INSTAGRAM_LIST | {"caption": None}) == "instagram: no words"
    assert why("instagram.com", INSTAGRAM_LIST | {"taken_at": None}) == "instagram: taken_at is not a date"


# ---- TikTok


@pytest.mark.parametrize("post", [TIKTOK, TIKTOK_EMBEDDED, TIKTOK_NEW], ids=["object", "embedded", "newest"])
def test_tiktok_in_every_generation(post: dict[str, Any]) -> None:
    found = item("tiktok.com", post)
    assert (found.id, found.author) == ("7400000000000000001", "dr_example")
    assert found.url == "https://www.tiktok.com/@dr_example/video/7400000000000000001"
    assert found.published_at == datetime(2024, 6, 10, 8, tzinfo=UTC)
    assert (found.categories, found.language, found.sponsored) == (("flu", "vaccines"), "en", None)
    assert (found.content_type, found.media[0].medium, found.media[0].duration) == ("video", "video", 61.0)
    assert (found.engagement.comments, found.engagement.shares) == (504, 2124)


def test_tiktok_exact_counts_go_before_rounded_ones() -> None:
    assert item("tiktok.com", TIKTOK).engagement.views == 1_600_000
    found = item("tiktok.com", TIKTOK_NEW)
    assert (found.engagement.views, found.engagement.likes) == (1_585_253, 38_884)
    assert (found.followers, found.country) == (1001, "US")


def test_tiktok_advertisements_images_and_unknown_languages() -> None:
    assert item("tiktok.com", TIKTOK | {"isAd": True}).sponsored is True
    images = item("tiktok.com", TIKTOK | {"imagePost": {"images": []}})
    assert (images.content_type, images.media[0].medium) == (None, "image")
    assert item("tiktok.com", TIKTOK | {"textLanguage": "un"}).language is None


def test_tiktok_refuses_live_streams_comments_and_what_is_not_public() -> None:
    assert why("tiktok.com", {"id": "1", "liveRoomInfo": {}}) == "tiktok: a live stream, not a post"
    assert why("tiktok.com", {"cid": "1", "text": "hello"}) == "tiktok: a comment, not a post"
    assert why("tiktok.com", TIKTOK | {"privateItem": True}) == "tiktok: not public"
    assert why("tiktok.com", merged(TIKTOK, author={"privateAccount": True})) == "tiktok: not public"
    assert why("tiktok.com", TIKTOK | {"desc": ""}) == "tiktok: no words"


# ---- Threads


@pytest.mark.parametrize("platform", ["threads.net", "threads.com"])
@pytest.mark.parametrize("post", [THREADS, {"post": THREADS}])
def test_threads_under_both_addresses(platform: str, post: dict[str, Any]) -> None:
    found = item(platform, post)
    assert (found.id, found.author) == ("Dexample02", "ward.example")
    assert found.url == "https://www.threads.com/@ward.example/post/Dexample02"
    assert found.published_at == datetime(2024, 6, 10, 8, tzinfo=UTC)
    assert (found.categories, found.verified, found.sponsored) == (("nursing",), False, None)
    assert found.engagement == Engagement(likes=4, comments=0, shares=3)
    assert [one.medium for one in found.media] == ["image"]


def test_threads_pieces_partnerships_and_hidden_counts() -> None:
    pieces = {"text_fragments": {"fragments": [{"plaintext": "Night "}, {"plaintext": "shift"}]}}
    assert item("threads.net", merged(THREADS, caption=None, text_post_app_info=pieces)).text == "Night shift"
    assert item("threads.net", THREADS | {"is_paid_partnership": True}).sponsored is True
    assert item("threads.net", THREADS | {"like_and_view_counts_disabled": True}).engagement.likes is None


def test_threads_refuses_reposts_and_private_profiles() -> None:
    shared = merged(THREADS, caption=None, text_post_app_info={"share_info": {"reposted_post": {"pk": "1"}}})
    assert why("threads.net", shared) == "threads: repost without own words"
    assert why("threads.net", merged(THREADS, user={"text_post_app_is_private": True})) == "threads: not public"
    assert why("threads.net", THREADS | {"caption": None}) == "threads: no words"


# ---- Pinterest


@pytest.mark.parametrize("post", [PINTEREST, PINTEREST_RELAY], ids=["resource", "relay"])
def test_pinterest_in_both_spellings_gives_the_same_pin(post: dict[str, Any]) -> None:
    found = item("pinterest.com", post)
    assert (found.id, found.url) == ("1125968647000001", "https://www.pinterest.com/pin/1125968647000001/")
    assert (found.title, found.text) == ("Ten foods for a night shift", "Meals for nurses #nightshift")
    assert found.published_at == datetime(2024, 6, 10, 8, tzinfo=UTC)
    assert (found.author, found.followers, found.sponsored) == ("ward_example", 246, None)
    assert found.engagement == Engagement(likes=7, comments=0, shares=9)


def test_pinterest_advertisements_and_videos() -> None:
    assert item("pinterest.com", PINTEREST | {"is_promoted": True}).sponsored is True
    film = PINTEREST | {"videos": {"video_list": {"V_720P": {"duration": 15_000}}}}
    assert (item("pinterest.com", film).media[0].medium, item("pinterest.com", film).media[0].duration) == (
        "video",
        15.0,
    )


def test_pinterest_refuses_what_has_no_date_and_what_is_no_public_pin() -> None:
    html = {"id": "1125968647000001", "title": "Ten foods", "body": "", "tags": [], "image": "", "_zs-origin": "html"}
    assert why("pinterest.com", html) == "pinterest: no date"
    assert why("pinterest.com", PINTEREST | {"created_at": "yesterday"}) == "pinterest: created_at is not a date"
    assert why("pinterest.com", PINTEREST | {"type": "board"}) == "pinterest: not a pin"
    assert why("pinterest.com", merged(PINTEREST, board={"privacy": "secret"})) == "pinterest: not public"
    assert why("pinterest.com", PINTEREST | {"grid_title": None, "description": " "}) == "pinterest: no words"
