"""Directories of podcasts: where shows are found. What a show publishes is then read from its own feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from collectors.base import CollectError

if TYPE_CHECKING:
    from collectors.access import Access


@dataclass(frozen=True, slots=True)
class Show:
    """A podcast as a directory lists it."""

    title: str
    feed_url: str
    publisher: str = ""
    episodes: int | None = None
    """None: the directory does not tell."""
    newest: datetime | None = None
    """When its newest episode came out, aware UTC."""
    language: str | None = None
    """ISO 639-1."""
    directory: str = ""
    """'podcastindex' or 'itunes'; both, if both list it, as 'podcastindex, itunes'."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search in all directories brought."""

    shows: tuple[Show, ...]
    """In the order of the directories, each feed once."""
    failed: tuple[tuple[str, CollectError], ...] = ()
    """Directories that could not be asked, and why; the others were."""


async def search_podcasts(
    accesses: Mapping[str, Access], words: str, *, country: str | None = None, most: int = 25
) -> Found:
    """Look for shows by words in every directory there is an access for: 'podcastindex' and 'itunes'.

    `country` (ISO 3166-1 alpha-2) is which shop of iTunes is asked; PodcastIndex knows no countries. `most`: of each
    directory. A directory that fails, or has no key, does not keep the others from answering. Raises ValueError if
    there is no word to look for.
    """
    if not words.strip():
        raise ValueError("there are no words to look for; write for example 'nursing'")
    # Here, because both modules take `Show` from this one.
    from collectors import itunes, podcastindex

    found: dict[str, Show] = {}
    failed: list[tuple[str, CollectError]] = []
    for name in ("podcastindex", "itunes"):
        access = accesses.get(name)
        if access is None:
            continue
        try:
            if name == "itunes":
                shows = await itunes.search_shows(access, words, country=country, most=most)
            else:
                shows = await podcastindex.search_shows(access, words, most=most)
        except CollectError as error:
            failed.append((name, error))
            continue
        for show in shows:
            same = same_feed(show.feed_url)
            found[same] = _together(found[same], show) if same in found else show
    return Found(tuple(found.values()), tuple(failed))


def same_feed(url: str) -> str:
    """What two addresses of one feed have in common: host and path, without scheme, 'www.' and last slash."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return parts.netloc.lower().removeprefix("www.") + path


def _together(first: Show, second: Show) -> Show:
    """The first with what only the second tells."""
    return replace(
        first,
        publisher=first.publisher or second.publisher,
        episodes=first.episodes if first.episodes is not None else second.episodes,
        newest=max((one for one in (first.newest, second.newest) if one is not None), default=None),
        language=first.language or second.language,
        directory=f"{first.directory}, {second.directory}"
        if second.directory not in first.directory
        else first.directory,
    )
