"""Digests as people write them: `config/digests.yaml`, or the same mapping through the API.

docs/digests.md describes the form. What can be known here is checked here: schedule, scope, sections and the form of
every channel. What belongs to the machine (environment variables, the mail server) is told by `Digests.problems`, so that
one missing variable does not keep the service from starting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from monitor.config_fields import Fields
from monitor.config_posts import Names, read_values
from monitor.config_reading import Reading
from monitor.config_source import format_every, parse_every
from monitor.config_yaml import FieldError, Problem, YamlPath, nearest
from monitor.core.digest import SECTIONS, ChannelSpec, DigestSpec, Quiet, Section
from monitor.core.query import FILTERS
from monitor.core.schedule import ScheduleError, parse_schedule
from monitor.deliver import channels
from monitor.deliver.base import DeliverySettings, Smtp

DIGESTS = "digests.yaml"
LOCALES = ("en", "de", "fr", "es", "it", "pt")
ALWAYS: tuple[Section, ...] = ("headline", "coverage", "method")
"""Sections that are there whether they are named or not."""
MOST_CHANNELS = 20

_FIELDS = ("id", "title", "schedule", "channels", "filters", "sections", "locale", "quiet", "grace")
_CHANNEL = ("kind", "to", "options")
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_ADVICE = re.compile(r"(?:: |; |\. )(?=(?:[Ww]rite|did you mean|add|use|set|known|leave|put|at most|choose)\b)")
_GRACE = timedelta(hours=12)


def load_digests(
    reading: Reading, *, topics: Mapping[str, Any] | None, platforms: Mapping[str, Any] | None
) -> tuple[DigestSpec, ...]:
    """What the directory's own digests.yaml declares, by id; none without that file. Problems are noted in `reading`.

    `topics` and `platforms` are the names that a scope may use; None where that list is itself faulty.
    """
    path = reading.directory / DIGESTS
    if not path.exists():
        other = path.with_suffix(".yml")
        if other.exists():
            shown = reading.shown(other.name)
            reading.problems.append(Problem(shown, None, "only *.yaml is read", f"rename it to {DIGESTS}"))
        return ()
    found = reading.rows(path, "digests")
    if found is None:
        return ()
    document, rows = found
    names = Names(topics, platforms)
    out: dict[str, DigestSpec] = {}
    for index, row in enumerate(rows):
        base: YamlPath = ("digests", index)
        name = row.get("id") if isinstance(row, dict) else None
        checked = digest_from_mapping(row, names=names)
        if isinstance(checked, list):
            reading.add(document, base, checked, f"digest {name!r}: " if isinstance(name, str) else "")
        elif checked.id in out:
            what = f"digest {checked.id!r} appears twice"
            reading.problems.append(document.problem((*base, "id"), what, "give one of them another id"))
        else:
            out[checked.id] = checked
    return tuple(out[name] for name in sorted(out))


def digest_from_mapping(data: object, *, names: Names, declared: bool = True) -> DigestSpec | list[FieldError]:
    """Check what someone wrote and make it a digest, or say all that is wrong with it."""
    if not isinstance(data, Mapping):
        return [FieldError((), f"{type(data).__name__} is not a digest", "write `id: …`, `schedule: …` and so on")]
    errors: list[FieldError] = []
    fields = Fields(data, _FIELDS, path=(), errors=errors)
    name = fields.text("id", longest=80, example="weekly")
    if name and not _ID.fullmatch(name):
        fields.wrong("id", f"{name!r} is not an id", "use small letters, digits and hyphens, such as nurses-weekly")
    title = fields.text("title", longest=120, example="Health content this week")
    schedule = fields.text("schedule", longest=200, example="weekly on monday 08:00 Europe/Berlin")
    if schedule:
        try:
            parse_schedule(schedule)
        except ScheduleError as error:
            fields.wrong("schedule", *_split(str(error)))
    spec = DigestSpec(
        id=name,
        title=title,
        schedule=schedule,
        channels=_channels(fields),
        filters=_filters(fields, names),
        sections=_sections(fields),
        locale=fields.choice("locale", LOCALES, "en") or "en",
        quiet=fields.choice("quiet", get_args(Quiet), "always") or "always",
        grace=_grace(fields),
        declared=declared,
    )
    return errors or spec


def digest_to_mapping(spec: DigestSpec) -> dict[str, Any]:
    """The mapping that `digest_from_mapping` reads back as the same digest; what is left to its default is left out."""
    out: dict[str, Any] = {"id": spec.id, "title": spec.title, "schedule": spec.schedule}
    if spec.filters:
        out["filters"] = {name: list(values) if len(values) > 1 else values[0] for name, values in spec.filters.items()}
    if spec.sections != SECTIONS:
        out["sections"] = [one for one in spec.sections if one not in ALWAYS]
    if spec.locale != "en":
        out["locale"] = spec.locale
    if spec.quiet != "always":
        out["quiet"] = spec.quiet
    if spec.grace != _GRACE:
        out["grace"] = format_every(spec.grace)
    out["channels"] = [
        {
            "kind": one.kind,
            **({"to": list(one.to)} if one.to else {}),
            **({"options": dict(one.options)} if one.options else {}),
        }
        for one in spec.channels
    ]
    return out


def form_problems(spec: ChannelSpec) -> list[str]:
    """What is wrong with a channel whatever the machine: neither unset variables nor a missing mail server count."""
    unset = _Unset()
    smtp = Smtp(host="localhost", tls="none", sender="digest@example.org")
    home = Path("TRENDMONITOR_HOME")
    settings = DeliverySettings(home=home, environment=unset, smtp=smtp, public_url="https://example.org")
    problems = channels()[spec.kind].check(spec, settings)
    shown = [one.replace(str(home.absolute()), str(home)) for one in problems]
    return [one for one in shown if not any(repr(name) in one for name in unset.asked)]


@dataclass(slots=True)
class _Unset(Mapping[str, str]):
    """An environment without variables, which remembers what was asked of it."""

    asked: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _channels(fields: Fields) -> tuple[ChannelSpec, ...]:
    example = "[{kind: file}]"
    if not fields.needs("channels", example):
        return ()
    rows = fields.data["channels"]
    if not isinstance(rows, (list, tuple)) or not rows or len(rows) > MOST_CHANNELS:
        fields.wrong("channels", "'channels' is not a list of channels", f"write 1 to {MOST_CHANNELS}, as {example}")
        return ()
    out: list[ChannelSpec] = []
    for index, row in enumerate(rows):
        before = len(fields.errors)
        spec = _channel(row, (*fields.path, "channels", index), fields.errors)
        if spec is None or len(fields.errors) > before:
            continue
        if spec in out:
            fields.wrong("channels", "the same channel appears twice", "keep one of them", index)
        for problem in form_problems(spec):
            fields.wrong("channels", *_split(problem), index)
        out.append(spec)
    return tuple(out)


def _channel(row: object, path: YamlPath, errors: list[FieldError]) -> ChannelSpec | None:
    if isinstance(row, str):
        row = {"kind": row}
    if not isinstance(row, Mapping):
        errors.append(FieldError(path, f"{str(row)[:60]!r} is not a channel", "write for example {kind: file}"))
        return None
    fields = Fields(row, _CHANNEL, path=path, errors=errors)
    kind = fields.choice("kind", tuple(channels()))
    to = row.get("to")
    to = [] if to is None else [to] if isinstance(to, str) else to
    if not isinstance(to, (list, tuple)) or not all(isinstance(one, str) and one.strip() for one in to):
        fields.wrong("to", "'to' is not a list of addresses", "write for example [reader@example.org]")
        to = []
    options = row.get("options") or {}
    if not isinstance(options, Mapping):
        fields.wrong("options", "'options' is not a mapping", "write `name: value` pairs, or leave it out")
        options = {}
    return None if kind is None else ChannelSpec(kind, tuple(one.strip() for one in to), dict(options))


def _filters(fields: Fields, names: Names) -> dict[str, tuple[str, ...]]:
    value = fields.data.get("filters") or {}
    if not isinstance(value, Mapping):
        fields.wrong("filters", f"{str(value)[:60]!r} is not a scope", "write for example {audience: nurses}")
        return {}
    out: dict[str, tuple[str, ...]] = {}
    for dimension, wanted in value.items():
        if dimension not in FILTERS:
            shown = str(dimension)[:60]
            fields.wrong("filters", f"unknown dimension {shown!r}", nearest(shown, FILTERS), dimension)
            continue
        out[dimension] = tuple(read_values(fields, "filters", dimension, wanted, names, dimension))
    return out


def _sections(fields: Fields) -> tuple[Section, ...]:
    if not fields.has("sections"):
        return SECTIONS
    wanted = fields.data["sections"]
    if not isinstance(wanted, (list, tuple)):
        fields.wrong("sections", "'sections' is not a list", f"write some of {', '.join(SECTIONS)}")
        return SECTIONS
    for index, one in enumerate(wanted):
        if one not in SECTIONS:
            fields.wrong("sections", f"unknown section {str(one)[:60]!r}", nearest(str(one)[:60], SECTIONS), index)
    return tuple(one for one in SECTIONS if one in wanted or one in ALWAYS)


def _grace(fields: Fields) -> timedelta:
    text = fields.text("grace", needed=False, longest=40)
    if not text:
        return _GRACE
    try:
        return parse_every(text)
    except ValueError as error:
        fields.wrong("grace", *_split(str(error)))
        return _GRACE


def _split(problem: str) -> tuple[str, str]:
    """(what is wrong, what would be right) of a message that says both."""
    found = _ADVICE.search(problem)
    if found is None:
        return problem, "see docs/digests.md"
    return problem[: found.start()], problem[found.end() :]
