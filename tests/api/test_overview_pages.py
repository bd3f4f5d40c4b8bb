"""The overview: its periods, what changed and how surely, what was not observed, and what an empty one leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from lxml import html

from api.dashboard.overview import views as overview_views
from api.dashboard.overview import words as overview_words
from api.dashboard.pictures import BUNDLE_PATH
from collectors.base import Source
from monitor.bootstrap import Services
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.overview_pages import MONDAY, WEEKS, fill_weeks
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of
from tests.api.support import NOW, client_of, make_services


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory, config_dir: Path) -> Iterator[Services]:
    services = make_services(tmp_path_factory.mktemp("weeks"), config_dir)
    fill_weeks(services)
    yield services
    services.close()


@pytest.fixture
async def pages(weeks: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(weeks) as client:
        yield client


def figures_in(page: html.HtmlElement) -> dict[str, html.HtmlElement]:
    return {text_of(one.find("h3")): one for one in by_class(page, "figures")}


def change_in(figure: html.HtmlElement) -> str:
    return text_of(by_class(figure, "change"))


async def test_a_figure_has_value_change_interval_line_and_the_way_on(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages)
    posts = figures_in(page)["Posts"]
    assert text_of(by_class(posts, "figure")) == "124"
    change = change_in(posts)
    assert change.startswith("▲ +95.2 %, up on the week before (95 % interval +")
    assert "6 sources seen in both" in change
    assert "[u]" not in change, "eight weeks before say how far weeks differ"
    drawn = by_class(posts, "spark")
    assert drawn.get("aria-hidden") == "true"
    assert len(drawn.find("polyline").get("points").split()) == WEEKS
    assert "12 weeks: lowest 63, highest 123, last 123." in text_of(posts), "the line leaves the newcomer out"
    way = urlsplit(posts.find(".//a").get("href"))
    assert way.path == "/trends"
    asked = {name: values[0] for name, values in parse_qs(way.query).items()}
    assert asked == {
        "metric": "volume", "since": "2026-08-24", "until": "2026-11-16", "panel": "fixed",
    }  # fmt: skip
    answer = (await pages.get(f"/api/v1/trends?{way.query}")).json()
    assert answer["series"][0]["points"][-1]["value"] == 123


async def test_what_did_not_clearly_change_is_called_so(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages)
    mood = change_in(figures_in(page)["Mean sentiment"])
    assert "no clear change" in mood
    assert "(95 % interval 0.00 to +0.01; 6 sources seen in both)" in mood, "0 as printed is 0"


async def test_what_was_not_there_before_is_new_and_never_infinite(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages)
    rows = {text_of(row.find("th")): text_of(row) for row in page.get_element_by_id("by-content-type").iter("tr")}
    assert "new (was 0)" in rows["Video"]
    assert "inf" not in text_of(page)
    assert "nan" not in text_of(page).lower().split()


async def test_a_newcomer_is_told_before_any_number_and_is_no_growth(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages)
    notice = by_class(page, "notice")
    said = text_of(notice)
    assert "1 source joined: " in said
    assert "not observed in 2 to 8 November 2026. Totals of the two periods are not comparable" in said
    order = list(page.iter("*"))
    assert order.index(notice) < order.index(page.get_element_by_id("headlines"))
    assert text_of(by_class(page, "health")).startswith("7 of 8 sources were observed in that week; 1 broken, 1 new.")


@pytest.mark.parametrize(
    ("path", "ranges"),
    [
        ("/", "9 to 15 November 2026, compared with 2 to 8 November 2026 (the week before)."),
        ("/?period=4", "19 October to 15 November 2026, compared with 21 September to 18 October 2026 (the 4 weeks before)."),
        ("/?period=12&compare=none", "24 August to 15 November 2026, compared with nothing."),
        ("/?compare=year", "9 to 15 November 2026, compared with 10 to 16 November 2025 (the same week last year)."),
        ("/?since=2026-10-07&until=2026-10-20", "5 to 25 October 2026, compared with 14 September to 4 October 2026 (the 3 weeks before)."),
        ("/?since=2026-11-03", "2 to 15 November 2026, compared with 19 October to 1 November 2026 (the 2 weeks before)."),
    ],
)  # fmt: skip
async def test_periods_are_whole_weeks_and_both_are_named(pages: httpx.AsyncClient, path: str, ranges: str) -> None:
    page = await page_of(pages, path)
    assert text_of(page.get_element_by_id("ranges")).startswith(ranges)
    check_structure(page)
    check_policy(page)


async def test_without_a_comparison_nothing_is_said_to_have_changed(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/?compare=none")
    assert not page.find_class("change")
    assert not page.find_class("notice")
    heads = [text_of(one) for one in page.get_element_by_id("by-audience").iter("th")]
    assert "Change, points" not in heads


async def test_where_too_little_can_be_compared_it_says_how_much(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/?compare=year")
    assert (
        "No change can be told: none of 8 sources was observed throughout both periods, and 5 are needed."
        in text_of(by_class(page, "notice"))
    )
    assert change_in(figures_in(page)["Posts"]) == "Cannot be compared."


async def test_a_period_that_nobody_observed_has_no_numbers_and_leads_to_one_that_has(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/?since=2026-05-04&until=2026-06-01")
    said = text_of(page)
    assert "Nothing was observed in this period, so there is no number to show; it is not 0." in said
    assert not page.find_class("figures")
    near = next(a for a in page.iter("a") if text_of(a) == "9 to 15 November 2026")
    assert text_of(figures_in(await page_of(pages, near.get("href")))["Posts"].find("p")) == "124"
    check_structure(page)


async def test_the_address_keeps_only_what_is_asked_for(pages: httpx.AsyncClient) -> None:
    for sent, kept in (
        ("/?period=1&compare=previous&since=&until=", "/"),
        ("/?period=4&compare=previous&since=&until=", "/?period=4"),
        ("/?period=4&compare=year&since=2026-10-05&until=", "/?since=2026-10-05&compare=year"),
    ):
        answer = await pages.get(sent, headers=BROWSER)
        assert (answer.status_code, answer.headers["location"]) == (303, kept)
    page = await page_of(pages, "/?period=4&compare=year")
    links = {text_of(a): (a.get("href"), a.get("aria-current")) for a in page.get_element_by_id("period").iter("a")}
    assert links["Last complete week"] == ("/?compare=year", None)
    assert links["4 weeks"] == ("/?period=4&compare=year", "true")


async def test_addresses_of_the_page_that_was_lead_to_the_chart(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/?since=2026-09-21&until=2026-11-16&interval=week", headers=BROWSER)
    assert answer.status_code == 303
    way = urlsplit(answer.headers["location"])
    assert way.path == "/trends"
    assert parse_qs(way.query)["since"] == ["2026-09-21"]


@pytest.mark.parametrize(
    ("path", "field", "part"),
    [
        ("/?since=soon", "since", "'soon' is not a date"),
        ("/?since=9999-12-31", "since", "Dates are from"),
        ("/?until=2026-11-02", "since", "need a first day"),
        ("/?since=2026-11-02&until=2026-11-02", "until", "comes after the first day"),
        ("/?since=2026-11-17&until=2026-12-24", "since", "is over yet"),
        ("/?since=2024-01-01", "since", "at most 52 weeks"),
        ("/?compare=always", "compare", "There is no comparison 'always'"),
        ("/?period=3", "period", "There is no period '3'"),
    ],
)
async def test_what_cannot_be_asked_is_explained_and_kept(
    pages: httpx.AsyncClient, path: str, field: str, part: str
) -> None:
    answer = await pages.get(path, headers=BROWSER)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    assert page.findtext(".//title", "").startswith("Error: ")
    problem = by_class(page, "problem")
    assert problem.find(f'.//a[@href="#{field}"]') is not None
    assert part in text_of(problem)
    assert part in text_of(page.get_element_by_id(f"{field}-error")), "also beside the field"
    check_structure(page)
    for name, values in parse_qs(urlsplit(path).query).items():
        if name in ("since", "until"):
            assert page.get_element_by_id(name).get("value") == values[0]


async def test_an_unknown_setting_is_refused(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/?colour=red", headers=BROWSER)
    assert answer.status_code == 422
    assert "colour" in answer.text
    assert (await pages.get("/?period=4&period=12", headers=BROWSER)).status_code == 422


async def test_names_of_sources_cannot_break_out_of_the_page(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/", headers=BROWSER)
    assert "<script>alert" not in answer.text
    assert "<b>gone" not in answer.text
    page = html.document_fromstring(answer.text)
    check_policy(page)
    assert "<b>gone</b>" in text_of(page.get_element_by_id("attention"))


async def test_the_page_is_small_and_changes_with_the_data(config_dir: Path, tmp_path: Path) -> None:
    services = make_services(tmp_path, config_dir)
    fill_weeks(services)
    async with client_of(services) as client:
        answer = await client.get("/", headers=BROWSER)
        assert len(answer.content) < 100_000
        services.store.set_paused("sick", True, NOW)
        again = await page_of(client)
        assert text_of(by_class(again, "health")).startswith("7 of 7 sources were observed")
    services.close()


async def test_sources_without_posts_tell_what_is_collected_and_when_to_look(config_dir: Path, tmp_path: Path) -> None:
    services = make_services(tmp_path, config_dir)
    services.store.add_source(
        Source("fresh", "feed", "youtube", "https://fresh.example/f", "Fresh", "news"), NOW - timedelta(hours=2)
    )
    async with client_of(services) as client:
        page = await page_of(client)
        assert text_of(page.find(".//h1")) == "1 source, no posts yet."
        said = text_of(page)
        assert "The first chart can be expected on Monday 30 November 2026" in said
        assert "1 of 1 source has not been checked yet." in said
        rows = [text_of(row) for row in page.get_element_by_id("collecting").iter("tr")][1:]
        assert rows == ["YouTube10"]
        check_structure(page)
        check_policy(page)
    services.close()


def test_lines_break_where_nothing_was_observed_and_ring_what_was_partly() -> None:
    points = [
        {"value": value, "status": status}
        for value, status in ((1, "ok"), (2, "ok"), (None, "not_observed"), (3, "ok"), (None, "not_observed"), (2, "partial"))
    ]  # fmt: skip
    drawn = overview_views.spark_of(points)
    assert [len(line.split()) for line in drawn["lines"]] == [2]
    assert (len(drawn["dots"]), len(drawn["rings"])) == (1, 1)
    assert overview_views.spark_of([{"value": None, "status": "not_observed"}]) is None
    assert overview_views.trend_of(points, "volume") == (
        "6 weeks: lowest 1, highest 3, last 2; 2 of 6 not observed; 1 partly observed."
    )


def test_a_number_that_rounds_to_nothing_has_no_sign() -> None:
    assert overview_views.amount(-0.001, 2, signed=True) == {"value": 0.0, "decimals": 2, "unit": "", "sign": ""}
    assert str(overview_views.amount(-0.001, 2)["value"]) == "0.0"


def test_the_first_sentence_fits_its_numbers() -> None:
    period = overview_words.Period(MONDAY.date() - timedelta(days=7), MONDAY.date())
    fares = dict.fromkeys(overview_words.STRIP, 0)
    told = overview_words.lead(period, 3, 35, 1, 2, 14, fares | {"on_time": 12, "failing": 2})
    assert told == "Week of 9 November: 3 open signals, 1 claim changed verdict, 2 of 14 sources behind."
    told = overview_words.lead(period, 1, 0, None, 0, 14, fares | {"on_time": 14})
    assert told == "Week of 9 November: 1 open signal, all 14 sources on time."
    told = overview_words.lead(period, 0, 35, 0, 0, 0, fares | {"paused": 2})
    assert told == "Week of 9 November: no open signal, no claim changed verdict, every source paused."


def test_a_user_looks_at_four_weeks_and_own_dates_also_on_a_phone(weeks: Services, tmp_path: Path) -> None:
    with serving(weeks) as address, driving(tmp_path) as tab:
        httpx.get(address + BUNDLE_PATH, timeout=60)
        tab.open(f"{address}/", scripts=False)
        tab.write("#since", "2026-10-07")
        tab.press("form.controls button")
        assert tab.path == "/"
        assert "5 October to 15 November 2026" in tab.text
        tab.resize(390)
        for path in ("/", "/?period=4&compare=year", "/?since=2026-05-04&until=2026-06-01", "/?since=x"):
            tab.open(f"{address}{path}", scripts=path == "/")
            assert tab.overflow == 0, path
        assert [one for one in tab.console if "422" not in one] == []
