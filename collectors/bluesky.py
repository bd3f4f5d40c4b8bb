"""Bluesky: the posts of an account, and all public posts that hold given words.

An account is read from the AppView. Words are looked for here, in the Jetstream, which carries every public post and
every deletion: the platform's own search is closed to readers without an account, and is not meant for collecting.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from collectors.atproto_api.events import moment_of, read_event
from collectors.atproto_api.keywords import Filter, words_of
from collectors.atproto_api.posts import Author, item_of_record, item_of_view, split_uri
from collectors.base import Cursor, Duties, Item, Key, Page, Parsed, Rejected, Source, Stored
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import (
    RAW_LIMIT,
    UnreadableItemError,
    load_object,
    mapping,
    needed,
    parsed,
    read_items,
    unknown_shape,
)

if TYPE_CHECKING:
    from collectors.access import Access

_DID = re.compile(r"did:plc:[a-z2-7]{24}|did:web:[a-z0-9.-]+\.[a-z]{2,}")
_HANDLE = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_OPERATOR = re.compile(r"-\S|[a-z]+:", re.IGNORECASE)
_SHOW = "write for example https://bsky.app/profile/who.int, https://bsky.app/search?q=norovirus or https://bsky.app/hashtag/norovirus"
_FEED_ONLY = ("replies", "pages", "look_back_days")
_STREAM_ONLY = ("keywords", "accounts", "languages", "host", "wire", "follow_seconds", "look_back_hours")


class BlueskyCollector:
    """Accounts by the AppView, words by the Jetstream."""

    platform: ClassVar[str] = "bluesky"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = timedelta(hours=36)
    duties: ClassVar[Duties] = Duties(
        review=timedelta(days=7),
        review_for=timedelta(days=30),
        asks="Bluesky asks that deletions are carried out, and that accounts which hide from readers who are not logged "
        "in are left alone.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {
        "keywords": Option("texts", "Words and phrases of which a post must hold one; 'vaccin*' stands for every ending."),
        "accounts": Option("texts", "DIDs of the only accounts whose posts count; left out: all accounts."),
        "languages": Option("texts", "Languages (en, es …) of which a post must declare one; left out: all."),
        "host": Option("text", "The Jetstream server that is listened to.", "jetstream2.us-east.bsky.network"),
        "wire": Option("choice", "The form of the stream: v1 or v2. Default v1.", "v1", ("v1", "v2")),
        "follow_seconds": Option(
            "number", "Seconds a visit listens on once it has caught up. Default 20.", 20, low=0, high=200
        ),
        "look_back_hours": Option(
            "number", "Hours the first visit to the stream reaches back. Default 1.", 1, low=0, high=36
        ),
        "replies": Option("flag", "Whether replies of an account are collected too. Default false.", False),
        "pages": Option("whole", "Pages of 100 posts of an account in one visit at most. Default 100.", 100, low=1, high=250),
        "look_back_days": Option(
            "number", "Days the first visit to an account reaches back. Default 7.", 7, low=1, high=3650
        ),
        "recheck": Option(
            "flag", "Whether stored posts are looked up again weekly for a month, for counts and deletions. Default true.", True
        ),
    }  # fmt: skip
    examples: ClassVar[tuple[str, ...]] = (
        "https://bsky.app/profile/bsky.app",
        "https://bsky.app/search?q=norovirus",
        "https://bsky.app/hashtag/norovirus",
    )

    def check(self, source: Source) -> list[Problem]:
        """Addresses other than of an account, a search, a hashtag or Bluesky as a whole, and options that do not fit."""
        problems = check_options(source, self.options)
        try:
            kind, what = _read_address(source.url)
        except ValueError as error:
            return [*problems, Problem(("url",), str(error), _SHOW)]
        odd = _STREAM_ONLY if kind == "profile" else _FEED_ONLY
        where = "an account's address" if kind == "profile" else "the stream"
        problems.extend(
            Problem(("options", name), f"{name!r} has no meaning for {where}", "leave it out")
            for name in odd
            if source.options.get(name) is not None
        )
        if problems or kind == "profile":
            return problems
        options = read_options(source, self.options)
        if not (what or options["keywords"] or options["accounts"]):
            problems.append(
                Problem(("options", "keywords"), "nothing says which posts are wanted", "write a list such as [norovirus, 'bird flu']")
            )  # fmt: skip
        for name, shape, instead in (
            ("accounts", _DID, "write the account's DID, such as did:plc:z72i7hdynmk6r22z27h6tvur"),
            ("languages", _LANGUAGE, "write two small letters, such as en"),
        ):
            problems.extend(
                Problem(("options", name, index), f"{one!r} is not one", instead)
                for index, one in enumerate(options[name])
                if not shape.fullmatch(one)
            )
        if not _HOST.fullmatch(options["host"]):
            problems.append(Problem(("options", "host"), f"{options['host']!r} is not a host name", "write it without wss:// and port"))  # fmt: skip
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """The posts of an account, or what the stream has brought since the last visit. Raises CollectError only."""
        options = read_options(source, self.options)
        kind, what = _read_address(source.url)
        if kind == "profile":
            from collectors.atproto_api.appview import author_feed

            pages = author_feed(source, what[0], cursor, access, now, options)
        else:
            from collectors.atproto_api.jetstream import follow

            pages = follow(source, _filter(what, options), cursor, access, now, options)
        async for page in pages:
            yield page

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Stored posts once more, 25 in one request; none where the source says `recheck: false`."""
        from collectors.atproto_api.appview import look_up

        if read_options(source, self.options)["recheck"]:
            async for page in look_up(source, posts, access):
                yield page

    def parse(self, source: Source, page: Page) -> Parsed:
        """Posts and deletions of a page. Raises Drifted('not_json', 'unknown_shape')."""
        kind = page.context.get("kind")
        if kind == "stream":
            return _parse_stream(page.body or b"")
        answer = load_object(source, page)
        if kind == "posts":
            return _parse_posts(source, answer, page.context["asked"])
        entries = answer.get("feed")
        if not isinstance(entries, list):
            raise unknown_shape(source, "an author feed without a list of posts")
        author = Author(page.context.get("bio"), page.context.get("followers"), page.context.get("verified"))

        def read(entry: Mapping[str, Any]) -> Item | None:
            # A repost is somebody else's post or an old one; a pinned post comes again at its own place.
            return None if entry.get("reason") else item_of_view(mapping(entry.get("post")), author)

        return parsed(entries, read)


