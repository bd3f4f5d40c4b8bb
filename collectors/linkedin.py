"""LinkedIn: the posts of organisation pages that the operator administers, and nothing else.

There is no lawful way to search or follow other public posts. What the terms allow to be stored is short-lived
(`duties`), and must not feed a public view.

Posts come in the order of their last change. That order proves coverage: a post that was published after some moment
was also changed after it, so once everything changed since then has been read, everything published since then has.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import orjson

from collectors.base import (
    NO_ENGAGEMENT,
    NOTHING_PROVED,
    CollectError,
    Cursor,
    Duties,
    Engagement,
    Item,
    Key,
    NeedsKey,
    NotFound,
    Page,
    Parsed,
    Refused,
    Source,
    Stretch,
    Throttled,
)
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota, calendar_day
from collectors.reading import (
    UnreadableItemError,
    array,
    count,
    epoch_moment,
    load_object,
    mapping,
    moment,
    needed,
    needed_moment,
    parsed,
    text,
    total,
    unknown_shape,
)

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

API = "https://api.linkedin.com/rest"
VERSION = "202610"
"""What the header LinkedIn-Version says unless a source says otherwise. LinkedIn retires each about a year later."""
KEY = Key(
    what="An access token of an app with the Community Management API, granted by an administrator of the page "
    "(scope r_organization_social)",
    where="https://developer.linkedin.com/product-catalog/marketing/community-management-api",
    shape="ACCESS_TOKEN",
)
PAGE_SIZE = 50
OVERLAP = 1
"""Posts of a page that are asked for again with the next: all move up one place when one is deleted meanwhile."""
COUNTS_A_VISIT = 100
"""Posts whose counts are asked for in one visit at most, since each costs a request."""
RECENT = timedelta(hours=48)
"""With option `counts`, posts changed within this time are read again, so that their counts grow."""

_MILLISECOND = timedelta(milliseconds=1)
_EDITED_AFTER = timedelta(minutes=1)
_KINDS = ("company", "school", "showcase")
_DIGITS = re.compile(r"\d{1,18}")
_RIGHT = "https://www.linkedin.com/company/1234567 or https://www.linkedin.com/company/your-page"
_FIND_NUMBER = (
    "open the page as its administrator, copy the digits from the address bar (linkedin.com/company/1234567/admin/), "
    "and write organization: '1234567'"
)
_LITTLE = re.compile(
    r"\{hashtag\|\\?#\|(?P<tag>(?:\\.|[^}\\])*)\}"
    r"|@\[(?P<name>(?:\\.|[^\]\\])*)\]\(urn:li:[^)\s]*\)"
    r"|\\(?P<plain>[|{}@\[\]()<>#\\*_~])"
)
_ESCAPED = re.compile(r"\\([|{}@\[\]()<>#\\*_~])")


class LinkedIn:
    """Newest change first, until what is already known."""

    platform: ClassVar[str] = "linkedin"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = timedelta(days=365)
    duties: ClassVar[Duties] = Duties(
        keep=timedelta(hours=48),
        asks="LinkedIn is reported to let data of a page's posts be stored for 48 hours and shown to its team only.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {
        "organization": Option("text", "The number of the organisation; needed where the address does not hold it."),
        "version": Option("text", f"The API version as YYYYMM, {VERSION} by default.", VERSION),
        "counts": Option(
            "flag",
            "Ask for reactions and comments too, one request for each post of the last 48 hours; false by default.",
            False,
        ),
        "days": Option("whole", "How many days the first visit reaches back, 365 by default.", 365, low=1, high=3650),
        "pages": Option(
            "whole", f"Pages of {PAGE_SIZE} posts in one visit at most, 100 by default.", 100, low=1, high=250
        ),
    }
    examples: ClassVar[tuple[str, ...]] = ()

    def check(self, source: Source) -> list[Problem]:
        """Anything but the address of an organisation page, and a page whose number is not known."""
        problems = check_options(source, self.options)
        named = _named(source.url)
        if named is None:
            return [*problems, Problem(("url",), "this is not the address of an organisation page", f"write {_RIGHT}")]
        number = source.options.get("organization")
        if number is None and not _DIGITS.fullmatch(named):
            what = "the address does not hold the number of the organisation, and option `organization` is missing"
            problems.append(Problem(("options", "organization"), what, _FIND_NUMBER))
        elif isinstance(number, str) and not _DIGITS.fullmatch(number.strip()):
            problems.append(
                Problem(("options", "organization"), f"{number!r} is not a number", "write its digits only")
            )
        elif isinstance(number, str) and _DIGITS.fullmatch(named) and number.strip() != named:
            what = f"the address says {named} and the option says {number.strip()}"
            problems.append(Problem(("options", "organization"), what, "leave the option out, or correct it"))
        version = source.options.get("version")
        if isinstance(version, str) and not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])", version.strip()):
            problems.append(Problem(("options", "version"), f"{version!r} is not YYYYMM", f"write {VERSION!r}"))
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Pages of posts by last change, newest first, until one that is known. A first visit reaches back `days`.

        Where `pages` ends the visit early, the next one goes on there before it looks for anything newer.
        """
        access.key(KEY)
        options = read_options(source, self.options)
        author = f"urn:li:organization:{_organization(source)}"
        since = moment(cursor.get("until")) or now - timedelta(days=options["days"])
        known = _Mark.read(cursor) or _Mark(_milliseconds(since))
        fresh = _milliseconds(now - RECENT) if options["counts"] else None
        backlog = mapping(cursor.get("backlog"))
        start = max(0, (count(backlog.get("start")) or 0) - PAGE_SIZE // 2)
        top = _Mark.read(backlog) or _Mark(known.at, known.ids)
        asked = moment(backlog.get("asked")) or now
        low = count(backlog.get("low")) or 0
        left = COUNTS_A_VISIT if options["counts"] else 0
        more, fetched, before = True, 0, list[str]()
        while more and fetched < options["pages"]:
            query = {"q": "author", "author": author, "count": PAGE_SIZE, "start": start, "sortBy": "LAST_MODIFIED"}
            answer = await _ask(source, access, f"posts?{urlencode(query)}", options["version"], finder=True)
            fetched += 1
            page = _page(answer, {"known": known.at, "ids": sorted(known.ids), "fresh": fresh, "before": before})
            listing = load_object(source, page)
            posts = [mapping(post) for post in array(listing.get("elements"))]
            times = [at for at in map(_modified, posts) if at is not None]
            if backlog and max(times, default=0) < low:
                # So much was deleted meanwhile that the former place lies beyond what was read: from the top again.
                backlog, start, top, asked, fetched = {}, 0, _Mark(known.at, known.ids), now, fetched - 1
                continue
            backlog = {}
            top = top.raised(posts)
            low = min(times, default=low)
            floor = known.at if fresh is None else min(known.at, fresh)
            reached = any(at < floor for at in times) or (fresh is None and any(known.holds(post) for post in posts))
            more = not reached and bool(posts) and (len(posts) >= PAGE_SIZE or _has_next(listing))
            start += max(1, len(posts) - OVERLAP)
            before = [text(post.get("id")) for post in posts[-OVERLAP:]]
            wanted = [post for post in posts if _is_kept(post, page.context) and _is_public(post)][:left]
            left -= len(wanted)
            social, refusal = await _counts(source, access, wanted, options["version"])
            if social:
                page = replace(page, body=orjson.dumps({**listing, "socialMetadata": social}))
            if not more:
                done = {"until": asked.isoformat(), **top.to_json()}
                yield replace(page, observed=Stretch(since, asked), resume=done)
            else:
                at = epoch_moment(low, unit=_MILLISECOND) if times else None
                observed = Stretch(at, asked) if at is not None and at < asked else NOTHING_PROVED
                later: dict[str, Any] | None = None
                if fetched >= options["pages"]:
                    left_at = {"start": start, "low": low, "asked": asked.isoformat(), **top.to_json()}
                    later = {"until": since.isoformat(), **known.to_json(), "backlog": left_at}
                yield replace(page, observed=observed, resume=later)
            if refusal is not None:
                raise refusal

    def parse(self, source: Source, page: Page) -> Parsed:
        """Public, published posts that changed since the last visit. Raises Drifted."""
        listing = load_object(source, page)
        posts = listing.get("elements")
        if not isinstance(posts, list):
            raise unknown_shape(source, "no list `elements`")
        social = mapping(listing.get("socialMetadata"))

        def read(post: Mapping[str, Any]) -> Item | None:
            return _item(post, social) if _is_kept(post, page.context) else None

        return parsed(posts, read)


class _Mark:
    """The newest change that was seen: its time in milliseconds since 1970, and the posts that changed just then."""

    def __init__(self, at: int, ids: Collection[str] = ()) -> None:
        self.at = at
        self.ids = frozenset(ids)

    @classmethod
    def read(cls, cursor: Mapping[str, Any]) -> _Mark | None:
        at = count(cursor.get("modified"))
        return None if at is None else cls(at, [one for one in array(cursor.get("ids")) if isinstance(one, str)])

    def holds(self, post: Mapping[str, Any]) -> bool:
        return _modified(post) == self.at and post.get("id") in self.ids

    def raised(self, posts: Sequence[Mapping[str, Any]]) -> _Mark:
        """The later of this and the newest of `posts`."""
        newest = max((at for at in map(_modified, posts) if at is not None), default=self.at)
        if newest < self.at:
            return self
        ids = {text(post.get("id")) for post in posts if _modified(post) == newest}
        return _Mark(newest, ids | self.ids if newest == self.at else ids)

    def to_json(self) -> dict[str, Any]:
        return {"modified": self.at, "ids": sorted(self.ids)}


def _named(url: str) -> str | None:
    """What stands after /company/ in an address of LinkedIn; None for any other address."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    steps = [step for step in parts.path.split("/") if step]
    if parts.scheme not in ("http", "https") or not (host == "linkedin.com" or host.endswith(".linkedin.com")):
        return None
    return steps[1] if len(steps) >= 2 and steps[0] in _KINDS else None


def _organization(source: Source) -> str:
    number = source.options.get("organization")
    return str(number).strip() if number is not None else _named(source.url) or ""


async def _ask(source: Source, access: Access, what: str, version: str, *, finder: bool = False) -> Fetched:
    """One answer of the API. Raises CollectError in the words of what LinkedIn's statuses mean here."""
    headers = {
        "Authorization": f"Bearer {access.key(KEY)}",
        "LinkedIn-Version": version,
        "X-Restli-Protocol-Version": "2.0.0",
    }
    if finder:
        headers["X-RestLi-Method"] = "FINDER"
    fetched = await access.http.fetch(
        access.url(f"{API}/{what}"), headers=headers, allow_status=(400, 401, 403, 426, 429)
    )
    if fetched.status == 401:
        raise access.refused(KEY, "LinkedIn says that it is not valid, or no longer (a token lives 60 days)")
    if fetched.status == 403:
        need = "is not an administrator of this organisation, or the app lacks scope r_organization_social"
        if not finder:
            need = "may not read reactions and comments; grant scope r_organization_social_feed or set counts: false"
        raise NeedsKey(f"{source.id}: the member behind {access.variable()} {need}.", code="needs_approval")
    if fetched.status == 426:
        raise Refused(
            f"{source.id}: LinkedIn no longer has API version {version}. Set option `version` of this source to a newer "
            "one, written as YYYYMM.",
            code="api_version",
        )
    if fetched.status == 429:
        # It counts by the day in UTC and sends no Retry-After: anything before midnight would be refused again.
        until = calendar_day()(access.now())[1]
        raise Throttled(
            f"{source.id}: LinkedIn's daily limit is used up; it is asked again at {until:%Y-%m-%d %H:%M} UTC.",
            code="http_429",
            until=until,
        )
    if fetched.status == 400:
        raise Refused(
            f"{source.id}: LinkedIn does not accept the request (400). Check option `organization`.", code="bad_request"
        )
    return fetched


async def _counts(
    source: Source, access: Access, posts: Sequence[Mapping[str, Any]], version: str
) -> tuple[dict[str, Any], CollectError | None]:
    """Reactions and comments by post, and what ended the asking early: the posts themselves are kept all the same."""
    found: dict[str, Any] = {}
    for post in posts:
        urn = text(post.get("id"))
        try:
            answer = await _ask(source, access, f"socialMetadata/{quote(urn, safe='')}", version)
            found[urn] = load_object(source, _page(answer, {}))
        except NotFound:
            continue
        except CollectError as error:
            return found, error
    return found, None


def _page(fetched: Fetched, context: Mapping[str, Any]) -> Page:
    return Page(fetched.body or b"", fetched.url, fetched.fetched_at, fetched.content_type, context=context)


def _has_next(listing: Mapping[str, Any]) -> bool:
    links = array(mapping(listing.get("paging")).get("links"))
    return any(
        mapping(link).get("rel") == "next" and "start" in parse_qs(urlsplit(text(mapping(link).get("href"))).query)
        for link in links
    )


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _modified(post: Mapping[str, Any]) -> int | None:
    return count(post.get("lastModifiedAt"))


def _is_kept(post: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    """False for what the last visit or page already brought: storing it again would make it outlive its 48 hours."""
    if post.get("id") in context.get("before", ()):
        return False
    at, known, fresh = _modified(post), context.get("known") or 0, context.get("fresh")
    if at is None or at > known or (fresh is not None and at >= fresh):
        return True
    return at == known and post.get("id") not in context.get("ids", ())


def _is_public(post: Mapping[str, Any]) -> bool:
    return post.get("visibility") == "PUBLIC" and post.get("lifecycleState") == "PUBLISHED"


def _item(post: Mapping[str, Any], social: Mapping[str, Any]) -> Item | None:
    urn = needed(post.get("id"), "id")
    needed(post.get("visibility"), "visibility")
    needed(post.get("lifecycleState"), "lifecycleState")
    if not _is_public(post):
        return None
    written = post.get("commentary")
    if written is not None and not isinstance(written, str):
        raise UnreadableItemError("commentary is not text")
    words, tags = plain_words(written or "")
    if not words and post.get("reshareContext"):
        return None
    found = epoch_moment(post.get("publishedAt"), unit=_MILLISECOND)
    published = needed_moment(found or epoch_moment(post.get("createdAt"), unit=_MILLISECOND), "publishedAt")
    modified = epoch_moment(post.get("lastModifiedAt"), unit=_MILLISECOND)
    content = mapping(post.get("content"))
    more = (text(mapping(content.get("article")).get("title")), text(mapping(content.get("poll")).get("question")))
    return Item(
        id=urn,
        url=f"https://www.linkedin.com/feed/update/{urn}/",
        text="\n\n".join(part.strip() for part in (words, *more) if part.strip()),
        published_at=published,
        updated_at=modified if modified is not None and modified - published > _EDITED_AFTER else None,
        author=text(post.get("author")) or None,
        sponsored=True if post.get("adContext") else None,
        categories=tags,
        engagement=_engagement(mapping(social.get(urn))),
    )


def _engagement(told: Mapping[str, Any]) -> Engagement:
    if not told:
        return NO_ENGAGEMENT
    summaries = told.get("reactionSummaries")
    each = list(summaries.values()) if isinstance(summaries, Mapping) else array(summaries)
    likes = total(*(count(mapping(one).get("count")) for one in each))
    return Engagement(likes=likes, comments=count(mapping(told.get("commentSummary")).get("count")))


def plain_words(commentary: str) -> tuple[str, tuple[str, ...]]:
    r"""LinkedIn's `little text` → plain text and hashtags: '{hashtag|\#|flu} \(a\) @[Ann](urn…)' → '#flu (a) Ann'."""
    tags: list[str] = []

    def mend(match: re.Match[str]) -> str:
        if match["tag"] is not None:
            tag = _ESCAPED.sub(r"\1", match["tag"])
            tags.append(tag)
            return f"#{tag}"
        return match["plain"] or _ESCAPED.sub(r"\1", match["name"] or "")

    return _LITTLE.sub(mend, commentary).strip(), tuple(dict.fromkeys(tags))


COLLECTOR = LinkedIn()
