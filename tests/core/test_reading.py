"""One parsed page against what is known: new, edited, moved counts, deleted; and nothing personal in a post."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.base import Engagement, Facts, Item, Media, Parsed, Rejected
from monitor.core.annotate import Taggers
from monitor.core.fingerprint import content_hash
from monitor.core.model import Known
from monitor.core.reading import FUTURE, Reading, author_hash, read, repair_kind, settle
from tests.support.posts import make_source

NOW = datetime(2026, 7, 6, 12, tzinfo=UTC)
NOTHING = Known({}, {}, (), None)
TOPIC = {
    "label": "Telehealth",
    "description": "Care at a distance.",
    "phrases": {"en": ["telehealth"]},
    "examples": ["A telehealth visit"],
    "counter_examples": ["A telephone"],
}
TAGGERS = Taggers.build({"telehealth": TOPIC}, {})


def item(native: str = "a", **facts: Any) -> Item:
    defaults = {"title": "A title", "text": "Some words.", "url": f"https://x.example/{native}", "published_at": NOW}
    return Item(native, **(defaults | facts))


def reading(*items: Item, known: Known = NOTHING, **parsed: Any) -> Reading:
    page = Parsed(items, **parsed)
    return read(page, make_source(), known, now=NOW, taggers=TAGGERS, author_key=b"k" * 32)


def knowing(*items: Item) -> Known:
    hashes = {one.id: content_hash(one.title, one.text, one.url) for one in items}
    return Known(hashes, {one.id: one.engagement for one in items}, tuple(hashes), NOW)


def test_new_edited_and_repeated_items_are_told_apart() -> None:
    old, kept = item("old"), item("kept")
    found = reading(item("new"), replace(old, title="Another"), kept, known=knowing(old, kept))
    assert [post.id for post in found.posts] == ["new", "old"]
    assert found.new == 1
    assert [native for native, _ in found.seen] == ["new", "old", "kept"]


@pytest.mark.parametrize("facts", [{"title": "x"}, {"text": "x"}, {"url": "https://x.example/elsewhere"}])
def test_what_a_reader_would_see_makes_an_edit(facts: dict[str, str]) -> None:
    assert len(reading(replace(item(), **facts), known=knowing(item())).posts) == 1


@pytest.mark.parametrize("facts", [{"author": "x"}, {"categories": ("x",)}, {"updated_at": NOW}, {"repairs": ("x",)}])
def test_what_a_reader_would_not_see_makes_none(facts: dict[str, Any]) -> None:
    assert reading(replace(item(), **facts), known=knowing(item())).posts == ()


def test_only_counts_that_are_told_and_differ_move() -> None:
    before = item("a", engagement=Engagement(likes=1)), item("b", engagement=Engagement(likes=1)), item("c")
    after = item("a", engagement=Engagement(likes=2)), item("b", engagement=Engagement(likes=1)), item("c")
    found = reading(*after, known=knowing(*before))
    assert found.engagement == {"a": Engagement(likes=2)}
    silent = reading(item("a"), known=knowing(before[0]))
    assert silent.engagement == {}, "a platform that stops telling has not lost its likes"


def test_deleted_items_are_neither_posts_nor_seen() -> None:
    found = reading(item("gone", deleted=True), item("here"))
    assert (found.deleted, [native for native, _ in found.seen], found.new) == (("gone",), ["here"], 1)


@pytest.mark.parametrize("told", [None, NOW + FUTURE + timedelta(seconds=1), datetime(2199, 1, 1, tzinfo=UTC)])
def test_without_a_usable_date_the_first_sight_counts_and_coverage_hears_nothing(told: datetime | None) -> None:
    found = reading(item(published_at=told))
    assert (found.posts[0].published_at, found.posts[0].date_guessed) == (NOW, True)
    assert found.seen == (("a", None),)


def test_authors_are_keyed_hashes_and_bios_are_gone() -> None:
    (post,) = reading(item(author="Dr Jane Roe", author_bio="Registered nurse at St Elsewhere")).posts
    assert post.author == author_hash(" dr jane ROE ", "web", b"k" * 32)
    assert post.author != author_hash("Dr Jane Roe", "web", b"another key")
    assert post.author != author_hash("Dr Jane Roe", "youtube", b"k" * 32)
    said = repr(post)
    assert "Jane" not in said
    assert "Elsewhere" not in said


def test_the_longest_medium_and_the_words_are_measured() -> None:
    media = (Media("https://x.example/1.mp3", "audio/mpeg", duration=60.0), Media("https://x.example/2.mp3"))
    (post,) = reading(item(media=media, text="one two  three")).posts
    assert (post.duration, post.words) == (60.0, 3)
    (bare,) = reading(item(text="", title="Two words")).posts
    assert (bare.duration, bare.words) == (None, 2)


def test_what_was_mended_or_refused_is_counted_by_kind() -> None:
    mended = [item(str(n), repairs=(f"date is in the future: 219{n}",)) for n in range(3)]
    found = reading(*mended, facts=Facts(repairs=("charset: mended",)), rejected=(Rejected("no id"), Rejected("other")))
    assert found.repairs == {"date is in the future": 3, "charset": 1}
    assert (found.rejected, found.rejected_why) == (2, "no id")
    assert repair_kind("plain words") == "plain words"


def test_items_older_than_what_was_looked_up_are_settled_by_what_is_stored() -> None:
    pinned, edited, fresh = item("pinned", engagement=Engagement(likes=1)), item("edited"), item("fresh")
    stored = {post.id: post for post in reading(pinned, edited).posts}
    again = reading(replace(pinned, engagement=Engagement(likes=5)), replace(edited, text="Other words."), fresh)
    assert again.new == 3, "the newest known posts did not include them"
    found = settle(again, stored)
    assert [post.id for post in found.posts] == ["edited", "fresh"]
    assert (found.new, found.engagement) == (1, {"pinned": Engagement(likes=5)})
