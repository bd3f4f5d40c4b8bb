"""The ledger over a real store: verdicts of known worlds, what is kept, what is computed again, and history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config import load_config
from monitor.core.claim import Claim, ClaimBook, TrendTest
from monitor.core.finding import VERDICTS
from monitor.core.model import Observed, Write
from monitor.ledger import STATE, Ledger, UnknownClaim
from monitor.retag import CHANGED
from monitor.store import Store
from monitor.trends import Trends
from tests.support.posts import make_post, make_source
from tests.support.worlds import MONDAY, fill

BOOK = load_config(Path(__file__).parents[1] / "config").claims
BY_ID = {claim.id: claim for claim in BOOK.claims}
RISING = BY_ID["video-rising"]
KEYS = {
    "id", "says", "kind", "verdict", "effect", "p", "q", "n_posts", "n_sources", "coverage", "since", "until", "as_of",
    "checks", "caveats", "reproduce",
}  # fmt: skip


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def made(store: Store, now: datetime, *claims: Claim) -> Ledger:
    clock = Clock(now)
    book = replace(BOOK, claims=claims) if claims else BOOK
    return Ledger(Trends(store, clock=clock), store, book, clock=clock)


def rise(per_year: float) -> object:
    return lambda source, week: 0.2 * (1 + 0.02 * source) * (1 + per_year) ** ((week - 40) / 52.18)


@pytest.fixture(scope="module")
def rising(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, datetime]:
    """Twelve sources over 80 weeks; videos double in a year. Not to be written to."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('rising')}/t.db")
    store.migrate()
    return store, fill(store, weeks=80, sources=12, share=rise(1.0))  # type: ignore[arg-type]  # a lambda


def test_a_clear_rise_is_supported_and_told_in_full(rising: tuple[Store, datetime]) -> None:
    store, now = rising
    document = made(store, now, RISING).claim("video-rising")
    assert document.keys() >= KEYS
    assert document["verdict"] == "supported", document["finding"]
    effect = document["effect"]
    assert 0 < effect["low"] < effect["value"] < effect["high"]
    assert effect["low"] < 1.0 < effect["high"]
    assert effect["unit"] == "relative change per year"
    assert document["n_sources"] == 12
    assert document["panel"] == {"sources": 12, "in_scope": 12, "weeks": 80, "excluded": {}}
    assert document["coverage"] == pytest.approx(1.0)
    assert (document["since"], document["until"]) == ("2024-09-02", "2026-03-16")
    assert [one["start"] for one in document["series"][:2]] == ["2024-09-02", "2024-09-09"]
    assert sum(one["n"] for one in document["series"]) == document["n_posts"]
    assert document["links"]["trends"] is not None


def test_every_claim_of_the_book_has_a_verdict_on_any_data(rising: tuple[Store, datetime], sqlite_store: Store) -> None:
    for store, now in (rising, (sqlite_store, MONDAY)):
        ledger = made(store, now)
        document = ledger.ledger()
        assert [one["id"] for one in document["claims"]] == [claim.id for claim in BOOK.claims]
        assert document["counts"].keys() == set(VERDICTS)
        assert sum(document["counts"].values()) == len(BOOK.claims) == 35
        for one in document["claims"]:
            assert one.keys() >= KEYS
            assert one["finding"]
        measured = {one["id"]: one for one in document["claims"] if one["kind"] in ("trend", "level", "rank")}
        if store is sqlite_store:
            assert {one["verdict"] for one in measured.values()} == {"insufficient_data"}


def test_a_fall_contradicts_and_flatness_supports_nothing(sqlite_store: Store) -> None:
    now = fill(sqlite_store, weeks=80, sources=12, share=rise(-0.5))  # type: ignore[arg-type]  # a lambda
    document = made(sqlite_store, now, RISING).claim("video-rising")
    assert document["verdict"] == "contradicted", document["finding"]
    assert document["effect"]["high"] < 0


def test_composition_is_not_a_trend(sqlite_store: Store) -> None:
    """Every source is flat, those rich in videos join late: the plain share doubles, the verdict does not follow."""
    now = fill(
        sqlite_store,
        weeks=80,
        sources=20,
        share=lambda source, week: 0.1 if source < 12 else 0.8,
        gaps={source: range(50) for source in range(12, 20)},
    )
    document = made(sqlite_store, now, RISING).claim("video-rising")
    first, last = document["series"][0], document["series"][-1]
    assert document["verdict"] in ("inconclusive", "contradicted")
    assert document["panel"]["excluded"] == {"started_later": 8}
    assert first["n"] / first["of"] < 0.35
    assert last["status"] == "ok"


