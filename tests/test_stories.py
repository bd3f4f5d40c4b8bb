"""Stories of one source from its first fetch to the answer of a trend query, over a real server and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.coverage import INSTANT
from monitor.core.model import Interval
from monitor.store import PostQuery, Store
from tests.servers.baddays import BadDays, conditional, stubborn, text
from tests.support.collecting import DAY, HOUR, START, Service, item, rss
from tests.support.stores import all_posts, counted_cells, stored_cells


@pytest.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


@pytest.fixture
def service(sqlite_store: Store) -> Iterator[Service]:
    made = Service(sqlite_store)
    yield made
    made.close()


class Feed:
    """A feed that shows the newest `length` of what was published, like any blog."""

    def __init__(self, service: Service, server: BadDays, name: str = "ward", *, length: int = 10) -> None:
        self.service, self.server, self.name, self.length = service, server, name, length
        self.published: dict[str, str] = {}
        service.track(name, server.url(f"/{name}"))

    def publish(self, *moments: datetime, prefix: str = "p") -> None:
        """One post at each of these moments, in order."""
        for at in moments:
            native = f"{prefix}{at:%d%H%M}"
            self.published[native] = item(native, at)

    async def visit(self, *, pinned: str = "") -> None:
        newest = list(self.published.values())[-self.length :][::-1]
        self.server.on(f"/{self.name}", text(rss([pinned, *newest])))
        report = await self.service.visit(self.name)
        assert [(visit.ok, visit.message) for visit in report.visits if not visit.ok] == []

    @property
    def coverage(self) -> list[Interval]:
        return self.service.store.coverage([self.name])[self.name]

    @property
    def gaps(self) -> list[tuple[datetime, datetime, str | None]]:
        return [(gap.since, gap.until, gap.reason) for gap in self.service.store.gaps(self.name)]


def daily(first: datetime, days: int) -> list[datetime]:
    return [first + n * DAY for n in range(days)]


NOON = START


async def test_the_first_fetch_starts_coverage_at_the_oldest_item(server: BadDays, service: Service) -> None:
    feed = Feed(service, server)
    feed.publish(*daily(NOON - 5 * DAY - HOUR, 5))
    await feed.visit()
    assert feed.coverage == [Interval(NOON - 5 * DAY - HOUR, NOON)]
    assert service.buckets(NOON - 7 * DAY, NOON + DAY) == [
        ("2026-06-29", None, "not_observed"),
        ("2026-06-30", None, "not_observed"),
        ("2026-07-01", 1, "partial"),
        ("2026-07-02", 1, "ok"),
        ("2026-07-03", 1, "ok"),
        ("2026-07-04", 1, "ok"),
        ("2026-07-05", 1, "ok"),
        ("2026-07-06", 0, "partial"),
    ]


async def test_an_outage_that_the_feed_remembers_is_no_gap(server: BadDays, service: Service) -> None:
    feed = Feed(service, server)
    feed.publish(*daily(NOON - 6 * DAY, 6))
    await feed.visit()
    service.clock.move(5 * DAY)  # we were down; five posts came, and the feed still shows what we knew
    feed.publish(*daily(NOON + HOUR, 5))
    await feed.visit()
    assert feed.gaps == []
    assert service.buckets(NOON, NOON + 5 * DAY) == [(f"2026-07-{6 + n:02}", 1, "ok") for n in range(5)]


async def test_an_outage_that_the_feed_does_not_remember_is_a_gap_and_never_a_zero(
    server: BadDays, service: Service
) -> None:
    feed = Feed(service, server)
    feed.publish(*daily(NOON - 6 * DAY, 6))
    await feed.visit()
    service.clock.move(20 * DAY)
    feed.publish(*daily(NOON + HOUR, 20))  # ten of them are gone again
    await feed.visit()
    oldest = NOON + 10 * DAY + HOUR
    assert feed.gaps == [(NOON, oldest, "overflow")]
    answer = service.buckets(NOON, NOON + 20 * DAY)
    assert answer[0] == ("2026-07-06", 0, "partial"), "observed until noon"
    assert answer[1:10] == [(f"2026-07-{7 + n:02}", None, "not_observed") for n in range(9)]
    assert answer[10] == ("2026-07-16", 1, "partial")
    assert answer[11:] == [(f"2026-07-{17 + n:02}", 1, "ok") for n in range(9)]
    (visit,) = service.store.visits("ward", limit=1)
    assert visit.message is not None
    assert "pushed out" in visit.message


async def test_an_overflow_between_two_polls_is_a_gap_and_the_next_poll_comes_sooner(
    server: BadDays, service: Service
) -> None:
    feed = Feed(service, server)
    feed.publish(*(NOON - n * 12 * HOUR for n in range(10, 0, -1)))
    await feed.visit()
    usual = service.store.visits("ward", limit=1)[0]
    assert usual.next_due is not None
    assert usual.next_due - usual.finished > 4 * HOUR
    service.clock.move(6 * HOUR)
    burst = [NOON + timedelta(minutes=20 * n) for n in range(1, 17)]
    feed.publish(*burst)
    await feed.visit()
    assert feed.gaps == [(NOON, burst[6], "overflow")]
    soon = service.store.visits("ward", limit=1)[0]
    assert soon.next_due is not None
    assert soon.next_due - soon.finished < timedelta(minutes=20)
    service.clock.move(HOUR)
    await feed.visit()
    assert feed.gaps == [(NOON, burst[6], "overflow")], "the same page again neither heals nor widens it"
    assert feed.coverage[-1].until == service.clock()


@pytest.mark.parametrize("years", [1, 6])
async def test_a_pinned_post_neither_stretches_coverage_nor_hides_an_overflow(
    server: BadDays, service: Service, years: int
) -> None:
    feed = Feed(service, server)
    pinned = item("pinned", NOON - years * 365 * DAY)
    feed.publish(*daily(NOON - 9 * DAY, 9))
    await feed.visit(pinned=pinned)
    assert feed.coverage == [Interval(NOON - 9 * DAY, NOON)]
    visit = service.store.visits("ward", limit=1)[0]
    assert visit.spacing == pytest.approx(DAY.total_seconds(), rel=0.2), "nor does it slow the rhythm down"
    service.clock.move(30 * DAY)
    feed.publish(*daily(NOON + HOUR, 30))
    await feed.visit(pinned=pinned)
    assert feed.gaps == [(NOON, NOON + 20 * DAY + HOUR, "overflow")]


async def test_an_emptied_feed_proves_nothing_until_its_items_are_back(server: BadDays, service: Service) -> None:
    feed = Feed(service, server)
    feed.publish(*daily(NOON - 6 * DAY, 6))
    await feed.visit()
    full = list(feed.published)
    # the publisher's bad day: an empty list, twice the same, with validators
    server.on("/ward", conditional(rss([]), ETag='"empty"'))
    for _ in range(2):
        service.clock.move(6 * HOUR)
        (visit,) = (await service.visit("ward")).visits
        assert visit.ok
        assert feed.coverage[-1].until == NOON
    service.clock.move(12 * HOUR)
    assert list(feed.published) == full
    feed.publish(NOON + 3 * HOUR)
    await feed.visit()
    assert feed.coverage == [Interval(NOON - 6 * DAY, NOON + DAY)], "it showed all again, so nothing was missed"


async def test_a_feed_without_any_dates_is_observed_from_the_first_look_on(server: BadDays, service: Service) -> None:
    service.track("plain", server.url("/plain"))
    body = rss([item(f"n{n}", None) for n in range(12)])
    server.on("/plain", conditional(body, ETag='"1"'))
    await service.visit("plain")
    post = service.store.post("plain", "n3")
    assert post is not None
    assert (post.published_at, post.date_guessed) == (NOON, True)
    service.clock.move(DAY)
    (visit,) = (await service.visit("plain")).visits
    assert visit.outcome == "unchanged"
    assert service.store.coverage(["plain"])["plain"] == [Interval(NOON - INSTANT, NOON + DAY)]


async def test_edits_update_the_post_and_counts_move_only_counts(server: BadDays, service: Service) -> None:
    service.track("ward", server.url("/ward"))
    at = NOON - DAY
    server.on("/ward", text(rss([item("a", at, comments=1), item("b", at), item("c", at, comments=0)])))
    (visit,) = (await service.visit("ward")).visits
    assert (visit.outcome, visit.new, visit.changed) == ("new", 3, 0)
    service.clock.move(HOUR)
    edited = item("b", at, title="Post b, corrected", text="The ward regrets a terrible error.")
    server.on("/ward", text(rss([item("a", at, comments=7), edited, item("c", at, comments=0)])))
    (visit,) = (await service.visit("ward")).visits
    assert (visit.outcome, visit.new, visit.changed) == ("nothing_new", 0, 1)
    store = service.store
    a, b, c = (store.post("ward", name) for name in "abc")
    assert a is not None
    assert b is not None
    assert c is not None
    assert (a.title, a.engagement.comments, a.seen_at) == ("Post a", 7, NOON)
    assert (b.title, b.seen_at) == ("Post b, corrected", NOON)
    assert b.annotation.sentiment is not None
    assert b.annotation.sentiment < 0
    assert c.engagement.comments == 0
    assert [told[2] for _, told in store.engagement_history("ward", "a")] == [1, 7]
    assert [told[2] for _, told in store.engagement_history("ward", "c")] == [0]
    assert store.totals().posts == 3
    assert [post.id for post in store.posts(PostQuery("corrected")).posts] == ["b"]
    assert stored_cells(store) == counted_cells(all_posts(store, {"ward": "abc"}).values())


async def test_an_honest_304_extends_coverage_and_costs_nothing(server: BadDays, service: Service) -> None:
    service.track("ward", server.url("/ward"))
    server.on("/ward", conditional(rss([item("a", NOON - DAY)]), ETag='"1"'))
    await service.visit("ward")
    service.clock.move(6 * HOUR)
    (visit,) = (await service.visit("ward")).visits
    assert (visit.outcome, visit.bytes, visit.ok) == ("unchanged", 0, True)
    assert service.store.coverage(["ward"])["ward"] == [Interval(NOON - DAY, NOON + 6 * HOUR)]


async def test_a_server_that_answers_304_for_ever_is_asked_in_full_once_a_day(
    server: BadDays, service: Service
) -> None:
    service.track("ward", server.url("/ward"))
    server.on("/ward", stubborn(rss([item("a", NOON - DAY)]), '"1"'))
    await service.visit("ward")
    server.on("/ward", stubborn(rss([item("b", NOON + HOUR), item("a", NOON - DAY)]), '"1"'))
    found = 0
    for _ in range(6):
        service.clock.move(6 * HOUR)
        (visit,) = (await service.visit("ward")).visits
        found += visit.new
    assert found == 1
    service.clock.move(HOUR)
    server.on("/ward", stubborn(rss([item("c", NOON + 30 * HOUR), item("a", NOON - DAY)]), '"1"'))
    (visit,) = (await service.visit("ward")).visits
    assert visit.new == 1, "caught once, it is asked without conditions"


async def test_an_etag_that_changes_with_every_answer_fools_nobody(server: BadDays, service: Service) -> None:
    service.track("ward", server.url("/ward"))
    body = rss([item("a", NOON - DAY)])
    server.on("/ward", *(text(body, ETag=f'"{n}"') for n in range(5)))
    outcomes = []
    for _ in range(4):
        outcomes += [visit.outcome for visit in (await service.visit("ward")).visits]
        service.clock.move(HOUR)
    assert outcomes == ["new", "unchanged", "unchanged", "unchanged"]


async def test_a_source_with_more_posts_than_are_looked_up_at_once_counts_its_old_ones_once(
    server: BadDays, service: Service
) -> None:
    service.track("ward", server.url("/ward"))
    old = NOON - 900 * DAY
    everything = [item("pinned", old)] + [item(f"n{n}", NOON - n * HOUR) for n in range(1, 1101)]
    server.on("/ward", text(rss(everything)))
    (visit,) = (await service.visit("ward")).visits
    assert visit.new == 1101
    service.clock.move(HOUR)
    server.on("/ward", text(rss([item("fresh", NOON), *everything])))
    (visit,) = (await service.visit("ward")).visits
    assert (visit.new, visit.changed) == (1, 0)
    assert service.store.totals().posts == 1102


async def test_posts_of_tomorrow_and_of_2199_get_honest_dates(server: BadDays, service: Service) -> None:
    service.track("ward", server.url("/ward"))
    server.on("/ward", text(rss([item("far", datetime(2199, 1, 1, tzinfo=UTC)), item("near", NOON + 3 * HOUR)])))
    (visit,) = (await service.visit("ward")).visits
    assert visit.ok
    far, near = service.store.post("ward", "far"), service.store.post("ward", "near")
    assert far is not None
    assert near is not None
    assert (far.published_at, far.date_guessed) == (NOON, True)
    assert any("2199" in repair for repair in far.repairs)
    assert (near.published_at, near.date_guessed) == (NOON + 3 * HOUR, False), "clocks differ by hours"
    assert sum(visit.repairs.values()) >= 1
