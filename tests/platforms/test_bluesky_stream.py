"""The Jetstream against its stand-in: replays, holes, deletions, and how a visit ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from collectors.access import Access
from collectors.atproto_api import jetstream
from collectors.atproto_api.keywords import Filter
from collectors.base import CollectError, Cursor, Drifted, Item, Page, Refused, RetryLater, Stretch, Throttled
from collectors.bluesky import COLLECTOR
from collectors.fetch import Http, HttpSettings, parse_nets
from tests.platforms.bluesky_platform import CLINIC, WARD, Bluesky, stream_source, tid
from tests.platforms.serving import START, Told

HOUR = timedelta(hours=1)


class Listener:
    """Visits a Jetstream like the service: pages in order, gone prefixes carried out, the cursor kept."""

    def __init__(self, platform: Bluesky, **options: Any) -> None:
        self.platform = platform
        self.source = stream_source(**options)
        self.now = START
        self.cursor: Cursor = {}
        self.items: dict[str, Item] = {}
        self.rejected = 0
        self.pages: list[Page] = []
        platform.clock = lambda: self.now

    async def visit(self) -> list[Page]:
        """Its pages; those before an error are in `pages` then."""
        self.pages = []
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8")), clock=lambda: self.now) as http:
            access = Access("bluesky", http, base=self.platform.base)
            async for page in COLLECTOR.retrieve(self.source, self.cursor, access, self.now):
                self.pages.append(page)
                if page.resume is not None:
                    self.cursor = orjson.loads(orjson.dumps(page.resume))
                if page.body is not None:
                    self._read(page)
        return self.pages

    def _read(self, page: Page) -> None:
        found = COLLECTOR.parse(self.source, page)
        self.rejected += len(found.rejected)
        self.items |= {item.id: item for item in found.items}
        for prefix in found.gone:
            self.items = {uri: item for uri, item in self.items.items() if not uri.startswith(prefix)}

    @property
    def texts(self) -> list[str]:
        return [item.text for item in self.items.values() if not item.deleted]

    @property
    def alive(self) -> set[str]:
        return {item.id for item in self.items.values() if not item.deleted}


def stretch(pages: list[Page]) -> Stretch:
    """What the last page says."""
    found = pages[-1].observed
    assert isinstance(found, Stretch)
    return found


@pytest.fixture
def platform() -> Iterator[Bluesky]:
    """A stream without anything on it yet."""
    with Bluesky(stream=True, filled=False) as running:
        yield running


@pytest.fixture(params=["v1", "v2"])
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed at once."""
    monkeypatch.setattr(jetstream, "SILENCE", 0.05)


# Visits


async def test_the_first_visit_reaches_back_an_hour_and_starts_where_events_begin(platform: Bluesky, wire: str) -> None:
    platform.write(WARD, "Norovirus long ago", START - 2 * HOUR)
    platform.write(CLINIC, "The weather", START - timedelta(minutes=50))
    platform.write(WARD, "Norovirus lately", START - timedelta(minutes=30))
    listener = Listener(platform, wire=wire)
    pages = await listener.visit()
    assert listener.texts == ["Norovirus lately"]
    assert stretch(pages) == Stretch(START - timedelta(minutes=50), START)
    assert pages[-1].last
    asked = platform.requests[0]
    assert asked.path == ("/subscribe" if wire == "v1" else "/xrpc/network.bsky.jetstream.subscribeEvents")


async def test_the_next_visit_replays_a_little_and_goes_on_without_a_hole(platform: Bluesky, wire: str) -> None:
    first = platform.write(WARD, "Norovirus one", START - timedelta(minutes=1))
    listener = Listener(platform, wire=wire)
    await listener.visit()
    listener.now += HOUR
    second = platform.write(WARD, "Norovirus two", START + timedelta(minutes=20))
    pages = await listener.visit()
    assert listener.alive == {first, second}
    assert stretch(pages) == Stretch(START, listener.now)
    cursor = int(platform.requests[1].one("cursor"))
    assert cursor == (1783339200_000000 - 5_000_000 if wire == "v1" else listener.platform.events[1]["seq"])


