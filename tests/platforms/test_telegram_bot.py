"""The Telegram collector against a bot's updates: nothing is confirmed before it is kept, and no token is shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from collectors.base import (
    NO_ENGAGEMENT,
    NOTHING_PROVED,
    Media,
    NeedsKey,
    Refused,
    RetryLater,
    Source,
    Stretch,
    Throttled,
)
from collectors.telegram import COLLECTOR
from tests.platforms.serving import START, Told
from tests.platforms.telegram_platform import TOKEN, TelegramBot, source
from tests.platforms.telegram_visits import Visitor

BOT = source("https://t.me/example_health_bot", route="bot")


@pytest.fixture
def bot() -> Iterator[TelegramBot]:
    with TelegramBot() as platform:
        yield platform


async def test_a_bot_tells_all_and_is_told_what_was_kept_only_with_the_next_request(bot: TelegramBot) -> None:
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    pages = await visitor.visit()
    assert len(pages) == 3
    assert visitor.stored.keys() == bot.ids()
    assert [one.one("offset") for one in bot.requests] == ["", "700000101", "700000201"]
    assert len(bot.updates) == 30  # the last page waits for the next visit
    assert [page.observed for page in pages] == [NOTHING_PROVED] * 3
    assert visitor.cursor == {"offset": 700000231, "until": START.isoformat()}
    visitor.later(hours=1)
    bot.publish(2)
    (page,) = await visitor.visit()
    assert page.observed == Stretch(START, visitor.now)
    assert visitor.stored.keys() == bot.ids()


async def test_what_was_not_committed_is_told_again(bot: TelegramBot) -> None:
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    async with visitor.http() as http:
        pages = COLLECTOR.retrieve(BOT, {}, visitor.access(http), START)
        await anext(pages)  # and the service dies before it is committed
    await visitor.visit()
    assert visitor.stored.keys() == bot.ids()


async def test_a_full_page_proves_no_more_than_its_last_update(bot: TelegramBot) -> None:
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    visitor.cursor = {"until": (START - timedelta(hours=20)).isoformat()}
    pages = await visitor.visit()
    last = START - timedelta(minutes=5) * 131
    assert pages[0].observed == Stretch(START - timedelta(hours=20), last)
    assert pages[0].resume == {"offset": 700000101, "until": last.isoformat()}
    assert pages[-1].observed == Stretch(START - timedelta(hours=20), START)


async def test_a_bot_that_was_away_for_more_than_a_day_has_a_gap(bot: TelegramBot) -> None:
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    await visitor.visit()
    visitor.later(days=3)
    (page,) = await visitor.visit()
    assert page.observed == Stretch(visitor.now - timedelta(hours=24), visitor.now, "lost cursor")


async def test_what_a_bot_tells_of_posts() -> None:
    with TelegramBot(updates=0) as platform:
        visitor = Visitor(platform, at=BOT, key=TOKEN)
        tags = [{"type": "hashtag", "offset": 3, "length": 8}, {"type": "bold", "offset": 0, "length": 2}]
        platform.tell(START, text="🧼 #measles rise", entities=tags)
        platform.tell(START, kind="edited_channel_post", edit_date=int(START.timestamp()) + 60, text="Mended")
        platform.tell(
            START, text=None, caption="Watch", video={"duration": 83, "mime_type": "video/mp4", "file_id": "x"}
        )
        platform.tell(START, text=None, photo=[{"file_id": "x"}])
        platform.tell(START, text=None, poll={"question": "Are you vaccinated?"})
        platform.told.clear()
        platform.tell(START, text=None, photo=[{"file_id": "x"}], media_group_id="1")
        platform.tell(START, forward_origin={"type": "channel"})
        platform.tell(START, text=None, new_chat_title="Renamed")
        platform.tell(START, chat={"id": -1, "type": "channel", "title": "No public name"})
        platform.tell(START, chat={"id": 5, "type": "private", "username": "example_person"}, kind="message")
        await visitor.visit()
        first, edited, video, photo, poll = visitor.stored.values()
        assert (first.id, first.url) == ("examplehealth/1", "https://t.me/ExampleHealth/1")
        assert (first.text, first.categories) == ("🧼 #measles rise", ("measles",))
        assert (first.author, first.published_at, first.engagement) == ("examplehealth", START, NO_ENGAGEMENT)
        assert (edited.text, edited.updated_at) == ("Mended", START + timedelta(minutes=1))
        assert video.media == (Media("https://t.me/ExampleHealth/3", "video/mp4", "video", 83.0),)
        assert (photo.text, photo.media[0].medium) == ("", "image")
        assert poll.text == "Are you vaccinated?"
        assert "Jane" not in repr(visitor.stored)


async def test_a_broken_update_is_set_aside_and_the_others_are_not_affected(bot: TelegramBot) -> None:
    bot.break_one()
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    pages = await visitor.visit()
    assert visitor.stored.keys() == bot.ids()
    assert [len(COLLECTOR.parse(BOT, page).rejected) for page in pages] == [0, 0, 1]


async def test_one_bot_is_read_by_one_source(bot: TelegramBot) -> None:
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    await visitor.visit()
    visitor.source = Source(
        id="other", collector="telegram", platform="telegram", url=BOT.url, options={"route": "bot"}
    )
    count = len(bot.requests)
    with pytest.raises(Refused, match="read by the source it already") as caught:
        await visitor.visit()
    assert caught.value.code == "bot_shared"
    assert len(bot.requests) == count


async def test_a_look_at_the_first_page_confirms_and_claims_nothing(bot: TelegramBot) -> None:
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    looking = Source(id="", collector="telegram", platform="telegram", url=BOT.url, options={"route": "bot"})
    async with visitor.http() as http:
        await anext(COLLECTOR.retrieve(looking, {}, visitor.access(http), START))
    assert len(bot.updates) == 230
    await visitor.visit()
    assert visitor.stored.keys() == bot.ids()


@pytest.mark.parametrize(
    "key", ["123456789:hush-token-that-was-revoked-0002", "hush", "hush/../getMe:hush-hush-hush-hush"]
)
async def test_a_wrong_token_is_named_by_its_variable_and_not_shown(bot: TelegramBot, key: str) -> None:
    with pytest.raises(NeedsKey) as caught:
        await Visitor(bot, at=BOT, key=key).visit()
    assert "TRENDMONITOR_KEY__TELEGRAM" in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_a_bot_without_token_says_what_is_missing(bot: TelegramBot) -> None:
    with pytest.raises(NeedsKey) as caught:
        await Visitor(bot, at=BOT).visit()
    assert caught.value.code == "needs_key"


async def test_a_bot_that_somebody_else_reads_is_refused(bot: TelegramBot) -> None:
    bot.webhook = True
    with pytest.raises(Refused) as caught:
        await Visitor(bot, at=BOT, key=TOKEN).visit()
    assert caught.value.code == "bot_busy"


async def test_too_many_requests_of_a_bot_wait_as_long_as_they_are_told(bot: TelegramBot) -> None:
    bot.throttled = True
    with pytest.raises(Throttled) as caught:
        await Visitor(bot, at=BOT, key=TOKEN).visit()
    assert caught.value.until == START + timedelta(seconds=35)


async def test_the_token_is_in_no_page_message_or_log_line(
    bot: TelegramBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(bot, at=BOT, key=TOKEN)
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "httpx"):
        pages = await visitor.visit()
        monkeypatch.setattr(bot, "answer", lambda asked: Told(502))
        with pytest.raises(RetryLater) as failed:
            await visitor.visit()
        bot.stop_after = 0
        monkeypatch.setattr(bot, "answer", lambda asked: Told(page=True))
        with pytest.raises(RetryLater) as closed:
            await visitor.visit()
    seen = [*(page.url for page in pages), *map(repr, visitor.cursor.values()), str(failed.value), str(closed.value)]
    seen += [repr(page.context) for page in pages] + [record.getMessage() for record in caplog.records]
    assert all("hush" not in text for text in seen)
    assert any("getUpdates" in record.getMessage() for record in caplog.records)
