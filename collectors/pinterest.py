"""Pinterest: the operator's own public boards, and for partners the search of public pins.

Neither promises an order. A board is therefore read to its end before anything is said about what was observed, and
a search, which shows a selection without dates, never says anything about it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from collectors.base import (
    NO_DUTIES,
    NOTHING_PROVED,
    Cursor,
    Duties,
    Engagement,
    Item,
    Key,
    Media,
    NotFound,
    Page,
    Parsed,
    Refused,
    Source,
    Stretch,
)
from collectors.options import Option, Problem, check_options, read_options
from collectors.pinterest_api.asking import KEY, REQUESTS, ask, message
from collectors.quota import Quota
from collectors.reading import (
    UnreadableItemError,
    array,
    count,
    flag,
    load_object,
    mapping,
    moment,
    needed,
    needed_moment,
    parsed,
    text,
    unknown_shape,
)

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

BOARD_PAGE = 250
SEARCH_PAGE = 50
BOARD_PAGES = 40
"""Pages of boards that are looked through for one name."""

_HOST = re.compile(r"(?:[a-z]{2,3}\.)?pinterest\.(?:com|[a-z]{2}|com?\.[a-z]{2})")
_NOT_USERS = frozenset(
    ("_", "about", "business", "categories", "ideas", "oauth", "pin", "resource", "search", "settings", "shop", "today")
)
_DIGITS = re.compile(r"\d{1,30}")
_WORDS = re.compile(r"[\W_]+")
_RIGHT = (
    "write https://www.pinterest.com/USER/BOARD for a board of your own, or "
    "https://www.pinterest.com/search/pins/?q=WORDS; for anyone's board use collector `feed` with "
    "https://www.pinterest.com/USER/BOARD.rss"
)


@dataclass(frozen=True, slots=True)
class _Target:
    """What an address stands for."""

    kind: Literal["board", "search"]
    name: str
    """The board as its address writes it, or the words that are searched."""
    user: str = ""


class Pinterest:
    """A board as a whole, or the top pins of a search."""

    platform: ClassVar[str] = "pinterest"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = timedelta(days=365)
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = (REQUESTS,)
    options: ClassVar[Mapping[str, Option]] = {
        "board": Option("text", "Boards: the number of the board, where its name is not enough to find it."),
        "country": Option("text", "Searches: two letters of a country; needed, unless the source has a `country`."),
        "locale": Option("text", "Searches: language and country as in en-US; left to Pinterest by default."),
        "counts": Option("flag", "Boards: ask for impressions, saves, reactions and comments; true by default.", True),
        "days": Option(
            "whole", "Boards: how far the first visit vouches for, in days, 365 by default.", 365, low=1, high=3650
        ),
        "pages": Option(
            "whole",
            f"Pages of {BOARD_PAGE} (boards) or {SEARCH_PAGE} (searches) pins in one visit at most, 100 by default.",
            100,
            low=1,
            high=250,
        ),
    }
    examples: ClassVar[tuple[str, ...]] = ()

    def check(self, source: Source) -> list[Problem]:
        """Addresses that are neither a board nor a search, and a search without a country."""
        problems = check_options(source, self.options)
        target = _target(source.url)
        if target is None:
            return [*problems, Problem(("url",), *_wrong_address(source.url))]
        board, country = source.options.get("board"), _country(source)
        if isinstance(board, str) and not _DIGITS.fullmatch(board.strip()):
            problems.append(
                Problem(("options", "board"), f"{board!r} is not a number", "write the digits of the board")
            )
        if target.kind == "search" and not country:
            what = "Pinterest searches in one country only, and none is given"
            problems.append(Problem(("options", "country"), what, "write for example country: US"))
        elif country and not re.fullmatch("[A-Z]{2}", country):
            problems.append(
                Problem(("options", "country"), f"{country!r} is not a country", "write two letters, as in US")
            )
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """All pages of a board, or the first ones of a search. A long board is read over several visits."""
        access.key(KEY)
        target = _target(source.url)
        if target is None:
            raise Refused(f"{source.id}: {' '.join(_wrong_address(source.url))}.", code="bad_url")
        pages = (
            _search(source, target, access, now)
            if target.kind == "search"
            else _board(source, target, cursor, access, now)
        )
        async for page in pages:
            yield page

    def parse(self, source: Source, page: Page) -> Parsed:
        """The pins of a page. Raises Drifted."""
        answer = load_object(source, page)
        pins = answer.get("items")
        if not isinstance(pins, list):
            raise unknown_shape(source, "no list `items`")
        return parsed(pins, _found_pin if page.context.get("kind") == "search" else _board_pin)


async def _search(source: Source, target: _Target, access: Access, now: datetime) -> AsyncIterator[Page]:
    options = read_options(source, Pinterest.options)
    query: dict[str, str | int] = {"term": target.name, "country_code": _country(source), "limit": SEARCH_PAGE}
    if options["locale"]:
        query["locale"] = options["locale"]
    needs = "the search of public pins, a beta that Pinterest opens to selected partners"
    for _ in range(options["pages"]):
        fetched = await ask(access, source.id, "search/partner/pins", query, needs=needs, allow_status=(400,))
        if fetched.status == 400:
            why = f"{source.id}: Pinterest does not accept this search (400, {message(fetched)!r})"
            raise Refused(f"{why}. Check its words, `country` and `locale`.", code="bad_request")
        page = _page(fetched, {"kind": "search"})
        bookmark = text(load_object(source, page).get("bookmark"))
        yield replace(page, observed=NOTHING_PROVED, resume={"until": now.isoformat()})
        if not bookmark:
            return
        query["bookmark"] = bookmark


async def _board(source: Source, target: _Target, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
    options = read_options(source, Pinterest.options)
    since = moment(cursor.get("until")) or now - timedelta(days=options["days"])
    name = f"{target.user}/{target.name}"
    remembered = text(cursor.get("board")) if cursor.get("name") == name else ""
    board = options["board"] or remembered or await _find(source, target, access)
    bookmark, asked = text(cursor.get("bookmark")), moment(cursor.get("asked")) or now
    fetched_pages = 0
    while fetched_pages < options["pages"]:
        query: dict[str, str | int] = {"page_size": BOARD_PAGE}
        if options["counts"]:
            query["pin_metrics"] = "true"
        if bookmark:
            query["bookmark"] = bookmark
        try:
            fetched = await _ask_board(source, target, access, f"boards/{board}/pins", query)
        except NotFound:
            if board != remembered:
                raise
            remembered, bookmark, asked = "", "", now  # it was made anew under its old name
            board = await _find(source, target, access)
            continue
        if fetched.status == 400:
            if not bookmark or fetched_pages:
                why = f"{source.id}: Pinterest does not accept the request (400, {message(fetched)!r})"
                raise Refused(f"{why}. It is tried anew at the next visit.", code="bad_request")
            bookmark, asked = "", now  # it was kept since the last visit, for too long: from the beginning
            continue
        fetched_pages += 1
        page = _page(fetched, {"kind": "board"})
        bookmark = text(load_object(source, page).get("bookmark"))
        if not bookmark:
            done = {"until": asked.isoformat(), "board": board, "name": name}
            yield replace(page, observed=Stretch(since, asked), resume=done)
            return
        later = {
            "until": since.isoformat(), "board": board, "name": name, "bookmark": bookmark, "asked": asked.isoformat()
        }  # fmt: skip
        yield replace(page, observed=NOTHING_PROVED, resume=later if fetched_pages >= options["pages"] else None)


async def _find(source: Source, target: _Target, access: Access) -> str:
    """The number of a board among those of the key's owner. Raises Refused('foreign_board') or NotFound."""
    query: dict[str, str | int] = {"page_size": BOARD_PAGE, "privacy": "PUBLIC"}
    owners = set()
    for _ in range(BOARD_PAGES):
        answer = load_object(source, _page(await _ask_board(source, target, access, "boards", query), {}))
        for board in map(mapping, array(answer.get("items"))):
            owner = text(mapping(board.get("owner")).get("username")).casefold()
            owners.add(owner)
            public = board.get("privacy", "PUBLIC") == "PUBLIC"
            if public and owner == target.user.casefold() and _slug(text(board.get("name"))) == _slug(target.name):
                return needed(board.get("id"), "id")
        bookmark = text(answer.get("bookmark"))
        if not bookmark:
            break
        query["bookmark"] = bookmark
    if target.user.casefold() not in owners:
        raise _foreign(source, target)
    raise NotFound(
        f"{source.id}: {target.user} has no public board {target.name!r}. Check the address, or give the number of the "
        "board in option `board`.",
        code="http_404",
    )


