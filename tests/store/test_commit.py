"""One page, one transaction: what a write leaves behind, and that writing it again leaves nothing more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from collectors.base import Engagement
from monitor.core.model import Interval, Observed, Post, Visit, Write
from monitor.store import PostQuery, Store
from monitor.store.errors import NotFound
from tests.support.posts import NOW, make_post, make_source
from tests.support.stores import counted_cells, stored_cells

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def source(store: Store) -> None:
    store.add_source(make_source("who"), NOW)


def full_post() -> Post:
    return make_post(
        "https://example.org/a?b=1#ü",
        title="Nurses and “telehealth” – 遠隔医療",
        text="Größe\n\nمرحبا 😀 text",
        author="ab" * 16,
        updated_at=NOW - HOUR,
        duration=61.5,
        guests=2,
        engagement=Engagement(views=10, likes=0, comments=None, shares=3),
        content_type="video",
        subtype="short",
        live=True,
        sponsored=True,
        audience=("nurses", "physicians"),
        language=None,
        country="DE",
        topics=("ai", "telehealth"),
        sentiment=-0.4588,
        duplicate_keys=(5, -(2**63), 2**63 - 1),
        reasons={"topics": "telehealth: “virtual visits”"},
        evidence={"media": ["image/jpeg"], "nested": {"a": [1, None, True]}},
        hash=-(2**63),
        repairs=("no date: time of first sight",),
        date_guessed=True,
    )


def test_a_post_comes_back_as_it_was_written(store: Store) -> None:
    post = full_post()
    store.commit(Write("who", NOW, (post,)))
    assert store.post("who", post.id) == post
    assert store.posts(PostQuery()).posts == (post,)


def test_the_same_write_again_changes_nothing(store: Store) -> None:
    write = Write(
        "who",
        NOW,
        (full_post(), make_post("b", duplicate_keys=(5,))),
        engagement={"b": Engagement(likes=4)},
        observed=Observed(NOW - HOUR, NOW),
        cursor={"etag": "x"},
    )
    store.commit(write)
    before = store.data_version(), stored_cells(store), store.totals(), store.engagement_history("who", "b")
    store.commit(write)
    assert (store.data_version(), stored_cells(store), store.totals(), store.engagement_history("who", "b")) == before


def test_an_edit_moves_the_post_and_keeps_when_it_was_first_seen(store: Store) -> None:
    first = make_post("a", title="Old headline", sentiment=0.5)
    edited = make_post("a", title="New headline", sentiment=-0.5, seen_at=NOW + HOUR, topics=("ai",))
    store.commit(Write("who", NOW, (first,)))
    store.commit(Write("who", NOW + HOUR, (edited,)))
    kept = replace(edited, seen_at=NOW)
    assert store.post("who", "a") == kept
    assert stored_cells(store) == counted_cells([kept])
    assert store.totals().posts == 1
    assert store.count_posts(PostQuery("old")) == 0
    assert store.count_posts(PostQuery("new")) == 1


def test_a_guessed_date_never_moves_a_known_post(store: Store) -> None:
    dated, guessed = make_post("dated"), make_post("guessed", published_at=NOW, date_guessed=True)
    store.commit(Write("who", NOW, (dated, guessed)))
    later = [
        make_post(name, title="edited", published_at=NOW + 50 * HOUR, date_guessed=True)
        for name in ("dated", "guessed")
    ]
    store.commit(Write("who", NOW + 50 * HOUR, tuple(later)))
    for before in (dated, guessed):
        after = store.post("who", before.id)
        assert after is not None
        assert (after.title, after.published_at, after.date_guessed) == (
            "edited",
            before.published_at,
            before.date_guessed,
        )


def test_a_date_that_is_told_at_last_replaces_a_guess(store: Store) -> None:
    store.commit(Write("who", NOW, (make_post("a", published_at=NOW, date_guessed=True),)))
    told = make_post("a", published_at=NOW - 100 * HOUR)
    store.commit(Write("who", NOW, (told,)))
    assert store.post("who", "a") == told
    assert stored_cells(store) == counted_cells([told])


def test_counts_are_kept_as_observations_only_when_they_change(store: Store) -> None:
    store.commit(Write("who", NOW, (make_post("a"), make_post("b", engagement=Engagement(likes=1)))))
    for hours, likes in ((1, 5), (2, 5), (3, 7)):
        store.commit(
            Write("who", NOW + hours * HOUR, engagement={"a": Engagement(likes=likes), "nobody": Engagement(1)})
        )
    assert store.engagement_history("who", "a") == [
        (NOW + HOUR, (None, 5, None, None)),
        (NOW + 3 * HOUR, (None, 7, None, None)),
    ]
    assert store.engagement_history("who", "b") == [(NOW, (None, 1, None, None))]
    post = store.post("who", "a")
    assert post is not None
    assert post.engagement == Engagement(likes=7)
    assert store.known("who").engagement == {"a": Engagement(likes=7), "b": Engagement(likes=1)}
    assert stored_cells(store) == counted_cells([post, make_post("b", engagement=Engagement(likes=1))])


def test_a_deleted_post_takes_everything_with_it(store: Store) -> None:
    store.commit(Write("who", NOW, (make_post("a", engagement=Engagement(likes=1)), make_post("b"))))
    assert store.count_posts(PostQuery("health")) == 2
    store.commit(Write("who", NOW, deleted=("a", "never there")))
    assert store.post("who", "a") is None
    assert store.count_posts(PostQuery("health")) == 1
    assert stored_cells(store) == counted_cells([make_post("b")])
    assert store.totals().posts == 1
    with pytest.raises(NotFound):
        store.engagement_history("who", "a")


def test_deletion_wins_over_a_post_of_the_same_write(store: Store) -> None:
    store.commit(Write("who", NOW, (make_post("a"), make_post("b")), deleted=("a",)))
    assert store.known("who").hashes.keys() == {"b"}


def test_the_later_of_two_posts_with_one_id_stands(store: Store) -> None:
    store.commit(Write("who", NOW, (make_post("a", title="first"), make_post("a", title="second"))))
    post = store.post("who", "a")
    assert post is not None
    assert post.title == "second"
    assert store.totals().posts == 1


def test_what_no_database_takes_is_cleaned(store: Store) -> None:
    store.commit(Write("who", NOW, (make_post("a\0b", title="nul\0nul", text="lone \ud800 surrogate", words=10**12),)))
    post = store.post("who", "a\0b")
    assert post is not None
    assert (post.id, post.title, post.text, post.words) == ("ab", "nulnul", "lone ? surrogate", 10**9)


def test_absurd_numbers_are_kept_within_what_sums_can_hold(store: Store) -> None:
    absurd = Engagement(views=10**30, likes=-5, comments=10**19, shares=None)
    post = make_post("a", engagement=absurd, duration=float("inf"), guests=-3)
    store.commit(Write("who", NOW, (post, replace(post, id="b"))))
    stored = store.post("who", "a")
    assert stored is not None
    assert stored.engagement == Engagement(views=10**12, likes=0, comments=10**12, shares=None)
    assert (stored.duration, stored.guests) == (None, 0)
    assert stored_cells(store) == counted_cells([stored, replace(stored, id="b")])


def test_nothing_is_written_for_a_source_that_is_not_tracked(store: Store) -> None:
    with pytest.raises(NotFound, match="nobody"):
        store.commit(Write("nobody", NOW, (make_post("a", "nobody"),)))
    with pytest.raises(NotFound):
        store.commit_many([Write("who", NOW, (make_post("a"),)), Write("nobody", NOW)], meta={"fact": "x"})
    assert store.totals().posts == 0
    assert store.meta("fact") is None
    store.commit(Write("who", NOW, (make_post("a"),)))
    assert stored_cells(store) == counted_cells([make_post("a")])


def test_many_writes_are_one(store: Store) -> None:
    store.add_source(make_source("cdc"), NOW)
    store.commit_many(
        [
            Write("who", NOW, (make_post("a"),), observed=Observed(NOW - HOUR, NOW)),
            Write("cdc", NOW, (make_post("a", "cdc"),), engagement={"a": Engagement(likes=2)}),
            Write("who", NOW, (make_post("a", title="again"), make_post("b"))),
        ],
        meta={"import:1": "position"},
    )
    again = make_post("a", title="again")
    liked = make_post("a", "cdc", engagement=Engagement(likes=2))
    assert store.post("who", "a") == again
    assert stored_cells(store) == counted_cells([again, make_post("b"), liked])
    assert store.totals().posts == 3
    assert store.meta("import:1") == "position"
    assert store.coverage(["who"]) == {"who": [Interval(NOW - HOUR, NOW)]}
    store.commit_many([], meta={"import:1": None})
    assert store.meta("import:1") is None


def test_known_tells_the_newest_posts(store: Store) -> None:
    posts = [make_post(f"p{age}", published_at=NOW - age * HOUR) for age in range(10)]
    store.commit(Write("who", NOW, tuple(posts), observed=Observed(NOW - 9 * HOUR, NOW)))
    known = store.known("who", limit=7)
    assert list(known.hashes) == [f"p{age}" for age in range(7)]
    assert known.anchors == ("p0", "p1", "p2", "p3", "p4")
    assert known.observed_until == NOW
    assert store.known("nobody").hashes == {}


def test_a_commit_carries_cursor_visit_and_state(store: Store) -> None:
    store.claim_due(NOW, limit=1, lease=HOUR)
    visit = Visit("who", NOW, NOW + HOUR, "new", new=1, next_due=NOW + 3 * HOUR, spacing=60.0, repairs={"no date": 2})
    store.commit(Write("who", NOW, (make_post("a"),), cursor={"etag": "x", "n": [1]}), visit)
    known = store.source("who")
    assert known is not None
    state = known.state
    assert state.cursor == {"etag": "x", "n": [1]}
    assert (state.last_try, state.last_success, state.last_new) == (NOW + HOUR,) * 3
    assert (state.next_due, state.spacing, state.verified, state.failures) == (NOW + 3 * HOUR, 60.0, True, 0.0)
    assert store.visits("who") == [visit]
    assert [one.source.id for one in store.claim_due(NOW + 3 * HOUR, limit=1, lease=HOUR)] == ["who"]
