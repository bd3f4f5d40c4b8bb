"""One archive record → one Item. Pure; runs in worker processes.

The format is the contract of docs/archive-format.md: JSON objects (or CSV/Parquet rows) of which `id`, `published_at`
and one of `title`/`text` are needed. Captures, which hold a platform's own JSON, are read by collectors/captures. What a record states overrides tagging. A record that does not fit raises
`Misfit` with a reason that names the field; what can be mended without guessing is mended and noted in `repairs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from collectors.base import NO_ENGAGEMENT, Engagement, Item, Media
from collectors.captures.envelope import CaptureError, read_capture
from monitor.core.model import AUDIENCES, CONTENT_TYPES, UNKNOWN, Interval
from monitor.core.region import COUNTRIES
from monitor.core.source_id import RULE, is_source_id

TOPIC = re.compile(r"(?!none$)[a-z][a-z0-9_-]{0,39}")
"""What tagging takes; a dash is an underscore there, and 'none' stands for posts without a topic."""
LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9_-]*)?", re.IGNORECASE)
OLDEST = datetime(1995, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
LONGEST_ID = 512
LONGEST_TITLE = 2_000
LONGEST_TEXT = 20_000
LARGEST_COUNT = 10**12
"""A thousand times what any post was ever viewed; larger numbers would in the end overflow the sums in the cells."""
LONGEST_SECONDS = 10**7
MOST_GUESTS = 1_000
COUNTS = ("views", "likes", "comments", "shares")
FIELDS = frozenset(
    ("source", "id", "url", "title", "text", "author", "author_bio", "published_at", "language", "country",
     "content_type", "audience", "topics", "live", "sponsored", "duration", "guests", "engagement", "sentiment",
     *COUNTS, *(f"engagement.{name}" for name in COUNTS))
)  # fmt: skip
"""Every field that is known. `sentiment` is written by exports and not read: it is computed anew from the text."""


class Misfit(ValueError):
    """This record cannot be used. `reason` is the same for all records that fail alike; the text adds the value."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason if value is None else f"{reason}: {str(value)[:60]!r}")
        self.reason = reason
        self.value = value

    def of(self, platform: str) -> Misfit:
        """The same, of a capture of this platform."""
        return Misfit(f"{platform}: {self.reason}", self.value)


def read_record(record: Mapping[str, Any], *, now: datetime) -> Item:
    """Raises Misfit. Naive times are taken as UTC; a time more than a day ahead of `now` does not fit."""
    native = _text(record, "id", LONGEST_ID)
    if not native:
        raise Misfit("id is missing or empty")
    title, text = _text(record, "title", None) or "", _text(record, "text", None) or ""
    if not title and not text:
        raise Misfit("title and text are both missing or empty; one of them is needed")
    title, text, repairs = _cut(title, text)
    url = _text(record, "url", 4_000)
    if url is not None and not url[:8].lower().startswith(("http://", "https://")):
        url = None
        repairs.append("url is not a web address: left out")
    duration = _number(record, "duration", LONGEST_SECONDS)
    live, guests = _flag(record, "live"), _number(record, "guests", MOST_GUESTS)
    return Item(
        id=native,
        url=url,
        title=title,
        text=text,
        published_at=_published(record.get("published_at"), now),
        author=_text(record, "author", 500),
        author_bio=_text(record, "author_bio", 5_000),
        language=_language(_text(record, "language", 40)),
        country=_country(_text(record, "country", 20)),
        content_type=_one_of(record, "content_type", CONTENT_TYPES),
        audience=_audience(record),
        topics=_topics(record),
        live="live" if live else None,
        sponsored=_flag(record, "sponsored"),
        media=(Media(url="", duration=duration),) if duration else (),
        guests=None if guests is None else _whole(guests, "guests"),
        engagement=_engagement(record),
        repairs=tuple(repairs),
    )


