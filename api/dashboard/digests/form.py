"""The form of a digest: what was typed ↔ the mapping that `config` checks, field by field. Pure.

A field has the name that the check uses for it ('schedule', 'filters.country', 'channels.0.to'), so an error finds its
place. A box to tick is a field of its own ('filters.audience.nurses', 'sections.claims'). What nobody touched is read
back as it was stored, so that opening and saving a digest changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from api.dashboard.digests.edit_words import KINDS, REPLACED
from api.dashboard.sources.form import Wrong
from monitor.config_digests import ALWAYS, MOST_CHANNELS
from monitor.config_source import format_every
from monitor.core.digest import SECTIONS, ChannelSpec, DigestSpec
from monitor.core.query import FILTERS
from monitor.core.schedule import ScheduleError, parse_schedule

TEXTS = ("title", "id", "schedule", "timezone", "locale", "quiet", "grace")
WRITTEN = ("country", "language", "source")
"""Dimensions with too many values for boxes: codes or ids with commas."""
TICKED = tuple(one for one in FILTERS if one not in WRITTEN)
OPTIONAL = tuple(one for one in SECTIONS if one not in ALWAYS)
PAGE_WORDS = frozenset({"new"})
"""Words that stand in the place of an id in an address."""
NEW: Mapping[str, str] = {
    "schedule": "weekly on monday 08:00",
    "locale": "en",
    "quiet": "always",
    "grace": "12h",
    "channels.0.kind": "file",
    **{f"sections.{one}": "on" for one in OPTIONAL},
}
"""What the form of a new digest begins with."""
OTHER = "other"
"""The field for the options of a channel whose options have no words here."""
_CHANNEL_FIELDS = ("kind", "to", OTHER, *dict.fromkeys(one.name for kind in KINDS.values() for one in kind.options))
_ORDER = (
    "title",
    "id",
    "schedule",
    "timezone",
    "grace",
    "quiet",
    "filters",
    "sections",
    "locale",
    "channels",
    "add",
)
_ROW = re.compile(r"channels\.(\d{1,2})\.(\w+)")

Choices = Mapping[str, Mapping[str, str]]
"""Dimension with boxes → value → its name, in the order in which they are shown."""


def names(choices: Choices) -> tuple[str, ...]:
    """All fields that the form may have."""
    boxes = (f"filters.{name}.{value}" for name, values in choices.items() for value in values)
    rows = (f"channels.{row}.{field}" for row in range(MOST_CHANNELS) for field in _CHANNEL_FIELDS)
    return (*TEXTS, *(f"filters.{one}" for one in WRITTEN), *boxes, *(f"sections.{one}" for one in OPTIONAL), *rows)


# --- a digest → what the fields hold ---------------------------------------------------------------------------------


def values_of(spec: DigestSpec) -> dict[str, str]:
    rhythm, zone = split_schedule(spec.schedule)
    values = {
        "title": spec.title,
        "id": spec.id,
        "schedule": rhythm,
        "timezone": zone,
        "locale": spec.locale,
        "quiet": spec.quiet,
        "grace": format_every(spec.grace),
    }
    values |= {f"sections.{one}": "on" for one in spec.sections if one not in ALWAYS}
    for name, wanted in spec.filters.items():
        if name in WRITTEN:
            values[f"filters.{name}"] = ", ".join(wanted)
        else:
            values |= {f"filters.{name}.{value}": "on" for value in wanted}
    for row, channel in enumerate(spec.channels):
        values |= {f"channels.{row}.{field}": text for field, text in _channel_values(channel).items()}
    return values


def _channel_values(channel: ChannelSpec) -> dict[str, str]:
    values = {"kind": channel.kind, "to": "\n".join(channel.to)}
    if channel.kind in KINDS:
        return values | {name: _shown(value) for name, value in channel.options.items()}
    return values | {OTHER: _lines(channel.options)}


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _lines(options: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {_shown(value)}" for name, value in options.items())


def split_schedule(text: str) -> tuple[str, str]:
    """('weekly on monday 08:00', 'Europe/Berlin'): a schedule without its time zone, and the zone as written or ''."""
    words = text.split()
    if words and ":" not in words[0] and words[0][0] in "*0123456789":
        end = 5
    else:
        end = next((place + 1 for place, word in enumerate(words) if ":" in word), len(words))
    return " ".join(words[:end]), " ".join(words[end:])


# --- what the fields hold → the mapping ------------------------------------------------------------------------------


def mapping_of(form: Mapping[str, str], stored: DigestSpec | None = None) -> dict[str, Any]:
    """What was typed, in the form of config/digests.yaml; what is empty is left out."""
    mapping: dict[str, Any] = {
        name: form[name] for name in ("id", "title", "locale", "quiet", "grace") if form.get(name)
    }
    mapping["schedule"] = f"{form.get('schedule', '')} {form.get('timezone', '')}".strip()
    if filters := _filters(form):
        mapping["filters"] = filters
    mapping["sections"] = [one for one in OPTIONAL if form.get(f"sections.{one}")]
    mapping["channels"] = [_channel(one, stored) for one in rows_of(form)]
    return mapping


def _filters(form: Mapping[str, str]) -> dict[str, list[str]]:
    filters: dict[str, list[str]] = {}
    for field, text in form.items():
        _, _, rest = field.partition("filters.")
        name, _, value = rest.partition(".")
        if name in TICKED and value and text:
            filters.setdefault(name, []).append(value)
        elif name in WRITTEN and (wanted := [_code(name, one) for one in re.split(r"[\s,;]+", text) if one]):
            filters[name] = list(dict.fromkeys(wanted))
    return filters


def _code(name: str, text: str) -> str:
    """Codes in the case in which they are stored, however they were typed."""
    if text.lower() == "unknown" and name != "source":
        return "unknown"
    return {"country": text.upper(), "language": text.lower()}.get(name, text)


def rows_of(form: Mapping[str, str]) -> list[dict[str, str]]:
    """The channels, in their order, each with what its fields hold."""
    rows: dict[int, dict[str, str]] = {}
    for field, text in form.items():
        if found := _ROW.fullmatch(field):
            rows.setdefault(int(found[1]), {})[found[2]] = text
    return [rows[place] for place in sorted(rows)]


def with_rows(form: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The form with these channels and nothing else changed."""
    kept = {field: text for field, text in form.items() if not _ROW.fullmatch(field)}
    return kept | {f"channels.{place}.{field}": text for place, row in enumerate(rows) for field, text in row.items()}


