"""What the page of settings and keys shows, as values for its templates. Nothing here ever holds a secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api.dashboard.platforms import words as platform_words
from api.dashboard.settings import words
from api.problems import FieldError
from collectors import registry
from monitor.core.mask import mask
from monitor.core.model import TrackedSource
from monitor.doctor import Finding
from monitor.settings import PREFIX, Settings, variables
from monitor.store.keys import SCOPES, ApiKey


def setting_rows(settings: Settings, database: str) -> list[dict[str, Any]]:
    """Every variable with its value, or only whether it is set where the value is secret. `database`: its address
    without the password."""
    says = variables()
    rows = []
    for name, info in Settings.model_fields.items():
        if name == "key":  # told collector by collector, see `key_rows`
            continue
        value, given = getattr(settings, name), name in settings.model_fields_set
        if name == "database_url":
            shown, given = database, value != _usual_database(settings)
        elif info.repr:
            shown = words.value_words(value)
        else:
            secret = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            shown = words.NOT_SHOWN if secret else "not set"
        variable = next(one for one in says if one.partition("__<")[0] == f"{PREFIX}{name.upper()}")
        rows.append({"variable": variable, "value": shown, "given": given, "says": says[variable]})
    return rows


def _usual_database(settings: Settings) -> str:
    return f"sqlite:///{settings.home.expanduser().absolute() / 'trendmonitor.db'}"


def key_rows(settings: Settings) -> list[dict[str, Any]]:
    """Keys of platforms: every collector that takes one, and every one that was given; only whether they are set."""
    takers = [name for name in registry.names() if registry.get(name).key is not None]
    rows = []
    for name in sorted({*takers, *settings.key}):
        key = registry.get(name).key if name in takers else None
        rows.append(
            {
                "variable": f"{PREFIX}KEY__{name.upper()}",
                "set": name in settings.key,
                "what": "Nothing reads it; is it misspelt?" if key is None else key.what,
                "optional": key is not None and key.optional,
            }
        )
    return rows


def duty_rows(tracked: Sequence[TrackedSource]) -> list[dict[str, Any]]:
    """What terms of platforms shorten or add: one row for each collector that lets posts go or looks them up again."""
    counts = Counter(one.source.collector for one in tracked)
    rows = []
    for name in registry.names():
        duties = registry.get(name).duties
        if duties.keep is None and duties.review is None:
            continue
        rows.append(
            {
                "collector": name,
                "sources": counts[name],
                "keep": f"{platform_words.span(duties.keep)} after they were last confirmed" if duties.keep else None,
                "review": f"every {platform_words.span(duties.review)}" if duties.review else None,
                "until": f"until they are {platform_words.span(duties.review_for)} old" if duties.review_for else None,
                "asks": duties.asks,
            }
        )
    return rows


def api_key_rows(keys: Iterable[ApiKey], own: int | None) -> list[dict[str, Any]]:
    """Keys of the service, those that can be used first, the newest first. `own`: the one that asks."""
    ordered = sorted(keys, key=lambda key: (key.revoked, -key.id))
    return [
        {
            "id": key.id,
            "name": key.name,
            "scope": words.SCOPES[key.scope][0],
            "made": key.created_at,
            "used": key.last_used,
            "tag": words.key_state(key),
            "revoked": key.revoked,
            "own": key.id == own,
        }
        for key in ordered
    ]


def key_errors(form: Mapping[str, str], keys: Sequence[ApiKey]) -> list[FieldError]:
    """What keeps a key from being made as the form says."""
    name, scope = form.get("name", ""), form.get("scope", "")
    usable = [key for key in keys if not key.revoked]
    errors = []
    if not name:
        errors.append(FieldError("name", "Write what or whom the key is for."))
    elif len(name) > words.LONGEST_NAME:
        errors.append(
            FieldError("name", f"The name has {len(name)} characters; at most {words.LONGEST_NAME} are kept.")
        )
    elif not name.isprintable():
        errors.append(FieldError("name", "The name has characters that cannot be printed."))
    elif any(key.name == name for key in usable):
        # Also what a reloaded answer comes to: it sends the form again
        errors.append(FieldError("name", f"A key “{name}” exists already; choose another name or revoke that one."))
    if scope not in SCOPES:
        errors.append(FieldError("scope", "Choose what the key may do."))
    elif scope != "write" and not usable:
        errors.append(FieldError("scope", words.FIRST_MUST_WRITE))
    return errors


def finding_rows(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """What the doctor found, what needs a person first."""
    order = ("problem", "warning", "ok")
    return [
        {
            "tag": words.LEVELS[one.level],
            "subject": one.subject,
            "says": mask(one.says),
            "remedy": one.remedy and mask(one.remedy),
        }
        for one in sorted(findings, key=lambda one: order.index(one.level))
    ]


def findings_lead(findings: Sequence[Finding]) -> str:
    bad = sum(one.level == "problem" for one in findings)
    told = sum(one.level == "warning" for one in findings)
    if bad:
        return f"{bad} {'thing needs' if bad == 1 else 'things need'} you."
    if told:
        return f"Nothing needs you; {told} {'thing is' if told == 1 else 'things are'} worth knowing."
    return "Nothing is wrong."
