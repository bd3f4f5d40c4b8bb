"""Digests, issues and deliveries in both databases: kept once, held by one, confirmed for good."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from monitor.core.digest import ChannelSpec
from monitor.store import Store
from monitor.store import digests as module
from monitor.store.digests import LONGEST_WAIT, NewIssue, Outcome
from monitor.store.errors import AlreadyExists, NotFound, OwnedByConfig
from tests.support.digesting import DAY, HOUR, MONDAY, RUN, START, WEEK, weekly

HOLD = timedelta(minutes=3)
PAIR = (ChannelSpec("fake", ("a", "b")), ChannelSpec("file", (), {"formats": ["html"]}))


def issue(number: int = 1, **changes: Any) -> NewIssue:
    run = RUN + (number - 1) * WEEK
    given: dict[str, Any] = {
        "digest": "weekly",
        "run_at": run,
        "since": run - WEEK,
        "until": run,
        "composed_at": run,
        "says": f"Issue {number}.",
        "document": {"headline": f"Issue {number}.", "numbers": [1.5, None]},
        "channels": PAIR,
    }
    return NewIssue(**(given | changes))


@pytest.fixture
def ready(store: Store) -> Store:
    """With one digest."""
    store.digests.declare([weekly(*PAIR)], START)
    return store


def test_a_digest_comes_back_as_it_was_given(store: Store) -> None:
    spec = weekly(
        *PAIR,
        filters={"audience": ("nurses", "other")},
        sections=("headline", "coverage", "method"),
        locale="de",
        quiet="if_changed",
        grace=timedelta(minutes=90),
    )
    store.digests.create(replace(spec, declared=False), START)
    (known,) = store.digests.listed()
    assert known.spec == replace(spec, declared=False)
    assert (known.reached, known.created_at, known.trouble) == (START, START, None)
    with pytest.raises(AlreadyExists):
        store.digests.create(spec, START)


def test_declared_ones_belong_to_config_and_are_left_when_it_drops_them(ready: Store) -> None:
    records = ready.digests
    with pytest.raises(OwnedByConfig):
        records.update(weekly(), START)
    with pytest.raises(OwnedByConfig):
        records.remove("weekly")
    with pytest.raises(NotFound, match="digest list"):
        records.set_paused("other", True, START)
    records.set_paused("weekly", True, START)
    records.declare([weekly(title="New")], START + DAY)
    (known,) = records.listed()
    assert (known.spec.title, known.spec.paused, known.reached) == ("New", True, START), "a pause is people's own"
    records.declare([weekly(schedule="daily 08:00")], START + DAY)
    assert records.listed()[0].reached == START + DAY, "another schedule counts from now"
    records.add_issue(issue())
    records.declare([], START + DAY)
    assert records.listed() == []
    records.declare([weekly(*PAIR)], START + 9 * WEEK)
    assert records.listed()[0].reached == START + 9 * WEEK
    assert len(records.issues("weekly", limit=9)) == 1, "issues stay"


def test_an_issue_is_kept_once_for_its_run(ready: Store) -> None:
    records = ready.digests
    kept, ours = records.add_issue(issue())
    assert (ours, kept.number, kept.status, [one.spec for one in kept.deliveries]) == (True, 1, "composed", list(PAIR))
    other, ours = records.add_issue(issue(says="Another."))
    assert (ours, other) == (False, kept)
    assert records.issue("weekly", 1) == kept == records.issue_of("weekly", RUN)
    assert records.document("weekly", 1) == {"headline": "Issue 1.", "numbers": [1.5, None]}
    assert records.listed()[0].reached == RUN
    records.add_issue(issue(2, channels=(), quiet=True))
    assert [(one.number, one.status) for one in records.issues("weekly", limit=9)] == [(2, "quiet"), (1, "composed")]
    assert records.document_before("weekly", RUN + WEEK) == records.document("weekly", 1)
    assert records.document_before("weekly", RUN) is None
    with pytest.raises(NotFound):
        records.add_issue(issue(digest="nobody"))


def test_a_missed_run_gives_way_to_an_issue_and_not_the_other_way_round(ready: Store) -> None:
    records = ready.digests
    missed = issue(document=None, channels=(), says="Missed.")
    records.add_issue(missed)
    assert records.document("weekly", 1) is None
    kept, ours = records.add_issue(issue())
    assert (ours, kept.number, kept.status, len(kept.deliveries)) == (True, 1, "composed", 2)
    again, ours = records.add_issue(missed)
    assert (ours, again) == (False, kept)


def test_several_that_compose_at_once_keep_one(ready: Store, another: Callable[[], Store]) -> None:
    stores = [another() for _ in range(4)]
    start = Barrier(len(stores))

    def compose(place: int) -> bool:
        start.wait()
        return stores[place].digests.add_issue(issue(says=f"By {place}."))[1]

    with ThreadPoolExecutor(len(stores)) as pool:
        assert sorted(pool.map(compose, range(len(stores)))) == [False, False, False, True]
    assert len(ready.digests.issues("weekly", limit=9)) == 1


def test_several_that_send_at_once_get_different_deliveries(ready: Store, another: Callable[[], Store]) -> None:
    for number in range(1, 6):
        ready.digests.add_issue(issue(number))
    stores = [another() for _ in range(4)]
    start = Barrier(len(stores))
    now = RUN + 9 * WEEK

    def claim(one: Store) -> list[tuple[int, int]]:
        start.wait()
        return [(got.number, got.channel) for got in one.digests.claim(now, hold=HOLD, limit=3)]

    with ThreadPoolExecutor(len(stores)) as pool:
        claimed = [pair for found in pool.map(claim, stores) for pair in found]
    assert sorted(claimed) == [(number, channel) for number in range(1, 6) for channel in (0, 1)]


def test_a_hold_runs_out_and_its_holder_notices(ready: Store) -> None:
    records = ready.digests
    records.add_issue(issue())
    first, _ = records.claim(RUN, hold=HOLD, limit=9)
    assert records.claim(RUN + HOLD / 2, hold=HOLD, limit=9) == []
    assert records.keep(first, RUN + 2 * HOLD)
    assert [one.channel for one in records.claim(RUN + HOLD, hold=HOLD, limit=9)] == [1], "the one that was not kept"
    assert records.confirm(first, "a", RUN)
    (second,) = records.claim(RUN + 2 * HOLD, hold=HOLD, limit=1)
    assert (second.tries, second.settled) == (2, {"a"})
    assert not records.keep(first, RUN + 9 * HOLD)
    assert not records.confirm(first, "b", RUN + 2 * HOLD), "it is told to stop"
    records.finish(first, Outcome("failed", "late"), RUN)
    (known, _) = records.issue("weekly", 1).deliveries  # type: ignore[union-attr]  # it is there
    assert (known.state, known.said, set(known.confirmed)) == ("waiting", "", {"a", "b"}), "what was heard counts"


def test_a_clock_that_ran_ahead_holds_nothing_up(ready: Store) -> None:
    records = ready.digests
    records.add_issue(issue())
    far = RUN + 500 * WEEK
    records.claim(far, hold=HOLD, limit=9)
    claimed = records.claim(RUN, hold=HOLD, limit=9)
    assert len(claimed) == 2
    for one in claimed:
        records.finish(one, Outcome("waiting", "busy", next_try=far), far)
    assert len(records.claim(RUN, hold=HOLD, limit=9)) == 2
    for one in claimed:
        records.finish(replace(one, holder=None), Outcome("waiting", "busy", next_try=RUN + LONGEST_WAIT), RUN)


@pytest.mark.parametrize(
    ("outcomes", "states", "status"),
    [
        ((Outcome("sent", "ok", ("a", "b")), Outcome("sent", "ok")), ("sent", "sent"), "sent"),
        ((Outcome("sent", "ok", ("a",), {"b": "no"}), Outcome("sent", "ok")), ("partial", "sent"), "partial"),
        ((Outcome("failed", "no", (), {"a": "no"}), Outcome("sent", "ok")), ("failed", "sent"), "partial"),
        ((Outcome("failed", "no", ("a",), {"b": "no"}), Outcome("failed", "no")), ("partial", "failed"), "partial"),
        ((Outcome("failed", "no"), Outcome("failed", "no")), ("failed", "failed"), "failed"),
        ((Outcome("waiting", "busy", next_try=RUN + HOUR), Outcome("sent", "ok")), ("waiting", "sent"), "composed"),
    ],
)
def test_the_status_of_an_issue_follows_from_its_deliveries(
    outcomes: tuple[Outcome, Outcome], states: tuple[str, str], status: str, ready: Store
) -> None:
    records = ready.digests
    records.add_issue(issue())
    for one in records.claim(RUN, hold=HOLD, limit=9):
        records.finish(one, outcomes[one.channel], RUN)
    known = records.issue("weekly", 1)
    assert known is not None
    assert (tuple(one.state for one in known.deliveries), known.status) == (states, status)


def test_sent_again_by_hand(ready: Store) -> None:
    records = ready.digests
    records.add_issue(issue())
    mail, file = records.claim(RUN, hold=HOLD, limit=9)
    records.finish(mail, Outcome("sent", "ok", ("a",), {"b": "no"}), RUN)
    records.finish(file, Outcome("sent", "ok"), RUN)
    records.prepare("weekly", 1, PAIR, RUN, again=False)
    (once,) = records.claim(RUN, hold=HOLD, limit=9)
    assert (once.channel, once.settled, once.sending, once.tries) == (0, {"a"}, 1, 1)
    prepared = records.prepare("weekly", 1, (*PAIR, ChannelSpec("atom")), RUN, again=True)
    assert [(one.sending, one.settled) for one in prepared.deliveries] == [(2, set()), (2, set()), (1, set())]
    assert not records.confirm(once, "b", RUN), "an answer to the earlier sending says nothing about this one"
    assert prepared.deliveries == records.issue("weekly", 1).deliveries  # type: ignore[union-attr]  # it is there
    with pytest.raises(NotFound):
        records.prepare("weekly", 7, PAIR, RUN, again=False)


def test_old_issues_go_and_a_removed_digest_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_ISSUES", 3)
    records = store.digests
    records.create(weekly(*PAIR), START)
    for number in range(1, 6):
        records.add_issue(issue(number))
    assert [one.number for one in records.issues("weekly", limit=9)] == [5, 4, 3]
    records.opt_out("weekly", "mark", RUN)
    records.opt_out("weekly", "mark", RUN)
    assert records.opted_out("weekly") == {"mark"}
    records.remove("weekly")
    assert (records.get("weekly"), records.opted_out("weekly")) == (None, frozenset())
    assert records.claim(RUN + 9 * WEEK, hold=HOLD, limit=9) == []
    records.create(weekly(*PAIR), START)
    assert records.issues("weekly", limit=9) == []


def test_a_delivery_of_an_issue_that_was_removed_meanwhile_ends_quietly(store: Store) -> None:
    records = store.digests
    records.create(weekly(*PAIR), START)
    records.add_issue(issue())
    one, _ = records.claim(RUN, hold=HOLD, limit=9)
    records.remove("weekly")
    assert not records.keep(one, RUN)
    assert not records.confirm(one, "a", RUN)
    assert records.finish(one, Outcome("sent", "ok", ("a",)), RUN) is None


def test_nothing_here_moves_the_version_of_the_data(ready: Store) -> None:
    version = ready.data_version()
    ready.digests.add_issue(issue())
    ready.digests.claim(RUN, hold=HOLD, limit=9)
    assert ready.data_version() == version
    assert MONDAY < RUN