async def _ask_board(
    source: Source, target: _Target, access: Access, path: str, query: Mapping[str, str | int]
) -> Fetched:
    # Where no board is named, a refusal is about the app.
    named = () if path == "boards" else (400, 403, 404)
    fetched = await ask(access, source.id, path, query, needs="scope boards:read", allow_status=named)
    if fetched.status == 403:
        raise _foreign(source, target)
    if fetched.status == 404:
        raise NotFound(
            f"{source.id}: Pinterest has no such board (404). Check the address or option `board`.", code="http_404"
        )
    return fetched


def _foreign(source: Source, target: _Target) -> Refused:
    return Refused(
        f"{source.id}: Pinterest shows the boards of the key's owner only (to apps with scope pins:read), and this one "
        f"is not among them. Use collector `feed` with https://www.pinterest.com/{target.user}/{target.name}.rss instead.",
        code="foreign_board",
    )


def _page(fetched: Fetched, context: Mapping[str, Any]) -> Page:
    return Page(fetched.body or b"", fetched.url, fetched.fetched_at, fetched.content_type, context=context)


def _steps(url: str) -> list[str] | None:
    """The steps of an address of Pinterest's site; None for any other."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower().removeprefix("www.")
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return None
    return [unquote(step) for step in parts.path.split("/") if step]


def _target(url: str) -> _Target | None:
    steps = _steps(url)
    if not steps:
        return None
    if steps[0] == "search":
        words = parse_qs(urlsplit(url.strip()).query).get("q", [""])[0].strip()
        return _Target("search", words) if steps[1:] in ([], ["pins"]) and words else None
    if len(steps) == 2 and steps[0] not in _NOT_USERS and not steps[1].endswith((".rss", "_created", "_saved")):
        return _Target("board", steps[1], steps[0])
    return None


def _wrong_address(url: str) -> tuple[str, str]:
    """What is wrong with it, and what to write instead."""
    host, steps = urlsplit(url.strip()).hostname or "", _steps(url) or []
    if host.startswith("trends."):
        what = "search trends are not posts and no source"
        return what, "remove this source; trends are shown on their own"
    if steps and steps[-1].endswith(".rss"):
        return "this is a feed", "use collector `feed`"
    if len(steps) == 1 and steps[0] not in _NOT_USERS:
        feed = f"https://www.pinterest.com/{steps[0]}/feed.rss"
        return "this is an account, not a board", f"use collector `feed` with {feed}, or name a board of your own"
    return "this is neither a board nor a search of Pinterest", _RIGHT


def _country(source: Source) -> str:
    told = source.options.get("country")
    return (told.strip() if isinstance(told, str) else source.country or "").upper()


def _slug(name: str) -> str:
    """A board's name as its address writes it: 'Low-salt & tasty!' → 'low-salt-tasty'."""
    return _WORDS.sub("-", name.casefold()).strip("-")


