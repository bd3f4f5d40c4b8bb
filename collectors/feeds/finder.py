"""Find the feeds behind an address: is it one? does the page name some? are there any where feeds usually are?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from collectors.base import CollectError, Drifted, Page, Throttled
from collectors.feeds.charset import to_utf8
from collectors.feeds.discovery import FeedLink, discover
from collectors.feeds.hints import platform_candidates, well_known_candidates
from collectors.feeds.read import read

if TYPE_CHECKING:
    from collectors.fetch import Fetched, Http

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9,"
    " text/xml;q=0.9, application/json;q=0.8, text/html;q=0.5, */*;q=0.1"
)
TRIES = 12
"""Addresses that one search asks at most, so that nobody is bothered by guessing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feed that was fetched and read."""

    url: str
    """After redirects that led to it."""
    title: str
    format: str
    items: int
    newest: datetime | None
    """Aware UTC; None if no item has a date."""
    language: str | None
    found: str
    """How: 'the address itself', 'named by the page', 'known for this platform' or 'a usual place'."""


async def find_feeds(http: Http, url: str) -> list[Candidate]:
    """The readable feeds behind `url`, the likeliest first; empty if there is none.

    Asks `url` itself, then the feeds that its page names and its platform implies; usual places only if none of these
    can be read. robots.txt is obeyed for the page and for guesses, not for feeds that the page advertises.
    Raises the CollectError of the first request if `url` cannot be had at all.
    """
    fetched = await http.fetch(url, accept=ACCEPT, robots=True)
    page = _page(fetched)
    try:
        return [_candidate(page, "the address itself")]
    except Drifted as drifted:
        if drifted.code not in ("not_a_feed", "empty"):
            raise
    html = to_utf8(page.body or b"", page.content_type)[0].decode("utf-8", "replace")
    named = [(link, "named by the page") for link in discover(html, page.url)]
    implied = [(FeedLink(guess), "known for this platform") for guess in platform_candidates(page.url, html)]
    tried: dict[str, bool] = dict.fromkeys((url, page.url), False)
    found = await _try(http, [*named, *implied], tried)
    if not found:
        found = await _try(
            http, [(FeedLink(guess), "a usual place") for guess in well_known_candidates(page.url)], tried, enough=1
        )
    return found


async def _try(
    http: Http, links: list[tuple[FeedLink, str]], tried: dict[str, bool], *, enough: int = TRIES
) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for link, how in links:
        if link.url in tried or sum(tried.values()) >= TRIES or len(found) >= enough:
            continue
        tried[link.url] = True
        try:
            page = _page(await http.fetch(link.url, accept=ACCEPT, robots=how != "named by the page"))
            candidate = _candidate(page, how)
        except Throttled:
            break
        except CollectError:
            continue
        found.setdefault(candidate.url, candidate if candidate.title else replace(candidate, title=link.title))
    return list(found.values())


def _page(fetched: Fetched) -> Page:
    return Page(body=fetched.body, url=fetched.url, fetched_at=fetched.fetched_at, content_type=fetched.content_type)


def _candidate(page: Page, how: str) -> Candidate:
    parsed = read(page)
    dates = [item.published_at for item in parsed.items if item.published_at is not None]
    facts = parsed.facts
    return Candidate(
        url=page.url, title=facts.title, format=facts.format, items=len(parsed.items),
        newest=max(dates, default=None), language=facts.language, found=how,
    )  # fmt: skip