async def test_time_without_a_match_is_observed_too(platform: Bluesky) -> None:
    platform.write(CLINIC, "The weather", START - timedelta(minutes=1))
    pages = await Listener(platform).visit()
    assert [page.body for page in pages] == [None]
    assert stretch(pages).until == START
    assert pages[0].resume is not None


async def test_a_visit_listens_on_for_a_while_once_it_has_caught_up(platform: Bluesky) -> None:
    platform.write(WARD, "Norovirus before", START - timedelta(minutes=1))
    listener = Listener(platform, follow_seconds=0.15)
    visit = asyncio.create_task(listener.visit())
    await asyncio.sleep(0.05)
    with platform._lock:
        platform.write(WARD, "Norovirus just now", START + timedelta(seconds=1))
    await visit
    assert listener.texts == ["Norovirus before", "Norovirus just now"]


async def test_a_busy_stream_is_cut_into_pages_of_500_and_a_slow_one_by_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Bluesky(stream=True) as platform:
        listener = Listener(platform)
        pages = await listener.visit()
        sizes = [len(COLLECTOR.parse(listener.source, page).items) for page in pages if page.body]
        assert len(sizes) == 4
        assert max(sizes) <= 520
        assert listener.alive == platform.ids()
        monkeypatch.setattr(jetstream, "PAGE_SECONDS", 0.0)
        more = await Listener(platform).visit()
        assert len(more) > len(pages)


async def test_a_connection_that_breaks_keeps_what_came_and_the_next_visit_brings_the_rest(wire: str) -> None:
    with Bluesky(stream=True) as platform:
        listener = Listener(platform, wire=wire)
        platform.stop_after = 1
        with pytest.raises(RetryLater) as caught:
            await listener.visit()
        assert caught.value.code == "reset"
        assert len(listener.alive) == 500
        assert not any(page.last for page in listener.pages)
        platform.stop_after = None
        pages = await listener.visit()
        assert listener.alive == platform.ids()
        assert stretch(pages).gap is None


async def test_a_first_wire_that_has_silently_moved_the_cursor_leaves_a_gap(platform: Bluesky) -> None:
    platform.write(WARD, "Norovirus one", START - timedelta(minutes=1))
    listener = Listener(platform)
    await listener.visit()
    listener.now += timedelta(hours=40)
    platform.write(WARD, "Norovirus two", START + timedelta(hours=1))
    platform.write(WARD, "Norovirus three", START + timedelta(hours=5))
    pages = await listener.visit()
    assert listener.texts == ["Norovirus one", "Norovirus three"]
    assert stretch(pages) == Stretch(START + timedelta(hours=5), listener.now, gap="lost cursor")


async def test_a_second_wire_that_no_longer_has_the_place_is_asked_from_its_oldest_event(platform: Bluesky) -> None:
    platform.write(WARD, "Norovirus one", START - timedelta(minutes=1))
    listener = Listener(platform, wire="v2")
    await listener.visit()
    listener.now += timedelta(hours=40)
    platform.write(WARD, "Norovirus two", START + timedelta(hours=5))
    platform.floor = platform.events[-1]["seq"]
    pages = await listener.visit()
    assert [one.one("cursor") for one in platform.requests[1:]] == ["1002", "1783339200000000"]
    assert stretch(pages) == Stretch(START + timedelta(hours=5), listener.now, gap="lost cursor")
    assert "Norovirus two" in listener.texts


async def test_another_host_or_wire_is_asked_by_time_as_numbers_belong_to_one_host(platform: Bluesky) -> None:
    platform.write(WARD, "Norovirus one", START - timedelta(minutes=1))
    listener = Listener(platform, wire="v2")
    await listener.visit()
    listener.source = stream_source(wire="v2", host="jetstream1.us-west.bsky.network")
    await listener.visit()
    assert platform.requests[1].one("cursor") == str(1783339200_000000 - 5_000_000)


