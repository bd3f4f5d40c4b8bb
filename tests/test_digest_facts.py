"""Gathering what a digest is composed from, out of a real store with its real trends and ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collectors.base import Engagement
from monitor.core.digest_compose import compose
from monitor.core.model import Observed, Write
from monitor.core.query import QueryError
from monitor.store import Store
from tests.support.digests import (
    CONFIG,
    FIRST,
    HOSTILE,
    LAST,
    NOW,
    SINCE,
    SPEC,
    UNTIL,
    WEEKS,
    facts_of,
    fill,
    visit,
)
from tests.support.posts import make_post, make_source


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Store]:
    """Telehealth jumps in the last week; one source was not seen then, one lost a week before. Not to be written to."""
    path = tmp_path_factory.mktemp("eventful") / "t.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{path}")
    fill(store, jump=2.2, unseen={5: (9, 10), 7: (4, 5)}, names={3: HOSTILE})
    visit(store, "s05", ok=False)
    yield store
    store.close()


def test_the_week_is_found_and_told(eventful: Store) -> None:
    facts = facts_of(eventful, book=CONFIG.claims)
    document = compose(SPEC, facts)
    assert (document["since"], document["until"]) == ("2026-07-06", "2026-07-13")
    assert "telehealth" in document["headline"].lower()
    assert facts.observation.expected == 40
    assert facts.observation.observed == 39
    assert [one.source for one in facts.observation.missing] == ["s05"]
    assert facts.observation.missing[0].why.startswith("Blocked by the site")
    assert [one.source for one in facts.troubles] == ["s05"]
    assert facts.troubles[0].fresh
    assert len(document["sections"][1]["says"]) >= 1
    assert document["cutoff"] == "2026-07-13T06:00:00Z"


def test_counts_are_those_of_the_trends(eventful: Store) -> None:
    facts = facts_of(eventful)
    points = facts.charts["volume"]["series"][0]["points"]
    everything = facts.sample.everything
    weekly = [int(everything.posts[:, at].sum()) for at in range(9)]
    assert weekly == [point["n"] for point in points[::-1]][:9]
    topic = next(one for one in facts.sample.parts if one.key == "telehealth")
    shown = next(one for one in facts.charts["topic"]["series"] if one["key"] == "telehealth")["points"]
    assert int(topic.posts[:, 0].sum()) == shown[-1]["n"]
    assert topic.label == CONFIG.taxonomy["telehealth"]["label"]


def test_a_hole_takes_a_week_of_its_source_out_of_the_comparison(eventful: Store) -> None:
    sample = facts_of(eventful).sample
    place = {name: at for at, name in enumerate(sample.sources)}
    assert not sample.comparable[place["s05"], 0]
    assert sample.comparable[place["s05"], 1:].all()
    assert sample.comparable[place["s07"]].tolist() == [at != WEEKS - 1 - 4 for at in range(9)]
    assert sample.comparable[place["s00"]].all()


def test_the_most_engaged_posts_have_no_authors_and_no_peoples_words(eventful: Store) -> None:
    posts = facts_of(eventful).posts
    assert 1 <= len(posts) <= 5
    totals = [sum(one["engagement"][name] or 0 for name in ("likes", "comments", "shares")) for one in posts]
    assert totals == sorted(totals, reverse=True)
    for one in posts:
        assert "author" not in one
        assert one["url"].startswith("https://")
        assert LAST <= one["published_at"] < LAST + timedelta(weeks=1)
        assert (one["title"] is None) == (one["platform"] == "youtube")


def test_only_https_addresses_and_real_engagement_are_shown(sqlite_store: Store) -> None:
    store = sqlite_store
    store.add_source(make_source("s", name="S"), FIRST)
    at = LAST + timedelta(days=1)
    liked = Engagement(views=None, likes=3, comments=None, shares=None)
    posts = (
        make_post("a", "s", published_at=at, url="http://plain.example/a", engagement=liked),
        make_post("b", "s", published_at=at, url="javascript:alert(1)", engagement=liked),
        make_post("c", "s", published_at=at, url=None, engagement=liked),
        make_post("d", "s", published_at=at, engagement=replace(liked, likes=0)),
        make_post("e", "s", published_at=at, title="Call 030 1234567 or a@b.example", engagement=liked),
    )
    store.commit(Write(source="s", at=NOW, posts=posts, observed=Observed(FIRST, NOW)))
    (one,) = facts_of(store).posts
    assert one["id"] == "e"
    assert one["title"] == "Call [phone] or [email]"


def test_the_scope_narrows_everything(eventful: Store) -> None:
    spec = replace(SPEC, filters={"platform": ("youtube",), "topic": ("telehealth",)})
    facts = facts_of(eventful, spec=spec)
    assert facts.scope == {"platform": ("youtube",), "topic": ("telehealth",)}
    assert facts.observation.sources == 10
    assert {one["platform"] for one in facts.posts} == {"youtube"}
    document = compose(spec, facts)
    assert "platform=youtube&topic=telehealth" in document["numbers"][0]["api"]
    assert document["numbers"][0]["value"] == sum(
        point["n"] for point in facts.charts["volume"]["series"][0]["points"][-1:]
    )


def test_a_scope_that_the_store_cannot_apply_is_refused(eventful: Store) -> None:
    with pytest.raises(QueryError, match="audience"):
        facts_of(eventful, spec=replace(SPEC, filters={"audience": ("dentists",)}))


def test_late_posts_show_as_revisions_of_the_issue_before(sqlite_store: Store) -> None:
    store = sqlite_store
    fill(store, sources=6, weekly=6)
    first = compose(SPEC, facts_of(store))
    late = make_post("late", "s00", published_at=LAST + timedelta(days=2))
    store.commit(Write(source="s00", at=NOW + timedelta(days=1), posts=(late,)))
    week = timedelta(weeks=1)
    facts = facts_of(store, since=SINCE + week, until=UNTIL + week, now=NOW + week, earlier=first)
    posts = next(one for one in facts.recounts if one.id == "posts")
    assert (posts.told_n, posts.now_n) == (first["numbers"][0]["value"], first["numbers"][0]["value"] + 1)
    assert facts.since_last == NOW
    document = compose(SPEC, facts)
    told = next(one for one in document["sections"] if one["id"] == "revisions")["says"]
    assert told[0]["text"].startswith("Posts, Week of 6 July 2026")
    other = facts_of(
        store, spec=replace(SPEC, filters={"platform": ("web",)}), since=SINCE + week, until=UNTIL + week, now=NOW + week, earlier=first
    )  # fmt: skip
    assert other.recounts == (), "another scope is not comparable"


def test_what_was_told_is_not_told_again(sqlite_store: Store) -> None:
    store = sqlite_store
    fill(store, sources=3, weekly=2)
    store.record_event("verdict_changed", at=NOW - timedelta(days=1), subject="a", detail={"from": "x", "to": "y"})
    first = facts_of(store)
    assert [one.kind for one in first.happenings if one.kind == "verdict_changed"] == ["verdict_changed"]
    week = timedelta(weeks=1)
    again = facts_of(store, since=SINCE + week, until=UNTIL + week, now=NOW + week, earlier=compose(SPEC, first))
    assert again.happenings == ()


def test_a_changed_source_is_not_compared_with_its_past(sqlite_store: Store) -> None:
    store = sqlite_store
    fill(store, sources=3, weekly=4)
    store.update_source(make_source("s01", url="https://elsewhere.example/feed"), LAST - timedelta(days=10))
    store.update_source(make_source("s02", url="https://elsewhere.example/2"), LAST + timedelta(days=1))
    comparable = facts_of(store).sample.comparable
    assert comparable[0].all()
    assert comparable[1].tolist() == [True, True, *[False] * 7]
    assert not comparable[2].any()


def test_an_empty_store_says_so(sqlite_store: Store) -> None:
    facts = facts_of(sqlite_store, book=CONFIG.claims)
    document = compose(SPEC, facts)
    assert "no source was in the scope" in document["headline"]
    assert document["cutoff"] is None


def test_sources_without_any_visit_are_our_silence(sqlite_store: Store) -> None:
    sqlite_store.add_source(make_source("new"), NOW - timedelta(hours=1))
    document = compose(SPEC, facts_of(sqlite_store))
    assert "the silence is ours" in document["headline"]
    assert document["coverage"]["expected"] == 0


@pytest.mark.parametrize(
    ("schedule", "since", "until", "now", "days"),
    [
        ("daily 07:30 Europe/Berlin", (2026, 3, 28, 23), (2026, 3, 29, 22), (2026, 3, 30, 5), ("2026-03-29", "2026-03-30")),
        ("monthly on 1 08:00 UTC", (2026, 6, 1, 0), (2026, 7, 1, 0), (2026, 7, 1, 8), ("2026-06-01", "2026-07-01")),
        ("weekly on monday 08:00 UTC", (2025, 12, 29, 0), (2026, 1, 5, 0), (2026, 1, 5, 8), ("2025-12-29", "2026-01-05")),
    ],
)  # fmt: skip
def test_any_period_can_be_gathered(
    eventful: Store,
    schedule: str,
    since: tuple[int, ...],
    until: tuple[int, ...],
    now: tuple[int, ...],
    days: tuple[str, str],
) -> None:
    spec = replace(SPEC, schedule=schedule)
    at = [datetime(*one, tzinfo=UTC) for one in (since, until, now)]  # type: ignore[arg-type,misc]  # year, month …
    facts = facts_of(eventful, spec=spec, since=at[0], until=at[1], now=at[2])
    document = compose(spec, facts)
    assert (document["since"], document["until"]) == days
    assert facts.charts["volume"]["until"] == days[1]
    assert facts.period.until <= date(*now[:3])


def test_ten_megabytes_of_posts_stay_small_and_fast(sqlite_store: Store) -> None:
    fill(sqlite_store, sources=25, weekly=40, text="Words about health and care. " * 40)
    facts_of(sqlite_store)  # the trends' first look reads all cells
    began = time.perf_counter()
    facts = facts_of(sqlite_store)
    document = compose(SPEC, facts)
    assert time.perf_counter() - began < 5
    assert document["numbers"][0]["value"] > 500
    import orjson

    assert len(orjson.dumps(document)) < 60_000
