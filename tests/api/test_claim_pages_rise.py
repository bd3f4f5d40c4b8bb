"""The claim pages over a real ledger: imported posts of which more and more are videos, in every source alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from api.dashboard.claims import words as claim_words
from api.dashboard.claims.words import VERDICT_WORDS
from monitor.bootstrap import Services
from tests.api.pages import by_class, check_policy, check_structure, page_of, rows_of, text_of, tiles_of
from tests.api.support import client_of, make_services
from tests.support.claims import SOURCES, WEEKS, import_rise

VIDEO = "/claims/video-rising"


@pytest.fixture(scope="module")
def risen(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, config_dir: Path) -> Iterator[Services]:
    """A service with its own ledger on imported posts of which more and more are videos."""
    home = tmp_path_factory.mktemp("risen")
    import_rise(home, sqlite_template)
    services = make_services(home, config_dir)
    yield services
    services.close()


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


async def test_the_ledger_of_a_rise_reads_as_the_api_answers(risen: Services) -> None:
    async with client_of(risen) as client:
        page = await page_of(client, "/claims")
        document = (await client.get("/api/v1/claims")).json()
        assert text_of(page.find(".//h1")) == claim_words.lead_of(document["counts"])
        rows = rows_of(page)
        assert set(rows) == {claim.id for claim in risen.config.claims.claims}
        for claim in document["claims"]:
            assert VERDICT_WORDS[claim["verdict"]].name in text_of(by_class(rows[claim["id"]], "tag"))
            one = await page_of(client, f"/claims/{claim['id']}")
            assert text_of(one.find(".//h1")) == claim["says"]
            check_policy(one)
            check_structure(one)


async def test_a_rise_is_supported_on_its_page_with_weeks_posts_and_history(risen: Services) -> None:
    async with client_of(risen) as client:
        page = await page_of(client, VIDEO)
        answer = (await client.get(f"/api/v1{VIDEO}")).json()
        assert text_of(by_class(page, "tag")) == "✓ Supported"
        effect = answer["effect"]
        assert effect["low"] > 0
        shown = tiles_of(page)["Change"]
        assert (
            shown
            == f"{plain(claim_words.effect_words(effect))}95 % interval {plain(claim_words.interval_words(effect))}"
        )
        assert shown.partition(" ")[0] in answer["finding"], "page and sentence round alike"
        assert f"{len(SOURCES)} of {len(SOURCES)} sources were observed throughout {WEEKS} weeks." in text_of(page)
        assert len(page.get_element_by_id("weeks").findall(".//tbody/tr")) == WEEKS
        posts = (await client.get(f"/api/v1{VIDEO}/evidence?limit=10")).json()["posts"]
        assert [one.find("h3/a").get("href") for one in page.find_class("post")] == [post["url"] for post in posts]
        assert text_of(page.get_element_by_id("history").findall(".//tbody/tr")[0]).count("Supported") == 1
        for link in by_class(page, "data").iter("a"):
            if not link.get("href").startswith("/claims/"):  # pictures have their own test
                assert (await client.get(link.get("href"))).status_code == 200, link.get("href")


async def test_an_earlier_day_knows_less(risen: Services) -> None:
    day = date(2026, 3, 2)
    async with client_of(risen) as client:
        page = await page_of(client, f"{VIDEO}?as_of={day}")
    assert text_of(by_class(page, "tag")) == "… Not enough data yet", "42 weeks are too few for a trend"
    assert "Computed again as of 2 March 2026" in text_of(page)
