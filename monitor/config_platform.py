"""The access register: what can lawfully be observed on each platform, and what can't.

A row says what is true of the platform; whether a route works in this installation is not written down but follows
from the collectors that are there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from monitor.config_yaml import FieldError, nearest

KINDS = ("open_network", "closed_network", "publisher", "company", "open_web", "index")
ACCESS = ("open", "key", "approval", "closed", "not_permitted", "needs_address")
"""open: public feeds, no key. key: anyone may get one. approval: the platform decides who may. closed: behind a log-in.
not_permitted: technically there, but the terms forbid it. needs_address: nobody has found one yet."""
EVIDENCE = ("verified", "hint", "unverified")
"""verified: read in an official source. hint: read in a third-party source. unverified: an inference."""


@dataclass(frozen=True, slots=True)
class Route:
    """One lawful way to public posts of a platform."""

    collector: str
    observes: str
    evidence: str
    implemented: bool
    """True if the collector is part of this installation."""
    key: str | None = None
    """What must be had first; None: nothing."""
    quota: str | None = None
    duty: str | None = None
    """What the terms oblige to."""


@dataclass(frozen=True, slots=True)
class PlatformInfo:
    id: str
    name: str
    kind: str
    access: str
    not_measurable: str
    """What public posts of this platform can never show."""
    reviewed: date
    """When a person last read the terms."""
    company: str | None = None
    player: bool = False
    """One of the market report's eleven players, or owned by one."""
    hosts: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    retention: str | None = None
    """How long content may be kept, where the platform limits it."""

    @property
    def is_closed(self) -> bool:
        """What its members write can't be observed, whoever asks."""
        return self.access in ("closed", "not_permitted", "needs_address")

    @property
    def measurable(self) -> bool:
        """Some part of it can be observed with what is installed."""
        return any(route.implemented for route in self.routes)


_TEXT = {"id", "name", "company", "not_measurable", "retention"}
_FIELDS = (*sorted(_TEXT), "kind", "access", "player", "hosts", "routes", "reviewed")
_ROUTE_FIELDS = ("collector", "observes", "key", "quota", "duty", "evidence")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


class _Check:
    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def add(self, path: tuple[str | int, ...], what: str, instead: str) -> None:
        self.errors.append(FieldError(path, what, instead))

    def unknown(self, data: Mapping[str, Any], known: Collection[str], path: tuple[str | int, ...] = ()) -> None:
        for key in data:
            if key not in known:
                self.add((*path, key), f"unknown key {key!r}", nearest(key, known))

    def text(self, data: Mapping[str, Any], key: str, path: tuple[str | int, ...], *, needed: bool) -> str | None:
        value = data.get(key)
        if value is None and not needed:
            return None
        if value is None:
            self.add(path, f"{key!r} is missing", f"add `{key}: …`")
        elif not isinstance(value, str) or not value.strip():
            self.add((*path, key), f"{key!r} is not text", "write a few words")
        else:
            return value.strip()
        return ""

    def choice(self, data: Mapping[str, Any], key: str, known: Collection[str], path: tuple[str | int, ...]) -> str:
        value = self.text(data, key, path, needed=True) or ""
        if value and value not in known:
            self.add((*path, key), f"unknown {key} {value!r}", nearest(value, known))
        return value


def platform_from_mapping(data: object, *, collectors: Collection[str]) -> PlatformInfo | list[FieldError]:
    """Check one row of `config/platforms.yaml`; `collectors` are the installed ones."""
    if not isinstance(data, Mapping):
        return [FieldError((), f"{type(data).__name__} is not a platform", "write `id: …`, `name: …` and so on")]
    check = _Check()
    check.unknown(data, _FIELDS)
    player = data.get("player", False)
    if not isinstance(player, bool):
        check.add(("player",), f"{player!r} is not true or false", "write true or false")
    platform_id = check.text(data, "id", (), needed=True) or ""
    if platform_id and not re.fullmatch(r"[a-z0-9](?:[a-z0-9_]{0,62}[a-z0-9])?", platform_id):
        check.add(("id",), f"{platform_id!r} is not a platform id", "write small letters, digits and '_'")
    row = {
        "id": platform_id,
        "name": check.text(data, "name", (), needed=True) or "",
        "kind": check.choice(data, "kind", KINDS, ()),
        "access": check.choice(data, "access", ACCESS, ()),
        "not_measurable": check.text(data, "not_measurable", (), needed=True) or "",
        "reviewed": _date(data, check),
        "company": check.text(data, "company", (), needed=False),
        "player": player,
        "hosts": _hosts(data.get("hosts"), check),
        "routes": _routes(data.get("routes"), check, collectors),
        "retention": check.text(data, "retention", (), needed=False),
    }
    return check.errors or PlatformInfo(**row)


def _date(data: Mapping[str, Any], check: _Check) -> date:
    text = check.text(data, "reviewed", (), needed=True)
    try:
        return date.fromisoformat(text) if text else date.min
    except ValueError:
        check.add(("reviewed",), f"{text!r} is not a date", "write for example 2026-11-22")
        return date.min


def _hosts(value: object, check: _Check) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        check.add(("hosts",), "hosts is not a list", "write for example [youtube.com, youtu.be]")
        return ()
    for index, host in enumerate(value):
        if not isinstance(host, str) or not _HOST.fullmatch(host):
            check.add(("hosts", index), f"{host!r} is not a host name", "write for example youtube.com")
    return tuple(str(host) for host in value)


def _routes(value: object, check: _Check, collectors: Collection[str]) -> tuple[Route, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        check.add(("routes",), "routes is not a list", "write one `- collector: …` a route")
        return ()
    out = []
    for index, entry in enumerate(value):
        path = ("routes", index)
        if not isinstance(entry, Mapping):
            check.add(path, f"{type(entry).__name__} is not a route", "write `collector: …` and `observes: …`")
            continue
        check.unknown(entry, _ROUTE_FIELDS, path)
        collector = check.text(entry, "collector", path, needed=True) or ""
        out.append(
            Route(
                collector=collector,
                observes=check.text(entry, "observes", path, needed=True) or "",
                evidence=check.choice(entry, "evidence", EVIDENCE, path),
                implemented=collector in collectors,
                key=check.text(entry, "key", path, needed=False),
                quota=check.text(entry, "quota", path, needed=False),
                duty=check.text(entry, "duty", path, needed=False),
            )
        )
    return tuple(out)
