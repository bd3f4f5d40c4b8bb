"""The history of verdicts: a row for each change, one event for each change of verdict, whoever saves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Barrier
from types import MappingProxyType

import pytest

from monitor.store import Store, StoredVerdict, verdicts
from tests.support.posts import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def made(
    verdict: str = "supported",
    *,
    claim: str = "video-rising",
    at: datetime = NOW,
    cutoff: date = date(2026, 3, 1),
    fingerprint: str = "f1",
) -> StoredVerdict:
    return StoredVerdict(claim, at, cutoff, fingerprint, verdict, {"verdict": verdict, "at": at.isoformat()})


def test_a_verdict_comes_back_as_it_was_saved(store: Store) -> None:
    document = MappingProxyType({"effect": {"value": 0.14, "low": None}, "checks": ({"says": "“fünf” %"},), "n": 2**40})
    saved = StoredVerdict("video-rising", NOW, date(1969, 12, 31), "f" * 64, "insufficient_data", document)
    assert store.save_verdicts([saved]) == [], "the first verdict is no change"
    (found,) = store.verdicts("video-rising")
    expected = {"effect": {"value": 0.14, "low": None}, "checks": [{"says": "“fünf” %"}], "n": 2**40}
    assert found == replace(saved, document=expected)
    assert store.verdicts("other") == []


def test_the_same_again_renews_the_latest_row(store: Store) -> None:
    store.save_verdicts([made()])
    assert store.save_verdicts([made(at=NOW + HOUR)]) == []
    (only,) = store.verdicts("video-rising")
    assert (only.at, only.document["at"]) == (NOW + HOUR, (NOW + HOUR).isoformat())


@pytest.mark.parametrize(
    ("different", "events"),
    [({"fingerprint": "f2"}, 0), ({"cutoff": date(2026, 3, 8)}, 0), ({"verdict": "inconclusive"}, 1)],
)
def test_what_differs_is_new_history(store: Store, different: dict[str, object], events: int) -> None:
    store.save_verdicts([made()])
    later = replace(made(at=NOW + HOUR), **different)  # type: ignore[arg-type]  # fields of the dataclass
    assert len(store.save_verdicts([later])) == events
    assert store.verdicts("video-rising") == [later, made()], "newest first"
    assert store.verdicts("video-rising", limit=1) == [later]


def test_a_change_of_verdict_is_one_event_and_leaves_the_data_version(store: Store) -> None:
    version = store.data_version()
    store.save_verdicts([made(), made(claim="podcast-depth")])
    changed = store.save_verdicts(
        [made("inconclusive", at=NOW + HOUR), made(claim="podcast-depth", at=NOW + HOUR, fingerprint="f2")]
    )
    assert [(one.kind, one.subject, one.at, dict(one.detail)) for one in changed] == [
        ("verdict_changed", "video-rising", NOW + HOUR, {"from": "supported", "to": "inconclusive"})
    ]
    assert changed[0].says == "The verdict on video-rising went from supported to inconclusive."
    assert store.events() == changed
    assert store.data_version() == version, "else whoever computes when the data moved would never rest"


def test_steps_within_one_call_are_steps(store: Store) -> None:
    steps = [made(verdict, at=NOW + n * HOUR) for n, verdict in enumerate(("supported", "inconclusive", "supported"))]
    assert [one.detail["to"] for one in store.save_verdicts(steps)] == ["inconclusive", "supported"]
    assert store.verdicts("video-rising") == steps[::-1]


def test_the_latest_of_every_claim(store: Store) -> None:
    claims = [f"claim-{n:03}" for n in range(120)]
    store.save_verdicts([made(claim=claim) for claim in claims])
    store.save_verdicts([made("inconclusive", claim=claims[7], at=NOW + DAY)])
    found = store.verdicts()
    assert [one.claim for one in found] == [claims[7], *(claim for claim in claims if claim != claims[7])]
    assert [one.verdict for one in found[:2]] == ["inconclusive", "supported"]


def test_how_it_stood_at_a_time(store: Store) -> None:
    first, second = made(at=NOW), made("inconclusive", at=NOW + 2 * DAY)
    store.save_verdicts([first, made(claim="other", at=NOW + 3 * DAY)])
    store.save_verdicts([replace(first, at=NOW + DAY)])
    store.save_verdicts([second])
    assert store.verdicts("video-rising", at=NOW - HOUR) == []
    for hours, at in ((0, NOW), (5, NOW), (24, NOW + DAY), (40, NOW + DAY)):
        asked = NOW + hours * HOUR
        (then,) = store.verdicts("video-rising", at=asked)
        assert (then.verdict, then.at) == ("supported", at), "computed then, not after"
        assert [one.claim for one in store.verdicts(at=asked)] == ["video-rising"]
    assert store.verdicts("video-rising", at=NOW + 2 * DAY)[0] == second
    assert {one.claim: one.verdict for one in store.verdicts(at=NOW + 9 * DAY)} == {
        "video-rising": "inconclusive",
        "other": "supported",
    }


def test_processes_that_save_at_once_make_one_change(store: Store, another: Callable[[], Store]) -> None:
    store.save_verdicts([made(claim=claim) for claim in ("a", "b")])
    stores = [another() for _ in range(4)]
    start = Barrier(len(stores))

    def save(one: Store) -> int:
        start.wait()
        rows = [made("inconclusive", claim=claim, at=NOW + HOUR, fingerprint="f2") for claim in ("a", "b")]
        return len(one.save_verdicts(rows))

    with ThreadPoolExecutor(len(stores)) as pool:
        assert sorted(pool.map(save, stores)) == [0, 0, 0, 2]
    assert len(store.events()) == 2
    assert len(store.verdicts("a")) == len(store.verdicts("b")) == 2


def test_a_computation_that_was_overtaken_is_dropped_unless_the_clock_was_set_back(store: Store) -> None:
    new = made("inconclusive", at=NOW, fingerprint="f2")
    store.save_verdicts([new])
    assert store.save_verdicts([made(at=NOW - timedelta(seconds=1))]) == []
    assert store.verdicts("video-rising") == [new]
    assert len(store.save_verdicts([made(at=NOW - DAY)])) == 1
    assert [one.verdict for one in store.verdicts("video-rising")] == ["supported", "inconclusive"]


def test_a_failure_keeps_nothing(store: Store) -> None:
    store.save_verdicts([made()])
    unwritable = replace(made("inconclusive", claim="z"), document={"effect": object()})
    with pytest.raises(Exception, match="JSON"):
        store.save_verdicts([made("inconclusive", at=NOW + HOUR), unwritable])
    assert [one.verdict for one in store.verdicts()] == ["supported"]
    assert store.events() == []


def test_old_history_is_thinned_to_the_last_of_each_cutoff_and_verdict(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "KEPT_WHOLE", 3)
    cutoffs = [date(2026, 3, 1)] * 4 + [date(2026, 3, 8)] * 6
    says = ["supported"] * 3 + ["inconclusive"] * 5 + ["supported"] * 2
    steps = [
        made(verdict, at=NOW + n * HOUR, cutoff=cutoff, fingerprint=f"f{n}")
        for n, (cutoff, verdict) in enumerate(zip(cutoffs, says, strict=True))
    ]
    for step in steps:
        store.save_verdicts([step])
    kept = [one.fingerprint for one in store.verdicts("video-rising")]
    assert kept == ["f9", "f8", "f7", "f3", "f2"]
    for n, verdict in enumerate(says):
        then = store.verdicts("video-rising", at=NOW + n * HOUR)[0]
        assert (then.verdict, then.cutoff) == (verdict, cutoffs[n]), "what was said when is not lost"