def test_a_gap_is_never_a_zero(sqlite_store: Store) -> None:
    gaps = {source: range(30, 36) for source in range(12)}
    now = fill(sqlite_store, weeks=80, sources=12, share=rise(1.0), gaps=gaps)  # type: ignore[arg-type]  # a lambda
    document = made(sqlite_store, now, RISING).claim("video-rising")
    gone = document["series"][30:36]
    assert [one["status"] for one in gone] == ["not_observed"] * 6
    assert [one["value"] for one in gone] == [None] * 6
    assert document["verdict"] == "supported", document["finding"]
    assert document["coverage"] == pytest.approx(74 / 80)


def test_sources_that_only_have_videos_say_nothing_of_a_move_to_video(sqlite_store: Store) -> None:
    now = fill(
        sqlite_store,
        weeks=80,
        sources=14,
        share=lambda source, week: 1.0 if source >= 8 else min(0.25 * 2 ** ((week - 40) / 52.18), 1.0),
    )
    document = made(sqlite_store, now, RISING).claim("video-rising")
    assert document["panel"]["excluded"] == {"no_room_to_change": 6}
    assert document["n_sources"] == 8
    assert document["effect"]["low"] < 1.0 < document["effect"]["high"]


def test_less_than_a_year_is_insufficient(sqlite_store: Store) -> None:
    now = fill(sqlite_store, weeks=40, sources=12, share=rise(3.0))  # type: ignore[arg-type]  # a lambda
    assert made(sqlite_store, now, RISING).claim("video-rising")["verdict"] == "insufficient_data"


def test_as_of_looks_no_further(rising: tuple[Store, datetime]) -> None:
    store, now = rising
    document = made(store, now, RISING).claim("video-rising", as_of=date(2025, 9, 10))
    assert document["until"] == "2025-09-08"
    assert document["panel"]["weeks"] == 53
    assert document["as_of"] == "2025-09-10T00:00:00Z"
    assert document["reproduce"].endswith("--as-of 2025-09-10")
    early = made(store, now, RISING).claim("video-rising", as_of=date(2024, 9, 4))
    assert (early["verdict"], early["since"]) == ("insufficient_data", None)


