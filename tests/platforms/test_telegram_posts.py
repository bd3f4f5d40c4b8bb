"""Telegram's addresses, options, and the posts of a preview page, without a network."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import registry
from collectors.base import Drifted, Engagement, Key, Media, Page, Parsed
from collectors.telegram import COLLECTOR
from collectors.telegram_routes.address import read_name
from collectors.telegram_routes.preview import seconds, short_number
from tests.platforms.serving import START, Told
from tests.platforms.telegram_platform import CHANNEL, Post, TelegramPreview, source

BOT = source("https://t.me/example_health_bot", route="bot")


def parse(*posts: Post) -> Parsed:
    platform = TelegramPreview()
    platform.posts = list(posts)
    asked: Any = type("Asked", (), {"path": f"/s/{CHANNEL}", "one": staticmethod(lambda name, default="": default)})
    return parse_page(platform.answer(asked))


def parse_page(told: Told) -> Parsed:
    return COLLECTOR.parse(source(), Page(body=told.body, url="https://t.me/s/x", fetched_at=START))


def test_the_collector_is_found_by_its_name() -> None:
    assert registry.get("telegram") is COLLECTOR
    assert isinstance(COLLECTOR.key, Key)
    assert COLLECTOR.key.optional


@pytest.mark.parametrize(
    "url", ["https://t.me/ExampleHealth", "https://t.me/s/ExampleHealth/", "http://telegram.me/ExampleHealth?x=1"]
)
def test_addresses_as_people_paste_them(url: str) -> None:
    assert COLLECTOR.check(source(url)) == []
    assert read_name(url) == "ExampleHealth"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://t.example/ExampleHealth", "not an address of t.me"),
        ("http://127.0.0.1:9000/s/ExampleHealth", "not an address of t.me"),
        ("https://t.me/+AbCdEf", "invitation"),
        ("https://t.me/joinchat/AbCdEf", "private channel"),
        ("https://t.me/c/123/4", "private channel"),
        ("https://t.me/ExampleHealth/512", "the channel is https://t.me/ExampleHealth"),
        ("https://t.me/share", "not the address of a public channel"),
        ("https://t.me/", "not the address of a public channel"),
        ("https://t.me/4u", "not the address of a public channel"),
        ("https://[", "not a valid address"),
    ],
)
def test_other_addresses_are_refused_with_right_ones_shown(url: str, says: str) -> None:
    (problem,) = COLLECTOR.check(source(url))
    assert problem.path == ("url",)
    assert says in problem.what
    assert "https://t.me/s/EXAMPLECHANNEL" in problem.instead


def test_wrong_options_are_named_and_a_bot_is_told_from_a_channel() -> None:
    problems = COLLECTOR.check(source(route="mtproto", pages=0, colour="red"))
    assert [one.path for one in problems] == [("options", "route"), ("options", "pages"), ("options", "colour")]
    assert COLLECTOR.check(BOT) == []
    (problem,) = COLLECTOR.check(source(route="bot"))
    assert "this is no bot" in problem.what


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("0", 0), ("7", 7), ("999", 999), ("1.2K", 1200), ("12K", 12_000), ("5.8M", 5_800_000), ("1.25M", 1_250_000),
        ("1 234", 1234), ("12,345", 12_345), ("2B", 2_000_000_000), ("", None), ("many", None), ("1.5", None), ("K", None),
    ],
)  # fmt: skip
def test_rounded_numbers_are_kept_as_shown(shown: str, number: int | None) -> None:
    assert short_number(shown) == number


def test_lengths() -> None:
    assert [seconds(one) for one in ("0:42", "1:23", "1:02:03", "soon", "")] == [42.0, 83.0, 3723.0, None, None]


def test_a_post_with_all_its_facts() -> None:
    text = (
        '<b>New bulletin</b><br/>Wash your hands <i class="emoji" style="background-image:url(\'x\')"><b>🧼</b></i> '
        '<a href="?q=%23measles">#measles</a> <a href="?q=%23measles">#measles</a> <a href="https://who.example">x</a>'
    )
    parsed = parse(Post(512, START, text=text, views="5.8M", edited=True, answers=True))
    (item,) = parsed.items
    assert (item.id, item.url) == ("examplehealth/512", "https://t.me/ExampleHealth/512")
    assert item.text == "New bulletin\nWash your hands 🧼 #measles #measles x"
    assert (item.title, item.published_at, item.updated_at) == ("", START, None)
    assert (item.author, item.followers, item.verified) == ("examplehealth", 40_500, True)
    assert item.categories == ("measles",)
    assert item.engagement == Engagement(views=5_800_000)
    assert parsed.facts.title == "Example Health"
    assert "Jane" not in repr(parsed)


def test_views_that_are_not_shown_are_unknown_and_not_zero() -> None:
    items = parse(Post(1, START, text="a", views=None), Post(2, START, text="b", views="0")).items
    assert [item.engagement.views for item in items] == [None, 0]


def test_reactions_are_summed_up() -> None:
    platform = TelegramPreview()
    platform.posts = [Post(1, START, text="a", views="9")]
    asked: Any = type("Asked", (), {"path": f"/s/{CHANNEL}", "one": staticmethod(lambda name, default="": default)})
    body = platform.answer(asked).body.replace(
        b'<div class="tgme_widget_message_footer',
        b'<div class="tgme_widget_message_reactions"><span class="tgme_reaction"><i class="emoji"><b>x</b></i>1.1K</span>'
        b'<span class="tgme_reaction"><tg-emoji><i></i></tg-emoji>30</span></div><div class="tgme_widget_message_footer',
    )
    (item,) = parse_page(Told(200, body)).items
    assert item.engagement == Engagement(views=9, likes=1130)


def test_kinds_of_media() -> None:
    kinds = ("photo", "video", "large", "voice", "document", "poll")
    items = parse(*(Post(number, START, kind=kind) for number, kind in enumerate(kinds, 1))).items
    assert [item.media for item in items] == [
        (Media("https://cdn.example/1.jpg", medium="image"),),
        (Media("https://cdn.example/2.mp4", medium="video", duration=83.0),),
        (Media("https://t.me/ExampleHealth/3", medium="video", duration=3723.0),),
        (Media("https://cdn.example/v.ogg", medium="audio", duration=42.0),),
        (Media("https://t.me/ExampleHealth/5", medium="document"),),
        (),
    ]
    assert [item.text for item in items] == ["", "", "", "", "", "Are you vaccinated?"]


def test_what_was_passed_on_and_notes_of_the_service_are_no_posts() -> None:
    assert parse(Post(1, START, kind="service"), Post(2, START, kind="forward", text="Not ours")).items == ()


def test_a_broken_post_is_set_aside_and_the_others_are_not_affected() -> None:
    parsed = parse(Post(1, START, text="a"), Post(2, START, kind="broken", text="b"))
    assert [item.id for item in parsed.items] == ["examplehealth/1"]
    (rejected,) = parsed.rejected
    assert rejected.reason == "time is not a date"
    assert b"ExampleHealth/2" in (rejected.raw or b"")


@pytest.mark.parametrize("body", [b"", b"<html><body>Sign in</body></html>", b"{}"])
def test_a_page_that_is_no_preview_is_drift(body: bytes) -> None:
    with pytest.raises(Drifted, match="it"):
        parse_page(Told(200, body))
