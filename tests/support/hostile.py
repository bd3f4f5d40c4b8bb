"""A collector whose documents do to their reader what they say, known only to the processes of a test."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from collectors import registry
from collectors.base import NO_DUTIES, Cursor, Duties, Item, Key, Page, Parsed, Source
from monitor.core.model import Known
from monitor.core.reading import Reading
from monitor.readers import Recipe

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.options import Option, Problem
    from collectors.quota import Quota


class UnpicklableError(Exception):
    """Cannot be made again from its message alone, as pickle would."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


class Hostile:
    platform: ClassVar[str] = "web"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {}
    examples: ClassVar[tuple[str, ...]] = ()

    def check(self, source: Source) -> list[Problem]:
        return []

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        fetched = await access.http.fetch(source.url)
        yield Page(body=fetched.body, url=fetched.url, fetched_at=fetched.fetched_at)

    def parse(self, source: Source, page: Page) -> Parsed:
        said = (page.body or b"").decode()
        if said == "die":
            os._exit(11)
        if said == "raise":
            raise UnpicklableError("a fault", "of ours")
        if said.startswith("sleep"):
            time.sleep(float(said.partition(" ")[2]))
        return Parsed((Item(id=said, title=said, text=str(os.getpid())),))


@dataclass(frozen=True)
class HostileRecipe(Recipe):
    """Brings the collector along into every process that reads."""

    def read(self, page: Page, source: Source, known: Known) -> Reading:
        registry._all().setdefault("hostile", Hostile())
        return super().read(page, source, known)


def hostile(recipe: Recipe) -> HostileRecipe:
    return HostileRecipe(**{one.name: getattr(recipe, one.name) for one in fields(recipe)})
