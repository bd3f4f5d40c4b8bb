"""Searches: windows of time, oldest first, each read to its end before the next is begun.

What a search proves. YouTube promises neither order nor completeness: results come roughly newest first, a video may
enter the index hours after it was published, and no search gives more than about 500 results. So

- a page proves nothing; a window that was read to its end proves that this search was watched there, meaning "what
  YouTube's search showed for these words", which is all that such a source can ever mean;
- the last hour before a request is not claimed, because videos may still be on their way into the index, and each
  search reaches six hours (busy ones: less) behind the last, so that late ones are stored all the same;
- a window with so many results that some may have been cut off is split, down to one hour; if even that is too much,
  the stretch says that there is a gap before its oldest result.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from collectors.base import NOTHING_PROVED, Page, Stretch
from collectors.reading import array, mapping, moment, text
from collectors.youtube_api.calls import Answer, Calls, moment_text, next_token
from collectors.youtube_api.listing import keep_watching
from collectors.youtube_api.refusals import DeadTokenError

SETTLES = timedelta(hours=1)
"""How long a video is allowed to take into the index before it counts as missed. A guess: it is not published."""
OVERLAP = timedelta(hours=6)
SHORTEST = timedelta(hours=1)
MOST_PAGES = 10
CROWDED = 450
"""Results from which on some may have been cut off."""
_EASY = 200
"""Results up to which a split window may grow again."""
_LONGEST = timedelta(days=30)


async def read_search(
    calls: Calls, state: dict[str, Any], params: Mapping[str, str], *, paid: bool, pages: int, days: int
) -> AsyncIterator[Page]:
    """Pages of videos. `state` is the cursor as it grows; `params`: the words and filters of search.list; `paid`: ask
    for paid promotion on its own first, so that those videos can be marked; `pages`: calls of search.list."""
    opened = False
    for _ in range(pages):
        window = state.get("window")
        if window is None:
            window, opened = _open(state, calls.access.now(), paid=paid, days=days), True
        only_paid = window["round"] == "paid"
        asked = {**params, "publishedAfter": window["from"], "publishedBefore": window["end"]}
        if only_paid:
            asked["videoPaidProductPlacement"] = "true"
        try:
            answer = await calls.search(asked, token=window.get("token"))
        except DeadTokenError:
            state["window"] = window | {"read": 0, "found": 0, "token": None}
            continue
        results = read_results(answer, not_before=datetime.fromisoformat(window["from"]))
        wanted = [name for name in results if only_paid or name not in window["paid"]]
        if wanted:
            looked = await calls.look_up(wanted, sponsored=only_paid)
            keep_watching(state, looked.live)
            page = looked.page
        else:
            page = replace(answer.page, body=None)
        shown = len(array(answer.value.get("items")))
        observed, last = _advance(state, window, results, shown, next_token(answer))
        last = last and opened  # a window left over from an earlier visit reaches up to that visit only
        pause = calls.pause(2 if paid else 1) if last else None
        yield replace(page, observed=observed, resume=dict(state), poll_after=pause)
        if last:
            return


def read_results(answer: Answer, *, not_before: datetime) -> dict[str, datetime | None]:
    """Video id → publication. Results from before the window are left out: the filter has been known to fail."""
    found: dict[str, datetime | None] = {}
    for one in map(mapping, array(answer.value.get("items"))):
        video = text(mapping(one.get("id")).get("videoId"))
        at = moment(mapping(one.get("snippet")).get("publishedAt"))
        if video and (at is None or at >= not_before):
            found[video] = at
    return found


def _open(state: Mapping[str, Any], now: datetime, *, paid: bool, days: int) -> dict[str, Any]:
    """The window after the last one that was read."""
    until, settled = moment(state.get("until")), now - SETTLES
    span = timedelta(seconds=state["span"]) if state.get("span") else timedelta.max
    since = min(until, settled) if until else now - timedelta(days=days)
    overlap = min(OVERLAP, span / 4) if until else timedelta(0)
    last = span >= settled - since
    return {
        "since": moment_text(since),
        "from": moment_text(since - overlap),
        "end": moment_text(now if last else since + span),
        "proves": moment_text(settled if last else since + span),
        "last": last,
        "round": "paid" if paid else "all",
        "paid": [],
        "read": 0,
        "found": 0,
        "oldest": None,
    }


def _advance(
    state: dict[str, Any], window: dict[str, Any], results: Mapping[str, datetime | None], shown: int, token: str | None
) -> tuple[Stretch | Literal["nothing"], bool]:
    """Move the cursor past one answer of `shown` results. Returns what is proved now, and whether it was the last."""
    window = window | {"read": window["read"] + 1, "found": window["found"] + shown, "token": token}
    if window["round"] == "paid":
        window["paid"] = [*window["paid"], *results]
    else:
        times = [moment_text(at) for at in results.values() if at is not None]
        window["oldest"] = min((*times, window["oldest"] or window["end"]))
    if token and shown and window["read"] < MOST_PAGES:
        state["window"] = window
        return NOTHING_PROVED, False
    if window["round"] == "paid":
        state["window"] = window | {"round": "all", "read": 0, "found": 0, "token": None}
        return NOTHING_PROVED, False
    state.pop("window", None)
    crowded = window["found"] >= CROWDED or (token is not None and window["read"] >= MOST_PAGES)
    if crowded and _split(state, datetime.fromisoformat(window["end"]) - datetime.fromisoformat(window["from"])):
        return NOTHING_PROVED, False
    since, proves = datetime.fromisoformat(window["since"]), datetime.fromisoformat(window["proves"])
    state["until"] = proves.isoformat()
    if window["found"] <= _EASY and state.get("span"):
        state["span"] = state["span"] * 2 if state["span"] < _LONGEST.total_seconds() else None
    gap = None
    if crowded:
        since, gap = max(since, min(datetime.fromisoformat(window["oldest"]), proves)), "overflow"
    return (Stretch(since, proves, gap) if since < proves or gap else NOTHING_PROVED), window["last"]


def _split(state: dict[str, Any], length: timedelta) -> bool:
    """Make the next window half as long. False if it was as short as can be."""
    span = timedelta(seconds=state["span"]) if state.get("span") else timedelta.max
    if span <= SHORTEST:
        return False
    state["span"] = max(min(length, span) / 2, SHORTEST).total_seconds()
    return True
