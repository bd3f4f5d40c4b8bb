"""Which posts a claim counts: filters over dimensions, as they are written in claim files.

`{content_type: video}`, `{region: [north_america, asia_pacific]}`, a list of such mappings (a post needs to pass any of
them), or the word `all`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import pycountry

from monitor.config_fields import Fields
from monitor.config_yaml import nearest
from monitor.core.claim import ALL_POSTS, Filters, Posts, Reference
from monitor.core.query import CLOSED, FILTERS, FLAGS, MAX_VALUES

ALL = "all"
NO_TOPIC = "none"
"""The key of posts without any topic."""
UNKNOWN = "unknown"

_EXAMPLE = "{content_type: video}, a list of such filters, or the word all"


@dataclass(frozen=True, slots=True)
class Names:
    """What claim files may name. None: the list itself is faulty, so that names of it can't be judged."""

    topics: Collection[str] | None = None
    platforms: Collection[str] | None = None
    references: Mapping[str, Reference] | None = None


def read_posts(fields: Fields, key: str, names: Names) -> Posts | None:
    """The value of a key that names posts; None, with every mistake noted, where it does not."""
    value = fields.data[key]
    if value == ALL:
        return ALL_POSTS
    before = len(fields.errors)
    if isinstance(value, list) and value:
        filters = [_filter(fields, key, entry, names, index) for index, entry in enumerate(value)]
    elif isinstance(value, dict) and value:
        filters = [_filter(fields, key, value, names)]
    else:
        shown = "an empty filter" if value in ({}, []) else repr(value)[:60]
        fields.wrong(key, f"{shown} does not say which posts", f"write {_EXAMPLE}")
        return None
    return None if len(fields.errors) > before else Posts(tuple(filters))


def read_values(fields: Fields, key: str, dimension: str, value: object, names: Names, *below: str | int) -> list[str]:
    """The values of one dimension, sorted; what is wrong with them is noted at the key, or `below` it."""
    entries = value if isinstance(value, list) else [value]
    if not entries or len(entries) > MAX_VALUES:
        fields.wrong(key, f"{dimension!r} has {len(entries)} values", f"write 1 to {MAX_VALUES} of them", *below)
        return []
    out: list[str] = []
    for index, entry in enumerate(entries):
        place = (*below, index) if isinstance(value, list) else below
        text = str(entry).lower() if dimension in FLAGS and isinstance(entry, bool) else entry
        if not isinstance(text, str) or not text.strip():
            fields.wrong(key, f"{str(entry)[:60]!r} is not a value of {dimension!r}", _instead(dimension), *place)
            continue
        text = text.strip()
        wrong = _wrong(dimension, text, names)
        if wrong:
            fields.wrong(key, wrong[0], wrong[1], *place)
        if text in out:
            fields.wrong(key, f"{text[:60]!r} appears twice", "keep one of them", *place)
        out.append(text)
    return sorted(out)


def named(filters: Collection[Filters], dimension: str) -> Iterator[str]:
    """Every value of one dimension that these filters name."""
    for one in filters:
        yield from one.get(dimension, ())


def _filter(fields: Fields, key: str, value: object, names: Names, *below: int) -> Filters:
    if not isinstance(value, dict) or not value:
        fields.wrong(key, f"{str(value)[:60]!r} is not a filter", "write for example {content_type: video}", *below)
        return {}
    out: dict[str, tuple[str, ...]] = {}
    for dimension, wanted in value.items():
        if dimension not in FILTERS:
            fields.wrong(
                key, f"unknown dimension {dimension[:60]!r}", nearest(dimension[:60], FILTERS), *below, dimension
            )
            continue
        out[dimension] = tuple(read_values(fields, key, dimension, wanted, names, *below, dimension))
    return out


def _instead(dimension: str) -> str:
    return f"write one of {', '.join(CLOSED[dimension])}" if dimension in CLOSED else "write a name, in quotes"


def _wrong(dimension: str, text: str, names: Names) -> tuple[str, str] | None:
    """What is wrong with one value, and what would be right; None if nothing is."""
    if dimension == "country":
        return None if text == UNKNOWN or text in _countries() else _wrong_country(text)
    if dimension == "language":
        known = text == UNKNOWN or text in _languages()
        return None if known else (f"{text[:60]!r} is not a language code (ISO 639-1)", "write for example en or de")
    if dimension == "source":
        known = re.fullmatch(r"[\w.:-]{1,200}", text, re.ASCII) is not None
        return None if known else (f"{text[:60]!r} is not the id of a source", "write it as `sources list` shows it")
    choices: Collection[str] | None = CLOSED.get(dimension)
    if dimension == "topic" and names.topics is not None:
        choices = (*names.topics, NO_TOPIC)
    if dimension == "platform":
        choices = names.platforms
    if choices is None or text in choices:
        return None
    return f"unknown {dimension} {text[:60]!r}", nearest(text[:60], choices)


def _wrong_country(text: str) -> tuple[str, str]:
    what = f"{text[:60]!r} is not a country code (two capital letters of ISO 3166-1)"
    try:
        found = pycountry.countries.lookup("GB" if text.upper() == "UK" else text[:60])
    except LookupError:
        return what, "write for example US, DE or JP"
    return what, f"write {found.alpha_2}"


@cache
def _countries() -> frozenset[str]:
    return frozenset(entry.alpha_2 for entry in pycountry.countries)


@cache
def _languages() -> frozenset[str]:
    return frozenset(entry.alpha_2 for entry in pycountry.languages if hasattr(entry, "alpha_2"))
