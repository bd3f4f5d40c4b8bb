"""Cells and copies: whatever is written, in whatever order, they are what a recount of the posts would give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.base import NO_ENGAGEMENT, Engagement
from monitor.core.model import Post, Write
from monitor.store import Store
from monitor.store.database import Database
from tests.support.posts import NOW, make_post, make_source
from tests.support.stores import Mirror, copies, counted_cells, stored_cells

SOURCES = ("b-source", "a-source")
IDS = ("1", "2", "3", "4")
RELAXED = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Empty = Callable[[], Store]

counts = st.none() | st.sampled_from([0, 1, 10**12])
engagements = st.just(NO_ENGAGEMENT) | st.builds(Engagement, counts, counts, counts, counts)
posts = st.builds(
    lambda source, id, hours, keys, title, engagement, tags: make_post(  # noqa: A006 - the name of the field
        id,
        source,
        title=title,
        published_at=NOW - timedelta(hours=hours),
        duplicate_keys=tuple(keys),
        engagement=engagement,
        **tags,
    ),
    st.sampled_from(SOURCES),
    st.sampled_from(IDS),
    st.sampled_from([0, 1, 30]),
    st.lists(st.sampled_from([1, 2, 3, -(2**63)]), unique=True, max_size=3),
    st.sampled_from(["one", "two"]),
    engagements,
    st.fixed_dictionaries(
        {
            "content_type": st.sampled_from(["news", "video"]),
            "sentiment": st.sampled_from([None, 0.0, 0.05, -0.05, 0.0499, -1.0, 0.6369]),
            "country": st.sampled_from([None, "US"]),
            "topics": st.sampled_from([(), ("ai", "telehealth")]),
            "duration": st.sampled_from([None, 0.0, 59.5]),
            "guests": st.sampled_from([None, 0, 2]),
            "sponsored": st.booleans(),
        }
    ),
)
names = st.tuples(st.sampled_from(SOURCES), st.sampled_from(IDS))
operations = st.one_of(
    st.tuples(st.just("put"), st.lists(posts, min_size=1, max_size=5)),
    st.tuples(st.just("count"), names, engagements),
    st.tuples(st.just("delete"), names),
    st.tuples(st.just("retag"), st.sampled_from(["podcast", "other"]), st.lists(st.sampled_from([1, 4]), max_size=1)),
    st.tuples(st.just("purge"), st.sampled_from(SOURCES)),
)


def start(empty: Empty) -> Store:
    store = empty()
    for source in SOURCES:
        store.add_source(make_source(source), NOW)
    return store


class Model:
    """The posts there should be."""

    def __init__(self) -> None:
        self.posts: dict[tuple[str, str], Post] = {}

    def do(self, store: Store, operation: Any) -> None:
        match operation:
            case "put", new:
                store.commit_many([Write(source, NOW, self.of(new, source)) for source in SOURCES])
                for post in new:
                    self.posts[post.source, post.id] = post
            case "count", (source, post_id), told:
                store.commit(Write(source, NOW, engagement={post_id: told}))
                if (source, post_id) in self.posts:
                    self.posts[source, post_id] = replace(self.posts[source, post_id], engagement=told)
            case "delete", (source, post_id):
                store.commit(Write(source, NOW, deleted=(post_id,)))
                self.posts.pop((source, post_id), None)
            case "retag", content_type, keys:
                self.retag(store, content_type, tuple(keys))
            case "purge", source:
                store.remove_source(source, purge=True)
                store.add_source(make_source(source), NOW)
                self.posts = {name: post for name, post in self.posts.items() if post.source != source}

    def of(self, new: list[Post], source: str) -> tuple[Post, ...]:
        return tuple(post for post in new if post.source == source)

    def retag(self, store: Store, content_type: str, keys: tuple[int, ...]) -> None:
        rows = []
        for row, post in store.scan_posts(below_version=2):
            tags = replace(post.annotation, content_type=content_type, duplicate_keys=keys)
            rows.append((row, replace(post, annotation=tags)))
            self.posts[post.source, post.id] = rows[-1][1]
        store.retag(rows)


@pytest.fixture(params=[2, 20_000], ids=["folds soon", "folds never"])
def folding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many posts `post_key` may lie behind."""
    monkeypatch.setattr("monitor.store.recent.FEWEST_FOLDED", request.param)
    monkeypatch.setattr("monitor.store.recent.MOST_FOLDED", request.param)


@RELAXED
@given(st.lists(operations, max_size=12))
def test_cells_follow_any_sequence_of_changes(
    emptied: Empty, store_url: str, folding: None, sequence: list[Any]
) -> None:
    store, model, mirror = start(emptied), Model(), Mirror()
    other = Store.open(store_url)  # stands for a second process: what each remembers must not mislead it
    for step, operation in enumerate(sequence):
        model.do(other if step % 3 == 1 else store, operation)
        assert mirror.refresh(store) == counted_cells(model.posts.values()), operation
    assert stored_cells(store) == counted_cells(model.posts.values())
    for (source, post_id), post in model.posts.items():
        assert store.post(source, post_id) == post
    assert store.totals().posts == len(model.posts)
    assert store.rebuild_cells() == 0
    assert mirror.refresh(store) == counted_cells(model.posts.values())
    other.close()


