"""From facts to the issue: what it says, what it keeps quiet about, and what every statement leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest

from monitor.core.digest import SECTIONS, DigestSpec
from monitor.core.digest_compose import ALWAYS, compose
from monitor.core.digest_input import Facts, Happening, Missing, Observation, Recount, Sample, Series, Trouble
from monitor.core.digest_periods import Period

NOW = datetime(2026, 7, 13, 6, tzinfo=UTC)
WEEK = Period(date(2026, 7, 6), date(2026, 7, 13))
SPEC = DigestSpec("weekly", "Weekly overview", "weekly on monday 08:00 UTC", ())
SOURCES = 40
HOSTILE = "<b>Evil.example</b>\r\nBcc: x@evil.example \u202eתוקף"


def sample(now: float = 0.1, *, comparable: bool = True, posts: int = 30) -> Sample:
    """Forty sources with a tenth of their posts about telehealth in eight weeks, and `now` of them in this one."""
    rng = np.random.default_rng(1)
    shape = (SOURCES, 9)
    total = rng.poisson(posts, shape)
    chance = np.full(9, 0.1)
    chance[0] = now
    part = rng.binomial(total, chance[None, :])
    scores = np.rint(rng.normal(0.1, 0.3, shape) * total * 10_000).astype(np.int64)
    return Sample(
        tuple(f"s{at}" for at in range(SOURCES)),
        np.full(shape, comparable),
        Series("", "", "", total, total, scores),
        (
            Series("topic", "telehealth", "Telehealth", part, part, scores // 10),
            Series("content_type", "news", "News", total, total, scores),
        ),
    )


def answer(metric: str, key: str = "all", *, gap: bool = False) -> dict[str, Any]:
    points = [
        {
            "start": (WEEK.since - timedelta(weeks=9 - at)).isoformat(),
            "value": None if gap and at == 4 else 0.1 + at / 100,
            "low": None if gap and at == 4 else 0.05,
            "high": None if gap and at == 4 else 0.2,
            "n": 0 if gap and at == 4 else 12,
            "of": 100,
            "status": "not_observed" if gap and at == 4 else "ok",
        }
        for at in range(10)
    ]
    return {
        "metric": metric,
        "interval": "week",
        "since": points[0]["start"],
        "until": WEEK.until.isoformat(),
        "as_of": "2026-07-13T06:00:00Z",
        "series": [{"key": key, "label": key, "points": points}],
    }


def facts(**changes: Any) -> Facts:
    charts = {"volume": answer("volume"), "topic": answer("share", "telehealth", gap=True)}
    charts |= {name: answer("share", "news") for name in ("content_type", "audience", "platform", "region")}
    plain = Facts(
        now=NOW,
        period=WEEK,
        earlier=WEEK.earlier(),
        since_last=NOW - timedelta(days=7),
        scope={},
        observation=Observation(SOURCES, SOURCES, SOURCES, SOURCES, 1.0, NOW - timedelta(minutes=5)),
        sample=sample(),
        charts=charts,
        tracked={"ok": SOURCES},
    )
    return replace(plain, **changes)


def part(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["sections"] if one["id"] == name)


def texts(document: dict[str, Any], name: str) -> str:
    return " ".join(one["text"] for one in part(document, name)["says"])


def change(claim: str, before: str, after: str, *, days: int = 1) -> Happening:
    at = NOW - timedelta(days=days)
    return Happening(at, "verdict_changed", claim, f"The claim {claim}", "It changed.", {"from": before, "to": after})


CLAIMS = tuple({"id": name, "says": f"The claim {name}", "finding": f"Finding of {name}."} for name in ("a", "b", "c"))


def test_the_headline_says_what_rose_with_its_interval() -> None:
    document = compose(SPEC, facts(sample=sample(0.25)))
    assert document["headline"].startswith(
        "In the week of 6 July 2026, against the 8 weeks before: Telehealth (topic) rose"
    )
    assert "95\u00a0% interval +" in document["headline"]
    assert document["subject"].startswith("Week of 6 July: Telehealth +")
    assert not document["quiet"]
    assert "significant" not in orjson.dumps(document).decode()
    chart = part(document, "movers")["chart"]
    assert chart["title"].startswith("Telehealth (topic): up to ")
    assert "1 of 10 weeks were not observed" in chart["alt"]
    assert chart["table"]["rows"][4]["cells"][1] == "[x]"
    (third,) = [one for one in document["numbers"] if one["id"] == "topic=telehealth"]
    assert third["low"] < third["value"] < third["high"]
    assert third["posts"].startswith("/api/v1/posts?topic=telehealth&since=2026-07-06")


def test_a_calm_week_is_quiet_and_claims_no_stillness() -> None:
    document = compose(SPEC, facts())
    assert document["quiet"]
    assert "stands out" in document["headline"]
    assert "does not show that nothing changed" in texts(document, "movers")
    assert document["subject"].endswith("posts, nothing stands out")


def test_if_nothing_was_observed_the_silence_is_ours() -> None:
    blank = Sample(
        *(getattr(sample(comparable=False), name) for name in ("sources", "comparable", "everything", "parts"))
    )
    blank = replace(
        blank,
        everything=replace(blank.everything, **{name: np.zeros((SOURCES, 9), np.int64) for name in ("posts", "sentiment_n", "sentiment_sum")}),
        parts=(),
    )  # fmt: skip
    document = compose(SPEC, facts(sample=blank, observation=Observation(SOURCES, SOURCES, 0, 0, 0.0, None)))
    assert "the silence is ours" in document["headline"]
    assert "the silence is ours" in document["subject"]
    assert "the silence is ours" in texts(document, "coverage")
    assert not document["quiet"]
    assert [one["value"] for one in document["numbers"]] == [None, None]
    assert [one["text"] for one in document["numbers"]] == ["[x]", "[x]"]
    assert document["cutoff"] is None


def test_sources_that_published_nothing_are_another_matter() -> None:
    nothing = replace(sample(posts=0), parts=())
    document = compose(SPEC, facts(sample=nothing))
    assert "40 sources observed published nothing in scope" in document["headline"]
    assert document["numbers"][0]["value"] == 0
    assert document["numbers"][0]["text"] == "0"
    assert document["numbers"][1]["value"] is None


def test_no_source_in_scope_is_said() -> None:
    empty = np.zeros((0, 9), np.int64)
    none = Sample((), np.zeros((0, 9), np.bool_), Series("", "", "", empty, empty, empty), ())
    scope = {"platform": ("nowhere",)}
    document = compose(SPEC, facts(sample=none, observation=Observation(0, 0, 0, 0, None, None), scope=scope))
    assert "no source was in the scope" in document["headline"]
    assert "No source is in the scope" in texts(document, "coverage")
    assert texts(document, "headline").endswith("Scope: platform nowhere.")


def test_missing_evidence_weakens_the_verb() -> None:
    seen = Observation(SOURCES, SOURCES, 30, 25, 0.7, NOW, (Missing("s1", HOSTILE, 0.2, "Failing: no answer"),))
    document = compose(SPEC, facts(sample=sample(0.25), observation=seen))
    assert "probably rose" in document["headline"]
    assert "Only 70\u00a0% of the sources' time was observed." in document["headline"]
    (row,) = part(document, "coverage")["table"]["rows"]
    assert row["cells"][1:] == ["20\u00a0%", "Failing: no answer"]
    assert "\n" not in row["cells"][0]
    assert "\u202e" not in row["cells"][0]
    assert document["coverage"]["missing"] == [{"source": "s1", "observed": 0.2, "why": "Failing: no answer"}]


def test_verdicts_are_told_by_what_is_left_of_the_changes() -> None:
    changes = (
        change("a", "supported", "inconclusive", days=3),
        change("b", "inconclusive", "supported", days=2),
        change("a", "inconclusive", "contradicted"),
        change("b", "supported", "inconclusive"),
    )
    counts = {"contradicted": 1, "inconclusive": 2}
    document = compose(SPEC, facts(claims=CLAIMS, verdict_counts=counts, happenings=changes))
    says = part(document, "claims")["says"]
    assert says[0]["text"] == "Contradicted, before supported: “The claim a” Finding of a."
    assert (says[0]["link"], says[0]["api"]) == ("/claims/a", "/api/v1/claims/a")
    assert says[1]["text"] == "All 3 claims now: 1 contradicted and 2 inconclusive."
    assert len(says) == 2
    assert "1 verdict changed" in document["subject"]
    assert "1 verdict changed" in document["headline"]
    assert not document["quiet"]
    calm = compose(SPEC, facts(claims=CLAIMS, verdict_counts=counts))
    assert texts(calm, "claims") == "No verdict changed. Of 3 claims: 1 contradicted and 2 inconclusive."


def test_signals_are_told_unless_muted() -> None:
    told = {
        "id": "x1", "key": "topic=telehealth", "state": "open", "since": 20_640, "observed": 80, "expected": 41.3,
        "low": 30.0, "high": 55.2, "n_sources": 1, "copies_only": True, "muted_until": None,
    }  # fmt: skip
    muted = {**told, "id": "x2", "muted_until": (NOW + timedelta(days=1)).isoformat()}
    document = compose(SPEC, facts(signals=(told, muted)))
    (one,) = part(document, "signals")["says"]
    assert one["text"] == (
        "Telehealth (topic): 80 posts where 41.3 were expected (95\u00a0% interval 30.0 to 55.2), since 6 July 2026. "
        "From 1 independent source. Copies of the same text alone explain it."
    )
    assert one["api"] == "/api/v1/signals/x1"
    assert "1 new signal" in document["subject"]
    assert not document["quiet"]


def test_a_signal_that_was_told_before_is_shown_and_is_no_news() -> None:
    told = {"id": "x1", "key": "topic=telehealth", "says": "Telehealth rose.", "opened_at": "2026-06-20T00:00:00Z"}
    document = compose(SPEC, facts(signals=(told,)))
    assert texts(document, "signals") == "Telehealth rose."
    assert document["quiet"]
    assert "signal" not in document["subject"]
    ended = {**told, "ended_at": "2026-07-10T00:00:00Z"}
    assert not compose(SPEC, facts(signals=(ended,)))["quiet"]


def test_signals_outside_the_scope_are_left_out() -> None:
    told = {"id": "x1", "key": "topic=privacy", "says": "Privacy rose."}
    document = compose(SPEC, facts(signals=(told,), scope={"topic": ("telehealth",)}))
    assert "signals" not in [one["id"] for one in document["sections"]]
    other = {"id": "x2", "key": "audience=nurses", "says": "Nurses rose."}
    scoped = compose(SPEC, facts(signals=(told, other), scope={"topic": ("telehealth",)}))
    assert texts(scoped, "signals").startswith("Nurses rose. Signals are looked for in all sources")


def test_a_source_that_broke_since_ends_the_quiet_and_an_old_one_does_not() -> None:
    old = Trouble("s1", "Old", "Failing", "no answer", NOW - timedelta(days=60), fresh=False)
    assert compose(SPEC, facts(troubles=(old,)))["quiet"]
    document = compose(SPEC, facts(troubles=(replace(old, fresh=True), old), tracked={"ok": 38, "failing": 2}))
    assert not document["quiet"]
    assert texts(document, "sources") == "38 sources work and 2 need attention."
    assert len(part(document, "sources")["table"]["rows"]) == 2


def test_long_lists_end_in_a_count() -> None:
    new = tuple(Happening(NOW, "source_added", f"s{at}", f"Source {at}", "", {}) for at in range(327))
    broken = tuple(Trouble(f"s{at}", f"Source {at}", "Failing", "no answer", NOW, True) for at in range(25))
    document = compose(SPEC, facts(happenings=new, troubles=broken))
    assert texts(document, "sources").startswith(
        "327 new: Source 0, Source 1, Source 2, Source 3, Source 4 and 322 more."
    )
    table = part(document, "sources")["table"]
    assert (len(table["rows"]), table["left_out"]) == (10, 15)
    for one in document["sections"]:
        for made in (one["table"], one["chart"] and one["chart"]["table"]):
            assert made is None or (len(made["columns"]) <= 5 and len(made["rows"]) <= 10)


def test_earlier_numbers_that_changed_are_told() -> None:
    before = Period(date(2026, 6, 29), date(2026, 7, 6))
    recounts = (
        Recount("posts", "Posts", "posts", before, 1180.0, 1204.0, 1180, 1204),
        Recount("sentiment", "Mean sentiment", "compound score", before, 0.101, 0.1013, 900, 920),
        Recount("topic=x", "X (topic), share of posts", "share", before, 0.1, 0.2, 118, 240),
    )
    document = compose(SPEC, facts(recounts=recounts, previous="Week of 29 June 2026"))
    says = [one["text"] for one in part(document, "revisions")["says"]]
    assert says == [
        "Posts, Week of 29 June 2026: 1,204 [r], told before as 1,180.",
        "X (topic), share of posts, Week of 29 June 2026: 20.0\u00a0% [r], told before as 10.0\u00a0% (+122 posts).",
        "[r]: revised, because posts came late, were edited, removed or tagged again.",
    ]
    assert document["quiet"], "late posts are no news"
    same = tuple(replace(one, now=one.told, now_n=one.told_n) for one in recounts)
    calm = compose(SPEC, facts(recounts=same, previous="Week of 29 June 2026"))
    assert "No headline number" in texts(calm, "revisions")


def test_the_document_says_what_the_next_issue_must_check() -> None:
    document = compose(SPEC, facts(sample=sample(0.25)))
    assert [one["id"] for one in document["recount"]] == ["posts", "sentiment", "topic=telehealth"]
    assert document["recount"][0]["value"] == document["numbers"][0]["value"]
    assert document["recount"][2]["n"] == int(sample(0.25).parts[0].posts[:, 0].sum())


def test_new_tagging_rules_forbid_comparison() -> None:
    document = compose(SPEC, facts(sample=sample(0.25, comparable=False), tagging_since=date(2026, 7, 8)))
    assert "trendmonitor retag --all" in texts(document, "movers")
    assert "tagging rules changed on 8 July 2026" in texts(document, "method")
    assert all(one["comparison"] is None for one in document["numbers"])


def test_sections_can_be_left_out_but_not_coverage() -> None:
    document = compose(replace(SPEC, sections=("claims",)), facts(claims=CLAIMS, verdict_counts={"supported": 3}))
    assert [one["id"] for one in document["sections"]] == ["headline", "claims", "coverage", "method"]
    assert document["sections"][0]["chart"] is not None
    full = compose(SPEC, facts(claims=CLAIMS, verdict_counts={"supported": 3}))
    order = [one["id"] for one in full["sections"]]
    assert order == [name for name in SECTIONS if name in order]
    assert set(ALWAYS) <= set(order)


def test_every_statement_leads_to_a_page_and_to_its_data() -> None:
    everything = facts(
        sample=sample(0.25),
        claims=CLAIMS,
        verdict_counts={"supported": 3},
        happenings=(change("a", "supported", "inconclusive"),),
        troubles=(Trouble("s/1 ?", HOSTILE, "Failing", HOSTILE, NOW, True),),
        recounts=(Recount("posts", "Posts", "posts", WEEK, 1.0, 2.0, 1, 2),),
        previous="Week of 29 June 2026",
    )
    document = compose(SPEC, everything)
    told = [one for section in document["sections"] for one in section["says"]] + document["numbers"]
    rows = [row for section in document["sections"] if section["table"] for row in section["table"]["rows"]]
    for one in (*told, *rows):
        assert one["link"].startswith("/")
        assert one["api"].startswith("/api/v1/")
        assert " " not in one["link"] + one["api"]
    assert document["reproduce"][0].startswith("trendmonitor trends --metric volume --interval week --since 2026-05-11")
    assert document["reproduce"][2].endswith("--by topic --interval week --since 2026-05-11 --until 2026-07-13")


def test_hostile_names_stay_inside_their_line() -> None:
    posts = (
        {
            "source": "s1", "id": "p", "url": "https://a.example/p", "title": HOSTILE * 9, "platform": "web",
            "published_at": NOW, "sponsored": True, "engagement": {"views": None, "likes": 5, "comments": None, "shares": 1},
        },
    )  # fmt: skip
    document = compose(
        replace(SPEC, title=HOSTILE),
        facts(
            posts=posts, source_names={"s1": HOSTILE}, troubles=(Trouble("s1", HOSTILE, "Failing", HOSTILE, NOW, True),)
        ),
    )
    text = orjson.dumps(document).decode()
    assert "\\r" not in text
    assert "\\n" not in text
    assert "\u202e" not in text
    (row,) = part(document, "posts")["table"]["rows"]
    assert row["cells"][0].endswith(" [sponsored]")
    assert row["cells"][2] == "6"
    assert row["url"] == "https://a.example/p"


@pytest.mark.parametrize(("locale", "day"), [("de", "6. Juli 2026"), ("fr", "6 juillet 2026")])
def test_numbers_and_dates_follow_the_locale(locale: str, day: str) -> None:
    document = compose(replace(SPEC, locale=locale), facts(sample=sample(0.25)))
    assert f"In the week of {day}" in document["headline"]
    told = document["numbers"][2]["text"]
    assert "," in told
    assert "." not in told
    assert document["locale"] == locale


def test_the_same_facts_give_the_same_document() -> None:
    one, other = (orjson.dumps(compose(SPEC, facts(sample=sample(0.25)))) for _ in range(2))
    assert one == other


def test_made_up_posts_are_marked_everywhere() -> None:
    document = compose(SPEC, facts(generated=True))
    assert document["generated"] is True
    assert document["headline"].startswith("Made-up data.")
    assert document["subject"].startswith("[made-up data]")
