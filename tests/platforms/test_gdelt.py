"""GDELT: windows that halve, an overlap, refusals in words with status 200, and JSON that is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from collectors.access import Access
from collectors.base import NOTHING_PROVED, Drifted, Item, Page, Refused, Source, Stretch, Throttled
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.gdelt import COLLECTOR, SPACING, build_query, canonical_id, wait_for_turn
from collectors.gdelt_names.countries import country_code, country_name
from collectors.gdelt_names.languages import language_code, language_name
from collectors.options import read_options
from tests.platforms.gdelt_platform import SOURCE, Gdelt
from tests.platforms.serving import START


async def visit(
    platform: Gdelt, cursor: Mapping[str, Any] | None = None, *, source: Source = SOURCE, now: datetime = START
) -> list[Page]:
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=lambda: now) as http:
        access = Access("gdelt", http, base=platform.base)
        return [page async for page in COLLECTOR.retrieve(source, cursor or {}, access, now)]


def items(pages: list[Page]) -> dict[str, Item]:
    return {item.id: item for page in pages for item in COLLECTOR.parse(SOURCE, page).items}


def stretches(pages: list[Page]) -> list[Stretch]:
    return [page.observed for page in pages if isinstance(page.observed, Stretch)]


async def test_a_full_window_is_halved_until_everything_is_there() -> None:
    with Gdelt() as platform:
        pages = await visit(platform)
        assert set(items(pages)) == platform.ids()
        assert pages[0].observed == NOTHING_PROVED  # 250 of 620: what is missing is not known yet
        shown = stretches(pages)
        assert all(one.since == START - timedelta(days=7) for one in shown)
        assert shown[-1].until == START - timedelta(minutes=15)
        assert all(one.gap is None for one in shown)


async def test_an_article_as_it_is_told() -> None:
    with Gdelt(articles=1) as platform:
        (item,) = items(await visit(platform)).values()
    assert (item.title, item.text) == ("Invented headline number 0 , on health", "")
    assert (item.id, item.url) == ("https://news0.example/health/0", "https://news0.example/health/0")
    assert (item.language, item.country, item.content_type) == ("en", "US", "news")
    assert item.published_at == START - timedelta(minutes=15)
    assert item.engagement.likes is None


async def test_the_next_visit_asks_again_for_twice_the_time_that_passed() -> None:
    with Gdelt(articles=30) as platform:
        first = await visit(platform)
        later = START + timedelta(hours=1)
        platform.clock = lambda: later
        late = platform.add(START - timedelta(minutes=40))  # listed after the first visit, dated before its end
        platform.publish(3)
        platform.requests.clear()
        pages = await visit(platform, first[-1].resume, now=later)
        assert len(platform.requests) == 1
        # from 11:45, which the first visit vouched for, and as long again before that, less the second at the border
        assert platform.requests[0].one("startdatetime") == "20260706102959"
        assert late["url"] in items(pages)
        assert stretches(pages)[-1].until == later - timedelta(minutes=15)
        assert stretches(pages)[-1].since <= stretches(first)[-1].until


async def test_more_in_a_quarter_of_an_hour_than_it_shows_is_a_gap() -> None:
    with Gdelt(articles=0) as platform:
        for number in range(300):
            platform.add(START - timedelta(hours=3) + timedelta(seconds=number))
        pages = await visit(platform, source=replace(SOURCE, options={"days": 1}))
        assert len(items(pages)) == 250
        last = stretches(pages)[-1]
        assert last.gap == "overflow"
        assert last.since == START - timedelta(hours=3) + timedelta(seconds=50)


async def test_a_visit_that_runs_out_of_pages_goes_on_where_it_stopped() -> None:
    source = replace(SOURCE, options={"pages": 4})
    with Gdelt(articles=900) as platform:
        found: dict[str, Item] = {}
        cursor: Mapping[str, Any] = {}
        for _ in range(12):
            pages = await visit(platform, cursor, source=source)
            assert len(pages) <= 4
            found |= items(pages)
            cursor = pages[-1].resume or cursor
            if stretches(pages) and stretches(pages)[-1].until == START - timedelta(minutes=15):
                break
        assert set(found) == platform.ids()


async def test_after_more_than_three_months_the_time_before_is_lost() -> None:
    with Gdelt(articles=5) as platform:
        pages = await visit(platform, {"until": (START - timedelta(days=200)).isoformat()})
        first = stretches(pages)[0]
        assert first.gap == "overflow"
        assert first.since == START - timedelta(days=90)


async def test_no_articles_is_an_observation() -> None:
    with Gdelt(articles=0) as platform:
        pages = await visit(platform)
        assert items(pages) == {}
        assert stretches(pages) == [Stretch(START - timedelta(days=7), START - timedelta(minutes=15))]


async def test_json_with_forbidden_characters_is_mended_and_said_so() -> None:
    with Gdelt(articles=3) as platform:
        platform.dirty = True
        (page,) = await visit(platform)
        parsed = COLLECTOR.parse(SOURCE, page)
        assert len(parsed.items) == 3
        assert parsed.items[0].title.startswith("In vented \\ headline")
        assert parsed.facts.repairs == ("characters that JSON forbids: removed",)


async def test_a_query_that_gdelt_refuses_is_named() -> None:
    with Gdelt() as platform:
        with pytest.raises(Refused, match=r"'\"flu\"'.*phrase is too short") as caught:
            await visit(platform, source=replace(SOURCE, url="https://gdeltproject.org/?query=%22flu%22"))
        assert caught.value.code == "bad_query"
        assert len(platform.requests) == 1


@pytest.mark.parametrize("status", [200, 429])
async def test_too_often_is_understood_with_either_status(status: int) -> None:
    with Gdelt() as platform:
        platform.throttled, platform.throttled_as = True, status
        with pytest.raises(Throttled) as caught:
            await visit(platform)
        assert caught.value.code == "http_429"
        assert caught.value.until == START + timedelta(minutes=15)
        assert len(platform.requests) == 1


def test_a_web_page_instead_of_json_is_drift() -> None:
    page = Page(body=b"<html><body>Service unavailable</body></html>", url="", fetched_at=START)
    with pytest.raises(Drifted) as caught:
        COLLECTOR.parse(SOURCE, page)
    assert caught.value.code == "not_json"


def test_another_shape_is_drift() -> None:
    for body in (b"[]", b'{"articles": {}}'):
        with pytest.raises(Drifted) as caught:
            COLLECTOR.parse(SOURCE, Page(body=body, url="", fetched_at=START))
        assert caught.value.code == "unknown_shape"


def test_options_become_operators() -> None:
    source = replace(SOURCE, options={"language": "de", "country": "GB", "theme": "GENERAL_HEALTH"})
    option = read_options(source, COLLECTOR.options)
    assert build_query(source, option) == "health theme:GENERAL_HEALTH sourcelang:german sourcecountry:unitedkingdom"


async def test_a_language_and_a_country_narrow_the_search() -> None:
    with Gdelt(articles=8) as platform:
        pages = await visit(platform, source=replace(SOURCE, options={"language": "el", "country": "GR"}))
        assert {(item.language, item.country) for item in items(pages).values()} == {("el", "GR")}


@pytest.mark.parametrize(
    ("url", "options", "path"),
    [
        ("https://example.org/?query=flu", {}, ("url",)),
        ("https://www.gdeltproject.org/", {}, ("url",)),
        ("https://www.gdeltproject.org/?query=flu%20OR%20measles", {}, ("url",)),
        ("https://api.gdeltproject.org/api/v2/doc/doc?query=flu&mode=timelinevol", {}, ("url",)),
        ("https://www.gdeltproject.org/", {"query": "a OR b"}, ("options", "query")),
        ("https://www.gdeltproject.org/?query=flu", {"language": "english"}, ("options", "language")),
        ("https://www.gdeltproject.org/?query=flu", {"country": "UK"}, ("options", "country")),
        ("https://www.gdeltproject.org/?query=flu", {"theme": "health care"}, ("options", "theme")),
        ("https://www.gdeltproject.org/?query=flu", {"days": 120}, ("options", "days")),
        ("https://www.gdeltproject.org/?query=flu", {"lang": "en"}, ("options", "lang")),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_fetched(
    url: str, options: dict[str, Any], path: tuple[str, ...]
) -> None:
    problems = COLLECTOR.check(replace(SOURCE, url=url, options=options))
    assert [problem.path for problem in problems] == [path]


@pytest.mark.parametrize(
    ("url", "options"),
    [
        *((example, {}) for example in COLLECTOR.examples),
        ("https://gdeltproject.org/?query=(flu%20OR%20measles)", {"language": "zh", "country": "TW"}),
        ("https://gdeltproject.org/?query=%22nurse%20OR%20doctor%22", {}),
        ("https://gdeltproject.org/", {"query": "nurse strike"}),
        ("https://gdeltproject.org/", {"theme": "GENERAL_HEALTH"}),
    ],
)
def test_right_addresses_have_no_problem(url: str, options: dict[str, Any]) -> None:
    assert COLLECTOR.check(replace(SOURCE, url=url, options=options)) == []


def test_two_requests_start_five_seconds_apart() -> None:
    memory: dict[str, Any] = {}
    assert wait_for_turn(memory, 100.0) == 0
    assert wait_for_turn(memory, 101.0) == SPACING - 1
    assert wait_for_turn(memory, 101.0) == 2 * SPACING - 1
    assert wait_for_turn(memory, 200.0) == 0


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Russia", "RU"),
        ("United States", "US"),
        ("South Korea", "KR"),
        ("Czech Republic", "CZ"),
        ("Turkey", "TR"),
        ("Cote d'Ivoire", "CI"),
        ("Taiwan", "TW"),
        ("Vietnam", "VN"),
        ("Kosovo", None),
        ("", None),
    ],
)
def test_countries_by_their_usual_names(name: str, code: str | None) -> None:
    assert country_code(name) == code


def test_names_survive_the_way_there_and_back() -> None:
    assert [country_name(code) for code in ("RU", "KR", "GB", "BO", "CI")] == [
        "russia", "southkorea", "unitedkingdom", "bolivia", "ivorycoast",
    ]  # fmt: skip
    assert (country_name("UK"), country_name("us")) == (None, None)
    assert [language_name(code) for code in ("en", "el", "zh", "fa")] == ["english", "greek", "chinese", "persian"]
    assert (language_name("xx"), language_name("EN")) == (None, None)
    assert [language_code(name) for name in ("English", "Greek", "ChineseT", "Norwegian", "Klingonese", "")] == [
        "en", "el", "zh", "no", None, None,
    ]  # fmt: skip


def test_the_same_article_has_one_id() -> None:
    assert canonical_id("HTTPS://News.Example/A?utm_source=x&id=1#top") == "https://news.example/A?id=1"
    assert len(canonical_id("https://news.example/" + "a" * 600)) == 32
