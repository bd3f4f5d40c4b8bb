"""The pages of the access register: what they say of every platform, what is used of quotas, and what never shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from lxml import html
from pydantic import SecretStr

from api.dashboard.platforms import views as platform_views
from api.dashboard.platforms import words as platform_words
from collectors import registry
from collectors.base import Duties, Source
from collectors.options import Option
from monitor.bootstrap import Services
from monitor.config_platform import ACCESS, EVIDENCE, KINDS, PlatformInfo
from monitor.core.model import Visit
from monitor.register import STATES
from monitor.settings import Settings
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.pages import BROWSER, check_policy, check_structure, page_of, text_of
from tests.api.support import NOW, client_of

ROOT = Path(__file__).parents[2]
SECRET = "hunter2-and-more"
HOSTILE = """
platforms:
  - {id: bad, name: "</title><script>alert(1)</script>", kind: open_network, access: open, reviewed: 2026-11-22,
     not_measurable: "<img src=x onerror=alert(2)>", routes: [{collector: feed, observes: "<b>all</b>", evidence: hint}]}
"""


@pytest.fixture
def known(services: Services) -> Iterator[Services]:
    """The filled service with the register, the claims and the topics that are shipped, and a key for X."""
    settings = Settings(home=services.settings.home, config=ROOT / "config", key={"x": SecretStr(SECRET)})
    made = Services(settings, clock=lambda: NOW)
    yield made
    made.close()


@pytest.fixture
async def pages(known: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(known) as client:
        yield client


def cards_of(page: html.HtmlElement) -> dict[str, html.HtmlElement]:
    return {text_of(card.find("h3/a")): card for card in page.iter("article")}


def words_of(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


def route_of(page: html.HtmlElement, collector: str) -> str:
    """The heading of a route and all that follows up to the next."""
    found: list[str] = []
    for element in page.iterfind(".//main/section/*"):
        if element.tag == "h3":
            if found:
                break
            if text_of(element).startswith(f"By {collector} "):
                found.append(words_of(element))
        elif found:
            found.append(words_of(element))
    return " ".join(found)


async def test_every_platform_is_shown_the_players_first_and_none_for_being_closed(
    known: Services, pages: httpx.AsyncClient
) -> None:
    page = await page_of(pages, "/platforms")
    register = known.config.platforms
    in_order = [one.name for one in register.values() if one.player]
    in_order += [one.name for one in register.values() if not one.player]
    cards = cards_of(page)
    assert list(cards) == in_order
    assert "The market report's eleven players, on 13 platforms" in words_of(page)
    for info in register.values():
        said = words_of(cards[info.name])
        assert platform_words.ACCESS[info.access].tag.name in said
        assert " ".join(info.not_measurable.replace("`", "").split()) in text_of(cards[info.name])
        assert f"Last reviewed {info.reviewed.day} {info.reviewed:%B %Y}" in said
    assert "No route Nothing can be observed yet." in words_of(cards["G2S Technology"])


async def test_a_route_says_how_it_stands_and_why(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/platforms")
    assert text_of(page.find(".//h1")) == "2 of 24 platforms have a source that works."
    cards = cards_of(page)
    youtube = words_of(cards["YouTube"])
    assert "By feed ✓ Works" in youtube
    assert "1 of 1 sources answered at their last visit." in youtube
    assert "By youtube ~ Key not set" in youtube
    assert "Set TRENDMONITOR_KEY__YOUTUBE ." in youtube
    web = words_of(cards["Open web"])
    assert "3 sources: 1 answered at the last visit, 1 failing and 1 not checked yet" in web
    assert "Evidence: verified in an official source." in web
    assert "By x – Nothing tracked" in words_of(cards["X (Twitter)"])
    assert "By twitch – Not in this installation" in words_of(cards["Twitch"])


async def test_filters_are_links_and_the_address_holds_them(known: Services, pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/platforms?access=closed")
    assert list(cards_of(page)) == [one.name for one in known.config.platforms.values() if one.access == "closed"]
    chosen = [text_of(link) for link in page.iterfind(".//nav/a[@aria-current='true']")]
    assert chosen == ["Closed 2"]
    both = await page_of(pages, "/platforms?access=closed&state=works")
    assert not cards_of(both)
    assert "No platform of the register fits both." in words_of(both)
    for link in page.iterfind(".//nav[@class='chips']/a"):
        assert (await pages.get(link.get("href"), headers=BROWSER)).status_code == 200


@pytest.mark.parametrize(
    "asked",
    ["/platforms?acces=open", "/platforms?access=secret", "/platforms?state=fine", "/platforms/x?page=2",
     "/platforms/x?from=0", "/platforms/x?from=many", "/platforms?access=open&access=key"],
)  # fmt: skip
async def test_what_is_not_a_filter_is_refused(pages: httpx.AsyncClient, asked: str) -> None:
    answer = await pages.get(asked, headers=BROWSER)
    assert answer.status_code == 422
    assert "text/html" in answer.headers["content-type"]


async def test_the_effect_on_claims_is_told_by_its_kind(pages: httpx.AsyncClient) -> None:
    pinterest = words_of(await page_of(pages, "/platforms/pinterest"))
    assert "Not measurable without its posts:" in pinterest
    doximity = words_of(await page_of(pages, "/platforms/doximity"))
    assert "Shows its posts beside it, without deciding by them:" in doximity
    assert "Speaks of it:" in doximity
    assert "not judged yet" in doximity
    await pages.get("/claims")
    assert "not judged yet" not in words_of(await page_of(pages, "/platforms/doximity"))
    podcasts = words_of(await page_of(pages, "/platforms/podcast"))
    assert "No claim speaks of it alone." in podcasts, "podcasts are also a kind of content, which is no platform"


async def test_a_platform_tells_keys_limits_duties_options_and_addresses(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/platforms/youtube")
    api = route_of(page, "youtube")
    assert "TRENDMONITOR_KEY__YOUTUBE is not set. Written as KEY ." in api
    assert (
        "0 of 100 searches a day, since 18 November 2026, 08:00 UTC; begins anew 19 November 2026, 08:00 UTC"
        in text_of(page)
    )
    assert "are let go 30 days after the platform last confirmed them" in api
    assert "looked up again every 20 days, so that" in api
    assert "docs/platforms/youtube.md" in api
    assert "searches_a_day" in api
    adds = [link.get("href") for link in page.iter("a") if "/sources/add?" in link.get("href")]
    assert "/sources/add?url=https%3A%2F%2Fwww.youtube.com%2F%40who" in adds
    assert all("youtube" in one for one in adds), "an example of the feeds' collector leads elsewhere"
    x = route_of(await page_of(pages, "/platforms/x"), "x")
    assert "TRENDMONITOR_KEY__X is set" in x


async def test_what_is_used_of_a_quota_is_a_meter_and_words(known: Services, pages: httpx.AsyncClient) -> None:
    hashtags = registry.get("meta").quotas[0]
    for tag in ("flu", "flu", "measles"):
        known.store.spending.book("meta", hashtags, 1, since=NOW - timedelta(days=7), at=NOW, what=tag)
    page = await page_of(pages, "/platforms/instagram")
    assert "2 of 30 different hashtags, in the last 7 days" in words_of(page)
    meter = next(page.iter("meter"))
    assert (meter.get("value"), meter.get("max")) == ("2.0", "30")
    assert meter.get("aria-label") == "2 of 30 different hashtags"
    assert "for all platforms that meta serves" in words_of(page)
    search = next(one for one in registry.get("youtube").quotas if one.bucket == "search")
    known.store.spending.book("youtube", search, 100, since=search.window(NOW)[0], at=NOW)
    assert "100 of 100 searches a day" in words_of(await page_of(pages, "/platforms/youtube"))
    assert "Used up" in words_of(await page_of(pages, "/platforms/youtube"))


async def test_a_limit_of_each_server_is_told_for_each_server(known: Services, pages: httpx.AsyncClient) -> None:
    quota = registry.get("mastodon").quotas[0]
    for host, times in (("one.example", 3), ("two.example", 4)):
        own = replace(quota, bucket=f"{quota.bucket}:{host}")
        known.store.spending.book("mastodon", own, times, since=NOW - timedelta(minutes=5), at=NOW)
    said = words_of(await page_of(pages, "/platforms/mastodon"))
    assert "3 of 300 requests in 5 minutes to one server (one.example), in the last 5 minutes" in said
    assert "4 of 300 requests in 5 minutes to one server (two.example)" in said


async def test_sources_come_problems_first_and_in_pages(known: Services, pages: httpx.AsyncClient) -> None:
    for number in range(60):
        known.store.add_source(Source(f"n{number:02}", "feed", "web", f"https://n{number}.example/f"), NOW)
    first = await page_of(pages, "/platforms/web")
    rows = first.get_element_by_id("sources").findall(".//tbody/tr")
    assert len(rows) == 50
    assert words_of(rows[0]).startswith("Sick feed sick: nothing is at this address")
    assert "1 to 50 of 63 sources, problems first" in words_of(first)
    after = first.find(".//a[@rel='next']").get("href")
    second = await page_of(pages, after)
    assert len(second.get_element_by_id("sources").findall(".//tbody/tr")) == 13
    assert second.find(".//a[@rel='prev']").get("href") == "/platforms/web#sources"
    assert second.find(".//a[@rel='next']") is None
    assert "this page begins after the last" in words_of(await page_of(pages, "/platforms/web?from=999"))


async def test_what_is_not_collected_is_said_to_be_missing_and_not_zero(pages: httpx.AsyncClient) -> None:
    said = words_of(await page_of(pages, "/platforms/sermo"))
    assert "Nothing of this platform is tracked" in said
    assert "missing, not zero" in said


async def test_a_platform_that_is_not_there_leads_to_the_nearest(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/platforms/YouTub", headers=BROWSER)
    assert answer.status_code == 404
    page = html.document_fromstring(answer.text)
    assert "/platforms/youtube" in [link.get("href") for link in page.iterfind(".//main//a")]
    program = await pages.get("/platforms/nowhere")
    assert program.status_code == 404
    assert program.json()["type"] == "/problems/not-found"


async def test_all_pages_keep_the_policy_are_small_and_show_no_secret(
    known: Services, pages: httpx.AsyncClient
) -> None:
    for path in ("/platforms", *(f"/platforms/{name}" for name in known.config.platforms)):
        answer = await pages.get(path, headers=BROWSER)
        assert answer.status_code == 200, path
        page = html.document_fromstring(answer.text)
        check_policy(page)
        check_structure(page)
        assert len(answer.content) < 100_000, path
        assert SECRET not in answer.text


async def test_hostile_text_stays_text_and_addresses_are_masked(services: Services, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "sources.yaml").write_text("sources: []")
    (config / "platforms.yaml").write_text(HOSTILE)
    made = Services(Settings(home=services.settings.home, config=config), clock=lambda: NOW)
    made.store.add_source(Source("evil", "feed", "bad", "https://evil.example/f", "<script>alert(3)</script>"), NOW)
    made.store.record_visit(
        Visit("evil", NOW, NOW, "http_500", ok=False, failures=1.0, message="<i>write to jane@ward.example</i>")
    )
    async with client_of(made) as client:
        for path in ("/platforms", "/platforms/bad", "/platforms/%3Cscript%3E"):
            answer = await client.get(path, headers=BROWSER)
            assert not [one for one in ("<script>alert", "<img src=x", "<b>all", "<i>write") if one in answer.text]
            assert "jane@ward.example" not in answer.text
        assert "no platform “&lt;script&gt;”" in answer.text
        assert "&lt;script&gt;alert(3)" in (await client.get("/platforms/bad", headers=BROWSER)).text
    made.close()


async def test_an_empty_register_says_so(services: Services, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "sources.yaml").write_text("sources: []")
    (config / "platforms.yaml").write_text("platforms: []")
    made = Services(Settings(home=services.settings.home, config=config), clock=lambda: NOW)
    async with client_of(made) as client:
        page = await page_of(client, "/platforms")
    assert text_of(page.find(".//h1")) == "The register is empty."
    assert "Sources also name web, youtube" in text_of(page)
    made.close()


def test_on_a_phone_no_page_of_the_register_scrolls_sideways(known: Services, tmp_path: Path) -> None:
    with serving(known) as address, driving(tmp_path / "profile") as tab:
        tab.resize(390)
        for path in ("", "/youtube", "/web"):
            tab.open(f"{address}/platforms{path}")
            tab.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            assert tab.overflow <= 0, path
        assert tab.console == []


def test_every_word_of_the_register_has_words_for_people_and_every_guide_exists() -> None:
    assert set(platform_words.ACCESS) == set(ACCESS)
    assert set(platform_words.STATES) == set(STATES)
    assert set(platform_words.KINDS) == set(KINDS)
    assert set(platform_words.EVIDENCE) == set(EVIDENCE)
    for collector, name in platform_words.DOCS.items():
        assert collector in registry.names()
        assert (ROOT / "docs" / "platforms" / name).is_file(), name


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(days=30), "30 days"), (timedelta(days=1), "24 hours"), (timedelta(days=2), "2 days"),
        (timedelta(hours=36), "36 hours"), (timedelta(minutes=5), "5 minutes"), (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=90), "90 seconds"), (timedelta(hours=1), "1 hour"),
    ],
)  # fmt: skip
def test_spans_are_told_in_the_largest_unit_that_fits(length: timedelta, said: str) -> None:
    assert platform_words.span(length) == said


@pytest.mark.parametrize(
    ("option", "values", "default"),
    [
        (Option("whole", "", 5, low=1, high=3000), "whole number from 1 to 3,000", "5"),
        (Option("number", "", 0.5), "number from 0 up", "0.50"),
        (Option("flag", "", False), "true or false", "false"),
        (Option("choice", "", "web", choices=("web", "bot")), "one of web, bot", "web"),
        (Option("texts", "", ()), "a list of texts", "not set"),
        (Option("text", ""), "text", "not set"),
    ],
)
def test_options_say_what_may_be_written(option: Option, values: str, default: str) -> None:
    assert (platform_words.option_values(option), platform_words.option_default(option)) == (values, default)


def test_duties_are_told_as_what_is_done() -> None:
    assert platform_words.duties_words(Duties()) == []
    told = platform_words.duties_words(Duties(review=timedelta(days=1), review_for=timedelta(days=7), asks="Because."))
    assert told == [
        "Stored posts are looked up again every 24 hours, while they are younger than 7 days, "
        "so that edits and deletions arrive.",
        "Because.",
    ]


def test_an_address_with_a_gap_to_fill_in_is_no_link() -> None:
    assert platform_views.link_of("https://SERVER/settings")["href"] is None
    assert platform_views.link_of("https://console.x.com")["href"] == "https://console.x.com"
    assert platform_views.link_of("javascript:alert(1)")["href"] is None


def test_a_name_that_is_an_everyday_word_is_not_looked_for_in_claims() -> None:
    info = PlatformInfo("web", "Open web", "open_web", "open", "", NOW.date())
    assert platform_views.effects_of(info, (), {}) == []
    assert platform_views.about_of(replace(info, company="Web Inc.")) == "Web Inc., a part of the open web"
