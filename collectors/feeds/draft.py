"""What both roads hand over: a feed as it is written, before anything is judged or mended.

A road (fast.py, jsonfeed.py, referee.py) only finds values and says where they came from. Everything that decides
(dates, ids, links, texts, repairs) happens once, in shape.py, so two roads cannot disagree about it.

Drafts keep their defaults on the class and only what a feed really says on the instance: most of the thirty
fields are absent from most items, and a feed has hundreds of items.
"""

from __future__ import annotations

from dataclasses import dataclass

ITEM_LIMIT = 20_000
"""Items that are taken from one page, from its start; the largest honest archives have some thousands. A road hands
over one more if there are more."""


@dataclass(slots=True)
class MediaDraft:
    """An enclosure or Media RSS content, unresolved."""

    url: str
    type: str = ""
    medium: str = ""
    duration: str | None = None


class Draft:
    """One item as written. Strings are raw; None means the element is absent."""

    bases: bool = False
    """True if the document uses xml:base, so hrefs are already joined with it."""

    typed: bool = False
    """True if the texts of the document may say what type they are (Atom)."""

    id: str | None = None
    id_is_link: bool = False
    link: str | None = None
    other_link: str | None = None
    """A link that is not marked as the item's page; used when there is no better one."""
    title: str | None = None
    other_title: str | None = None
    content: str | None = None
    """The longest of the full texts."""
    summary: str | None = None
    """The longest of description, summary, media:description and itunes:summary."""
    published: str | None = None
    created: str | None = None
    updated: str | None = None
    author: str | None = None
    author_mail: str | None = None
    language: str | None = None
    categories: list[str] | None = None
    media: list[MediaDraft] | None = None
    duration: str | None = None
    guests: int | None = None
    transcripts: list[str] | None = None
    live: str | None = None
    live_start: str | None = None
    views: str | None = None
    likes: str | None = None
    comments: str | None = None
    video_id: str | None = None
    """yt:videoId; only then does a rating count mean likes."""
    location: str | None = None
    coordinates: str | None = None
    country: str | None = None

    def say(self, text: str | None, *, full: bool) -> None:
        """Keep `text` if it is longer than what is there."""
        if not text:
            return
        if full:
            if self.content is None or len(text) > len(self.content):
                self.content = text
        elif self.summary is None or len(text) > len(self.summary):
            self.summary = text

    def file_under(self, category: str | None) -> None:
        if category:
            if self.categories is None:
                self.categories = [category]
            else:
                self.categories.append(category)

    def attach(self, media: MediaDraft) -> None:
        if self.media is None:
            self.media = [media]
        else:
            self.media.append(media)

    def transcribe(self, url: str | None) -> None:
        if url:
            if self.transcripts is None:
                self.transcripts = [url]
            else:
                self.transcripts.append(url)

    def meet(self, role: str) -> None:
        """Count a named person; hosts and crew are counted as no guest."""
        role = role.lower()
        self.guests = (self.guests or 0) + ("guest" in role or "expert" in role)


class FeedDraft:
    """A feed as written: its items and what it says of itself."""

    typed: bool = False

    format: str = ""
    title: str | None = None
    link: str | None = None
    language: str | None = None
    author: str | None = None
    guests: int | None = None
    country: str | None = None
    ttl: str | None = None
    sy_period: str | None = None
    sy_frequency: str | None = None
    rrule: str | None = None
    complete: bool = False
    new_url: str | None = None
    blocks: list[tuple[str, str]] | None = None
    """podcast:block as (id of the service it is for, yes or no)."""
    links_from_page: bool = False
    """Atom and JSON Feed: relative links start from the document, not from the site's address."""

    def __init__(self) -> None:
        self.items: list[Draft] = []
        self.repairs: list[str] = []

    def block(self, service: str, value: str) -> None:
        if self.blocks is None:
            self.blocks = []
        self.blocks.append((service, value))

    def meet(self, role: str) -> None:
        role = role.lower()
        self.guests = (self.guests or 0) + ("guest" in role or "expert" in role)
