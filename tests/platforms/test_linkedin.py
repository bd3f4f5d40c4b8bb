"""LinkedIn's pages, as their administrator may read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors import registry
from collectors.access import Access
from collectors.base import (
    NO_ENGAGEMENT,
    Engagement,
    Item,
    NeedsKey,
    Page,
    Refused,
    RetryLater,
    Source,
    Stretch,
    Throttled,
)
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.linkedin import PAGE_SIZE, plain_words
from tests.platforms.linkedin_platform import ORGANIZATION, OTHERS, TOKEN, WRONG_TOKEN, LinkedInPlatform, Post, source
from tests.platforms.serving import START

COLLECTOR = registry.get("linkedin")


@pytest.fixture
def platform() -> Iterator[LinkedInPlatform]:
    with LinkedInPlatform() as running:
        yield running


async def visit(
    platform: LinkedInPlatform,
    of: Source | None = None,
    cursor: Mapping[str, Any] | None = None,
    *,
    key: str = TOKEN,
    into: list[Page] | None = None,
) -> list[Page]:
    """The pages of one visit; `into` also holds those that came before an error."""
    pages: list[Page] = [] if into is None else into
    now = platform.clock()
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
        access = Access("linkedin", http, keys={"linkedin": key} if key else {}, base=platform.base)
        async for page in COLLECTOR.retrieve(of or source(), cursor or {}, access, now):
            pages.append(page)
    return pages


def items(pages: list[Page]) -> list[Item]:
    return [item for page in pages for item in COLLECTOR.parse(source(), page).items]


def last_cursor(pages: list[Page]) -> Mapping[str, Any]:
    return next(page.resume for page in reversed(pages) if page.resume is not None)


def moving(platform: LinkedInPlatform, step: timedelta) -> None:
    later = platform.clock() + step
    platform.clock = lambda: later


async def test_a_first_visit_brings_every_public_post_of_the_window_once(platform: LinkedInPlatform) -> None:
    pages = await visit(platform)
    found = items(pages)
    assert sorted(item.id for item in found) == sorted(platform.ids())
    assert len(pages) == 3
    assert [isinstance(page.observed, Stretch) for page in pages] == [True] * 3
    assert pages[0].observed == Stretch(START - timedelta(hours=PAGE_SIZE), START)
    assert pages[-1].observed == Stretch(START - timedelta(days=365), START)
    assert [page.resume is None for page in pages] == [True, True, False]
    first = found[0]
    assert first.url == f"https://www.linkedin.com/feed/update/{first.id}/"
    assert (first.text, first.categories) == ("Example clinic note 0 (invented) #flu", ("flu",))
    assert first.author == f"urn:li:organization:{ORGANIZATION}"
    assert first.published_at == START - timedelta(hours=1)
    assert first.published_at.tzinfo is UTC
    assert (first.title, first.engagement, first.followers, first.verified) == ("", NO_ENGAGEMENT, None, None)


async def test_a_later_visit_stops_at_the_first_post_it_knows(platform: LinkedInPlatform) -> None:
    first = await visit(platform)
    moving(platform, timedelta(hours=2))
    platform.publish(3)
    asked = len(platform.requests)
    second = await visit(platform, cursor=last_cursor(first))
    assert len(items(second)) == 3
    assert len(platform.requests) - asked == 1
    assert second[0].observed == Stretch(START, START + timedelta(hours=2))


async def test_what_was_brought_once_is_not_brought_again(platform: LinkedInPlatform) -> None:
    first = await visit(platform)
    moving(platform, timedelta(minutes=20))
    second = await visit(platform, cursor=last_cursor(first))
    assert items(second) == []
    assert second[-1].observed == Stretch(START, START + timedelta(minutes=20))


async def test_two_posts_of_the_same_millisecond_are_both_brought(platform: LinkedInPlatform) -> None:
    first = await visit(platform)
    twin = platform.find(0)
    platform.posts.append(Post("urn:li:ugcPost:1", twin.created, twin.modified, "A twin"))
    second = await visit(platform, cursor=last_cursor(first))
    assert [item.id for item in items(second)] == ["urn:li:ugcPost:1"]


async def test_an_edited_post_comes_again_with_the_time_of_its_edit(platform: LinkedInPlatform) -> None:
    first = await visit(platform)
    moving(platform, timedelta(hours=1))
    edited = platform.find(90)
    edited.commentary, edited.modified = "Corrected hours", platform.clock() - timedelta(minutes=5)
    (item,) = items(await visit(platform, cursor=last_cursor(first)))
    assert (item.id, item.text, item.updated_at) == (edited.urn, "Corrected hours", edited.modified)
    assert item.published_at == edited.created


async def test_posts_older_than_the_first_visits_window_are_left_out() -> None:
    with LinkedInPlatform(posts=60) as platform:
        pages = await visit(platform, source(days=1))
    assert {item.id for item in items(pages)} == {post.urn for post in platform.posts[:24]}
    assert pages[-1].observed == Stretch(START - timedelta(days=1), START)


async def test_drafts_private_posts_and_bare_reshares_are_no_posts(platform: LinkedInPlatform) -> None:
    draft, private, bare, quoting = platform.posts[:4]
    draft.state = "DRAFT"
    private.visibility = "LOGGED_IN"
    bare.commentary, bare.more = "", {"reshareContext": {"parent": "urn:li:share:1", "root": "urn:li:share:1"}}
    quoting.more = dict(bare.more)
    found = {item.id for item in items(await visit(platform))}
    assert found.isdisjoint({draft.urn, private.urn, bare.urn})
    assert quoting.urn in found


async def test_sponsored_is_what_linkedin_labels_as_an_advertisement(platform: LinkedInPlatform) -> None:
    platform.find(0).more = {"adContext": {"dscStatus": "ACTIVE", "dscAdAccount": "urn:li:sponsoredAccount:1"}}
    by_id = {item.id: item for item in items(await visit(platform))}
    assert by_id[platform.find(0).urn].sponsored is True
    assert by_id[platform.find(1).urn].sponsored is None


async def test_the_title_of_an_article_and_the_question_of_a_poll_belong_to_the_text(
    platform: LinkedInPlatform,
) -> None:
    platform.find(0).more = {"content": {"article": {"source": "https://example.org/flu", "title": "Flu clinic"}}}
    platform.find(1).more = {"content": {"poll": {"question": "Which day suits you?", "options": []}}}
    by_id = {item.id: item for item in items(await visit(platform))}
    assert by_id[platform.find(0).urn].text.endswith("#flu\n\nFlu clinic")
    assert by_id[platform.find(1).urn].text.endswith("#flu\n\nWhich day suits you?")


def test_little_text_becomes_plain_text() -> None:
    said = r"Ask @[Example \[Clinic\]](urn:li:organization:1)\: {hashtag|\#|flu} {hashtag|#|flu_shot} 5 \< 6 \| \\o\/"
    words, tags = plain_words(said)
    assert words == r"Ask Example [Clinic]\: #flu #flu_shot 5 < 6 | \o\/"
    assert tags == ("flu", "flu_shot")


async def test_counts_are_asked_for_only_when_wanted(platform: LinkedInPlatform) -> None:
    await visit(platform)
    assert not [asked for asked in platform.requests if "socialMetadata" in asked.path]


async def test_counts_that_are_missing_are_none_and_zero_only_where_it_says_so(platform: LinkedInPlatform) -> None:
    platform.find(1).social = {"reactionSummaries": {}, "commentSummary": {"count": 0}}
    platform.find(2).social = {"reactionSummaries": {"LIKE": {"count": 0}}}
    by_id = {item.id: item.engagement for item in items(await visit(platform, source(counts=True)))}
    assert by_id[platform.find(3).urn] == Engagement(likes=5, comments=0)
    assert by_id[platform.find(1).urn] == Engagement(likes=None, comments=0)
    assert by_id[platform.find(2).urn] == Engagement(likes=0, comments=None)
    assert by_id[platform.find(4).urn] == NO_ENGAGEMENT


async def test_counts_are_asked_for_a_hundred_posts_a_visit_at_most(platform: LinkedInPlatform) -> None:
    await visit(platform, source(counts=True))
    assert len([asked for asked in platform.requests if "socialMetadata" in asked.path]) == 100


async def test_with_counts_the_posts_of_two_days_are_read_again(platform: LinkedInPlatform) -> None:
    of = source(counts=True)
    first = await visit(platform, of)
    moving(platform, timedelta(hours=1))
    social = platform.find(0).social
    assert social is not None
    social["commentSummary"]["count"] = 11
    again = {item.id: item for item in items(await visit(platform, of, last_cursor(first)))}
    assert len(again) == 47
    assert again[platform.find(0).urn].engagement.comments == 11


async def test_counts_that_are_refused_do_not_keep_the_posts_back(platform: LinkedInPlatform) -> None:
    platform.social_scope = False
    pages: list[Page] = []
    with pytest.raises(NeedsKey, match=r"TRENDMONITOR_KEY__LINKEDIN .* counts: false") as caught:
        await visit(platform, source(counts=True), into=pages)
    assert caught.value.code == "needs_approval"
    assert len(items(pages)) == PAGE_SIZE


async def test_the_daily_limit_in_the_middle_of_the_counts_keeps_the_page(platform: LinkedInPlatform) -> None:
    platform.limit = 11
    pages: list[Page] = []
    with pytest.raises(Throttled) as caught:
        await visit(platform, source(counts=True), into=pages)
    assert caught.value.until == datetime(2026, 7, 7, tzinfo=UTC)
    engaged = [item for item in items(pages) if item.engagement != NO_ENGAGEMENT]
    assert (len(items(pages)), len(engaged)) == (PAGE_SIZE, 8)


async def test_a_limit_of_pages_is_made_good_by_the_next_visits(platform: LinkedInPlatform) -> None:
    of, cursor = source(pages=1), dict[str, Any]()
    seen: set[str] = set()
    observed = []
    for _ in range(8):
        pages = await visit(platform, of, cursor)
        seen |= {item.id for item in items(pages)}
        cursor = dict(last_cursor(pages))
        observed.append(pages[-1].observed)
        if "backlog" not in cursor:
            break
    assert seen == platform.ids()
    assert observed[-1] == Stretch(START - timedelta(days=365), START)


async def test_what_is_published_while_there_is_a_backlog_comes_after_it(platform: LinkedInPlatform) -> None:
    of = source(pages=2)
    cursor = last_cursor(await visit(platform, of))
    moving(platform, timedelta(hours=1))
    platform.publish(5)
    seen: set[str] = set()
    for _ in range(4):
        pages = await visit(platform, of, cursor)
        seen |= {item.id for item in items(pages)}
        cursor = last_cursor(pages)
    assert {post.urn for post in platform.posts[99:]} <= seen


async def test_a_backlog_whose_place_is_gone_begins_anew(platform: LinkedInPlatform) -> None:
    of = source(pages=1)
    cursor = last_cursor(await visit(platform, of))
    cursor = last_cursor(await visit(platform, of, cursor))
    del platform.posts[:75]
    seen: set[str] = set()
    for _ in range(6):
        pages = await visit(platform, of, cursor)
        seen |= {item.id for item in items(pages)}
        cursor = last_cursor(pages)
    assert platform.ids() <= seen


async def test_a_post_deleted_between_two_pages_hides_no_other(platform: LinkedInPlatform) -> None:
    pages: list[Page] = []
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
        access = Access("linkedin", http, keys={"linkedin": TOKEN}, base=platform.base)
        async for page in COLLECTOR.retrieve(source(), {}, access, START):
            pages.append(page)
            platform.remove_one()
    assert platform.ids() <= {item.id for item in items(pages)}


async def test_a_broken_connection_loses_nothing(platform: LinkedInPlatform) -> None:
    platform.stop_after = 2
    pages: list[Page] = []
    with pytest.raises(RetryLater):
        await visit(platform, into=pages)
    assert all(page.resume is None for page in pages)
    platform.stop_after = None
    assert {item.id for item in items(await visit(platform))} == platform.ids()


async def test_a_retired_version_names_the_option(platform: LinkedInPlatform) -> None:
    with pytest.raises(Refused, match="Set option `version`") as caught:
        await visit(platform, source(version="202508"))
    assert caught.value.code == "api_version"
    assert await visit(platform, source(version="202611"))


async def test_a_page_of_others_needs_an_administrator(platform: LinkedInPlatform) -> None:
    of = replace(source(), url=f"https://www.linkedin.com/company/{OTHERS}")
    with pytest.raises(NeedsKey, match="not an administrator of this organisation") as caught:
        await visit(platform, of)
    assert caught.value.code == "needs_approval"


@pytest.mark.parametrize(("key", "code"), [("", "needs_key"), (WRONG_TOKEN, "key_refused")])
async def test_a_missing_or_wrong_key_is_named_but_not_shown(platform: LinkedInPlatform, key: str, code: str) -> None:
    with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__LINKEDIN") as caught:
        await visit(platform, key=key)
    assert caught.value.code == code
    assert "hush" not in str(caught.value)
    assert len(platform.requests) == (1 if key else 0)


async def test_too_many_requests_wait_for_midnight_utc(platform: LinkedInPlatform) -> None:
    platform.throttled = True
    with pytest.raises(Throttled) as caught:
        await visit(platform)
    assert (caught.value.code, caught.value.until) == ("http_429", datetime(2026, 7, 7, tzinfo=UTC))
    assert len(platform.requests) == 1


async def test_a_post_of_unknown_shape_is_set_aside_whole(platform: LinkedInPlatform) -> None:
    broken = platform.break_one()
    pages = await visit(platform)
    rejected = [one for page in pages for one in COLLECTOR.parse(source(), page).rejected]
    assert [one.reason for one in rejected] == ["commentary is not text"]
    assert rejected[0].raw is not None
    assert broken.encode() in rejected[0].raw
    assert {item.id for item in items(pages)} == platform.ids()


async def test_an_empty_page_is_observed_and_empty() -> None:
    with LinkedInPlatform(posts=0) as platform:
        (page,) = await visit(platform)
    assert items([page]) == []
    assert page.observed == Stretch(START - timedelta(days=365), START)


@pytest.mark.parametrize(
    ("url", "options", "path"),
    [
        ("https://www.linkedin.com/in/somebody", {}, ("url",)),
        ("https://www.linkedin.com/feed/", {}, ("url",)),
        ("https://example.org/company/1", {}, ("url",)),
        ("http://127.0.0.1/company/1", {}, ("url",)),
        ("https://www.linkedin.com/company/example-clinic", {}, ("options", "organization")),
        ("https://www.linkedin.com/company/example-clinic", {"organization": "abc"}, ("options", "organization")),
        ("https://www.linkedin.com/company/12", {"organization": "13"}, ("options", "organization")),
        ("https://www.linkedin.com/company/12", {"version": "2026-10"}, ("options", "version")),
        ("https://www.linkedin.com/company/12", {"days": 9000}, ("options", "days")),
        ("https://www.linkedin.com/company/12", {"count": True}, ("options", "count")),
    ],
)
def test_what_is_wrong_with_a_source_is_said(url: str, options: dict[str, Any], path: tuple[str, ...]) -> None:
    (problem,) = COLLECTOR.check(replace(source(), url=url, options=options))
    assert problem.path == path
    assert problem.instead


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("https://www.linkedin.com/company/12/", {}),
        ("https://de.linkedin.com/company/12/posts/?feedView=all", {}),
        ("https://www.linkedin.com/school/example-school", {"organization": "12", "version": "202611"}),
    ],
)
def test_addresses_as_people_paste_them_are_right(url: str, options: dict[str, Any]) -> None:
    assert COLLECTOR.check(replace(source(), url=url, options=options)) == []
