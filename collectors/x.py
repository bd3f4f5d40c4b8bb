"""X (Twitter): public posts by search (the last seven days) and of accounts, through the paid API v2.

Every post read costs money, so every request is booked before it is sent, and no page is paid for twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from collectors.base import (
    NOTHING_PROVED,
    CollectError,
    Cursor,
    Duties,
    Item,
    Key,
    NotFound,
    Page,
    Parsed,
    Refused,
    Source,
    Stored,
    Throttled,
)
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import array, load_object, mapping, parsed, text, unknown_shape
from collectors.x_api.addresses import Target, read_target
from collectors.x_api.budget import READS, REVIEWS, SIZES, Booking, Purse, share_for_new
from collectors.x_api.client import API, KEY, USER_FIELDS, Answer, Api, UnacceptedError
from collectors.x_api.paging import Bookmark, Listing
from collectors.x_api.posts import GONE, Includes, count_errors, gone, newest_versions, read_post

if TYPE_CHECKING:
    from collectors.access import Access

_BATCH = 100
"""Posts in one look-up."""


class XCollector:
    """Newest post first, from now back to the newest that is known; what was broken off is taken up where it broke."""

    platform: ClassVar[str] = "x"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = timedelta(days=7)
    duties: ClassVar[Duties] = Duties(
        review=timedelta(hours=24),
        review_for=timedelta(days=REVIEWS),
        asks="X asks that posts which are deleted, withheld or made private there are removed here within a day.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = (READS,)
    options: ClassVar[Mapping[str, Option]] = {
        "usd_a_day": Option(
            "number",
            "US dollars that this source may cost in a UTC day, all in all; nothing is asked for beyond. Default 10.00.",
            10.0,
            low=0.5,
            high=10_000,
        ),
        "days": Option(
            "whole",
            "How many days back the first visit goes; a search goes back 7 at most. Default 7.",
            7,
            low=1,
            high=90,
        ),
        "pages": Option(
            "whole", "Pages of one visit; the next one goes on from there. Default 100.", 100, low=1, high=250
        ),
        "authors": Option(
            "flag",
            "Also read who the authors are: profile text, followers, mark. Costs 1 cent for each author. Default true.",
            True,
        ),
        "replies": Option("flag", "Also collect replies. Default true.", True),
    }
    examples: ClassVar[tuple[str, ...]] = ()

    def check(self, source: Source) -> list[Problem]:
        """Addresses that are neither a search nor an account, searches that X does not take, and wrong options."""
        problems = check_options(source, self.options)
        target = read_target(source.url, replies=source.options.get("replies") is not False)
        if isinstance(target, Problem):
            return [target, *problems]
        days = source.options.get("days")
        if target.kind == "search" and not problems and isinstance(days, int) and days > 7:
            problems.append(Problem(("options", "days"), "search goes back seven days", "write 7 or less"))
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Pages newest first; each says where to go on. Raises CollectError only."""
        plan = _plan(source, self.options)
        api, purse = Api(source, access), Purse(source, access, "new posts", plan.dollars)
        access.key(KEY)
        mark = Bookmark.from_json(cursor, plan.asked)
        if not plan.search and mark.user is None:
            mark = replace(mark, user=await _find_user(source, plan.target.what, api, access, purse))
        listing, sizes = mark.listing, plan.sizes
        if listing is not None and purse.holds(listing.size, plan.users(listing.size)):
            sizes = (listing.size,)
        for number in range(1, plan.pages + 1):
            size, booking = await purse.book_page(sizes, plan.users)
            sizes = (size,)
            begun = mark.begin(now, days=plan.days, search=plan.search, size=size) if listing is None else listing
            async with purse.paying(booking) as bill:
                answer, listing = await _ask(api, plan, mark.user, replace(begun, size=size), access)
                if answer is not None:
                    _check_shape(source, answer)
                    bill.posts, bill.users = len(answer.posts), answer.users
            if answer is None:
                yield _forgotten(mark, listing, access)
                return
            listing = listing.read(answer.document)
            if listing.token is None:
                shown = listing.shown_all(search=plan.search, now=answer.page.fetched_at)
                done = mark.done(listing).to_json()
                yield replace(answer.page, observed=shown or NOTHING_PROVED, resume=done, last=True)
                return
            last = number == plan.pages
            stop = None if last else await _hindrance(source, answer, purse, size, plan.users(size))
            gap = "overflow" if last else "budget" if stop is not None and stop.code == "quota_used" else None
            shown = listing.shown(gap)
            going = mark.during(listing).to_json()
            yield replace(answer.page, observed=shown or NOTHING_PROVED, resume=going, last=last)
            if stop is not None:
                raise stop

    def parse(self, source: Source, page: Page) -> Parsed:
        """The posts of a page, and those that a look-up found gone as deleted. Raises Drifted."""
        if page.body is None:
            return Parsed(())
        document = load_object(source, page)
        entries = document.get("data", [])
        if not isinstance(entries, list) or not {"data", "meta", "errors"} & set(document):
            raise unknown_shape(source, "no list of posts")
        asked = page.context.get("asked")
        includes = Includes.of(document)
        result = parsed(entries, lambda entry: read_post(entry, includes, again=asked is not None))
        if asked is None:
            return replace(result, facts=count_errors(document))
        missing = gone(document) & set(asked)
        return replace(result, items=(*result.items, *(Item(one, deleted=True) for one in sorted(missing))))

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Look posts up again, 100 at a time, without their authors. What X neither shows nor calls gone is not
        confirmed. Raises CollectError only."""
        plan = _plan(source, self.options)
        api = Api(source, access)
        purse = Purse(source, access, "looking stored posts up again", plan.dollars_for_reviews)
        asked = [post.id for post in posts if post.id.isdecimal()]
        access.key(KEY)
        while asked:
            most = min(len(asked), _BATCH)
            sizes = (most, *(size for size in SIZES if size < most))
            size, booking = await purse.book_page(sizes, lambda posts: 0)
            batch, asked = asked[:size], asked[size:]
            answer = await _look_up(api, batch, purse, booking)
            told = {text(mapping(post).get("id")) for post in answer.posts} | gone(answer.document)
            yield replace(
                answer.page,
                observed=NOTHING_PROVED,
                confirmed=tuple(one for one in batch if one in told),
                context={"asked": batch},
            )
            if edited := newest_versions(answer.posts):
                newer = await _look_up(api, edited, purse, await purse.book(len(edited), 0))
                yield replace(newer.page, observed=NOTHING_PROVED, context={"asked": batch})


@dataclass(frozen=True, slots=True)
class _Plan:
    """A source's address and options, as its visits need them."""

    target: Target
    options: Mapping[str, Any]

    @property
    def search(self) -> bool:
        return self.target.kind == "search"

    @property
    def days(self) -> int:
        return int(self.options["days"])

    @property
    def pages(self) -> int:
        return int(self.options["pages"])

    @property
    def authors(self) -> bool:
        return bool(self.options["authors"])

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(size for size in SIZES if size >= self.target.least)

    def users(self, posts: int) -> int:
        """How many accounts may come with so many posts: a timeline has one author, who comes with every page."""
        return (posts if self.search else 1) if self.authors else 0

    @property
    def dollars(self) -> float:
        """A day's money for new posts."""
        return float(self.options["usd_a_day"]) * share_for_new(author_each=self.search and self.authors)

    @property
    def dollars_for_reviews(self) -> float:
        return float(self.options["usd_a_day"]) - self.dollars

    @property
    def asked(self) -> str:
        """A text that changes when a former page token or newest post says nothing any more."""
        return " ".join([self.target.kind, *self.params.values()]) + (
            "" if self.search else f" {self.target.what.lower()}"
        )

    @property
    def params(self) -> dict[str, str]:
        if self.search:
            return {"query": self.target.query(replies=self.options["replies"])}
        return {"exclude": "retweets" if self.options["replies"] else "retweets,replies"}


