"""The first page: what it says, that it needs nothing from elsewhere, and that it works without JavaScript."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import httpx
import pytest
from lxml import html
from structlog.testing import capture_logs

from api.auth import CONTENT_SECURITY_POLICY
from api.problems import KINDS
from monitor.bootstrap import Services
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of
from tests.api.support import client_of, make_services


async def test_it_leads_with_a_sentence_and_the_numbers(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader)
    lead = text_of(page.find(".//h1"))
    assert lead == "Week of 9 November: no open signal, no claim checked yet, 1 of 4 sources behind."
    assert text_of(by_class(page, "health")) == (
        "2 of 4 sources were observed in that week; 1 broken, 1 new. Data up to 18 November 2026, 12:00 UTC."
    )
    figures = {text_of(one.find("h3")): text_of(by_class(one, "figure")) for one in by_class(page, "figures")}
    assert figures["Posts"] == "56"
    assert figures["Mean sentiment"] == "+0.20"
    assert figures["Nurses, share of posts"] == "35.7 %"
    fares = [text_of(one) for one in by_class(page, "fares")]
    assert fares == ["2 on time", "1 failing", "1 not checked yet"]
    assert "98 posts of 4 tracked sources on 2 platforms" in text_of(page.get_element_by_id("coverage"))


async def test_what_is_broken_is_said_in_words_with_the_next_try(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader)
    rows = page.get_element_by_id("attention").findall(".//tbody/tr")
    assert len(rows) == 1
    words = text_of(rows[0])
    for part in ("Sick feed", "Failing", "nothing is at this address (404). <Check> it.", "in 5 hours"):
        assert part in words


async def test_the_table_twin_holds_the_points_of_the_api(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/?since=2026-10-26")
    links = page.get_element_by_id("shares").find_class("data")[0].findall("a")
    link = next(a.get("href") for a in links if a.text == "JSON")
    answer = (await reader.get(link)).json()
    points = [point for series in answer["series"] for point in series["points"]]
    rows = page.get_element_by_id("shares").findall(".//tbody/tr")
    assert len(rows) == len(points)
    words = Counter(text_of(row.findall("td")[-1]) for row in rows)
    assert words["not observed"] == sum(1 for point in points if point["status"] == "not_observed")
    assert words["so far"] == 0, "a week that is not over is not told"
    spec = json.loads(page.find('.//script[@type="application/json"]').text)
    drawn = [row["value"] for row in spec["data"]["values"]]
    assert drawn == [point["value"] for point in points]


async def test_the_policy_is_kept(reader: httpx.AsyncClient) -> None:
    """Nothing inline, nothing from elsewhere: the same page works under the policy it is sent with."""
    for path in ("/", "/?since=x", "/nothing", "/problems/not-found"):
        answer = await reader.get(path, headers=BROWSER)
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        check_policy(html.document_fromstring(answer.text))
    for name in ("page.css", "overview.css", "chart.js", "copy.js", "viewer.js"):
        assert not re.search(r"https?://|@import|eval\(", (await reader.get(f"/static/{name}")).text)
    assert "unsafe" not in CONTENT_SECURITY_POLICY


async def test_the_page_is_well_made(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader)
    check_structure(page)
    ids = {element.get("id") for element in page.iter("*")}
    targets = {a.get("href") for a in page.iter("a")}
    for target in targets:
        path, _, fragment = target.partition("#")
        assert not fragment or fragment in ids, target
        if path and not path.startswith(("/chart.svg", "/chart.png")):  # those are drawn in their own test
            assert (await reader.get(path)).status_code == 200, target


async def test_a_date_that_does_not_fit_is_explained_beside_its_field(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/?since=2026-31-31&compare=year", headers=BROWSER)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    assert page.findtext(".//title", "").startswith("Error: ")
    assert "There is a problem" in answer.text
    field = page.get_element_by_id("since")
    assert (field.get("value"), field.get("aria-invalid")) == ("2026-31-31", "true")
    assert by_class(page, "problem").find('.//a[@href="#since"]') is not None
    assert (await reader.get("/?colour=red")).status_code == 422


async def test_an_empty_service_says_what_to_do(tmp_path: Path, config_dir: Path) -> None:
    services = make_services(tmp_path, config_dir)
    async with client_of(services) as client:
        page = await page_of(client)
        assert text_of(page.find(".//h1")) == "No sources yet."
        assert "trendmonitor sources add" in text_of(page)
        steps = [text_of(one) for one in by_class(page, "steps")]
        assert [one.partition(".")[0] for one in steps] == [
            "Add a source", "Load the bundled ones", "Look around first",
        ]  # fmt: skip
        assert "trendmonitor apply" in steps[1]
        assert "make demo" in steps[2]
        scripts = [one.get("src").partition("?")[0] for one in page.findall(".//script[@src]")]
        assert scripts == ["/static/htmx.min.js", "/static/viewer.js"], "no chart, so nothing that draws one"
        check_structure(page)
    services.close()


async def test_browsers_get_errors_as_pages_and_programs_as_problems(reader: httpx.AsyncClient) -> None:
    page = await reader.get("/nothing/here", headers=BROWSER)
    assert page.status_code == 404
    assert "<h1>" in page.text
    program = await reader.get("/nothing/here")
    assert program.status_code == 404
    assert program.headers["content-type"] == "application/problem+json"
    under_api = await reader.get("/api/v1/nothing", headers=BROWSER)
    assert under_api.headers["content-type"] == "application/problem+json"
    wrong = await reader.post("/", headers=BROWSER)
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET"
    assert (await reader.put("/api/v1/sources/wire")).headers["allow"] == "DELETE, GET, PATCH"
    assert (await reader.put("/api/v1/sources/opml")).headers["allow"] == "GET, POST"
    assert (await reader.put("/api/v1/trends")).headers["allow"] == "GET, HEAD"


async def test_a_fault_of_ours_is_a_page_without_its_inside(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(services.store, "sources", broken)
    with capture_logs() as logged:
        async with client_of(services) as client:
            for headers in (BROWSER, {}):
                answer = await client.get("/", headers=headers)
                assert answer.status_code == 500
                assert "secret inside" not in answer.text
                assert answer.headers["content-security-policy"]
    assert [(entry["event"], str(entry["exc_info"])) for entry in logged] == [("request_failed", "secret inside")] * 2


@pytest.mark.parametrize("slug", KINDS)
async def test_every_kind_of_problem_has_its_page(reader: httpx.AsyncClient, slug: str) -> None:
    answer = await reader.get(f"/problems/{slug}")
    assert answer.status_code == 200
    assert html.document_fromstring(answer.text).findtext(".//h1") == KINDS[slug].title


async def test_static_files_are_kept_by_the_browser_only_under_their_hash(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader)
    address = page.find('.//link[@rel="stylesheet"]').get("href")
    assert "immutable" in (await reader.get(address)).headers["cache-control"]
    assert (await reader.get("/static/page.css")).headers["cache-control"] == "no-cache"
    assert len((await reader.get(address)).content) <= 12_000
    assert (await reader.get("/static/nothing.css")).status_code == 404
