"""Accounts of Bluesky against their stand-in. The stream, and what is made of a post, have tests of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from collectors.access import Access
from collectors.base import (
    NOTHING_PROVED,
    Cursor,
    Drifted,
    Item,
    NotFound,
    Page,
    Refused,
    Source,
    Stored,
    Stretch,
    Throttled,
)
from collectors.bluesky import COLLECTOR
from collectors.fetch import Http, HttpSettings, parse_nets
from tests.platforms.bluesky_platform import CLINIC, HANDLES, WARD, Bluesky, author, iso, source, tid
from tests.platforms.serving import START

ACCOUNT = source("https://bsky.app/profile/ward-seven.example")
WEEK_AGO = START - timedelta(days=7)


class Visitor:
    """Visits a stand-in like the service: pages are kept in order, the cursor goes on from the last `resume`."""

    def __init__(self, platform: Bluesky, at: Source = ACCOUNT) -> None:
        self.platform, self.source = platform, at
        self.now = START
        self.cursor: Cursor = {}
        self.items: dict[str, Item] = {}
        platform.clock = lambda: self.now

    async def visit(self, **options: Any) -> list[Page]:
        if options:
            self.source = replace(self.source, options=options)
        return await self._take(lambda access: COLLECTOR.retrieve(self.source, self.cursor, access, self.now))

    async def review(self, *ids: str) -> list[Page]:
        held = [Stored(one, None, START) for one in ids]
        return await self._take(lambda access: COLLECTOR.review(self.source, held, access, self.now))

    async def _take(self, pages: Any) -> list[Page]:
        taken = []
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8")), clock=lambda: self.now) as http:
            async for page in pages(Access("bluesky", http, base=self.platform.base)):
                taken.append(page)
                if page.resume is not None:
                    self.cursor = orjson.loads(orjson.dumps(page.resume))
                if page.body is None:
                    continue
                self.items |= {item.id: item for item in COLLECTOR.parse(self.source, page).items}
        return taken

    @property
    def alive(self) -> set[str]:
        return {item.id for item in self.items.values() if not item.deleted}


@pytest.fixture
def platform() -> Iterator[Bluesky]:
    with Bluesky() as running:
        yield running


def feed_requests(platform: Bluesky) -> list[dict[str, list[str]]]:
    return [dict(one.query) for one in platform.requests if one.path.endswith("getAuthorFeed")]


# Addresses and options


@pytest.mark.parametrize(
    "url",
    [
        "https://bsky.app/profile/who.int",
        "https://bsky.app/profile/@who.int/",
        f"https://bsky.app/profile/{WARD}",
        "https://bsky.app/profile/did:web:news.example.org",
        "https://bsky.app/search?q=bird+flu",
        "https://bsky.app/search?q=%22bird+flu%22+cases&tab=latest",
        "https://bsky.app/hashtag/norovirus",
    ],
)
def test_addresses_as_people_paste_them_are_taken(url: str) -> None:
    assert COLLECTOR.check(source(url)) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/profile/who.int",
        "http://127.0.0.1:9/profile/who.int",
        "https://bsky.app/profile/someone",
        "https://bsky.app/profile/did:plc:short",
        f"https://bsky.app/profile/who.int/post/{tid(1)}",
        "https://bsky.app/profile/who.int/lists/one",
        "https://bsky.app/settings",
        "https://bsky.app/search?q=from%3Awho.int+flu",
        "https://bsky.app/search?q=flu+-bird",
    ],
)
def test_other_addresses_are_explained_with_right_ones(url: str) -> None:
    problem = next(one for one in COLLECTOR.check(source(url)) if one.path == ("url",))
    assert "https://bsky.app/profile/who.int" in problem.instead


@pytest.mark.parametrize(
    ("url", "options", "path"),
    [
        ("https://bsky.app/", {}, ("options", "keywords")),
        ("https://bsky.app/search?q=", {}, ("options", "keywords")),
        ("https://bsky.app/", {"accounts": ["who.int"]}, ("options", "accounts", 0)),
        ("https://bsky.app/search?q=flu", {"languages": ["en", "english"]}, ("options", "languages", 1)),
        ("https://bsky.app/search?q=flu", {"host": "wss://x.example:1"}, ("options", "host")),
        ("https://bsky.app/search?q=flu", {"host": "127.0.0.1"}, ("options", "host")),
        ("https://bsky.app/search?q=flu", {"wire": "v3"}, ("options", "wire")),
        ("https://bsky.app/search?q=flu", {"look_back_hours": 37}, ("options", "look_back_hours")),
        ("https://bsky.app/search?q=flu", {"replies": True}, ("options", "replies")),
        ("https://bsky.app/profile/who.int", {"keywords": ["flu"]}, ("options", "keywords")),
        ("https://bsky.app/profile/who.int", {"pages": 0}, ("options", "pages")),
    ],
)
def test_options_that_do_not_fit_are_named(url: str, options: dict[str, Any], path: tuple[str | int, ...]) -> None:
    assert path in [problem.path for problem in COLLECTOR.check(source(url, **options))]


# An account


async def test_the_first_visit_reaches_back_a_week_and_says_so_page_by_page(platform: Bluesky) -> None:
    visitor = Visitor(platform)
    pages = await visitor.visit()
    assert visitor.alive == platform.ids()
    stretches = [page.observed for page in pages]
    assert all(isinstance(one, Stretch) and one.until == START and one.gap is None for one in stretches)
    assert [one.since for one in stretches if isinstance(one, Stretch)][-1] == WEEK_AGO
    assert [page.last for page in pages] == [False, False, False, True]
    assert {request["actor"][0] for request in feed_requests(platform)} == {WARD}
    assert not any(one.path.endswith("searchPosts") for one in platform.requests)


async def test_what_is_older_than_the_first_window_is_not_read(platform: Bluesky) -> None:
    pages = await Visitor(platform).visit(look_back_days=1)
    assert len(pages) == 1
    assert pages[0].observed == Stretch(START - timedelta(days=1), START)


async def test_later_visits_read_only_what_is_new(platform: Bluesky) -> None:
    visitor = Visitor(platform)
    await visitor.visit()
    visitor.now += timedelta(hours=3)
    platform.publish(3)
    pages = await visitor.visit()
    assert visitor.alive == platform.ids()
    assert [page.observed for page in pages] == [Stretch(START, visitor.now)]


async def test_replies_come_only_when_asked_for_and_reposts_and_pins_never(platform: Bluesky) -> None:
    pinned = {"post": platform.entries[-1]["post"], "reason": {"$type": "app.bsky.feed.defs#reasonPin"}}
    platform.entries.insert(0, pinned)
    visitor = Visitor(platform)
    assert len(await visitor.visit(look_back_days=3)) < 4, "a pinned post is no sign of the end"
    assert not any("Thank you" in item.text or "wisdom" in item.text for item in visitor.items.values())
    more = Visitor(platform)
    await more.visit(replies=True)
    assert sum(item.text == "Thank you" for item in more.items.values()) == 5
    assert not any("wisdom" in item.text for item in more.items.values())


async def test_what_a_visit_leaves_over_is_read_first_by_the_next_one(platform: Bluesky) -> None:
    visitor = Visitor(platform)
    pages = await visitor.visit(pages=1)
    assert len(pages) == 1
    visitor.now += timedelta(hours=1)
    platform.publish(2)
    for _ in range(4):
        pages += await visitor.visit()
    assert visitor.alive == platform.ids()
    assert isinstance(pages[3].observed, Stretch)
    assert pages[3].observed == Stretch(WEEK_AGO, START), "the backlog is closed"
    assert pages[4].observed == Stretch(START, visitor.now)


async def test_a_kept_place_that_is_no_longer_known_costs_requests_and_no_posts(platform: Bluesky) -> None:
    visitor = Visitor(platform)
    await visitor.visit(pages=2)
    feed = dict(visitor.cursor["feed"])
    visitor.cursor = {"feed": feed | {"rest": feed["rest"] | {"token": "worn out"}}}
    await visitor.visit(pages=10)
    assert visitor.alive == platform.ids()


async def test_where_anonymous_readers_may_not_page_the_newest_posts_come_and_the_rest_is_a_gap(
    platform: Bluesky,
) -> None:
    platform.pages_for_all = False
    visitor = Visitor(platform)
    pages = await visitor.visit()
    assert pages[-1].observed == Stretch(START - timedelta(hours=49), START, gap="overflow")
    assert len(visitor.alive) == 98
    visitor.now += timedelta(hours=1)
    platform.publish(1)
    pages = await visitor.visit()
    assert pages[-1].observed == Stretch(START, visitor.now), "what is known is within reach again"


async def test_an_account_is_followed_through_a_change_of_its_handle(platform: Bluesky) -> None:
    visitor = Visitor(platform)
    await visitor.visit()
    platform.requests.clear()
    await visitor.visit()
    assert platform.requests[0].one("actor") == WARD
    visitor.source = replace(visitor.source, url=f"https://bsky.app/profile/{HANDLES[CLINIC]}")
    platform.requests.clear()
    with pytest.raises(NotFound):
        await visitor.visit()
    assert platform.requests[0].one("actor") == HANDLES[CLINIC], "another address is another account"


async def test_author_facts_come_from_the_profile(platform: Bluesky) -> None:
    platform.profile["verification"] = {
        "verifications": [], "verifiedStatus": "valid", "trustedVerifierStatus": "none"
    }  # fmt: skip
    visitor = Visitor(platform)
    await visitor.visit()
    item = next(iter(visitor.items.values()))
    assert (item.author, item.followers, item.verified) == (WARD, 1234, True)
    assert item.author_bio == "An invented ward that does not exist."


async def test_an_account_that_hides_from_anonymous_readers_is_left_alone(platform: Bluesky) -> None:
    platform.profile["labels"] = [{"src": WARD, "uri": WARD, "val": "!no-unauthenticated", "cts": iso(START)}]
    with pytest.raises(Refused) as caught:
        await Visitor(platform).visit()
    assert caught.value.code == "blocked_by_publisher"
    assert feed_requests(platform) == []
    platform.profile["labels"][0]["neg"] = True
    await Visitor(platform).visit()


async def test_too_often_is_told_with_the_time_and_nothing_more_is_asked(platform: Bluesky) -> None:
    platform.throttled = True
    with pytest.raises(Throttled) as caught:
        await Visitor(platform).visit()
    assert (caught.value.code, caught.value.until) == ("http_429", START + timedelta(minutes=5))
    assert len(platform.requests) == 1


async def test_an_account_that_is_not_there_and_an_answer_of_another_shape_are_told_apart(platform: Bluesky) -> None:
    with pytest.raises(NotFound) as missing:
        await Visitor(platform, source("https://bsky.app/profile/nobody.example")).visit()
    assert "Profile not found" in str(missing.value)
    platform.profile = {"name": "changed"}
    with pytest.raises(Drifted) as drifted:
        await Visitor(platform).visit()
    assert drifted.value.code == "unknown_shape"


# Looking up again


async def test_a_review_brings_counts_and_finds_what_is_gone(platform: Bluesky) -> None:
    visitor = Visitor(platform)
    await visitor.visit()
    ids = sorted(platform.ids())[:30]
    gone = platform.remove_one()
    platform.views[ids[3]]["likeCount"] = 99
    platform.views[ids[4]]["author"] = author(WARD) | {"labels": [{"val": "!no-unauthenticated"}]}
    pages = await visitor.review(*ids)
    assert [len(page.confirmed) for page in pages] == [25, 5]
    assert all(page.observed == NOTHING_PROVED and page.resume is None for page in pages)
    assert visitor.items[gone].deleted
    assert visitor.items[ids[4]].deleted, "it asks not to be shown any more"
    assert visitor.items[ids[3]].engagement.likes == 99
    assert len(visitor.alive) == 248


async def test_a_source_may_do_without_review(platform: Bluesky) -> None:
    visitor = Visitor(platform, replace(ACCOUNT, options={"recheck": False}))
    assert await visitor.review(sorted(platform.ids())[0]) == []
    assert platform.requests == []
