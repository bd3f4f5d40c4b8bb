"""What is known + what came → what is written: pages, visits, and whose fault a failure is."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from collectors.base import CollectError, Gone, NotFound, Page, Refused, RetryLater
from monitor.core import rhythm
from monitor.core.decide import (
    OFFLINE,
    Tally,
    failed,
    is_our_network,
    offline,
    succeeded,
    write_page,
    write_unchanged,
)
from monitor.core.model import Known, Observed, SourceState
from monitor.core.reading import Reading
from tests.support.posts import make_post, make_source

NOW = datetime(2026, 7, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = make_source()
STATE = SourceState(declared=True, created_at=NOW - 90 * 24 * HOUR, failures=1.0, spacing=7200.0)
PAGE = Page(b"body", SOURCE.url, NOW, resume={"http": {"etag": "1"}})
KNOWN = Known({"a": 1, "b": 1}, {}, ("a", "b"), NOW - 5 * HOUR)


def reading(*seen: tuple[str, datetime | None], new: int = 0) -> Reading:
    posts = tuple(make_post(native) for native, _ in seen)
    return Reading(posts, {}, (), seen, new=new)


def tally(*pages: tuple[Page, Reading | None]) -> Tally:
    made = Tally(started=NOW)
    for page, read in pages:
        write = write_unchanged(SOURCE, KNOWN, page) if read is None else write_page(SOURCE, KNOWN, page, read)
        made.add(page, read, write)
    return made


def rng() -> random.Random:
    return random.Random(3)


def test_a_page_is_written_with_its_cursor_and_what_it_observed() -> None:
    read = reading(("new", NOW - HOUR), ("a", NOW - 9 * HOUR))
    write = write_page(SOURCE, KNOWN, PAGE, read)
    assert (write.source, write.at, write.posts) == (SOURCE.id, NOW, read.posts)
    assert (write.cursor, write.observed) == (PAGE.resume, Observed(NOW - 5 * HOUR, NOW))


def test_an_unchanged_page_extends_coverage_and_keeps_its_cursor() -> None:
    write = write_unchanged(SOURCE, KNOWN, replace(PAGE, body=None))
    assert (write.posts, write.cursor, write.observed) == ((), PAGE.resume, Observed(NOW - 5 * HOUR, NOW))


def test_an_emptied_page_leaves_the_cursor_so_that_nothing_vouches_for_the_time_before_it() -> None:
    write = write_page(SOURCE, KNOWN, PAGE, reading())
    assert write.cursor is None
    assert write.observed is not None
    assert write.observed.since == write.observed.until


def test_outcomes() -> None:
    seen = ("a", NOW - HOUR)
    unchanged = replace(PAGE, body=None)
    assert succeeded(SOURCE, STATE, tally((unchanged, None)), NOW, rng()).outcome == "unchanged"
    assert succeeded(SOURCE, STATE, tally((PAGE, reading(seen))), NOW, rng()).outcome == "nothing_new"
    visit = succeeded(SOURCE, STATE, tally((PAGE, reading(seen, new=1)), (unchanged, None)), NOW, rng())
    assert (visit.outcome, visit.new, visit.bytes, visit.failures, visit.ok) == ("new", 1, 4, 0.0, True)


def test_remarks_say_what_was_lost_refused_and_moved() -> None:
    overflow = reading(*((f"n{n}", NOW - n * HOUR / 10) for n in range(1, 16)), new=15)
    read = replace(overflow, rejected=2, rejected_why="no id")
    visit = succeeded(SOURCE, STATE, tally((replace(PAGE, moved_to="https://new.example/"), read)), NOW, rng())
    assert visit.new_url == "https://new.example/"
    for part in ("pushed out", "2 item(s)", "no id", "https://new.example/"):
        assert part in (visit.message or "")
    assert visit.next_due is not None
    assert visit.next_due - NOW <= rhythm.SHORTEST * 1.1


def test_the_longest_wish_of_server_and_document_counts() -> None:
    made = tally(
        (replace(PAGE, body=None, poll_after=HOUR), None), (replace(PAGE, body=None, poll_after=9 * HOUR), None)
    )
    assert made.asked == 9 * HOUR


@pytest.mark.parametrize(
    ("error", "adds"),
    [
        (RetryLater("later", code="tls"), 0.5),
        (NotFound("not there", code="http_404"), 1.0),
        (Refused("no", code="http_403"), 2.0),
    ],
)
def test_failures_add_up_by_weight(error: CollectError, adds: float) -> None:
    visit = failed(SOURCE, STATE, tally(), error, NOW, rng())
    assert (visit.ok, visit.outcome, visit.message) == (False, error.code, str(error))
    assert visit.failures == STATE.failures + adds
    assert visit.stopped is None
    assert visit.next_due is not None
    assert visit.next_due > NOW


def test_only_gone_stops_a_source() -> None:
    visit = failed(SOURCE, STATE, tally(), Gone("It is gone.", code="http_410"), NOW, rng())
    assert visit.stopped == "410 Gone: It is gone."


def test_a_fault_of_our_network_changes_neither_count_nor_rhythm() -> None:
    visit = offline(SOURCE, STATE, tally(), NOW, rng())
    assert (visit.ok, visit.outcome, visit.failures, visit.spacing) == (False, OFFLINE, 1.0, 7200.0)
    assert visit.next_due is not None
    assert rhythm.OFFLINE_WAIT <= visit.next_due - NOW <= 2 * rhythm.OFFLINE_WAIT


@pytest.mark.parametrize(
    ("hosts", "ours"),
    [([], False), (list("abcd"), False), (list("abcde"), True), (list("aaabb"), False), (list("aaabc"), True)],
)
def test_whose_fault_it_is_that_nobody_was_reached(hosts: list[str], ours: bool) -> None:
    assert is_our_network(hosts) is ours