def read_captured(record: Mapping[str, Any], *, now: datetime) -> tuple[str, Item]:
    """The platform and the post of a capture, within the bounds of any archive record. Raises Misfit, whose reason
    names the platform."""
    try:
        platform, item = read_capture(record)
    except CaptureError as error:
        raise Misfit(error.reason, error.value) from None
    native = _storable(item.id)
    try:
        if not 0 < len(native) <= LONGEST_ID:
            raise Misfit(f"id is empty or longer than {LONGEST_ID} characters")
        counts = (getattr(item.engagement, name) for name in COUNTS)
        if any(number is not None and number > LARGEST_COUNT for number in counts):
            raise Misfit(f"a count is above {LARGEST_COUNT}")
        published = _published(item.published_at, now)
    except Misfit as misfit:
        raise misfit.of(platform) from None
    title, text, repairs = _cut(_storable(item.title), _storable(item.text))
    if not title and not text:
        raise Misfit(f"{platform}: no words")
    country = item.country if item.country in COUNTRIES else None
    return platform, replace(
        item,
        id=native,
        published_at=published,
        title=title,
        text=text,
        country=country,
        location=_storable(item.location or "") or None,
        categories=tuple(filter(None, map(_storable, item.categories))),
        repairs=(*item.repairs, *repairs),
    )


def states_not_live(record: Mapping[str, Any]) -> bool:
    """True if the record says outright that the post is not live, which an Item cannot say. Raises Misfit."""
    return _flag(record, "live") is False


def source_id(record: Mapping[str, Any], default: str | None) -> str:
    """The record's source, or the one given for all records that name none. Raises Misfit."""
    value = _text(record, "source", None) or default
    if not value:
        raise Misfit("source is missing; give it in the record, or for the whole file with --source ID")
    if not is_source_id(value):
        raise Misfit(f"source is not an id ({RULE})", value)
    return value


def read_coverage(value: object) -> dict[str, list[Interval]]:
    """The `coverage` header: source → declared intervals. Raises Misfit that names the entry."""
    if not isinstance(value, list):
        raise Misfit('coverage must be a list of {"source", "since", "until"}')
    declared: dict[str, list[Interval]] = {}
    for position, entry in enumerate(value, 1):
        if not isinstance(entry, dict):
            raise Misfit(f"coverage entry {position} is not an object")
        try:
            source = source_id(entry, None)
            since, until = _moment(entry.get("since"), "since"), _moment(entry.get("until"), "until")
        except Misfit as misfit:
            raise Misfit(f"coverage entry {position}: {misfit}") from None
        if since >= until:
            raise Misfit(f"coverage entry {position}: since must lie before until")
        declared.setdefault(source, []).append(Interval(since, until))
    return declared


def _absent(value: object) -> bool:
    """None, an empty text, or the NaN that data frames write for 'nothing'."""
    return value is None or value == "" or value != value


def _published(value: object, now: datetime) -> datetime:
    if _absent(value):
        raise Misfit("published_at is missing")
    moment = _moment(value, "published_at")
    if moment > now + AHEAD:
        raise Misfit("published_at lies in the future", moment.isoformat())
    if moment < OLDEST:
        raise Misfit(f"published_at is before {OLDEST:%Y}", moment.isoformat())
    return moment


def _moment(value: object, name: str) -> datetime:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise Misfit(f"{name} is not an ISO 8601 date or time", value) from None
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        raise Misfit(f"{name} must be an ISO 8601 text, not {type(value).__name__}")
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise Misfit(f"{name} is outside the calendar", value) from None


def _text(record: Mapping[str, Any], name: str, longest: int | None) -> str | None:
    value = record.get(name)
    if value is None:
        return None
    if type(value) is not str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Misfit(f"{name} must be text, not {type(value).__name__}")
        value = "" if value != value else str(value)  # NaN alone differs from itself
    text = _storable(value)
    if longest is not None and len(text) > longest:
        raise Misfit(f"{name} is longer than {longest} characters")
    return text or None


def _storable(text: str) -> str:
    """Without NUL, lone surrogates and white space at the ends, which cannot or need not be stored."""
    text = text.strip()
    if "\x00" in text:
        text = text.replace("\x00", "").strip()
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _cut(title: str, text: str) -> tuple[str, str, list[str]]:
    """Title and text of bearable length, and notes of what was cut."""
    repairs: list[str] = []
    if len(title) > LONGEST_TITLE:
        title = title[:LONGEST_TITLE].rstrip()
        repairs.append(f"title cut to {LONGEST_TITLE} characters")
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT].rstrip()
        repairs.append(f"text cut to {LONGEST_TEXT} characters")
    return title, text, repairs


