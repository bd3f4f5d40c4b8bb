"""The editor of digests: what it says, what it refuses, and that nothing typed is lost and nothing unsaved is stored."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from lxml import html

from api.dashboard.digests import form as digest_form
from monitor.bootstrap import Services
from monitor.config_digests import digest_from_mapping
from monitor.config_posts import Names
from monitor.core.digest import SECTIONS, ChannelSpec
from tests.api.browser import serving
from tests.api.digest_edit import BASICS, FILE, FULL, edit_services, errors_of, fields_of, preview_of, send
from tests.api.driving import Tab, driving
from tests.api.pages import BROWSER, check_policy, check_structure, page_of, text_of
from tests.api.support import NOW, client_of, make_services


@pytest.fixture
def told(filled_home: Path, tmp_path: Path) -> Iterator[Services]:
    made = edit_services(filled_home, tmp_path)
    yield made
    made.close()


@pytest.fixture
async def pages(told: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(told) as client:
        yield client


# --- what was stored is read back ------------------------------------------------------------------------------------


def test_a_digest_passes_through_the_form_unchanged() -> None:
    variants = [
        FULL,
        replace(FULL, filters={}, sections=SECTIONS, schedule="0 8 * * 1 Europe/Berlin", channels=FULL.channels[-1:]),
        replace(FULL, schedule="monthly on last day 09:00", sections=("headline", "coverage", "method")),
        replace(FULL, schedule="daily 07:30 America/New York", grace=timedelta(minutes=90)),
        replace(FULL, channels=(ChannelSpec("webhook", ("https://a.example/",), {"secret": ["env:OLD", "env:NEW"]}),)),
    ]
    for spec in variants:
        mapping = digest_form.mapping_of(digest_form.values_of(spec), spec)
        assert digest_from_mapping(mapping, names=Names(), declared=False) == spec
    pager = replace(FULL, channels=(ChannelSpec("pager", ("desk",), {"beeps": 3, "at": ["dawn", "dusk"]}),))
    channel = digest_form.mapping_of(digest_form.values_of(pager), pager)["channels"][0]
    assert channel == {"kind": "pager", "to": ["desk"], "options": {"beeps": 3, "at": ["dawn", "dusk"]}}


@pytest.mark.parametrize(
    ("title", "made"),
    [("Nurses, every week", "nurses-every-week"), ("Ärzte & Übersicht", "arzte-ubersicht"), ("週報", "digest"),
     ("New", "new-2"), ("x" * 200, "x" * 56), ("Taken", "taken-3")],
)  # fmt: skip
def test_the_id_is_made_from_the_title(title: str, made: str) -> None:
    assert digest_form.id_for(title, {"taken", "taken-2"}) == made


async def test_opening_and_saving_changes_nothing(told: Services, pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests/nurses/edit")
    answer, _ = await send(pages, "/digests/nurses/edit", {**fields_of(page), "do": "save"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/digests/nurses")
    assert told.digests.spec("nurses") == FULL


async def test_a_pause_survives_a_change(told: Services, pages: httpx.AsyncClient) -> None:
    told.digests.pause("nurses")
    fields = fields_of(await page_of(pages, "/digests/nurses/edit"))
    await send(pages, "/digests/nurses/edit", {**fields, "title": "Nurses now", "do": "save"})
    assert told.digests.spec("nurses") == replace(FULL, title="Nurses now", paused=True)


# --- making one ------------------------------------------------------------------------------------------------------


async def test_a_new_digest_with_two_channels_is_made_in_steps(told: Services, pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests/new")
    check_policy(page)
    check_structure(page)
    fields = fields_of(page) | {
        "title": "Nurses, every week",
        "timezone": "Europe/Berlin",
        "filters.audience.nurses": "on",
    }
    _, page = await send(pages, "/digests/new", {**fields, "add": "email", "do": "add"})
    check_structure(page)
    assert page.get_element_by_id("channels.1").get("autofocus") is not None
    grown = fields_of(page)
    assert {name: grown[name] for name in fields if name != "add"} == {
        name: fields[name] for name in fields if name != "add"
    }
    grown["channels.1.to"] = "ann@clinic.example, ben@clinic.example\r\ncaro@clinic.example"
    answer, _ = await send(pages, "/digests/new", {**grown, "do": "save"})
    assert answer.headers["location"] == "/digests/nurses-every-week"
    made = told.digests.spec("nurses-every-week")
    assert made.schedule == "weekly on monday 08:00 Europe/Berlin"
    assert made.filters == {"audience": ("nurses",)}
    assert made.sections == SECTIONS
    assert made.channels == (
        ChannelSpec("file"),
        ChannelSpec("email", ("ann@clinic.example", "ben@clinic.example", "caro@clinic.example")),
    )
    assert not made.declared
    after = await page_of(pages, "/digests/nurses-every-week")
    links = {text_of(one): one.get("href") for one in after.find(".//main").iter("a")}
    assert links["Edit"] == "/digests/nurses-every-week/edit"
    assert links["Delete"] == "/digests/nurses-every-week/delete"
    assert "/digests/new" in [one.get("href") for one in (await page_of(pages, "/digests")).iter("a")]


async def test_a_channel_is_taken_out_and_the_others_move_up(pages: httpx.AsyncClient) -> None:
    fields = fields_of(await page_of(pages, "/digests/nurses/edit"))
    _, page = await send(pages, "/digests/nurses/edit", {**fields, "do": "drop.0"})
    left = fields_of(page)
    assert [left[f"channels.{place}.kind"] for place in range(4)] == ["webhook", "file", "file", "atom"]
    assert left["channels.0.to"] == "https://clinic.example/hook?a=1,2"
    assert "channels.4.kind" not in left
    assert left["title"] == fields["title"]


async def test_a_digest_can_be_made_like_another(pages: httpx.AsyncClient) -> None:
    fields = fields_of(await page_of(pages, "/digests/new?like=nurses"))
    assert fields["title"] == "Content for nurses"
    assert fields["id"] == ""
    assert fields["channels.0.to"] == "ann@clinic.example\nben@clinic.example"
    assert (await pages.get("/digests/new?like=nobody", headers=BROWSER)).status_code == 404
    assert (await pages.get("/digests/new?likes=nurses", headers=BROWSER)).status_code == 422


# --- preview ---------------------------------------------------------------------------------------------------------


async def test_a_preview_is_made_of_the_form_and_stores_nothing(told: Services, pages: httpx.AsyncClient) -> None:
    fields = {**BASICS, **FILE, "sections.movers": "on", "filters.content_type.news": "on", "do": "preview"}
    before = told.digests.specs()
    answer, page = await send(pages, "/digests/new", fields)
    assert answer.status_code == 200
    check_policy(page)
    check_structure(page)
    shown = preview_of(page)
    assert "Every Monday at 08:00, Europe/Berlin , about the last complete week, Monday to Sunday." in shown
    assert shown.count("Monday ") >= 4, "the rhythm and three runs"
    assert "Goes to: File. Id: nurses-every-week ." in shown
    assert "Week of " in shown
    assert "What rose and fell" in shown
    assert "Most engaged posts" not in shown, "not among the sections of the form"
    assert told.digests.specs() == before
    kept = fields_of(page)
    assert kept["filters.content_type.news"] == "on"
    for image in page.get_element_by_id("preview").iter("img"):
        drawn = await pages.get(image.get("src"))
        assert drawn.headers["content-type"] == "image/svg+xml"


async def test_a_preview_of_a_change_shows_the_change_and_not_what_is_stored(
    told: Services, pages: httpx.AsyncClient
) -> None:
    fields = fields_of(await page_of(pages, "/digests/nurses/edit"))
    _, page = await send(
        pages, "/digests/nurses/edit", {**fields, "title": "Otherwise", "schedule": "daily 06:00", "do": "preview"}
    )
    assert "Every day at 06:00, America/New_York" in preview_of(page)
    assert "Otherwise" in preview_of(page)
    assert told.digests.spec("nurses") == FULL


async def test_a_preview_needs_neither_title_nor_channels(pages: httpx.AsyncClient) -> None:
    answer, page = await send(pages, "/digests/new", {"schedule": "daily 08:00", "do": "preview"})
    assert answer.status_code == 200
    shown = preview_of(page)
    assert "Before it can be saved: Give it a title" in shown
    assert "Add at least one channel" in shown
    assert "The issue as it would be sent" in html.tostring(page.get_element_by_id("preview")).decode()


async def test_a_preview_says_what_keeps_it(pages: httpx.AsyncClient) -> None:
    answer, page = await send(pages, "/digests/new", {**BASICS, "schedule": "sometimes 08:00", "do": "preview"})
    assert answer.status_code == 422
    assert list(errors_of(page)) == ["schedule"]
    assert "Nothing can be composed yet" in preview_of(page)


async def test_scripts_get_the_preview_alone(pages: httpx.AsyncClient) -> None:
    asked = {"HX-Request": "true"}
    answer, _ = await send(pages, "/digests/new", {**BASICS, **FILE, "do": "preview"}, asked)
    assert answer.status_code == 200
    assert "<form" not in answer.text
    assert "autofocus" not in answer.text, "the focus stays where it was"
    assert 'hx-swap-oob="innerHTML">Shown: ' in answer.text
    answer, _ = await send(pages, "/digests/new", {**BASICS, "timezone": "Nowhere", "do": "preview"}, asked)
    assert "No preview" in answer.text
    assert "is not a time zone" in answer.text
    answer, _ = await send(pages, "/digests/new", {"titel": "x", "do": "preview"}, asked)
    assert "There is no parameter" in answer.text
    assert "<nav" not in answer.text


async def test_a_chart_that_was_forgotten_is_told(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/digests/new/preview/0123/movers.svg", headers=BROWSER)
    assert answer.status_code == 404


# --- what may not be done --------------------------------------------------------------------------------------------


async def test_hostile_text_stays_text(told: Services, pages: httpx.AsyncClient) -> None:
    evil = "</title><script>alert(1)</script>\"'><b>"
    fields = {**BASICS, **FILE, "title": evil, "id": "evil", "channels.0.to": "</textarea><script>", "do": "preview"}
    answer, page = await send(pages, "/digests/new", fields)
    assert "<script>alert" not in answer.text
    assert fields_of(page)["title"] == evil
    assert fields_of(page)["channels.0.to"] == "</textarea><script>"
    check_policy(page)
    await send(pages, "/digests/new", {**fields, "channels.0.to": "", "do": "save"})
    assert told.digests.spec("evil").title == evil
    for path in ("/digests/evil/edit", "/digests/evil/delete", "/digests"):
        answer = await pages.get(path, headers=BROWSER)
        assert "<script>alert" not in answer.text
        check_policy(html.document_fromstring(answer.text))
    _, page = await send(pages, "/digests/new", {**BASICS, "channels.0.kind": "<b>pigeon</b>", "do": "save"})
    assert "<b>pigeon</b>" in errors_of(page)["channels.0"]


async def test_a_digest_of_config_is_shown_as_it_is_written_and_not_changed(
    told: Services, pages: httpx.AsyncClient
) -> None:
    page = await page_of(pages, "/digests/declared/edit")
    check_structure(page)
    shown = text_of(page.find(".//main"))
    assert str(told.settings.config / "digests.yaml") in shown
    assert "schedule: weekly on monday 08:00 Europe/Berlin" in shown
    assert not page.findall(".//main//form")
    for path in ("edit", "delete"):
        answer, _ = await send(pages, f"/digests/declared/{path}", {**BASICS, **FILE} if path == "edit" else {})
        assert answer.status_code == 409
        assert "A file in config/ declares this digest" in answer.text
    assert "Take its entry out there" in text_of(await page_of(pages, "/digests/declared/delete"))
    assert told.digests.spec("declared").declared


async def test_a_digest_that_is_not_there_is_told(pages: httpx.AsyncClient) -> None:
    for path in ("edit", "delete"):
        answer = await pages.get(f"/digests/nurse/{path}", headers=BROWSER)
        assert answer.status_code == 404
        assert "Did you mean nurses?" in answer.text
        assert (await send(pages, f"/digests/nurse/{path}", {}))[0].status_code == 404


async def test_deleting_says_first_what_is_lost_and_what_is_kept(told: Services, pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests/nurses/delete")
    check_policy(page)
    check_structure(page)
    said = text_of(page.find(".//main"))
    assert "Files that were written stay where they are." in said
    assert "Posts, trends, claims and signals do not change." in said
    assert told.digests.spec("nurses") == FULL, "looking deletes nothing"
    answer, _ = await send(pages, "/digests/nurses/delete", {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/digests")
    assert [one.id for one in told.digests.specs()] == ["declared"]


async def test_forms_need_the_seal_of_their_session(told: Services) -> None:
    outside = make_services(told.settings.home, told.settings.config, host="0.0.0.0")
    key, reading = outside.store.create_key("me", "write", NOW), outside.store.create_key("you", "read", NOW)
    async with client_of(outside, base="http://monitor.example:8000", client=("203.0.113.9", 40000)) as browser:
        browser.headers.update(BROWSER)
        await browser.post("/login", data={"key": key, "next": "/digests"})
        fields = fields_of(await page_of(browser, "/digests/new")) | {"title": "Sealed"}
        seal = fields.pop("seal")
        for wrong in ({}, {"seal": "made-up"}):
            for act in ("save", "preview", "add"):
                assert (await send(browser, "/digests/new", {**fields, **wrong, "do": act}))[0].status_code == 403
            assert (await send(browser, "/digests/nurses/delete", wrong))[0].status_code == 403
        refused, _ = await send(browser, "/digests/new", {**fields, "do": "preview"}, {"HX-Request": "true"})
        assert "not made for your session" in refused.text
        saved, _ = await send(browser, "/digests/new", {**fields, "seal": seal, "do": "save"})
        assert saved.headers["location"] == "/digests/sealed"
        await browser.post("/login", data={"key": reading, "next": "/digests"})
        for path in ("/digests/new", "/digests/nurses/edit", "/digests/nurses/delete"):
            page = await page_of(browser, path)
            assert "log in" in text_of(page.find(".//main"))
            assert "ann@clinic.example" not in text_of(page)
            assert not page.findall(".//main//form")
        assert (await send(browser, "/digests/nurses/delete", {}))[0].status_code == 403
    assert told.digests.spec("nurses") == FULL
    outside.close()


# --- in the browser --------------------------------------------------------------------------------------------------


def wait_for(tab: Tab, expression: str, wanted: str) -> None:
    """Until what an expression gives in the page holds some words: swaps come, and the focus moves, after loading."""
    until = time.monotonic() + 15
    while wanted not in (found := str(tab.ask(expression))):
        assert time.monotonic() < until, f"{wanted!r} does not appear in {found!r}"
        time.sleep(0.1)


def test_the_preview_follows_the_form_and_all_works_without_scripts(told: Services, tmp_path: Path) -> None:
    shown = "document.querySelector('#preview').innerText"
    focused = "document.activeElement.id || document.activeElement.className"
    with serving(told) as address, driving(tmp_path / "profile") as tab:
        tab.open(f"{address}/digests/new")
        wait_for(tab, shown, "Every Monday at 08:00, UTC")
        tab.write("#title", "From the browser")
        tab.write("#schedule", "daily 06:15")
        tab.write("#timezone", "Europe/Berlin")
        tab.ask("document.querySelector('#grace').focus()")
        wait_for(tab, shown, "Every day at 06:15, Europe/Berlin")
        assert tab.ask(focused) == "grace", "the focus stays where it was"
        tab.resize(390)
        assert tab.overflow == 0
        assert tab.console == []
        tab.open(f"{address}/digests/new", scripts=False)
        tab.write("#title", "Without scripts")
        tab.press("button[value=add]")
        wait_for(tab, focused, "channels.1")
        assert tab.ask("document.querySelector('#title').value") == "Without scripts"
        tab.press("button[value='drop.1']")
        wait_for(tab, focused, "channels-title")
        tab.press("button:not(.unseen)[value=preview]")
        wait_for(tab, focused, "beside")
        assert "Without scripts: Week of" in str(tab.ask(shown))
        tab.press("button[value=save]")
        assert tab.path == "/digests/without-scripts"
