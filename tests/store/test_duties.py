"""What platforms count and ask for: accounts that are never overdrawn, posts that are let go, items set aside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from collectors.base import Engagement, Rejected
from collectors.quota import Quota, Rolling, calendar_day
from monitor.core.model import Write
from monitor.store import PostQuery, Store
from tests.support.posts import NOW, make_post, make_source

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SEARCHES = Quota("search", 3, "searches", calendar_day())
DIFFERENT = Quota("tags", 2, "different tags", Rolling(7 * DAY), distinct=True)


@pytest.fixture
def tracked(store: Store) -> Store:
    store.add_source(make_source("a"), NOW)
    return store


def test_an_account_is_never_overdrawn(store: Store) -> None:
    booked = [store.spending.book("v", SEARCHES, 1, since=NOW - HOUR, at=NOW + n * HOUR) for n in range(4)]
    assert [isinstance(one, int) for one in booked] == [True, True, True, False]
    assert booked[-1] == NOW, "when the oldest booking was made"
    assert store.spending.used("v", SEARCHES, since=NOW - HOUR) == 3
    assert isinstance(store.spending.book("other", SEARCHES, 1, since=NOW - HOUR, at=NOW), int)
    assert isinstance(store.spending.book("v", SEARCHES, 1, since=NOW + HOUR, at=NOW + DAY), int), "the window moved on"


def test_many_that_book_at_once_share_what_there_is(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        booked = list(pool.map(lambda _: store.spending.book("v", SEARCHES, 1, since=NOW - HOUR, at=NOW), range(20)))
    assert sum(isinstance(one, int) for one in booked) == 3


def test_a_booking_is_corrected_to_what_was_used(store: Store) -> None:
    booking = store.spending.book("v", SEARCHES, 3, since=NOW - HOUR, at=NOW)
    assert isinstance(booking, int)
    store.spending.correct(booking, 0.5)
    assert store.spending.used("v", SEARCHES, since=NOW - HOUR) == 0.5
    assert isinstance(store.spending.book("v", SEARCHES, 2.5, since=NOW - HOUR, at=NOW), int)


def test_different_things_count_once_however_often_they_are_asked_for(store: Store) -> None:
    def book(what: str) -> bool:
        return isinstance(store.spending.book("m", DIFFERENT, 1, since=NOW - 7 * DAY, at=NOW, what=what), int)

    assert [book(what) for what in ("flu", "rsv", "flu", "mpox", "rsv")] == [True, True, True, False, True]
    assert store.spending.used("m", DIFFERENT, since=NOW - 7 * DAY) == 2


def test_posts_are_looked_up_again_in_the_order_of_how_long_nobody_confirmed_them(tracked: Store) -> None:
    posts = [make_post(f"p{n}", "a", published_at=NOW - n * DAY, seen_at=NOW - n * DAY) for n in range(5)]
    tracked.commit(Write("a", NOW, posts=tuple(posts)))

    def due(before: timedelta, published: timedelta | None = None) -> list[str]:
        since = None if published is None else NOW - published
        found = tracked.duties.to_review("a", before=NOW - before, published_since=since, limit=3)
        return [one.id for one in found]

    assert due(HOUR) == ["p4", "p3", "p2"]
    assert due(HOUR, 2 * DAY) == ["p2", "p1"]
    tracked.commit(Write("a", NOW, confirmed=("p4", "gone", "p3"), deleted=("p2",)))
    assert due(HOUR) == ["p1"]
    tracked.commit(Write("a", NOW + DAY, confirmed=("p4",)))
    assert due(-2 * HOUR) == ["p1", "p0", "p3"], "p0 was seen, and p3 confirmed, at the same time"


def test_what_nobody_confirmed_in_time_is_let_go_and_stays_counted(tracked: Store) -> None:
    told = Engagement(views=100, likes=5)
    posts = [
        make_post(
            f"p{n}",
            "a",
            published_at=NOW - n * DAY,
            seen_at=NOW - n * DAY,
            title="Flu",
            text="Flu spreads",
            engagement=told,
        )
        for n in range(4)
    ]
    tracked.commit(Write("a", NOW, posts=tuple(posts)))
    tracked.commit(Write("a", NOW, confirmed=("p3",)))
    assert tracked.duties.let_go("a", before=NOW - DAY, batch=1) == 1
    post = tracked.post("a", "p2")
    assert post is not None
    assert (post.title, post.text, post.url, post.author, post.engagement) == ("", "", None, None, Engagement())
    assert tracked.engagement_history("a", "p2") == []
    kept = tracked.post("a", "p3")
    assert kept is not None
    assert (kept.title, kept.engagement) == ("Flu", told)
    assert tracked.totals().posts == 4
    assert tracked.rebuild_cells() == 0, "cells moved with it"
    assert {post.id for post in tracked.posts(PostQuery(q="spreads")).posts} == {"p0", "p1", "p3"}
    assert tracked.duties.let_go("a", before=NOW - DAY) == 0


def test_all_posts_of_an_author_go_with_the_account(tracked: Store) -> None:
    tracked.add_source(make_source("b"), NOW)
    ids = ["at://did:x/p/1", "at://did:x/p/2", "at://did:xy/p/1", "at://did:z/p/1"]
    for source in ("a", "b"):
        tracked.commit(Write(source, NOW, posts=tuple(make_post(one, source, published_at=NOW) for one in ids)))
    tracked.commit(Write("a", NOW, deleted_prefixes=("at://did:x/", "at://did:z/", "")))
    left = sorted((post.source, post.id) for post in tracked.posts(PostQuery(limit=50)).posts)
    assert left == [("a", "at://did:xy/p/1"), *(("b", one) for one in sorted(ids))]
    assert tracked.rebuild_cells() == 0


def test_items_that_cannot_be_read_are_kept_once_and_not_for_long(tracked: Store) -> None:
    odd = Rejected("no id", "{}", b'{"text": "?"}')
    tracked.commit(Write("a", NOW, set_aside=(odd, Rejected("no date", "{}", b"{}"))))
    tracked.commit(Write("a", NOW + HOUR, set_aside=(odd,)))
    kept = tracked.set_aside.list("a")
    assert [(one.source, one.reason, one.raw) for one in kept] == [
        ("a", "no id", b'{"text": "?"}'),
        ("a", "no date", b"{}"),
    ]
    assert tracked.set_aside.counts() == {"a": 2}
    tracked.set_aside.drop([kept[0].number])
    assert len(tracked.set_aside.list()) == 1
    tracked.set_aside.expire(NOW + 31 * DAY)
    assert tracked.set_aside.list() == []
    tracked.commit(Write("a", NOW, set_aside=(odd,)))
    tracked.remove_source("a", purge=True, now=NOW)
    assert tracked.set_aside.list() == [], "it goes with its source"
