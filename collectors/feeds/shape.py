"""A draft → Items: the one place where dates, ids, links, texts and authors are decided and repairs recorded."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import pycountry

from collectors.base import NO_ENGAGEMENT, Engagement, Facts, Item, LiveState, Media, Page, Parsed, Rejected
from collectors.feeds.dates import parse_date
from collectors.feeds.draft import ITEM_LIMIT, Draft, FeedDraft, MediaDraft
from collectors.feeds.rhythm import poll_after
from collectors.feeds.text import line, plain

ID_LIMIT = 512
URL_LIMIT = 2_000
_CATEGORIES = 50
_MEDIA = 20
OURS = "trendmonitor"
"""Our slug for podcast:block."""
_LIVE: dict[str, LiveState] = {"pending": "pending", "live": "live", "ended": "ended"}

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_BARE_HOST = re.compile(r"www\.[^\s/]+\.[a-z]{2,}", re.IGNORECASE)
_MAIL = re.compile(r"[^\s()<>\[\],;:\"'@]{1,64}@[^\s()<>\[\],;:\"'@]{1,190}\.[A-Za-z]{2,24}")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2})(?:[.,]\d+)?$")
_SECONDS = re.compile(r"\d{1,7}(?:\.\d+)?$")
_WORDED = re.compile(
    r"(?:PT)?(?:(\d{1,3})\s*h[a-z]*)?[\s,]*(?:(\d{1,4})\s*m[a-z]*)?[\s,]*(?:(\d{1,5})(?:\.\d+)?\s*s[a-z]*)?$",
    re.IGNORECASE,
)
_POINT = re.compile(r"\s*([+-]?\d{1,3}(?:\.\d+)?)[\s,]+([+-]?\d{1,3}(?:\.\d+)?)")


def shape(feed: FeedDraft, page: Page) -> Parsed:
    """What `feed`, read from `page`, holds: Items in the order of the document and Facts about the source.

    An item without any text, title, link, id or medium is rejected. Never raises on what a feed may contain.
    """
    repairs = feed.repairs
    link = _absolute(feed.link, page.url) if feed.link else None
    base = page.url if feed.links_from_page or link is None else link
    inherited = _author(feed.author) if feed.links_from_page and feed.author else None
    items: list[Item] = []
    rejected: list[Rejected] = []
    if len(feed.items) > ITEM_LIMIT:
        repairs.append(f"more than {ITEM_LIMIT:,} items: the rest was not read")
    for draft in feed.items[:ITEM_LIMIT]:
        item = _item(draft, feed, base, inherited, page.fetched_at)
        if item is None:
            rejected.append(Rejected("the item has no title, text, link, id or medium"))
        else:
            items.append(item)
    return Parsed(
        items=tuple(_distinct(items, repairs)),
        facts=Facts(
            format=feed.format,
            title=line(feed.title) if feed.title else "",
            link=link,
            language=language_code(feed.language),
            country=country_code(feed.country),
            poll_after=poll_after(feed),
            new_url=_moved(feed.new_url, page.url),
            blocked=_blocked(feed.blocks),
            repairs=tuple(dict.fromkeys(repairs)),
        ),
        rejected=tuple(rejected),
    )


def _item(draft: Draft, feed: FeedDraft, base: str, inherited: str | None, now: datetime) -> Item | None:
    repairs: list[str] = []
    title = line(draft.title, repairs) if draft.title else ""
    if not title and draft.other_title:
        title = line(draft.other_title, repairs)
    text = _text(draft, repairs)
    url = _link(draft, base, repairs)
    published, updated = _dates(draft, now, repairs)
    media = _media(draft, base, repairs) if draft.media else ()
    native = draft.id.strip() if draft.id else ""
    if not native:
        if url:
            native = url
            repairs.append("no id: the link is used")
        elif title or text or media:
            native = _digest(title, draft.published or draft.updated or text[:500], media[0].url if media else "")
            repairs.append("no id and no link: a hash of title and date is used")
        else:
            return None
    if len(native) > ID_LIMIT:
        native = _digest(native)
        repairs.append("id over 512 characters: hashed")
    location = line(draft.location) if draft.location else None
    if not location and draft.coordinates:
        location = _coordinates(draft.coordinates)
    guests = draft.guests if draft.guests is not None else feed.guests
    return Item(
        id=native,
        url=url,
        title=title,
        text=text,
        published_at=published,
        updated_at=updated,
        author=(_author(draft.author) or draft.author_mail if draft.author else draft.author_mail) or inherited,
        language=language_code(draft.language) if draft.language else None,
        country=country_code(draft.country) if draft.country else None,
        location=location,
        live=_LIVE.get(draft.live.strip().lower()) if draft.live else None,
        media=media,
        categories=_categories(draft.categories) if draft.categories else (),
        guests=guests,
        transcripts=_links(draft.transcripts, base) if draft.transcripts else (),
        engagement=_engagement(draft),
        repairs=tuple(repairs),
    )


def _text(draft: Draft, repairs: list[str]) -> str:
    """The longest of the full text and the summary as plain text, the full text if they are equal."""
    text = plain(draft.content, repairs) if draft.content else ""
    if draft.summary and len(draft.summary) > len(text):
        summary = plain(draft.summary, repairs)
        if len(summary) > len(text):
            return summary
    return text


def _dates(draft: Draft, now: datetime, repairs: list[str]) -> tuple[datetime | None, datetime | None]:
    """When it was published (or created, or else changed) and when it was changed after that."""
    published = None
    for raw in (draft.published, draft.created):
        if raw and published is None and not raw.isspace():
            published, note = parse_date(raw, now)
            if note:
                repairs.append(note)
    updated = None
    if draft.updated and not draft.updated.isspace():
        updated, note = parse_date(draft.updated, now)
        if note:
            repairs.append(note)
    if published is None and draft.live_start:
        # Only an estimate, and usually still to come: neither a repair nor a date then.
        published, _ = parse_date(draft.live_start, now)
    if published is None:
        return updated, None
    return published, updated if updated != published else None


def _link(draft: Draft, base: str, repairs: list[str]) -> str | None:
    for link in (draft.link, draft.other_link):
        if link:
            url = _absolute(link, base)
            if url:
                return url
            repairs.append("link is not a web address: ignored")
    if draft.id and draft.id_is_link:
        native = draft.id.strip()
        if native.lower().startswith(("http://", "https://")):
            return _absolute(native, base)
    return None


def _absolute(link: str, base: str) -> str | None:
    """`link` as an absolute http(s) address; None if it is not one (javascript:, mailto:, tag: …)."""
    link = link.strip()
    if not link.startswith(("https://", "http://")):
        if _SCHEME.match(link) and not link[:5].lower().startswith("http"):
            return None
        if _BARE_HOST.match(link):
            link = "http://" + link
        try:
            link = urljoin(base, link)
        except ValueError:
            return None
        if not link.lower().startswith(("http://", "https://")):
            return None
    if "[" in link and not _splits(link):
        return None
    if len(link) > URL_LIMIT or any(map(link.__contains__, ' \t\n\r<>"')):
        link = "".join(link.replace(" ", "%20").split()).replace("<", "%3C").replace(">", "%3E").replace('"', "%22")
        if len(link) > URL_LIMIT:
            return None
    return link


def _splits(link: str) -> bool:
    """Whether it can be taken apart: brackets are for IPv6 addresses only."""
    try:
        return bool(urlsplit(link).hostname)
    except ValueError:
        return False


def _links(links: list[str], base: str) -> tuple[str, ...]:
    found = (_absolute(link, base) for link in links[:_MEDIA])
    return tuple(dict.fromkeys(link for link in found if link))


def _media(draft: Draft, base: str, repairs: list[str]) -> tuple[Media, ...]:
    """Each address once, with what any mention of it says."""
    found: dict[str, Media] = {}
    for medium in (draft.media or [])[:_MEDIA]:
        url = _absolute(medium.url, base)
        if url is None:
            repairs.append("address of a medium is not a web address: ignored")
            continue
        kind = medium.type.split(";", 1)[0].strip()
        known = found.get(url)
        seconds = _seconds(medium, draft, kind, repairs)
        if known is not None:
            kind, name = known.type or kind, known.medium or medium.medium
            seconds = known.duration if known.duration is not None else seconds
        else:
            name = medium.medium
        found[url] = Media(url, kind, name, seconds)
    return tuple(found.values())


def _seconds(medium: MediaDraft, draft: Draft, kind: str, repairs: list[str]) -> float | None:
    """Its own duration, or the episode's if it can be played."""
    raw = medium.duration
    if raw is None and not (kind.startswith("image") or medium.medium == "image"):
        raw = draft.duration
    if raw is None:
        return None
    seconds = duration(raw)
    if seconds is None:
        note = f"duration {raw.strip()[:20]!r} is unreadable: ignored"
        if note not in repairs:
            repairs.append(note)
    return seconds or None