def _number(record: Mapping[str, Any], name: str, most: int) -> float | None:
    value = record.get(name)
    return None if value is None else _parsed(value, name, most)


def _parsed(value: object, name: str, most: int) -> float | None:
    if type(value) is int:
        number: float = value
    elif _absent(value):
        return None
    else:
        try:
            if isinstance(value, bool):
                raise TypeError
            number = float(value)  # type: ignore[arg-type]  # whatever it cannot read is caught
        except (TypeError, ValueError):
            raise Misfit(f"{name} is not a number", value) from None
    if not 0 <= number <= most:
        raise Misfit(f"{name} is not between 0 and {most}", value)
    return number


def _whole(number: float, name: str) -> int:
    if number != int(number):
        raise Misfit(f"{name} is not a whole number", number)
    return int(number)


_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _flag(record: Mapping[str, Any], name: str) -> bool | None:
    value = record.get(name)
    if value is None or isinstance(value, bool):
        return value
    if _absent(value):
        return None
    known = _FLAGS.get(str(int(value) if isinstance(value, float) and value in (0, 1) else value).strip().lower())
    if known is None:
        raise Misfit(f"{name} is neither true nor false", value)
    return known


def _one_of(record: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str | None:
    value = _text(record, name, None)
    if value is not None and value not in allowed:
        raise Misfit(f"{name} is not one of {', '.join(allowed)}", value)
    return value


def _list(record: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """A list, or in CSV a text with ; , or | between the parts, or a JSON list in a text. Absent or empty text: None."""
    value = record.get(name)
    if value is None or (not isinstance(value, list | tuple) and _absent(value)):
        return None
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                raise Misfit(f"{name} is not a list", value) from None
        else:
            value = re.split(r"[;,|]", value)
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise Misfit(f"{name} must be a list of texts")
    return tuple(sorted({part.strip() for part in value if part.strip()}))


def _audience(record: Mapping[str, Any]) -> tuple[str, ...] | None:
    values = _list(record, "audience") or ()
    for value in values:
        if value not in AUDIENCES:
            raise Misfit(f"audience is not one of {', '.join(AUDIENCES)}", value)
    return values or None


def _topics(record: Mapping[str, Any]) -> tuple[str, ...] | None:
    """An empty list states that the post is on none of the topics; absence leaves it to tagging."""
    values = _list(record, "topics")
    for value in values or ():
        if not TOPIC.fullmatch(value):
            raise Misfit(
                "topic is not an id (a-z, 0-9, dash, underscore, from a letter on, at most 40; not none)", value
            )
    return values


@lru_cache(1_000)
def _language(value: str | None) -> str | None:
    if value is None or value.lower() in (UNKNOWN, "und"):
        return None
    match = LANGUAGE.fullmatch(value)
    if match is None:
        raise Misfit("language is not a language code", value)
    return match[1].lower()


@lru_cache(1_000)
def _country(value: str | None) -> str | None:
    if value is None or value.lower() == UNKNOWN:
        return None
    code = value.upper()
    if code not in COUNTRIES:
        raise Misfit(f"country is not an ISO 3166-1 alpha-2 code{' (did you mean GB?)' if code == 'UK' else ''}", value)
    return code


def _engagement(record: Mapping[str, Any]) -> Engagement:
    """Counts stand in the object `engagement`, in columns `engagement.views` … or in columns `views` …"""
    nested = record.get("engagement")
    if isinstance(nested, str) and nested.strip():
        try:
            nested = orjson.loads(nested)
        except orjson.JSONDecodeError:
            raise Misfit("engagement is not a JSON object") from None
    if not isinstance(nested, Mapping):
        if nested is not None and not _absent(nested):
            raise Misfit("engagement must be an object of counts")
        nested = {}
    counts: list[int | None] = []
    for name in COUNTS:
        value = nested.get(name)
        if value is None:
            value = record.get(name)
        if value is None:
            value = record.get(f"engagement.{name}")
        if type(value) is int and 0 <= value <= LARGEST_COUNT:
            counts.append(value)
            continue
        number = None if value is None else _parsed(value, name, LARGEST_COUNT)
        counts.append(None if number is None else _whole(number, name))
    return Engagement(*counts) if counts != [None] * 4 else NO_ENGAGEMENT
