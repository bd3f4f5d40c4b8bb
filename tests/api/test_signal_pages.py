"""The pages of signals: what they say of every state, what can be done there, and what the first page tells of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from lxml import html

from api.dashboard.pictures import BUNDLE_PATH
from api.dashboard.signals import words as signal_words
from monitor.bootstrap import Services
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of, tiles_of
from tests.api.signal_pages import FALL, FROM_NOTHING, OVER, RISE, SIGNALS, fill_signals
from tests.api.support import NOW, client_of

FORM = {"Content-Type": "application/x-www-form-urlencoded", **BROWSER}


@pytest.fixture
def told(services: Services) -> Services:
    fill_signals(services)
    return services


@pytest.fixture
async def pages(told: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(told) as client:
        yield client


def rows_of(page: html.HtmlElement) -> dict[str, str]:
    """Rows of the list by the signal they lead to, in their order."""
    rows = page.get_element_by_id("filters").iterfind(".//tbody/tr")
    return {row.find("./th/a").get("href").removeprefix("/signals/"): text_of(row) for row in rows}


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def words_of(element: html.HtmlElement) -> str:
    """The text with a space between elements, as it is read."""
    return plain(" ".join(" ".join(element.itertext()).split()))


async def test_the_list_leads_with_what_is_open_and_what_waits(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/signals")
    assert text_of(page.find(".//h1")) == "3 sudden changes are open, 1 of them muted; 1 waits to be acknowledged."
    rows = {name: plain(text) for name, text in rows_of(page).items()}
    assert list(rows) == [RISE.id, FALL.id, FROM_NOTHING.id, OVER.id], "what nobody has spoken about comes first"
    for part in ("Video (content type)", "2.6 times as many", "10 to 12 November 2026", "12 4.6 1 to 9", "▲ Open"):
        assert part in rows[RISE.id]
    for part in (
        "All posts",
        "50 % fewer",
        "2 to 15 November 2026",
        "120 240 200 to 281",
        "[x]",
        "✓ Acknowledged",
        "holidays",
    ):
        assert part in rows[FALL.id]
    assert "12 posts where next to none were expected" in rows[FROM_NOTHING.id]
    assert "Muted A campaign we know of." in rows[FROM_NOTHING.id]
    assert "Ended" in rows[OVER.id]
    assert "Vaccination until 27 November 2026, 12:00 UTC: A campaign we know of." in text_of(page.find(".//main"))


async def test_filters_live_in_the_address_and_count_what_they_lead_to(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/signals")
    for link in by_class(page, "chips").findall("a"):
        narrowed = await page_of(pages, link.get("href"))
        assert len(rows_of(narrowed)) == int(text_of(by_class(link, "count")))
        assert text_of(by_class(narrowed, "chips").find('./a[@aria-current="true"]')) == text_of(link)
    assert (await pages.get("/signals?state=closed")).status_code == 422
    assert (await pages.get("/signals?status=open")).status_code == 422


async def test_without_signals_silence_is_not_shown_as_health(services: Services) -> None:
    async with client_of(services) as client:
        page = await page_of(client, "/signals")
        first = (await page_of(client)).get_element_by_id("signals")
    assert text_of(page.find(".//h1")) == "No sudden change is open."
    assert "None was ever raised. That says nothing of what was not watched" in text_of(page.find(".//main"))
    assert "No sudden change is open." in text_of(first)
    assert not first.findall(".//li")


async def test_a_signal_says_how_much_against_what_and_how_unusual(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, f"/signals/{RISE.id}")
    assert plain(text_of(page.find(".//h1"))) == "Video (content type): 2.6 times as many posts as expected"
    tiles = {name: plain(text) for name, text in tiles_of(page).items()}
    assert tiles["Posts"] == "1210 to 12 November 2026"
    assert tiles["Expected"] == "4.695 % prediction interval 1 to 9"
    assert tiles["Observed over expected"] == "2.61farthest so far 3.10"
    words = plain(text_of(page.find(".//main")))
    assert "figures so far out come about once in 480,000 looks; alarms begin at once in 43,000 looks" in words
    assert "all 60 watched series together raise about 1 false alarm in 30 days" in words
    causes = words_of(page.get_element_by_id("causes"))
    assert "One source alone ~ May explain it 100 % of the posts come from one source; 1 source in all." in causes
    assert "Copies of one text ~ May explain it" in causes
    assert (
        "✓ Does not explain it Its share of all posts of the same sources was 50.0 %; 19.1 % were expected." in causes
    )
    for part in ("Share of all posts", "Count against its season", "EARS C1", "sixth-sense", "p of the count"):
        assert part in words
    unknown = words_of((await page_of(pages, f"/signals/{FALL.id}")).get_element_by_id("causes"))
    assert unknown.count("not known Not looked at.") == 2


async def test_the_chart_and_its_table_hold_what_the_api_counts(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, f"/signals/{RISE.id}")
    section = page.get_element_by_id("series")
    link = next(a.get("href") for a in section.iter("a") if a.text == "JSON")
    points = (await pages.get(link)).json()["series"][0]["points"]
    spec = json.loads(section.find('.//script[@type="application/json"]').text)
    assert [row["value"] for row in spec["data"]["values"]] == [point["value"] for point in points]
    assert [row["start"][:10] for row in spec["data"]["values"] if row["inside"]] == [
        "2026-11-10", "2026-11-11", "2026-11-12",
    ]  # fmt: skip
    table = section.findall(".//tbody/tr")
    assert len(table) == len(points)
    assert text_of(table[0].findall("td")[-1]) == "so far", "the latest first"
    assert sum("not observed" in text_of(row) for row in table) == sum(
        point["status"] == "not_observed" for point in points
    )
    assert sum(text_of(row.findall("td")[1]) == "yes" for row in table) == 3
    assert "broken line: expected" in text_of(section)
    drawn = await pages.get(f"/signals/{RISE.id}/chart.svg?width=380&theme=dark")
    assert b"Video: posts per day" in drawn.content
    assert "var(" not in (await pages.get(f"/signals/{RISE.id}/chart.json")).text
    for path, status in (("chart.gif", 404), ("chart.svg?width=7", 422), ("chart.svg?colour=red", 422)):
        assert (await pages.get(f"/signals/{RISE.id}/{path}")).status_code == status
    assert (await pages.get("/signals/nothing/chart.svg")).status_code == 404


async def test_an_expectation_for_other_sources_is_not_drawn(pages: httpx.AsyncClient) -> None:
    """The chart counts 90 posts in the two weeks, the signal 120: it was counted over other sources."""
    page = await page_of(pages, f"/signals/{FALL.id}")
    assert "no expectation is drawn, because the signal counted other sources" in text_of(
        page.get_element_by_id("series")
    )
    spec = (await pages.get(f"/signals/{FALL.id}/chart.json")).json()
    assert "expected" not in json.dumps(spec["layer"])


async def test_the_posts_behind_it_are_shown_as_the_api_shows_them(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, f"/signals/{RISE.id}")
    section = page.get_element_by_id("posts")
    shown = [text_of(one.find("h3")) for one in section.find_class("post")]
    found = (await pages.get(f"/api/v1/signals/{RISE.id}/evidence?limit=5")).json()["posts"]
    assert shown == [post["title"] for post in found]
    assert len(shown) == 5
    assert "12 posts in these days, from Clips (12)." in text_of(section)
    assert "[email]" in text_of(section)
    assert "press@clinic.example" not in text_of(page)


async def test_acknowledging_and_muting_by_form_is_kept_and_shown(told: Services, pages: httpx.AsyncClient) -> None:
    answer = await pages.post(f"/signals/{RISE.id}/ack", content="note=Seen+by+Ann", headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/signals/{RISE.id}#people")
    muting = "what=key&until=2026-12-01&reason=A+campaign"
    assert (await pages.post(f"/signals/{RISE.id}/mute", content=muting, headers=FORM)).status_code == 303
    signal = told.signal_watch.signal(RISE.id)
    assert (signal.acknowledged_why, signal.muted_why) == ("Seen by Ann", "A campaign")
    people = words_of((await page_of(pages, f"/signals/{RISE.id}")).get_element_by_id("people"))
    assert "Acknowledged 18 November 2026, 12:00 UTC: Seen by Ann" in people
    assert "Muted until 1 December 2026, 00:00 UTC: A campaign" in people
    assert [one.subject for one in told.signal_watch.mutes()] == [RISE.key, FROM_NOTHING.key]


@pytest.mark.parametrize(
    ("act", "form", "field", "says"),
    [
        ("ack", "note=++", "note", "Say why, in a few words"),
        ("ack", f"note={'x' * 501}", "note", "at most 500"),
        ("mute", "until=soon&reason=x", "until", "such as 2026-01-31"),
        ("mute", "until=2026-12-01&reason=", "reason", "Say why"),
        ("mute", "until=2099-12-01&reason=x", "until", "ten years"),
    ],
)
async def test_a_form_that_does_not_fit_is_explained_beside_its_field(
    told: Services, pages: httpx.AsyncClient, act: str, form: str, field: str, says: str
) -> None:
    answer = await pages.post(f"/signals/{RISE.id}/{act}", content=form, headers=FORM)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    check_structure(page)
    assert page.findtext(".//title", "").startswith("Error: ")
    assert by_class(page, "problem").find(f'.//a[@href="#{field}"]') is not None
    marked = page.get_element_by_id(field)
    assert (marked.get("aria-invalid"), marked.get("aria-describedby")) == ("true", "form-error")
    assert says in text_of(page.get_element_by_id("form-error"))
    kept = dict(part.split("=") for part in form.split("&"))[field].replace("+", " ").strip()
    assert marked.get("value") == kept, "what was typed stays"
    signal = told.signal_watch.signal(RISE.id)
    assert (signal.acknowledged_at, signal.muted_until) == (None, None)


async def test_forms_of_other_sites_unknown_fields_and_other_bodies_are_refused(pages: httpx.AsyncClient) -> None:
    path = f"/signals/{RISE.id}/ack"
    for headers, body, status in (
        ({**FORM, "Origin": "https://evil.example"}, "note=x", 403),
        ({**FORM, "Sec-Fetch-Site": "cross-site"}, "note=x", 403),
        (FORM, "note=x&extra=1", 422),
        (FORM, "note=x&note=y", 422),
        ({"Content-Type": "application/json"}, '{"note": "x"}', 415),
        (FORM, "note=" + "x" * 20_000, 413),
    ):
        assert (await pages.post(path, content=body, headers=headers)).status_code == status, body[:40]
    assert (await pages.post("/signals/nothing/ack", content="note=x", headers=FORM)).status_code == 404
    assert "Acknowledged" not in text_of((await page_of(pages, f"/signals/{RISE.id}")).get_element_by_id("people"))[:60]


async def test_once_keys_exist_the_page_says_how_to_write_instead(told: Services, pages: httpx.AsyncClient) -> None:
    assert (await page_of(pages, f"/signals/{RISE.id}")).findall(".//form")
    told.store.create_key("mine", "write", NOW)
    page = await page_of(pages, f"/signals/{RISE.id}")
    assert not page.findall(".//form")
    assert f"trendmonitor signals ack {RISE.id}" in text_of(page.get_element_by_id("people"))
    assert (await pages.post(f"/signals/{RISE.id}/ack", content="note=x", headers=FORM)).status_code == 401


async def test_the_first_page_tells_what_was_stored_and_looks_for_nothing(
    told: Services, pages: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the first page must not look for signals")

    monkeypatch.setattr(told.signal_watch, "refresh", refuse)
    section = (await page_of(pages)).get_element_by_id("signals")
    assert "3 sudden changes are open" in text_of(section)
    assert [a.get("href") for a in section.iterfind(".//li/a")] == [f"/signals/{RISE.id}"], "those nobody spoke about"


async def test_every_page_keeps_the_policy_and_is_well_made(pages: httpx.AsyncClient) -> None:
    for path in ("/signals", "/signals?state=ended", "/signals/nothing", *(f"/signals/{one.id}" for one in SIGNALS)):
        page = await page_of(pages, path)
        check_policy(page)
        check_structure(page)
        assert page.find('.//nav[@aria-label="Main"]/a[@aria-current="page"]').get("href") == "/signals"
    assert (await pages.get("/signals/nothing", headers=BROWSER)).status_code == 404
    program = await pages.get("/signals/nothing")
    assert (program.status_code, program.headers["content-type"]) == (404, "application/problem+json")


async def test_names_cannot_break_out_of_the_page(services: Services) -> None:
    nasty = "</script><script>alert(1)</script>"
    watch = fill_signals(services)
    services.store.signals.save(
        [replace(RISE, id="evil", key=f"topic={nasty}", detectors=(nasty,), settings={nasty: nasty})],
        (), (), {"evil": "x"}, NOW,
    )  # fmt: skip
    watch.acknowledge("evil", nasty)
    async with client_of(services) as client:
        for path in ("/", "/signals", "/signals/evil"):
            answer = await client.get(path, headers=BROWSER)
            assert "<script>alert" not in answer.text
            if answer.status_code == 200:
                check_policy(html.document_fromstring(answer.text))


def test_words_fit_their_numbers() -> None:
    assert plain(signal_words.size_words(replace(RISE, observed=6, expected=4.0))) == "50 % more posts than expected"
    assert signal_words.lead_of([RISE], NOW) == "1 sudden change is open."
    seen = replace(RISE, acknowledged_at=NOW)
    assert signal_words.lead_of([seen], NOW) == "1 sudden change is open and acknowledged."
    assert signal_words.lead_of([seen, seen], NOW) == "2 sudden changes are open; all have been acknowledged."
    muted = replace(RISE, muted_until=NOW + timedelta(days=1))
    assert signal_words.lead_of([muted], NOW) == "1 sudden change is open, 1 of them muted."
    over = replace(RISE, muted_until=NOW)
    assert not signal_words.is_muted(over, NOW)
    assert "less than once in a billion looks" in signal_words.unusual_words(replace(RISE, p=0.0, settings={}))


def test_a_user_acknowledges_in_the_browser_with_and_without_scripts(told: Services, tmp_path: Path) -> None:
    with serving(told) as address, driving(tmp_path) as tab:
        httpx.get(address + BUNDLE_PATH, timeout=60)
        tab.open(f"{address}/signals/{RISE.id}")
        tab.write("#note", "Seen by Ann")
        tab.press("form[action$='/ack'] button")
        assert tab.path == f"/signals/{RISE.id}"
        assert "Seen by Ann" in tab.text
        assert told.signal_watch.signal(RISE.id).acknowledged_why == "Seen by Ann"
        tab.open(f"{address}/signals/{RISE.id}", scripts=False)
        tab.write("#reason", "A campaign")
        tab.press("form[action$='/mute'] button")
        assert "A campaign" in tab.text
        tab.resize(360)
        for path in ("", *(f"/{one.id}" for one in SIGNALS)):
            tab.open(f"{address}/signals{path}")
            assert tab.overflow == 0, path
        assert tab.console == []