def duration(raw: str) -> float | None:
    """'3723', '1:02:03', '62:03', '1h 2m', 'PT1H2M3S' → seconds; None if unreadable or over a week."""
    raw = raw.strip()[:40]
    if _SECONDS.match(raw):
        seconds = float(raw)
    elif match := _CLOCK.match(raw):
        hours, minutes, rest = match.groups()
        seconds = int(hours or 0) * 3600.0 + int(minutes) * 60 + int(rest)
    elif raw and (match := _WORDED.match(raw)) and any(match.groups()):
        hours, minutes, rest = match.groups()
        seconds = int(hours or 0) * 3600.0 + int(minutes or 0) * 60 + int(rest or 0)
    else:
        return None
    return seconds if seconds <= 7 * 86_400 else None


def _author(raw: str | None) -> str | None:
    """A name without an address: 'desk@example.org (Jane)' → 'Jane'; the address only if it is all there is."""
    if not raw:
        return None
    if "@" not in raw and "<" not in raw and "&" not in raw and len(raw) < 200:
        return " ".join(raw.split()) or None
    if "@" in raw[:300] and (found := _MAIL.search(raw[:300])):
        mail = found.group().removeprefix("mailto:")
        rest = _MAIL.sub(" ", raw[:300]).replace("mailto:", " ")
        name = line(re.sub(r"[()<>\[\]\"]|&[lg]t;", " ", rest)).strip(" ,;:-–")
        return name or mail
    return line(raw[:300])[:200] or None


