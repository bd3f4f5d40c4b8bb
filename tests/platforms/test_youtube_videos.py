"""YouTube: what a video says, what it leaves out, and what happens to those that are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from collectors.base import (
    NOTHING_PROVED,
    Drifted,
    Engagement,
    Item,
    Media,
    Page,
    Throttled,
)
from collectors.youtube import COLLECTOR
from collectors.youtube_api.videos import duration, live_state
from tests.platforms.serving import START, Told
from tests.platforms.youtube_platform import (
    BY_CHANNEL,
    BY_PLAYLIST,
    BY_SEARCH,
    Refusal,
    YouTube,
)
from tests.platforms.youtube_shapes import CHANNEL, OTHER, Video
from tests.platforms.youtube_visits import HOUR, Visitor, asked


async def test_a_video_as_it_is_told() -> None:
    with YouTube(count=25) as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        found = visitor.items(await visitor.visit())
        item = found["vid00000025"]
    assert (item.url, item.title) == ("https://www.youtube.com/watch?v=vid00000025", "Example talk 25")
    assert item.text == "A talk for everyone. #telehealth"
    assert item.published_at == datetime(2026, 7, 5, 11, tzinfo=UTC)
    assert (item.author, item.followers, item.verified) == (CHANNEL, 12300, None)
    assert item.author_bio == "Talks by the nurses of a hospital that does not exist."
    assert (item.language, item.country, item.location) == ("en", None, None)
    assert (item.content_type, item.live, item.sponsored) == ("video", None, None)
    assert item.media == (Media(item.url or "", medium="video", duration=951.0),)
    assert item.categories == ("telehealth", "clinic")
    assert item.engagement == Engagement(views=310, likes=22, comments=4)
    assert found["vid00000008"].location == "48.2,16.37"
    assert found["vid00000009"].language == "es"
    assert found["vid00000010"].title == "Q&A: <sleep> & rest"


async def test_hidden_counts_are_unknown_and_zero_is_zero() -> None:
    with YouTube(count=25) as platform:
        platform.subscribers = {"subscriberCount": "0", "hiddenSubscriberCount": True}
        visitor = Visitor(platform, BY_CHANNEL)
        found = visitor.items(await visitor.visit())
    assert found["vid00000001"].engagement == Engagement(views=0, likes=0, comments=0)
    assert found["vid00000002"].engagement == Engagement(views=1200)
    assert found["vid00000003"].engagement == Engagement()
    assert found["vid00000001"].followers is None


async def test_a_broadcast_is_watched_from_its_announcement_to_its_end() -> None:
    with YouTube(count=25) as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        found = visitor.items(await visitor.visit())
        assert [found[f"vid0000000{number}"].live for number in (4, 5, 6, 7)] == ["live", "pending", "ended", None]
        assert found["vid00000004"].media[0].duration is None  # P0D while it runs
        running, announced = platform.videos["vid00000004"], platform.videos["vid00000005"]
        running.live, running.duration = "none", "PT1H2M"
        running.times["actualEndTime"] = "2026-07-06T13:00:00Z"
        announced.live = "live"
        visitor.now += 3 * HOUR
        found = visitor.items(await visitor.visit())
        assert (found["vid00000004"].live, found["vid00000004"].media[0].duration) == ("ended", 3720.0)
        assert found["vid00000005"].live == "live"
        del platform.videos["vid00000005"]
        visitor.now += HOUR
        pages = await visitor.visit()
        assert visitor.items(pages)["vid00000005"].deleted
        assert pages[0].confirmed == ("vid00000005",)
        visitor.now += HOUR
        before = len(asked(platform, "videos"))
        await visitor.visit()
        assert len(asked(platform, "videos")) == before  # nothing is left to watch


def test_the_state_of_a_broadcast_that_was_never_held_is_unknown() -> None:
    planned = {"scheduledStartTime": "2026-07-01T00:00:00Z"}
    assert live_state({"snippet": {"liveBroadcastContent": "none"}, "liveStreamingDetails": planned}) is None
    begun = {"actualStartTime": "2026-07-01T00:00:00Z"}
    assert live_state({"snippet": {"liveBroadcastContent": "none"}, "liveStreamingDetails": begun}) == "live"
    assert live_state({"snippet": {"liveBroadcastContent": "completed"}}) == "ended"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("PT15M51S", 951.0),
        ("P1DT2H", 93_600.0),
        ("P1W", 604_800.0),
        ("P0D", None),
        ("PT0S", None),
        ("soon", None),
        (5, None),
    ],
)
def test_lengths_are_seconds(told: Any, seconds: float | None) -> None:
    assert duration(told) == seconds


@pytest.mark.parametrize(
    ("told", "language"),
    [("en-GB", "en"), ("zh-Hant", "zh"), ("iw", "he"), ("fil", None), ("zxx", None), ("und", None)],
)
def test_languages_are_iso_639_1_or_unknown(told: str, language: str | None) -> None:
    snippet = {
        "publishedAt": "2026-07-01T00:00:00Z",
        "title": "A talk",
        "channelId": CHANNEL,
        "defaultAudioLanguage": told,
    }
    assert read({"id": "a", "snippet": snippet}).language == language


def test_a_label_in_the_answer_itself_is_believed() -> None:
    snippet = {"publishedAt": "2026-07-01T00:00:00Z", "title": "A talk"}
    for label in (True, False):
        video = {"id": "a", "snippet": snippet, "paidProductPlacementDetails": {"hasPaidProductPlacement": label}}
        assert read(video).sponsored is label


def read(video: dict[str, Any]) -> Item:
    body = orjson.dumps({"kind": "youtube#videoListResponse", "items": [video]})
    (item,) = COLLECTOR.parse(BY_CHANNEL, Page(body, BY_CHANNEL.url, START)).items
    return item


async def test_a_broken_video_is_set_aside_and_never_taken_for_deleted() -> None:
    with YouTube(count=25) as platform:
        name = platform.break_one()
        visitor = Visitor(platform, BY_CHANNEL)
        (page,) = await visitor.review([name, "vid00000001"])
    parsed = COLLECTOR.parse(visitor.source, page)
    assert [item.id for item in parsed.items] == ["vid00000001"]
    (rejected,) = parsed.rejected
    assert rejected.reason == "publishedAt is not a date"
    assert name.encode() in (rejected.raw or b"")


@pytest.mark.parametrize(
    "body", [b"{}", b'{"kind":"youtube#videoListResponse"}', b'{"kind":"other","items":[]}', b"[]"]
)
async def test_an_answer_of_another_kind_is_no_empty_list(body: bytes) -> None:
    with pytest.raises(Drifted):
        COLLECTOR.parse(BY_CHANNEL, Page(body, BY_CHANNEL.url, START))
    with YouTube(count=10) as platform:
        platform.refuse = Told(200, body, {"content-type": "application/json"})
        for of in (BY_CHANNEL, BY_PLAYLIST, BY_SEARCH):
            with pytest.raises(Drifted):
                await Visitor(platform, of).visit()


async def test_videos_of_other_channels_get_their_own_authors() -> None:
    with YouTube(count=10) as platform:
        platform.add(Video("other000001", START - HOUR, "From the clinic", channel=OTHER))
        visitor = Visitor(platform, BY_PLAYLIST)
        found = visitor.items(await visitor.visit())
        assert found["other000001"].author == OTHER
        assert found["other000001"].followers == 12300
        (channels,) = asked(platform, "channels")
        assert set(channels.one("id").split(",")) == {CHANNEL, OTHER}


# Duties


async def test_stored_videos_are_looked_up_in_fifties() -> None:
    with YouTube(count=120) as platform:
        ids = sorted(platform.videos)
        gone = platform.remove_one()
        pages = await Visitor(platform, BY_CHANNEL).review(ids)
        found = [item for page in pages for item in COLLECTOR.parse(BY_CHANNEL, page).items]
    assert [len(page.confirmed) for page in pages] == [50, 50, 20]
    assert {item.id for item in found} == set(ids)
    assert [item.id for item in found if item.deleted] == [gone]
    assert all(page.observed == NOTHING_PROVED and page.resume is None for page in pages)


async def test_an_error_deletes_nothing() -> None:
    with YouTube(count=10) as platform:
        platform.refuse = Refusal(403, "quotaExceeded", "Used up.").told
        with pytest.raises(Throttled):
            await Visitor(platform, BY_CHANNEL).review(["vid00000001"])
