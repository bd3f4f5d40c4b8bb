"""The pages of digests: what they say of every state, what can be done there, and that an issue is told as composed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from lxml import html

from api.dashboard.digests import views as digest_views
from api.dashboard.digests import words as digest_words
from monitor.bootstrap import Services
from monitor.core.digest import ChannelSpec
from tests.api.browser import serving
from tests.api.digest_pages import DAILY, MAIL, PAUSED, WEEKLY, PlayedMail, digests_of, fill_digests, hostile
from tests.api.driving import driving
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of, tiles_of
from tests.api.support import NOW, client_of

FORM = {"Content-Type": "application/x-www-form-urlencoded", **BROWSER}
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def played() -> PlayedMail:
    return PlayedMail()


@pytest.fixture
def told(services: Services, played: PlayedMail) -> Services:
    fill_digests(services, played)
    return services


@pytest.fixture
async def pages(told: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(told) as client:
        yield client


def words_of(element: html.HtmlElement) -> str:
    """The text with a space between elements, as it is read."""
    return " ".join(" ".join(element.itertext()).split()).replace("\u00a0", " ")


def cards_of(page: html.HtmlElement) -> dict[str, str]:
    return {text_of(one.find("h2/a")): words_of(one) for one in page.iterfind(".//main/section")}


def rows_in(page: html.HtmlElement, section: str) -> list[str]:
    return [words_of(row) for row in page.get_element_by_id(section).iterfind(".//tbody/tr")]


async def test_the_list_tells_the_next_run_in_its_own_time_zone_and_how_the_last_went(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests")
    assert text_of(page.find(".//h1")) == "1 of 3 digests needs attention: Nurses, every day."
    cards = cards_of(page)
    weekly = cards["The week in health posts"]
    for part in (
        "✓ On time", "When Every Monday at 08:00, Europe/Berlin",
        "Next Monday 23 November 2026, 08:00 (Europe/Berlin), in 4 days",
        "Issue 2, 9 to 15 November 2026 … On its way", "56 posts from 2 sources",
        "mail.example did not answer within 30 s. 1 try. Next in line.", "File to weekly; Email to 2 recipients",
    ):  # fmt: skip
        assert part in weekly, part
    assert "The month" in cards
    assert "Paused by you" in cards["The month"]
    assert "not while it is paused" in cards["The month"]
    daily = cards["Nurses, every day"]
    assert "✕ Overdue" in daily
    assert "The run of Tuesday 17 November 2026, 07:30 (America/New_York) has not been dealt with." in daily
    assert "✕ Missed 7 runs from" in daily
    assert "nowhere: it is composed and kept" in daily


async def test_without_digests_the_page_shows_how_to_write_one(services: Services, played: PlayedMail) -> None:
    digests_of(services, played)
    async with client_of(services) as client:
        page = await page_of(client, "/digests")
    check_structure(page)
    assert text_of(page.find(".//h1")) == "No digests yet."
    assert "digests.yaml" in text_of(page)
    assert "weekly on monday 08:00 Europe/Berlin" in text_of(page.find(".//pre"))


async def test_a_digest_page_holds_channels_issues_and_what_it_is_made_of(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests/weekly")
    channels = rows_in(page, "channels")
    assert channels[0].startswith("File to weekly ✓ Delivered Wrote")
    assert channels[1].startswith("Email to 2 recipients j…@clinic.example, j…@clinic.example … Waiting mail.example")
    issues = rows_in(page, "issues")
    assert [one.split(" In the week")[0] for one in issues] == [
        "Issue 2 9 to 15 November 2026 … On its way", "Issue 1 2 to 8 November 2026 ~ Sent to some",
    ]  # fmt: skip
    assert issues[1].endswith("j…@clinic.example: 550 no mailbox [email]")
    daily = words_of(await page_of(pages, "/digests/daily-nurses"))
    assert "About Posts with audience Nurses." in daily
    assert "other issues are kept and not sent" in daily
    assert "jane@" not in words_of(page)


async def test_an_issue_is_told_as_it_was_composed(told: Services, pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests/weekly/issues/1")
    document = told.digests.document("weekly", 1)
    assert text_of(page.find(".//h1")) == "Week of 2 November 2026"
    assert text_of(by_class(page, "conclusion")) == document["headline"]
    tiles = tiles_of(page)
    assert list(tiles) == [one["label"] for one in document["numbers"]]
    assert all(tiles[one["label"]].startswith(" ".join(one["text"].split())) for one in document["numbers"])
    main = words_of(page.find(".//main"))
    for section in document["sections"]:
        assert section["title"] in main
        for said in section["says"]:
            assert all(" ".join(part.split()).replace("\u00a0", " ") in main for part in said["text"].split("`"))
        for row in (section["table"] or {"rows": []})["rows"]:
            assert all(" ".join(cell.split()).replace("\u00a0", " ") in main for cell in row["cells"])
    assert [code.text for code in page.find_class("copy")] == document["reproduce"]


async def test_statements_lead_to_pages_and_data_that_answer(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests/weekly/issues/2")
    links = {link.get("href").partition("#")[0] for one in page.find_class("refs") for link in one.iter("a")}
    assert any(link.startswith("/api/v1/trends?") for link in links)
    assert any(link.startswith("/api/v1/posts?") for link in links)
    for link in links:
        assert (await pages.get(link)).status_code == 200, link
    outside = [a for a in page.get_element_by_id("posts").iter("a") if a.get("href").startswith("https://")]
    assert outside
    assert all("noopener" in a.get("rel") for a in outside)


async def test_receipts_say_in_words_what_each_channel_answered(pages: httpx.AsyncClient) -> None:
    first = rows_in(await page_of(pages, "/digests/weekly/issues/1"), "receipts")
    assert "Email to 2 recipients ~ Delivered to some 1 of 2 confirmed 250 queued as 4F2." in first[1]
    assert "Refused: j…@clinic.example: 550 no mailbox [email]" in first[1]
    second = rows_in(await page_of(pages, "/digests/weekly/issues/2"), "receipts")
    assert "… Waiting 0 of 2 confirmed mail.example did not answer within 30 s. 1 try." in second[1]
    missed = await page_of(pages, "/digests/daily-nurses/issues/2")
    assert text_of(missed.find(".//h1")) == "Missed: 8 to 14 November 2026"
    assert "the service was not running" in text_of(by_class(missed, "conclusion"))
    assert "trendmonitor digest send daily-nurses" in [code.text for code in missed.iter("code")]
    assert "Nowhere: it was not composed." in text_of(missed.get_element_by_id("receipts"))


async def test_a_chart_is_drawn_from_the_stored_document(told: Services, pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/digests/weekly/issues/2")
    picture = by_class(page, "paper")
    stored = next(one["chart"] for one in told.digests.document("weekly", 2)["sections"] if one["chart"])
    assert picture.get("alt") == stored["alt"]
    drawn = await pages.get(picture.get("src"))
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert stored["title"].encode() in drawn.content
    base = "/digests/weekly/issues/2"
    for path in (
        f"{base}/movers.gif",
        f"{base}/nothing.svg",
        "/digests/weekly/issues/9/movers.svg",
        "/digests/x/preview/movers.svg",
    ):
        assert (await pages.get(path)).status_code == 404, path


async def test_a_preview_stores_and_sends_nothing(told: Services, pages: httpx.AsyncClient, played: PlayedMail) -> None:
    before = [told.digests.issues(one) for one in ("weekly", "daily-nurses", "monthly")], len(played.sent)
    page = await page_of(pages, "/digests/daily-nurses/preview")
    assert "Nothing is stored or sent." in text_of(by_class(page, "notice"))
    assert text_of(page.find(".//h1")) == "16 November 2026"
    assert "Scope: audience nurses." in text_of(page)
    assert before == ([told.digests.issues(one) for one in ("weekly", "daily-nurses", "monthly")], len(played.sent))


async def test_sending_by_form_leads_to_the_receipts(
    told: Services, pages: httpx.AsyncClient, played: PlayedMail
) -> None:
    answer = await pages.post("/digests/weekly/send", content="", headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/digests/weekly/issues/2#receipts")
    receipts = rows_in(await page_of(pages, "/digests/weekly/issues/2"), "receipts")
    assert "~ Delivered to some 1 of 2 confirmed" in receipts[1]
    assert (await pages.post("/digests/weekly/send", content="", headers=FORM)).status_code == 303
    assert len(played.taken) == len(set(played.taken)), "who has it does not get it twice"
    assert (await pages.post("/digests/nothing/send", content="", headers=FORM)).status_code == 404


async def test_a_test_tells_the_answer_or_why_there_was_none(
    told: Services, pages: httpx.AsyncClient, played: PlayedMail
) -> None:
    fine = html.document_fromstring((await pages.post("/digests/weekly/test", content="channel=1", headers=FORM)).text)
    said = text_of(by_class(fine, "notice"))
    assert said.startswith("The test got through. The other side said: 250 queued as 4F2")
    assert "j…@clinic.example: 550 no mailbox [email]" in said
    assert "test" in played.sent[-1].subject.lower()
    played.down = True
    answer = await pages.post("/digests/weekly/test", content="channel=1", headers=FORM)
    page = html.document_fromstring(answer.text)
    check_structure(page)
    assert page.findtext(".//title", "").startswith("Error: ")
    link = by_class(page, "problem").find(".//a")
    assert (link.get("href"), text_of(link)) == ("#channel-1", "mail.example did not answer within 30 s.")
    for body, status in (("channel=9", 200), ("channel=x", 422), ("", 422), ("channel=0&again=1", 422)):
        assert (await pages.post("/digests/weekly/test", content=body, headers=FORM)).status_code == status, body
    assert len(told.digests.issues("weekly")) == 2


async def test_pausing_by_form_and_back(told: Services, pages: httpx.AsyncClient) -> None:
    assert (await pages.post("/digests/weekly/pause", content="paused=true", headers=FORM)).status_code == 303
    assert told.digests.spec("weekly").paused
    page = await page_of(pages, "/digests/weekly")
    assert "Paused by you" in text_of(by_class(page, "conclusion"))
    assert page.find('.//button[@name="paused"]').get("value") == "false"
    assert (await pages.post("/digests/weekly/pause", content="paused=false", headers=FORM)).status_code == 303
    assert not told.digests.spec("weekly").paused
    assert (await pages.post("/digests/weekly/pause", content="paused=maybe", headers=FORM)).status_code == 422


async def test_forms_of_other_sites_change_nothing(
    told: Services, pages: httpx.AsyncClient, played: PlayedMail
) -> None:
    sent = len(played.sent)
    for extra in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for act, body in (("send", ""), ("test", "channel=1"), ("pause", "paused=true")):
            answer = await pages.post(f"/digests/weekly/{act}", content=body, headers={**FORM, **extra})
            assert answer.status_code == 403, (act, extra)
    assert len(played.sent) == sent
    assert not told.digests.spec("weekly").paused


async def test_once_keys_exist_pages_say_how_to_do_it_instead(told: Services, pages: httpx.AsyncClient) -> None:
    paths = ("/digests", "/digests/weekly", "/digests/weekly/preview")
    for path in paths:
        assert (await page_of(pages, path)).findall(".//form"), path
    told.store.create_key("mine", "write", NOW)
    for path in paths:
        page = await page_of(pages, path)
        assert not page.findall(".//form"), path
        assert "trendmonitor digest send" in text_of(page), path
    assert "trendmonitor digest test weekly 1" in text_of(await page_of(pages, "/digests/weekly"))
    assert (await pages.post("/digests/weekly/send", content="", headers=FORM)).status_code == 401


async def test_what_keeps_a_digest_from_going_out_is_said(services: Services, played: PlayedMail) -> None:
    broken = replace(WEEKLY, channels=(ChannelSpec("chat", ("env:NOWHERE",)),))
    digests_of(services, played, broken)
    async with client_of(services) as client:
        page = await page_of(client, "/digests")
    assert "✕ Cannot be sent" in cards_of(page)[WEEKLY.title]
    assert "NOWHERE" in text_of(by_class(page, "notice"))


async def test_every_page_keeps_the_policy_and_is_well_made(pages: httpx.AsyncClient) -> None:
    for path in (
        "/digests", "/digests/weekly", "/digests/monthly", "/digests/daily-nurses", "/digests/weekly/issues/1",
        "/digests/weekly/issues/2", "/digests/daily-nurses/issues/2", "/digests/weekly/preview", "/digests/wekly",
        "/digests/weekly/issues/99", "/digests/weekly/issues/x",
    ):  # fmt: skip
        page = await page_of(pages, path)
        check_policy(page)
        check_structure(page)
        assert page.find('.//nav[@aria-label="Main"]/a[@aria-current="page"]').get("href") == "/digests"


async def test_an_unknown_digest_or_issue_is_a_page_with_the_nearest(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/digests/wekly", headers=BROWSER)
    assert answer.status_code == 404
    assert html.document_fromstring(answer.text).find('.//main//li/a[@href="/digests/weekly"]') is not None
    page = await page_of(pages, "/digests/weekly/issues/99")
    assert "This digest has no such issue." in text_of(page)
    assert page.find('.//main//a[@href="/digests/weekly#issues"]') is not None
    program = await pages.get("/digests/wekly")
    assert (program.status_code, program.headers["content-type"]) == (404, "application/problem+json")
    assert (await pages.get("/digests?order=x")).status_code == 422


async def test_names_and_documents_cannot_break_out_of_the_page(services: Services, played: PlayedMail) -> None:
    digests = digests_of(services, played, hostile(replace(WEEKLY, channels=(replace(MAIL, to=("<b>@x.example",)),))))
    await digests.send("weekly")
    async with client_of(services) as client:
        for path in ("/digests", "/digests/weekly", "/digests/weekly/issues/1", "/digests/weekly/preview"):
            answer = await client.get(path, headers=BROWSER)
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            check_policy(html.document_fromstring(answer.text))


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("/claims", "/claims"),
        ("https://trends.example/claims", "/claims"),
        ("https://elsewhere.example/x", "https://elsewhere.example/x"),
        ("//evil.example", ""),
        ("/\\evil.example", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        (None, ""),
    ],
)
def test_links_of_documents_lead_to_pages_or_the_web_and_nowhere_else(link: str | None, shown: str) -> None:
    assert digest_views.inside(link, "https://trends.example") == shown


def test_words_of_periods_and_recipients() -> None:
    monday = NOW.astimezone(BERLIN).replace(month=10, day=19, hour=0)
    week = digest_words.period_words(monday, monday + timedelta(days=7), BERLIN)
    assert week == "19 to 25 October 2026", "the week in which clocks are set back"
    assert digest_words.period_words(monday, monday + timedelta(days=1), BERLIN) == "19 October 2026"
    assert digest_words.period_words(monday, monday + timedelta(days=30), BERLIN) == "19 October to 17 November 2026"
    assert digest_words.recipient_words("jane@clinic.example") == "j…@clinic.example"
    assert digest_words.recipient_words("https://hooks.example/secret/1") == "hooks.example"
    assert digest_words.recipient_words("env:SLACK_URL") == "SLACK_URL (set in the environment)"
    assert digest_words.lead_of([(PAUSED, digest_words.PAUSED)], None) == "The only digest is paused."
    assert digest_words.scope_words(DAILY, {}) == "Posts with audience nurses"


def test_a_user_sends_and_tests_in_the_browser_with_and_without_scripts(
    told: Services, played: PlayedMail, tmp_path: Path
) -> None:
    with serving(told) as address, driving(tmp_path) as tab:
        tab.open(f"{address}/digests")
        tab.press("form[action='/digests/weekly/send'] button")
        assert tab.path == "/digests/weekly/issues/2"
        assert "Delivered to some" in tab.text
        tab.open(f"{address}/digests/weekly", scripts=False)
        tab.press("#channel-1 button")
        assert "The test got through. The other side said: 250 queued as 4F2" in tab.text
        tab.resize(360)
        for path in ("", "/weekly", "/weekly/issues/2", "/daily-nurses/issues/2", "/daily-nurses/preview"):
            tab.open(f"{address}/digests{path}")
            assert tab.overflow == 0, path
        assert tab.console == []
    assert [message.subject.lower().startswith("test") for message in played.sent[-2:]] == [False, True]
