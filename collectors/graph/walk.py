"""A listing that goes from its newest post backwards, walked page by page, across visits where it must.

The cursor holds `until` (the end of what has been shown without a hole), and `going` while a walk is unfinished: where
it began (`top`), how far it has come (`at`) and how far it must go (`floor`). An unfinished walk is finished before a
new one begins at the newest post, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from collectors.base import NOTHING_PROVED, Cursor, Drifted, NotFound, Page, Refused, Stretch
from collectors.graph.ask import Answer
from collectors.reading import moment

Position = Mapping[str, Any]
"""Where in a listing to go on, as its platform wants it told: {'after': …} or {'until': seconds since 1970}."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One answer of a listing."""

    answer: Answer
    ids: frozenset[str]
    tail: datetime | None
    """When its last readable post was published. Not the oldest: a pinned post may come first."""
    following: Position | None
    """None: this was the last one."""


Ask = Callable[[Position | None, datetime], Awaitable[Sheet]]
"""(where to go on; None: at the newest, how far back posts are wanted) → the answer."""


@dataclass(slots=True)
class Walk:
    """One visit's walk.

    Args:
        days: how far back a first visit goes. pages: how many answers it asks for at most.
        keep: what the collector itself wants to find in the cursor again; may change on the way.
        overlap: what is asked for a second time, for posts that a search finds late.
        context: goes into every page.
        trust: False where an empty answer does not show that there was nothing to see.
    """

    cursor: Cursor
    now: datetime
    days: int
    pages: int
    keep: dict[str, Any] = field(default_factory=dict)
    overlap: timedelta = timedelta(0)
    context: dict[str, Any] = field(default_factory=dict)
    trust: bool = True
    _tired: bool = False

    async def go(self, ask: Ask) -> AsyncIterator[Page]:
        """Yield pages until the end of what is known. Raises CollectError only."""
        known = moment(self.cursor.get("until"))
        going = self.cursor.get("going")
        floor = known or self.now - timedelta(days=self.days)
        if isinstance(going, Mapping):
            top, floor = moment(going.get("top")) or self.now, moment(going.get("floor")) or floor
            finished: bool | None = None
            try:
                async for page, done in self._run(ask, top, going.get("at"), known, floor):
                    finished = done
                    yield page
            except (Refused, NotFound, Drifted):
                # The platform's marks do not live for ever: begin again at the newest, down to the same end.
                if finished is not None:
                    raise
            else:
                if not finished or self.pages <= 0 or self._tired:
                    return
                known = floor = top
        async for page, _ in self._run(ask, self.now, None, known, floor):
            yield page

    async def _run(
        self, ask: Ask, top: datetime, at: Position | None, known: datetime | None, floor: datetime
    ) -> AsyncIterator[tuple[Page, bool]]:
        """Pages, each with whether it reached `floor`."""
        seen: set[str] = set()
        fresh = at is None
        while True:
            sheet = await ask(at, floor - self.overlap)
            self.pages -= 1
            self._tired = sheet.answer.tired
            if sheet.ids:
                self.keep["seen"] = self.now.isoformat()
            if fresh and not seen and not sheet.ids and not self.trust:
                # Nothing was shown, and nothing is proved by that: the next visit asks from the same point.
                yield self._page(sheet, NOTHING_PROVED, self._resume(known)), True
                return
            dry = bool(seen) and not sheet.ids - seen
            seen |= sheet.ids
            if dry and at is not None and "after" in at and sheet.tail is not None:
                # The platform's marks lead in a circle: what lies before cannot be reached.
                yield self._page(sheet, Stretch(sheet.tail, top, gap="overflow"), self._resume(top)), True
                return
            if dry or sheet.following is None or (sheet.tail is not None and sheet.tail < floor):
                yield self._page(sheet, Stretch(floor, top), self._resume(top)), True
                return
            ends = self.pages <= 0 or self._tired
            at = sheet.following
            going = {"top": top.isoformat(), "at": dict(at), "floor": floor.isoformat()}
            gap = "budget" if self._tired else "overflow"
            reached = Stretch(sheet.tail, top, gap=gap if ends else None) if sheet.tail else NOTHING_PROVED
            yield self._page(sheet, reached, self._resume(known, going)), False
            if ends:
                return

    def _resume(self, until: datetime | None, going: Mapping[str, Any] | None = None) -> Cursor:
        resume = dict(self.keep)
        if until is not None:
            resume["until"] = until.isoformat()
        if going is not None:
            resume["going"] = going
        return resume

    def _page(self, sheet: Sheet, observed: Any, resume: Cursor) -> Page:
        return make_page(sheet.answer, observed, resume, self.context)


def make_page(answer: Answer, observed: Any, resume: Cursor | None, context: Mapping[str, Any], **more: Any) -> Page:
    """A page of an answer, which asks to wait where the platform's allowance is nearly used."""
    return Page(
        body=answer.body,
        url=answer.url,
        fetched_at=answer.fetched_at,
        content_type=answer.content_type,
        resume=resume,
        observed=observed,
        poll_after=answer.usage.wait if answer.tired else None,
        context=dict(context),
        **more,
    )
