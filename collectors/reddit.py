"""Reddit: the newest posts (and comments) of communities, searches and accounts.

With an approved app's key it reads the OAuth listings, about 1,000 entries deep, with scores and numbers of comments.
Without one it reads the public feed of the same listing, once a minute for all sources together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from collectors.base import NOTHING_PROVED, Cursor, Duties, Facts, Item, Key, Page, Parsed, Source, Stored, Throttled
from collectors.feeds.finder import ACCEPT
from collectors.feeds.read import read
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import array, load_object, mapping, moment, parsed, text, unknown_shape
from collectors.reddit_api.address import API, Listing, check_place, read_place
from collectors.reddit_api.door import FEEDS, KEY, NAMELESS, REQUESTS, WITHOUT_KEY, Door, wait_until
from collectors.reddit_api.posts import from_feed, names, read_entry
from collectors.reddit_api.walk import Walk, conclude

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

_BATCH = 100
"""Full names in one look-up."""


class RedditCollector:
    """Listings newest first, from the newest entry back to the known; a broken visit begins anew at the newest."""

    platform: ClassVar[str] = "reddit"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = Duties(
        keep=timedelta(days=30),
        review=timedelta(hours=24),
        review_for=timedelta(days=14),
        asks="Reddit asks that what was deleted there is deleted here; what is no longer looked up is not kept.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = (REQUESTS, FEEDS)
    options: ClassVar[Mapping[str, Option]] = {
        "comments": Option("flag", "Also follow the comments of the community or account. Default false.", False),
        "days": Option("whole", "How many days back the first visit goes. Default 365.", 365, low=1, high=3650),
        "over_18": Option("flag", "Also posts marked as for adults; medical pictures often are. Default true.", True),
    }
    examples: ClassVar[tuple[str, ...]] = (
        "https://www.reddit.com/r/publichealth",
        "https://www.reddit.com/r/nursing+medicine",
        "https://www.reddit.com/search?q=measles",
        "https://www.reddit.com/r/nursing/search?q=burnout&restrict_sr=1",
        "https://www.reddit.com/user/NAME/submitted",
    )

    def check(self, source: Source) -> list[Problem]:
        """Addresses that are no listing, and wrong options."""
        problems = check_options(source, self.options)
        return [*check_place(source.url, comments=source.options.get("comments") is True), *problems]

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Pages of posts, then of comments. Only the last page says where to go on. Raises CollectError only."""
        if not access.has_key():
            yield await _feed_page(source, cursor, access)
            return
        options = read_options(source, self.options)
        place, door = read_place(source.url), Door(source, access)
        listings: tuple[Listing, ...] = ("posts", "comments") if options["comments"] else ("posts",)
        floor = now - timedelta(days=options["days"])
        since = moment(cursor.get("until")) or floor
        walks: dict[str, Walk] = {}
        for listing in listings:
            walk = walks[listing] = Walk.after(cursor.get(listing), floor=since, kind=place.kind)
            after: str | None = None
            while not walk.done:
                fetched = await door.ask(place.api(listing, after=after, adult=options["over_18"]), place.shown)
                page = _page(fetched, door)
                children, following = _listing(source, page)
                walk.take(children, following if following != after else None)
                after = following
                if not walk.done:
                    yield replace(page, observed=walk.shown(now) if len(listings) == 1 else NOTHING_PROVED)
                elif listing != listings[-1]:
                    yield page
                else:
                    proved = conclude(walks.values(), since, now)
                    done = None if proved == NOTHING_PROVED else _resume(cursor, walks, now)
                    yield replace(page, observed=proved, resume=done)

    def parse(self, source: Source, page: Page) -> Parsed:
        """The posts of a page; those that are gone come as deleted. Raises Drifted."""
        if page.body is None:
            return Parsed(())
        repairs = tuple(page.context.get("repairs", ()))
        if page.context.get("route") == "feed":
            found = read(page)
            items = tuple(item for item in map(from_feed, found.items) if item is not None)
            return replace(found, items=items, facts=replace(found.facts, repairs=(*repairs, *found.facts.repairs)))
        children, _ = _listing(source, page)
        adult = read_options(source, self.options)["over_18"]
        result = parsed(children, lambda child: read_entry(child, adult=adult))
        missing = set(page.context.get("asked", ())) - names(children)
        gone = tuple(Item(name, deleted=True) for name in sorted(missing))
        return replace(result, items=(*result.items, *gone), facts=Facts(repairs=repairs))

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Look posts up again, 100 at a time. Without a key it does nothing: feeds cannot be asked for a post."""
        if not access.has_key():
            return
        door = Door(source, access)
        asked = [post.id for post in posts if post.id.startswith(("t3_", "t1_"))]
        for start in range(0, len(asked), _BATCH):
            batch = asked[start : start + _BATCH]
            query = urlencode({"id": ",".join(batch), "raw_json": "1"})
            page = _page(await door.ask(f"{API}/api/info?{query}", "the posts looked up again"), door)
            yield replace(page, confirmed=tuple(batch), context={**page.context, "asked": batch})


def _page(fetched: Fetched, door: Door) -> Page:
    return Page(
        body=fetched.body,
        url=fetched.url,
        fetched_at=fetched.fetched_at,
        content_type=fetched.content_type,
        observed=NOTHING_PROVED,
        context={} if door.credentials.account else {"repairs": [NAMELESS]},
    )


def _listing(source: Source, page: Page) -> tuple[list[Any], str | None]:
    """The entries of a page and the name to go on after. Raises Drifted."""
    answer = load_object(source, page)
    data = mapping(answer.get("data"))
    if answer.get("kind") != "Listing" or not isinstance(data.get("children"), list):
        raise unknown_shape(source, "a listing was expected")
    return array(data.get("children")), text(data.get("after")) or None


def _resume(cursor: Cursor, walks: Mapping[str, Walk], now: datetime) -> dict[str, Any]:
    kept = {"http": cursor["http"]} if "http" in cursor else {}
    return kept | {name: walk.state() for name, walk in walks.items()} | {"until": now.isoformat()}


async def _feed_page(source: Source, cursor: Cursor, access: Access) -> Page:
    """The public feed, asked for conditionally. What the API's visits remembered is kept for when a key comes back."""
    # Here, because a process that only parses has no need of an HTTP client.
    from collectors.fetch import Validators

    await access.spend(FEEDS)
    place = read_place(source.url)
    try:
        fetched = await access.http.fetch(
            access.url(place.feed()), validators=Validators.from_json(cursor.get("http")), accept=ACCEPT
        )
    except Throttled as error:
        until = error.until or wait_until({}, access.now())
        raise Throttled(
            f"{source.id}: Reddit's public feeds ask for fewer requests (429), as they often do for readers who are not "
            f"logged in. It is asked again after {until:%Y-%m-%d %H:%M:%S} UTC; {access.variable()} would help.",
            code=error.code,
            until=until,
        ) from None
    comments = source.options.get("comments") is True
    repairs = [WITHOUT_KEY + (", and no comments" if comments else ""), *fetched.repairs]
    return Page(
        body=fetched.body,
        url=fetched.url,
        fetched_at=fetched.fetched_at,
        content_type=fetched.content_type,
        resume={**cursor, "http": fetched.validators.to_json()},
        poll_after=fetched.poll_after,
        context={"route": "feed", "repairs": repairs},
    )


COLLECTOR = RedditCollector()