def _words(pin: Mapping[str, Any], name: str) -> str:
    value = pin.get(name)
    if value is not None and not isinstance(value, str):
        raise UnreadableItemError(f"{name} is not text")
    return (value or "").strip()


def _board_pin(pin: Mapping[str, Any]) -> Item | None:
    title, words = _words(pin, "title"), _words(pin, "description")
    if pin.get("parent_pin_id") and not (title or words):
        return None  # saved from another pin and nothing said about it
    item = _found_pin(pin)
    owner = text(mapping(pin.get("board_owner")).get("username"))
    return replace(
        item,
        published_at=needed_moment(moment(pin.get("created_at")), "created_at"),
        # on a group board others pin too, and are not named
        author=owner if owner and pin.get("is_owner") is not False else None,
        sponsored=flag(pin.get("has_been_promoted")),
        engagement=_engagement(pin),
    )


def _found_pin(pin: Mapping[str, Any]) -> Item:
    number = needed(pin.get("id"), "id")
    media = mapping(pin.get("media"))
    return Item(
        id=number,
        url=f"https://www.pinterest.com/pin/{number}/",
        title=_words(pin, "title"),
        text=_words(pin, "description"),
        content_type="video" if media.get("media_type") == "video" else None,
        media=_media(media),
    )


def _engagement(pin: Mapping[str, Any]) -> Engagement:
    """Since the pin was made; the counts of its last 90 days are another thing and are left alone."""
    told = mapping(mapping(pin.get("pin_metrics")).get("lifetime_metrics"))
    return Engagement(
        views=count(told.get("impression")),
        likes=count(told.get("reaction")),
        comments=count(told.get("comment")),
        shares=count(told.get("save")),
    )


def _media(media: Mapping[str, Any]) -> tuple[Media, ...]:
    several = [mapping(one) for one in array(media.get("items"))]
    found = (_one_medium(one) for one in (several or [media]))
    return tuple(one for one in found if one is not None)


def _one_medium(media: Mapping[str, Any]) -> Media | None:
    if "duration" in media or "cover_image_url" in media or "video_url" in media:
        url = text(media.get("video_url")) or text(media.get("cover_image_url"))
        length = media.get("duration")
        milliseconds = length if isinstance(length, (int, float)) and not isinstance(length, bool) else None
        seconds = milliseconds / 1000 if milliseconds is not None and milliseconds > 0 else None
        return Media(url, medium="video", duration=seconds) if url.startswith("https://") else None
    sizes = [mapping(size) for size in mapping(media.get("images")).values()]
    widest = max(sizes, key=lambda size: count(size.get("width")) or 0, default=None)
    url = text(widest.get("url")) if widest is not None else ""
    return Media(url, medium="image") if url.startswith("https://") else None


COLLECTOR = Pinterest()
