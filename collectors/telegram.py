"""Telegram: posts of public channels, from the web preview that everybody sees, or told to a bot.

The route `preview` needs no key and reads pages that Telegram makes for people. The route `bot` is told what is posted
in the channels whose administrators added the bot. MTProto, the protocol of Telegram's own apps, is not spoken.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

import orjson

from collectors.base import (
    NOTHING_PROVED,
    CollectError,
    Cursor,
    Duties,
    Facts,
    Item,
    Key,
    Page,
    Parsed,
    Refused,
    Source,
    Stored,
    Stretch,
    Throttled,
)
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import array, count, load_object, mapping, moment, parsed, unknown_shape
from collectors.telegram_routes.address import SITE, check_name, read_name
from collectors.telegram_routes.bot import KINDS, read_update, told_at
from collectors.telegram_routes.preview import Preview, native_id, number_of
from collectors.telegram_routes.walk import Walk

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

KEY = Key(
    what="The token of a bot that the channels' administrators added (only for sources with `route: bot`)",
    where="https://t.me/BotFather",
    shape="NUMBER:LETTERS",
    optional=True,
)
_API = "https://api.telegram.org"
_TOKEN = re.compile(r"\d{4,20}:[A-Za-z0-9_-]{20,100}")
_UPDATES = 100
_REMEMBERED = timedelta(hours=24)
"""Telegram keeps updates for a bot no longer than this."""
_PAUSE = timedelta(minutes=15)
"""After a 429 that does not say how long."""


class TelegramCollector:
    """Previews are walked from the newest post back, and gone on with at any page; updates of a bot come in order."""

    platform: ClassVar[str] = "telegram"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = Duties(
        review=timedelta(hours=24),
        review_for=timedelta(days=7),
        asks="Posts that their channel deleted are looked for again, so that they go here as well.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {
        "route": Option(
            "choice", "`preview` (the public web page) or `bot`. Default preview.", "preview", ("preview", "bot")
        ),
        "days": Option(
            "whole", "How many days back the first visit goes (preview). Default 365.", 365, low=1, high=3650
        ),
        "pages": Option("whole", "Pages asked for in one visit, the next goes on. Default 100.", 100, low=1, high=250),
    }
    examples: ClassVar[tuple[str, ...]] = ("https://t.me/telegram", "https://t.me/s/telegram")

    def check(self, source: Source) -> list[Problem]:
        """Addresses that are no public channel (or no bot, for that route), and wrong options."""
        problems = check_options(source, self.options)
        return [*check_name(source.url, bot=source.options.get("route") == "bot"), *problems]

    def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Pages of the preview or of the bot's updates. Each can be gone on from. Raises CollectError only."""
        route = read_options(source, self.options)["route"]
        return (_retrieve_updates if route == "bot" else _retrieve_preview)(source, cursor, access, now)

    def parse(self, source: Source, page: Page) -> Parsed:
        """The posts of a page. Raises Drifted."""
        if page.context.get("route") == "bot":
            return parsed(_updates(source, page), read_update)
        preview = Preview(source, page.body or b"")
        items, rejected = preview.read()
        here = preview.numbers
        gone = [one for one in page.context.get("asked", ()) if number_of(one) not in here]
        facts = Facts(title=preview.channel().title)
        return Parsed((*items, *(Item(one, deleted=True) for one in gone)), facts, rejected)

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Read the pages on which the posts stood again. A post is gone if its page shows those around it, but not it.
        Bots are not told of deletions and cannot ask, so their sources have no review."""
        options = read_options(source, self.options)
        if options["route"] == "bot":
            return
        name = read_name(source.url)
        numbers = {number_of(post.id) for post in posts if post.id == native_id(name, number_of(post.id) or 0)}
        wanted = sorted((one for one in numbers if one is not None), reverse=True)
        for _ in range(options["pages"]):
            if not wanted:
                return
            fetched = await _ask_preview(source, access, name, wanted[0] + 1)
            preview = _preview(source, fetched, wanted[0] + 1)
            if not preview.numbers:
                return  # a page without posts says nothing about any of them
            asked = [one for one in wanted if one >= min(preview.numbers)]
            wanted = wanted[len(asked) :]
            ids = tuple(native_id(name, one) for one in asked)
            yield _page(fetched, observed=NOTHING_PROVED, confirmed=ids, context={"asked": list(ids)})


async def _retrieve_preview(source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
    """What an earlier visit left open comes first; then from the newest post."""
    options = read_options(source, TelegramCollector.options)
    name, floor = read_name(source.url), now - timedelta(days=options["days"])
    walk = Walk.unfinished(cursor)
    again = walk is not None
    walk = walk or Walk.begin(cursor, now=now, floor=floor)
    for _ in range(options["pages"]):
        fetched = await _ask_preview(source, access, name, walk.before)
        preview = _preview(source, fetched, walk.before)
        walk = walk.take(preview.numbers, preview.oldest)
        resume = walk.resume(cursor)
        yield _page(fetched, observed=walk.proved, resume=resume)
        if not walk.reached:
            continue
        if not again or resume is None:
            return
        cursor, again = resume, False
        walk = Walk.begin(cursor, now=now, floor=floor)


async def _ask_preview(source: Source, access: Access, name: str, before: int | None) -> Fetched:
    query = f"?{urlencode({'before': before})}" if before is not None else ""
    try:
        fetched = await access.http.fetch(
            access.url(f"{SITE}/s/{quote(name)}{query}"), accept="text/html,*/*;q=0.1", robots=True
        )
    except Throttled as error:
        if error.until is not None:
            raise
        raise Throttled(str(error), code=error.code, until=access.now() + _PAUSE) from None
    if "/s/" not in urlsplit(fetched.url).path:
        raise Refused(
            f"{source.id}: {SITE}/{name} shows no public preview. It does not exist, is private, is a group, a bot or a "
            "person, or its owner switched the preview off. Look at it in a browser; if it is a channel, its "
            "administrator may add a bot instead (`route: bot`).",
            code="no_preview",
        )
    return fetched


def _preview(source: Source, fetched: Fetched, before: int | None) -> Preview:
    preview = Preview(source, fetched.body or b"")
    if before is not None and any(number >= before for number in preview.numbers):
        raise unknown_shape(source, f"posts before number {before} were asked for, and later ones came")
    return preview


def _page(fetched: Fetched, **more: Any) -> Page:
    return Page(
        body=fetched.body, url=fetched.url, fetched_at=fetched.fetched_at, content_type=fetched.content_type, **more
    )


async def _retrieve_updates(source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
    """Telegram forgets updates below the offset that is sent. So an offset is sent only after the page before it was
    committed: with the next request, of this visit or the next one."""
    token = access.key(KEY)
    if not _TOKEN.fullmatch(token):
        raise access.refused(KEY, f"it is not written as {KEY.shape}")
    offset, since = count(cursor.get("offset")), moment(cursor.get("until"))
    for _ in range(read_options(source, TelegramCollector.options)["pages"]):
        if offset is not None:
            _claim(source, access)
        fetched = await _ask_updates(source, access, token, offset)
        # Not the address that was asked, which holds the token
        page = Page(fetched.body, f"{_API}/getUpdates", fetched.fetched_at, context={"route": "bot"})
        updates = _updates(source, page)
        numbers = [number for number in (count(mapping(one).get("update_id")) for one in updates) if number is not None]
        if numbers and offset is not None and max(numbers) < offset:
            raise unknown_shape(source, "updates came that were confirmed before")
        offset = max(numbers) + 1 if numbers else offset
        full = len(updates) >= _UPDATES and bool(numbers)
        last = next((at for at in map(told_at, reversed(updates)) if at is not None), now)
        until = min(last, now) if full else now
        resume: dict[str, Any] = {} if offset is None else {"offset": offset}
        if since is not None or not full:
            resume["until"] = until.isoformat()
        # On the first visit nobody knows since when the bot has been in its channels
        proved = NOTHING_PROVED if since is None else _told(since, until, now)
        yield replace(page, observed=proved, resume=resume)
        if not full:
            return


def _told(since: datetime, until: datetime, now: datetime) -> Stretch:
    """A bot that asks again within a day is told everything."""
    if now - since < _REMEMBERED:
        return Stretch(min(since, until), until)
    return Stretch(min(now - _REMEMBERED, until), until, "lost cursor")


def _claim(source: Source, access: Access) -> None:
    """One bot, one source: whoever confirms its updates takes them away from everybody else. A look at the first page
    (a preview of a new source) confirms nothing, so it claims nothing."""
    holder = access.memory.setdefault("bot", source.id)
    if holder != source.id:
        raise Refused(
            f"{source.id}: the bot is read by the source {holder} already, which collects all channels of the bot. "
            "Keep one of the two sources, and start the service again if you removed the other.",
            code="bot_shared",
        )


async def _ask_updates(source: Source, access: Access, token: str, offset: int | None) -> Fetched:
    query = {"limit": str(_UPDATES), "timeout": "0", "allowed_updates": orjson.dumps(KINDS).decode()}
    if offset is not None:
        query["offset"] = str(offset)
    # The token is a part of the path, which `redact` knows and hides in messages and logs
    fetched = await access.http.fetch(
        access.url(f"{_API}/bot{token}/getUpdates?{urlencode(query)}"),
        accept="application/json",
        allow_status=(400, 401, 403, 404, 409, 429),
    )
    if fetched.status < 400:
        return fetched
    raise _refusal(source, access, fetched)


def _refusal(source: Source, access: Access, fetched: Fetched) -> CollectError:
    try:
        said = mapping(orjson.loads(fetched.body or b""))
    except orjson.JSONDecodeError:
        said = {}
    if fetched.status in (401, 403, 404):
        return access.refused(KEY, "Telegram does not know this bot (its token may have been revoked)")
    if fetched.status == 409:
        return Refused(
            f"{source.id}: somebody else is told this bot's updates, by a webhook or another program. Give trendmonitor "
            "a bot of its own, or switch that off.",
            code="bot_busy",
        )
    if fetched.status == 429:
        wait = count(mapping(said.get("parameters")).get("retry_after"))
        until = access.now() + (_PAUSE if wait is None else timedelta(seconds=wait))
        return Throttled(
            f"{source.id}: Telegram asks for fewer requests (429). It is asked again after "
            f"{until:%Y-%m-%d %H:%M:%S} UTC.",
            code="http_429",
            until=until,
        )
    return unknown_shape(source, f"getUpdates was answered with {fetched.status}")


def _updates(source: Source, page: Page) -> list[Any]:
    answer = load_object(source, page)
    if answer.get("ok") is not True or not isinstance(answer.get("result"), list):
        raise unknown_shape(source, "a list of updates was expected")
    return array(answer.get("result"))


COLLECTOR = TelegramCollector()
