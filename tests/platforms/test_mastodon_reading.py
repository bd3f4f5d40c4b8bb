"""The Mastodon collector: posts as items, and those that are left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.base import (
    Drifted,
    Engagement,
    Media,
    Page,
)
from collectors.mastodon import COLLECTOR
from tests.platforms.mastodon_platform import ACCOUNT, HOST, source
from tests.platforms.mastodon_visits import MINUTE, read, status, visitor
from tests.platforms.serving import START


async def test_a_post_with_everything() -> None:
    link = {
        "name": "Site",
        "value": '<a href="https://x.example">x.example</a>',
        "verified_at": "2025-01-01T00:00:00.000+00:00",
    }
    media = [
        {"type": "video", "url": "https://cdn.example/1.mp4", "meta": {"original": {"duration": 12.5}}},
        {"type": "image", "url": None, "remote_url": "https://other.example/2.png", "meta": {}},
        {"type": "gifv", "url": "https://cdn.example/3.mp4", "meta": None},
        {"type": "unknown", "url": "https://cdn.example/4", "meta": {"original": {"duration": "long"}}},
        {"type": "image", "url": None, "remote_url": None},
    ]
    (item,) = (read(status(
        spoiler_text="On &amp; off", content="<p>One<br>two</p><p>three</p>", edited_at="2026-07-06T11:59:30.000Z",
        language="pt-BR", media_attachments=media, favourites_count=4, reblogs_count=1, quotes_count=2, replies_count=0,
        by={"fields": [link], "note": "<p>RN</p>", "followers_count": 9},
    ))).items  # fmt: skip
    assert (item.title, item.text, item.language) == ("On & off", "One\ntwo\nthree", "pt")
    assert item.published_at == START - MINUTE
    assert item.updated_at == datetime(2026, 7, 6, 11, 59, 30, tzinfo=UTC)
    assert item.engagement == Engagement(likes=4, comments=0, shares=3)
    assert (item.author, item.author_bio, item.followers, item.verified) == (
        f"https://{HOST}/@ward_b", "RN\nSite: x.example", 9, True,
    )  # fmt: skip
    assert item.media == (
        Media("https://cdn.example/1.mp4", medium="video", duration=12.5),
        Media("https://other.example/2.png", medium="image"),
        Media("https://cdn.example/3.mp4", medium="video"),
        Media("https://cdn.example/4"),
    )
    assert (item.country, item.location, item.sponsored, item.live) == (None, None, None, None)


async def test_what_the_server_does_not_tell_is_unknown_and_not_zero() -> None:
    bare = status(language=None, url=None)
    for name in ("favourites_count", "reblogs_count"):
        bare[name] = None
    del bare["replies_count"], bare["quotes_count"]
    bare["account"] = {"acct": "ward_b", "id": "1"}
    (item,) = (read(bare)).items
    assert item.engagement == Engagement()
    assert (item.author, item.author_bio, item.followers, item.verified) == (f"ward_b@{HOST}", None, None, None)
    assert (item.language, item.updated_at) == (None, None)
    assert item.url == bare["uri"]


@pytest.mark.parametrize("language", ["und", "zxx", "", "kab", 7])
async def test_languages_without_two_letters_are_unknown(language: object) -> None:
    assert (read(status(language=language))).items[0].language is None


@pytest.mark.parametrize("account", [{"noindex": True}, {"indexable": False}])
async def test_accounts_that_ask_not_to_be_indexed_are_left_out_and_counted(account: dict[str, Any]) -> None:
    parsed = read(status(by=account))
    assert parsed.items == ()
    assert parsed.facts.repairs == ("left out: 1 posts of accounts that ask not to be indexed",)
    assert parsed.facts.blocked is None
    assert (read(status(by=account), "/@ward_b")).facts.blocked == "the account asks not to be indexed"


async def test_where_a_server_says_nothing_about_indexing_nothing_was_asked() -> None:
    silent = status()
    del silent["account"]["noindex"], silent["account"]["indexable"]
    assert len((read(silent)).items) == 1


async def test_automated_accounts_are_left_out_unless_they_are_wanted() -> None:
    parsed = read(status(by={"bot": True}))
    assert (parsed.items, parsed.facts.repairs) == ((), ("left out: 1 posts of automated accounts",))
    assert len((read(status(by={"bot": True}), bots=True)).items) == 1
    assert len((read(status(by={"bot": True}), "/@ward_b")).items) == 1


@pytest.mark.parametrize("visibility", ["private", "direct", "limited"])
async def test_posts_that_are_not_public_are_passed_over(visibility: str) -> None:
    assert (read(status(visibility=visibility))).items == ()
    assert len((read(status(visibility="unlisted"))).items) == 1


async def test_answers_are_posts_unless_they_are_not_wanted() -> None:
    to_others = status(in_reply_to_id="1", in_reply_to_account_id="2")
    to_oneself = status(in_reply_to_id="1", in_reply_to_account_id=ACCOUNT)
    assert len((read(to_others)).items) == 1
    assert (read(to_others, exclude_replies=True)).items == ()
    assert len((read(to_oneself, exclude_replies=True)).items) == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"id": None}, "no id"),
        ({"created_at": "yesterday"}, "created_at is not a date"),
        ({"account": []}, "no account"),
        ({"content": None}, "content is not text"),
        ({"visibility": None}, "no visibility"),
    ],
)
async def test_a_post_that_cannot_be_read_is_set_aside_whole(wrong: dict[str, Any], reason: str) -> None:
    parsed = read({**status(), **wrong})
    assert parsed.items == ()
    (rejected,) = parsed.rejected
    assert (rejected.reason, rejected.raw is not None) == (reason, True)


@pytest.mark.parametrize(("body", "code"), [(b"<html>", "not_json"), (b'{"error":"x"}', "unknown_shape")])
def test_an_answer_that_is_no_list_is_named(body: bytes, code: str) -> None:
    with pytest.raises(Drifted) as caught:
        COLLECTOR.parse(source(), Page(body, "https://ward.example/api", START))
    assert caught.value.code == code


async def test_a_deprecated_request_is_noted() -> None:
    async with visitor(posts=1) as one:
        one.platform.deprecated = True
        ((_, parsed), *_) = await one.visit(source())
        assert parsed.facts.repairs == ("the server says that this way of asking will not be there for ever",)
