"""Sources that exist only as imported archives. Nothing is ever fetched for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from collectors.base import NO_DUTIES, Cursor, Drifted, Duties, Key, Page, Parsed, Refused, Source

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.options import Option, Problem
    from collectors.quota import Quota


class Archive:
    """Keeps the name `archive` meaningful; collecting such a source by name says what to do instead."""

    platform: ClassVar[str] = "web"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {}
    examples: ClassVar[tuple[str, ...]] = ()

    def check(self, source: Source) -> list[Problem]:
        """Nothing: an archive may carry what it likes."""
        return []

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        raise Refused(
            f"{source.id} holds an imported archive and has no address to visit. `trendmonitor import FILE` adds to it.",
            code="archive_only",
        )
        yield  # makes this a generator, as the protocol wants

    def parse(self, source: Source, page: Page) -> Parsed:
        raise Drifted(f"{source.id} holds an imported archive; there is no page to read.", code="archive_only")


COLLECTOR = Archive()
