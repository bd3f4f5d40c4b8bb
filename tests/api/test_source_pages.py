"""The pages of sources: what they say of every state, what can be done there, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from lxml import html

from api.dashboard.sources import figures as source_figures
from api.dashboard.sources import views as source_views
from api.dashboard.sources.figures import Figures, bar_of, week_of
from collectors.base import Source
from monitor.bootstrap import Services
from monitor.core.model import Observed, Visit, Write
from monitor.store import keys as store_keys
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of
from tests.api.support import NOW, client_of, make_post

FORM = {"Content-Type": "application/x-www-form-urlencoded", **BROWSER}
HOSTILE = '<script>alert("x")</script><b>'


def words_of(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split()).replace("\u00a0", " ")


def rows_of(page: html.HtmlElement) -> dict[str, str]:
    """Rows of the list by the name of their source, in their order."""
    return {text_of(row.find("./th/a")): words_of(row) for row in by_class(page, "tracked").iterfind(".//tbody/tr")}


def facts_of(page: html.HtmlElement) -> dict[str, str]:
    return {text_of(one.find("dt")): text_of(one.find("dd")) for one in by_class(page, "terms").findall("div")}


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await client.post(path, content=urlencode(fields), headers=FORM)


@pytest.fixture
async def many(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Sixty sources more than the filled service has."""
    for number in range(60):
        services.store.add_source(
            Source(f"more-{number:02}", "feed", "web", f"https://more.example/{number}", f"More {number:02}"), NOW
        )
    async with client_of(services) as client:
        yield client


# --- the list --------------------------------------------------------------------------------------------------------


async def test_the_list_puts_problems_first_and_says_what_to_do(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/sources")
    assert text_of(page.find(".//h1")) == "1 of 4 sources needs attention and 1 has not been checked yet."
    rows = rows_of(page)
    assert list(rows) == ["Sick feed", "Clips", "Declared source", "Wire"]
    sick = rows["Sick feed"]
    for part in ("✕ Failing", "sick: nothing is at this address (404). <Check> it.", "since 18 November 2026, 09:00 UTC",
                 "The address may have changed", "never", "in 5 hours", "nothing observed yet"):  # fmt: skip
        assert part in sick, part
    assert "✓ On time" in rows["Wire"]
    assert "9 min ago" in rows["Wire"]
    assert "in 1 hour" in rows["Wire"]
    assert "24 too few weeks to compare" in rows["Wire"]
    assert "14 of 14 days collected since 4 November" in rows["Wire"]
    assert "Not checked yet" in rows["Declared source"]
    assert "not observed" in rows["Declared source"]


@pytest.mark.parametrize(
    "path",
    ["/sources", "/sources?status=failing", "/sources?q=zzz", "/sources/wire", "/sources/sick", "/sources/declared",
     "/sources/wire/edit", "/sources/declared/edit", "/sources/wire/remove", "/sources/add", "/sources/opml", "/sources/wyre"],
)  # fmt: skip
async def test_every_page_keeps_its_structure_and_the_policy(reader: httpx.AsyncClient, path: str) -> None:
    answer = await reader.get(path, headers=BROWSER)
    assert answer.status_code == (404 if path.endswith("wyre") else 200), answer.text
    page = html.document_fromstring(answer.text)
    check_structure(page)
    check_policy(page)
    assert len(answer.content) < 100_000


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=failing", ["Sick feed"]),
        ("platform=youtube", ["Clips"]),
        ("type=news", ["Declared source", "Wire"]),
        ("collector=feed&type=podcast", ["Sick feed"]),
        ("q=wire.example", ["Wire"]),
        ("q=WIRE&status=ok", ["Wire"]),
    ],
)
async def test_the_address_holds_the_filters(reader: httpx.AsyncClient, query: str, names: list[str]) -> None:
    page = await page_of(reader, f"/sources?{query}")
    assert list(rows_of(page)) == names
    assert text_of(page.get_element_by_id("count")) == f"{len(names)} of 4 sources"


