"""What holds of every collector, whatever its platform: one suite over the cases that the stand-ins list.

Everything is real but the platform and the clock: the pipeline, the store, HTTP on loopback.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import structlog

from collectors import registry
from collectors.access import Access
from collectors.base import NO_ENGAGEMENT, NeedsKey, Page, Reviewer, Throttled
from collectors.fetch import Http, HttpSettings, parse_nets
from monitor.core.model import Interval
from monitor.store import PostQuery, Store
from tests.platforms.case import Case
from tests.platforms.serving import Platform, Told
from tests.support.collecting import Clock, Service, only

HERE = Path(__file__).parent
MODULES = sorted(path.stem for path in HERE.glob("*_platform.py"))
CASES: list[Case] = [case for name in MODULES for case in importlib.import_module(f"tests.platforms.{name}").CASES]
MINUTE = timedelta(minutes=1)


def pick(**facts: bool) -> list[object]:
    wanted = [case for case in CASES if all(getattr(case, name) is value for name, value in facts.items())]
    return [pytest.param(case, id=case.name) for case in wanted]


KEYED = [pytest.param(case, id=case.name) for case in CASES if case.wrong_key is not None]


def keys_of(case: Case, key: str | None) -> dict[str, str]:
    return {**dict(case.keys), **({case.source.collector: key} if key is not None else {})}


@dataclass
class Bed:
    """A platform, and a service that is pointed at it."""

    platform: Platform
    service: Service
    store: Store

    def stored(self) -> set[str]:
        found, query = set(), PostQuery(filters={"source": ("it",)}, limit=200)
        while True:
            page = self.store.posts(query)
            found |= {post.id for post in page.posts}
            if page.next is None:
                return found
            query = PostQuery(filters={"source": ("it",)}, limit=200, cursor=page.next)


@contextmanager
def bed(case: Case, store: Store, key: str | None = None) -> Iterator[Bed]:
    clock = Clock()
    with case.platform(clock) as platform:
        service = Service(
            store, clock=clock, keys=keys_of(case, case.key if key is None else key),
            bases={case.source.collector: platform.base},
        )  # fmt: skip
        store.add_source(case.source, clock())
        try:
            yield Bed(platform, service, store)
        finally:
            service.close()


async def pages_of(case: Case, platform: Platform) -> list[Page]:
    clock = Clock()
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=clock) as http:
        access = Access(case.source.collector, http, keys=keys_of(case, case.key), base=platform.base)
        return [page async for page in registry.get(case.source.collector).retrieve(case.source, {}, access, clock())]


def test_every_platform_has_cases_and_every_case_its_own_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    covered = {case.source.collector for case in CASES}
    assert set(registry.names()) - covered <= {"archive", "feed"}, "a collector without a case"


@pytest.mark.parametrize("name", [name for name in registry.names() if name != "archive"])
def test_its_examples_are_addresses_it_takes_and_a_wrong_one_is_explained(name: str) -> None:
    collector = registry.get(name)
    cases = [case for case in CASES if case.source.collector == name]
    for case in cases:
        assert collector.check(case.source) == []
    if name in ("feed", "site", "sitemap"):
        return
    for case in cases[:1]:
        wrong = replace(case.source, url="https://elsewhere.example/page")
        problems = collector.check(wrong)
        assert any(problem.path[0] == "url" for problem in problems), "an address of another site"
        odd = collector.check(replace(case.source, options={**case.source.options, "no_such_option": 1}))
        assert [problem.path for problem in odd] == [("options", "no_such_option")]
    for address in collector.examples:
        assert not any(problem.path[0] == "url" for problem in collector.check(replace(cases[0].source, url=address)))


@pytest.mark.parametrize("case", pick())
async def test_a_visit_brings_every_post_once_with_its_time_and_its_counts(case: Case) -> None:
    with case.platform(Clock()) as platform:
        pages = await pages_of(case, platform)
        wanted = platform.ids()
    assert sum(page.body is not None for page in pages) >= min(case.pages, 1)
    collector = registry.get(case.source.collector)
    items = [item for page in pages if page.body is not None for item in collector.parse(case.source, page).items]
    alive = [item for item in items if not item.deleted]
    assert {item.id for item in alive} == wanted
    assert all(item.published_at is None or item.published_at.tzinfo is UTC for item in alive)
    assert all(item.url is None or item.url.startswith(("https://", "http://")) for item in alive)
    assert all(item.title or item.text or item.media for item in alive), "a post says something"
    if case.engagement:
        told = [value for item in alive for value in _counts(item.engagement)]
        assert None in told, "what is not told is unknown"
        assert 0 in told, "and zero is zero"
    else:
        assert all(item.engagement == NO_ENGAGEMENT for item in alive)
    assert platform.requests


def _counts(engagement: object) -> list[int | None]:
    return [getattr(engagement, name) for name in ("views", "likes", "comments", "shares")]


@pytest.mark.parametrize("case", pick())
async def test_cut_off_after_any_page_it_ends_with_the_same_posts(case: Case, sqlite_store: Store) -> None:
    with case.platform(Clock()) as whole:
        await pages_of(case, whole)
        pages, wanted = whole.pages, whole.ids()
    assert pages >= case.pages
    with bed(case, sqlite_store) as made:
        for stop in range(min(pages, 6)):
            made.platform.stop_after, made.platform.pages = stop, 0
            await made.service.visit("it")
            assert made.stored() <= wanted
            made.service.clock.move(MINUTE)
        made.platform.stop_after = None
        report = await made.service.visit("it")
        assert only(report.visits).ok, only(report.visits).message
        assert made.stored() == wanted
        assert made.store.rebuild_cells() == 0
        assert _sane(made.store.coverage(["it"])["it"], made.service.clock)


def _sane(intervals: list[Interval], clock: Clock) -> bool:
    ends = [edge for one in intervals for edge in (one.since, one.until)]
    return ends == sorted(ends) and all(edge <= clock() for edge in ends)


@pytest.mark.parametrize("case", pick())
async def test_what_is_new_comes_with_the_next_visit_and_nothing_twice(case: Case, sqlite_store: Store) -> None:
    with bed(case, sqlite_store) as made:
        await made.service.visit("it")
        made.service.clock.move(30 * MINUTE)
        made.platform.publish(3)
        asked = len(made.platform.requests)
        report = await made.service.visit("it")
        assert only(report.visits).ok, only(report.visits).message
        assert made.stored() == made.platform.ids()
        assert len(made.platform.requests) - asked <= asked + 2, "a second visit costs no more than the first"
        made.service.clock.move(30 * MINUTE)
        report = await made.service.visit("it")
        assert only(report.visits).ok, only(report.visits).message
        assert only(report.visits).new == 0
        assert made.store.rebuild_cells() == 0


@pytest.mark.parametrize("case", pick(throttles=True))
async def test_asked_too_often_it_waits_until_the_platform_allows(case: Case, sqlite_store: Store) -> None:
    with bed(case, sqlite_store) as made:
        made.platform.throttled = True
        visit = only((await made.service.visit("it")).visits)
        assert visit.outcome in ("http_429", "quota_used"), visit.message
        assert len(made.platform.requests) <= 2, "it stops asking"
        assert made.stored() == set()
        assert visit.next_due is not None
        assert visit.next_due > made.service.clock()
        made.platform.throttled = False
        made.service.clock.now = max(made.service.clock(), visit.next_due)
        report = await made.service.visit("it")
        assert only(report.visits).ok, only(report.visits).message


@pytest.mark.parametrize("case", pick(throttles=True))
async def test_the_time_it_waits_for_is_the_platforms_own(case: Case) -> None:
    with case.platform(Clock()) as platform:
        platform.throttled = True
        with pytest.raises(Throttled) as caught:
            await pages_of(case, platform)
    assert caught.value.until is not None
    assert Clock()() < caught.value.until <= Clock()() + timedelta(days=32)


@pytest.mark.parametrize("case", KEYED)
async def test_a_wrong_key_is_one_clear_error_that_names_the_variable(case: Case, sqlite_store: Store) -> None:
    with bed(case, sqlite_store, key=case.wrong_key) as made:
        visit = only((await made.service.visit("it")).visits)
        assert visit.outcome == "key_refused", visit.message
        assert "TRENDMONITOR_KEY__" in str(visit.message)
        assert "hush" not in str(visit.message)
        assert made.stored() == set()
        assert made.store.coverage(["it"])["it"] == [], "nothing was observed"


@pytest.mark.parametrize("case", KEYED)
async def test_without_a_key_it_says_where_to_get_one(case: Case) -> None:
    collector = registry.get(case.source.collector)
    assert collector.key is not None
    if collector.key.optional:
        return
    clock = Clock()
    with case.platform(clock) as platform:
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=clock) as http:
            access = Access(case.source.collector, http, base=platform.base)
            with pytest.raises(NeedsKey) as caught:
                _ = [page async for page in collector.retrieve(case.source, {}, access, clock())]
        assert platform.requests == [], "nobody is asked without a key"
    assert caught.value.code == "needs_key"
    assert "TRENDMONITOR_KEY__" in str(caught.value)
    assert re.search(r"https://\S+", str(caught.value))


@pytest.mark.parametrize("case", pick())
async def test_no_secret_is_kept_or_told(case: Case, sqlite_store: Store, tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs, bed(case, sqlite_store) as made:
        await made.service.visit("it")
        pages = await pages_of(case, made.platform)
        made.platform.throttled = case.throttles
        await made.service.visit("it")
        told = [*made.store.visits("it"), made.store.source("it")]
    assert "hush" not in json.dumps([logs, [repr(one) for one in told]], default=str)
    for page in pages:
        assert "hush" not in page.url
        assert "hush" not in repr((page.context, page.resume))


@pytest.mark.parametrize("case", pick(drifts=True))
async def test_an_item_of_unknown_shape_is_set_aside_and_the_others_come(case: Case, sqlite_store: Store) -> None:
    with bed(case, sqlite_store) as made:
        made.platform.break_one()
        visit = only((await made.service.visit("it")).visits)
        assert visit.ok, visit.message
        assert visit.rejected >= 1
        assert made.stored() == made.platform.ids()
        assert made.store.set_aside.counts().get("it", 0) >= 1, "kept for a later try"


@pytest.mark.parametrize("case", pick(deletes=True))
async def test_what_was_deleted_there_is_deleted_here(case: Case, sqlite_store: Store) -> None:
    with bed(case, sqlite_store) as made:
        await made.service.visit("it")
        gone = made.platform.remove_one()
        assert gone in made.stored()
        collector = registry.get(case.source.collector)
        if collector.duties.review is not None and isinstance(collector, Reviewer):
            made.service.clock.move(collector.duties.review + MINUTE)
            reviewed = await made.service.reviews.run()
            assert [one.error for one in reviewed] == [None] * len(reviewed)
        if gone in made.stored():
            made.service.clock.move(MINUTE)
            await made.service.visit("it")
        assert gone not in made.stored()
        assert made.stored() <= made.platform.ids()
        assert made.store.rebuild_cells() == 0


@pytest.mark.parametrize("case", pick())
async def test_a_platform_that_answers_with_a_web_page_stores_nothing(case: Case, sqlite_store: Store) -> None:
    with bed(case, sqlite_store) as made:
        page = Told(
            200, b"<!doctype html><html><title>Down for maintenance</title></html>", {"content-type": "text/html"}
        )
        made.platform.answer = lambda asked: page  # type: ignore[method-assign]
        visit = only((await made.service.visit("it")).visits)
        assert not visit.ok, "a page of maintenance is not an empty list"
        assert visit.outcome != "internal", visit.message
        assert made.stored() == set()
        assert made.store.coverage(["it"])["it"] == []


@pytest.mark.parametrize("case", pick())
async def test_bad_days_are_named(case: Case, sqlite_store: Store) -> None:
    with bed(case, sqlite_store) as made:
        for status in (403, 404, 500, 503):
            told = Told(status, b"{}", {"content-type": "application/json"})
            made.platform.answer = lambda asked, told=told: told  # type: ignore[method-assign, misc]
            visit = only((await made.service.visit("it")).visits)
            assert not visit.ok
            assert visit.outcome != "internal", visit.message
            assert visit.message
            made.service.clock.move(MINUTE)
        assert made.stored() == set()
        assert made.store.coverage(["it"])["it"] == []
