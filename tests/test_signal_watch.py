"""Signals over a real store: a change is found, told once with where it comes from, followed, and ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.core.buckets import day_number
from monitor.core.model import Observed, Post, Write
from monitor.core.panel import Regimes
from monitor.core.signal_panel import ALL, MOST, WatchList, watch_list
from monitor.core.signals import Signal
from monitor.signal_watch import SignalWatch, UnknownSignal
from monitor.store import Store
from monitor.trends import Trends
from tests.support.collecting import Clock
from tests.support.posts import make_post, make_source

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 120
NOW = FIRST + DAYS * DAY + timedelta(hours=6)
SOURCES = ("a", "b", "c", "d")
LABELS = {"topic": {"telehealth": "Telehealth"}}


def history(name: str, *, days: int = DAYS, per_day: float = 8.0, seed: int = 1) -> list[Post]:
    """Steady posts, a fifth of them on telehealth and one in forty on sepsis."""
    rng = np.random.default_rng([seed, ord(name[0])])
    return [
        make_post(
            f"{day}-{n}",
            name,
            published_at=FIRST + day * DAY + timedelta(hours=float(rng.uniform(0, 24))),
            topics=("telehealth",)
            if (chance := rng.random()) < 0.2
            else ("sepsis",)
            if chance > 0.975
            else ("vaccination",),
            audience=("nurses",) if rng.random() < 0.5 else ("other",),
        )
        for day in range(days)
        for n in range(int(rng.poisson(per_day)))
    ]


def fill(store: Store, names: tuple[str, ...] = SOURCES, *, until: datetime = NOW) -> None:
    for name in names:
        store.add_source(make_source(name), FIRST)
        store.commit(Write(name, NOW, tuple(history(name)), observed=Observed(FIRST, until)))


def burst(store: Store, day: int, counts: dict[str, int], *, mark: str = "x", keys: tuple[int, ...] = ()) -> None:
    """So many more posts on telehealth on a day, of each source."""
    for name, count in counts.items():
        posts = [
            make_post(
                f"{mark}{day}-{n}",
                name,
                published_at=FIRST + day * DAY + timedelta(hours=6, minutes=n),
                topics=("telehealth",),
                audience=("nurses",) if n % 2 else ("other",),
                duplicate_keys=keys,
            )
            for n in range(count)
        ]
        store.commit(Write(name, NOW, tuple(posts)))


def telehealth(signals: Sequence[Signal]) -> Signal:
    (found,) = (one for one in signals if one.key == "topic=telehealth")
    return found


def observe(store: Store, until: datetime, names: tuple[str, ...] = SOURCES) -> None:
    for name in names:
        store.commit(Write(name, until, observed=Observed(FIRST, until)))


@pytest.fixture(scope="module")
def steady_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("steady") / "t.db"
    store = Store.open(f"sqlite:///{path}")
    store.migrate()
    fill(store)
    store.close()
    return path


@pytest.fixture
def steady(steady_file: Path, tmp_path: Path) -> Store:
    """Four sources with steady posts, all observed until NOW."""
    (tmp_path / "t.db").write_bytes(steady_file.read_bytes())
    store = Store.open(f"sqlite:///{tmp_path / 't.db'}")
    yield store  # type: ignore[misc]  # a fixture
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def watching(store: Store, clock: Callable[[], datetime]) -> SignalWatch:
    return SignalWatch(Trends(store, clock=clock), store, clock=clock, labels=LABELS)


def listed(store: Store, clock: Callable[[], datetime], regimes: Regimes | None = None) -> WatchList:
    today = day_number(clock()) - 1
    return Trends(store, clock=clock).look(
        lambda cube, coverage, _: watch_list(cube, coverage, today, regimes or Regimes())
    )


# --- what is watched --------------------------------------------------------------------------------------------------


def test_series_count_a_fixed_set_of_sources_and_leave_the_day_under_way_out(steady: Store, clock: Clock) -> None:
    watched = listed(steady, clock)
    assert watched.members == SOURCES
    sizes = {one.key: one.size for one in watched.series}
    assert sizes == {
        ALL: "day", "topic=vaccination": "day", "audience=nurses": "day", "audience=other": "day",
        "topic=telehealth": "day", "topic=sepsis": "week",
    }, "rare ones by weeks; platform=web would be all posts once more"  # fmt: skip
    assert list(sizes)[:2] == [ALL, "topic=vaccination"], "the largest first"
    days, weeks = watched.series[0], watched.series[-1]
    assert (len(days.starts), int(days.starts[-1])) == (112, day_number(NOW) - 1)
    assert len(weeks.starts) == 15
    assert (weeks.starts % 7 == 4).all(), "Mondays"
    assert days.exposure.min() > 0.99
    assert len(sizes) <= MOST


def test_a_source_that_came_or_went_is_not_counted(steady: Store, clock: Clock) -> None:
    steady.add_source(make_source("late"), NOW)
    steady.commit(Write("late", NOW, tuple(history("late", per_day=90)), observed=Observed(NOW - 30 * DAY, NOW)))
    assert listed(steady, clock).members == SOURCES
    clock.now = NOW + 60 * DAY
    observe(steady, clock.now, SOURCES[:3])
    assert listed(steady, clock).members == SOURCES[:3]


def test_an_outage_is_a_gap_weighed_by_what_the_source_brings(steady: Store, clock: Clock) -> None:
    steady.add_source(make_source("quiet"), FIRST)
    steady.commit(Write("quiet", NOW, tuple(history("quiet", per_day=0.4)), observed=Observed(FIRST, NOW - 5 * DAY)))
    clock.now = NOW + 4 * DAY
    observe(steady, clock.now)
    exposure = listed(steady, clock).series[0].exposure
    assert 0.95 < exposure[-1] < 1.0, "one source of five is out, and it brings one post in eighty"
    clock.now = NOW + 8 * DAY
    exposure = listed(steady, clock).series[0].exposure
    assert exposure[-1] == 0.0, "nobody watched"


def test_nothing_is_compared_across_a_change_of_rules_or_of_a_source(steady: Store, clock: Clock) -> None:
    changed = listed(steady, clock, Regimes(None, {"a": day_number(NOW) - 60}))
    assert changed.members == SOURCES[1:]
    retagged = listed(steady, clock, Regimes(day_number(NOW) - 60, {}))
    assert len(retagged.series[0].starts) == 56
    assert listed(steady, clock, Regimes(day_number(NOW) - 20, {})).series == ()


def test_an_empty_store_raises_nothing(sqlite_store: Store, clock: Clock) -> None:
    assert watching(sqlite_store, clock).refresh().watched == 0
    sqlite_store.add_source(make_source("a"), FIRST)
    assert watching(sqlite_store, clock).refresh().new == ()


# --- what is found ----------------------------------------------------------------------------------------------------


def test_steady_days_raise_no_signal(steady: Store, clock: Clock) -> None:
    changes = watching(steady, clock).refresh()
    assert (changes.new, changes.watched) == ((), 6)


def test_a_burst_is_told_once_with_where_it_comes_from(steady: Store, clock: Clock) -> None:
    burst(steady, DAYS - 1, {"a": 20, "b": 20, "c": 20})
    watch = watching(steady, clock)
    changes = watch.refresh()
    assert {(one.key, one.size) for one in changes.new} == {("topic=telehealth", "day"), (ALL, "day")}
    signal = telehealth(changes.new)
    assert signal.n_sources == 4
    assert signal.top_source_share is not None
    assert 0.3 < signal.top_source_share < 0.4
    assert signal.copies_only is False
    assert signal.observed > 60 > signal.high
    (event,) = (one for one in steady.events(kinds=("signal_opened",)) if one.subject == signal.id)
    assert (event.subject, event.detail["key"]) == (signal.id, "topic=telehealth")
    assert event.says == watch.says(signal)
    assert event.says.startswith("More posts than usual: topic Telehealth, 4 May 2026: ")
    assert event.says.endswith("From 4 sources.")
    assert watch.refresh() == type(changes)(), "nothing is new, so nothing is computed"
    assert watching(steady, clock).refresh().new == (), "nor does another process tell it again"
    assert len(steady.events(kinds=("signal_opened",))) == 2


def test_copies_of_one_text_that_alone_explain_it_are_named(steady: Store, clock: Clock) -> None:
    burst(steady, DAYS - 1, {"a": 25, "b": 25}, keys=(77,))
    watch = watching(steady, clock)
    signal = telehealth(watch.refresh().new)
    assert signal.copies_only is True
    assert watch.says(signal).endswith("Copies of one text alone explain it.")


def test_an_outage_and_its_end_are_no_signal(steady: Store, clock: Clock) -> None:
    """Ten days without observing, then on as before."""
    clock.now = NOW + 20 * DAY
    for name in SOURCES:
        after = [post for post in history(name, days=DAYS + 20) if post.published_at > NOW + 10 * DAY]
        steady.commit(Write(name, clock.now, tuple(after), observed=Observed(NOW + 10 * DAY, clock.now)))
    assert watching(steady, clock).refresh().new == ()


def test_a_signal_is_followed_and_ends_after_its_cooldown(steady: Store, clock: Clock) -> None:
    burst(steady, DAYS - 1, {"a": 20, "b": 20, "c": 20})
    watch = watching(steady, clock)
    signal = telehealth(watch.refresh().new)
    rest = {name: history(name, days=DAYS + 14, seed=5) for name in SOURCES}
    for days in (1, 12):
        clock.now = NOW + days * DAY
        for name, posts in rest.items():
            new = tuple(post for post in posts if NOW - DAY / 4 < post.published_at <= clock.now)
            steady.commit(Write(name, clock.now, new, observed=Observed(FIRST, clock.now)))
        changes = watch.refresh()
        assert [watch.says(one) for one in changes.new] == []
    assert telehealth(changes.ended).id == signal.id
    assert watch.signal(signal.id).state == "ended"
    assert watch.signal(signal.id).ended_at == clock.now
    assert [one.id for one in watch.signals(state="open")] == []
    (event,) = (one for one in steady.events(kinds=("signal_ended",)) if one.subject == signal.id)
    assert event.says.endswith("It has ended.")


# --- what people say --------------------------------------------------------------------------------------------------


def test_acknowledged_and_muted_with_a_reason(steady: Store, clock: Clock) -> None:
    burst(steady, DAYS - 1, {"a": 20, "b": 20, "c": 20})
    watch = watching(steady, clock)
    signal = telehealth(watch.refresh().new)
    since = NOW - 7 * DAY
    assert signal.id in [one["id"] for one in watch.told(since, NOW + DAY)]
    with pytest.raises(ValueError, match="say why"):
        watch.acknowledge(signal.id, "  ")
    noted = watch.acknowledge(signal.id, "A congress on telehealth.")
    assert (noted.acknowledged_at, noted.acknowledged_why) == (NOW, "A congress on telehealth.")
    watch.mute(signal.key, NOW + 3 * DAY, "Until the congress is over.")
    assert watch.signal(signal.id).muted_why == "Until the congress is over."
    assert signal.id not in [one["id"] for one in watch.told(since, NOW + DAY)]
    burst(steady, DAYS - 1, {"d": 9}, mark="y")
    again = telehealth(watch.refresh().updated)
    assert watch.signal(again.id).observed == again.observed > signal.observed
    assert watch.signal(again.id).acknowledged_why == "A congress on telehealth.", "measuring again forgets nothing"
    assert [one.subject for one in watch.mutes()] == ["topic=telehealth"]
    clock.now = NOW + 4 * DAY
    assert watch.mutes() == []
    assert {one["id"]: one["muted"] for one in watch.told(since, clock.now)}[signal.id] is False
    watch.mute(signal.id, clock.now + DAY, "Known.")
    assert signal.id not in [one["id"] for one in watch.told(since, clock.now)]
    watch.mute(signal.id, clock.now - DAY, "Told again.")
    assert signal.id in [one["id"] for one in watch.told(since, clock.now)]


def test_what_is_not_there_is_named(steady: Store, clock: Clock) -> None:
    watch = watching(steady, clock)
    with pytest.raises(UnknownSignal, match="no signal 'deadbeef'"):
        watch.signal("deadbeef")
    with pytest.raises(UnknownSignal, match="Did you mean topic=telehealth"):
        watch.mute("topic=telehealt", NOW + DAY, "x")
    with pytest.raises(UnknownSignal, match="no signals of 'topc'"):
        watch.mute("topc=telehealth", NOW + DAY, "x")
    with pytest.raises(ValueError, match="ten years"):
        watch.mute("all", NOW + 9999 * DAY, "x")


def test_the_posts_behind_a_signal(steady: Store, clock: Clock) -> None:
    burst(steady, DAYS - 1, {"a": 20, "b": 20, "c": 20})
    watch = watching(steady, clock)
    signal = telehealth(watch.refresh().new)
    page = watch.evidence(signal.id, 500)
    assert len(page.posts) == signal.observed
    assert all("telehealth" in post.annotation.topics for post in page.posts)
    counts = watch.sources(signal.id)
    assert (sum(n for _, n in counts), len(counts), counts[0][1] > 20) == (signal.observed, 4, True)
    assert watch.sources(signal.id, 1) == counts[:1]
    document = watch.document(signal)
    assert (document["since"], document["until"]) == ("2026-05-04", "2026-05-05")
    assert document["posts"] == "/api/v1/posts?topic=telehealth&since=2026-05-04&until=2026-05-05&order=engagement"
    assert (document["label"], document["state"], document["muted"]) == ("topic Telehealth", "open", False)
