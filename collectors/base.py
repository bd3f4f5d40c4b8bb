"""The words a collector speaks.

A collector turns one source into pages and one page into items::

    Source + Cursor ── retrieve (network) ──▶ Page ── parse (pure) ──▶ Parsed(Items)

Everything here is a frozen value or a protocol. Nothing here touches the network, a database or the clock;
times are aware UTC. Errors are named by what to do next, because that is the only thing a scheduler asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from collectors.fetch import Http

Cursor = Mapping[str, Any]
"""Where a source was left: JSON, opaque to everyone but its collector. Written with the posts of its page."""

EMPTY: Mapping[str, Any] = MappingProxyType({})

LiveState = Literal["pending", "live", "ended"]


@dataclass(frozen=True, slots=True)
class Source:
    """One place that is tracked. Priors (content type, audience, country, language) yield to what an item says."""

    id: str
    collector: str
    platform: str
    url: str
    name: str = ""
    content_type: str | None = None
    audience: tuple[str, ...] = ()
    country: str | None = None
    """ISO 3166-1 alpha-2, upper case."""
    language: str | None = None
    """ISO 639-1, lower case."""
    every: timedelta | None = None
    """Fixed polling interval; None lets the scheduler adapt to the source's rhythm."""
    options: Mapping[str, Any] = field(default_factory=dict)
    verified: bool = True
    """False while nobody has seen this address answer (bundled addresses that could not be checked)."""


@dataclass(frozen=True, slots=True)
class Engagement:
    """Counts as the platform tells them. None: the platform does not tell. 0: it says zero."""

    views: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None


NO_ENGAGEMENT = Engagement()


@dataclass(frozen=True, slots=True)
class Media:
    url: str
    type: str = ""
    """MIME type, lower case, without parameters; empty if not told."""
    medium: str = ""
    """image, audio, video, document … as Media RSS says; empty if not told."""
    duration: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Item:
    """One post as its source tells it: plain text, absolute links, nothing inferred.

    `content_type`, `audience`, `topics`, `sponsored` and `sentiment` are set only where the source (or an
    archive) states them outright; they then override tagging.
    """

    id: str
    """Native id, unique within the source and stable between polls."""
    url: str | None = None
    title: str = ""
    text: str = ""
    published_at: datetime | None = None
    """None when missing or absurd; the pipeline then uses the time it was first seen."""
    updated_at: datetime | None = None
    author: str | None = None
    """Name, handle or platform id, only ever stored as a keyed hash."""
    author_bio: str | None = None
    """Reduced to audience classes during annotation, never stored."""
    language: str | None = None
    country: str | None = None
    location: str | None = None
    """Free text or 'lat,lon' as declared by the item."""
    content_type: str | None = None
    audience: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    live: LiveState | None = None
    sponsored: bool | None = None
    """The platform's own label; None where it has none."""
    media: tuple[Media, ...] = ()
    categories: tuple[str, ...] = ()
    guests: int | None = None
    """Number of named guests or experts; names are not kept."""
    transcripts: tuple[str, ...] = ()
    engagement: Engagement = NO_ENGAGEMENT
    deleted: bool = False
    """The platform says this post is gone; only `id` counts then."""
    repairs: tuple[str, ...] = ()
    """What was wrong and how it was mended, in plain words ('date 2199-01-01 is in the future: ignored')."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that could not be used, kept for the report."""

    reason: str
    sample: str = ""
    """The first 500 characters at most."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a page says about its source as a whole."""

    format: str = ""
    """'rss20', 'atom10', 'rdf', 'json11' … empty if it has none."""
    title: str = ""
    link: str | None = None
    language: str | None = None
    country: str | None = None
    poll_after: timedelta | None = None
    """What the document asks for: ttl, sy:updatePeriod, podcast:updateFrequency."""
    new_url: str | None = None
    """itunes:new-feed-url and the like."""
    blocked: str | None = None
    """Why the publisher asks not to be ingested (podcast:block), if it does."""
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    items: tuple[Item, ...]
    facts: Facts = Facts()
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a platform, with all that is needed to parse it later and to go on after it."""

    body: bytes | None
    """None: unchanged since the last visit."""
    url: str
    """Where the answer came from, after redirects."""
    fetched_at: datetime
    content_type: str = ""
    """The Content-Type header as sent."""
    resume: Cursor | None = None
    """Safe to go on from here once this page is committed; None: not yet."""
    continuous: bool | None = None
    """True: the cursor guarantees that nothing lies between the last page and this one.
    False: it is known that something was lost. None: decide by overlap with what is stored."""
    poll_after: timedelta | None = None
    """What the server asks for (Cache-Control, Retry-After with an answer)."""
    moved_to: str | None = None
    """A permanent redirect that has been seen often enough to be believed."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """The collector's own notes from retrieve to parse; must pickle."""


class Collector(Protocol):
    """A small stateless class in `collectors/<name>.py`, found by its file name."""

    platform: ClassVar[str]
    """Default row of config/platforms.yaml."""
    needs_key: ClassVar[bool]
    """True if it cannot work without TRENDMONITOR_KEY__<COLLECTOR>."""
    remembers: ClassVar[timedelta | None]
    """How far back the platform shows; None: as many items as its page holds."""

    def retrieve(self, source: Source, cursor: Cursor, http: Http, now: datetime) -> AsyncIterator[Page]:
        """Yield pages, newest position last, until there is nothing new. Raises CollectError only."""
        ...

    def parse(self, source: Source, page: Page) -> Parsed:
        """Pure; runs in another process. Raises Drifted when the body is not what this collector reads."""
        ...


Weight = Literal["temporary", "soft", "hard"]


class CollectError(Exception):
    """Something went wrong at one source. `str(error)` names the thing and says what to do.

    `code` is a stable slug for filters and metrics; `weight` says how much it counts towards backing off.
    Messages never contain secrets: URLs are passed through `collectors.fetch.redact` first.
    """

    weight: ClassVar[Weight] = "soft"

    def __init__(self, message: str, *, code: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.until = until
        """Not before this time, if the other side said so."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), self.code, self.until)


def _rebuild(kind: type[CollectError], message: str, code: str, until: datetime | None) -> CollectError:
    return kind(message, code=code, until=until)


class RetryLater(CollectError):
    """A passing fault (time-out, 5xx, name resolution). Try again with back-off."""

    weight = "temporary"


class Throttled(CollectError):
    """429 or a used-up quota. Not before `until`."""

    weight = "temporary"


class NeedsKey(CollectError):
    """A key is missing or refused. The message names the environment variable."""

    weight = "hard"


class Refused(CollectError):
    """The other side, robots.txt or our own network guard says no (401, 403, 451, private address)."""

    weight = "hard"


class NotFound(CollectError):
    """404: the address is wrong, or the platform has a bad day."""

    weight = "soft"


class Gone(CollectError):
    """410: stop asking."""

    weight = "hard"


class Drifted(CollectError):
    """It answered, but not with what we can read (HTML instead of a feed, too large, malformed beyond repair)."""

    weight = "soft"
