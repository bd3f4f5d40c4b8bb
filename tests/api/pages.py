"""What every page of the dashboard must keep, and how tests read one."""

from __future__ import annotations

import re
from collections import Counter

import httpx
from lxml import html

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def page_of(client: httpx.AsyncClient, path: str = "/") -> html.HtmlElement:
    answer = await client.get(path, headers=BROWSER)
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    return html.document_fromstring(answer.text)


def by_class(page: html.HtmlElement, name: str) -> html.HtmlElement:
    return page.find_class(name)[0]


def text_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def rows_of(page: html.HtmlElement) -> dict[str, html.HtmlElement]:
    """Rows of the claim ledger by the claim they lead to, in their order."""
    links = {row.find("./th/a"): row for row in by_class(page, "claims").iterfind(".//tr")}
    return {link.get("href").removeprefix("/claims/"): row for link, row in links.items() if link is not None}


def tiles_of(page: html.HtmlElement) -> dict[str, str]:
    return {text_of(one.find("dt")): text_of(one.find("dd")) for one in by_class(page, "tiles").findall("div")}


def check_policy(page: html.HtmlElement) -> None:
    """Nothing inline, and nothing loaded from elsewhere: it works under the policy that it is sent with."""
    for element in page.iter("*"):
        assert "style" not in element.attrib, element.tag
        assert not [name for name in element.attrib if name.startswith("on")], element.tag
        for name in ("src", "href", "action", "srcset", "data-bundle"):
            inside = re.match(r"/(?!/)|#", element.get(name, "/"))
            leads_out = element.tag == "a" and (element.get("href") or "").startswith(("http://", "https://"))
            assert inside or (leads_out and "noopener" in (element.get("rel") or "")), element.get(name)
    assert not page.findall(".//style")
    for script in page.findall(".//script"):
        assert script.get("type") == "application/json" or (script.get("src") and not script.text)


def check_structure(page: html.HtmlElement) -> None:
    """One heading of the page, no id twice, and everything named for those who do not see it."""
    assert page.get("lang") == "en"
    assert len(page.findall(".//h1")) == 1
    ids = Counter(element.get("id") for element in page.iter("*") if element.get("id"))
    assert not [name for name, count in ids.items() if count > 1]
    for image in page.iter("img"):
        assert image.get("alt") is not None
    for drawing in page.iter("svg"):
        assert drawing.get("aria-hidden") == "true"
    for field in page.iter("input", "select"):
        if field.get("type") == "hidden":
            continue  # nobody sees it, so nobody needs its name
        assert page.find(f'.//label[@for="{field.get("id")}"]') is not None
    for table in page.iter("table"):
        assert table.find("caption") is not None
        assert all(head.get("scope") for head in table.iter("th"))
    for name in ("aria-labelledby", "aria-describedby"):
        assert {element.get(name) for element in page.iter("*") if element.get(name)} <= ids.keys()
    for link in page.iter("a"):
        path, _, fragment = (link.get("href") or "").partition("#")
        assert path or fragment in ids, link.get("href")
