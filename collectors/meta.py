"""Facebook pages, Instagram and Threads, by the Graph APIs of Meta. Which of them follows from a source's address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from collectors.base import Cursor, Duties, Facts, Item, Key, Page, Parsed, Source, Stored
from collectors.graph import facebook, instagram, threads
from collectors.graph.address import Address, WrongAddressError, read_address
from collectors.graph.ask import META_KEY
from collectors.graph.lookup import parse_lookups
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import array, load, load_object, mapping, read_items, text, unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access

_ACCOUNT = (
    "write account: '17841400000000000', the id of your own professional Instagram account; it is shown in Meta Business "
    "Suite, and by the API as instagram_business_account of the Facebook page it is connected with"
)


class MetaCollector:
    """Pages, accounts and searches newest first; hashtags as far as a day goes."""

    platform: ClassVar[str] = "facebook"
    key: ClassVar[Key | None] = META_KEY
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = Duties(
        review=timedelta(days=7),
        asks="What was deleted there goes here too, as far as Meta lets others look posts up again: Facebook pages and "
        "Threads, not Instagram. Its terms are reported to ask for deletion on request; their wording is unverified.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = (instagram.HASHTAGS, threads.SEARCHES, threads.PROFILES)
    options: ClassVar[Mapping[str, Option]] = {
        "account": Option("text", "Instagram only, and needed there: the id (digits) of your own professional account."),
        "days": Option("whole", "How many days back the first visit goes; default 365, of a search 7. A hashtag shows one.",
                       None, low=1, high=3650),
        "pages": Option("whole", "How many answers a visit asks for at most; default 100. The next visit goes on.", 100,
                        low=1, high=250),
        "replies": Option("flag", "Threads searches: also bring replies; default true.", True),
    }  # fmt: skip
    examples: ClassVar[tuple[str, ...]] = (
        "https://www.facebook.com/WHO",
        "https://www.instagram.com/who/",
        "https://www.instagram.com/explore/tags/measles/",
        "https://www.threads.com/search?q=measles",
        "https://www.threads.com/search?q=measles&serp_type=tags",
        "https://www.threads.com/@who",
    )

    def check(self, source: Source) -> list[Problem]:
        """Addresses of anything but pages, hashtags, professional accounts, searches and profiles; a missing account."""
        problems = check_options(source, self.options)
        try:
            on_instagram = read_address(source.url).kind in ("hashtag", "account")
        except WrongAddressError as wrong:
            return [wrong.problem, *problems]
        account = source.options.get("account")
        if on_instagram and account is None:
            problems.append(
                Problem(("options", "account"), "Instagram answers only to an account of your own", _ACCOUNT)
            )
        elif on_instagram and isinstance(account, str) and account.strip() and not account.strip().isdecimal():
            problems.append(
                Problem(("options", "account"), f"{account!r} is not an id: it has other signs than digits", _ACCOUNT)
            )
        elif not on_instagram and account is not None:
            problems.append(Problem(("options", "account"), "only sources on Instagram need it", "leave `account` out"))
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Newest first, page by page, down to the last visit. Raises CollectError only."""
        about = _address(source)
        options = read_options(source, self.options)
        listed = about.kind in ("page", "account", "profile")
        reach = {"days": options["days"] or (365 if listed else 7), "pages": options["pages"]}
        visit: AsyncIterator[Page]
        if about.kind == "page":
            visit = facebook.collect(source, about.name, cursor, access, now, **reach)
        elif about.kind == "hashtag":
            account, pages = str(options["account"]), options["pages"]
            visit = instagram.collect_hashtag(source, about.name, cursor, access, now, account=account, pages=pages)
        elif about.kind == "account":
            account = str(options["account"])
            visit = instagram.collect_account(source, about.name, cursor, access, now, account=account, **reach)
        elif about.kind == "profile":
            visit = threads.collect_profile(source, about.name, cursor, access, now, **reach)
        else:
            tag = about.kind == "tag"
            visit = threads.collect_search(source, about.name, cursor, access, now, tag=tag, **reach)
        async for page in visit:
            yield page

    def parse(self, source: Source, page: Page) -> Parsed:
        """Pure. Raises Drifted: 'not_json', 'unknown_shape'."""
        about = _address(source)
        context = page.context
        read: Any
        if about.kind == "page":
            read = partial(facebook.read_post, page=mapping(context.get("page")))
        elif about.kind in ("hashtag", "account"):
            return _parse_instagram(source, page)
        else:
            replies = read_options(source, self.options)["replies"]
            read = partial(threads.read_post, profile=mapping(context.get("profile")), replies=replies)
        if "asked" in context:
            return parse_lookups(load(source, page), [str(one) for one in array(context["asked"])], read)
        posts = load_object(source, page).get("data")
        if not isinstance(posts, list):
            raise unknown_shape(source, "there is no list of posts")
        return _parsed(*read_items(posts, read), page)

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Facebook in batches, Threads one by one; nothing for Instagram, which shows others' posts in lists only, where
        one that is missing may just be older than the list reaches. Raises CollectError only."""
        about = _address(source)
        visit: AsyncIterator[Page]
        if about.kind == "page":
            visit = facebook.review(source, about.name, posts, access, now)
        elif about.kind in ("hashtag", "account"):
            return
        else:
            profile = about.name if about.kind == "profile" else None
            visit = threads.review(source, profile, posts, access, now)
        async for page in visit:
            yield page


def _address(source: Source) -> Address:
    """Of a source that was checked. Raises Drifted('unknown_shape') for one that was not."""
    try:
        return read_address(source.url)
    except WrongAddressError as wrong:
        raise unknown_shape(source, f"{wrong.what}; {wrong.instead}") from None


def _parse_instagram(source: Source, page: Page) -> Parsed:
    posts, account = instagram.entries_of(load_object(source, page))
    if posts is None:
        raise unknown_shape(source, "there is no list of posts")
    return _parsed(*read_items(posts, partial(instagram.read_media, account=account)), page)


def _parsed(items: tuple[Item, ...], rejected: tuple[Any, ...], page: Page) -> Parsed:
    note = text(page.context.get("note"))
    return Parsed(items, facts=Facts(repairs=(note,) if note else ()), rejected=rejected)


COLLECTOR = MetaCollector()