async def test_a_consumer_that_is_too_slow_keeps_what_it_has_read(platform: Bluesky) -> None:
    for number in range(5):
        platform.write(WARD, f"Norovirus {number}", START - timedelta(seconds=60 - number))
    platform.too_slow_after = 3
    listener = Listener(platform, wire="v2")
    await listener.visit()
    assert len(listener.texts) == 3
    platform.too_slow_after = None
    await listener.visit()
    assert len(listener.texts) == 5


@pytest.mark.usefixtures("brief")
async def test_silence_ends_a_visit_and_is_not_taken_for_quiet(platform: Bluesky) -> None:
    platform.write(WARD, "Norovirus", START - timedelta(minutes=10))
    listener = Listener(platform, follow_seconds=100)
    pages = await listener.visit()
    assert stretch(pages).until == START, "observed as far as events came"
    platform.silent = True
    with pytest.raises(RetryLater) as caught:
        await listener.visit()
    assert caught.value.code == "timeout_silence"
    assert listener.pages == []


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        (Told(403, b"no"), Refused, "http_403"),
        (Told(200, b"<html>"), Drifted, "http_200"),
        (Told(400, b'{"error":"InvalidRequest"}'), Drifted, "http_400"),
    ],
)
async def test_a_refused_stream_is_named(platform: Bluesky, told: Told, kind: type[CollectError], code: str) -> None:
    platform.answer = lambda asked: told  # type: ignore[method-assign]
    with pytest.raises(kind) as caught:
        await Listener(platform).visit()
    assert caught.value.code == code


async def test_too_many_connections_wait_for_the_time_they_are_told(platform: Bluesky) -> None:
    platform.throttled = True
    with pytest.raises(Throttled) as caught:
        await Listener(platform).visit()
    assert caught.value.until == START + timedelta(minutes=5)
    assert len(platform.requests) == 1


# Deletions and edits


async def test_deleted_posts_go_whoever_wrote_them(platform: Bluesky, wire: str) -> None:
    kept = platform.write(WARD, "Norovirus kept", START - timedelta(minutes=3))
    gone = platform.write(WARD, "Norovirus deleted", START - timedelta(minutes=2))
    listener = Listener(platform, wire=wire)
    await listener.visit()
    assert listener.alive == {kept, gone}
    listener.now += HOUR
    platform.happen(WARD, "commit", START + timedelta(minutes=1), operation="delete", rkey=gone.rpartition("/")[2])
    await listener.visit()
    assert listener.alive == {kept}


async def test_a_post_that_was_deleted_again_before_we_came_is_not_kept(platform: Bluesky) -> None:
    uri = platform.write(WARD, "Norovirus in haste", START - timedelta(minutes=3))
    platform.happen(WARD, "commit", START - timedelta(minutes=2), operation="delete", rkey=uri.rpartition("/")[2])
    listener = Listener(platform)
    await listener.visit()
    assert listener.alive == set()


@pytest.mark.parametrize(
    ("status", "left"),
    [("deleted", 0), ("takendown", 0), ("suspended", 0), ("deactivated", 0), ("desynchronized", 1), ("throttled", 1), (None, 1)],
)  # fmt: skip
async def test_an_account_that_is_gone_takes_its_posts_along(
    platform: Bluesky, wire: str, status: str | None, left: int
) -> None:
    platform.write(WARD, "Norovirus here", START - timedelta(minutes=3))
    other = platform.write(CLINIC, "Norovirus there", START - timedelta(minutes=2))
    listener = Listener(platform, wire=wire)
    await listener.visit()
    listener.now += HOUR
    told = {"status": status} if status else {}
    platform.happen(WARD, "account", START + timedelta(minutes=1), active=False, **told)
    pages = await listener.visit()
    assert len(listener.alive) == 1 + left
    assert other in listener.alive
    gone = [COLLECTOR.parse(listener.source, page).gone for page in pages if page.body]
    assert gone == ([] if left else [(f"at://{WARD}/",)])


