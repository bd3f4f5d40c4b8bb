"""The claim pages: what they say of every kind and verdict, that filters live in the address, and what never leaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from lxml import html

from api.dashboard.claims import words as claim_words
from api.dashboard.claims.words import KIND_WORDS, VERDICT_WORDS
from api.dashboard.pictures import BUNDLE_PATH
from monitor.bootstrap import Services
from monitor.core.claim import KINDS, ClaimBook
from monitor.core.finding import VERDICTS
from monitor.store.verdicts import StoredVerdict
from tests.api.browser import open_page, serving
from tests.api.claim_documents import DOCUMENTS, Documents, evidence_posts
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, rows_of, text_of, tiles_of
from tests.api.support import NOW, client_of, make_services

IDS = [one["id"] for one in DOCUMENTS]
VIDEO = "/claims/video-rising"


@pytest.fixture(scope="module")
def told(filled_home: Path, config_dir: Path) -> Iterator[Services]:
    """A service whose ledger holds a claim of every verdict and every kind."""
    services = make_services(filled_home, config_dir)
    services.__dict__["ledger"] = Documents(posts=evidence_posts())
    yield services
    services.close()


@pytest.fixture
async def pages(told: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(told) as client:
        yield client


def terms_of(page: html.HtmlElement) -> dict[str, str]:
    return {text_of(one.find("dt")): text_of(one.find("dd")) for one in by_class(page, "terms").findall("div")}


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_the_documents_cover_every_verdict_and_kind() -> None:
    assert {one["verdict"] for one in DOCUMENTS} == set(VERDICTS) == set(VERDICT_WORDS)
    assert {one["kind"] for one in DOCUMENTS} == set(KINDS) == set(KIND_WORDS)


async def test_the_ledger_leads_with_a_sentence_and_when(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/claims")
    assert text_of(page.find(".//h1")) == (
        "Of 12 claims, 4 are supported, 3 are contradicted and 4 are undecided, 1 of them for lack of data; "
        "1 cannot be measured here."
    )
    assert "25 November 2024 to 22 November 2026. Computed 22 November 2026, 21:00 UTC" in text_of(
        by_class(page, "subtitle")
    )


async def test_every_row_has_its_verdict_in_words_beside_a_mark(pages: httpx.AsyncClient) -> None:
    rows = rows_of(await page_of(pages, "/claims"))
    assert sorted(rows) == sorted(IDS)
    for one in DOCUMENTS:
        row = rows[one["id"]]
        verdict = VERDICT_WORDS[one["verdict"]]
        assert text_of(by_class(row, "tag")) == f"{verdict.mark} {verdict.name}"
        assert one["says"] in text_of(row)
        assert one["finding"] in text_of(row)
        assert KIND_WORDS[one["kind"]] in text_of(row)
        if one["effect"]:
            assert plain(claim_words.effect_words(one["effect"])) in text_of(row)
            interval = plain(claim_words.interval_words(one["effect"]))
            assert (interval in text_of(row)) == (one["effect"]["low"] is not None)
        else:
            assert "none measured" in text_of(row)
        if one["n_posts"]:
            assert f"{one['n_posts']:,} posts" in text_of(row)
            assert "104 weeks to 22 Nov 2026" in text_of(row)


async def test_rows_keep_the_order_of_the_report_under_their_segment(pages: httpx.AsyncClient) -> None:
    for path in ("/claims", "/claims?verdict=supported,contradicted,inconclusive"):
        page = await page_of(pages, path)
        segments = [text_of(one) for one in by_class(page, "claims").iterfind('.//th[@scope="rowgroup"]')]
        assert segments == ["Content type", "Audience", "Region", "Topic", "Market", "Players"]
        shown = list(rows_of(page))
        assert [one for one in IDS if one in shown] == sorted(shown, key=IDS.index)


async def test_filters_are_links_whose_counts_are_what_they_lead_to(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/claims?kind=trend")
    assert all(one["kind"] == "trend" for one in DOCUMENTS if one["id"] in rows_of(page))
    assert len(rows_of(page)) == 5
    tried = 0
    for chip in [link for group in page.find_class("chips") for link in group.iter("a")]:
        path = chip.get("href").partition("#")[0]
        count = int(text_of(by_class(chip, "count")))
        answer = await pages.get(path, headers=BROWSER)
        assert answer.status_code == 200, path
        reached = html.document_fromstring(answer.text)
        assert len(rows_of(reached)) == count if count else not reached.find_class("claims")
        tried += bool(count)
    assert tried > 8
    assert [text_of(one) for one in page.iterfind('.//a[@aria-current="true"]')] == [
        "All 5", "Change over time 5", "All 5"
    ]  # fmt: skip


async def test_an_empty_choice_says_which_filter_to_drop(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/claims?verdict=contradicted&segment=audience")
    section = text_of(page.get_element_by_id("filters"))
    assert "0 of 12 claims" in section
    assert "Without the filter by verdict: 1" in section
    assert "Without the filter by segment: 3" in section


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("verdict=suported", "Did you mean supported?"),
        ("segment=regoin", "Did you mean region?"),
        ("kind=magic", "Known: trend, level, rank, reference, consistency."),
        ("colour=red", "There is no parameter 'colour'."),
    ],
)
async def test_a_filter_that_does_not_exist_is_explained_and_not_applied(
    pages: httpx.AsyncClient, query: str, hint: str
) -> None:
    answer = await pages.get(f"/claims?{query}", headers=BROWSER)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    assert page.findtext(".//title", "").startswith("Error: ")
    assert hint in text_of(by_class(page, "problem"))
    assert len(rows_of(page)) == len(DOCUMENTS)


@pytest.mark.parametrize("claim_id", IDS)
async def test_a_page_says_all_that_the_document_holds(pages: httpx.AsyncClient, claim_id: str) -> None:
    one = DOCUMENTS[IDS.index(claim_id)]
    page = await page_of(pages, f"/claims/{claim_id}")
    words = text_of(page.find(".//main"))
    assert text_of(page.find(".//h1")) == one["says"]
    verdict = VERDICT_WORDS[one["verdict"]]
    assert text_of(by_class(page, "conclusion")) == f"{verdict.mark} {verdict.name} {one['finding']}"
    for told in (one["supports"], one["reproduce"], one["fingerprint"], *one["limits"], *one["caveats"]):
        assert told in words
    for check in one["checks"]:
        assert check["says"] in words
    if one["effect"]:
        assert plain(claim_words.effect_words(one["effect"])) in " ".join(tiles_of(page).values())


async def test_the_method_is_told_in_words(pages: httpx.AsyncClient) -> None:
    terms = terms_of(await page_of(pages, VIDEO))
    assert terms["Counted"] == "content type Video, among all posts"
    assert terms["Sources compared"] == (
        "84 of 90 sources were observed throughout 104 weeks; left out: 4 observed only from later on and 2 with gaps."
    )
    assert terms["How surprising"].startswith("p < 0.0001; after correction for asking many questions q = 0.0012")
    assert terms["Smallest change that matters"] == "10 % a year"
    ranks = terms_of(await page_of(pages, "/claims/podcast-depth"))
    assert ranks["Podcasts above Videos"] == (
        "Length, across sources. Podcasts: content type Podcast; Videos: content type Video."
    )


async def test_the_chart_and_its_table_hold_the_weeks_and_leave_gaps_open(pages: httpx.AsyncClient) -> None:
    one = DOCUMENTS[0]
    page = await page_of(pages, VIDEO)
    spec = json.loads(page.find('.//script[@type="application/json"]').text)
    drawn = spec["data"]["values"]
    assert [row["value"] for row in drawn] == [week["value"] for week in one["series"]]
    unseen = [number for number, week in enumerate(one["series"]) if week["status"] == "not_observed"]
    assert unseen == [30, 31, 32, 70]
    for number, row in enumerate(drawn):
        empty = (row["value"], row["fitted"], row["low"], row["high"]) == (None, None, None, None)
        assert empty == (number in unseen)
    rows = page.get_element_by_id("weeks").findall(".//tbody/tr")
    assert len(rows) == len(one["series"])
    newest, oldest = (text_of(row) for row in (rows[0], rows[-1]))
    assert newest.startswith("16 November 2026")
    assert oldest.startswith("25 November 2024")
    assert [text_of(row).endswith("not observed") for row in reversed(rows)].count(True) == 4


async def test_what_has_no_weeks_has_its_effect_on_a_scale(pages: httpx.AsyncClient) -> None:
    level = await page_of(pages, "/claims/region-na-35")
    figure = by_class(level, "scale")
    assert "upright line: the claimed 35.0 %; shaded: what still counts as that" in text_of(figure)
    assert not level.find_class("chart")
    figure_page = await page_of(pages, "/claims/doximity-revenue")
    assert not figure_page.find_class("chart") + figure_page.find_class("scale") + figure_page.find_class("post")
    assert "This claim does not rest on posts." in text_of(figure_page)


async def test_published_figures_say_where_and_whether_they_were_checked(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/claims/doximity-revenue")
    row = next(table for table in page.iter("table") if "Figures that" in text_of(table)).find(".//tbody/tr")
    for told in ("343.5 million USD", "31 Mar 2022", "Form 10-K", "~ Unchecked", "Written down from memory"):
        assert told in text_of(row)
    assert row.find(".//a").get("href") == "https://www.sec.example/10k"


async def test_posts_are_shown_without_their_authors(pages: httpx.AsyncClient) -> None:
    answer = await pages.get(VIDEO, headers=BROWSER)
    page = html.document_fromstring(answer.text)
    posts = evidence_posts()
    assert all(post.author and post.author not in answer.text for post in posts)
    assert "jane@ward.example" not in answer.text
    assert "20 7946" not in answer.text
    assert "javascript:" not in answer.text
    shown = page.find_class("post")
    assert len(shown) == 10
    assert text_of(shown[0]).endswith("16 November 2026, Clips, YouTube")
    links = [one.find("h3/a") for one in shown]
    assert links[0].get("href") == posts[0].url
    assert links[1] is links[2] is None, "an address no browser should open, and none at all"
    assert "no longer kept" in text_of(shown[2])
    assert text_of(shown[3].find("h3")) == "Write to [email] about the flu clinic on Monday."
    more = page.get_element_by_id("evidence").find('.//a[.="More posts"]').get("href")
    following = await page_of(pages, more.partition("#")[0])
    assert len(following.find_class("post")) == len(posts) - 10
    wrong = await pages.get(f"{VIDEO}?cursor=nonsense")
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/bad-cursor")


async def test_earlier_verdicts_lead_to_the_day_they_stood_on(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, VIDEO)
    rows = page.get_element_by_id("history").findall(".//tbody/tr")
    assert [[text_of(cell) for cell in row] for row in rows] == [
        ["22 November 2026", "✓ Supported", "+14 % a year", "+9 to +20 %", "22 November 2026, 21:00 UTC"],
        ["31 October 2026", "~ Inconclusive", "+6 % a year", "−1 to +14 %", "1 November 2026, 09:00 UTC"],
    ]
    earlier = rows[1].find(".//a").get("href")
    assert earlier == f"{VIDEO}?as_of=2026-11-01"
    then = await page_of(pages, earlier)
    assert "Computed again as of 1 November 2026" in text_of(by_class(then, "notice"))
    assert then.get_element_by_id("as_of").get("value") == "2026-11-01"
    assert not then.find_class("post")
    assert then.find('.//a[@href="/api/v1/claims/video-rising?as_of=2026-11-01"]') is not None
    assert "as_of=2026-11-01" in then.find(".//noscript//img").get("src")


@pytest.mark.parametrize("text", ["yesterday", "2026-31-31", "2027-01-01"])
async def test_a_day_that_does_not_fit_is_explained_beside_its_field(pages: httpx.AsyncClient, text: str) -> None:
    answer = await pages.get(f"{VIDEO}?as_of={text}", headers=BROWSER)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    field = page.get_element_by_id("as_of")
    assert (field.get("value"), field.get("aria-invalid"), field.get("aria-describedby")) == (
        text,
        "true",
        "form-error",
    )
    assert by_class(page, "problem").find('.//a[@href="#as_of"]') is not None
    assert (await pages.get(f"{VIDEO}?as_off=2026-01-01")).status_code == 422


async def test_an_unknown_claim_is_a_page_with_the_nearest(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/claims/vidoe-rising", headers=BROWSER)
    assert answer.status_code == 404
    page = html.document_fromstring(answer.text)
    assert "There is no claim called “vidoe-rising”." in text_of(page.find(".//h1"))
    assert page.find(f'.//main//li/a[@href="{VIDEO}"]') is not None
    program = await pages.get("/claims/vidoe-rising")
    assert (program.status_code, program.headers["content-type"]) == (404, "application/problem+json")
    hostile = await pages.get("/claims/%3Cscript%3Ealert(1)", headers=BROWSER)
    assert hostile.status_code == 404
    assert "<script>alert" not in hostile.text


async def test_every_page_keeps_the_policy_and_is_well_made(pages: httpx.AsyncClient) -> None:
    paths = ["/claims", "/claims?verdict=x", "/claims/nothing", f"{VIDEO}?as_of=x", *(f"/claims/{one}" for one in IDS)]
    for path in paths:
        page = await page_of(pages, path)
        check_policy(page)
        check_structure(page)
        assert page.find('.//nav[@aria-label="Main"]/a[@aria-current="page"]').get("href") == "/claims"


async def test_pictures_are_drawn_from_the_same_weeks(pages: httpx.AsyncClient) -> None:
    spec = (await pages.get(f"{VIDEO}/chart.json?theme=dark")).json()
    assert [row["value"] for row in spec["data"]["values"]] == [week["value"] for week in DOCUMENTS[0]["series"]]
    assert "var(" not in json.dumps(spec)
    drawn = await pages.get(f"{VIDEO}/chart.svg?width=380")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert b"Share of posts, week by week" in drawn.content
    assert b"no data" in drawn.content
    for path, status in (
        (f"{VIDEO}/chart.gif", 404), ("/claims/nothing/chart.svg", 404), ("/claims/growth-13-8/chart.svg", 404),
        (f"{VIDEO}/chart.svg?width=7", 422), (f"{VIDEO}/chart.svg?colour=red", 422),
        (f"{VIDEO}/chart.json?as_of=soon", 422),
    ):  # fmt: skip
        assert (await pages.get(path)).status_code == status, path


async def test_without_claims_the_page_says_how_to_write_one(filled_home: Path, config_dir: Path) -> None:
    services = make_services(filled_home, config_dir)
    services.__dict__["ledger"] = Documents(claims=(), book=ClaimBook())
    async with client_of(services) as client:
        page = await page_of(client, "/claims")
        assert text_of(page.find(".//h1")) == "No claims yet."
        assert "trendmonitor claims check" in text_of(page)
        assert "Claims at a glance" not in text_of(await page_of(client))
    services.close()


async def test_the_first_page_tells_what_was_stored_and_computes_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the first page must not compute claims")

    monkeypatch.setattr(services.ledger, "ledger", refuse)
    monkeypatch.setattr(services.ledger, "claim", refuse)
    ids = [claim.id for claim in services.ledger.book.claims][:3]
    async with client_of(services) as client:
        before = (await page_of(client)).get_element_by_id("claims")
        assert "none has been checked yet" in text_of(before)
        for days, verdict in ((40, "inconclusive"), (20, "supported"), (3, "contradicted")):
            at = NOW - timedelta(days=days)
            services.store.save_verdicts([StoredVerdict(name, at, at.date(), f"f{days}", verdict, {}) for name in ids])
        after = (await page_of(client)).get_element_by_id("claims")
    assert "Of 3 claims, none is supported, 3 are contradicted and none is undecided." in text_of(after)
    changes = [text_of(one) for one in by_class(after, "changes").findall("li")]
    assert len(changes) == 3
    assert all(one.startswith("15 November 2026: ") for one in changes), "the latest first"
    assert all(one.endswith("went from ✓ Supported to ✕ Contradicted") for one in changes)


async def test_names_in_claims_cannot_break_out_of_the_page(filled_home: Path, config_dir: Path) -> None:
    nasty = "</script><script>alert(1)</script><b>"
    ledger = Documents()
    first = {**DOCUMENTS[0], "says": nasty, "finding": nasty, "caveats": [nasty], "limits": [nasty]}
    services = make_services(filled_home, config_dir)
    services.__dict__["ledger"] = replace(ledger, claims=(first,))
    async with client_of(services) as client:
        for path in ("/claims", VIDEO):
            answer = await client.get(path, headers=BROWSER)
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            check_policy(html.document_fromstring(answer.text))
    services.close()


def test_a_browser_draws_a_claim_under_the_policy(told: Services, tmp_path: Path) -> None:
    with serving(told) as address:
        httpx.get(address + BUNDLE_PATH, timeout=60)
        page, console = open_page(address + VIDEO, tmp_path)
    assert console == []
    drawn = page.partition('class="drawn')[2].partition("</figure>")[0]
    assert "<svg" in drawn
    assert "no data" in drawn
    assert "var(--series-4)" in drawn, "the fitted line follows the colour scheme"
    assert '<button type="button">Copy</button>' in page
