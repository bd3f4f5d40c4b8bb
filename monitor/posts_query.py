"""Which posts are asked for: the parameters of `/posts` and `trendmonitor posts` → what the store looks up. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches

from monitor.core.model import UNKNOWN
from monitor.core.moments import midnight
from monitor.core.query import FILTERS, QueryError, read_query
from monitor.store.search import LARGEST_PAGE, Order, PostQuery

ORDERS: tuple[Order, ...] = ("newest", "relevance", "engagement")
DEFAULT_PAGE = 50
LONGEST_SEARCH = 500
LONGEST_CURSOR = 500
FLAG = "copy"
"""A filter of posts that trends say by `copies` instead."""
NEVER_EMPTY = ("order", "limit")
"""No words and no cursor are things to ask for; no order is a slip."""
SINGLE = ("q", "order", "cursor", "limit")
PARAMETERS = (*SINGLE, "since", "until", *FILTERS, FLAG)


def parse_posts_query(params: Mapping[str, Sequence[str]], *, now: datetime) -> PostQuery:
    """The query that these parameters ask for. Raises QueryError naming the first parameter that does not fit.

    Filters, `since` and `until` are read as for trends: values may be repeated or separated by commas, days are UTC.
    A region becomes its countries, because posts are stored with countries. Without `order` a search is ordered by
    relevance and anything else by date. That a source, platform, topic or cursor exists is not checked here.
    """
    for name in params:
        if name not in PARAMETERS:
            near = get_close_matches(name[:100], PARAMETERS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(PARAMETERS)}."
            raise QueryError(name[:100], f"There is no parameter {name[:60]!r}. {hint}")
    search = _only(params, "q") or ""
    if len(search) > LONGEST_SEARCH:
        raise QueryError("q", f"q has {len(search)} characters; at most {LONGEST_SEARCH}.")
    order = _order(_only(params, "order"), searching=bool(search))
    cursor = _only(params, "cursor")
    if cursor is not None and len(cursor) > LONGEST_CURSOR:
        raise QueryError("cursor", "cursor is not one of ours: leave it out to start from the first page.")
    # A month is the coarsest bucket, so no window is too long for it
    shared = {name: params[name] for name in ("since", "until", *FILTERS) if name in params}
    asked = read_query({**shared, "interval": ["month"]}, metrics=("volume",), now=now)
    filters = by_country(asked.filters)
    if params.get(FLAG):
        filters[FLAG] = _truth(FLAG, params[FLAG])
    return PostQuery(
        q=search or None,
        filters=filters,
        since=midnight(asked.since) if _given(params, "since") else None,
        until=midnight(asked.until) if _given(params, "until") else None,
        order=order,
        cursor=cursor,
        limit=_limit(_only(params, "limit")),
    )


def by_country(filters: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The same filters with each region said as its countries; with a filter by country too, those in both."""
    found = {name: wanted for name, wanted in filters.items() if name != "region"}
    if "region" in filters:
        # Imported late: the names of all countries take longer to load than a search takes
        from monitor.core.region import COUNTRIES, region_of

        regions = filters["region"]
        members = {code for code in COUNTRIES if region_of(code) in regions}
        if region_of(None) in regions:
            members.add(UNKNOWN)
        found["country"] = tuple(sorted(members & set(found.get("country", members))))
    return found


def _given(params: Mapping[str, Sequence[str]], name: str) -> list[str]:
    return [value.strip() for value in params.get(name, ()) if value.strip()]


def _only(params: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = _given(params, name)
    if len(values) > 1:
        raise QueryError(name, f"{name} was given {len(values)} times; give it once.")
    if not values and params.get(name) and name in NEVER_EMPTY:
        raise QueryError(name, f"{name} was given without a value; leave it out for the usual one.")
    return values[0] if values else None


def _order(text: str | None, *, searching: bool) -> Order:
    if text is None:
        return "relevance" if searching else "newest"
    if text not in ORDERS:
        raise QueryError("order", f"order cannot be {text[:60]!r}; it is one of {', '.join(ORDERS)}.")
    return "newest" if text == "relevance" and not searching else text


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or not 1 <= int(text) <= LARGEST_PAGE:
        raise QueryError("limit", f"limit is a whole number from 1 to {LARGEST_PAGE}, not {text[:60]!r}.")
    return int(text)


def _truth(name: str, values: Sequence[str]) -> tuple[str, ...]:
    wanted = sorted({part.strip().lower() for value in values for part in value.split(",") if part.strip()})
    for value in wanted or [""]:
        if value not in ("true", "false"):
            raise QueryError(name, f"{name} is true or false, not {value[:60]!r}.")
    return tuple(wanted)