def _plan(source: Source, declared: Mapping[str, Option]) -> _Plan:
    """Of a source that was checked."""
    options = read_options(source, declared)
    target = read_target(source.url, replies=options["replies"])
    if isinstance(target, Problem):
        raise Refused(f"{source.id}: {target.what}; {target.instead}.", code="bad_url")
    return _Plan(target, options)


async def _ask(
    api: Api, plan: _Plan, user: str | None, listing: Listing, access: Access
) -> tuple[Answer | None, Listing]:
    """One page, asked for otherwise if X does not accept how. No answer if X has forgotten what was still to come."""
    path = "tweets/search/recent" if plan.search else f"users/{user}/tweets"
    while not listing.exhausted(search=plan.search, now=access.now()):
        bounds = listing.bounds(search=plan.search, now=access.now())
        try:
            return await api.posts(path, {**plan.params, **bounds}, authors=plan.authors), listing
        except UnacceptedError as complaint:
            milder = listing.after(complaint, access.now())
            if milder is not None:
                listing = milder
            elif listing.begun and (complaint.names("start_time") or complaint.names("end_time")):
                break
            else:
                raise
    return None, listing


async def _look_up(api: Api, ids: Sequence[str], purse: Purse, booking: Booking) -> Answer:
    async with purse.paying(booking) as bill:
        answer = await api.posts("tweets", {"ids": ",".join(ids)}, authors=False)
        bill.posts, bill.users = len(answer.posts), answer.users
    return answer


