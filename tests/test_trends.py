"""Trends over a real store: what changes in it shows in the next answer, and nothing else is read again."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from collectors.base import Engagement
from monitor.core import cells
from monitor.core.metrics import parse_query
from monitor.core.model import Observed, Post, Visit, Write
from monitor.core.points import STATUSES
from monitor.core.query import QueryError, TrendQuery
from monitor.store import measures
from monitor.store.store import Store
from monitor.trends import Trends
from tests.support.posts import make_post, make_source

NOW = datetime(2026, 2, 4, 12, tzinfo=UTC)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trends(sqlite_store: Store, clock: Clock) -> Trends:
    return Trends(sqlite_store, clock=clock)


def ask(**params: Any) -> TrendQuery:
    given = {"since": "2026-01-05", "until": "2026-02-02"} | params
    return parse_query({name: [value] for name, value in given.items()}, now=NOW)


def track(
    store: Store, source: str, since: float | None = -40, until: float = 30.5, *, visited: bool = True, **facts: Any
) -> None:
    """A source observed from `since` to `until`, in days after the first Monday."""
    store.add_source(make_source(source, **facts), NOW)
    if visited:
        store.record_visit(Visit(source=source, started=NOW, finished=NOW, outcome="new", new=1))
    if since is not None:
        observe(store, source, since, until)


def observe(store: Store, source: str, since: float, until: float) -> None:
    span = Observed(MONDAY + timedelta(days=since), MONDAY + timedelta(days=until))
    store.commit(Write(source=source, at=NOW, observed=span))


def add(store: Store, source: str, *days: float, prefix: str = "p", **facts: Any) -> None:
    posts: list[Post] = [
        make_post(f"{prefix}{at}", source, published_at=MONDAY + timedelta(days=day), **facts)
        for at, day in enumerate(days)
    ]
    store.commit(Write(source=source, at=NOW, posts=tuple(posts)))


def values(answer: dict[str, Any], key: str = "all") -> list[Any]:
    series = next(series for series in answer["series"] if series["key"] == key)
    return [point["value"] for point in series["points"]]


def statuses(answer: dict[str, Any], key: str = "all") -> list[str]:
    series = next(series for series in answer["series"] if series["key"] == key)
    return [point["status"] for point in series["points"]]


def test_the_store_and_the_cube_agree_on_measures() -> None:
    assert measures.MEASURES == cells.MEASURES


def test_an_empty_store_answers(trends: Trends) -> None:
    answer = trends.answer(ask())
    assert values(answer) == [None] * 4
    assert statuses(answer) == ["not_observed"] * 4
    assert answer["notes"][0] == "No tracked source fits this query."


def test_commits_show_in_the_next_answer(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "who")
    assert values(trends.answer(ask())) == [0, 0, 0, 0]
    add(sqlite_store, "who", 1, 2, 8, content_type="video", topics=("ai", "telehealth"), country="DE", language="de")
    assert values(trends.answer(ask())) == [2, 1, 0, 0]
    add(sqlite_store, "who", 22, 23, prefix="q", content_type="podcast")
    answer = trends.answer(ask(by="content_type"))
    assert values(answer, "video") == [2, 1, 0, 0]
    assert values(answer, "podcast") == [0, 0, 0, 2]
    assert values(trends.answer(ask(by="topic")), "telehealth") == [2, 1, 0, 0]
    by_region = trends.answer(ask(by="region"))
    assert values(by_region, "europe") == [2, 1, 0, 0]
    assert [series["label"] for series in trends.answer(ask(by="country"))["series"]] == ["Germany", "Country unknown"]
    assert [series["label"] for series in trends.answer(ask(by="language"))["series"]] == ["German", "English"]


def test_a_deleted_and_an_edited_post_move_the_counts(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "who")
    add(sqlite_store, "who", 1, 2, content_type="video")
    trends.refresh()
    sqlite_store.commit(Write(source="who", at=NOW, deleted=("p0",)))
    add(sqlite_store, "who", 9, prefix="q", title="New title", content_type="news")
    answer = trends.answer(ask(by="content_type"))
    assert (values(answer, "video"), values(answer, "news")) == ([1, 0, 0, 0], [0, 1, 0, 0])


def test_engagement_of_a_known_post_moves_its_cell(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "who")
    add(sqlite_store, "who", *[1] * 5, engagement=Engagement(likes=0))
    assert values(trends.answer(ask(metric="engagement")))[0] == 0
    counts = {f"p{at}": Engagement(likes=99) for at in range(5)}
    sqlite_store.commit(Write(source="who", at=NOW, engagement=counts))
    assert values(trends.answer(ask(metric="engagement")))[0] == pytest.approx(99, rel=1e-3)


def test_purging_a_source_starts_the_cube_again(sqlite_store: Store, trends: Trends) -> None:
    for source in ("who", "cdc"):
        track(sqlite_store, source)
        add(sqlite_store, source, 1, 2, content_type="video")
    assert values(trends.answer(ask()))[0] == 4
    sqlite_store.remove_source("who", purge=True)
    assert values(trends.answer(ask()))[0] == 2
    assert [series["key"] for series in trends.answer(ask(by="source"))["series"]] == ["cdc"]


def test_a_removed_source_keeps_its_posts_and_is_not_missed(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "who", -40, 14)
    track(sqlite_store, "cdc")
    add(sqlite_store, "who", 1, 2)
    sqlite_store.remove_source("who")
    answer = trends.answer(ask())
    assert values(answer) == [2, 0, 0, 0]
    assert statuses(answer) == ["ok"] * 4


def test_who_is_expected_after_the_end_of_its_coverage(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "failing", -40, 14)
    track(sqlite_store, "paused", -40, 14)
    sqlite_store.set_paused("paused", True, NOW)
    track(sqlite_store, "archive", -40, 14, visited=False)
    track(sqlite_store, "fine")
    found = {name: statuses(trends.answer(ask(source=name)))[1:3] for name in ("failing", "paused", "archive", "fine")}
    assert found == {"failing": ["ok", "not_observed"], "paused": ["ok", "not_observed"], "archive": ["ok", "not_observed"], "fine": ["ok", "ok"]}  # fmt: skip
    assert statuses(trends.answer(ask(source="failing,fine")))[2] == "partial"
    assert statuses(trends.answer(ask(source="paused,archive,fine")))[2] == "ok"


def test_an_outage_that_is_mended_later_becomes_observed(sqlite_store: Store, trends: Trends) -> None:
    """The feed remembered: the next visit proves that nothing was missed."""
    track(sqlite_store, "who", -40, 8)
    assert statuses(trends.answer(ask())) == ["ok", "partial", "not_observed", "not_observed"]
    observe(sqlite_store, "who", 8, 30.5)
    assert statuses(trends.answer(ask())) == ["ok"] * 4


def test_an_outage_that_the_feed_does_not_remember_stays(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "who", -40, 8)
    observe(sqlite_store, "who", 22, 30.5)
    assert statuses(trends.answer(ask())) == ["ok", "partial", "not_observed", "partial"]
    assert values(trends.answer(ask()))[2] is None


def test_the_version_grows_with_the_data_and_with_the_day(sqlite_store: Store, trends: Trends, clock: Clock) -> None:
    first = trends.version()
    assert trends.version() == first
    track(sqlite_store, "who")
    second = trends.version()
    assert second > first
    clock.now += timedelta(days=1)
    assert trends.version() > second


def test_the_same_question_is_looked_up_until_something_changes(
    sqlite_store: Store, trends: Trends, clock: Clock
) -> None:
    track(sqlite_store, "who")
    body, tag = trends.answer_bytes(ask())
    again, same = trends.answer_bytes(ask(interval="week"))
    assert again is body
    assert same == tag
    assert orjson.loads(body) == trends.answer(ask())
    add(sqlite_store, "who", 1)
    changed, other = trends.answer_bytes(ask())
    assert changed != body
    assert other != tag


def test_the_week_that_ends_tonight_is_complete_tomorrow(sqlite_store: Store, trends: Trends, clock: Clock) -> None:
    track(sqlite_store, "who", -40, 28)
    clock.now = MONDAY + timedelta(days=27, hours=23)
    assert statuses(trends.answer(ask()))[-1] == "partial"
    clock.now = MONDAY + timedelta(days=28, hours=1)
    assert statuses(trends.answer(ask()))[-1] == "ok"


def test_nothing_is_read_again_when_nothing_changed(
    sqlite_store: Store, trends: Trends, monkeypatch: pytest.MonkeyPatch
) -> None:
    track(sqlite_store, "who")
    trends.answer(ask())

    def refuse(*_: Any) -> Any:
        raise AssertionError("read again without a change")

    for name in ("cells_since", "combos_since", "coverage", "sources", "epoch"):
        monkeypatch.setattr(Store, name, refuse)
    trends.answer(ask(by="content_type"))


def test_with_recheck_the_store_is_asked_only_so_often(sqlite_store: Store, clock: Clock) -> None:
    trends = Trends(sqlite_store, clock=clock, recheck=timedelta(seconds=1))
    track(sqlite_store, "who")
    assert values(trends.answer(ask()))[0] == 0
    add(sqlite_store, "who", 1)
    assert values(trends.answer(ask()))[0] == 0
    clock.now += timedelta(seconds=1)
    assert values(trends.answer(ask()))[0] == 1
    add(sqlite_store, "who", 2, prefix="q")
    trends.refresh()
    assert values(trends.answer(ask()))[0] == 2


def test_unknown_values_are_named(sqlite_store: Store, clock: Clock) -> None:
    trends = Trends(sqlite_store, clock=clock, labels={"platform": {"youtube": "YouTube"}, "topic": {"ai": "AI"}})
    track(sqlite_store, "who-news")
    for params, says in (
        ({"source": "who-new"}, "Did you mean who-news?"),
        ({"platform": "webb"}, "Did you mean web?"),
        ({"topic": "zzz"}, "Known: ai, none"),
    ):
        with pytest.raises(QueryError, match=says.replace("?", r"\?")) as caught:
            trends.answer(ask(**params))
        assert caught.value.field == next(iter(params))
    assert values(trends.answer(ask(platform="youtube", topic="none"))) == [None] * 4


def test_generated_data_says_so(sqlite_store: Store, trends: Trends) -> None:
    sqlite_store.set_meta("generated", "true")
    track(sqlite_store, "who")
    answer = trends.answer(ask())
    assert answer["generated"]
    assert answer["notes"][0].startswith("Generated data")


def test_rows_match_the_document(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "who", name="World Health")
    add(sqlite_store, "who", 1, 2, 8)
    query = ask(by="source", metric="share")
    series = trends.answer(query)["series"][0]
    flat = trends.rows(query)
    assert [(row["start"], row["value"], row["lower"], row["status"]) for row in flat] == [
        (point["start"], point["value"], point["low"], point["status"]) for point in series["points"]
    ]
    assert flat[0]["label"] == "World Health"


def test_the_reproduce_command_asks_the_same(trends: Trends) -> None:
    query = ask(metric="share", by="topic", interval="day", copies="fold", panel="fixed", country="DE,FR", limit="7")
    words = trends.answer(query)["reproduce"].split()[2:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    params = {name[2:]: [value] for name, value in options.items() if name != "--filter"}
    name, _, value = options["--filter"].partition("=")
    assert parse_query(params | {name: [value]}, now=NOW) == query


def test_threads_get_whole_answers_while_data_come_in(sqlite_store: Store, trends: Trends) -> None:
    track(sqlite_store, "who")
    seen: list[int] = []
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(20):
                answer = trends.answer(ask(by="content_type", interval="month"))
                seen.append(sum(values(answer, key)[0] for key in ("video", "podcast", "news", "other")))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for at in range(10):
        add(
            sqlite_store,
            "who",
            1,
            2,
            3,
            prefix=f"b{at}-",
            content_type=("video", "news")[at % 2],
            country=("DE", "FR", None)[at % 3],
        )
    for thread in threads:
        thread.join()
    assert not failures
    assert set(seen) <= {3 * at for at in range(11)}
    assert values(trends.answer(ask(interval="month")))[0] == 30


def test_statuses_are_the_contracts() -> None:
    assert set(STATUSES) == {"ok", "partial", "too_few", "not_observed"}


def test_it_reads_either_database(store: Store, clock: Clock) -> None:
    track(store, "who")
    add(store, "who", 1, 2, 8, topics=("ai",), audience=("nurses", "physicians"), country="BR")
    trends = Trends(store, clock=clock)
    assert values(trends.answer(ask(by="audience")), "nurses") == [2, 1, 0, 0]
    add(store, "who", 9, prefix="q", topics=("ai",), audience=("nurses",))
    assert values(trends.answer(ask(by="audience")), "nurses") == [2, 2, 0, 0]
    assert values(trends.answer(ask(by="region")), "latin_america") == [2, 1, 0, 0]