def _channel(row: Mapping[str, str], stored: DigestSpec | None) -> dict[str, Any]:
    kind = row.get("kind", "")
    channel: dict[str, Any] = {"kind": kind}
    if to := [one.strip() for one in re.split(_between(kind), row.get("to", "")) if one.strip()]:
        channel["to"] = to
    before = [one.options for one in stored.channels if one.kind == kind] if stored else []
    options: Mapping[str, Any]
    if kind in KINDS:
        options = {
            one.name: _option(one.name, row[one.name], before, many=one.many)
            for one in KINDS[kind].options
            if row.get(one.name)
        }
    else:
        text = "\n".join(row.get(OTHER, "").splitlines())
        options = next((one for one in before if _lines(one) == text), _read_lines(text))
    if options:
        channel["options"] = options
    return channel


def _between(kind: str) -> str:
    """Commas may be part of a web address, spaces of a folder."""
    return r"[\n\r,;]+" if kind in KINDS and KINDS[kind].commas else r"[\n\r]+"


def _option(name: str, text: str, before: Iterable[Mapping[str, Any]], *, many: bool) -> Any:
    """As it was stored if it still reads the same: one value may have been written as a list of one."""
    for options in before:
        if name in options and _shown(options[name]) == text:
            return options[name]
    values = [one.strip() for one in text.split(",") if one.strip()]
    return values if many or len(values) > 1 else text


def _read_lines(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def id_for(title: str, taken: Collection[str]) -> str:
    """A free id that reads like the title."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    start = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:56].strip("-") or "digest"
    number, found = 2, start
    while found in taken or found in PAGE_WORDS:
        found, number = f"{start}-{number}", number + 1
    return found


# --- what is wrong ---------------------------------------------------------------------------------------------------


def missing(form: Mapping[str, str]) -> list[Wrong]:
    """What was left empty and cannot be."""
    found = [] if form.get("title") else [Wrong("title", "Give it a title; readers see it.")]
    if not form.get("schedule"):
        found.append(Wrong("schedule", "Say when it goes out, such as weekly on monday 08:00."))
    rows = rows_of(form)
    if not rows:
        found.append(Wrong("add", "Add at least one channel; “file” and “atom” need nothing else."))
    for place, row in enumerate(rows):
        words = KINDS.get(row.get("kind", ""))
        if words is not None and words.needed and not row.get("to"):
            found.append(Wrong(f"channels.{place}.to", words.needed))
        found += [
            Wrong(f"channels.{place}.{one.name}", one.needed)
            for one in (words.options if words else ())
            if one.needed and not row.get(one.name)
        ]
    return found


def wrong_zone(form: Mapping[str, str]) -> Wrong | None:
    """What is wrong with the time zone, if the rest of the schedule can be read."""
    zone = form.get("timezone", "")
    rhythm, inside = split_schedule(form.get("schedule", ""))
    if not zone:
        return None
    if inside:
        return Wrong("timezone", f"The schedule names the time zone {inside[:60]!r} already; leave one of them out.")
    try:
        parse_schedule(rhythm)
    except ScheduleError:
        return None
    try:
        parse_schedule(f"{rhythm} {zone}")
    except ScheduleError as error:
        return Wrong("timezone", sentence(str(error).removeprefix(f"{f'{rhythm} {zone}'!r}: ")))
    return None


def place_of(field: str, message: str, rows: Sequence[Mapping[str, str]]) -> str:
    """The field of the form where the check's `field` is shown."""
    parts = field.split(".")
    if parts[0] != "channels":
        known = parts[0] if parts[0] in _ORDER else "title"
        return ".".join(parts[:2]) if known == "filters" and len(parts) > 1 else known
    if len(parts) < 2 or not parts[1].isdigit() or int(parts[1]) >= len(rows):
        return "add"
    typed = rows[int(parts[1])]
    row, words = f"channels.{parts[1]}", KINDS.get(typed.get("kind", ""))
    if words is None:
        return row
    start, _, rest = message.partition("'")
    quoted = rest.partition("'")[0]
    for option in words.options:
        named = option.name in message or option.name.rstrip("s") in start.split()
        if named or (quoted and f"env:{quoted}" in typed.get(option.name, "")):
            return f"{row}.{option.name}"
    return f"{row}.to" if words.to and parts[2:3] != ["kind"] else row


def sentence(text: str) -> str:
    """One whole sentence; where a file is spoken of, the form."""
    for words, instead in REPLACED.items():
        text = text.replace(words, instead)
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('?') else '.'}"


def in_order(errors: Iterable[Wrong]) -> list[Wrong]:
    """As their fields stand on the page."""

    def place(one: Wrong) -> tuple[int, int]:
        first, _, rest = one.field.partition(".")
        row = rest.partition(".")[0]
        return _ORDER.index(first), int(row) if row.isdigit() else 0

    return sorted(errors, key=place)
