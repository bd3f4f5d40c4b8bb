"""RSS, Atom, RDF and JSON Feed: news, blogs, podcasts, and every platform that still has feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from collectors.base import NO_DUTIES, Cursor, Duties, Key, Page, Parsed, Source
from collectors.feeds.finder import ACCEPT
from collectors.feeds.read import read
from collectors.options import Option, Problem, check_options
from collectors.quota import Quota

if TYPE_CHECKING:
    from collectors.access import Access


class FeedCollector:
    """One page a visit: a feed shows its newest items and nothing older."""

    platform: ClassVar[str] = "web"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {}
    examples: ClassVar[tuple[str, ...]] = ("https://www.who.int/rss-feeds/news-english.xml",)

    def check(self, source: Source) -> list[Problem]:
        """A missing address, unknown options. Any web address may be a feed."""
        missing = [] if source.url else [Problem(("url",), "a feed has an address", "add `url: …`")]
        return missing + check_options(source, self.options)

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """One conditional request. The page's body is None if nothing changed. Raises CollectError only."""
        # Here, because a process that only parses has no need of an HTTP client.
        from collectors.fetch import Validators

        fetched = await access.http.fetch(
            source.url, validators=Validators.from_json(cursor.get("http")), accept=ACCEPT
        )
        yield Page(
            body=fetched.body,
            url=fetched.url,
            fetched_at=fetched.fetched_at,
            content_type=fetched.content_type,
            resume={"http": fetched.validators.to_json()},
            last=True,
            poll_after=fetched.poll_after,
            moved_to=fetched.moved_to,
            context={"repairs": list(fetched.repairs)} if fetched.repairs else {},
        )

    def parse(self, source: Source, page: Page) -> Parsed:
        """The items of a page in its own order. Raises Drifted: 'empty', 'not_a_feed', 'entity_bomb', 'malformed'."""
        parsed = read(page)
        repairs = tuple(page.context.get("repairs", ()))
        return (
            replace(parsed, facts=replace(parsed.facts, repairs=(*repairs, *parsed.facts.repairs)))
            if repairs
            else parsed
        )


COLLECTOR = FeedCollector()
