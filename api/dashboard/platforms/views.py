"""What the pages of the access register show: rows of the register, collectors and claims as values for the templates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from api.dashboard.claims.words import VERDICT_WORDS
from api.dashboard.digests.words import Tag
from api.dashboard.platforms import words
from collectors.base import Collector
from collectors.quota import Quota
from monitor.config_platform import PlatformInfo
from monitor.core.claim import Claim, Filters, LevelTest, Posts, RankTest, ReferenceTest, TrendTest
from monitor.core.mask import mask
from monitor.core.model import TrackedSource
from monitor.register import RouteState
from monitor.standing import STATUSES, standing, status_of

NEARLY = 0.9
"""From this share of a quota on its meter is drawn as high."""
_GENERAL = ("open_web", "index")
"""Kinds whose names are everyday words, so that a claim with the word in it need not speak of the platform."""
_SHORTEST_NAME = 3


def address(platform: str) -> str:
    return f"/platforms/{quote(platform, safe='')}"


def add_address(example: str | None = None) -> str:
    return "/sources/add" + (f"?{urlencode({'url': example})}" if example else "")


def card_of(
    info: PlatformInfo,
    routes: Sequence[RouteState],
    tracked: Sequence[TrackedSource],
    effects: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """One platform of the list. `tracked`: its sources."""
    states = Counter(status_of(one) for one in tracked)
    access = words.ACCESS[info.access]
    return {
        "id": info.id,
        "href": address(info.id),
        "name": info.name,
        "about": about_of(info),
        "access": access.tag,
        "routes": [{**route_line(one, bool(tracked)), **_short(one)} for one in routes],
        "not_measurable": info.not_measurable,
        "sources": words.sources_words(len(tracked), states),
        "effects": effects,
        "evidence": evidence_of(info),
        "reviewed": info.reviewed,
    }


def about_of(info: PlatformInfo) -> str:
    """'Meta, an open network'; nothing said twice."""
    kind = words.KINDS[info.kind]
    owner = info.company if info.company and info.company.casefold() not in info.name.casefold() else None
    text = f"{owner}, {kind}" if owner else kind
    return text[:1].upper() + text[1:]


def evidence_of(info: PlatformInfo) -> str:
    """How sure the register is of what its routes can observe; each degree once, in the order of the routes."""
    found = dict.fromkeys(words.EVIDENCE[route.evidence] for route in info.routes)
    return "; ".join(found) or words.EVIDENCE["unverified"]


def route_line(one: RouteState, tracked: bool) -> dict[str, Any]:
    """A route with its state and the reason. `tracked`: the platform has sources, by whatever route."""
    says = mask(one.says)
    if one.state == "no_source":
        says = words.READY if not tracked else "Ready; the sources of this platform come by other ways."
    return {
        "collector": one.route.collector,
        "tag": words.STATES[one.state],
        "says": says,
        "observes": one.route.observes,
        "last_success": one.last_success,
    }


def _short(one: RouteState) -> dict[str, str]:
    """On the list only which variable is missing; the platform's page says what it holds and who gives it."""
    return {"says": f"Set `{one.variable}`."} if one.state == "no_key" else {}


# --- one platform ----------------------------------------------------------------------------------------------------


def route_view(
    one: RouteState, info: PlatformInfo, collector: Collector | None, quotas: Sequence[Mapping[str, Any]], seen: bool
) -> dict[str, Any]:
    """All of a route. `seen`: an earlier route of the platform has the same collector, which is not told twice."""
    view = {
        **route_line(one, bool(one.sources)),
        "key": one.route.key,
        "variable": one.variable,
        "has_key": one.has_key,
        "quota": one.route.quota,
        "duty": one.route.duty,
        "evidence": words.EVIDENCE[one.route.evidence],
        "sources": one.sources,
        "working": one.working,
        "shape": None,
        "optional": False,
        "ask": None,
        "duties": [],
        "quotas": [],
        "options": [],
        "examples": [],
        "again": seen,
        "doc": None,
        "shared": collector is not None and collector.platform != info.id,
    }
    if collector is None:
        return view
    if collector.key is not None:
        view |= {"shape": collector.key.shape, "optional": collector.key.optional, "ask": link_of(collector.key.where)}
    doc = words.DOCS.get(one.route.collector)
    if not seen:
        view |= {
            "duties": words.duties_words(collector.duties),
            "quotas": quotas,
            "options": [
                {
                    "name": name,
                    "values": words.option_values(option),
                    "default": words.option_default(option),
                    "says": option.says,
                }
                for name, option in collector.options.items()
            ],
            "examples": [{"text": text, "href": add_address(text)} for text in examples_of(info, collector)],
            "doc": f"docs/platforms/{doc}" if doc else None,
        }
    return view


