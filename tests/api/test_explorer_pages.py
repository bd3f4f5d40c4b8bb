"""The explorer: the address is the question, every state has its word, and two periods are compared honestly."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from api.dashboard.explorer.charts import MOST_PANELS
from api.dashboard.explorer.compare import comparable, difference, ratio, whole
from api.dashboard.explorer.marks import LONGEST
from api.dashboard.explorer.question import earlier
from api.dashboard.pictures import BUNDLE_PATH
from collectors.base import Source
from monitor.bootstrap import Services
from monitor.core import estimates
from monitor.core.charts import Bucket
from monitor.core.metrics import parse_query
from monitor.core.model import Observed, Write
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of
from tests.api.signal_pages import RISE, fill_signals
from tests.api.support import NOW, client_of, make_post

HOSTILE = "<img src=x onerror=alert(1)> & Sons"
FIRST = datetime(2026, 7, 6, tzinfo=UTC)
"""A Monday."""
PERIOD = "since=2026-10-05&until=2026-11-16"
"""Six whole weeks."""


@pytest.fixture
def long(services: Services) -> Services:
    """A source with 19 weeks of posts, twice as many in the latest six, and a gap of two weeks in August."""
    services.store.add_source(Source("long", "feed", "web", "https://long.example/feed", HOSTILE, "news"), FIRST)
    turn, gap = datetime(2026, 10, 5, tzinfo=UTC), (datetime(2026, 8, 3, tzinfo=UTC), datetime(2026, 8, 17, tzinfo=UTC))
    moments, moment = [], FIRST + timedelta(hours=1)
    while moment < NOW - timedelta(hours=1):
        if not gap[0] <= moment < gap[1]:
            moments.append(moment)
        moment += timedelta(hours=6 if moment >= turn else 12)
    posts = tuple(make_post("long", number, one) for number, one in enumerate(moments))
    services.store.commit(Write("long", NOW, posts=posts, observed=Observed(FIRST, gap[0])))
    services.store.commit(Write("long", NOW, observed=Observed(gap[1], NOW, "overflow")))
    return services


@pytest.fixture
async def pages(long: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(long) as client:
        yield client


def specs_of(page: html.HtmlElement) -> list[dict[str, Any]]:
    return [json.loads(one.text) for one in page.iterfind('.//script[@type="application/json"]')]


def rows_of(page: html.HtmlElement) -> list[list[str]]:
    """The rows of the table twin, without what happened meanwhile."""
    body = page.get_element_by_id("table").find(".//tbody")
    return [[plain(text_of(cell)) for cell in row] for row in body if row.get("class") != "mark"]


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def words_of(page: html.HtmlElement) -> str:
    return plain(" ".join(" ".join(page.find(".//main").itertext()).split()))


async def test_an_empty_address_asks_how_content_types_share_the_posts(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/trends")
    assert text_of(page.find(".//h1")) == "Share of posts by content type"
    assert page.find('.//nav/a[@aria-current="page"]').get("href") == "/trends"
    assert page.findtext(".//title").startswith("Share of posts by content type")
    check_policy(page)
    check_structure(page)


async def test_the_table_has_what_the_api_answers(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/trends?metric=share&by=content_type")
    link = next(one for one in page.iter("a") if one.text == "API call (JSON)").get("href")
    answer = (await reader.get(link)).json()
    rows = rows_of(page)
    assert len(rows) == min(40, sum(len(one["points"]) for one in answer["series"]))
    last = answer["series"][0]["points"][-1]
    assert rows[0][:7] == [
        "16 November 2026", answer["series"][0]["label"], f"{last['value'] * 100:.1f} %",
        f"{last['low'] * 100:.1f} to {last['high'] * 100:.1f} %", str(last["n"]), str(last["of"]),
        f"{last['sources_observed']} of {last['sources_expected']}",
    ]  # fmt: skip
    assert rows[0][7] == "so far"
    for text in ("CSV", "Parquet", "SVG", "Vega-Lite"):
        href = next(one for one in page.iter("a") if one.text == text).get("href")
        if text != "SVG":
            assert (await reader.get(href)).status_code == 200, href


async def test_the_address_leaves_out_blanks_and_what_is_taken_anyway(reader: httpx.AsyncClient) -> None:
    asked = "metric=share&by=&interval=week&since=&until=&panel=all&copies=count&limit=50&compare=&country=DE&country=unknown"
    answer = await reader.get(f"/trends?{asked}", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/trends?metric=share&country=DE,unknown")
    assert (await reader.get(answer.headers["location"], headers=BROWSER)).status_code == 200


async def test_filters_are_offered_from_what_exists_and_leave_one_by_one(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/trends?metric=volume&country=DE,unknown&platform=web")
    fields = page.get_element_by_id("country")
    assert [(one.get("value"), one.get("checked") is not None) for one in fields.iter("input")] == [
        ("DE", True),
        ("unknown", True),
    ]
    assert "Germany" in text_of(fields)
    chips = {text_of(one): one.get("href") for one in page.get_element_by_id("applied").iter("a")}
    assert chips["country: Germany ✕ (remove)"] == "/trends?metric=volume&platform=web&country=unknown"
    assert chips["Remove all filters"] == "/trends?metric=volume"
    assert "wire" not in [one.get("value") for one in page.get_element_by_id("topic").iter("input")]


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ("metric=shar", "metric", "Did you mean share?"),
        ("metric=volume&since=soon", "since", "since is a date such as 2026-01-31"),
        ("metric=volume&platform=nowhere", "platform", "There is no platform 'nowhere'."),
        ("metric=volume&compare=past", "compare", "compare cannot be 'past'"),
        ("metric=volume&since=1970-01-02&until=1970-02-02&compare=year", "compare", "would begin before 1970-01-01"),
    ],
)
async def test_what_cannot_be_asked_is_refused_beside_its_field(
    reader: httpx.AsyncClient, asked: str, field: str, words: str
) -> None:
    answer = await reader.get(f"/trends?{asked}", headers=BROWSER)
    page = html.document_fromstring(answer.text)
    assert answer.status_code == 422
    assert page.findtext(".//title").startswith("Error: ")
    assert words in text_of(by_class(page, "problem"))
    assert words in text_of(page.get_element_by_id(f"{field}-error"))
    assert page.get_element_by_id(field).get("aria-invalid") == "true"
    assert by_class(page, "problem").find(".//a").get("href") == f"#{field}"
    assert "Nothing is shown" in text_of(page.get_element_by_id("results"))
    assert not specs_of(page), "nothing is drawn that was not asked"
    assert answer.headers["HX-Retarget"] == "#main"
    if field == "since":
        assert page.get_element_by_id("since").get("value") == "soon", "what was typed stays"
    check_policy(page)


async def test_a_misspelt_parameter_and_a_wrong_page_are_refused(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/trends?metrc=share", headers=BROWSER)
    assert answer.status_code == 422
    assert "Did you mean metric?" in answer.text
    assert (await reader.get("/trends?page=0")).status_code == 422
    assert (await reader.get("/trends/chart.gif")).status_code == 404


async def test_a_gap_is_grey_and_says_whose_and_why(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/trends?metric=volume&since=2026-07-06&until=2026-09-07")
    (spec,) = specs_of(page)
    (hole,) = spec["layer"][0]["data"]["values"]
    assert hole["why"] == "no data"
    assert hole["cause"].startswith(f"{HOSTILE}: more was posted between two visits than its page shows")
    unseen = {row[0]: row for row in rows_of(page) if "not observed" in row[7]}
    assert [*unseen] == ["10 August 2026", "3 August 2026"]
    assert unseen["3 August 2026"][2:4] == ["[x]", "[x]"]
    assert "not observed: " + HOSTILE in unseen["3 August 2026"][7]
    listed = page.get_element_by_id("gaps").findall(".//tbody/tr")
    assert text_of(listed[0].find("th")) == HOSTILE
    assert "3 August 2026, 00:00 UTC" in text_of(listed[0])


async def test_hostile_names_stay_text(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/trends?metric=volume&by=source&since=2026-07-06", headers=BROWSER)
    assert "<img src=x" not in answer.text
    page = html.document_fromstring(answer.text)
    assert HOSTILE in text_of(page.find(".//main"))
    check_policy(page)


async def test_a_split_into_many_draws_small_panels_on_one_scale(long: Services) -> None:
    for number in range(15):
        name = f"s{number:02d}"
        long.store.add_source(Source(name, "feed", "web", f"https://{name}.example/f", name.upper(), "news"), FIRST)
        posts = tuple(make_post(name, at, NOW - timedelta(days=8, hours=at)) for at in range(number + 1))
        long.store.commit(Write(name, NOW, posts=posts, observed=Observed(FIRST, NOW)))
    async with client_of(long) as client:
        page = await page_of(client, "/trends?metric=volume&by=source&since=2026-07-06")
        rows = (await client.get("/trends/rows.json?metric=volume&by=source&since=2026-07-06")).json()
        whole = (await client.get("/trends/chart.json?metric=volume&by=source&since=2026-07-06")).json()
        one = (await client.get("/trends/chart.json?metric=volume&by=source&since=2026-07-06&at=2")).json()
        second = await page_of(client, "/trends?metric=volume&by=source&since=2026-07-06&page=2")
    specs = specs_of(page)
    assert len(specs) == MOST_PANELS == len(whole["concat"])
    scales = {json.dumps(layer["encoding"]["y"]["scale"]) for spec in specs for layer in spec["layer"][1:6]}
    assert len(scales) == 1
    assert {spec["data"]["url"] for spec in specs} == {"/trends/rows.json?metric=volume&by=source&since=2026-07-06"}
    assert {row["label"] for row in rows} == {text_of(one) for one in by_class(page, "multiples").iter("h3")}
    assert "The charts show 12 of 18 series" in words_of(page)
    assert one["height"] == specs[1]["height"]
    assert second.get_element_by_id("table").get("open") is not None
    assert text_of(by_class(second, "pager")).startswith("Later")
    first_rows, later = rows_of(page), rows_of(second)
    assert not {tuple(row[:2]) for row in first_rows} & {tuple(row[:2]) for row in later}
    check_structure(page)


async def test_counts_of_the_same_sources_are_compared(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, f"/trends?metric=volume&{PERIOD}&source=long&compare=previous")
    words = words_of(page)
    assert "5 October to 15 November 2026 beside 24 August to 4 October 2026: 6 of 6 weeks can be compared." in words
    assert "168 (143 to 196), 84 (66 to 105) before: new" not in words
    assert "All posts: 168 (144 to 195), 84 (67 to 104) before: +100 % (+53 to +163 %)." in words
    row = rows_of(page)[0]
    assert row[8:11] == ["Week of 28 September 2026", "14", "+100 %"]
    (spec,) = specs_of(page)
    assert all("before" in one for one in spec["data"]["values"])
    assert any(layer.get("mark", {}).get("strokeDash") == [5, 4] for layer in spec["layer"])
    links = [one.get("href") for one in page.get_element_by_id("download").iter("a") if one.text == "CSV"]
    spans = [parse_qs(urlsplit(link).query)["since"][0] for link in links]
    assert spans == ["2026-10-05", "2026-08-24"]


async def test_counts_of_other_sources_are_not_compared(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, f"/trends?metric=volume&{PERIOD}&compare=previous")
    words = words_of(page)
    assert "Sources observed: 1 in both, 2 only in the later period." in words
    assert "Counts of different sources are not comparable, so no change is given." in words
    fixed = by_class(page, "notice").find("a").get("href")
    assert parse_qs(urlsplit(fixed).query)["panel"] == ["fixed"]
    narrowed = await page_of(pages, fixed)
    assert "All posts: 168 (144 to 195), 84 (67 to 104) before: +100 %" in words_of(narrowed)
    assert "Both periods are in one call" in words_of(narrowed)


async def test_an_unfinished_week_is_left_out_of_the_comparison(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/trends?metric=words&since=2026-11-02&compare=previous&source=long")
    assert "2 of 3 weeks can be compared; the other one is not over, or not observed in one of the two." in words_of(
        page
    )
    assert rows_of(page)[0][7] == "so far"
    assert rows_of(page)[0][10] == "[x]"


async def test_what_happened_is_marked_listed_and_in_the_table(long: Services) -> None:
    fill_signals(long)
    long.store.record_event("tagging_changed", at=NOW - timedelta(days=9), says="Other word lists <b>from now on</b>.")
    async with client_of(long) as client:
        page = await page_of(client, "/trends?metric=volume&by=content_type")
    listed = [text_of(one) for one in by_class(page, "happened")]
    assert any("Other word lists <b>from now on</b>." in one for one in listed)
    assert any("Signal: Video" in one for one in listed)
    assert f"/signals/{RISE.id}" in [one.get("href") for one in by_class(page, "happened").iter("a")]
    (spec,) = specs_of(page)
    labels = [
        row["mark"] for layer in spec["layer"] for row in layer.get("data", {}).get("values", []) if "mark" in row
    ]
    assert len(set(labels)) == len(listed)
    assert all(len(one) <= LONGEST + 2 for one in labels)
    assert any("Other word lists" in text_of(row) for row in page.find_class("mark"))


async def test_no_post_is_a_state_with_a_way_out(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/trends?metric=share&by=source&platform=youtube&country=FR")
    assert "0" in text_of(page.find(".//main"))
    before = await page_of(reader, "/trends?metric=volume&since=2020-01-06&until=2020-02-03")
    assert "Nothing in this period has been observed" in words_of(before)
    assert all("not observed" in row[7] for row in rows_of(before))
    assert "not observed before 4 November 2026" in rows_of(before)[0][7]


async def test_claims_about_what_is_shown_are_linked(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/trends?metric=share&by=content_type")
    for link in [one.get("href") for one in page.iter("a") if (one.get("href") or "").startswith("/claims/")]:
        assert (await reader.get(link, headers=BROWSER)).status_code == 200


def test_a_reader_asks_in_the_browser_with_and_without_scripts(long: Services, tmp_path: Path) -> None:
    with serving(long) as address, driving(tmp_path) as tab:
        httpx.get(address + BUNDLE_PATH, timeout=60)
        tab.open(f"{address}/trends?metric=share&by=content_type", scripts=False)
        tab.write("#since", "2026-10-05")
        tab.press(".question .controls button")
        assert "5 October" in tab.text
        assert tab.ask("location.search") == "?metric=share&by=content_type&since=2026-10-05"
        tab.open(f"{address}/trends?metric=share&by=content_type")
        tab.ask(
            "(() => { const f = document.querySelector('#by'); f.focus(); f.value = 'source';"
            " f.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )
        until = time.monotonic() + 10
        while not tab.ask("location.search.includes('by=source') && !!document.querySelector('.drawn svg')"):
            assert time.monotonic() < until, "the part with the chart did not come"
            time.sleep(0.05)
        assert tab.ask("location.search") == "?metric=share&by=source"
        assert tab.ask("document.querySelector('h1').textContent") == "Share of posts by source"
        assert tab.ask("document.activeElement.id") == "by", "focus stays where it was"
        tab.resize(390)
        for asked in ("", "?metric=volume&compare=previous&by=source&page=1"):
            tab.open(f"{address}/trends{asked}")
            assert tab.overflow == 0, asked
        assert tab.console == []


def test_changes_have_the_intervals_of_the_textbooks() -> None:
    def share(n: int, of: int) -> tuple[float, float | None, float | None]:
        found = estimates.share(np.array([n]), np.array([of]))
        return float(found.value[0]), float(found.low[0]), float(found.high[0])

    # Newcombe 1998, table II, case (a): 56 of 70 against 48 of 80 by his method 10
    change = difference(share(56, 70), share(48, 80))
    assert (change.low, change.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert change.clear
    assert ratio(3, 0).value is None, "there is no ratio to nothing"
    assert ratio(0, 4).value == -1.0
    assert ratio(0, 4).low == -1.0


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_ratio_turned_round_is_its_reciprocal(now: int, before: int) -> None:
    there, back = ratio(now, before), ratio(before, now)
    assert there.low is not None
    assert there.value is not None
    assert there.high is not None
    assert back.high is not None
    assert there.low <= there.value <= there.high
    assert 1 + there.low == pytest.approx(1 / (1 + back.high), rel=1e-6)


def test_buckets_that_are_not_over_or_only_partly_seen_do_not_count() -> None:
    def bucket(n: int, status: str = "ok", *, so_far: bool = False) -> Bucket:
        start = date(2026, 11, 2)
        return Bucket(start, start + timedelta(days=7), "All", n, n - 1, n + 1, n, n, status, so_far)

    assert comparable(bucket(5), bucket(4), "volume")
    assert not comparable(bucket(5), bucket(4, "partial"), "volume")
    assert comparable(bucket(5), bucket(4, "partial"), "sentiment")
    assert not comparable(bucket(5, so_far=True), bucket(4), "sentiment")
    assert not comparable(bucket(5), None, "volume")
    found = whole("All", [(bucket(10), bucket(5)), (bucket(9, so_far=True), bucket(5))], "volume")
    assert (found.pairs, found.n_now, found.n_before) == (1, 10, 5)
    assert whole("All", [(bucket(10), bucket(5))], "engagement_rate").change is None, "rates do not add up"


def test_the_earlier_period_stands_bucket_by_bucket() -> None:
    def span(compare: str, **asked: str) -> tuple[date, date]:
        query = parse_query({"metric": ["volume"], **{name: [text] for name, text in asked.items()}}, now=NOW)
        found = earlier(query, compare, NOW)
        return found.since, found.until

    assert span("previous", since="2026-10-05", until="2026-11-16") == (date(2026, 8, 24), date(2026, 10, 5))
    assert span("previous", interval="day", since="2026-11-01", until="2026-11-11") == (
        date(2026, 10, 18),
        date(2026, 10, 28),
    ), "days stand beside the same weekdays"
    assert span("year", since="2026-10-05", until="2026-11-16") == (date(2025, 10, 6), date(2025, 11, 17))
    assert span("year", interval="month", since="2024-02-29", until="2024-03-31") == (
        date(2023, 2, 28),
        date(2023, 3, 31),
    )
    assert span("previous", interval="month", since="2026-09-01") == (date(2026, 6, 1), date(2026, 9, 1)), (
        "a month that is not over stands beside a whole one"
    )
