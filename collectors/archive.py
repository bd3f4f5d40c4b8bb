"""Sources that exist only as imported archives. Nothing is ever fetched for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from collectors.base import Cursor, Drifted, Page, Parsed, Refused, Source

if TYPE_CHECKING:
    from collectors.fetch import Http


class Archive:
    """Keeps the name `archive` meaningful; collecting such a source by name says what to do instead."""

    platform: ClassVar[str] = "web"
    needs_key: ClassVar[bool] = False
    remembers: ClassVar[timedelta | None] = None

    async def retrieve(self, source: Source, cursor: Cursor, http: Http, now: datetime) -> AsyncIterator[Page]:
        raise Refused(
            f"{source.id} holds an imported archive and has no address to visit. `trendmonitor import FILE` adds to it.",
            code="archive_only",
        )
        yield  # makes this a generator, as the protocol wants

    def parse(self, source: Source, page: Page) -> Parsed:
        raise Drifted(f"{source.id} holds an imported archive; there is no page to read.", code="archive_only")


COLLECTOR = Archive()
