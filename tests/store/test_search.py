"""Reading posts: words, filters, orders and pages are the same on both databases."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collectors.base import Engagement
from monitor.core.model import Write
from monitor.store import PostQuery, Store
from tests.support.posts import NOW, make_post, make_source

HOUR = timedelta(hours=1)
RELAXED = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def filled(store: Store) -> Store:
    store.add_source(make_source("who", platform="web"), NOW)
    store.add_source(make_source("tube", platform="youtube"), NOW)
    every = [
        make_post("1", title="Nurses back telehealth", text="COVID-19 vaccines, e.g. Größe", audience=("nurses",)),
        make_post("2", title="AI in oncology", text="telehealth and nurses", topics=("ai", "oncology"), country="US"),
        make_post("3", title="Nothing", text="see https://example.org/telehealth.html", language=None, live=True),
        make_post("4", "tube", title="Élan vital", text="naïve telehealth telehealth telehealth", country="DE"),
        make_post("5", "tube", title="Copy", text="plain", audience=("nurses", "physicians"), topics=("ai",)),
    ]
    every = [make_post(post.id, post.source, **_facts(post, hours)) for hours, post in enumerate(every)]
    for source in ("who", "tube"):
        store.commit(Write(source, NOW, tuple(post for post in every if post.source == source)))
    return store


def _facts(post: Any, hours: int) -> dict[str, Any]:
    tags = post.annotation
    return {
        "title": post.title,
        "text": post.text,
        "published_at": NOW - hours * HOUR,
        "audience": tags.audience,
        "topics": tags.topics,
        "country": tags.country,
        "language": tags.language,
        "live": tags.live,
        "duplicate_keys": (9,) if post.id in ("2", "5") else (),
        "engagement": Engagement(likes=hours * 10) if post.id in ("2", "4") else Engagement(),
    }


def found(store: Store, q: str | None = None, **facts: Any) -> str:
    page = store.posts(PostQuery(q, **facts))
    assert page.next is None
    assert store.count_posts(PostQuery(q, **facts)) == len(page.posts)
    return "".join(post.id for post in page.posts)


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        (None, "12345"),
        ("", "12345"),
        ("telehealth", "1234"),
        ("TELEHEALTH nurses", "12"),
        ('"back telehealth"', "1"),
        ('"telehealth back"', ""),
        ("telehealth -nurses", "34"),
        ('telehealth -"and nurses"', "134"),
        ("-telehealth", "5"),
        ("covid-19", "1"),
        ("covid 19", "1"),
        ('"covid 19"', "1"),
        ("größe", "1"),
        ("example.org", "3"),
        ("telehealth.html", "3"),
        ("nosuchword", ""),
        ("--- ... *** ( ) : ^ ' \" - AND OR NOT NEAR", ""),
        ("!!! ???", "12345"),
        ('"unclosed phrase', ""),
        ('"back telehealth', "1"),
        ("title:telehealth", ""),
        ("tele*", ""),
    ],
)
def test_words_find_posts(filled: Store, q: str | None, ids: str) -> None:
    assert found(filled, q) == ids


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"source": ("tube",)}, "45"),
        ({"source": ("tube", "who")}, "12345"),
        ({"source": ("nobody",)}, ""),
        ({"platform": ("web",)}, "123"),
        ({"audience": ("nurses",)}, "15"),
        ({"audience": ("nurs",)}, ""),
        ({"audience": ("%",)}, ""),
        ({"audience": ("nurses_physicians",)}, ""),
        ({"topic": ("ai",)}, "25"),
        ({"topic": ("none",)}, "134"),
        ({"topic": ("none", "oncology")}, "1234"),
        ({"country": ("US", "DE")}, "24"),
        ({"country": ("unknown",)}, "135"),
        ({"country": ("unknown", "US")}, "1235"),
        ({"language": ("unknown",)}, "3"),
        ({"content_type": ("news",)}, "12345"),
        ({"content_type": ()}, ""),
        ({"live": ("true",)}, "3"),
        ({"live": ("true", "false")}, "12345"),
        ({"copy": ("true",)}, "2"),
        ({"copy": ("false",)}, "1345"),
        ({"sponsored": ("true",)}, ""),
        ({"topic": ("ai",), "platform": ("web",)}, "2"),
    ],
)
def test_filters_choose_posts(filled: Store, filters: dict[str, tuple[str, ...]], ids: str) -> None:
    assert found(filled, filters=filters) == ids


def test_since_is_inclusive_and_until_exclusive(filled: Store) -> None:
    assert found(filled, since=NOW - 3 * HOUR, until=NOW - HOUR) == "34"


def test_orders(filled: Store) -> None:
    assert found(filled, order="engagement")[:2] == "42"
    assert found(filled, "telehealth", order="relevance")[0] == "4"
    assert sorted(found(filled, "telehealth -oncology", order="relevance")) == ["1", "3", "4"]
    assert found(filled, order="relevance") == "12345", "without words it is the newest"


@pytest.mark.parametrize("order", ["newest", "engagement", "relevance"])
@pytest.mark.parametrize("q", [None, "health"])
def test_pages_show_every_post_once(store: Store, order: Any, q: str | None) -> None:
    store.add_source(make_source(), NOW)
    many = [
        make_post(
            str(n), published_at=NOW - (n // 3) * HOUR, text="health " * (n % 4 + 1), engagement=Engagement(likes=n % 2)
        )
        for n in range(23)
    ]
    store.commit(Write("who", NOW, tuple(many)))
    whole = [post.id for post in store.posts(PostQuery(q, order=order)).posts]
    assert sorted(whole) == sorted(post.id for post in many)
    seen: list[str] = []
    cursor = None
    while True:
        page = store.posts(PostQuery(q, order=order, limit=5, cursor=cursor))
        seen += [post.id for post in page.posts]
        cursor = page.next
        if cursor is None:
            break
    assert seen == whole


def test_a_cursor_belongs_to_its_query(filled: Store) -> None:
    cursor = filled.posts(PostQuery("telehealth", limit=1)).next
    assert cursor is not None
    for other in (
        PostQuery("nurses", cursor=cursor),
        PostQuery("telehealth", cursor=cursor, order="engagement"),
        PostQuery("telehealth", cursor=cursor, filters={"live": ("false",)}),
    ):
        with pytest.raises(ValueError, match="cursor"):
            filled.posts(other)


FORGED = base64.urlsafe_b64encode(b'["x",1e300,1]').decode()


@RELAXED
@example("")
@example("e30")
@example(FORGED)
@example("bnVsbA")
@given(st.text(max_size=40))
def test_a_cursor_that_nobody_made_is_refused(filled: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        filled.posts(PostQuery(cursor=cursor))


@RELAXED
@example("\ud800", "newest")
@example('a"b" "-" -"" "\0x"', "relevance")
@given(st.text(max_size=30), st.sampled_from(["newest", "relevance"]).map(str))
def test_any_text_can_be_searched_for(filled: Store, q: str, order: Any) -> None:
    filled.posts(PostQuery(q, order=order))
    filled.count_posts(PostQuery(q))


@RELAXED
@given(st.dictionaries(st.sampled_from(["country", "topic", "source", "platform"]), st.tuples(st.text(max_size=9))))
def test_any_value_can_be_filtered_by(filled: Store, filters: dict[str, tuple[str, ...]]) -> None:
    filled.posts(PostQuery(filters=filters))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (PostQuery(filters={"region": ("europe",)}), "region"),
        (PostQuery(filters={"live": ("yes",)}), "live"),
        (PostQuery(limit=0), "limit"),
        (PostQuery(limit=501), "limit"),
        (PostQuery(order="oldest"), "order"),  # type: ignore[arg-type]  # what is tested
        (PostQuery("a " * 65), "q"),
    ],
)
def test_what_cannot_be_asked_is_named(filled: Store, query: PostQuery, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        filled.posts(query)


def test_counting_stops_at_the_cap(filled: Store) -> None:
    assert filled.count_posts(PostQuery(), cap=3) == 3


def test_the_index_follows_edits_before_and_after_it_caught_up(store: Store) -> None:
    store.add_source(make_source(), NOW)
    store.commit(Write("who", NOW, (make_post("a", text="alpha"), make_post("b", text="beta"))))
    store.commit(Write("who", NOW, (make_post("a", text="gamma"),), deleted=("b",)))
    assert (store.count_posts(PostQuery("alpha")), store.count_posts(PostQuery("gamma"))) == (0, 1)
    store.commit(Write("who", NOW, (make_post("a", text="delta"), make_post("c", text="gamma"))))
    assert (store.count_posts(PostQuery("gamma")), store.count_posts(PostQuery("delta"))) == (1, 1)
    store.commit(Write("who", NOW, deleted=("a", "c")))
    store.commit(Write("who", NOW, (make_post("d", text="delta"),)))
    assert [post.id for post in store.posts(PostQuery("delta")).posts] == ["d"]
    while store.tidy():
        pass
    assert store.count_posts(PostQuery("delta")) == 1


def test_a_very_long_text_is_stored_and_found_by_its_beginning(store: Store) -> None:
    store.add_source(make_source(), NOW)
    text = "beginning " + " ".join(f"word{n}" for n in range(300_000))
    store.commit(Write("who", NOW, (make_post("a", text=text, hash=1),)))
    stored = store.post("who", "a")
    assert stored is not None
    assert stored.text == text
    assert store.count_posts(PostQuery("beginning")) == 1


def test_totals(filled: Store) -> None:
    totals = filled.totals()
    assert (totals.posts, totals.sources, totals.oldest, totals.newest) == (5, 2, NOW - 4 * HOUR, NOW)
