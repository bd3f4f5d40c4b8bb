"""The words a collector speaks.

A collector turns one source into pages and one page into items::

    Source + Cursor ── retrieve (network) ──▶ Page ── parse (pure) ──▶ Parsed(Items)

Everything here is a frozen value or a protocol. Nothing here touches the network, a database or the clock;
times are aware UTC. Errors are named by what to do next, because that is the only thing a scheduler asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.options import Option, Problem
    from collectors.quota import Quota

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
    followers: int | None = None
    """Of the author; reduced to a band during annotation. None: the platform does not tell."""
    verified: bool | None = None
    """The platform vouches for who the author is; None where it has no such mark."""
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
    """In words that are the same for all items with this fault: 'no id', 'created_at is not a date'."""
    sample: str = ""
    """The first 500 characters at most."""
    raw: bytes | None = None
    """The whole item as it came, set aside so that it can be read again once the fault is mended; None: not worth it."""


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
    gone: tuple[str, ...] = ()
    """All posts whose native id begins with one of these are gone, because their author is."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time that a visit has shown without a hole: everything its source published there, this page included.

    Explicit, because only the collector knows what its platform promised. A listing that goes from the newest post
    backwards may say after every page: from its oldest post to now. The page that reaches the end of the former
    stretch says: from there (remembered in the cursor) to now.
    """

    since: datetime
    until: datetime
    """Not after the time of the request, less what the platform holds back (X: about 30 s)."""
    gap: str | None = None
    """Why the time before `since` is lost, if it is: 'overflow' (more was posted than the platform shows),
    'lost cursor' (it could not go on where we left), 'budget' (our own limit stopped the visit)."""


NOTHING_PROVED: Literal["nothing"] = "nothing"
"""A page that says nothing about what was observed: posts in no order, counts looked up again, one page of several."""


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
    observed: Stretch | Literal["nothing"] | None = None
    """What this page, with those before it in the visit, has shown without a hole. None: it is a list that shows its
    newest items only, such as a feed; whether something was missed is told by its overlap with what is stored."""
    confirmed: tuple[str, ...] = ()
    """Native ids that were looked up again for this page; those that `parse` does not find are gone only if it says
    so, with an item that is `deleted`."""
    last: bool = False
    """Nothing follows in this visit: the page and the record of the visit are committed together, which is cheaper."""
    poll_after: timedelta | None = None
    """What the server asks for (Cache-Control, Retry-After with an answer)."""
    moved_to: str | None = None
    """A permanent redirect that has been seen often enough to be believed."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """The collector's own notes from retrieve to parse; must pickle. Holds no secret, and neither does `url`."""


@dataclass(frozen=True, slots=True)
class Key:
    """What must be had before a platform answers."""

    what: str
    """'A bearer token of an app with pay-per-use credits'."""
    where: str
    """The address where one is asked for."""
    shape: str = "KEY"
    """How the variable is written: 'KEY', 'CLIENT_ID:CLIENT_SECRET'."""
    optional: bool = False
    """It works without one, less well."""


@dataclass(frozen=True, slots=True)
class Duties:
    """What a platform's terms oblige to, as far as a machine can do it."""

    keep: timedelta | None = None
    """Texts, addresses and counts of single posts go this long after they were last confirmed; None: no limit."""
    review: timedelta | None = None
    """Stored posts are looked up again this often, so that edits and deletions propagate; None: they are told
    otherwise, or cannot be asked for."""
    review_for: timedelta | None = None
    """Posts older than this are not looked up again; None: all are."""
    asks: str = ""
    """Why, in one sentence."""


NO_DUTIES = Duties()


@dataclass(frozen=True, slots=True)
class Stored:
    """A post we hold, as much of it as is needed to look it up again."""

    id: str
    url: str | None
    published_at: datetime


class Collector(Protocol):
    """A small stateless class in `collectors/<name>.py`, found by its file name. One file, one platform."""

    platform: ClassVar[str]
    """Default row of config/platforms.yaml."""
    key: ClassVar[Key | None]
    """What TRENDMONITOR_KEY__<COLLECTOR> holds; None: it works without one."""
    remembers: ClassVar[timedelta | None]
    """How far back the platform shows; None: as many items as its page holds."""
    duties: ClassVar[Duties]
    quotas: ClassVar[tuple[Quota, ...]]
    """What the platform counts, for the access register. Sources may have budgets of their own beside them."""
    options: ClassVar[Mapping[str, Option]]
    """What a source may say in `options`."""
    examples: ClassVar[tuple[str, ...]]
    """Addresses as people paste them, one of each kind it takes. `platforms check` tries the first one where a key
    is set and no source is tracked, so it must cost next to nothing; empty: nothing can be tried without a source."""

    def check(self, source: Source) -> list[Problem]:
        """What is wrong with the source's address and options, before anything is fetched. Pure."""
        ...

    def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Yield pages, newest position last, until there is nothing new. Raises CollectError only.

        The caller commits each page before it asks for the next. Going on with the `resume` of any page, or with the
        cursor of the last visit where none was given, loses nothing; repeats are absorbed.
        """
        ...

    def parse(self, source: Source, page: Page) -> Parsed:
        """Pure; runs in another process. Raises Drifted when the body is not what this collector reads; one item that
        cannot be read is Rejected, and the others are not affected."""
        ...


@runtime_checkable
class Reviewer(Protocol):
    """A collector that can look stored posts up again (`duties.review`)."""

    def review(self, source: Source, posts: Sequence[Stored], access: Access, now: datetime) -> AsyncIterator[Page]:
        """Yield pages whose `confirmed` names the posts that were asked for. `parse` reads them like any other: what
        is gone comes as an item that is `deleted`. Raises CollectError only."""
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
    """A key is missing or refused. The message names the environment variable and where to get one.

    Codes: 'needs_key' (not set), 'key_refused' (set, and the platform says no), 'needs_approval' (the key is good, but
    the platform has not granted this use)."""

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
