"""The access register in plain words: how a platform may be reached, how a route stands, how much was asked for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from api.dashboard.digests.words import Tag
from api.dashboard.words import joined
from collectors.base import Duties
from collectors.options import Option
from monitor.config_platform import PlatformInfo


@dataclass(frozen=True, slots=True)
class Access:
    """How the platform lets others read, as a tag and a sentence."""

    tag: Tag
    meaning: str


ACCESS: Mapping[str, Access] = {
    "open": Access(Tag("supported", "✓", "Open"), "Public feeds or pages that need no key."),
    "key": Access(Tag("inconclusive", "~", "Key needed"), "Anyone may get a key; some cost money."),
    "approval": Access(
        Tag("inconclusive", "…", "Approval needed"), "The platform decides who may read, after a review."
    ),
    "closed": Access(Tag("not_measurable", "\u2013", "Closed"), "What members write is behind a log-in."),
    "not_permitted": Access(
        Tag("not_measurable", "✕", "Not permitted"), "It could be read, but the terms forbid it, so it is not."
    ),
    "needs_address": Access(
        Tag("insufficient_data", "?", "Address needed"), "Nobody has found a public address of it yet."
    ),
}
STATES: Mapping[str, Tag] = {
    "works": Tag("supported", "✓", "Works"),
    "failing": Tag("bad", "✕", "Failing"),
    "not_tried": Tag("noted", "…", "Not tried yet"),
    "no_key": Tag("inconclusive", "~", "Key not set"),
    "no_source": Tag("noted", "\u2013", "Nothing tracked"),
    "not_implemented": Tag("not_measurable", "\u2013", "Not in this installation"),
}
READY = "Ready; nothing is tracked by this route yet."
TONES: Mapping[str, tuple[str, str]] = {
    "good": ("supported", "✓"),
    "bad": ("bad", "✕"),
    "wait": ("inconclusive", "…"),
    "quiet": ("noted", "\u2013"),
}
"""Class and mark of a source's standing."""
KINDS: Mapping[str, str] = {
    "open_network": "an open network",
    "closed_network": "a closed network",
    "publisher": "a publisher",
    "company": "a company",
    "open_web": "a part of the open web",
    "index": "an index of what others publish",
}
EVIDENCE: Mapping[str, str] = {
    "verified": "verified in an official source",
    "hint": "seen in a third-party source only",
    "unverified": "not verified",
}
DOCS: Mapping[str, str] = {
    "bluesky": "bluesky.md",
    "gdelt": "gdelt.md",
    "itunes": "podcasts.md",
    "linkedin": "linkedin.md",
    "mastodon": "mastodon.md",
    "meta": "meta.md",
    "pinterest": "pinterest.md",
    "podcastindex": "podcasts.md",
    "reddit": "reddit.md",
    "site": "sites.md",
    "sitemap": "sitemaps.md",
    "telegram": "telegram.md",
    "tiktok": "tiktok.md",
    "x": "x.md",
    "youtube": "youtube.md",
}
"""Collector → its page in docs/platforms/."""
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def span(length: timedelta) -> str:
    """30 days, 36 hours, 5 minutes: in the largest unit that divides it; up to two days in hours."""
    seconds = round(length.total_seconds())
    for size, unit in _UNITS:
        whole = seconds % size == 0 and seconds >= size and not (unit == "day" and seconds <= size)
        if whole or unit == "second":
            count = seconds // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    raise AssertionError("seconds divide everything")


def amount(number: float) -> str:
    """12, 3,000,000, 0.25."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


def lead_of(total: int, working: int, imported: bool) -> str:
    """First sentence of the register."""
    if not total:
        return "The register is empty."
    kind = "a source that works or was imported" if imported else "a source that works"
    if not working:
        return f"None of {total} platforms has {kind}."
    return f"{working} of {total} platforms {'has' if working == 1 else 'have'} {kind}."


def heading_of(players: Sequence[PlatformInfo], *, of_all: bool) -> str:
    """The report's eleven players, on 13 platforms: some own several. `of_all`: none is left out by a filter."""
    if not of_all:
        return "Players of the market report"
    owners = len({one.company or one.id for one in players})
    many = _SMALL[owners] if owners < len(_SMALL) else str(owners)
    where = "" if owners == len(players) else f", on {len(players)} platforms"
    return f"The market report's {many} player{'' if owners == 1 else 's'}{where}"


def sources_words(total: int, states: Mapping[str, int]) -> str:
    """'5 sources: 3 answered, 1 failing, 1 paused'; never a bare number that hides trouble."""
    if not total:
        return "None tracked"
    names = {
        "ok": "answered at the last visit",
        "failing": "failing",
        "stopped": "stopped",
        "waiting": "not checked yet",
        "paused": "paused",
        "archive": "imported",
    }
    parts = [f"{states[name]} {says}" for name, says in names.items() if states.get(name)]
    return f"{total:,} source{'' if total == 1 else 's'}: {joined(parts)}"


def duties_words(duties: Duties) -> list[str]:
    """What the machine does by itself for the platform's terms."""
    says = []
    if duties.keep is not None:
        says.append(
            f"Texts, addresses and counts of single posts are let go {span(duties.keep)} after the platform last "
            "confirmed them; what was counted by day stays."
        )
    if duties.review is not None:
        age = f", while they are younger than {span(duties.review_for)}" if duties.review_for else ""
        says.append(
            f"Stored posts are looked up again every {span(duties.review)}{age}, so that edits and deletions arrive."
        )
    return [*says, duties.asks] if duties.asks else says


def option_values(option: Option) -> str:
    """What may be written."""
    match option.kind:
        case "choice":
            return f"one of {', '.join(option.choices)}"
        case "flag":
            return "true or false"
        case "text":
            return "text"
        case "texts":
            return "a list of texts"
    name = "whole number" if option.kind == "whole" else "number"
    upper = "up" if option.high == float("inf") else f"to {amount(option.high)}"
    return f"{name} from {amount(option.low)} {upper}"


def option_default(option: Option) -> str:
    value = option.default
    if value is None or value == ():
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return amount(value)
    return ", ".join(map(str, value)) if isinstance(value, Collection) and not isinstance(value, str) else str(value)
