"""A service whose digests may be edited, and how tests send the form and read what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
from lxml import html

from monitor.bootstrap import Services
from monitor.core.digest import SECTIONS, ChannelSpec, DigestSpec
from tests.api.digest_pages import PlayedMail, digests_of
from tests.api.digest_service import digest_services
from tests.api.pages import BROWSER, by_class, text_of

FORM = {"Content-Type": "application/x-www-form-urlencoded", **BROWSER}
BASICS = {
    "title": "Nurses, every week",
    "schedule": "weekly on monday 08:00",
    "timezone": "Europe/Berlin",
    "grace": "12h",
}
FILE = {"channels.0.kind": "file"}
FULL = DigestSpec(
    "nurses",
    "Content for nurses",
    "weekly on tuesday and friday 08:00 America/New_York",
    (
        ChannelSpec("email", ("ann@clinic.example", "ben@clinic.example"), {"reply_to": "desk@clinic.example"}),
        ChannelSpec("webhook", ("https://clinic.example/hook?a=1,2",), {"secret": "env:HOOK_SECRET"}),
        ChannelSpec("file", ("weekly", "all of it"), {"formats": "json"}),
        ChannelSpec("file", (), {"formats": ["json", "html"]}),
        ChannelSpec("atom"),
    ),
    {
        "audience": ("nurses", "other"),
        "country": ("DE", "unknown"),
        "live": ("false",),
        "source": ("clips", "wire"),
        "topic": ("none", "telehealth"),
    },
    tuple(one for one in SECTIONS if one not in ("sentiment", "posts")),
    "de",
    "if_changed",
    timedelta(hours=36),
    declared=False,
)


def edit_services(filled: Path, directory: Path) -> Services:
    """A service with one digest of config/ and one made at run time."""
    made = digest_services(filled, directory)
    digests = digests_of(made, PlayedMail(), *made.config.digests)
    digests._settings = replace(digests._settings, environment={"HOOK_SECRET": "x" * 32})
    digests.create(FULL)
    return made


async def send(
    pages: httpx.AsyncClient, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> tuple[httpx.Response, html.HtmlElement]:
    answer = await pages.post(path, data=dict(fields), headers={**FORM, **(headers or {})})
    return answer, html.document_fromstring(answer.text or "<p></p>")


def fields_of(page: html.HtmlElement) -> dict[str, str]:
    """What a browser would send of the form: no more than what stands in it."""
    form = next(one for one in page.iter("form") if one.get("hx-post"))
    found = {}
    for one in form.iter("input", "select", "textarea"):
        if one.tag == "input" and one.get("type") in ("checkbox", "radio") and one.get("checked") is None:
            continue
        if one.tag == "select":
            chosen = [option for option in one.iter("option") if option.get("selected") is not None]
            found[one.get("name")] = (chosen or list(one.iter("option")))[0].get("value")
        else:
            found[one.get("name")] = one.text or "" if one.tag == "textarea" else one.get("value", "on")
    return found


def errors_of(page: html.HtmlElement) -> dict[str, str]:
    """Field → what is said of it in the box at the top; each is said beside its field too."""
    links = list(by_class(page, "problem").iter("a"))
    found = {link.get("href").removeprefix("#"): text_of(link) for link in links}
    for field, message in found.items():
        assert text_of(page.get_element_by_id(f"{field}-error")) == message
        assert page.get_element_by_id(field) is not None
    assert page.findtext(".//title").startswith("Error: ")
    return found


def preview_of(page: html.HtmlElement) -> str:
    """The text with a space between elements, as it is read."""
    return " ".join(" ".join(page.get_element_by_id("preview").itertext()).split()).replace("\u00a0", " ")