@RELAXED
@given(st.lists(posts, min_size=2, max_size=8, unique_by=lambda post: (post.source, post.id)), st.randoms())
def test_the_order_of_arrival_does_not_matter(emptied: Empty, every: list[Post], random: Any) -> None:
    expected = counted_cells(every)
    for _ in range(2):
        store = start(emptied)
        random.shuffle(every)
        for post in every:
            store.commit(Write(post.source, NOW, (post,)))
        assert stored_cells(store) == expected


def test_an_older_original_that_comes_late_takes_its_place(store: Store) -> None:
    store.add_source(make_source("wire"), NOW)
    store.add_source(make_source("paper"), NOW)
    copy = make_post("copy", "paper", published_at=NOW, duplicate_keys=(1, 2))
    third = make_post("third", "paper", published_at=NOW + timedelta(hours=1), duplicate_keys=(2, 3))
    original = make_post("original", "wire", published_at=NOW - timedelta(hours=5), duplicate_keys=(1,))
    for post in (third, copy, original):
        store.commit(Write(post.source, NOW, (post,)))
    assert copies([copy, third, original]) == {("paper", "copy"), ("paper", "third")}
    assert stored_cells(store) == counted_cells([copy, third, original])
    store.commit(Write("wire", NOW, deleted=("original",)))
    assert stored_cells(store) == counted_cells([copy, third])
    assert copies([copy, third]) == {("paper", "third")}


def test_a_reader_gets_only_what_changed(store: Store) -> None:
    store.add_source(make_source(), NOW)
    many = tuple(make_post(f"p{n}", published_at=NOW - timedelta(days=n)) for n in range(30))
    store.commit(Write("who", NOW, many))
    (first,) = store.cells_since(0)
    assert len(first.values) == 30
    assert sorted(first.column("id")) == list(range(1, 31)), "ids are dense"
    assert list(store.cells_since(first.version)) == []
    store.commit(
        Write("who", NOW, (make_post("p3", published_at=NOW - timedelta(days=3), sentiment=0.5), make_post("new")))
    )
    (second,) = store.cells_since(first.version)
    assert len(second.values) == 2
    assert second.version > first.version
    assert second.column("sentiment_n").sum() == 1


def test_ids_of_cells_stay_dense_through_many_updates(store: Store) -> None:
    store.add_source(make_source(), NOW)
    for n in range(20):
        post = make_post(f"p{n}", published_at=NOW - timedelta(days=n % 4), content_type="news" if n < 10 else "video")
        store.commit(Write("who", NOW, (post,)))
    (batch,) = store.cells_since(0)
    assert sorted(batch.column("id")) == list(range(1, 9))


def test_an_emptied_cell_is_told_as_zero(store: Store) -> None:
    store.add_source(make_source(), NOW)
    store.commit(Write("who", NOW, (make_post("a", sentiment=0.9),)))
    (first,) = store.cells_since(0)
    store.commit(Write("who", NOW, deleted=("a",)))
    (second,) = store.cells_since(first.version)
    assert second.column("id").tolist() == first.column("id").tolist()
    assert not second.values[:, 4:].any()


def test_rebuild_mends_what_was_damaged(store: Store, store_url: str) -> None:
    for source in SOURCES:
        store.add_source(make_source(source), NOW)
    every = [
        make_post(
            str(n), SOURCES[n % 2], published_at=NOW - timedelta(hours=n), duplicate_keys=(n // 2,), sentiment=0.3
        )
        for n in range(20)
    ]
    store.commit_many([Write(source, NOW, tuple(p for p in every if p.source == source)) for source in SOURCES])
    mirror = Mirror()
    assert mirror.refresh(store) == counted_cells(every)
    database = Database(store_url)
    with database.write() as tx:
        tx.run("UPDATE cell SET posts = posts + 3, words_sq = 1 WHERE id % 2 = 0")
        tx.run("DELETE FROM cell WHERE id = 1")
        tx.run("UPDATE post SET is_copy = NOT is_copy WHERE id = '3'")
        tx.run("DELETE FROM post_key WHERE key = 2")
        tx.run("INSERT INTO post_key (key, published_at, post) VALUES (77, 0, 1)")
        tx.run("UPDATE clock SET posts = 5")
    database.close()
    assert store.rebuild_cells() > 0
    assert stored_cells(store) == counted_cells(every)
    assert store.totals().posts == 20
    assert store.rebuild_cells() == 0
    earlier = make_post("x", SOURCES[0], published_at=NOW - timedelta(days=9), duplicate_keys=(2, 77))
    store.commit(Write(SOURCES[0], NOW, (earlier,)))
    assert stored_cells(store) == counted_cells([*every, earlier])


@pytest.mark.parametrize("step", [1, 7, 50_000])
def test_cells_come_in_batches(store: Store, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.store.cells.BATCH", step)
    store.add_source(make_source(), NOW)
    many = tuple(make_post(f"p{n}", published_at=NOW - timedelta(days=n)) for n in range(40))
    store.commit(Write("who", NOW, many))
    batches = list(store.cells_since(0))
    assert [number for batch in batches for number in batch.column("id")] == list(range(1, 41))
    assert {batch.version for batch in batches} == {store.data_version()}
    assert sum(batch.column("posts").sum() for batch in batches) == 40
