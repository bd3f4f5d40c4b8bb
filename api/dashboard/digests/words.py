"""Digests in plain words: when the next one goes out, what became of the last, and what each channel answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from api.dashboard.words import ago, joined, whole
from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.core.mask import mask
from monitor.core.query import DIMENSIONS
from monitor.store.digests import Delivery, IssueRecord

OVERDUE = timedelta(minutes=15)
"""A run that nobody dealt with for so long is an alarm: the clock of the service looks every minute or so."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A state as pages show it: class of the tag, mark beside the word, word."""

    slug: str
    mark: str
    name: str


ISSUE_TAGS: Mapping[str, Tag] = {
    "composed": Tag("inconclusive", "…", "On its way"),
    "sent": Tag("supported", "✓", "Sent"),
    "partial": Tag("inconclusive", "~", "Sent to some"),
    "failed": Tag("bad", "✕", "Not sent"),
    "quiet": Tag("noted", "\u2013", "Nothing changed, not sent"),
    "missed": Tag("bad", "✕", "Missed"),
}
DELIVERY_TAGS: Mapping[str, Tag] = {
    "waiting": Tag("inconclusive", "…", "Waiting"),
    "sent": Tag("supported", "✓", "Delivered"),
    "partial": Tag("inconclusive", "~", "Delivered to some"),
    "failed": Tag("bad", "✕", "Not delivered"),
}
PAUSED = Tag("noted", "\u2013", "Paused by you")
BROKEN = Tag("bad", "✕", "Cannot be sent")
TROUBLE = Tag("bad", "✕", "Not composed")
LATE = Tag("bad", "✕", "Overdue")
ON_TIME = Tag("supported", "✓", "On time")
NO_ISSUE = Tag("noted", "…", "No issue yet")

QUIET_WORDS: Mapping[str, str] = {
    "always": "Sent also when nothing changed, so that silence is never mistaken for health.",
    "if_changed": "Sent only if a verdict changed, a signal opened, something stood out or a source broke; "
    "other issues are kept and not sent.",
}
SECTION_NAMES: Mapping[str, str] = {
    "headline": "Headline",
    "claims": "Claims",
    "movers": "What rose and fell",
    "sentiment": "Sentiment",
    "signals": "Signals",
    "posts": "Most engaged posts",
    "sources": "Sources",
    "coverage": "Coverage",
    "revisions": "Revisions",
    "method": "How it was made",
}


def local(when: datetime, zone: ZoneInfo) -> str:
    """Monday 6 July 2026, 08:00, on the clocks of a time zone."""
    there = when.astimezone(zone)
    return f"{there:%A} {there.day} {there:%B %Y}, {there:%H:%M}"


def run_words(when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Monday 6 July 2026, 08:00 (Europe/Berlin), in 9 hours."""
    return f"{local(when, zone)} ({zone.key}), {ago(when, now)}"


def period_words(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    """6 to 12 July 2026: the days of a period [since, until) in its time zone."""
    first, last = since.astimezone(zone), until.astimezone(zone) - timedelta(seconds=1)
    if until - since < timedelta(hours=23):
        return f"{local(since, zone)} to {until.astimezone(zone):%H:%M}"
    end = f"{last.day} {last:%B %Y}"
    if first.date() == last.date():
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {end}"
    return f"{first.day} {first:%B}{'' if first.year == last.year else f' {first.year}'} to {end}"


def channel_words(channel: ChannelSpec) -> str:
    """Email to 3 recipients; Chat to SLACK_URL (set in the environment)."""
    name = channel.kind[:1].upper() + channel.kind[1:]
    if not channel.to:
        return name
    if len(channel.to) == 1:
        return f"{name} to {recipient_words(channel.to[0])}"
    return f"{name} to {whole(len(channel.to))} recipients"


def recipient_words(text: str) -> str:
    """A recipient without what would name a person or open a door: mail addresses shortened, of addresses of the web
    the host alone."""
    if text.startswith("env:"):
        return f"{text.removeprefix('env:').strip()} (set in the environment)"
    if "://" in text:
        return urlsplit(text).hostname or "an address"
    name, at, host = text.rpartition("@")
    return f"{name[:1]}…@{host}" if at else text


def delivery_words(one: Delivery, now: datetime) -> str:
    """What the other side said last, how often it was tried, and when it is tried again."""
    said = said_words(one.said)
    parts = [said if said.endswith((".", "!", "?")) else f"{said}."] if said else []
    if one.tries > 1 or (one.tries == 1 and one.state in ("waiting", "failed")):
        parts.append(f"{whole(one.tries)} {'try' if one.tries == 1 else 'tries'}.")
    if one.state == "waiting":
        parts.append(
            f"Tried again {ago(one.next_try, now)}."
            if one.next_try is not None and one.next_try > now and one.tries
            else "Next in line."
        )
    return " ".join(parts)


def said_words(text: str) -> str:
    """What a server answered; they like to repeat the address they were asked for, which is blotted out."""
    shown = mask(text)
    # a host name keeps its small letters
    return f"{shown[:1].upper()}{shown[1:]}" if shown.partition(" ")[0].isalpha() else shown


def reached_words(one: Delivery) -> str:
    """How many recipients confirmed; empty where there is one and it did, or nobody is named."""
    total = len(one.spec.to)
    if total == 0 or (total == 1 and one.state == "sent"):
        return ""
    return f"{whole(len(one.confirmed))} of {whole(total)} confirmed"


def refused_words(one: Delivery) -> list[str]:
    """Each recipient that refused, and why."""
    return [f"{recipient_words(name)}: {mask(why)}" for name, why in one.refused.items()]


def scope_words(spec: DigestSpec, labels: Mapping[str, Mapping[str, str]]) -> str:
    """Which posts a digest is about."""
    if not spec.filters:
        return "All posts of all sources"
    parts = []
    for name, wanted in spec.filters.items():
        values = [labels.get(name, {}).get(value, value) for value in wanted]
        known = name.replace("_", " ") if name in DIMENSIONS else name
        parts.append(f"{known} {' or '.join(values)}")
    return f"Posts with {joined(parts)}"


def grace_words(spec: DigestSpec) -> str:
    hours = spec.grace / timedelta(hours=1)
    long = f"{hours:g} hours" if hours < 48 else f"{hours / 24:g} days"
    return f"A run that was missed is caught up within {long}; later it is reported as missed."


def lead_of(states: Sequence[tuple[DigestSpec, Tag]], soonest: tuple[str, str] | None) -> str:
    """First sentence of the list. `soonest`: title and words of the next run."""
    if not states:
        return "No digests yet."
    bad = [spec.title for spec, tag in states if tag.slug == "bad"]
    many = len(states)
    if bad:
        named = f": {bad[0]}" if len(bad) == 1 else ""
        return f"{len(bad)} of {many} digest{'' if many == 1 else 's'} {'needs' if len(bad) == 1 else 'need'} attention{named}."
    if soonest is None:
        return "The only digest is paused." if many == 1 else f"All {many} digests are paused."
    title, when = soonest
    return f"Next digest: {title}, {when}."


def issue_title(one: IssueRecord) -> str:
    return f"Issue {one.number}"
