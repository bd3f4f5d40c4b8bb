"""X: what a post becomes, and which addresses a source may have."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from collectors.base import (
    Drifted,
    Engagement,
    Media,
    Page,
    Source,
)
from collectors.options import Problem
from collectors.x import COLLECTOR
from collectors.x_api.addresses import Target, read_target
from collectors.x_api.budget import price, share_for_new
from tests.platforms.serving import START
from tests.platforms.x_platform import AUTHOR, SEARCH, TIMELINE, X
from tests.platforms.x_visits import MINUTE, Visits, one

# What a post becomes


async def test_a_post_with_everything() -> None:
    with X(posts=0) as platform:
        item = await one(
            platform,
            text="flu &amp; more https://t.co/a https://t.co/b",
            lang="in",
            paid_partnership=True,
            geo={"place_id": "p1"},
            attachments={"media_keys": ["13_1", "3_2", "unknown"]},
            entities={
                "urls": [
                    {"url": "https://t.co/a", "expanded_url": "https://news.example/flu"},
                    {"url": "https://t.co/b", "expanded_url": "https://x.com/x/status/1/video/1", "media_key": "13_1"},
                ],
                "hashtags": [{"tag": "flu"}, {"tag": "flu"}],
            },
            public_metrics={
                "retweet_count": 3, "reply_count": 1, "like_count": 12, "quote_count": 0, "impression_count": 940,
            },
        )  # fmt: skip
    assert item.text == "flu & more https://news.example/flu"
    assert item.title == ""
    assert item.published_at == START - timedelta(hours=1)
    assert item.updated_at is None
    assert (item.author, item.author_bio, item.followers) == (AUTHOR, "Invented people & public health", 1200)
    assert item.verified is True
    assert (item.language, item.country, item.location) == ("id", "NL", "Inventia, XX")
    assert item.sponsored is True
    assert item.live is None
    assert item.content_type is None
    assert item.categories == ("flu",)
    assert item.engagement == Engagement(views=940, likes=12, comments=1, shares=3)
    assert item.media == (
        Media("https://video.example/13_1.mp4", "video/mp4", "video", 46.947),
        Media("https://pbs.example/3_2.jpg", "", "image", None),
    )


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("en", "en"),
        ("und", None),
        ("zxx", None),
        ("qme", None),
        ("art", None),
        ("zh-TW", "zh"),
        ("iw", "he"),
        ("ckb", None),
    ],
)
async def test_languages(told: str, meant: str | None) -> None:
    with X(posts=0) as platform:
        assert (await one(platform, lang=told)).language == meant


@pytest.mark.parametrize(
    ("facts", "meant"),
    [
        ({"verified_type": "government"}, True),
        ({"verified_type": "blue", "verified": True}, False),
        ({"verified_type": "none"}, False),
        ({"verified_type": None, "verified": True}, True),
        ({"verified_type": None, "verified": None}, None),
    ],
)
async def test_a_mark_that_is_bought_vouches_for_nobody(facts: dict[str, Any], meant: bool | None) -> None:
    with X(posts=0) as platform:
        platform.users[AUTHOR] |= facts
        assert (await one(platform)).verified is meant


async def test_a_point_is_written_with_latitude_first() -> None:
    with X(posts=0) as platform:
        geo = {"coordinates": {"type": "Point", "coordinates": [4.9, 52.37]}}
        platform.add(START - MINUTE, 1, geo={"place_id": "p1", **geo})
        visits = Visits(platform)
        await visits.go()
        page = visits.pages[0]
        document = orjson.loads(page.body or b"")
        del document["includes"]["places"]
        (item,) = COLLECTOR.parse(SEARCH, replace(page, body=orjson.dumps(document))).items
    assert (item.location, item.country) == ("52.37,4.9", None)


async def test_what_is_not_told_stays_unknown() -> None:
    with X(posts=0) as platform:
        item = await one(platform, public_metrics=None, paid_partnership=None, lang=None, entities=None)
    assert item.engagement == Engagement()
    assert (item.sponsored, item.language, item.country, item.location) == (None, None, None, None)
    assert (item.media, item.categories) == ((), ())


async def test_errors_beside_the_posts_are_counted_and_no_failure() -> None:
    with X(posts=3) as platform:
        platform.partial_errors = True
        visits = Visits(platform)
        assert len(await visits.go()) == 3
        repairs = COLLECTOR.parse(SEARCH, visits.pages[0]).facts.repairs
    assert repairs == ("X left out something that belongs to a post: resource-not-found, 1 times",)


async def test_replies_can_be_left_out() -> None:
    for source in (SEARCH, TIMELINE):
        with X(posts=3) as platform:
            platform.add(START - MINUTE, 1, referenced_tweets=[{"type": "replied_to", "id": "17"}])
            assert len(await Visits(platform, source).go()) == 4
            assert len(await Visits(platform, source, replies=False).go()) == 3


def test_an_answer_that_is_no_list_has_drifted() -> None:
    for body in (b'{"data": {"id": "1"}}', b'{"hello": 1}', b"[]", b"<html>"):
        with pytest.raises(Drifted):
            COLLECTOR.parse(SEARCH, Page(body=body, url="https://api.x.com/2/tweets", fetched_at=START))


# Addresses and options


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://x.com/search?q=flu%20vaccine&src=typed_query&f=live", Target("search", "flu vaccine")),
        ("https://twitter.com/search?q=%23flu", Target("search", "#flu")),
        ("https://x.com/hashtag/flu", Target("search", "#flu")),
        ("https://www.x.com/CDCgov/", Target("timeline", "CDCgov")),
        ("https://mobile.twitter.com/@WHO", Target("timeline", "WHO")),
    ],
)
def test_addresses_that_are_taken(url: str, target: Target) -> None:
    assert read_target(url) == target
    assert COLLECTOR.check(replace(SEARCH, url=url)) == []


@pytest.mark.parametrize(
    ("url", "what", "instead"),
    [
        ("https://x.com/CDCgov/status/1990000000000000001", "single post", "https://x.com/CDCgov"),
        ("https://x.com/i/web/status/19", "lists", "search?q="),
        ("https://x.com/home", "neither", "search?q="),
        ("https://x.com/", "neither", "search?q="),
        ("https://x.com/search?q=", "empty", "search?q="),
        ("https://x.com/search?q=flu%20min_faves%3A10", "website only", "min_likes:"),
        ("https://x.com/search?q=flu%20-filter%3Alinks", "website only", "has:links"),
        ("https://x.com/search?q=flu%20since%3A2026-01-01", "website only", "days"),
        ("https://x.com/search?q=lang%3Aen%20-cold", "only narrows", "add a word"),
        ("https://x.com/search?q=%22flu", "not closed", "close it"),
        (f"https://x.com/search?q={'flu%20' * 130}", "512", "split"),
        ("https://x.com/a-name-with-dashes", "cannot be the name", "15 letters"),
        ("https://x.com/CDCgov/media", "by itself", "https://x.com/CDCgov"),
        ("https://127.0.0.1/CDCgov", "not an address of X", "https://x.com/NAME"),
        ("https://x.com.evil.example/CDCgov", "not an address of X", "https://x.com/NAME"),
    ],
)
def test_other_addresses_are_explained(url: str, what: str, instead: str) -> None:
    (problem,) = COLLECTOR.check(replace(SEARCH, url=url))
    assert isinstance(problem, Problem)
    assert problem.path == ("url",)
    assert what in problem.what
    assert instead in problem.instead


def test_a_quoted_colon_is_no_operator() -> None:
    assert COLLECTOR.check(replace(SEARCH, url="https://x.com/search?q=%22since%3A%20flu%22")) == []


def test_reposts_are_left_out_of_the_whole_search() -> None:
    assert Target("search", "flu OR cold").query(replies=False) == "(flu OR cold) -is:retweet -is:reply"
    assert Target("search", "flu -is:retweet").query(replies=True) == "flu -is:retweet"


@pytest.mark.parametrize(
    ("options", "name"), [({"days": 8}, "days"), ({"usd_a_day": 0.1}, "usd_a_day"), ({"recheck": False}, "recheck")]
)
def test_wrong_options_are_named(options: dict[str, Any], name: str) -> None:
    (problem,) = COLLECTOR.check(replace(SEARCH, options=options))
    assert problem.path == ("options", name)


def test_the_smallest_budget_pays_for_the_smallest_page() -> None:
    low = COLLECTOR.options["usd_a_day"].low
    assert price(10, 10) <= low * share_for_new(author_each=True) + 1e-9
    assert price(10, 0) <= low * share_for_new(author_each=False)
    assert price(5, 2) <= low * share_for_new(author_each=False)


def test_the_sources_of_the_documentation_are_right() -> None:
    text = (Path(__file__).parents[2] / "docs" / "platforms" / "x.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    sources = yaml.safe_load(block)
    assert len(sources) == 3
    for entry in sources:
        made = Source(entry["id"], entry["collector"], "x", entry["url"], options=entry["options"])
        assert COLLECTOR.check(made) == []
    assert all(f"| `{name}` |" in text for name in COLLECTOR.options)
