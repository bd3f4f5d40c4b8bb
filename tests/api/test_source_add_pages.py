"""Adding sources on pages: by a pasted address, by a list of feeds, and what is said when nothing can be had."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from lxml import html

from api.dashboard.sources import add as source_add
from api.dashboard.sources import form as source_form
from api.dashboard.sources.address import address_of, same_address
from collectors import registry
from collectors.base import Source
from monitor.adding import Found, Step, Way, look_around
from monitor.bootstrap import Services
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of
from tests.api.support import NOW, client_of

FORM = {"Content-Type": "application/x-www-form-urlencoded", **BROWSER}
OPML = """<?xml version="1.0"?><opml version="2.0"><body>
<outline type="rss" text="Ward" xmlUrl="https://ward.example/feed.xml"/>
<outline type="rss" text="Wire" xmlUrl="https://wire.example/feed"/>
<outline type="rss" text="&lt;script&gt;" xmlUrl="ftp://old.example/feed"/>
</body></opml>"""


def add_path(**fields: str) -> str:
    return f"/sources/add?{urlencode(fields)}"


def words_of(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split()).replace("\u00a0", " ")


async def save(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await client.post(path, content=urlencode({"do": "save", **fields}), headers=FORM)


# --- finding ---------------------------------------------------------------------------------------------------------


async def test_paste_find_preview_save(client: httpx.AsyncClient, services: Services, site: str) -> None:
    page = await page_of(client, add_path(url=f"{site}/"))
    check_structure(page)
    check_policy(page)
    found = words_of(page.get_element_by_id("found"))
    assert "One way to collect it" in found
    assert "Ward news feed (rss20), 2 items, newest 1 day ago, language not told; named by the page" in found
    assert page.get_element_by_id("way-1").get("checked") is not None
    rows = [words_of(row) for row in by_class(page, "previewed").iterfind(".//tbody/tr")]
    assert len(rows) == 2
    assert rows[0].startswith("Telehealth visits rise 17 November 2026, 08:00 UTC News Other Telehealth")
    assert page.get_element_by_id("url").get("value") == f"{site}/feed.xml"
    assert page.get_element_by_id("name").get("value") == "Ward news"
    action = page.xpath('//main//form[@method="post"]/@action')[0]
    assert services.store.source("127-0-0-1-feed") is None
    sent = {one.get("name"): one.value for one in page.xpath('//form[@method="post"]//input[@type="text"]')}
    answer = await save(client, action, **sent, content_type="news", **{"audience.nurses": "on"})
    assert answer.status_code == 303, words_of(html.fromstring(answer.text))
    page = await page_of(client, answer.headers["location"])
    assert "It is tracked from now on." in text_of(by_class(page, "notice"))
    made = services.store.source(answer.headers["location"].removeprefix("/sources/").partition("?")[0])
    assert made is not None
    assert (made.source.url, made.source.name, made.source.audience) == (f"{site}/feed.xml", "Ward news", ("nurses",))
    assert not made.state.verified


async def test_what_is_tracked_already_is_said_before_anything_is_asked(client: httpx.AsyncClient) -> None:
    page = await page_of(client, add_path(url="http://www.wire.example/feed/"))
    assert text_of(by_class(page, "notice")) == "This is tracked already, as Wire (wire)."
    assert page.xpath('//main//a[@href="/sources/wire"]')
    assert not page.xpath('//form[@method="post"]')


async def test_a_candidate_that_is_tracked_links_to_its_source(
    client: httpx.AsyncClient, services: Services, site: str
) -> None:
    services.store.add_source(Source("ward", "feed", "web", f"{site}/feed.xml", "Ward"), NOW)
    page = await page_of(client, add_path(url=f"{site}/"))
    assert "Tracked already as Ward" in words_of(page.get_element_by_id("found"))
    assert not page.xpath('//form[@method="post"]')
    pick = f"feed {site}/feed.xml"
    answer = await save(client, add_path(url=f"{site}/", pick=pick), url=f"{site}/feed.xml", id="again")
    assert answer.status_code == 409
    assert "This is tracked already" in answer.text


async def test_a_page_without_a_feed_says_what_was_tried(client: httpx.AsyncClient, site: str) -> None:
    page = await page_of(client, add_path(url=f"{site}/feed.xml/none"))
    check_structure(page)
    said = words_of(page.find(".//main"))
    assert "Nothing was found that can be collected" in said
    assert "404" in said
    tried = words_of(page.get_element_by_id("found").find("./details"))
    assert "✕ The address, feeds that its page names, usual places of feeds" in tried
    assert "http_404" in tried
    assert not page.xpath('//form[@method="post"]')


@pytest.mark.parametrize("pasted", ["", "   ", "@nurse", "ftp://x.example/feed", "two words", "nothing", "https://", "javascript:alert(1)"])  # fmt: skip
async def test_what_is_no_address_is_refused_beside_the_field(client: httpx.AsyncClient, pasted: str) -> None:
    answer = await client.get(add_path(url=pasted), headers=BROWSER)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    assert (page.find(".//title").text or "").startswith("Error: ")
    assert text_of(page.get_element_by_id("url-error"))
    assert page.get_element_by_id("url").get("value") == pasted.strip()
    check_structure(page)


def test_addresses_are_taken_as_people_paste_them() -> None:
    for pasted in ("who.int/news", " who.int/news ".strip(), "//who.int/news", "https://who.int/news"):
        assert address_of(pasted) == ("https://who.int/news", [])
    assert address_of("feed:https://who.int/x")[0] == "https://who.int/x"
    assert same_address([], "https://who.int") is None


async def test_another_site_cannot_make_the_service_look(client: httpx.AsyncClient, site: str) -> None:
    answer = await client.get(add_path(url=site), headers={**BROWSER, "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert (await client.get("/sources/add?bogus=1", headers=BROWSER)).status_code == 422


async def test_choosing_another_candidate_does_not_ask_the_site_again(
    client: httpx.AsyncClient, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = look_around

    async def counted(*args: object) -> Found:
        asked.append(str(args[-1]))
        return await real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(source_add, "look_around", counted)
    await page_of(client, add_path(url=site))
    page = await page_of(client, add_path(url=site, pick=f"feed {site}/feed.xml"))
    assert "One way to collect it" in words_of(page.find(".//main"))
    assert len(asked) == 1


async def test_of_several_candidates_one_is_chosen(
    client: httpx.AsyncClient, services: Services, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "<script>alert(1)</script> +1 202 555 0143"
    ways = tuple(
        Way(
            {"id": f"w{n}", "collector": "feed", "url": f"{site}{path}"},
            title,
            "named by the page",
            "rss20",
            2,
            NOW,
            "en",
        )
        for n, (path, title) in enumerate((("/nothing.xml", hostile), ("/feed.xml", "All news")))
    )

    async def found(*_: object) -> Found:
        return Found(ways, (Step("The address", "Found 2 feeds.", True),))

    monkeypatch.setattr(source_add, "look_around", found)
    answer = await client.get(add_path(url=site), headers=BROWSER)
    page = html.document_fromstring(answer.text)
    check_structure(page)
    check_policy(page)
    assert "<script>alert" not in answer.text
    assert "555 0143" not in answer.text
    assert "2 ways to collect it" in words_of(page.get_element_by_id("found"))
    assert page.get_element_by_id("way-1").get("checked") is not None
    assert "404" in words_of(page.get_element_by_id("preview"))
    (button,) = page.get_element_by_id("found").findall(".//form//button")
    assert text_of(button) == "Preview the chosen one"
    page = await page_of(client, add_path(url=site, pick=page.get_element_by_id("way-2").get("value")))
    assert page.get_element_by_id("way-2").get("checked") is not None
    assert page.get_element_by_id("url").get("value") == f"{site}/feed.xml"
    assert "Telehealth visits rise" in words_of(page.get_element_by_id("preview"))


async def test_a_search_that_takes_too_long_ends_in_words(
    client: httpx.AsyncClient, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_add, "LOOKS", 0.0)
    page = await page_of(client, add_path(url=site))
    assert "127.0.0.1 took longer than 0 seconds. It is not asked again until you do." in words_of(page.find(".//main"))


async def test_a_platform_without_its_key_says_which_one(services: Services, site: str) -> None:
    found = await look_around(services.previews, (), services.config.platforms, set(), f"{site}/")
    assert [way.mapping["collector"] for way in found.ways] == ["feed"]
    from dataclasses import replace

    from monitor.config_platform import Route

    youtube = replace(
        services.config.platforms["youtube"], hosts=("127.0.0.1",), routes=(Route("youtube", "Videos", "verified", True),)
    )  # fmt: skip
    found = await look_around(services.previews, (), {"youtube": youtube}, set(), f"{site}/@who")
    assert found.steps[0].what == "YouTube: youtube"
    assert not found.steps[0].found


# --- the form --------------------------------------------------------------------------------------------------------


async def test_every_collector_has_a_form_with_its_options(client: httpx.AsyncClient, services: Services) -> None:
    for name in registry.names():
        options = source_form.options_of(name, {})
        assert [one["field"].removeprefix("options.") for one in options] == sorted(registry.get(name).options)
    page = await page_of(client, "/sources/add?collector=gdelt")
    check_structure(page)
    assert page.get_element_by_id("options.query").tag == "input"
    assert page.get_element_by_id("options.days").get("inputmode") == "decimal"
    page = await page_of(client, "/sources/add?collector=nothing")
    assert "There is no collector 'nothing'." in words_of(page.find(".//main"))


async def test_options_that_do_not_fit_are_told_beside_their_fields(client: httpx.AsyncClient) -> None:
    path = "/sources/add?collector=sitemap"
    fields = {"id": "map", "url": "https://x.example/sitemap.xml", "options.days": "many", "options.titles": "true"}
    answer = await save(client, path, **fields, platform="web")
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    check_structure(page)
    assert [one.get("href") for one in by_class(page, "problem").iter("a")] == ["#options.days"]
    assert "is not a whole number" in text_of(page.get_element_by_id("options.days-error"))
    assert page.get_element_by_id("options.days").get("value") == "many"
    assert page.xpath('//select[@id="options.titles"]/option[@selected]/@value') == ["true"]


def test_what_is_typed_becomes_the_mapping_that_is_checked() -> None:
    form = {
        "url": "https://x.example/sitemap.xml", "id": "x", "options.titles": "false", "options.days": "3",
        "options.under": "/news/\n\n/press/ ", "audience.nurses": "on", "country": "de", "language": "EN",
    }  # fmt: skip
    mapping = source_form.mapping_of(form, "sitemap")
    assert mapping["options"] == {"titles": False, "days": 3, "under": ["/news/", "/press/"]}
    assert (mapping["country"], mapping["language"], mapping["audience"]) == ("DE", "en", ["nurses"])
    again = source_form.values_of(mapping)
    assert source_form.mapping_of(again, "sitemap") == mapping


async def test_ids_that_are_taken_or_words_of_pages_are_refused(client: httpx.AsyncClient) -> None:
    path = "/sources/add?collector=feed"
    for taken in ("wire", "add", "opml"):
        answer = await save(client, path, id=taken, url="https://new.example/feed", platform="web")
        assert answer.status_code == 422, taken
        page = html.document_fromstring(answer.text)
        assert text_of(page.get_element_by_id("id-error"))
        assert page.get_element_by_id("id").get("value") == taken
    assert (await save(client, path, id="new", url="", platform="web")).status_code == 422
    assert (await save(client, "/sources/add", id="new", url="https://new.example/feed")).status_code == 422
    answer = await save(client, path, id="", url="https://new.example/feed", platform="web")
    assert answer.headers["location"] == "/sources/new-example?done=added"


async def test_a_preview_is_made_of_what_the_form_holds_now(
    client: httpx.AsyncClient, services: Services, site: str
) -> None:
    path = add_path(url=site, pick=f"feed {site}/feed.xml")
    fields = {"url": f"{site}/feed.xml", "id": "ward", "content_type": "podcast", "language": "de"}
    answer = await save(client, path, **{**fields, "do": "preview"})
    page = html.document_fromstring(answer.text)
    rows = [words_of(row) for row in by_class(page, "previewed").iterfind(".//tbody/tr")]
    assert "Podcast" in rows[0]
    assert page.xpath('//select[@id="content_type"]/option[@selected]/@value') == ["podcast"]
    assert services.store.source("ward") is None
    answer = await client.post("/sources/wire/edit", content=urlencode({**fields, "do": "preview"}), headers=FORM)
    assert answer.status_code == 200
    assert "Telehealth visits rise" in answer.text
    found = services.store.source("wire")
    assert found is not None
    assert found.source.url == "https://wire.example/feed"


# --- lists of feeds --------------------------------------------------------------------------------------------------


async def test_a_list_of_feeds_is_brought_as_a_file_or_pasted(client: httpx.AsyncClient, services: Services) -> None:
    answer = await client.post(
        "/sources/opml",
        files={"file": ("feeds.opml", OPML.encode(), "text/x-opml"), "opml": (None, b"")},
        headers=BROWSER,
    )
    page = html.document_fromstring(answer.text)
    check_structure(page)
    assert text_of(page.find(".//h1")) == "1 feed is tracked from now on; 1 known already, 1 left out."
    said = words_of(page.find(".//main"))
    assert "Added (1) ward-example-feed" in said
    assert "Tracked already (1) https://wire.example/feed" in said
    assert "Left out (1)" in said
    assert "<script>" not in answer.text.partition("<main")[2]
    assert services.store.source("ward-example-feed") is not None
    again = await client.post(
        "/sources/opml", files={"file": ("", b""), "opml": (None, OPML.encode())}, headers=BROWSER
    )
    assert "0 feeds are tracked from now on; 2 known already" in again.text


async def test_what_is_no_list_of_feeds_is_refused(client: httpx.AsyncClient) -> None:
    files = {"file": ("", b""), "opml": (None, b"<html>hello</html>")}
    answer = await client.post("/sources/opml", files=files, headers=BROWSER)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    assert "This is not OPML" in text_of(page.get_element_by_id("opml-error"))
    assert page.get_element_by_id("opml").text.strip() == "<html>hello</html>"
    empty = await client.post("/sources/opml", files={"file": ("", b""), "opml": (None, b"")}, headers=BROWSER)
    assert empty.status_code == 422
    assert (await client.post("/sources/opml", content="opml=x", headers=FORM)).status_code == 415
    unknown = await client.post("/sources/opml", files={"bogus": (None, b"x")}, headers=BROWSER)
    assert unknown.status_code == 422
    for body in (b"", b"--x\r\nnothing", b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut'):
        headers = {**BROWSER, "Content-Type": "multipart/form-data; boundary=x"}
        assert (await client.post("/sources/opml", content=body, headers=headers)).status_code == 400


async def test_a_file_comes_through_byte_by_byte() -> None:
    from api.dashboard.sources.opml import _parts

    body = bytes(range(256)) + b"\r\n\r\n--x"
    sent = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: x\r\n\r\n' + body
    assert _parts(sent + b"\r\n--b--\r\n", b"b") == {"file": body}


def test_in_a_browser_a_source_is_added_without_scripts(services: Services, site: str, tmp_path: Path) -> None:
    with serving(services) as address, driving(tmp_path) as tab:
        tab.open(f"{address}/sources/add", scripts=False)
        tab.write("#url", f"{site}/")
        tab.press('main form[action="/sources/add"] button')
        assert "Telehealth visits rise" in tab.text
        tab.write("#name", "Ward of the day")
        tab.press('button[value="save"]')
        assert tab.path.startswith("/sources/127-0-0-1")
        assert "It is tracked from now on." in tab.text
        assert "Ward of the day" in tab.text
        tab.press('form[action$="/collect"] button')
        assert "2 new posts." in tab.text
        tab.resize(390)
        assert tab.overflow == 0
        assert not tab.console


async def test_reading_keys_are_told_to_log_in_before_anything_is_looked_at(services: Services, site: str) -> None:
    key = services.store.create_key("reader", "read", NOW)
    async with client_of(services) as client:
        answer = await client.get(add_path(url=site), headers={**BROWSER, "Authorization": f"Bearer {key}"})
    page = html.document_fromstring(answer.text)
    assert page.xpath('//main//a[@href="/login"]')
    assert "Telehealth" not in answer.text