def test_an_earlier_day_is_computed_once(rising: tuple[Store, datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    store, now = rising
    ledger = made(store, now, RISING)
    first = ledger.claim("video-rising", as_of=date(2025, 12, 1))

    def refuse(*_: object) -> None:
        raise AssertionError("it was examined again")

    monkeypatch.setattr("monitor.core.claims.examine", refuse)
    assert ledger.claim("video-rising", as_of=date(2025, 12, 1)) == first


def test_check_gives_the_verdict_of_the_ledger(rising: tuple[Store, datetime]) -> None:
    store, now = rising
    ledger = made(store, now)
    told, checked = ledger.claim("video-rising"), ledger.check(RISING)
    assert {name: told[name] for name in KEYS} == {name: checked[name] for name in KEYS}
    test = RISING.test
    assert isinstance(test, TrendTest)
    new = replace(RISING, id="video-falling", test=replace(test, direction="falling"))
    assert ledger.check(new)["verdict"] == "contradicted"
    assert "video-falling" not in {one["id"] for one in ledger.ledger()["claims"]}


def test_unchanged_data_are_not_examined_again(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = fill(sqlite_store, weeks=60, sources=6, share=rise(1.0))  # type: ignore[arg-type]  # a lambda
    first = made(sqlite_store, now)
    told = first.ledger()

    def refuse(*_: object) -> None:
        raise AssertionError("it was examined again")

    monkeypatch.setattr("monitor.core.claims.examine", refuse)
    assert first.ledger() == told
    assert made(sqlite_store, now).ledger() == told
    assert made(sqlite_store, now).refresh() == []
    monkeypatch.undo()
    sqlite_store.commit(
        Write(source="s0", at=now, posts=(make_post("new", "s0", published_at=now - timedelta(days=9)),))
    )
    again = made(sqlite_store, now).ledger()
    assert again["claims"][0]["fingerprint"] != told["claims"][0]["fingerprint"]


def test_a_change_of_verdict_is_history_and_an_event(sqlite_store: Store) -> None:
    now = fill(sqlite_store, weeks=80, sources=12, share=rise(1.0))  # type: ignore[arg-type]  # a lambda
    early = datetime(2025, 6, 2, tzinfo=UTC)
    assert made(sqlite_store, early, RISING).refresh() == []
    changes = made(sqlite_store, now, RISING).refresh()
    assert [(event.kind, event.subject, dict(event.detail)) for event in changes] == [
        ("verdict_changed", "video-rising", {"from": "insufficient_data", "to": "supported"})
    ]
    ledger = made(sqlite_store, now, RISING)
    assert ledger.refresh() == []
    history = ledger.claim("video-rising")["history"]
    assert [(one["verdict"], one["cutoff"]) for one in history] == [
        ("supported", "2026-03-15"),
        ("insufficient_data", "2025-06-01"),
    ]
    assert [row.verdict for row in ledger.history("video-rising")] == ["supported", "insufficient_data"]


def test_nothing_is_compared_across_a_change_of_tagging(sqlite_store: Store) -> None:
    now = fill(sqlite_store, weeks=80, sources=12, share=rise(1.0))  # type: ignore[arg-type]  # a lambda
    sqlite_store.record_event(CHANGED, at=MONDAY + timedelta(weeks=41), says="Other rules from now on.")
    document = made(sqlite_store, now, RISING).claim("video-rising")
    assert document["verdict"] == "insufficient_data"
    assert document["panel"]["weeks"] == 39
    assert any("retag" in caveat for caveat in document["caveats"])


def test_evidence_is_the_counted_posts_page_by_page(rising: tuple[Store, datetime]) -> None:
    store, now = rising
    ledger = made(store, now, RISING)
    total = ledger.claim("video-rising")["n_posts"]
    page = ledger.evidence("video-rising", limit=500)
    found = {(post.source, post.id) for post in page.posts}
    assert {post.annotation.content_type for post in page.posts} == {"video"}
    while page.next is not None:
        page = ledger.evidence("video-rising", limit=500, cursor=page.next)
        found |= {(post.source, post.id) for post in page.posts}
    assert len(found) == total
    with pytest.raises(ValueError, match="leave it out"):
        ledger.evidence("video-rising", cursor="9.x")


def test_evidence_of_several_kinds_tells_no_post_twice(sqlite_store: Store) -> None:
    now = fill(sqlite_store, weeks=10, sources=2, share=lambda *_: 0.5, topics=("influencer",), sponsored=True)
    ledger = made(sqlite_store, now, BY_ID["influencer-rising"])
    found: list[str] = []
    cursor = None
    while True:
        page = ledger.evidence("influencer-rising", limit=50, cursor=cursor)
        found += [post.id for post in page.posts]
        cursor = page.next
        if cursor is None:
            break
    assert len(found) == len(set(found)) == sqlite_store.totals().posts


def test_claims_about_figures_have_no_evidence(rising: tuple[Store, datetime]) -> None:
    page = made(*rising).evidence("growth-consistency")
    assert (page.posts, page.next) == ((), None)


def test_an_unknown_claim_names_its_neighbours(rising: tuple[Store, datetime]) -> None:
    with pytest.raises(UnknownClaim, match="video-rising"):
        made(*rising).claim("video-risin")


def test_the_state_survives_only_its_own_book(rising: tuple[Store, datetime]) -> None:
    store, now = rising
    made(store, now, RISING).refresh()
    before = store.meta(STATE)
    made(store, now, RISING, BY_ID["telehealth-rising"]).refresh()
    assert store.meta(STATE) != before


def test_an_empty_book_is_an_empty_ledger(sqlite_store: Store) -> None:
    clock = Clock(MONDAY)
    ledger = Ledger(Trends(sqlite_store, clock=clock), sqlite_store, ClaimBook(), clock=clock)
    assert ledger.ledger()["claims"] == []


def test_a_source_that_changed_leaves_the_panel(sqlite_store: Store) -> None:
    now = fill(sqlite_store, weeks=80, sources=12, share=rise(1.0))  # type: ignore[arg-type]  # a lambda
    sqlite_store.record_event("source_changed", at=MONDAY + timedelta(weeks=60), source="s1", says="Another address.")
    document = made(sqlite_store, now, RISING).claim("video-rising")
    assert document["panel"]["excluded"] == {"changed": 1}
    assert document["n_sources"] == 11
    earlier = made(sqlite_store, now, RISING).claim("video-rising", as_of=date(2025, 10, 1))
    assert earlier["panel"]["excluded"] == {}


def test_a_late_source_without_posts_does_no_harm(sqlite_store: Store) -> None:
    now = fill(sqlite_store, weeks=60, sources=6, share=rise(1.0))  # type: ignore[arg-type]  # a lambda
    sqlite_store.add_source(make_source("silent"), now)
    sqlite_store.commit(Write(source="silent", at=now, observed=Observed(MONDAY, now)))
    document = made(sqlite_store, now, RISING).claim("video-rising")
    assert document["panel"]["sources"] == 7
    assert document["n_sources"] == 6
