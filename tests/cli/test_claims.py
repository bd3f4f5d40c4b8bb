"""claims, claims list, show and check: what a person sees, what a program gets, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.bootstrap import Services
from monitor.cli.claim_words import amount_words, effect_words, interval_words
from monitor.cli.claims_shown import show_check, show_claim, show_list
from monitor.core.finding import DIFFERENCE, RELATIVE_PER_YEAR, SHARE
from monitor.settings import Settings
from tests.cli.conftest import PLATFORMS, TOPIC, Call, Home
from tests.support.claims import SOURCES, WEEKS, import_rise

CLAIMS = Path(__file__).parents[2] / "config" / "claims"


@pytest.fixture(scope="module")
def risen(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """Imported posts of which more and more are videos, already judged under the small configuration."""
    config = tmp_path_factory.mktemp("config")
    (config / "taxonomy").mkdir()
    (config / "platforms.yaml").write_text(PLATFORMS)
    (config / "sources.yaml").write_text("sources: []\n")
    (config / "taxonomy" / "telehealth.yaml").write_text(TOPIC)
    database = import_rise(tmp_path_factory.mktemp("risen"), sqlite_template)
    made = Services(Settings(home=database.parent, config=config))
    try:
        made.ledger.refresh()
    finally:
        made.close()
    return database


@pytest.fixture
def ledger(tm: Call, home: Home, risen: Path) -> Call:
    shutil.copy(risen, home.home / "trendmonitor.db")
    return tm


@pytest.fixture(scope="module")
def documents(risen: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Callable[[str], Any]]:
    """The ledger of those posts under the bundled configuration, and a claim of it in full."""
    made = Services(Settings(home=risen.parent, config=CLAIMS.parent))
    try:
        document = made.ledger.ledger()
        full = {claim["id"]: made.ledger.claim(claim["id"]) for claim in document["claims"][:8]}
    finally:
        made.close()
    return document, full.__getitem__


def test_the_list_is_a_table_that_fits_and_one_document(ledger: Call) -> None:
    done = ledger("claims")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 110
    (video,) = (line for line in lines if "video-rising" in line)
    assert video.startswith("✓ Supported")
    assert " % a year" in video
    assert f" {len(SOURCES)} " in video
    document = ledger("claims", "--json").document
    assert {claim["verdict"] for claim in document["claims"]} >= {"supported", "contradicted", "insufficient_data"}
    effect = next(claim["effect"] for claim in document["claims"] if claim["id"] == "video-rising")
    assert 0 < effect["low"] < effect["value"] < effect["high"]
    shown = [name for line in lines for name in line.split() if name in {claim["id"] for claim in document["claims"]}]
    assert sorted(shown) == sorted(claim["id"] for claim in document["claims"]), "each once"
    assert shown.index("live-rising") < shown.index("ai-rising") < shown.index("growth-20"), "in the report's order"


def test_a_change_of_verdict_is_told_above_the_list(ledger: Call, home: Home) -> None:
    assert "Changed on" not in ledger("claims").out
    made = Services(Settings(home=home.home, config=home.config))
    try:
        (kept,) = made.store.verdicts("video-rising", limit=1)
        made.store.save_verdicts([replace(kept, verdict="inconclusive", at=kept.at + timedelta(seconds=1))])
        made.store.save_verdicts([replace(kept, at=kept.at + timedelta(seconds=2))])
        assert "Changed on" not in ledger("claims").out, "it came back to what it was"
        (other,) = made.store.verdicts("live-rising", limit=1)
        made.store.save_verdicts([replace(other, verdict="supported", at=other.at + timedelta(seconds=1))])
        now = {**other.document, "verdict": "contradicted"}
        changed = replace(other, verdict="contradicted", document=now, at=other.at + timedelta(seconds=2))
        made.store.save_verdicts([changed])
    finally:
        made.close()
    told = [line for line in ledger("claims").out.splitlines() if line.startswith("Changed on")]
    assert len(told) == 1
    assert "live-rising, before … Not enough data yet" in told[0]


def test_filters_narrow_the_list(ledger: Call) -> None:
    arguments = ("--verdict", "supported", "--kind", "trend", "--segment", "content type")
    for command in (("claims",), ("claims", "list")):
        document = ledger(*command, *arguments, "--json").document
        assert [claim["id"] for claim in document["claims"]] == ["video-rising"]
        assert sum(document["counts"].values()) > 30, "counts are those of the whole ledger"
    shown = ledger("claims", "list", "--kind", "level", "--verdict", "supported")
    assert shown.status == 0
    assert "No claims match." in shown.out


def test_a_claim_is_shown_from_statement_to_command(ledger: Call) -> None:
    done = ledger("claims", "show", "video-rising")
    assert done.status == 0
    order = ["video-rising", "✓ Supported: +", "95 % interval +", "Share in the average source", "Checks", "✓ drop-largest",
             "Caveats", "What this cannot show", "What would support it", "Sample", "Evidence",
             "https://channel-", "History", "Reproduce", "trendmonitor claims check"]  # fmt: skip
    places = [done.out.index(part) for part in order]
    assert places == sorted(places)
    (chart,) = (line for line in done.out.splitlines() if set(line.strip()) <= set("▁▂▃▄▅▆▇█·") and line.strip())
    assert len(chart.strip()) == WEEKS
    assert "·" not in chart
    document = ledger("claims", "show", "video-rising", "--json").document
    assert len(document["series"]) == WEEKS
    assert [post["content_type"] for post in document["evidence"]["posts"]] == ["video"] * 5
    assert "author" not in document["evidence"]["posts"][0]


def test_the_command_that_is_printed_gives_the_same_again(ledger: Call) -> None:
    document = ledger("claims", "show", "video-rising", "--json").document
    again = ledger(*document["reproduce"].split()[1:], "--json").document
    for name in ("verdict", "effect", "p", "n_posts", "since", "until", "series", "checks"):
        assert again[name] == document[name], name


def test_an_earlier_day_leaves_out_what_came_later(ledger: Call) -> None:
    document = ledger("claims", "show", "video-rising", "--as-of", "2026-06-01", "--json").document
    assert document["until"] == "2026-06-01"
    published = [post["published_at"] for post in document["evidence"]["posts"]]
    assert len(published) == 5
    assert max(published) < "2026-06-01"
    early = ledger("claims", "show", "video-rising", "--as-of", "2025-12-01")
    assert early.status == 0
    assert "… Not enough data yet" in early.out


def test_a_contradicted_claim_is_an_answer_and_no_failure(ledger: Call) -> None:
    for command in (("show", "doximity-revenue"), ("check", CLAIMS / "doximity-revenue.yaml")):
        done = ledger("claims", *command)
        assert done.status == 0
        assert "✕ Contradicted: " in done.out
        assert "not checked against its source yet" in done.out


def test_a_file_being_written_is_checked_without_a_trace(ledger: Call, tmp_path: Path) -> None:
    file = tmp_path / "clips-rising.yaml"
    file.write_text((CLAIMS / "video-rising.yaml").read_text().replace("10 % a year", "20 % a year"))
    done = ledger("claims", "check", file)
    assert done.status == 0
    order = ["What data there is", "in 12 sources", "Panel: 12 of 12", "What the test could find", "four times out of five",
             "Verdict", "✓ Supported", "Checks", "Reproduce"]  # fmt: skip
    places = [done.out.index(part) for part in order]
    assert places == sorted(places)
    document = ledger("claims", "check", file, "--json").document
    assert (document["id"], document["verdict"]) == ("clips-rising", "supported")
    assert document["detectable"]["value"] > 0
    assert ledger("claims", "show", "clips-rising").status == 2, "nothing was stored"
    figures = ledger("claims", "check", CLAIMS / "growth-consistency.yaml")
    assert "it needs no posts" in figures.out
    unseen = ledger("claims", "check", CLAIMS / "region-na-35.yaml", "--as-of", "2020-01-01")
    assert "for a whole week yet" in unseen.out


def test_mistakes_in_a_file_are_named_with_line_and_remedy(ledger: Call, tmp_path: Path) -> None:
    file = tmp_path / "clips-rising.yaml"
    text = (CLAIMS / "video-rising.yaml").read_text()
    file.write_text(text.replace("content_type: video", "content_type: vidoe").replace("kind: trend", "kind: tren"))
    done = ledger("claims", "check", file, "--json")
    assert (done.status, done.out) == (1, "")
    line = 1 + next(at for at, line in enumerate(text.splitlines()) if line.startswith("kind:"))
    assert f"clips-rising.yaml:{line}:" in done.err
    assert "trend" in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("claims", "show", "video-risng"), "video-rising"),
        (("claims", "show", "video-rising", "--as-of", "yesterday"), "--as-of"),
        (("claims", "show", "video-rising", "--as-of", "2999-01-01"), "tomorrow"),
        (("claims", "check", "nosuch.yaml"), "nosuch.yaml"),
        (("claims", "check", CLAIMS / "video-rising.yaml", "--as-of", "20260101"), "--as-of"),
        (("claims", "--verdict", "true"), "supported"),
        (("claims", "list", "--kind", "tren"), "trend"),
        (("claims", "--segment", "regoin"), "region"),
        (("claims", "--json", "show", "video-rising"), "show"),
        (("claims", "nosuch"), "nosuch"),
        (("claims", "show"), "ID"),
    ],
)
def test_wrong_use_is_named_and_ends_with_2(ledger: Call, arguments: tuple[object, ...], says: str) -> None:
    done = ledger(*arguments)
    assert done.status == 2
    assert says in done.err
    assert done.out == "", "nothing on standard output"


Documents = tuple[dict[str, Any], Callable[[str], Any]]


def test_weeks_that_nobody_observed_are_gaps(documents: Documents, capsys: pytest.CaptureFixture[str]) -> None:
    claim = documents[1]("video-rising")
    series = [dict(week) for week in claim["series"]]
    for week in series[10:14]:
        week |= {"value": None, "fitted": None, "n": 0, "of": 0, "sources": 0, "status": "not_observed"}
    show_claim(claim | {"series": series}, [], None)
    (chart,) = (line.strip() for line in capsys.readouterr().out.splitlines() if "····" in line)
    assert (len(chart), chart.index("····"), chart.count("·")) == (WEEKS, 10, 4)


def test_long_windows_share_characters_and_keep_their_gaps(
    documents: Documents, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    claim = documents[1]("video-rising")
    series = [dict(week) for week in claim["series"]]
    for week in series[10:14]:
        week |= {"value": None, "n": 0, "of": 0, "status": "not_observed"}
    show_claim(claim | {"series": series}, [], None)
    out = capsys.readouterr().out
    assert "each character 2 weeks" in out
    (chart,) = (line.strip() for line in out.splitlines() if "··" in line)
    assert (len(chart), chart.index("··"), chart.count("·")) == (WEEKS // 2, 5, 2)


def test_weeks_without_a_single_counted_post_are_zeros_and_no_gaps(
    documents: Documents, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = documents[1]("live-rising")
    show_check(claim)
    out = capsys.readouterr().out
    assert claim["n_posts"] == 0
    assert "highest 0.0 %" in out
    assert "0 posts counted, among 6" in out


def test_generated_data_are_marked_wherever_verdicts_are(
    documents: Documents, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, full = documents
    show_list(ledger["claims"], {**ledger, "generated": True})
    show_claim({**full("video-rising"), "generated": True}, [], None)
    show_check({**full("video-rising"), "generated": True})
    assert capsys.readouterr().out.count("Generated data") == 3
    show_list(ledger["claims"], ledger)
    assert "Generated" not in capsys.readouterr().out


def test_a_narrow_terminal_gets_marks_instead_of_words(
    documents: Documents, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show_list(documents[0]["claims"], documents[0])
    lines = capsys.readouterr().out.splitlines()
    (video,) = (line for line in lines if "video-rising" in line)
    assert video.startswith("✓  video-rising")
    assert any("… Not enough data yet" in line for line in lines), "the marks are explained"


def test_no_claims_and_long_histories_are_said(documents: Documents, capsys: pytest.CaptureFixture[str]) -> None:
    show_list([], {"claims": [], "counts": {}, "as_of": "2026-07-06T12:00:00Z", "generated": False})
    assert "config/claims/" in capsys.readouterr().out
    claim = documents[1]("video-rising")
    show_claim({**claim, "history": claim["history"] * 12}, [], "What these show.")
    out = capsys.readouterr().out
    assert "and 2 before" in out
    assert "No such post is stored." in out


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "effect", "interval"),
    [
        (0.14, 0.09, 0.2, RELATIVE_PER_YEAR, "+14 % a year", "+9 to +20"),
        (-0.021, -0.09, 0.002, RELATIVE_PER_YEAR, "−2.1 % a year", "−9.0 to +0.2"),
        (1.77, 0.001, 2.47, RELATIVE_PER_YEAR, "+177 % a year", "+0.1 to +247"),
        (0.0, -0.5, 0.5, DIFFERENCE, "0 points", "−50 to +50"),
        (0.352, 0.3, 0.4, SHARE, "35.2 %", "30.0 to 40.0"),
        (1203.4, 900.2, 1500.1, "difference in seconds", "+1\u202f203 seconds", "+900 to +1\u202f500"),
        (0.031, -0.01, 0.072, "difference of ln(1 + interactions)", "+0.031 log units", "−0.010 to +0.072"),
        (3.07e9, None, None, "people", "3.07 billion people", None),
        (419.1e6, None, None, "USD", "419.1 million USD", None),
        (88.0, None, None, "percent", "88 percent", None),
    ],
)
def test_effects_in_words(
    value: float, low: float | None, high: float | None, unit: str, effect: str, interval: str | None
) -> None:
    found = {"value": value, "low": low, "high": high, "unit": unit}
    assert effect_words(found) == effect
    assert interval_words(found) == interval


def test_sizes_have_no_sign_and_long_units_can_be_left_out() -> None:
    assert amount_words(-0.19, RELATIVE_PER_YEAR) == "19 % a year"
    assert amount_words(0.05, DIFFERENCE) == "5.0 points"
    people = {"value": 3.07e9, "low": None, "high": None, "unit": "people"}
    assert effect_words(people, longest=17) == "3.07 billion"


def test_json_is_the_document_of_the_ledger(ledger: Call, home: Home) -> None:
    done = ledger("claims", "list", "--json")
    made = Services(Settings(home=home.home, config=home.config))
    try:
        expected = json.loads(json.dumps(made.ledger.ledger()))
    finally:
        made.close()
    assert done.document == expected
