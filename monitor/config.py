"""`config/` as one checked value: declared sources, the access register, word lists for tagging, claims and digests.

`load_config` reads everything or nothing: all mistakes of all files are reported at once, each with file, line and
what would be right. It does not touch the database; `apply` does that with what it returns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from collectors.base import Source
from monitor.config_platform import PlatformInfo, Route, platform_from_mapping
from monitor.config_reading import BUNDLED, Reading
from monitor.config_source import (
    dump_sources,
    format_every,
    known_collectors,
    parse_every,
    platform_of,
    source_from_mapping,
    source_to_mapping,
    validate_cron,
)
from monitor.config_yaml import ConfigErrors, Document, FieldError, Problem, YamlPath, nearest
from monitor.core.claim import ClaimBook
from monitor.core.digest import DigestSpec

__all__ = [
    "Config",
    "ConfigErrors",
    "FieldError",
    "PlatformInfo",
    "Problem",
    "Route",
    "dump_sources",
    "format_every",
    "known_collectors",
    "load_config",
    "nearest",
    "parse_every",
    "platform_of",
    "source_from_mapping",
    "source_to_mapping",
    "validate_cron",
]


@dataclass(frozen=True, slots=True)
class Config:
    """What the files of one directory declare. `files` are those that were read."""

    directory: Path
    sources: tuple[Source, ...]
    """Ordered by id."""
    platforms: Mapping[str, PlatformInfo]
    taxonomy: Mapping[str, Any]
    """Topic id → topic; checked, ready for `Taggers.build`."""
    lexicon: Mapping[str, Any]
    """Content of lexicon.yaml; checked."""
    files: tuple[str, ...] = ()
    claims: ClaimBook = field(default_factory=ClaimBook)
    digests: tuple[DigestSpec, ...] = ()
    """Ordered by id."""


def load_config(directory: Path, *, collectors: Collection[str] | None = None) -> Config:
    """Read a configuration directory. Raises ConfigErrors with every problem; never returns half of it.

    `sources.yaml` must be there, and every `sources/*.yaml` adds to it. `platforms.yaml`, `taxonomy/*.yaml`,
    `lexicon.yaml`, `claims/*.yaml`, `references.yaml` and `tag_errors.yaml` are those that come with the product where
    the directory has none of its own; `Config.files` names what was read. `collectors` defaults to the installed ones.
    """
    if not directory.is_dir():
        what = "it is not a directory" if directory.exists() else "the directory does not exist"
        raise ConfigErrors(
            [Problem(str(directory), None, what, "set TRENDMONITOR_CONFIG to the one with sources.yaml")]
        )
    from monitor.config_claims import load_claims  # here: its words for filters come with numpy
    from monitor.config_digests import load_digests  # and this one's channels with the mail libraries

    directory = directory.resolve()
    names = frozenset(known_collectors() if collectors is None else collectors)
    reading = Reading(directory)
    platforms = _platforms(reading, names)
    sources = _sources(reading, platforms, names)
    sound = len(reading.problems)
    taxonomy = _taxonomy(reading)
    topics = taxonomy if len(reading.problems) == sound else None  # names of a faulty list can't be judged
    lexicon = _lexicon(reading)
    claims = load_claims(reading, topics=topics, platforms=platforms)
    digests = load_digests(reading, topics=topics, platforms=platforms)
    if reading.problems:
        raise ConfigErrors(reading.problems)
    return Config(
        directory=directory,
        sources=tuple(sorted(sources, key=lambda source: source.id)),
        platforms=MappingProxyType(platforms or {}),
        taxonomy=taxonomy,
        lexicon=lexicon,
        files=tuple(reading.files),
        claims=claims,
        digests=digests,
    )


def _platforms(reading: Reading, collectors: Collection[str]) -> dict[str, PlatformInfo] | None:
    """None if the file could not be read as a list: then platform names can't be judged."""
    found = reading.rows(reading.either("platforms.yaml"), "platforms")
    if found is None:
        return None
    document, rows = found
    out: dict[str, PlatformInfo] = {}
    lines: dict[str, int] = {}
    hosts: dict[str, str] = {}
    for index, row in enumerate(rows):
        base = ("platforms", index)
        name = row.get("id") if isinstance(row, dict) else None
        checked = platform_from_mapping(row, collectors=collectors)
        if isinstance(checked, list):
            reading.add(document, base, checked, f"platform {name!r}: " if name else "")
            if isinstance(name, str):  # its sources are not to blame for its other mistakes
                out.setdefault(name, _placeholder(name))
            continue
        line = document.line((*base, "id"))
        if checked.id in lines:
            what = f"platform {checked.id!r} appears twice, first in line {lines[checked.id]}"
            reading.problems.append(document.problem((*base, "id"), what, "keep one of them"))
            continue
        for host in checked.hosts:
            if host in hosts:
                what = f"host {host!r} belongs to {hosts[host]!r} already"
                reading.problems.append(document.problem((*base, "hosts"), what, "name it in one row only"))
            hosts[host] = checked.id
        lines[checked.id] = line
        out[checked.id] = checked
    return out


