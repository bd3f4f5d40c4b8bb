"""One visitor's way through the whole service, as the pages name its parts: by labels, headings, links and buttons.

Nothing is told by address or by class: what cannot be found by its visible name cannot be found by a reader either.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from monitor.bootstrap import Services
from tests.api.browser import serving
from tests.api.support import SOURCES, Site, fill, make_services


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The site that the visitor adds: a page that names its feed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[Services]:
    """Two weeks of posts, and everything of the project's config/ but its sources."""
    folder = tmp_path_factory.mktemp("walk")
    shutil.copytree("config", folder / "config")
    (folder / "config" / "sources.yaml").write_text(SOURCES)
    (folder / "home").mkdir()
    (folder / "home" / "cache").symlink_to(drawn)
    made = make_services(folder / "home", folder / "config")
    fill(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def visitor(services: Services, browser: Browser) -> Iterator[Page]:
    with serving(services) as address:
        context = browser.new_context(locale="en-GB", timezone_id="UTC", base_url=address, accept_downloads=True)
        context.set_default_timeout(15_000)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.goto("/")
        yield page
        context.close()
        assert faults == []


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True)).to_have_attribute(
        "aria-current", "page"
    )


def main(page: Page) -> str:
    return " ".join(page.get_by_role("main").inner_text().split())


def test_the_visitor_finds_the_overview_and_the_way_to_every_part(visitor: Page) -> None:
    expect(visitor.get_by_role("heading", level=1)).to_be_visible()
    for part in ("Trends", "Claims", "Posts", "Sources", "Platforms", "Digests", "Signals", "Settings", "Overview"):
        go(visitor, part)
        expect(visitor.get_by_role("heading", level=1)).to_have_count(1)


def test_adds_a_source_from_a_pasted_address_after_seeing_what_it_would_bring(visitor: Page, site: str) -> None:
    go(visitor, "Sources")
    visitor.get_by_role("main").get_by_role("link", name="Add a source").first.click()
    visitor.get_by_label("Web address of a page, feed, channel or account").fill(f"  {site}/ ")
    visitor.get_by_role("button", name="Find").click()
    expect(visitor.get_by_role("heading", name="Preview")).to_be_visible()
    expect(visitor.get_by_role("region", name="Preview, table")).to_contain_text("Telehealth visits rise")
    visitor.get_by_label("Name", exact=True).fill("Ward news by hand")
    visitor.get_by_role("button", name="Save").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Ward news by hand")


def test_watches_it_collect(visitor: Page) -> None:
    visitor.get_by_role("button", name="Collect now").click()
    expect(visitor.get_by_role("status").filter(has_text=re.compile("visited just now", re.I))).to_be_visible()
    expect(visitor.get_by_role("heading", name="Visits")).to_be_visible()
    visitor.get_by_role("link", name=re.compile(r"^2 posts")).click()
    expect(visitor.get_by_role("heading", name="Telehealth visits rise")).to_be_visible()


def test_explores_how_the_posts_are_split_and_reads_the_numbers_behind_the_chart(visitor: Page) -> None:
    go(visitor, "Trends")
    visitor.get_by_role("combobox", name="Split by").select_option("audience")
    expect(visitor.get_by_role("heading", level=1)).to_contain_text(re.compile("audience", re.I))
    expect(visitor).to_have_url(re.compile("by=audience"))
    visitor.get_by_role("combobox", name="Interval").select_option("day")
    expect(visitor.locator("figure .drawn svg").first).to_be_visible()
    visitor.get_by_text(re.compile(r"^Table \(")).click()
    expect(visitor.get_by_role("main").get_by_role("table").first).to_contain_text("Nurses")
    reached = visitor.url
    heading = visitor.get_by_role("heading", level=1).inner_text()
    visitor.goto(reached)
    expect(visitor.get_by_role("heading", level=1)).to_have_text(heading)


def test_searches_the_posts(visitor: Page) -> None:
    go(visitor, "Posts")
    visitor.get_by_label("Words in title or text").fill("telehealth")
    visitor.get_by_role("button", name="Search").click()
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("1 post")
    expect(visitor.get_by_role("article")).to_have_count(1)


def test_exports_what_was_found(visitor: Page, tmp_path: Path) -> None:
    with visitor.expect_download() as download:
        visitor.get_by_role("main").get_by_role("link", name=re.compile("CSV")).first.click()
    kept = tmp_path / "posts.csv"
    download.value.save_as(kept)
    with kept.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["title"] for row in rows] == ["Telehealth visits rise"]
    assert "jane@ward.example" not in kept.read_text(), "addresses of people are masked"


def test_corrects_a_tag_and_sees_it_counted(visitor: Page) -> None:
    visitor.get_by_role("article").get_by_role("heading").get_by_role("link").click()
    expect(visitor.get_by_role("heading", name="Telehealth visits rise", level=1)).to_be_visible()
    visitor.get_by_text("Correct or confirm Content type").click()
    visitor.get_by_label("Content type", exact=True).select_option(label="Video")
    visitor.get_by_label("Your name or initials").locator("visible=true").fill("AB")
    visitor.get_by_role("button", name="Save").locator("visible=true").click()
    expect(visitor.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    assert "AB said Video" in main(visitor)


def test_reads_a_claim_and_why_it_is_judged_so(visitor: Page) -> None:
    go(visitor, "Claims")
    visitor.get_by_role("table").get_by_role("link").first.click()
    expect(visitor.get_by_role("heading", level=1)).to_be_visible()
    assert re.search(
        r"Supported|Contradicted|Inconclusive|Not enough data|Cannot be measured|Not measurable", main(visitor)
    )


def test_defines_a_digest_and_previews_it_before_it_is_kept(visitor: Page) -> None:
    go(visitor, "Digests")
    visitor.get_by_role("main").get_by_role("link", name=re.compile("new digest|make a digest", re.I)).first.click()
    visitor.get_by_label("Title", exact=True).fill("What nurses read")
    visitor.get_by_label("Schedule", exact=True).fill("weekly on monday 08:00")
    visitor.get_by_label("Nurses").check()
    visitor.get_by_role("button", name="Preview").locator("visible=true").first.click()
    preview = visitor.get_by_role("region", name="Preview", exact=True)
    expect(preview).to_contain_text("What nurses read")
    visitor.get_by_role("button", name="Save").click()
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("What nurses read")
    go(visitor, "Digests")
    expect(visitor.get_by_role("main")).to_contain_text("What nurses read")
