"""One source, from a mapping that a person or a program wrote to a checked `Source` and back.

The same checks serve `config/sources.yaml`, the API and the command line; every error names its field. Also here:
the two ways to write time in configuration, intervals (`30m`) and cron lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pycountry
import yaml

from collectors.base import Source
from monitor.config_platform import PlatformInfo
from monitor.config_yaml import FieldError, nearest
from monitor.core.model import AUDIENCES, CONTENT_TYPES
from monitor.core.source_id import RULE, is_source_id, slug

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=30)
"""Bounds of a fixed polling interval."""

FIELDS = (
    "id",
    "collector",
    "platform",
    "url",
    "name",
    "content_type",
    "audience",
    "country",
    "language",
    "every",
    "options",
    "verified",
)
REQUIRED = ("id", "collector")
"""`url` too, but where a collector does without."""


class _WrongError(Exception):
    """A check failed; `below` leads from the field to the place inside it."""

    def __init__(self, what: str, instead: str, *below: str | int) -> None:
        super().__init__(what)
        self.what, self.instead, self.below = what, instead, below


# --- time ---------------------------------------------------------------------------------------------------------

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_EVERY = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")


def parse_every(text: str) -> timedelta:
    """'90s', '30m', '2h', '1h30m', '1d', '1w' → interval. ValueError says what would be right.

    Between one minute and thirty days: more often is impolite, less often is better paused.
    """
    match = _EVERY.fullmatch(text.strip().lower())
    if not match or not any(match.groups()):
        if len(text.split()) == 5 or text.startswith("cron"):
            raise ValueError(f"{text!r} looks like a cron line: `every` is an interval such as 30m, 2h or 1d")
        raise ValueError(f"{text!r} is not an interval: write for example 30m, 2h or 1d")
    seconds = sum(int(n) * unit for n, unit in zip(match.groups(), _UNITS.values(), strict=True) if n)
    if not SHORTEST.total_seconds() <= seconds <= LONGEST.total_seconds():
        raise ValueError(f"{text!r} is out of bounds: write something from 1m to 30d")
    return timedelta(seconds=seconds)


def format_every(interval: timedelta) -> str:
    """The shortest way `parse_every` reads back; whole seconds."""
    rest, out = int(interval.total_seconds()), ""
    for letter, unit in list(_UNITS.items())[1:]:
        n, rest = divmod(rest, unit)
        out += f"{n}{letter}" if n else ""
    return out or "0s"


def validate_cron(text: str) -> None:
    """Accept the five fields of a cron line that comes up at least once; ValueError says what would be right.

    Days of the week must be names: the scheduler counts 0 as Monday where cron means Sunday.
    """
    from apscheduler.triggers.cron import CronTrigger  # slow to import, and most commands need no schedule

    example = "write for example '30 6 * * mon-fri' (minute, hour, day of month, month, day of week)"
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"{text!r} has {len(fields)} fields instead of 5: {example}")
    if re.search(r"(?<!/)\b\d", fields[4]):
        raise ValueError(f"{text!r}: the day of the week {fields[4]!r} is a number: use names, mon to sun")
    try:
        trigger = CronTrigger.from_crontab(text, timezone=UTC)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a cron line ({error}): {example}") from None
    # Any fixed start will do: four centuries are searched, the whole cycle of the calendar.
    if trigger.get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=UTC)) is None:
        raise ValueError(f"{text!r} never happens (no such day in that month): {example}")


# --- fields -------------------------------------------------------------------------------------------------------


def _text(value: object, longest: int) -> str:
    if isinstance(value, (bool, int, float)):
        raise _WrongError(f"{value!r} is not text", "put it in quotes")
    if not isinstance(value, str):
        raise _WrongError(f"{type(value).__name__} is not text", "write one line of text")
    if len(value) > longest:
        raise _WrongError(f"{len(value)} characters are too many", f"use at most {longest}")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in value):
        raise _WrongError("it contains control characters or line breaks", "write one line of text")
    return value.strip()


def _id(value: object) -> str:
    text = _text(value, 200)
    if not is_source_id(text):
        better = slug(text)
        shown = f"write {better!r}" if better else "write for example who-news"
        raise _WrongError(f"{text!r} is not an id ({RULE})", shown)
    return text


def _one_of(value: object, known: Collection[str], what: str) -> str:
    text = _text(value, 100)
    if text not in known:
        raise _WrongError(f"unknown {what} {text!r}", nearest(text, known))
    return text


def _url(value: object) -> str:
    text = _text(value, 2000)
    example = "write the full address, such as https://www.who.int/rss-feeds/news-english.xml"
    if re.search(r"\s", text):
        raise _WrongError(f"address {text[:80]!r} contains spaces", "replace each by %20")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise _WrongError(f"address {text[:80]!r} is malformed ({error})", example) from None
    if parts.scheme.lower() not in ("http", "https"):
        scheme = f"scheme {parts.scheme!r}" if parts.scheme else "no scheme"
        better = f"write https://{text.lstrip('/')}" if re.match(r"/{0,2}[\w-]+\.[\w.-]+", text) else example
        raise _WrongError(f"address {text[:80]!r} has {scheme}", better if not parts.scheme else "use http or https")
    if not host:
        raise _WrongError(f"address {text[:80]!r} has no host", example)
    if parts.username is not None or parts.password is not None:
        raise _WrongError("the address contains a user name or password", "give keys as TRENDMONITOR_KEY__<COLLECTOR>")
    return text


_NOT_COUNTRIES = {"UK": "GB", "EL": "GR", "EN": "GB", "EU": "", "WW": "", "XX": ""}
"""Written often although ISO 3166 has no such country; empty: leave the field out."""


def _country(value: object) -> str:
    text = _text(value, 60)
    if re.fullmatch(r"[A-Z]{2}", text) and pycountry.countries.get(alpha_2=text):
        return text
    what = f"{text!r} is not a country code (two capital letters of ISO 3166-1)"
    if text.upper() in _NOT_COUNTRIES:
        better = _NOT_COUNTRIES[text.upper()]
        raise _WrongError(what, f"write {better}" if better else "leave `country` out where no single country fits")
    try:
        found = pycountry.countries.lookup(text)
    except LookupError:
        raise _WrongError(what, "write for example US, DE or JP, or leave it out") from None
    raise _WrongError(what, f"write {found.alpha_2}")


_NOT_LANGUAGES = {"jp": "ja", "cn": "zh", "kr": "ko", "gr": "el", "dk": "da", "cz": "cs", "ua": "uk", "iw": "he"}


@cache
def _languages() -> frozenset[str]:
    return frozenset(entry.alpha_2 for entry in pycountry.languages if hasattr(entry, "alpha_2"))


def _language(value: object) -> str:
    text = _text(value, 60)
    if text in _languages():
        return text
    what = f"{text!r} is not a language code (two small letters of ISO 639-1)"
    short = re.split(r"[-_]", text.lower())[0]
    if short in _NOT_LANGUAGES:
        raise _WrongError(what, f"write {_NOT_LANGUAGES[short]}")
    if short in _languages():
        raise _WrongError(what, f"write {short}")
    try:
        found = pycountry.languages.lookup(text)
    except LookupError:
        found = None
    code = getattr(found, "alpha_2", None)
    raise _WrongError(what, f"write {code}" if code else "write for example en, de or ja, or leave it out")


def _audience(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise _WrongError(f"{value!r} is not a list", f"write [{value}]")
    if not isinstance(value, (list, tuple)):
        raise _WrongError(f"{type(value).__name__} is not a list", f"write a list of {', '.join(AUDIENCES)}")
    out: set[str] = set()
    for index, entry in enumerate(value):
        try:
            name = _one_of(entry, AUDIENCES, "audience")
        except _WrongError as wrong:
            raise _WrongError(wrong.what, wrong.instead, index) from None
        if name in out:
            raise _WrongError(f"{name!r} appears twice", "keep one of them", index)
        out.add(name)
    return tuple(sorted(out))


def _every(value: object) -> timedelta:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise _WrongError(f"{value} has no unit", f"write for example {value}m for minutes")
    text = _text(value, 60)
    try:
        return parse_every(text)
    except ValueError as error:
        what, _, instead = str(error).partition(": ")
        raise _WrongError(what, instead) from None


def _options(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _WrongError(f"{type(value).__name__} is not a mapping", "write `name: value` pairs, or leave it out")
    for key in value:
        if not isinstance(key, str):
            raise _WrongError(f"option name {key!r} is not text", "put it in quotes")
    return dict(value)


def _verified(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"{value!r} is not true or false", "write true or false")
    return value


def known_collectors() -> tuple[str, ...]:
    """The names of the collectors that are installed, sorted."""
    from collectors import registry  # here, because listing them imports every collector

    return tuple(sorted(registry.names()))


def platform_of(url: str, platforms: Mapping[str, PlatformInfo]) -> str:
    """The platform whose host the address is on (or under), else 'web'."""
    hosts = {host: row.id for row in platforms.values() for host in row.hosts}
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    while host:
        if host in hosts:
            return hosts[host]
        host = host.partition(".")[2]
    return "web"


def source_from_mapping(
    data: object, *, platforms: Mapping[str, PlatformInfo], collectors: Collection[str] | None = None
) -> Source | list[FieldError]:
    """Check what someone wrote and make it a source, or say everything that is wrong with it, field by field.

    `platforms` is the access register (`Config.platforms`); where the mapping names no platform, the address decides.
    `collectors` defaults to the installed ones. None counts as left out. Nothing is fetched: whether the address
    answers is not checked.
    """
    if not isinstance(data, Mapping):
        return [FieldError((), f"{type(data).__name__} is not a source", "write `id: …`, `collector: …` and `url: …`")]
    names = known_collectors() if collectors is None else collectors
    checks: dict[str, Callable[[object], Any]] = {
        "id": _id,
        "collector": lambda value: _one_of(value, names, "collector"),
        "platform": lambda value: _one_of(value, platforms, "platform"),
        "url": _url,
        "name": lambda value: _text(value, 200),
        "content_type": lambda value: _one_of(value, CONTENT_TYPES, "content type"),
        "audience": _audience,
        "country": _country,
        "language": _language,
        "every": _every,
        "options": _options,
        "verified": _verified,
    }
    errors = [
        FieldError((str(key),), f"unknown key {str(key)!r}", nearest(str(key), FIELDS))
        for key in data
        if key not in checks
    ]
    good: dict[str, Any] = {}
    for field, check in checks.items():
        if data.get(field) is None:
            if field in REQUIRED or (field == "url" and _needs_address(data.get("collector"))):
                errors.append(FieldError((), f"{field!r} is missing", f"add `{field}: …`"))
            continue
        try:
            good[field] = check(data[field])
        except _WrongError as wrong:
            errors.append(FieldError((field, *wrong.below), wrong.what, wrong.instead))
    if errors:
        return errors
    good.setdefault("url", "")
    if "platform" not in good:
        good["platform"] = platform_of(good["url"], platforms)
        if good["platform"] not in platforms:
            return [
                FieldError((), "'platform' is missing", f"add `platform: …`; known: {', '.join(sorted(platforms))}")
            ]
    source = Source(**good)
    return _problems(source) or source


def _needs_address(collector: object) -> bool:
    """Whether a source of this collector must have an address; of an unknown one it is assumed."""
    from collectors import registry

    try:
        found = registry.get(str(collector))
    except registry.UnknownCollectorError:
        return True
    nowhere = Source(id="", collector=str(collector), platform="", url="")
    return any(problem.path == ("url",) for problem in found.check(nowhere))


def _problems(source: Source) -> list[FieldError]:
    """What the source's own collector finds wrong with its address and options."""
    from collectors import registry  # here, because finding a collector imports them all

    try:
        problems = registry.get(source.collector).check(source)
    except registry.UnknownCollectorError:
        return []  # somebody else's list of collectors was given
    return [FieldError(problem.path, problem.what, problem.instead) for problem in problems]


def source_to_mapping(source: Source) -> dict[str, Any]:
    """The mapping that `source_from_mapping` reads back as the same source; JSON values, defaults left out."""
    out: dict[str, Any] = {
        "id": source.id,
        "collector": source.collector,
        "platform": source.platform,
        "url": source.url or None,
        "name": source.name or None,
        "content_type": source.content_type,
        "audience": list(source.audience) or None,
        "country": source.country,
        "language": source.language,
        "every": format_every(source.every) if source.every is not None else None,
        "options": dict(source.options) or None,
        "verified": None if source.verified else False,
    }
    return {key: value for key, value in out.items() if value is not None}


def dump_sources(sources: Iterable[Source]) -> str:
    """YAML that can be saved as `config/sources.yaml`; ordered by id."""
    rows = [source_to_mapping(source) for source in sorted(sources, key=lambda source: source.id)]
    return yaml.safe_dump({"sources": rows}, sort_keys=False, allow_unicode=True, width=120)
