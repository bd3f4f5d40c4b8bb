"""Where a source was left, and how to go on inside the pages of one listing. Pure.

X lists the newest post first. A listing is asked for with `since_id`, which stays the same on all its pages; only the
first page's newest post becomes the next one. Where there is none yet, or it is older than X remembers, a time takes
its place. Pages cost money, so a listing that was broken off is taken up where it broke: by its page token, and if X
refuses that, from its oldest post on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from collectors.base import Cursor, Stretch
from collectors.reading import array, count, epoch_moment, mapping, moment, text
from collectors.x_api.client import UnacceptedError

HELD_BACK = timedelta(seconds=30)
"""What X leaves out of an answer because it is too new."""
WINDOW = timedelta(days=7) - timedelta(minutes=1)
"""How far back recent search goes, with a little room for the time a request takes."""
_EPOCH_MS = 1_288_834_974_657
"""Ids of X hold the time they were given, in milliseconds since this one (counted from 1970)."""
_LONGEST_ID = 19
"""Digits; 63 bits."""


def moment_of(post_id: str) -> datetime | None:
    """When an id was given, aware UTC; None for what is no id."""
    if not post_id.isdecimal() or len(post_id) > _LONGEST_ID:
        return None
    return epoch_moment((int(post_id) >> 22) + _EPOCH_MS, unit=timedelta(milliseconds=1))


@dataclass(frozen=True, slots=True)
class Listing:
    """One way from the newest post back to what is known."""

    until: datetime
    """Posts up to here are in it."""
    goal: datetime
    """Once it reaches back to here, nothing is missing."""
    since_id: str | None
    """The newest post that was known before; None: `start` bounds it."""
    start: datetime | None
    size: int
    """Posts a page; the same on all of them."""
    token: str | None = None
    """Of the page to be asked for next."""
    begun: bool = False
    newest: str | None = None
    """Of the first page."""
    oldest: str | None = None
    """The last post that was read."""

    def bounds(self, *, search: bool, now: datetime) -> dict[str, str]:
        """The parameters that say from where to where."""
        asked = {"max_results": str(self.size)}
        if self.since_id is not None:
            asked["since_id"] = self.since_id
        else:
            asked["start_time"] = _written(self.earliest(search=search, now=now))
        if self.token is not None:
            asked["next_token" if search else "pagination_token"] = self.token
        elif self.oldest is not None:
            if self.since_id is not None:
                asked["until_id"] = self.oldest
            else:
                asked["end_time"] = _written(self._reached() + timedelta(seconds=1))
        return asked

    def earliest(self, *, search: bool, now: datetime) -> datetime:
        """From when on posts are asked for, if by time: search forgets, so the bound moves with the clock."""
        start = self.start or self.goal
        return max(start, now - WINDOW) if search else start

    def exhausted(self, *, search: bool, now: datetime) -> bool:
        """True if X has forgotten all that was still to be read."""
        return self.begun and self.since_id is None and self._reached() <= self.earliest(search=search, now=now)

    def after(self, complaint: UnacceptedError, now: datetime) -> Listing | None:
        """The same listing asked for otherwise; None if X complains about something else."""
        if self.since_id is not None and (complaint.names("since_id") or complaint.names("until_id")):
            return replace(self, since_id=None, start=max(self.goal, now - WINDOW), token=None)
        return replace(self, token=None) if self.token is not None else None

    def read(self, document: Mapping[str, Any]) -> Listing:
        """After a page: `token` is that of the next one, None if this was the last."""
        meta = mapping(document.get("meta"))
        ids = [
            int(one)
            for one in (text(mapping(post).get("id")) for post in array(document.get("data")))
            if one.isdecimal()
        ]
        newest = _id(meta.get("newest_id")) or (str(max(ids)) if ids else None)
        oldest = _id(meta.get("oldest_id")) or (str(min(ids)) if ids else None)
        return replace(
            self,
            token=text(meta.get("next_token")) or None,
            begun=True,
            newest=self.newest if self.begun else newest,
            oldest=oldest or self.oldest,
        )

    def shown(self, gap: str | None) -> Stretch | None:
        """What the pages so far have shown, while more are to come."""
        since = self._reached()
        return Stretch(since, self.until, gap) if since < self.until else None

    def shown_all(self, *, search: bool, now: datetime) -> Stretch | None:
        """What the whole listing has shown. X forgets after seven days; what it forgot is a gap."""
        since = self.goal
        if self.since_id is None:
            since = max(since, self.earliest(search=search, now=now))
        if since >= self.until:
            return None
        return Stretch(since, self.until, "overflow" if since > self.goal else None)

    def _reached(self) -> datetime:
        found = moment_of(self.oldest) if self.oldest is not None else None
        return min(found, self.until) if found is not None else self.until

    def to_json(self) -> dict[str, Any]:
        return {
            "until": self.until.isoformat(),
            "goal": self.goal.isoformat(),
            "since_id": self.since_id,
            "start": self.start.isoformat() if self.start else None,
            "size": self.size,
            "token": self.token,
            "newest": self.newest,
            "oldest": self.oldest,
        }

    @classmethod
    def from_json(cls, value: Any) -> Listing | None:
        """A listing that was broken off; None if there is none, or it cannot be read."""
        held = mapping(value)
        until, goal, size = moment(held.get("until")), moment(held.get("goal")), count(held.get("size"))
        if until is None or goal is None or not size:
            return None
        return cls(
            until=until,
            goal=goal,
            since_id=_id(held.get("since_id")),
            start=moment(held.get("start")),
            size=size,
            token=text(held.get("token")) or None,
            begun=True,
            newest=_id(held.get("newest")),
            oldest=_id(held.get("oldest")),
        )


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The whole cursor of a source."""

    asked: str
    """What was asked for: a source whose search changed begins anew."""
    user: str | None = None
    """The account's id, so that its name is looked up (and paid for) once."""
    since_id: str | None = None
    until: datetime | None = None
    """The last complete visit showed everything up to here."""
    listing: Listing | None = None
    """What was broken off."""

    def begin(self, now: datetime, *, days: int, search: bool, size: int) -> Listing:
        """A new listing from now back to what is known, or `days` back at the first visit."""
        until = now - HELD_BACK
        if self.until is None:
            goal = now - timedelta(days=days)
            goal = max(goal, now - WINDOW) if search else goal
        else:
            goal, until = self.until, max(until, self.until)
        return Listing(until=until, goal=goal, since_id=self.since_id, start=None if self.since_id else goal, size=size)

    def during(self, listing: Listing) -> Bookmark:
        return replace(self, listing=listing)

    def done(self, listing: Listing) -> Bookmark:
        """After a complete listing."""
        return replace(self, since_id=listing.newest or listing.since_id, until=listing.until, listing=None)

    def to_json(self) -> Cursor:
        return {
            "asked": self.asked,
            "user": self.user,
            "since_id": self.since_id,
            "until": self.until.isoformat() if self.until else None,
            "listing": self.listing.to_json() if self.listing else None,
        }

    @classmethod
    def from_json(cls, cursor: Cursor, asked: str) -> Bookmark:
        if cursor.get("asked") != asked:
            return cls(asked)
        until = moment(cursor.get("until"))
        return cls(
            asked,
            user=_id(cursor.get("user")),
            since_id=_id(cursor.get("since_id")) if until else None,
            until=until,
            listing=Listing.from_json(cursor.get("listing")),
        )


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isdecimal() else None


def _written(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