def link_of(where: str) -> dict[str, str | None]:
    """An address as a link, unless a part of it has yet to be filled in."""
    ready = where.startswith(("https://", "http://")) and not re.search(r"[A-Z]{3}", urlsplit(where).netloc)
    return {"text": where, "href": where if ready else None}


def examples_of(info: PlatformInfo, collector: Collector) -> list[str]:
    """The collector's examples that lie on this platform: some collectors serve several."""
    if not info.hosts:
        return list(collector.examples) if collector.platform == info.id else []
    found = []
    for text in collector.examples:
        host = (urlsplit(text).hostname or "").lower()
        if any(host == own or host.endswith(f".{own}") for own in info.hosts):
            found.append(text)
    return found


Used = Callable[[Quota, datetime], Mapping[str, float]]
"""A quota and the start of its window → name of a separate account ('' for the only one) → what is used."""


def quota_rows(quotas: Iterable[Quota], used: Used, now: datetime) -> Iterator[dict[str, Any]]:
    """Each account of each quota with what is used of it now."""
    for quota in quotas:
        since, until = quota.window(now)
        rolling = until <= now
        for name, spent in used(quota, since).items():
            one = f" ({name})" if name else ""
            yield {
                "used": spent,
                "limit": quota.limit,
                "high": quota.limit * NEARLY,
                "words": f"{words.amount(spent)} of {words.amount(quota.limit)} {quota.unit}{one}",
                "window": f"in the last {words.span(_whole(now - since))}" if rolling else "since",
                "since": None if rolling else since,
                "until": None if rolling else until,
                "full": spent >= quota.limit,
            }


def _whole(length: timedelta) -> timedelta:
    """A window that begins a microsecond late, to be strict, is told as what it stands for."""
    return timedelta(seconds=round(length.total_seconds()))


def source_row(one: TrackedSource, now: datetime) -> dict[str, Any]:
    told = standing(one, now)
    slug, mark = words.TONES[told.tone]
    return {
        "href": f"/sources/{quote(one.source.id, safe='')}",
        "name": mask(one.source.name or one.source.id),
        "tag": Tag(slug, mark, told.label),
        "collector": one.source.collector,
        "success": one.state.last_success,
        "imported": told.status == "archive",
        "reason": mask(told.reason) if told.reason else None,
    }


def in_order(tracked: Iterable[TrackedSource]) -> list[TrackedSource]:
    """Problems first, then by name."""
    return sorted(
        tracked,
        key=lambda one: (STATUSES.index(status_of(one)), (one.source.name or one.source.id).casefold(), one.source.id),
    )


# --- what it means for claims ----------------------------------------------------------------------------------------


def effects_of(info: PlatformInfo, claims: Iterable[Claim], verdicts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Claims that depend on this platform, by how: its posts are what is counted, or are shown beside a figure; the
    claim speaks of it; it is named among what the claim cannot show. A claim is told once, at the first that fits.

    `verdicts`: claim → its latest stored verdict.
    """
    named = _name_pattern(info)
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in _HOW}
    for claim in claims:
        if any(info.id in filters.get("platform", ()) for filters in filters_of(claim)):
            group = "beside" if isinstance(claim.test, ReferenceTest) else "rests"
        elif named is not None and named.search(claim.says):
            group = "speaks"
        elif named is not None and any(named.search(text) for text in claim.limits):
            group = "limits"
        else:
            continue
        verdict = verdicts.get(claim.id)
        tag = VERDICT_WORDS.get(verdict or "")
        groups[group].append({"href": f"/claims/{quote(claim.id, safe='')}", "says": claim.says, "tag": tag})
    return [{"how": _HOW[name], "claims": found} for name, found in groups.items() if found]


_HOW = {
    "rests": "Not measurable without its posts",
    "beside": "Shows its posts beside it, without deciding by them",
    "speaks": "Speaks of it",
    "limits": "Names it among what it cannot show",
}


def filters_of(claim: Claim) -> Iterator[Filters]:
    """Every set of filters that the claim's test counts posts by."""
    test: object = claim.test
    if isinstance(test, ReferenceTest):
        test = test.context
    sets: list[Posts] = []
    if isinstance(test, TrendTest | LevelTest):
        sets = [test.numerator, test.denominator]
    elif isinstance(test, RankTest):
        sides = [side for one in test.comparisons for side in (one.higher, one.lower)]
        sets = [posts for side in sides for posts in (side.numerator, side.denominator)]
    for posts in sets:
        yield from posts.any_of


def _name_pattern(info: PlatformInfo) -> re.Pattern[str] | None:
    """Finds the names of a platform and its owner as whole words; None where the name is an everyday word."""
    if info.kind in _GENERAL or info.id == "podcast":
        return None
    names = [*re.split(r"[()]", info.name), info.company or ""]
    usable = {name.strip() for name in names if len(name.strip()) >= _SHORTEST_NAME}
    if not usable:
        return None
    return re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in sorted(usable))})\b")