def _parse_posts(source: Source, answer: Mapping[str, Any], asked: Sequence[str]) -> Parsed:
    """Posts that were looked up again; those that are left out, or no longer to be shown to everybody, are gone."""
    views = answer.get("posts")
    if not isinstance(views, list):
        raise unknown_shape(source, "looked-up posts that are no list")

    def read(view: Mapping[str, Any]) -> Item | None:
        return item_of_view(view) or Item(id=needed(view.get("uri"), "uri"), deleted=True)

    items, rejected = read_items(views, read)
    there = {view.get("uri") for view in views if isinstance(view, Mapping)}
    return Parsed((*items, *(Item(id=uri, deleted=True) for uri in asked if uri not in there)), rejected=rejected)


def _parse_stream(body: bytes) -> Parsed:
    """Events in their order: what is deleted after it was written does not come at all."""
    items: dict[str, Item] = {}
    gone: dict[str, None] = {}
    rejected: list[Rejected] = []
    for line in body.splitlines():
        try:
            event = read_event(line)
            if event.kind == "gone":
                prefix = f"at://{event.did}/"
                items = {uri: item for uri, item in items.items() if not uri.startswith(prefix)}
                gone[prefix] = None
            elif event.kind == "back":
                gone.pop(f"at://{event.did}/", None)
            elif event.operation == "delete":
                items[event.uri] = Item(id=event.uri, deleted=True)
            elif event.kind == "post":
                split_uri(event.uri)
                items[event.uri] = item_of_record(
                    event.did, event.rkey, event.record, moment_of(event.micros), updated=event.operation == "update"
                )
        except UnreadableItemError as error:
            rejected.append(_set_aside(str(error), line))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            rejected.append(_set_aside(f"unknown shape ({type(error).__name__})", line))
    return Parsed(tuple(items.values()), rejected=tuple(rejected), gone=tuple(gone))


def _set_aside(reason: str, line: bytes) -> Rejected:
    return Rejected(reason, line[:500].decode("utf-8", "replace"), line[:RAW_LIMIT])


def _filter(what: tuple[str, ...], options: Mapping[str, Any]) -> Filter:
    terms = [(one,) for one in options["keywords"]]
    return Filter([what, *terms] if what else terms, options["accounts"], options["languages"])


def _read_address(url: str) -> tuple[str, tuple[str, ...]]:
    """('profile', (account,)) or ('stream', phrases that must all be there). Raises ValueError with what is wrong."""
    parts = urlsplit(url.strip())
    if parts.scheme != "https" or parts.netloc.lower() != "bsky.app":
        raise ValueError(f"{url!r} is not an address of Bluesky")
    path = [unquote(part) for part in parts.path.split("/") if part]
    if not path:
        return "stream", ()
    if path[0] == "profile" and len(path) == 2:
        actor = path[1].removeprefix("@").lower()
        if not (_DID.fullmatch(actor) or _HANDLE.fullmatch(actor)):
            raise ValueError(f"{path[1]!r} is neither a handle nor a DID")
        return "profile", (actor,)
    if path[0] == "hashtag" and len(path) == 2:
        return "stream", (f"#{path[1].lstrip('#')}",)
    if path == ["search"]:
        query = parse_qs(parts.query).get("q", [""])[0]
        words = words_of(query)
        operator = next((one for one in words if _OPERATOR.match(one)), None)
        if operator is not None:
            raise ValueError(f"the search holds {operator!r}, and only words and phrases in quotes are understood")
        return "stream", words
    if path[0] == "profile":
        raise ValueError(f"{url!r} is a part of an account's pages; only the account as a whole can be followed")
    raise ValueError(f"{url!r} is neither an account, a search nor a hashtag")


COLLECTOR = BlueskyCollector()