def _categories(raw: list[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for category in raw[:_CATEGORIES]:
        name = line(category)[:200]
        if name:
            found[name] = None
    return tuple(found)


def _engagement(draft: Draft) -> Engagement:
    if draft.comments is None and draft.views is None and draft.likes is None:
        return NO_ENGAGEMENT
    return Engagement(
        views=_count(draft.views),
        likes=_count(draft.likes) if draft.video_id else None,
        comments=_count(draft.comments),
    )


def _count(raw: str | None) -> int | None:
    raw = raw.strip() if raw else ""
    return int(raw) if raw.isdecimal() and len(raw) <= 15 else None


def _coordinates(raw: str) -> str | None:
    """'45.256 -71.92' → '45.256,-71.92'; None if it is no place on Earth."""
    match = _POINT.match(raw)
    if match is None or abs(float(match.group(1))) > 90 or abs(float(match.group(2))) > 180:
        return None
    return f"{match.group(1)},{match.group(2)}"


@lru_cache(maxsize=1024)
def language_code(raw: str | None) -> str | None:
    """'en-US', 'EN_us', 'eng' → 'en'; None for what is not a language."""
    primary = re.split(r"[-_;, ]", (raw or "").strip()[:40], maxsplit=1)[0].lower()
    if len(primary) == 2:
        return primary if pycountry.languages.get(alpha_2=primary) else None
    if len(primary) == 3:
        found = pycountry.languages.get(alpha_3=primary) or pycountry.languages.get(bibliographic=primary)
        return getattr(found, "alpha_2", None) if found else None
    return None


@lru_cache(maxsize=256)
def country_code(raw: str | None) -> str | None:
    """'us' → 'US'; None for what is not an ISO 3166-1 alpha-2 code."""
    code = (raw or "").strip().upper()
    return code if len(code) == 2 and pycountry.countries.get(alpha_2=code) else None


def _moved(raw: str | None, url: str) -> str | None:
    new = _absolute(raw, url) if raw else None
    return new if new and urlsplit(new)._replace(fragment="") != urlsplit(url)._replace(fragment="") else None


def _blocked(blocks: list[tuple[str, str]] | None) -> str | None:
    """Why not to ingest, by the order of podcast:block: our own slug decides, else the one without a slug."""
    said = dict(blocks or ())
    own = said.get(OURS)
    if own == "no":
        return None
    if own == "yes":
        return f"podcast:block asks {OURS} not to ingest this feed"
    return "podcast:block asks not to ingest this feed" if said.get("") == "yes" else None


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _distinct(items: list[Item], repairs: list[str]) -> list[Item]:
    """Every id once: repeats of the same content go, different contents under one id are told apart.

    The mark that tells them apart is a hash of link and title (with the text where these are equal too), never of
    a position, and every one of them gets it, so that the order in the feed and new items change nothing.
    """
    if len({item.id for item in items}) == len(items):
        return items
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.id, []).append(item)
    kept: dict[int, Item] = {}
    for native, group in groups.items():
        first_of: dict[tuple[str, str, str], Item] = {}
        for item in group:
            first_of.setdefault((item.url or "", item.title, item.text), item)
        if len(first_of) < len(group):
            repairs.append(f"{len(group) - len(first_of)} repeated items: dropped")
        heads = Counter(key[:2] for key in first_of)
        for key, item in first_of.items():
            if len(first_of) == 1:
                kept[id(item)] = item
                continue
            mark = _digest(*(key if heads[key[:2]] > 1 else key[:2]))[:12]
            kept[id(item)] = _renamed(item, f"{native[: ID_LIMIT - 13]}#{mark}")
    return [kept[id(item)] for item in items if id(item) in kept]


def _renamed(item: Item, native: str) -> Item:
    return replace(
        item, id=native, repairs=(*item.repairs, "id is shared by different items: a hash of the content was added")
    )