def _placeholder(platform_id: str) -> PlatformInfo:
    """Stands for a faulty row while the rest is checked; never leaves `load_config`, which raises then."""
    return PlatformInfo(platform_id, "", "", "", "", date.min)


def _sources(reading: Reading, platforms: dict[str, PlatformInfo] | None, collectors: Collection[str]) -> list[Source]:
    files = [reading.directory / "sources.yaml", *sorted((reading.directory / "sources").glob("*.yaml"))]
    out: list[Source] = []
    first: dict[str, str] = {}
    for path in files:
        found = reading.rows(path, "sources")
        if found is None:
            continue
        document, rows = found
        for index, row in enumerate(rows):
            base = ("sources", index)
            name = row.get("id") if isinstance(row, dict) else None
            known = platforms if platforms is not None else _named(row)
            checked = source_from_mapping(row, platforms=known, collectors=collectors)
            if isinstance(name, str):
                if name in first:
                    what = f"source {name!r} appears twice, first at {first[name]}"
                    reading.problems.append(document.problem((*base, "id"), what, "give one of them another id"))
                else:
                    first[name] = f"{document.file}:{document.line((*base, 'id'))}"
            if isinstance(checked, list):
                reading.add(document, base, checked, f"source {name!r}: " if name else "")
            else:
                out.append(checked)
    return out


def _named(row: object) -> dict[str, PlatformInfo]:
    """Whatever platform a row names, so that an unreadable platforms.yaml is reported once and not once a source."""
    platform = row.get("platform") if isinstance(row, dict) else None
    return {name: _placeholder(name) for name in ("web", platform) if isinstance(name, str)}


def _taxonomy(reading: Reading) -> dict[str, Any]:
    """Topic id → topic. A file holds topics by id, or (where `label` is at its top level) one topic named like the file."""
    from monitor.core.topics import Taxonomy, TaxonomyError  # here and below: costly, and most mistakes lie elsewhere

    files = sorted((reading.directory / "taxonomy").glob("*.yaml")) or sorted((BUNDLED / "taxonomy").glob("*.yaml"))
    out: dict[str, Any] = {}
    home: dict[str, tuple[Document, YamlPath]] = {}
    for path in files:
        document = reading.mapping(path)
        if document is None:
            continue
        single = "label" in document.value and not isinstance(document.value["label"], dict)
        for topic, content in {path.stem: document.value}.items() if single else document.value.items():
            at: YamlPath = () if single else (topic,)
            if topic in home:
                first, first_at = home[topic]
                what = f"topic {topic!r} appears twice, first at {first.file}:{first.line(first_at)}"
                reading.problems.append(document.problem(at, what, "keep one of them"))
                continue
            out[topic], home[topic] = content, (document, at)
    try:
        if out or not files:
            Taxonomy.from_mapping(out)
    except TaxonomyError as error:
        for problem in error.problems:
            if problem.topic in home:
                document, at = home[problem.topic]
                place = (*at, *_place(out[problem.topic], problem.what))
                what = f"topic {problem.topic!r}: {problem.what}"
                reading.problems.append(document.problem(place, what, problem.remedy))
            else:
                reading.problems.append(Problem(reading.shown("taxonomy"), None, problem.what, problem.remedy))
    return out


def _lexicon(reading: Reading) -> dict[str, Any]:
    from monitor.core.lexicon import LexiconError, parse_lexicon

    path = reading.either("lexicon.yaml")
    document = reading.mapping(path) if path.exists() else None
    if document is None:
        return {}
    try:
        parse_lexicon(document.value)
    except LexiconError as error:
        for text in error.problems:
            group = re.match(r"`(\w+)`(?:, group (\d+))?(?:, `([^`]+)`)?", text)
            at: list[str | int] = []
            if group:
                at = [group[1], *([int(group[2]) - 1] if group[2] else ()), *(("values", group[3]) if group[3] else ())]
            reading.problems.append(document.problem(at, text, "see the head of the file for its form"))
    return dict(document.value)


def _place(value: Any, what: str) -> YamlPath:
    """The path to what a message quotes: 'a key', 'a key: one below it' or the text of a value."""
    for quoted in re.findall(r"'([^']+)'", what):
        keys = tuple(quoted.split(": "))
        found = value
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        path = keys if found is not None else _find(value, quoted, ())
        if path:
            return path
    return ()


def _find(value: Any, text: str, path: YamlPath) -> YamlPath:
    if value == text:
        return path
    if not isinstance(value, (dict, list)):
        return ()
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return next((found for key, below in pairs if (found := _find(below, text, (*path, key)))), ())
