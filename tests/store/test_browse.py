"""Looking around in what a search found: tags of the newest, the page before, the copies of a post."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from collectors.base import Engagement
from monitor.core.model import Write
from monitor.store import PostQuery, Store
from tests.support.posts import NOW, make_post, make_source

MANY = 23


@pytest.fixture
def filled(store: Store) -> Store:
    store.add_source(make_source(), NOW)
    posts = [
        make_post(
            f"p{n:02}",
            published_at=NOW - timedelta(hours=n // 3),
            text="health " * (1 + n % 4),
            topics=("ai",) if n % 2 else (),
            engagement=Engagement(likes=n % 5),
            duplicate_keys=(n // 10 + 1,),
        )
        for n in range(MANY)
    ]
    store.commit(Write("who", NOW, tuple(posts)))
    return store


@pytest.mark.parametrize("order", ["newest", "engagement", "relevance"])
@pytest.mark.parametrize("q", [None, "health"])
@pytest.mark.parametrize("limit", [1, 5, 23])
def test_going_back_shows_the_same_pages_as_going_on(filled: Store, order: Any, q: str | None, limit: int) -> None:
    cursors: list[str | None] = [None]
    while (following := filled.posts(PostQuery(q=q, order=order, limit=limit, cursor=cursors[-1])).next) is not None:
        cursors.append(following)
    assert len(cursors) == -(-MANY // limit)
    for before, cursor in zip([None, *cursors], cursors, strict=False):
        back = filled.browse.before(PostQuery(q=q, order=order, limit=limit, cursor=cursor))
        shown = [filled.posts(PostQuery(q=q, order=order, limit=limit, cursor=one)).posts for one in (back, before)]
        assert shown[0] == shown[1]


def test_a_cursor_of_another_question_is_refused(filled: Store) -> None:
    cursor = filled.posts(PostQuery(limit=5)).next
    with pytest.raises(ValueError, match="cursor"):
        filled.browse.before(PostQuery(q="health", limit=5, cursor=cursor))


def test_tags_are_of_the_posts_stored_last(filled: Store) -> None:
    tags = filled.browse.latest(PostQuery(q="health", filters={"topic": ("ai",)}), 4)
    assert [one.topics for one in tags] == [(), ("ai",), (), ("ai",)], "filters are left to the caller"
    assert {one.source for one in tags} == {"who"}
    assert sum(one.copy for one in filled.browse.latest(PostQuery(), 100)) == MANY - 3
    assert len(filled.browse.latest(PostQuery(since=NOW - timedelta(hours=1)), 100)) == 6
    assert filled.browse.latest(PostQuery(q="nowhere"), 3) == []


def test_a_family_is_all_posts_that_share_a_key_the_earliest_first(filled: Store) -> None:
    post = filled.post("who", "p05")
    assert post is not None
    family = filled.browse.family(post, 50)
    assert {one.id for one in family.posts} == {f"p{n:02}" for n in range(10)} - {"p05"}
    times = [one.published_at for one in family.posts]
    assert times == sorted(times)
    assert not family.more
    few = filled.browse.family(post, 4)
    assert (len(few.posts), few.more) == (4, True)
    filled.rebuild_cells()  # which also moves every key to its table
    assert filled.browse.family(post, 50) == family


def test_a_post_without_keys_has_no_family(filled: Store) -> None:
    filled.commit(Write("who", NOW, (make_post("alone"),)))
    alone = filled.post("who", "alone")
    assert alone is not None
    assert filled.browse.family(alone, 5).posts == ()
