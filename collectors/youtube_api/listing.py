"""Channels and playlists: one list of entries, read until the end of the former visit.

A channel's uploads come newest first, though not strictly (some channels have single videos out of place), so the day
before the former visit is read again each time. Other playlists are in any order their owner likes, so they are read
whole whenever something in them changed.

Nothing is proved before a list is read to its end, and the cursor points into the list until then, so that a visit
that breaks off, or is cut short by its number of pages, goes on where it was left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from collectors.base import NOTHING_PROVED, Page, Stretch
from collectors.reading import array, mapping, moment, text
from collectors.youtube_api.calls import Answer, Calls, next_token
from collectors.youtube_api.refusals import DeadTokenError

SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in a playlist."""

    video: str
    at: datetime | None
    """When the video was published, or added to the playlist if that was later; None if it is not told."""


async def read_listing(
    calls: Calls, state: dict[str, Any], playlist: str, *, pages: int, days: int
) -> AsyncIterator[Page]:
    """Pages of videos that are new in `playlist`. `state` is the cursor as it grows; `days`: how far a first visit
    reaches back."""
    from collectors.net.validators import Validators

    uploads, begun_now = playlist.startswith("UU"), False
    for _ in range(pages):
        going = state.get("going")
        if going is None:
            answer = await calls.playlist(playlist, validators=Validators.from_json(state.get("http")))
            began, begun_now = answer.page.fetched_at, True
            until = moment(state.get("until"))
            since = until or began - timedelta(days=days)
            back = since - SLACK if until else since
            going = {"since": since, "back": back, "began": began}
            going = {name: at.isoformat() for name, at in going.items()} | {"http": _tags(answer)}
        else:
            try:
                answer = await calls.playlist(playlist, token=text(going.get("token")))
            except DeadTokenError:
                state.pop("going")  # from the top again; `until` still is that of the last complete visit
                continue
        since, back, began = (datetime.fromisoformat(going[name]) for name in ("since", "back", "began"))
        entries = read_entries(answer)
        wanted = list(dict.fromkeys(entry.video for entry in entries if entry.at is None or entry.at >= back))
        if wanted:
            looked = await calls.look_up(wanted)
            keep_watching(state, looked.live)
            page = looked.page
        else:
            page = replace(answer.page, body=None)
        token = next_token(answer)
        dated = [entry.at for entry in entries if entry.at is not None]
        passed = uploads and bool(dated) and dated[-1] < back
        if token and not passed:
            state["going"] = going | {"token": token}
            yield replace(page, observed=NOTHING_PROVED, resume=dict(state))
            continue
        state.pop("going", None)
        state |= {"until": began.isoformat(), "http": going["http"]}
        stretch = Stretch(since, began) if since < began else NOTHING_PROVED
        yield replace(page, observed=stretch, resume=dict(state))
        if begun_now:
            return  # what was not read before this visit's own beginning has been read now


def read_entries(answer: Answer) -> list[Entry]:
    """The entries of a page of a playlist that lead to a public video: private and deleted ones stay in playlists."""
    entries = []
    for one in map(mapping, array(answer.value.get("items"))):
        snippet, details = mapping(one.get("snippet")), mapping(one.get("contentDetails"))
        video = text(details.get("videoId")) or text(mapping(snippet.get("resourceId")).get("videoId"))
        status = mapping(one.get("status")).get("privacyStatus")
        times = [at for at in map(moment, (details.get("videoPublishedAt"), snippet.get("publishedAt"))) if at]
        if video and status in (None, "public"):
            entries.append(Entry(video, max(times, default=None)))
    return entries


def keep_watching(state: dict[str, Any], live: tuple[str, ...]) -> None:
    """Remember broadcasts that are announced or on air, so that the next visit sees them begin and end."""
    state["live"] = list(dict.fromkeys((*live, *state.get("live", ()))))[:50]


def _tags(answer: Answer) -> dict[str, Any]:
    """What makes the next request conditional. The body's own etag stands in where no header came."""
    validators = answer.validators
    etag = answer.value.get("etag")
    if validators.etag is None and isinstance(etag, str) and etag.isascii():
        validators = replace(validators, etag=etag if etag.startswith('"') else f'"{etag}"')
    return validators.to_json()
