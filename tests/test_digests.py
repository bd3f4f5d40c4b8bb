"""Digests as a service: what is due when, what was missed, who gets what how often, and what is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import structlog.testing

from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.deliver.base import DeliveryError
from monitor.digest_sending import HOLD, WAITS
from monitor.digests import CATCH_UP, Digests, InvalidDigest, UnknownDigest, UnknownIssue
from monitor.store import Store
from monitor.store.digests import DigestRecords
from monitor.store.errors import AlreadyExists, OwnedByConfig, Unavailable
from tests.support.collecting import Clock
from tests.support.digesting import (
    DAY,
    HOUR,
    MONDAY,
    RUN,
    START,
    WEEK,
    FakeChannel,
    busy,
    plain_document,
    refused,
    service,
    states,
    weekly,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def fake() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def started(sqlite_store: Store, clock: Clock, fake: FakeChannel) -> Callable[..., Digests]:
    """Makes a service of some declared digests that has looked at the clock once."""

    def start(*declared: DigestSpec, **changes: Any) -> Digests:
        made = service(sqlite_store, clock, *declared, channels={"fake": fake}, **changes)
        asyncio.run(made.tick())
        return made

    return start


def tick(digests: Digests) -> list[tuple[int, str]]:
    return states(asyncio.run(digests.tick()).new)


# --- when -------------------------------------------------------------------------------------------------------------


def test_an_issue_goes_out_at_its_hour_and_only_once(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly())
    clock.now = RUN - MINUTE
    assert tick(digests) == []
    clock.now = RUN
    assert tick(digests) == [(1, "composed")]
    assert tick(digests) == []
    (issue,) = digests.issues("weekly")
    assert (issue.status, issue.run_at, issue.since, issue.until) == ("sent", RUN, MONDAY - WEEK, MONDAY)
    assert issue.says == "From 2026-06-29 to 2026-07-06."
    assert issue.deliveries[0].said == "taken"
    assert issue.deliveries[0].confirmed == {"a": RUN}
    assert fake.sent == [("a", "weekly-20260706T080000Z")]
    clock.now = RUN + WEEK
    assert tick(digests) == [(2, "composed")]
    assert digests.document("weekly", 2)["earlier"] == issue.says


def test_a_new_digest_does_not_report_on_the_time_before_it(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    clock.now = RUN + HOUR
    digests = started(weekly(grace=WEEK))
    assert digests.issues("weekly") == []
    assert digests.next_run("weekly") == RUN + WEEK


@pytest.mark.parametrize(("late", "status"), [(12 * HOUR, "sent"), (12 * HOUR + MINUTE, "missed")])
def test_a_run_missed_while_down_is_caught_up_within_its_grace_and_otherwise_reported(
    late: timedelta, status: str, started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly())
    clock.now = RUN + late
    tick(digests)
    (issue,) = digests.issues("weekly")
    assert (issue.status, issue.run_at) == (status, RUN)
    assert len(fake.sent) == (status == "sent")
    if status == "missed":
        assert issue.says == (
            "The run of 2026-07-06 08:00 UTC was missed: the service was not running. It is caught up within 12 hours "
            "only; `trendmonitor digest send weekly` sends the latest one now."
        )
        with pytest.raises(UnknownIssue, match="was missed"):
            digests.message("weekly", 1)
        asyncio.run(digests.send("weekly"))
        assert states(digests.issues("weekly")) == [(1, "sent")]


def test_of_many_missed_runs_the_latest_are_caught_up_and_the_rest_told_in_one(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly(schedule="daily 08:00 UTC", grace=30 * DAY))
    clock.now = RUN + 20 * DAY
    assert tick(digests) == [(1, "missed"), (2, "composed"), (3, "composed"), (4, "composed")]
    assert len(fake.sent) == CATCH_UP == 3
    missed = digests.issue("weekly", 1)
    assert missed.says.startswith("21 runs from 2026-07-03 08:00 to 2026-07-23 08:00 UTC were missed: the service")
    assert (missed.since, missed.until) == (MONDAY - 4 * DAY, MONDAY + 17 * DAY)
    assert [issue.until for issue in digests.issues("weekly", limit=3)] == [MONDAY + n * DAY for n in (20, 19, 18)]


def test_a_clock_that_ran_ahead_does_not_silence_a_digest(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly())
    fake.answers["a"] = busy()
    clock.now = RUN + 200 * WEEK
    tick(digests)
    assert len(fake.sent) == 0
    fake.answers.clear()
    clock.now = START + HOUR  # set right; the try planned for then must not wait for years
    tick(digests)
    assert len(fake.sent) == 1
    clock.now = RUN
    assert tick(digests) == [(3, "composed")]
    assert fake.sent[-1][1] == "weekly-20260706T080000Z"


def test_a_changed_schedule_counts_from_now_and_a_pause_is_not_missed(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    started(weekly())
    clock.now = RUN + 2 * HOUR
    digests = started(weekly(schedule="daily 09:00 UTC"))
    assert digests.issues("weekly") == [], "yesterday's nine o'clock was not asked for yet"
    digests.pause("weekly")
    assert digests.next_run("weekly") is None
    clock.now = RUN + 3 * DAY
    assert tick(digests) == []
    digests.pause("weekly", False)
    clock.now = RUN + 3 * DAY + 2 * HOUR
    assert tick(digests) == [(1, "composed")]


@pytest.mark.parametrize(
    ("schedule", "before", "runs"),
    [
        # the clocks go forward at 02:00 to 03:00, and back at 03:00 to 02:00
        ("daily 02:30 Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC), ["28T01:30", "29T01:00", "30T00:30"]),
        ("daily 02:30 Europe/Berlin", datetime(2026, 10, 23, 12, tzinfo=UTC), ["24T00:30", "25T00:30", "26T01:30"]),
        ("monthly on 29 08:00 UTC", datetime(2028, 1, 30, tzinfo=UTC), ["29T08:00"]),
        ("monthly on 29 08:00 UTC", datetime(2027, 1, 30, tzinfo=UTC), ["28T08:00"]),
    ],
)
def test_changes_of_the_clocks_and_leap_days(
    schedule: str,
    before: datetime,
    runs: list[str],
    started: Callable[..., Digests],
    clock: Clock,
) -> None:
    clock.now = before
    digests = started(weekly(schedule=schedule))
    end = before + (3 * DAY if "daily" in schedule else 31 * DAY)
    while clock.now < end:
        tick(digests)
        clock.move(6 * HOUR)
    assert [f"{issue.run_at:%dT%H:%M}" for issue in reversed(digests.issues("weekly"))] == runs
    periods = [(issue.since, issue.until) for issue in reversed(digests.issues("weekly"))]
    assert all(a[1] == b[0] for a, b in pairwise(periods)), "periods join without gap or overlap"


# --- to whom ----------------------------------------------------------------------------------------------------------


def test_a_busy_server_is_tried_again_with_growing_waits_and_given_up_in_the_end(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly(ChannelSpec("fake", ("a",)), ChannelSpec("fake", ("b",))))
    fake.answers["a"] = busy()
    clock.now = RUN
    tick(digests)
    for n, wait in enumerate(WAITS, 2):
        first, second = digests.issue("weekly", 1).deliveries
        assert (first.state, second.state) == ("waiting", "sent"), "the other channel is not affected"
        assert digests.issue("weekly", 1).status == "composed"
        assert first.next_try is not None
        assert wait <= first.next_try - clock.now <= wait * 1.1
        clock.now = first.next_try - MINUTE / 60
        assert asyncio.run(digests.tick()).sent.issues == ()
        clock.move(MINUTE / 60)
        tick(digests)
        assert digests.issue("weekly", 1).deliveries[0].tries == n
    issue = digests.issue("weekly", 1)
    assert (issue.status, issue.deliveries[0].state) == ("partial", "failed")
    assert issue.deliveries[0].said == "Given up after 12 tries. The server is busy."
    assert fake.sent == [("b", "weekly-20260706T080000Z")]
    clock.move(WEEK / 2)
    assert asyncio.run(digests.tick()).sent.issues == ()


def test_a_server_that_says_when_to_come_back_is_believed_up_to_a_day(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly())
    clock.now = RUN
    for asked, waited in ((2 * HOUR, 2 * HOUR), (90 * DAY, DAY)):
        fake.answers["a"] = busy(asked)
        asyncio.run(digests.tick())
        (delivery,) = digests.issue("weekly", 1).deliveries
        assert delivery.next_try == clock.now + waited
        clock.now = delivery.next_try


def test_who_confirmed_is_not_sent_to_again_and_who_refused_neither(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly(ChannelSpec("fake", ("a", "b", "c"))))
    fake.answers = {"b": busy(), "c": refused()}
    clock.now = RUN
    tick(digests)
    (delivery,) = digests.issue("weekly", 1).deliveries
    assert (set(delivery.confirmed), dict(delivery.refused)) == ({"a"}, {"c": "There is no such mailbox."})
    fake.answers = {}
    clock.move(HOUR)
    tick(digests)
    issue = digests.issue("weekly", 1)
    assert [recipient for recipient, _ in fake.sent] == ["a", "b"]
    assert (issue.status, issue.deliveries[0].state) == ("partial", "partial")
    asyncio.run(digests.send("weekly"))
    assert [recipient for recipient, _ in fake.sent] == ["a", "b", "c"], "by hand, those who refused get another chance"
    assert digests.issue("weekly", 1).status == "sent"


def test_nobody_left_and_refused_for_good(started: Callable[..., Digests], clock: Clock, fake: FakeChannel) -> None:
    digests = started(weekly())
    fake.answers["a"] = refused()
    clock.now = RUN
    tick(digests)
    issue = digests.issue("weekly", 1)
    assert (issue.status, issue.deliveries[0].said) == ("failed", "There is no such mailbox.")
    assert issue.deliveries[0].next_try is None


def test_a_fault_in_a_channel_or_composer_holds_up_nothing_else(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    def compose(spec: DigestSpec, *rest: Any) -> dict[str, Any]:
        if spec.id == "broken":
            raise RuntimeError("no such table")
        return plain_document(spec, *rest)

    digests = started(
        weekly(ChannelSpec("fake", ("a",)), ChannelSpec("fake", ("b",)), ChannelSpec("gone")),
        weekly(name="broken"),
        compose=compose,
    )
    fake.answers["a"] = ZeroDivisionError()
    clock.now = RUN
    report = asyncio.run(digests.tick())
    assert dict(report.troubles) == {"broken": "RuntimeError: no such table"}
    assert [(one.state, one.said) for one in digests.issue("weekly", 1).deliveries] == [
        ("waiting", "An error of this program (ZeroDivisionError); see its log."),
        ("sent", "taken"),
        ("failed", "There is no channel 'gone': choose one of fake."),
    ]
    state = digests.state("broken")
    assert state is not None
    assert state.trouble == "RuntimeError: no such table"
    clock.move(DAY)
    tick(digests)
    assert "was missed: RuntimeError: no such table." in digests.issues("broken")[0].says


def test_an_issue_without_news_is_kept_and_not_sent_but_by_hand(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly(title="a quiet one", quiet="if_changed"), weekly(name="loud", title="quiet but always"))
    clock.now = RUN
    tick(digests)
    assert (digests.issues("weekly")[0].status, digests.issues("loud")[0].status) == ("quiet", "sent")
    assert [key for _, key in fake.sent] == ["loud-20260706T080000Z"]
    issue = asyncio.run(digests.send("weekly"))
    assert (issue.number, issue.status) == (1, "sent")


def test_sending_by_hand_composes_once_and_again_reaches_everybody_under_another_key(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    digests = started(weekly())
    clock.now = RUN + 2 * DAY
    tick(digests)
    composed = asyncio.run(digests.send("weekly"))
    clock.move(HOUR)
    later = asyncio.run(digests.send("weekly"))
    assert (composed.number, later.number, later.composed_at) == (1, 1, composed.composed_at)
    assert fake.sent == [("a", "weekly-20260706T080000Z")]
    asyncio.run(digests.send("weekly", again=True))
    assert [key for _, key in fake.sent] == ["weekly-20260706T080000Z", "weekly-20260706T080000Z-2"]


def test_a_mended_channel_is_used_when_sent_by_hand(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel
) -> None:
    fake.answers["typo"] = refused()
    digests = started(weekly(ChannelSpec("fake", ("typo",))))
    clock.now = RUN
    tick(digests)
    digests = started(weekly(ChannelSpec("fake", ("right",)), ChannelSpec("fake", ("new",))))
    asyncio.run(digests.send("weekly"))
    assert sorted(recipient for recipient, _ in fake.sent) == ["new", "right"]


def test_two_schedulers_on_one_database_make_one_issue_and_send_it_once(
    store: Store, another: Callable[[], Store], clock: Clock, fake: FakeChannel
) -> None:
    spec = weekly(ChannelSpec("fake", ("a", "b")), ChannelSpec("fake", ("c",)))
    pair = [service(one, clock, spec, channels={"fake": fake}) for one in (store, another(), another())]

    async def together() -> None:
        await asyncio.gather(*(one.tick() for one in pair))

    for now in (START, RUN, RUN + WEEK):
        clock.now = now
        asyncio.run(together())
    assert sorted(fake.sent) == sorted((name, f"weekly-202607{day}T080000Z") for name in "abc" for day in ("06", "13"))
    assert states(pair[1].issues("weekly")) == [(2, "sent"), (1, "sent")]


def test_a_sender_that_was_taken_for_dead_stops_and_what_it_sent_counts(
    store: Store, another: Callable[[], Store], clock: Clock
) -> None:
    spec = weekly(ChannelSpec("fake", ("a", "b", "c")))
    slow, quick = FakeChannel(), FakeChannel()
    first = service(store, clock, spec, channels={"fake": slow})
    second = service(another(), clock, spec, channels={"fake": quick})
    asyncio.run(first.tick())
    clock.now = RUN

    async def overtaken(recipient: str) -> None:
        if recipient == "b":
            clock.move(HOLD + MINUTE)  # as if it had been asleep
            await second.tick()

    slow.before = overtaken
    asyncio.run(first.tick())
    assert [name for name, _ in slow.sent] == ["a", "b"], "its next answer tells it"
    assert [name for name, _ in quick.sent] == ["b", "c"]
    issue = first.issue("weekly", 1)
    assert (issue.status, set(issue.deliveries[0].confirmed)) == ("sent", {"a", "b", "c"})


def test_a_database_that_is_gone_for_a_moment_forgets_no_answer(
    started: Callable[..., Digests], clock: Clock, fake: FakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = started(weekly(ChannelSpec("fake", ("a", "b"))))
    monkeypatch.setattr(digests, "_sender", replace(digests._sender, patience=(0.0, 0.0)))
    troubles = {"confirm": 1, "finish": 2}

    def failing(name: str) -> Callable[..., Any]:
        real = getattr(DigestRecords, name)

        def call(*given: Any) -> Any:
            if troubles[name]:
                troubles[name] -= 1
                raise Unavailable("the disk is full")
            return real(*given)

        return call

    for name in troubles:
        monkeypatch.setattr(DigestRecords, name, failing(name))
    clock.now = RUN
    tick(digests)
    (delivery,) = digests.issue("weekly", 1).deliveries
    assert (delivery.state, set(delivery.confirmed), delivery.said) == ("waiting", {"a"}, "the disk is full")
    clock.move(HOUR)
    tick(digests)
    assert [name for name, _ in fake.sent] == ["a", "b"]
    assert digests.issue("weekly", 1).status == "sent"


def test_no_address_of_a_reader_is_in_the_log(started: Callable[..., Digests], clock: Clock, fake: FakeChannel) -> None:
    digests = started(weekly(ChannelSpec("fake", ("ann@example.org",))))
    fake.answers["ann@example.org"] = DeliveryError("550 ann@example.org is unknown", temporary=False)
    clock.now = RUN
    with structlog.testing.capture_logs() as logs:
        tick(digests)
    assert "ann" in digests.issue("weekly", 1).deliveries[0].said
    assert [one for one in logs if "ann@" in str(one)] == []
    assert any("550" in str(one) for one in logs)


def test_who_unsubscribed_gets_nothing_more(started: Callable[..., Digests], clock: Clock, fake: FakeChannel) -> None:
    digests = started(weekly(ChannelSpec("fake", ("a", "b"))))
    mark = digests._sender.mark("weekly", "a")
    assert mark not in (digests._sender.mark("weekly", "b"), digests._sender.mark("other", "a"))
    assert not digests.unsubscribe("weekly", mark[:-1])
    assert digests.unsubscribe("weekly", mark)
    assert digests.unsubscribed("weekly") == ["a"]
    clock.now = RUN
    tick(digests)
    assert ([name for name, _ in fake.sent], digests.issue("weekly", 1).status) == (["b"], "sent")
    digests.resubscribe("weekly", "a")
    asyncio.run(digests.send("weekly", again=True))
    assert [name for name, _ in fake.sent] == ["b", "a", "b"]


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_digests_made_at_run_time_and_those_of_config(started: Callable[..., Digests], clock: Clock) -> None:
    digests = started(weekly())
    made = digests.create(weekly(name="mine", grace=3 * HOUR, filters={"audience": ("nurses",)}, locale="de"))
    assert not made.declared
    assert made == replace(
        weekly(name="mine", grace=3 * HOUR, filters={"audience": ("nurses",)}, locale="de"), declared=False
    )
    assert [spec.id for spec in digests.specs()] == ["mine", "weekly"]
    with pytest.raises(AlreadyExists):
        digests.create(weekly(name="mine"))
    with pytest.raises(AlreadyExists):
        digests.create(weekly())
    with pytest.raises(OwnedByConfig):
        digests.update(weekly())
    with pytest.raises(OwnedByConfig):
        digests.remove("weekly")
    assert digests.update(weekly(name="mine", title="Other")).title == "Other"
    asyncio.run(digests.send("mine"))
    digests.remove("mine")
    with pytest.raises(UnknownDigest, match="Did you mean weekly"):
        digests.issues("weekli")
    digests.create(weekly(name="mine"))
    assert digests.issues("mine") == [], "issues went with it"
    assert digests.pause("weekly").paused
    assert not digests.pause("weekly", False).paused


def test_what_cannot_work_is_refused_with_every_reason(started: Callable[..., Digests]) -> None:
    digests = started()
    bad = weekly(ChannelSpec("fake"), ChannelSpec("pigeon"), name="bad", schedule="weekly on moonday 08:00")
    with pytest.raises(InvalidDigest) as caught:
        digests.create(bad)
    assert caught.value.problems == (
        "schedule: 'moonday' is not a day of the week: did you mean 'monday'?",
        "fake needs a recipient: write `to: [a]`",
        "There is no channel 'pigeon': choose one of fake.",
    )
    assert digests.specs() == []


def test_a_preview_stores_and_sends_nothing(started: Callable[..., Digests], clock: Clock, fake: FakeChannel) -> None:
    digests = started(weekly())
    assert digests.preview("weekly").short == "From 2026-06-22 to 2026-06-29."
    assert digests.preview("weekly", at=RUN - MINUTE).short == "From 2026-06-22 to 2026-06-29."
    assert digests.preview("weekly", at=RUN).short == "From 2026-06-29 to 2026-07-06."
    assert (digests.issues("weekly"), fake.sent) == ([], [])


def test_a_stored_issue_always_reads_the_same(started: Callable[..., Digests], clock: Clock) -> None:
    digests = started(weekly())
    clock.now = RUN
    tick(digests)
    message = digests.message("weekly", 1)
    clock.move(WEEK * 3)
    assert digests.message("weekly", 1) == message
    assert (message.key, message.composed_at) == ("weekly-20260706T080000Z", RUN)
    with pytest.raises(UnknownIssue, match="no issue 7"):
        digests.message("weekly", 7)


def test_a_test_message_says_so_and_leaves_no_trace(started: Callable[..., Digests], fake: FakeChannel) -> None:
    digests = started(weekly(ChannelSpec("fake", ("a",)), ChannelSpec("fake", ("b",))))
    receipt = asyncio.run(digests.test("weekly", 1))
    assert receipt.said == "taken"
    assert [name for name, _ in fake.sent] == ["b"]
    assert ".test-" in fake.sent[0][1]
    assert digests.issues("weekly") == []
    with pytest.raises(InvalidDigest, match="no channel 2"):
        asyncio.run(digests.test("weekly", 2))