async def _find_user(source: Source, name: str, api: Api, access: Access, purse: Purse) -> str:
    """The id of an account. Looked up once for each name and process, and then kept in the cursor."""
    known: dict[str, str] = access.memory.setdefault("users", {})
    if name.lower() not in known:
        async with purse.paying(await purse.book(0, 1)) as bill:
            answer = await api.get(f"users/by/username/{name}", {"user.fields": USER_FIELDS})
            user = mapping(answer.document.get("data"))
            if not text(user.get("id")).isdecimal():
                raise _no_account(source, answer.document)
            bill.users = 1
        if user.get("protected") is True:
            raise Refused(f"{source.id}: this account shows its posts to its followers only.", code="not_public")
        known[name.lower()] = user["id"]
    return known[name.lower()]


def _forgotten(mark: Bookmark, listing: Listing, access: Access) -> Page:
    """The end of a listing whose rest is older than X remembers by now. Nothing was asked for."""
    return Page(
        body=None,
        url=access.url(f"{API}/tweets/search/recent"),
        fetched_at=access.now(),
        observed=listing.shown("overflow") or NOTHING_PROVED,
        resume=mark.done(listing).to_json(),
        last=True,
    )


async def _hindrance(source: Source, answer: Answer, purse: Purse, posts: int, users: int) -> Throttled | None:
    """Why the next page cannot be asked for, if it cannot."""
    if answer.exhausted is not None:
        return Throttled(
            f"{source.id}: X allows no further request before {answer.exhausted:%Y-%m-%d %H:%M:%S} UTC.",
            code="http_429",
            until=answer.exhausted,
        )
    return await purse.check(posts, users)


def _check_shape(source: Source, answer: Answer) -> None:
    """Raises if an answer is not a page of posts, not even an empty one."""
    if isinstance(answer.document.get("meta"), dict) or answer.posts:
        return
    if answer.document.get("errors"):
        raise _no_account(source, answer.document)
    raise unknown_shape(source, "neither posts nor the news that there are none")


def _no_account(source: Source, document: Mapping[str, Any]) -> CollectError:
    """X answers 200 for accounts that it does not show, with the reason beside."""
    error = next(iter(map(mapping, array(document.get("errors")))), {})
    kind = text(error.get("type")).rpartition("/")[2]
    if kind not in GONE:
        return unknown_shape(source, "no account came")
    if kind == "not-authorized-for-resource":
        return Refused(f"{source.id}: this account shows its posts to its followers only.", code="not_public")
    if "suspended" in text(error.get("detail")):
        return NotFound(f"{source.id}: X has suspended this account.", code="http_404")
    return NotFound(f"{source.id}: X has no account of this name. Check the address.", code="http_404")


COLLECTOR = XCollector()
