"""Real answers of Meta's older Graph APIs are read, and what is asked of Threads is in its official collection."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from collectors.base import Page, Parsed
from collectors.graph import threads
from collectors.graph.faults import read_fault
from collectors.meta import COLLECTOR
from tests.platforms.meta_platform import source
from tests.platforms.meta_posts import Kind

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "data"
META = SHARED / "api" / "meta"
TESTDATA = META / "testdata"
NOW = datetime(2026, 11, 21, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not TESTDATA.is_dir(), reason=f"the recorded answers are not in {TESTDATA}")


def load(name: str) -> Any:
    return orjson.loads((TESTDATA / name).read_bytes())


def read(kind: Kind, body: Any, **context: Any) -> Parsed:
    page = Page(body=orjson.dumps(body), url="https://graph.facebook.com/", fetched_at=NOW, context=context)
    return COLLECTOR.parse(source(kind), page)


@pytest.mark.parametrize(
    "name",
    [
        "posts/feed_fields_p1.json",
        "posts/feed_fields_p2.json",
        "posts/feeds_default_fields_p1.json",
        "posts/feeds_default_fields_p2.json",
        "groups/feed_p1.json",
    ],
)
def test_lists_of_posts_are_read(name: str) -> None:
    body = load(f"facebook/apidata/{name}")
    parsed = read("page", body)
    assert parsed.rejected == ()
    skipped = [post for post in body["data"] if post.get("status_type") == "shared_story" and "message" not in post]
    assert len(parsed.items) == len(body["data"]) - len(skipped) > 0
    for item in parsed.items:
        assert item.published_at is not None
        assert item.author == item.id.partition("_")[0]


def test_a_post_of_a_page_is_read_in_full() -> None:
    post = load("facebook/apidata/posts/feeds_default_fields_p1.json")["data"][0]
    (item,) = read("page", {"data": [post]}).items
    assert item.published_at == datetime(2021, 7, 9, 19, 9, 52, tzinfo=UTC)
    assert (item.engagement.likes, item.engagement.comments, item.engagement.shares) == (125, 13, 10)
    assert item.url == "https://www.facebook.com/19292868552/posts/10158349356748553/"
    assert item.text.startswith("Singaporean logistics company")
    assert item.media[0].medium == "image"


@pytest.mark.parametrize("name", ["multi_posts_data.json", "multi_posts_data_fields.json"])
def test_posts_that_are_looked_up_are_read(name: str) -> None:
    posts = load(f"facebook/apidata/posts/{name}")
    gone = {"error": load("base/error_data.json")["error"]}
    missing = {"error": {"code": 100, "error_subcode": 33, "message": "Object with ID '1_2' does not exist"}}
    entries = [{"code": 200, "body": orjson.dumps(post).decode()} for post in posts.values()]
    entries += [{"code": 400, "body": orjson.dumps(one).decode()} for one in (gone, missing)]
    parsed = read("page", entries, asked=[*posts, "no_leave", "1_2"])
    assert {item.id for item in parsed.items if not item.deleted} == set(posts)
    assert [item.id for item in parsed.items if item.deleted] == ["1_2"]  # a lack of permission is no deletion


@pytest.mark.parametrize(
    "name",
    [
        "base/discovery_medias_p1.json",
        "base/discovery_medias_p2.json",
        "instagram/apidata/discovery/medias_p1.json",
        "instagram/apidata/discovery/medias_p2.json",
    ],
)
def test_posts_of_accounts_are_read(name: str) -> None:
    body = load(name)
    parsed = read("account", body)
    posts = body["business_discovery"]["media"]["data"]
    assert parsed.rejected == ()
    assert [item.id for item in parsed.items] == [post["id"] for post in posts]
    assert [item.engagement.likes for item in parsed.items] == [post.get("like_count") for post in posts]
    assert all(item.published_at for item in parsed.items)
    assert {media.medium for item in parsed.items for media in item.media} <= {"image", "video", ""}


@pytest.mark.parametrize(
    "name",
    [
        "hashtags/hashtag_recent_medias_p1.json",
        "hashtags/hashtag_recent_medias_p2.json",
        "hashtags/hashtag_top_medias_p1.json",
        "hashtags/hashtag_top_medias_p2.json",
        "users/medias_p1.json",
        "users/medias_p2.json",
        "users/tagged_medias.json",
    ],
)
def test_posts_of_hashtags_are_read(name: str) -> None:
    body = load(f"instagram/apidata/{name}")
    parsed = read("hashtag", body)
    assert parsed.rejected == ()
    assert [item.id for item in parsed.items] == [post["id"] for post in body["data"]]
    assert all(item.author is None for item in parsed.items)


@pytest.mark.parametrize("name", ["error.json", "base/error_data.json"])
def test_a_lack_of_public_content_access_is_recognised(name: str) -> None:
    fault = read_fault(load(name))
    assert fault is not None
    assert fault.about_approval
    assert not fault.about_absence


def test_what_is_asked_of_threads_is_in_its_official_collection() -> None:
    collection = orjson.loads((META / "threads_postman_collection.json").read_bytes())
    variables = {one["key"]: one.get("value") or "" for one in collection["variable"]}
    paths: dict[str, set[str]] = {}

    def gather(entries: list[Any]) -> None:
        for one in entries:
            gather(one.get("item", []))
            url = one.get("request", {}).get("url", {})
            if isinstance(url, dict) and url.get("path"):
                paths.setdefault("/".join(url["path"]), set()).update(query["key"] for query in url.get("query", []))

    gather(collection["item"])
    assert paths["keyword_search"] >= {"q", "search_type", "search_mode", "limit", "since", "until", "fields"}
    assert paths["profile_posts"] >= {"username", "fields"}
    assert paths["profile_lookup"] >= {"username"}
    assert "me" in paths
    known = {*variables["fields_threads"].split(","), *variables["fields_replies"].split(",")}
    asked = {*threads._SEARCH_FIELDS.split(","), *threads._PROFILE_FIELDS.split(",")}
    assert asked <= known
    for need in (threads.NEEDS_SEARCH, threads.NEEDS_PROFILE):
        assert need.rpartition(" ")[2] in variables["scope"].split(",")
