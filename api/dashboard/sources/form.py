"""The form of a source: what was typed ↔ the mapping that `config` checks, field by field. Pure.

A field of the form has the name that the check uses for it ('country', 'options.days'), so an error finds its place.
Several values are several fields ('audience.nurses') or the lines of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from api.dashboard.sources.words import AUDIENCE_NAMES
from collectors import registry
from collectors.base import Source
from collectors.options import Option
from monitor.config import source_from_mapping, source_to_mapping
from monitor.config_platform import PlatformInfo
from monitor.config_yaml import FieldError

TEXTS = ("url", "name", "id", "content_type", "country", "language", "every", "platform")
YES_NO = {"true": True, "false": False}
PAGE_WORDS = frozenset({"add", "bulk", "opml", "discover", "test"})
"""Words that stand in the place of an id in an address, of pages or of the API."""


class Wrong(NamedTuple):
    """One thing that does not fit, at the field it belongs to."""

    field: str
    message: str


def names() -> tuple[str, ...]:
    """All fields that a form of any collector may have."""
    options = {f"options.{name}" for one in registry.names() for name in registry.get(one).options}
    return (*TEXTS, *(f"audience.{one}" for one in AUDIENCE_NAMES), *sorted(options))


def values_of(mapping: Mapping[str, Any]) -> dict[str, str]:
    """What the fields hold for a source in the form of config/sources.yaml."""
    values = {name: str(mapping[name]) for name in TEXTS if mapping.get(name)}
    values |= {f"audience.{one}": "on" for one in mapping.get("audience") or ()}
    for name, value in (mapping.get("options") or {}).items():
        if isinstance(value, bool):
            text = "true" if value else "false"
        else:
            text = "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        values[f"options.{name}"] = text
    return values


def values_of_source(source: Source) -> dict[str, str]:
    return values_of(source_to_mapping(source))


def mapping_of(form: Mapping[str, str], collector: str) -> dict[str, Any]:
    """What was typed, in the form of config/sources.yaml; empty fields are left out."""
    mapping: dict[str, Any] = {"collector": collector}
    mapping |= {name: form[name] for name in TEXTS if form.get(name)}
    if "country" in mapping:
        mapping["country"] = mapping["country"].upper()
    if "language" in mapping:
        mapping["language"] = mapping["language"].lower()
    if audience := [one for one in AUDIENCE_NAMES if form.get(f"audience.{one}")]:
        mapping["audience"] = audience
    options = {
        name: _option_value(option, form[f"options.{name}"])
        for name, option in registry.get(collector).options.items()
        if form.get(f"options.{name}")
    }
    if options:
        mapping["options"] = options
    return mapping


def _option_value(option: Option, text: str) -> Any:
    """The value that was meant; text that is no such value stays text, and the check says what is wrong with it."""
    if option.kind == "texts":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if option.kind == "flag":
        return YES_NO.get(text, text)
    if option.kind in ("whole", "number"):
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text) if option.kind == "number" else text
        except ValueError:
            return text
    return text


def check(mapping: Mapping[str, Any], platforms: Mapping[str, PlatformInfo]) -> Source | list[Wrong]:
    """The source, or everything that is wrong with it."""
    made = source_from_mapping(mapping, platforms=platforms)
    if not isinstance(made, Source):
        return [Wrong(_field(one), _sentence(one)) for one in made]
    if made.id in PAGE_WORDS:
        return [Wrong("id", f"{made.id!r} is a word of these pages; choose another id.")]
    return made


def _field(error: FieldError) -> str:
    if not error.path:
        return next((name for name in TEXTS if error.what.startswith(repr(name))), "url")
    if error.path[0] == "audience":
        return f"audience.{next(iter(AUDIENCE_NAMES))}"
    return ".".join(str(part) for part in error.path[: 2 if error.path[0] == "options" else 1])


def _sentence(error: FieldError) -> str:
    if not error.path:
        name = _field(error)
        return "Give the address." if name == "url" else f"The {name} is missing."
    text = f"{error.what}; {error.instead}."
    return text[:1].upper() + text[1:]


def options_of(collector: str, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """One field for each thing that a source of this collector may say."""
    return [_option_field(name, option, values) for name, option in sorted(registry.get(collector).options.items())]


def _option_field(name: str, option: Option, values: Mapping[str, str]) -> dict[str, Any]:
    field = f"options.{name}"
    return {
        "field": field,
        "label": name.replace("_", " ").capitalize(),
        "says": option.says,
        "kind": {"texts": "lines", "flag": "choice", "choice": "choice"}.get(option.kind, "text"),
        "numeric": option.kind in ("whole", "number"),
        "choices": [("true", "yes"), ("false", "no")]
        if option.kind == "flag"
        else [(one, one) for one in option.choices],
        "value": values.get(field, ""),
    }


def told_options(collector: str, options: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """(name, value) of what a source says, for its page."""
    rows = []
    for name, value in options.items():
        if isinstance(value, bool):
            text = "yes" if value else "no"
        else:
            text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        rows.append((name.replace("_", " "), text))
    return rows
