"""The Telegram collector against the web preview of a channel: paging by number, loss, reviews, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from collectors.base import NOTHING_PROVED, CollectError, Drifted, Refused, Stored, Stretch, Throttled
from tests.platforms.serving import START
from tests.platforms.telegram_platform import PAGE, Post, TelegramPreview, source
from tests.platforms.telegram_visits import Visitor

YEAR_AGO = START - timedelta(days=365)


@pytest.fixture
def preview() -> Iterator[TelegramPreview]:
    with TelegramPreview() as platform:
        yield platform


async def test_the_first_visit_goes_back_to_the_beginning(preview: TelegramPreview) -> None:
    visitor = Visitor(preview)
    pages = await visitor.visit()
    assert visitor.stored.keys() == preview.ids()
    assert len(pages) == 4
    assert pages[0].observed == Stretch(preview.posts[-PAGE].at, START)
    assert pages[-1].observed == Stretch(YEAR_AGO, START)
    assert visitor.cursor == {"top": 70, "until": START.isoformat()}
    assert [one.path for one in preview.requests].count("/robots.txt") == 1


async def test_the_first_visit_ends_at_the_window(preview: TelegramPreview) -> None:
    visitor = Visitor(preview, at=source(days=1))
    pages = await visitor.visit()
    assert len(pages) == 2
    assert pages[-1].observed == Stretch(START - timedelta(days=1), START)


async def test_the_next_visit_stops_at_the_known(preview: TelegramPreview) -> None:
    visitor = Visitor(preview)
    await visitor.visit()
    visitor.later(hours=2)
    preview.publish(25)
    pages = await visitor.visit()
    assert len(pages) == 2
    assert pages[-1].observed == Stretch(START, visitor.now)
    assert visitor.stored.keys() == preview.ids()


async def test_numbers_prove_the_end_even_if_the_last_known_post_was_deleted(preview: TelegramPreview) -> None:
    visitor = Visitor(preview)
    await visitor.visit()
    del preview.posts[-3:]
    visitor.later(hours=2)
    preview.posts.append(Post(90, visitor.now, text="after some that were deleted"))
    (page,) = await visitor.visit()
    assert page.observed == Stretch(START, visitor.now)


async def test_a_broken_visit_goes_on_where_it_was_and_loses_nothing(preview: TelegramPreview) -> None:
    visitor = Visitor(preview)
    preview.stop_after = 2
    with pytest.raises(CollectError):
        await visitor.visit()
    assert visitor.cursor["open"]["top"] == 70
    preview.stop_after = None
    visitor.later(hours=1)
    preview.publish(3)
    pages = await visitor.visit()
    assert [page.observed for page in pages][-2:] == [Stretch(YEAR_AGO, START), Stretch(START, visitor.now)]
    assert visitor.stored.keys() == preview.ids()


async def test_more_than_a_visit_may_ask_for_is_gone_on_with_by_the_next(preview: TelegramPreview) -> None:
    visitor = Visitor(preview, at=source(pages=2))
    await visitor.visit()
    visitor.later(hours=1)
    preview.publish(5)
    pages = await visitor.visit()
    assert [page.observed for page in pages][-1] == Stretch(YEAR_AGO, START)
    visitor.later(hours=1)
    (page,) = await visitor.visit()
    assert page.observed == Stretch(START, visitor.now)
    assert visitor.stored.keys() == preview.ids()


async def test_a_history_that_was_cleared_meanwhile_is_told_as_a_loss(preview: TelegramPreview) -> None:
    visitor = Visitor(preview)
    await visitor.visit()
    preview.posts.clear()
    visitor.later(days=2)
    (page,) = await visitor.visit()
    assert (page.observed, page.resume) == (NOTHING_PROVED, None)
    preview.posts.append(Post(200, visitor.now, text="The only one left"))
    pages = await visitor.visit()
    assert pages[-1].observed == Stretch(visitor.now, visitor.now, "overflow")
    assert visitor.cursor["top"] == 200


async def test_a_page_without_any_post_is_no_sign_that_it_was_quiet() -> None:
    with TelegramPreview(posts=0) as platform:
        visitor = Visitor(platform)
        (page,) = await visitor.visit()
        assert (page.observed, page.resume) == (NOTHING_PROVED, None)
        visitor.later(hours=1)
        platform.publish(1)
        pages = await visitor.visit()
        assert visitor.stored.keys() == platform.ids()
        assert pages[-1].observed == Stretch(visitor.now - timedelta(days=365), visitor.now)


async def test_a_channel_without_preview_is_refused_in_plain_words(preview: TelegramPreview) -> None:
    preview.hidden = True
    with pytest.raises(Refused, match="shows no public preview") as caught:
        await Visitor(preview).visit()
    assert caught.value.code == "no_preview"


async def test_robots_txt_is_obeyed(preview: TelegramPreview) -> None:
    preview.robots = b"User-agent: *\nDisallow: /s/\n"
    with pytest.raises(Refused) as caught:
        await Visitor(preview).visit()
    assert caught.value.code == "robots"
    assert [one.path for one in preview.requests] == ["/robots.txt"]


async def test_too_often_waits_as_long_as_it_is_told(preview: TelegramPreview) -> None:
    preview.throttled = True
    with pytest.raises(Throttled) as caught:
        await Visitor(preview).visit()
    assert caught.value.until == START + timedelta(seconds=120)


async def test_a_page_that_does_not_go_back_is_drift_and_no_endless_visit(preview: TelegramPreview) -> None:
    preview.ignores_before = True
    with pytest.raises(Drifted) as caught:
        await Visitor(preview).visit()
    assert caught.value.code == "unknown_shape"
    assert len(preview.requests) == 3


async def test_a_review_finds_what_was_deleted_and_refreshes_the_rest(preview: TelegramPreview) -> None:
    visitor = Visitor(preview)
    await visitor.visit()
    held = visitor.held()
    gone = preview.remove_one()
    preview.change(preview.posts[-1], views="31", text="Mended")
    pages = await visitor.review(held)
    assert len(pages) == 4
    assert {(page.observed, page.resume) for page in pages} == {(NOTHING_PROVED, None)}
    assert {one for page in pages for one in page.confirmed} == {post.id for post in held}
    assert visitor.stored.keys() == preview.ids()
    assert gone not in visitor.stored
    assert visitor.stored[preview.posts[-1].id].text == "Mended"


async def test_a_review_believes_no_page_without_posts(preview: TelegramPreview) -> None:
    visitor = Visitor(preview)
    await visitor.visit()
    held = visitor.held()
    preview.posts.clear()
    assert await visitor.review(held) == []


async def test_a_review_asks_only_for_posts_of_this_channel(preview: TelegramPreview) -> None:
    assert await Visitor(preview).review([Stored("otherexample/5", None, START), Stored("odd", None, START)]) == []
    assert preview.requests == []
