"""X: real answers, as two client libraries recorded them, read by our parser; and the stand-in held against them.

Reads `api/x/` of the shared data folder. X's OpenAPI document is not in it.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from collectors.base import Page
from collectors.x import COLLECTOR
from tests.platforms.serving import START
from tests.platforms.x_platform import SEARCH, TIMELINE, X
from tests.platforms.x_visits import MINUTE, Visits, stored

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or ROOT.parent / "shared" / "data") / "api" / "x"
LISTS = (
    "searches/*.json", "timeline/*.json", "tweet/tweets_resp.json", "tweet/tweet_quote_tweets_resp.json",
    "tweet/tweets_by_user_bookmark.json", "lists/list_tweets_resp.json", "space/tweets_by_space.json",
    "user/user_liked_tweets_resp.json",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no recorded answers of X under {SHARED}; set TRENDMONITOR_SHARED"
)


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    """(where from, answer) of every recorded list of posts."""
    for pattern in LISTS:
        for path in sorted((SHARED / "pytwitter" / "testdata" / "apis").glob(pattern)):
            yield path.name, orjson.loads(path.read_bytes())
    for name in ("get_tweets", "get_users_tweets", "search_recent_tweets", "search_all_tweets"):
        cassette = yaml.safe_load(
            (SHARED / "tweepy_cassettes" / f"test_client_{name}.yaml").read_text(encoding="utf-8")
        )
        for interaction in cassette["interactions"]:
            body = interaction["response"]["body"]["string"]
            answer = orjson.loads(
                gzip.decompress(body) if isinstance(body, bytes) and body[:2] == b"\x1f\x8b" else body
            )
            if "data" in answer:
                yield name, answer


def test_recorded_answers_are_read() -> None:
    read = total = 0
    for name, answer in recorded():
        parsed = COLLECTOR.parse(SEARCH, Page(body=orjson.dumps(answer), url="https://api.x.com/2", fetched_at=START))
        posts = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
        dated = [
            one for one in posts
            if "created_at" in one and "retweeted" not in {ref["type"] for ref in one.get("referenced_tweets", ())}
        ]  # fmt: skip
        assert {item.id for item in parsed.items} == {
            (one.get("edit_history_tweet_ids") or [one["id"]])[0] for one in dated
        }, name
        assert {one.reason for one in parsed.rejected} <= {"created_at is not a date"}, name
        for item in parsed.items:
            assert item.text, name
            assert item.published_at is not None
            assert item.engagement.views is None, "no recorded answer is young enough to tell views"
        read, total = read + len(parsed.items), total + len(posts)
    assert read >= 20
    assert total >= 40


def shapes(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """(path, JSON type) of everything in an answer; positions in lists do not count."""
    yield at, type(value).__name__
    if isinstance(value, dict):
        for name, one in value.items():
            yield from shapes(one, f"{at}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from shapes(one, f"{at}[]")


async def test_the_stand_in_answers_in_the_types_of_the_real_one() -> None:
    known: dict[str, set[str]] = {}
    for _, answer in recorded():
        for path, kind in shapes(answer):
            known.setdefault(path, set()).add(kind)
    with X(posts=20) as platform:
        platform.add(START - MINUTE, 1, attachments={"media_keys": ["13_1", "3_2"]}, geo={"place_id": "p1"})
        pages = []
        for source in (SEARCH, TIMELINE):
            visits = Visits(platform, source)
            await visits.go()
            pages += visits.pages
        platform.remove_one()
        visits = Visits(platform)
        await visits.go(stored(platform))
        pages += visits.pages
    compared = set()
    for page in pages:
        for path, kind in shapes(orjson.loads(page.body or b"")):
            if path in known:
                assert kind in known[path], path
                compared.add(path)
    needed = {
        ".data[].id",
        ".data[].created_at",
        ".data[].public_metrics.like_count",
        ".includes.users[].id",
        ".meta.newest_id",
    }
    assert needed <= compared
