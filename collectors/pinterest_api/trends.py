"""Pinterest Trends: which search terms grow, by region. Aggregates of searches, never posts, and never counted as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import quote

import orjson

from collectors.base import Drifted
from collectors.pinterest_api.asking import ask
from collectors.reading import array, count, mapping

if TYPE_CHECKING:
    from collectors.access import Access

Kind = Literal["growing", "monthly", "yearly", "seasonal"]
"""growing: most growth over the last quarter. monthly, yearly: most searched in that time. seasonal: grows now, and
does so at this time of most years."""
KINDS: tuple[str, ...] = get_args(Kind)
REGIONS = (
    "US", "CA", "DE", "FR", "ES", "IT", "DE+AT+CH", "GB+IE", "IT+ES+PT+GR+MT", "PL+RO+HU+SK+CZ", "SE+DK+FI+NO",
    "NL+BE+LU", "AR", "BR", "CO", "MX", "MX+AR+CO+CL", "AU+NZ",
)  # fmt: skip
AGES = ("18-24", "25-34", "35-44", "45-49", "50-54", "55-64", "65+")
GENDERS = ("female", "male", "unknown")
MOST = 50
MORE_THAN_TOLD = 10_001
"""A growth of this many per cent stands for more than 10,000 per cent, however much."""


@dataclass(frozen=True, slots=True)
class TrendKeyword:
    """A search term and how it grows."""

    rank: int
    """1 for the strongest."""
    keyword: str
    growth_week: int | None
    """Per cent against the week before, rounded by Pinterest; None: not told."""
    growth_month: int | None
    """Per cent against the month before."""
    growth_year: int | None
    """Per cent against the year before."""
    weeks: tuple[tuple[date, int], ...]
    """Relative searches of each week, by its last day, oldest first; 100 is the keyword's own peak, so two keywords
    cannot be compared by it."""


def region_of(country: str) -> str | None:
    """The region that holds a country (ISO 3166-1 alpha-2), the smallest where there are several."""
    holding = [region for region in REGIONS if country.upper() in region.split("+")]
    return min(holding, key=len, default=None)


async def growing_keywords(
    access: Access,
    region: str,
    kind: Kind = "growing",
    *,
    interests: Sequence[str] = (),
    ages: Sequence[str] = (),
    genders: Sequence[str] = (),
    include: Sequence[str] = (),
    limit: int = MOST,
) -> tuple[TrendKeyword, ...]:
    """The top search terms of a region, strongest first. One request of the daily limit.

    Args:
        access: of collector `pinterest`, whose key it uses (scope user_accounts:read).
        region: one of REGIONS.
        interests: Pinterest's own names, such as 'health'; empty: all.
        include: only terms that hold one of these words.

    Raises ValueError for a region or kind that does not exist, otherwise CollectError only.
    """
    if region not in REGIONS:
        raise ValueError(f"Pinterest has no trends of {region!r}. There are: {', '.join(REGIONS)}.")
    if kind not in KINDS:
        raise ValueError(f"there are no {kind!r} trends. There are: {', '.join(KINDS)}.")
    lists = {"interests": interests, "ages": ages, "genders": genders, "include_keywords": include}
    query: dict[str, str | int | Sequence[str]] = {name: tuple(values) for name, values in lists.items() if values}
    fetched = await ask(
        access,
        "Pinterest trends",
        f"trends/keywords/{quote(region, safe='')}/top/{kind}",
        query | {"limit": max(1, min(limit, MOST))},
        needs="the search trends (scope user_accounts:read)",
    )
    return read_trends(fetched.body or b"")


def read_trends(body: bytes) -> tuple[TrendKeyword, ...]:
    """The keywords of an answer in its own order; entries without a keyword are left out. Pure. Raises Drifted."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Drifted("Pinterest trends: the answer is not JSON. It is tried again later.", code="not_json") from None
    listed = mapping(answer).get("trends")
    if not isinstance(listed, list):
        what = "Pinterest trends: the platform's answer has changed (no list `trends`). Please report it."
        raise Drifted(what, code="unknown_shape")
    return tuple(
        TrendKeyword(
            rank=rank,
            keyword=entry["keyword"],
            growth_week=_percent(entry.get("pct_growth_wow")),
            growth_month=_percent(entry.get("pct_growth_mom")),
            growth_year=_percent(entry.get("pct_growth_yoy")),
            weeks=_weeks(entry.get("time_series")),
        )
        for rank, entry in enumerate(map(mapping, array(listed)), 1)
        if isinstance(entry.get("keyword"), str) and entry["keyword"].strip()
    )


def _percent(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _weeks(series: Any) -> tuple[tuple[date, int], ...]:
    weeks = []
    for day, value in mapping(series).items():
        level = count(value)
        try:
            ending = date.fromisoformat(day)
        except ValueError:
            continue
        if level is not None:
            weeks.append((ending, level))
    return tuple(sorted(weeks))
