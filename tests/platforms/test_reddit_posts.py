"""Reddit's addresses, options, posts and comments, without a network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from collectors import registry
from collectors.base import NO_ENGAGEMENT, Drifted, Item, Key, Page
from collectors.reddit import COLLECTOR
from collectors.reddit_api.address import read_place
from tests.platforms.reddit_platform import COMMUNITY, Entry, source
from tests.platforms.serving import START


def parse(*children: dict[str, Any], **context: Any) -> Any:
    body = orjson.dumps({"kind": "Listing", "data": {"after": None, "children": children}})
    return COLLECTOR.parse(
        source(), Page(body=body, url="https://oauth.reddit.com/", fetched_at=START, context=context)
    )


def entry(**more: Any) -> dict[str, Any]:
    made = Entry("t3", 21, START - timedelta(hours=2), more)
    return {"kind": "t3", "data": made.data()}


def test_the_collector_is_found_by_its_name() -> None:
    assert registry.get("reddit") is COLLECTOR
    assert isinstance(COLLECTOR.key, Key)
    assert COLLECTOR.key.optional


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://www.reddit.com/r/nursing", "/r/nursing/new?limit=100&raw_json=1"),
        ("https://old.reddit.com/r/nursing/new/", "/r/nursing/new?limit=100&raw_json=1"),
        ("https://www.reddit.com/r/nursing+medicine/", "/r/nursing+medicine/new?limit=100&raw_json=1"),
        (
            "https://reddit.com/search/?q=measles%20%22night%20shift%22&sort=relevance",
            "/search?limit=100&raw_json=1&q=measles+%22night+shift%22&sort=new&t=all&type=link&include_over_18=on",
        ),
        (
            "https://www.reddit.com/r/nursing/search?q=flu&restrict_sr=on",
            "/r/nursing/search?limit=100&raw_json=1&q=flu&sort=new&t=all&type=link&restrict_sr=1&include_over_18=on",
        ),
        ("https://www.reddit.com/u/example_user", "/user/example_user/submitted?limit=100&raw_json=1&sort=new"),
    ],
)
def test_addresses_as_people_paste_them(url: str, asked: str) -> None:
    assert COLLECTOR.check(source(url)) == []
    assert read_place(url).api("posts") == f"https://oauth.reddit.com{asked}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://reddit.example/r/nursing", "not an address of reddit.com"),
        ("http://127.0.0.1:9000/r/nursing", "not an address of reddit.com"),
        ("https://www.reddit.com/r/nursing/comments/abc/title/", "one thread"),
        ("https://www.reddit.com/r/nursing/top/", "'top'"),
        ("https://www.reddit.com/r/nursing/search?q=flu", "restrict_sr=1"),
        ("https://www.reddit.com/search?q=", "no words"),
        ("https://www.reddit.com/search?q=flu&type=user", "only posts"),
        ("https://www.reddit.com/r/n/", "not the name of a community"),
        ("https://www.reddit.com/user/a/", "not the name of an account"),
        ("https://www.reddit.com/", "not a listing"),
        ("https://www.reddit.com/r/nursing/new/.rss?feed=abc&user=n", "private feed token"),
        ("https://[", "not a valid address"),
    ],
)
def test_other_addresses_are_refused_with_right_ones_shown(url: str, says: str) -> None:
    (problem,) = COLLECTOR.check(source(url))
    assert problem.path == ("url",)
    assert says in problem.what
    assert "https://www.reddit.com/r/nursing" in problem.instead


def test_wrong_options_are_named() -> None:
    assert [one.path for one in COLLECTOR.check(source(comments="yes", days=9999, colour="red"))] == [
        ("options", "comments"),
        ("options", "days"),
        ("options", "colour"),
    ]
    (problem,) = COLLECTOR.check(source("https://www.reddit.com/search?q=flu", comments=True))
    assert problem.path == ("options", "comments")


def test_a_post_with_all_its_facts() -> None:
    (item,) = parse(entry(edited=START.timestamp() - 60, score=0, num_comments=8, num_crossposts=None)).items
    assert (item.id, item.title) == ("t3_10000l", "Question 21 & answer")
    assert item.url == f"https://www.reddit.com/r/{COMMUNITY}/comments/10000l/question_21/"
    assert item.text == "Night shift number 21 was long."
    assert (item.published_at, item.updated_at) == (START - timedelta(hours=2), START - timedelta(minutes=1))
    assert (item.author, item.categories) == ("example_user_3", ("Discussion",))
    assert (item.engagement.likes, item.engagement.comments) == (0, 8)
    assert (item.engagement.shares, item.engagement.views) == (None, None)
    assert (item.language, item.country, item.verified, item.sponsored, item.live) == (None,) * 5


def test_hidden_scores_are_not_counted() -> None:
    (post,) = parse(entry(hide_score=True)).items
    comment = Entry("t1", 4, START).data()
    (remark,) = parse({"kind": "t1", "data": comment}).items
    assert post.engagement.likes is None
    assert (remark.id, remark.title, remark.text) == ("t1_100004", "", "Remark 4")
    assert remark.engagement == NO_ENGAGEMENT


def test_a_comment_without_permalink_gets_the_short_one() -> None:
    data = Entry("t1", 5, START).data()
    del data["permalink"]
    (remark,) = parse({"kind": "t1", "data": data}).items
    assert remark.url == "https://www.reddit.com/comments/example/_/100005/"


def test_pictures_and_videos_that_reddit_hosts_are_media_and_links_are_not() -> None:
    video = {"reddit_video": {"fallback_url": "https://v.redd.it/ex/DASH_720.mp4", "duration": 41}}
    gallery = {
        "gallery_data": {"items": [{"media_id": "ex1"}, {"media_id": "ex2"}]},
        "media_metadata": {"ex1": {"m": "image/jpg", "s": {"u": "https://preview.redd.it/ex1.jpg"}}, "ex2": None},
    }
    items = parse(
        {**entry(), "data": entry(name="t3_a", media=video)["data"]},
        entry(name="t3_b", url="https://i.redd.it/ex.png"),
        entry(name="t3_c", url="https://news.example/story", is_self=False, selftext="", selftext_html=None),
        entry(name="t3_d", **gallery),
    ).items
    kinds = [[(one.medium, one.duration) for one in item.media] for item in items]
    assert kinds == [[("video", 41.0)], [("image", None)], [], [("image", None)]]
    assert items[2].text == ""  # a bare link is still a post: it has a title


@pytest.mark.parametrize(
    "change",
    [
        {"author": "[deleted]"},
        {"selftext": "[removed]"},
        {"selftext": "[deleted]"},
        {"removed_by_category": "moderator"},
        {"title": "[deleted by user]"},
        {"subreddit_type": "private"},
    ],
)
def test_what_was_deleted_or_removed_comes_as_deleted(change: dict[str, Any]) -> None:
    assert parse(entry(**change)).items == (Item("t3_10000l", deleted=True),)


def test_posts_for_adults_come_unless_an_option_says_otherwise() -> None:
    body = orjson.dumps({"kind": "Listing", "data": {"after": None, "children": [entry(over_18=True)]}})
    page = Page(body=body, url="https://oauth.reddit.com/", fetched_at=START)
    assert len(COLLECTOR.parse(source(), page).items) == 1
    assert COLLECTOR.parse(source(over_18=False), page).items == ()


def test_what_is_no_post_is_left_out() -> None:
    assert parse({"kind": "more", "data": {}}, {"kind": "t5", "data": {}}).items == ()


def test_a_broken_post_is_set_aside_and_the_others_are_not_affected() -> None:
    parsed = parse(entry(name="t3_a"), entry(name="t3_b", created_utc="soon"), {"kind": "t3", "data": 7}, "what")
    assert [item.id for item in parsed.items] == ["t3_a"]
    assert [one.reason for one in parsed.rejected] == ["created_utc is not a date", "no name", "str is not a post"]
    assert all(one.raw for one in parsed.rejected)


@pytest.mark.parametrize("body", [b'{"error": 500}', b'{"kind": "Listing", "data": {"children": 1}}', b"<html>", b"[]"])
def test_an_answer_of_another_shape_is_drift(body: bytes) -> None:
    with pytest.raises(Drifted):
        COLLECTOR.parse(source(), Page(body=body, url="https://oauth.reddit.com/", fetched_at=START))
