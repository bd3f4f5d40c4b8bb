"""Markup and script in every field of posts, feeds and names, on every page that shows them: it stays text.

The pages' own policy would stop most of it. It is switched off here, so that what is proved is that nothing gets
through to it; that the policy holds is proved with the other qualities.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from urllib.parse import quote, urlencode

import httpx
import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

from collectors.base import Source
from monitor.archive import import_file
from monitor.bootstrap import Services
from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.settings import Settings
from tests.api.browser import serving
from tests.api.pages import BROWSER
from tests.browser.addresses import POST, leads
from tests.browser.hostile import ATTACKS, MARK, HostileSite, record
from tests.browser.probing import own, settle

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
POSTS = 44
NAME = f"Name {MARK}{ATTACKS[1]}{ATTACKS[5]}"


def fill(services: Services, folder: Path) -> None:
    services.apply()
    for source in ("bad", "worse"):
        services.store.add_source(
            Source(source, "archive", "web", "javascript:window.__hit = 9", NAME, "news", audience=("nurses",)),
            NOW - timedelta(days=60),
        )
    path = folder / "bad.jsonl"
    lines = [
        record(("bad", "worse")[at % 2], at, (NOW - timedelta(hours=7 * at + 5)).isoformat()) for at in range(POSTS)
    ]
    path.write_bytes(b"\n".join(orjson.dumps(one) for one in lines))
    report = import_file(
        path, store=services.store, recipe=services.recipe, reject_dir=folder, clock=services.clock, workers=0
    )
    assert report.imported == POSTS
    services.digests.create(
        DigestSpec("bad", NAME[:120], "weekly on monday 08:00 UTC", (ChannelSpec("file", ("bad",)),))
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hostile")
    config = folder / "config"
    shutil.copytree("config", config)
    (config / "sources.yaml").write_text("sources: []\n")
    topics = config / "taxonomy" / "care.yaml"
    topics.write_text(topics.read_text().replace("label: Telehealth\n", f"label: '{MARK}'\n"))
    (folder / "home").mkdir()
    (folder / "home" / "cache").symlink_to(drawn)
    settings = Settings(
        home=folder / "home", config=config, allow_nets=(ip_network("127.0.0.0/8"),), pace_seconds=0, collect_workers=0
    )
    services = Services(settings, clock=lambda: NOW)
    services.last_tick = NOW
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(fill, services, folder).result()
    with serving(services) as address:
        yield address
    services.close()


class Tab:
    """A tab of a browser that ignores the policy of pages, and writes down everything that would be a hit."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.hits: list[str] = []
        page.on("dialog", lambda one: (self.hits.append(f"dialog {one.message}"), one.dismiss()))
        page.on("request", lambda one: None if own(one.url, base) else self.hits.append(one.url))
        page.on("framenavigated", lambda one: None if own(one.url, base) else self.hits.append(f"went to {one.url}"))
        page.on("popup", lambda one: self.hits.append("a window was opened"))

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)
        settle(self.page)
        self.check(path)

    def check(self, path: str) -> None:
        self.page.evaluate("() => document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
        become = self.page.evaluate(
            # Only what an attack would make: addresses of our own may hold its words, quoted
            """() => [...document.querySelectorAll('[onerror], [onload], [onfocus], [onmouseover], iframe, object, base,'
            + ' [href*="script:" i]:not([href^="/"]), [href^="data:"], [src*="//evil"], [data-hx-on\\\\:click], meta[http-equiv],'
            + ' [hx-get^="http"], [action^="//"], link[href^="//"]')].map((one) => one.outerHTML)"""
        )
        assert become == [], f"{path}: markup of a post became part of the page"
        assert self.page.evaluate("window.__hit") is None, f"{path}: a script of a post ran"
        assert self.hits == [], path


@pytest.fixture(scope="module")
def tab(browser: Browser, served: str) -> Iterator[Tab]:
    context = browser.new_context(bypass_csp=True, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(20_000)
    page = context.new_page()
    yield Tab(page, served)
    context.close()


@pytest.fixture(scope="module")
def post(served: str) -> list[str]:
    """Addresses of posts, each with another attack in its id."""
    found = []
    page = httpx.get(f"{served}/posts", headers=BROWSER, timeout=60).text
    while len(found) < 6 and (link := leads([page], POST)):
        found.append(link)
        page = page.replace(f'href="{link}"', "")
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/posts",
        "/posts?q=telehealth&order=relevance",
        "/posts?q=" + quote(MARK),
        "/sources",
        "/sources?q=name",
        "/sources/bad",
        "/sources/bad/edit",
        "/sources/bad/remove",
        "/trends?by=source",
        "/trends?metric=share&by=topic",
        "/digests",
        "/digests/bad",
    ],
)
def test_what_posts_and_names_hold_is_seen_as_text(path: str, tab: Tab) -> None:
    tab.open(path)
    shown = tab.page.locator("main").inner_text()
    typed = tab.page.locator("main").evaluate(
        "(main) => [...main.querySelectorAll('input, textarea')].map((one) => one.value).join()"
    )
    assert MARK in shown + typed, shown


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/claims",
        "/claims/telehealth-rising",
        "/signals",
        "/settings",
        "/platforms/web",
        "/digests/bad/preview",
        "/digests/new",
        "/api/v1/digests/bad/atom",
        "/login?" + urlencode({"next": "//evil.example/" + MARK}),
        "/login?" + urlencode({"next": "javascript:window.__hit=9"}),
        "/trends?" + urlencode({"metric": MARK}),
        "/trends?" + urlencode({"source": MARK, "by": "source"}),
        "/posts?" + urlencode({"since": ATTACKS[3]}),
        "/posts?" + urlencode({ATTACKS[0]: "1"}),
        "/sources/" + quote(ATTACKS[0], safe=""),
        "/claims/" + quote(ATTACKS[1], safe=""),
        "/problems/" + quote(ATTACKS[1], safe=""),
        "/sources/add?" + urlencode({"collector": MARK}),
        "/" + quote(ATTACKS[4], safe=""),
    ],
)  # fmt: skip
def test_nothing_of_it_runs_or_is_fetched_on_other_pages_and_in_refusals(path: str, tab: Tab) -> None:
    tab.open(path)