async def test_what_a_form_sends_of_empty_fields_is_left_out_of_the_address(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/sources?q=&platform=&status=ok", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sources?status=ok"
    assert (await reader.get("/sources?q=", headers=BROWSER)).headers["location"] == "/sources"


async def test_an_empty_list_says_which_filter_leaves_nothing(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/sources?status=failing&type=news")
    said = words_of(page.get_element_by_id("results"))
    assert "No source fits all of these." in said
    assert "Without the filter by status: 2" in said
    assert "Without the filter by content type: 1" in said


@pytest.mark.parametrize("query", ["bogus=1", "status=sad", "type=movie", "page=0", "page=2", "page=x", "q=a&q=b"])
async def test_unknown_filters_and_pages_are_refused(reader: httpx.AsyncClient, query: str) -> None:
    answer = await reader.get(f"/sources?{query}", headers=BROWSER)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")


async def test_long_lists_come_in_pages(many: httpx.AsyncClient) -> None:
    first = await page_of(many, "/sources?collector=feed")
    assert len(rows_of(first)) == 50
    (after,) = first.xpath('//a[@rel="next"]/@href')
    second = await page_of(many, after)
    assert len(rows_of(second)) == 14
    assert not second.xpath('//a[@rel="next"]')
    assert second.xpath('//a[@rel="prev"]/@href') == ["/sources?collector=feed"]
    assert not set(rows_of(first)) & set(rows_of(second))


async def test_without_sources_the_page_says_how_to_get_some(tmp_path: Path, config_dir: Path) -> None:
    from tests.api.support import make_services

    empty = make_services(tmp_path, config_dir)
    async with client_of(empty) as client:
        page = await page_of(client, "/sources")
    empty.close()
    assert text_of(page.find(".//h1")) == "No sources yet."
    assert page.xpath('//main//a[@href="/sources/add"]')
    assert page.xpath('//main//a[@href="/sources/opml"]')


# --- what is said of days --------------------------------------------------------------------------------------------

DAY = 86_400
NINETY = NOW.date() - timedelta(days=90)


def figures(seconds: list[int], *, begins: int = 0, ends: int | None = None, posts: int = 1) -> Figures:
    """Of a source observed so in its last days, and throughout before."""
    start = source_figures._seconds(NINETY)
    days = [DAY] * (90 - len(seconds)) + seconds
    return Figures(NINETY, (posts,) * 90, tuple(days), start + begins, ends)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        ([], "30 of 30 days collected"),
        ([0, DAY, DAY], "29 of 30 days collected; gap 15 November"),
        ([DAY // 2, 0, DAY], "28 of 30 days collected; gap 15 November to 16 November"),
        ([0, DAY, 0, DAY, 0, DAY], "27 of 30 days collected; 1 earlier gap; gap 14 November; gap 16 November"),
        ([DAY, 0, 0], "28 of 30 days collected; gap since 16 November"),
        ([DAY - 600], "30 of 30 days collected"),
    ],
)
def test_the_words_beside_a_bar_name_its_gaps(seconds: list[int], says: str) -> None:
    assert bar_of(figures(seconds)).says == says


def test_what_was_never_to_be_observed_is_no_gap() -> None:
    young = Figures(NINETY, (1,) * 90, (0,) * 80 + (DAY,) * 10, source_figures._seconds(NINETY) + 80 * DAY, None)
    bar = bar_of(young)
    assert bar.says == "10 of 10 days collected since 8 November"
    assert bar.off == ""
    start = source_figures._seconds(NINETY)
    ended = Figures(NINETY, (0,) * 90, (DAY,) * 70 + (0,) * 20, start, start + 70 * DAY)
    assert bar_of(ended).says == "10 of 10 days collected, until 28 October"
    assert bar_of(source_figures.nothing(NOW)).says == "nothing observed yet"
    assert bar_of(source_figures.nothing(NOW)).on == ""


def test_gaps_show_by_their_height() -> None:
    bar = bar_of(figures([DAY // 4, DAY]))
    assert bar.off == "M84 0H87V15H84Z"
    assert "M84 15H87V20H84Z" in bar.on


def test_a_week_stands_beside_what_is_usual() -> None:
    assert week_of(figures([])) == {"posts": 7, "note": "usual 7"}
    assert week_of(figures([0, DAY])) == {"posts": 7, "note": "6 of 7 days whole; usual 7"}
    assert week_of(source_figures.nothing(NOW)) == {"posts": None, "note": "not observed"}
    silent = replace(figures([]), posts=(3,) * 83 + (0,) * 7)
    assert week_of(silent) == {"posts": 0, "note": "usual 21"}


# --- one source ------------------------------------------------------------------------------------------------------


async def test_a_source_page_tells_state_reason_and_remedy(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/sources/sick")
    assert text_of(page.find(".//h1")) == "Sick feed"
    said = words_of(by_class(page, "conclusion"))
    assert "✕ Failing sick: nothing is at this address (404)." in said
    assert "Since 18 November 2026, 09:00 UTC" in said
    assert "The address may have changed" in words_of(by_class(page, "notice"))
    facts = facts_of(page)
    assert facts["Last success"] == "never"
    assert facts["Next try"] == "in 5 hours (18 November 2026, 17:00 UTC)"
    assert facts["Failing since"] == "18 November 2026, 09:00 UTC"
    visits = words_of(page.get_element_by_id("runs"))
    assert "✕ Failed" in visits
    assert "http_404" in visits
    assert "As of 18 November 2026, 12:00 UTC" in words_of(page.find(".//main"))


async def test_a_source_page_leads_to_its_posts_and_lists_its_gaps(services: Services) -> None:
    later = NOW - timedelta(hours=1)
    services.store.commit(
        Write("sick", NOW, observed=Observed(NOW - timedelta(days=4), NOW - timedelta(days=3))),
        Visit("sick", later, later, "nothing_new"),
    )
    services.store.commit(Write("sick", NOW, observed=Observed(NOW - timedelta(days=1), NOW, gap="overflow")))
    async with client_of(services) as client:
        page = await page_of(client, "/sources/sick")
        wire = await page_of(client, "/sources/wire")
    said = words_of(page.find(".//main"))
    assert "15 November 2026, 12:00 UTC 17 November 2026, 12:00 UTC 2 days more was posted between two visits" in said
    assert "Nothing new." in said
    services.store.record_visit(Visit("sick", NOW, NOW, "http_404", ok=False, message="sick: gone"))
    async with client_of(services) as client:
        failing = words_of((await page_of(client, "/sources/sick")).find(".//main"))
    assert "18 November 2026, 12:00 UTC now still open its visits fail, as said above" in failing
    assert wire.xpath('//a[@href="/posts?source=wire"]')[0].text == "49 posts, newest first"
    assert "14 of 14 days collected since 4 November." in words_of(wire.find(".//main"))
    assert "Added. wire is tracked from now on." in words_of(wire.find(".//main"))


async def test_an_unknown_source_names_the_nearest(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/sources/wyre")
    assert text_of(page.find(".//h1")) == "There is no source called “wyre”."
    assert page.xpath('//main//li/a[@href="/sources/wire"]')
    assert (await reader.get("/sources/wyre")).headers["content-type"] == "application/problem+json"


async def test_hostile_text_stays_text(services: Services) -> None:
    services.store.add_source(Source("bad", "feed", "web", "https://bad.example/?key=s3cret", HOSTILE), NOW)
    services.store.record_visit(
        Visit("bad", NOW, NOW, "malformed", ok=False, message=f"{HOSTILE} call +1 202 555 0143", failures=1)
    )
    async with client_of(services) as client:
        for path in ("/sources", "/sources/bad", "/sources/bad/edit", "/sources/bad/remove", f"/sources/{HOSTILE[:8]}"):
            answer = await client.get(path, headers=BROWSER)
            page = html.document_fromstring(answer.text)
            assert "<script>alert" not in answer.text
            assert "555 0143" not in answer.text
            check_policy(page)
        assert "s3cret" not in (await client.get("/sources/bad", headers=BROWSER)).text


# --- what can be done ------------------------------------------------------------------------------------------------


async def test_pause_and_resume_are_buttons_that_say_what_happened(
    client: httpx.AsyncClient, services: Services
) -> None:
    page = await page_of(client, "/sources/declared")
    button = page.xpath('//form[@action="/sources/declared/pause"]/button')[0]
    assert (button.text, button.get("value")) == ("Pause", "true")
    answer = await post(client, "/sources/declared/pause", paused="true")
    assert answer.status_code == 303
    page = await page_of(client, answer.headers["location"])
    assert text_of(by_class(page, "notice")) == "It is paused and not visited until you resume it."
    assert "Paused by you" in text_of(by_class(page, "conclusion"))
    answer = await post(client, "/sources/declared/pause", paused="false")
    assert answer.headers["location"] == "/sources/declared?done=resumed"
    found = services.store.source("declared")
    assert found is not None
    assert not found.state.paused


async def test_collect_now_shows_what_the_visit_brought(
    client: httpx.AsyncClient, services: Services, site: str
) -> None:
    services.store.add_source(Source("ward", "feed", "web", f"{site}/feed.xml", "Ward"), NOW)
    answer = await post(client, "/sources/ward/collect")
    assert answer.headers["location"] == "/sources/ward?done=collected"
    page = await page_of(client, "/sources/ward?done=collected")
    assert text_of(by_class(page, "notice")) == "It was visited just now. 2 new posts."
    assert page.xpath('//a[@href="/posts?source=ward"]')[0].text == "2 posts, newest first"


async def test_a_visit_that_failed_says_why_and_what_to_do(
    client: httpx.AsyncClient, services: Services, site: str
) -> None:
    services.store.add_source(Source("gone", "feed", "web", f"{site}/nothing.xml", "Gone"), NOW)
    await post(client, "/sources/gone/collect")
    page = await page_of(client, "/sources/gone?done=collected")
    assert (page.find(".//title").text or "").startswith("Error: ")
    assert "The visit brought nothing" in words_of(by_class(page, "problem"))
    assert "404" in words_of(by_class(page, "problem"))
    assert "The address may have changed" in words_of(by_class(page, "problem"))


async def test_trying_shows_posts_and_stores_nothing(client: httpx.AsyncClient, services: Services, site: str) -> None:
    services.store.add_source(Source("ward", "feed", "web", f"{site}/feed.xml", "Ward"), NOW)
    answer = await post(client, "/sources/ward/test")
    page = html.document_fromstring(answer.text)
    rows = [words_of(row) for row in by_class(page, "previewed").iterfind(".//tbody/tr")]
    assert rows[0].startswith("Telehealth visits rise 17 November 2026, 08:00 UTC News Other Telehealth en, unknown")
    assert "jane@" not in answer.text
    assert not services.store.visits("ward")
    check_structure(page)


async def test_removing_asks_first_and_keeps_posts_unless_told(client: httpx.AsyncClient, services: Services) -> None:
    page = await page_of(client, "/sources/wire/remove")
    assert "49 posts, counts and coverage are kept" in text_of(page.find(".//main"))
    assert page.get_element_by_id("keep").get("checked") is not None
    answer = await post(client, "/sources/wire/remove", posts="keep")
    assert "Wire is not tracked any more. What was collected of it stays." in text_of(html.fromstring(answer.text))
    assert services.store.source("wire") is None
    assert services.store.totals().posts == 98
    answer = await post(client, "/sources/clips/remove", posts="delete")
    assert "were deleted" in answer.text
    assert services.store.totals().posts == 49
    assert (await client.get("/sources/clips/remove", headers=BROWSER)).status_code == 404


async def test_what_config_declares_is_changed_there(client: httpx.AsyncClient) -> None:
    for path in ("/sources/declared/edit", "/sources/declared/remove"):
        page = await page_of(client, path)
        assert "trendmonitor apply" in text_of(page.find(".//main"))
        assert not page.xpath('//main//form[@method="post"]')
    assert (await post(client, "/sources/declared/remove", posts="keep")).status_code == 409
    url = "https://declared.example/feed.xml"
    assert (await post(client, "/sources/declared/edit", url=url, do="save")).status_code == 409


async def test_editing_changes_what_was_typed_and_nothing_else(client: httpx.AsyncClient, services: Services) -> None:
    page = await page_of(client, "/sources/wire/edit")
    fields = {one.get("name"): one.value for one in page.xpath('//form[@action="/sources/wire/edit"]//input[@name]')
              if one.get("type") == "text"}  # fmt: skip
    assert fields["url"] == "https://wire.example/feed"
    sent = {
        **fields,
        "name": "The wire",
        "content_type": "news",
        "audience.nurses": "on",
        "country": "de",
        "every": "2h",
    }
    answer = await post(client, "/sources/wire/edit", **sent, do="save")
    assert answer.headers["location"] == "/sources/wire?done=saved"
    found = services.store.source("wire")
    assert found is not None
    assert (found.source.name, found.source.audience, found.source.country) == ("The wire", ("nurses",), "DE")
    assert found.source.every == timedelta(hours=2)
    assert found.source.url == "https://wire.example/feed"


async def test_an_edit_that_does_not_fit_is_shown_with_what_was_typed(client: httpx.AsyncClient) -> None:
    answer = await post(client, "/sources/wire/edit", url="ftp://x.example", name="N", every="soon", country="Nowhere")
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    assert (page.find(".//title").text or "").startswith("Error: ")
    links = [one.get("href") for one in by_class(page, "problem").iter("a")]
    assert links == ["#url", "#country", "#every"]
    assert page.get_element_by_id("every").get("value") == "soon"
    assert page.get_element_by_id("every").get("aria-describedby") == "every-error"
    assert "write for example 30m" in text_of(page.get_element_by_id("every-error"))
    check_structure(page)


async def test_many_sources_are_changed_by_one_form(client: httpx.AsyncClient, services: Services) -> None:
    answer = await post(
        client, "/sources/bulk", **{"pick.wire": "on", "pick.declared": "on", "pick.sick": "on", "action": "type:other"}
    )
    page = html.document_fromstring(answer.text)
    assert text_of(page.find(".//h1")) == "2 sources were tagged."
    assert "Declared source: declared in config/, so it is tagged there" in words_of(page.find(".//main")).replace(
        " :", ":"
    )
    found = services.store.source("wire")
    assert found is not None
    assert found.source.content_type == "other"
    answer = await post(client, "/sources/bulk?status=failing", all="on", action="pause")
    assert "1 source was paused." in answer.text
    assert 'href="/sources?status=failing"' in answer.text
    sick = services.store.source("sick")
    assert sick is not None
    assert sick.state.paused
    for fields in ({"action": "pause"}, {"pick.wire": "on", "action": ""}, {"pick.wire": "on", "action": "type:movie"}):
        assert (await post(client, "/sources/bulk", **fields)).status_code == 422
    assert (await post(client, "/sources/bulk", **{"pick.nobody": "on", "action": "pause"})).status_code == 422


async def test_generated_data_is_never_collected(services: Services) -> None:
    services.store.set_meta(store_keys.GENERATED, "true")
    async with client_of(services) as client:
        for path in ("/sources", "/sources/wire", "/sources/add", "/sources/opml", "/sources/add?url=who.int"):
            page = await page_of(client, path)
            assert "These are generated posts" in text_of(page.find(".//main")), path
            assert not page.xpath('//form[contains(@action, "collect") or contains(@action, "test")]')
        for path in ("/sources/wire/collect", "/sources/wire/test"):
            answer = await post(client, path)
            assert answer.status_code == 409
            assert "nothing can be added, tried or collected" in answer.text


async def test_with_a_key_made_nothing_is_offered_that_would_be_refused(services: Services) -> None:
    services.store.create_key("first", "write", NOW)
    async with client_of(services) as client:
        for path in ("/sources", "/sources/wire", "/sources/wire/edit", "/sources/wire/remove", "/sources/opml"):
            page = await page_of(client, path)
            assert not page.xpath('//main//form[@method="post"]'), path
            assert page.xpath('//main//a[@href="/login"]'), path
        assert (await post(client, "/sources/wire/pause", paused="true")).status_code == 401


async def test_forms_of_people_who_are_logged_in_carry_their_seal(services: Services) -> None:
    key = services.store.create_key("desk", "write", NOW)
    async with client_of(services) as client:
        assert (await client.post("/login", data={"key": key}, headers=BROWSER)).status_code == 303
        page = await page_of(client, "/sources/wire")
        for path in ("/sources", "/sources/wire", "/sources/wire/edit", "/sources/wire/remove", "/sources/opml"):
            for form in (await page_of(client, path)).xpath('//main//form[@method="post"]'):
                assert form.xpath('.//input[@name="seal"]'), (path, form.get("action"))
        seal = page.xpath('//main//input[@name="seal"]/@value')[0]
        assert (await post(client, "/sources/wire/pause", paused="true")).status_code == 403
        assert (await post(client, "/sources/wire/pause", paused="true", seal=seal)).status_code == 303
        for told, status in (("wrong", 403), (seal, 200)):
            upload = {"file": ("a.opml", b"<opml/>"), "seal": ("", told.encode())}
            assert (await client.post("/sources/opml", files=upload, headers=BROWSER)).status_code == status


def test_a_preview_warns_of_what_speaks_against_a_source() -> None:
    from collectors.base import Facts
    from monitor.previews import Preview

    source = Source("x", "feed", "web", "https://x.example/feed")
    old = replace(make_post("x", 1, NOW - timedelta(days=90)), text="")
    preview = Preview(source, (old,), Facts(blocked="podcast:block"), rejected=2, url="https://y.example/feed")
    shown = source_views.preview_of(preview, {}, NOW)
    said = " ".join(shown["warnings"])
    for part in ("asks not to be collected", "Titles only", "newest post is 90 days old", "2 items could not be read"):
        assert part in said
    assert shown["moved"] == "https://y.example/feed"
    assert shown["rhythm"] is None
    undated = Preview(source, (replace(old, date_guessed=True),), url=source.url)
    assert "No post has a date" in " ".join(source_views.warnings_of(undated, NOW))
    weekly = tuple(make_post("x", number, NOW - timedelta(days=number)) for number in range(8))
    assert source_views.rhythm_of(weekly) == "About 7 posts a week, by the dates of its 8 newest posts."


def test_in_a_browser_filters_narrow_the_list_without_leaving_it(services: Services, tmp_path: Path) -> None:
    with serving(services) as address, driving(tmp_path) as tab:
        tab.open(f"{address}/sources")
        assert "Declared source" in tab.text
        tab.ask(
            "(() => { const f = document.querySelector('#status'); f.value = 'failing';"
            " f.dispatchEvent(new Event('change', {bubbles: true})); f.focus(); })()"
        )
        for _ in range(200):
            if tab.ask("location.search") == "?status=failing":
                break
            tab.ask("new Promise(done => setTimeout(done, 20))")
        assert tab.ask("location.search") == "?status=failing"
        assert "1 of 4 sources" in tab.text
        assert "Declared source" not in tab.text
        assert tab.ask("document.activeElement.id") == "status"
        assert tab.ask("document.querySelector('#count').textContent") == "1 of 4 sources"
        for path in ("/sources", "/sources/sick", "/sources/wire/edit", "/sources/add"):
            tab.resize(390)
            tab.open(f"{address}{path}")
            assert tab.overflow == 0, path
        assert not tab.console