async def test_an_account_that_is_back_at_once_loses_nothing(platform: Bluesky) -> None:
    platform.write(WARD, "Norovirus here", START - timedelta(minutes=3))
    listener = Listener(platform)
    await listener.visit()
    listener.now += HOUR
    platform.happen(WARD, "account", START + timedelta(minutes=1), active=False, status="deactivated")
    platform.happen(WARD, "account", START + timedelta(minutes=2), active=True)
    await listener.visit()
    assert len(listener.alive) == 1


async def test_an_edit_replaces_the_text_and_one_that_leaves_the_subject_takes_the_post_away(platform: Bluesky) -> None:
    one = platform.write(WARD, "Norovirus one", START - timedelta(minutes=3))
    two = platform.write(WARD, "Norovirus two", START - timedelta(minutes=2))
    listener = Listener(platform)
    await listener.visit()
    listener.now += HOUR
    for uri, text in ((one, "Norovirus, corrected"), (two, "Something else")):
        platform.write(WARD, text, START - timedelta(minutes=3), operation="update")
        platform.events[-1] |= {"rkey": uri.rpartition("/")[2], "micros": platform.events[-1]["micros"] + 60_000_000}
    await listener.visit()
    assert listener.texts == ["Norovirus, corrected"]
    assert listener.items[one].updated_at is not None
    assert listener.items[one].updated_at > START
    assert listener.items[two].deleted


# What cannot be read


async def test_a_record_of_another_shape_is_set_aside_if_it_speaks_of_the_subject(platform: Bluesky) -> None:
    for text in (["norovirus"], ["weather"]):
        platform.write(WARD, "", START - timedelta(minutes=2))
        platform.events[-1]["record"]["text"] = text
    platform.write(WARD, "Norovirus", START - timedelta(minutes=1))
    listener = Listener(platform)
    await listener.visit()
    assert listener.texts == ["Norovirus"]
    assert listener.rejected == 1


@pytest.mark.parametrize("micros", [7, 99_999_999_999_999_999, -1])
async def test_an_event_with_an_absurd_time_does_not_move_the_cursor(platform: Bluesky, micros: int) -> None:
    platform.write(WARD, "Norovirus", START - timedelta(minutes=1))
    platform.happen(WARD, "identity", START, handle="x.example")
    listener = Listener(platform)
    odd = b'{"did":"did:plc:x","kind":"identity","time_us":%d}' % micros
    visit = jetstream._Visit("h", "v1", 1783339200_000000, Filter([("x",)]), None)
    assert not visit.take(odd)
    assert visit.since is None
    assert visit.lines == [odd]
    assert stretch(await listener.visit()).until == START


async def test_a_stream_that_speaks_another_language_has_drifted(
    platform: Bluesky, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(30):
        platform.write(WARD, "Norovirus", START - timedelta(minutes=1))
    monkeypatch.setattr("tests.platforms.bluesky_platform.first_wire", lambda event: {"version": 3})
    with pytest.raises(Drifted) as caught:
        await Listener(platform).visit()
    assert caught.value.code == "unknown_shape"


async def test_other_records_and_unknown_kinds_pass_by(platform: Bluesky) -> None:
    platform.write(WARD, "Norovirus", START - timedelta(minutes=2))
    platform.happen(WARD, "sync", START - timedelta(minutes=1))
    platform.happen(WARD, "commit", START - timedelta(minutes=1), operation="create", rkey=tid(9), record=None)
    listener = Listener(platform)
    await listener.visit()
    assert (listener.texts, listener.rejected) == (["Norovirus"], 0)


def test_a_source_of_the_stream_has_no_quota_and_needs_no_key() -> None:
    assert COLLECTOR.key is None
    assert COLLECTOR.quotas == ()
    assert COLLECTOR.check(replace(stream_source(), url="https://bsky.app/", options={"accounts": [WARD]})) == []