def test_a_post_is_shown_whole_and_its_links_lead_only_to_the_web(post: list[str], tab: Tab) -> None:
    assert len(post) == 6
    for path in post:
        tab.open(path)
        assert MARK in tab.page.locator("main").inner_text()
        out = tab.page.locator("main a[rel~=noopener]")
        for link in out.all():
            assert (link.get_attribute("href") or "").startswith(("http://", "https://"))


def test_a_name_under_the_pointer_in_a_chart_stays_text(tab: Tab) -> None:
    tab.open("/trends?by=source&interval=day")
    drawing = tab.page.locator("figure.chart .drawn svg").first
    expect(drawing).to_be_visible()
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box is not None
    for part in range(1, 12):
        tab.page.mouse.move(box["x"] + box["width"] * part / 12, box["y"] + box["height"] * (0.3 + part % 4 / 8))
    tab.check("under the pointer")


def test_what_a_visitor_types_comes_back_as_text(post: list[str], tab: Tab) -> None:
    tab.open(post[0])
    tab.page.get_by_text("Correct or confirm Content type").click()
    tab.page.get_by_label("Your name or initials").locator("visible=true").first.fill(MARK)
    tab.page.get_by_label("Why (not needed)").locator("visible=true").first.fill("".join(ATTACKS)[:500])
    tab.page.get_by_role("button", name="Save").locator("visible=true").first.click()
    tab.check("a label")
    tab.open("/digests/new")
    tab.page.get_by_label("Title", exact=True).fill(f"Digest {MARK}")
    tab.page.get_by_label("Schedule", exact=True).fill(ATTACKS[3])
    tab.page.get_by_role("button", name="Save").click()
    expect(tab.page.get_by_role("alert")).to_be_visible()
    tab.check("a digest")
    assert tab.page.get_by_label("Schedule", exact=True).input_value() == ATTACKS[3]


def test_a_hostile_feed_is_previewed_tracked_and_collected_as_text(tab: Tab) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), HostileSite)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        tab.open("/sources/add?" + urlencode({"url": f"http://127.0.0.1:{server.server_port}/"}))
        expect(tab.page.get_by_role("heading", name="Preview")).to_be_visible()
        tab.page.get_by_label("Id", exact=True).fill("fed")
        tab.page.get_by_label("Name", exact=True).fill(f"Fed {MARK}")
        tab.page.get_by_role("button", name="Save").click()
        tab.check("saved")
        tab.page.get_by_role("button", name="Collect now").click()
        tab.check("collected")
        tab.open("/posts?source=fed")
        assert tab.page.get_by_role("article").count() >= 10
        assert f"Fed {MARK}" in tab.page.locator("main").inner_text()
        tab.open("/sources/fed")
    finally:
        server.shutdown()
        server.server_close()
