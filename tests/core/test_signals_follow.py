from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.buckets import day_number
from monitor.core.signals import Alarm, Origin, Signal, acknowledge, follow, mute, signal_id

NOW = datetime(2026, 3, 10, 6, tzinfo=UTC)
TODAY = day_number(NOW)
DAY = timedelta(days=1)


def alarm(start: int = -2, end: int = -1, key: str = "topic=x", **others) -> Alarm:
    given = {
        "size": "day",
        "direction": "up",
        "observed": 60,
        "expected": 20.0,
        "low": 11.0,
        "high": 31.0,
        "p": 1e-6,
        "detectors": ("share", "farrington"),
        "settings": {"budget": 1.0},
    }
    return Alarm(key=key, start=TODAY + start, end=TODAY + end, **(given | others))


def opened(**others) -> Signal:
    (signal,) = follow([], [alarm(**others)], NOW).new
    return signal


def test_an_alarm_opens_a_signal_that_says_it_all() -> None:
    signal = opened()
    assert (signal.state, signal.since, signal.last) == ("open", TODAY - 2, TODAY - 1)
    assert (signal.observed, signal.expected, signal.low, signal.high) == (60, 20.0, 11.0, 31.0)
    assert signal.ratio == signal.peak == 3.0
    assert signal.opened_at == signal.updated_at == NOW
    assert signal.n_sources is None  # nobody looked
    assert signal.id == signal_id(alarm())
    assert len(signal.id) == 16


def test_ids_tell_key_size_direction_and_first_day_apart_and_nothing_else() -> None:
    ids = {
        signal_id(one)
        for one in (
            alarm(),
            alarm(key="topic=y"),
            alarm(start=-3),
            alarm(direction="down"),
            alarm(size="week"),
            alarm(end=0, observed=99, p=0.01),
        )
    }
    assert len(ids) == 5


def test_the_same_change_is_told_once_and_then_updated() -> None:
    signal = opened()
    did = follow([signal], [alarm(end=0, observed=100, expected=28.0, p=1e-4, detectors=("share", "c1"))], NOW + DAY)
    assert did.new == did.ended == ()
    (updated,) = did.updated
    assert (updated.id, updated.since, updated.last) == (signal.id, signal.since, TODAY)
    assert (updated.observed, updated.p) == (100, 1e-6)
    assert updated.peak == pytest.approx(100 / 28)
    assert updated.detectors == ("share", "farrington", "c1")
    assert (updated.opened_at, updated.updated_at) == (NOW, NOW + DAY)


def test_the_peak_of_a_fall_is_its_lowest() -> None:
    signal = opened(direction="down", observed=5)
    (updated,) = follow([signal], [alarm(direction="down", observed=9)], NOW).updated
    assert updated.peak == 0.25


def test_it_ends_when_nothing_was_out_of_line_for_the_cooldown() -> None:
    signal = opened()
    for days in range(7):
        did = follow([signal], [], NOW + days * DAY)
        assert did == type(did)((), (), ())
    (ended,) = follow([signal], [], NOW + 7 * DAY).ended
    assert (ended.state, ended.ended_at, ended.last) == ("ended", NOW + 7 * DAY, signal.last)


def test_within_the_cooldown_a_second_alarm_belongs_to_the_first() -> None:
    signal = opened()
    did = follow([signal], [alarm(start=4, end=4)], NOW + 5 * DAY)
    assert [one.id for one in did.updated] == [signal.id]
    assert did.updated[0].since == signal.since
    assert did.updated[0].figures_since == TODAY + 4


def test_after_its_end_the_same_alarm_does_not_open_it_again_but_a_new_change_does() -> None:
    signal = opened()
    (ended,) = follow([signal], [alarm()], NOW + 7 * DAY).ended
    assert follow([ended], [alarm()], NOW + 7 * DAY).new == ()
    assert follow([], [alarm()], NOW + 7 * DAY).new == ()  # too old to be told, even if nobody remembers it
    later = follow([ended], [alarm(start=6, end=7)], NOW + 8 * DAY).new
    assert len(later) == 1
    assert later[0].id != signal.id


def test_up_and_down_and_days_and_weeks_are_separate() -> None:
    signal = opened()
    did = follow([signal], [alarm(direction="down"), alarm(size="week", start=-7, end=-7)], NOW)
    assert len(did.new) == 2
    assert did.updated == ()


def test_a_week_is_over_seven_days_after_it_began() -> None:
    signal = opened(size="week", start=-8, end=-8)
    assert follow([signal], [], NOW + 5 * DAY).ended == ()
    assert len(follow([signal], [], NOW + 6 * DAY).ended) == 1


def test_what_was_found_about_the_posts_is_kept() -> None:
    origins = {alarm().name: Origin(4, 0.5, copies_only=False)}
    (signal,) = follow([], [alarm()], NOW, origins=origins).new
    assert (signal.n_sources, signal.top_source_share, signal.copies_only) == (4, 0.5, False)
    (updated,) = follow([signal], [alarm()], NOW).updated
    assert updated.n_sources == 4
    (updated,) = follow([signal], [alarm()], NOW, origins={alarm().name: Origin(1, 1.0, copies_only=True)}).updated
    assert (updated.n_sources, updated.copies_only) == (1, True)


def test_what_people_said_stays_through_updates_and_needs_a_reason() -> None:
    signal = mute(acknowledge(opened(), " a congress ", NOW), "expected until Friday", NOW + 3 * DAY)
    (updated,) = follow([signal], [alarm(end=0)], NOW + DAY).updated
    assert (updated.acknowledged_why, updated.acknowledged_at) == ("a congress", NOW)
    assert (updated.muted_why, updated.muted_until) == ("expected until Friday", NOW + 3 * DAY)
    for said in ("", "  "):
        with pytest.raises(ValueError, match="say why"):
            acknowledge(signal, said, NOW)
        with pytest.raises(ValueError, match="say why"):
            mute(signal, said, NOW)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 4)), max_size=3), max_size=40)
)
def test_over_any_history_a_change_is_open_at_most_once_and_no_id_comes_twice(runs) -> None:
    known: dict[str, Signal] = {}
    for day, seen in enumerate(runs):
        now = NOW + day * DAY
        alarms = {key: alarm(start=day - 1 - back - lasted, end=day - 1 - back, key=key) for key, back, lasted in seen}
        did = follow(list(known.values()), list(alarms.values()), now)
        assert not {one.id for one in did.new} & set(known)
        changed = [*did.new, *did.updated, *did.ended]
        assert len({one.id for one in changed}) == len(changed)
        known |= {one.id: one for one in changed}
        names = [one.name for one in known.values() if one.state == "open"]
        assert len(names) == len(set(names))
        for one in known.values():
            assert one.since <= one.last
            assert (one.ended_at is None) == (one.state == "open")
            quiet = now - timedelta(days=one.last + 1 - TODAY) - NOW
            assert one.state == "ended" or quiet < timedelta(days=7)
