"""Retention and re-tagging."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.core.model import Write
from monitor.store import PostQuery, Store
from tests.support.posts import NOW, make_post, make_source
from tests.support.stores import Mirror, counted_cells, stored_cells

DAY = timedelta(days=1)


def test_forgotten_text_leaves_everything_that_counts(store: Store) -> None:
    store.add_source(make_source(), NOW)
    posts = [
        make_post(str(age), published_at=NOW - age * DAY, duplicate_keys=(1,), sentiment=0.5, text=f"secret{age} words")
        for age in range(12)
    ]
    store.commit(Write("who", NOW, tuple(posts[:8])))
    assert store.count_posts(PostQuery("words")) == 8
    store.commit(Write("who", NOW, tuple(posts[8:])))  # not yet in the text index of SQLite
    cells = stored_cells(store)
    version = store.data_version()
    assert store.forget_text(NOW - 5 * DAY, batch=2) == 6
    assert store.forget_text(NOW - 5 * DAY, batch=2) == 0
    for post in posts:
        kept = store.post("who", post.id)
        assert kept is not None
        if post.published_at < NOW - 5 * DAY:
            assert kept == replace(post, title="", text="", url=None)
        else:
            assert kept == post
    assert store.count_posts(PostQuery("words")) == 6
    assert store.count_posts(PostQuery("secret9")) == 0
    assert stored_cells(store) == cells == counted_cells(posts)
    assert store.data_version() == version
    assert store.rebuild_cells() == 0


def test_a_repeat_does_not_bring_forgotten_text_back_but_an_edit_does(store: Store) -> None:
    store.add_source(make_source(), NOW)
    post = make_post("a", published_at=NOW - 9 * DAY, text="secret words")
    store.commit(Write("who", NOW, (post,)))
    store.forget_text(NOW - DAY)
    store.commit(Write("who", NOW, (post,)))
    kept = store.post("who", "a")
    assert kept is not None
    assert kept.text == ""
    assert store.known("who").hashes == {"a": post.hash}
    edited = make_post("a", published_at=NOW - 9 * DAY, text="other words")
    store.commit(Write("who", NOW, (edited,)))
    assert store.post("who", "a") == edited
    assert store.count_posts(PostQuery("words")) == 1
    assert store.forget_text(NOW - DAY) == 1


def test_posts_are_scanned_in_order_and_without_those_forgotten(store: Store) -> None:
    store.add_source(make_source(), NOW)
    many = [make_post(str(n), published_at=NOW - n * DAY, version=1 + n % 2) for n in range(10)]
    store.commit(Write("who", NOW, tuple(many)))
    store.forget_text(NOW - 6.5 * DAY)
    seen = []
    after = 0
    while rows := store.scan_posts(below_version=2, after=after, limit=2):
        assert all(row > after for row, _ in rows)
        after = rows[-1][0]
        seen += [post for _, post in rows]
    assert seen == [post for post in many[:7] if post.annotation.version == 1]


def test_retagging_moves_cells_and_copies(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.add_source(make_source("b"), NOW)
    posts = [make_post(str(n), "ab"[n % 2], published_at=NOW - n * DAY, duplicate_keys=(n,)) for n in range(6)]
    store.commit_many([Write(name, NOW, tuple(p for p in posts if p.source == name)) for name in "ab"])
    mirror = Mirror()
    assert mirror.refresh(store) == counted_cells(posts)
    rows = [
        (
            row,
            replace(
                post,
                annotation=replace(post.annotation, version=2, duplicate_keys=(1,), topics=("ai",), sentiment=-0.3),
                words=99,
                evidence={"new": True},
            ),
        )
        for row, post in store.scan_posts(below_version=2)
    ]
    store.retag(rows)
    tagged = [post for _, post in rows]
    assert mirror.refresh(store) == counted_cells(tagged)
    assert [store.post(post.source, post.id) for post in tagged] == tagged
    assert store.scan_posts(below_version=2) == []
    version = store.data_version()
    store.retag(rows)
    assert store.data_version() == version


def test_retagging_leaves_alone_what_changed_meanwhile(store: Store) -> None:
    store.add_source(make_source(), NOW)
    store.commit(Write("who", NOW, (make_post("edited"), make_post("deleted"), make_post("same"))))
    rows = store.scan_posts(below_version=2)
    edited = make_post("edited", title="another", version=2)
    store.commit(Write("who", NOW, (edited,), deleted=("deleted",)))
    store.retag([(row, replace(post, annotation=replace(post.annotation, content_type="video"))) for row, post in rows])
    same = make_post("same", content_type="video")
    assert store.post("who", "deleted") is None
    assert stored_cells(store) == counted_cells([edited, same])
