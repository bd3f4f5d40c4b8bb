"""The nouns of digests: what is asked for, what was composed, and what a channel is given. Pure values.

A digest is composed once into a `Digest document` (JSON, stored), from which every view is rendered: mail, chat, file,
Atom and page say the same, in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

Section = Literal[
    "headline",
    "claims",
    "movers",
    "sentiment",
    "signals",
    "posts",
    "sources",
    "coverage",
    "revisions",
    "method",
]
SECTIONS: tuple[Section, ...] = get_args(Section)
"""In the order in which they are shown. `headline`, `coverage` and `method` can't be left out."""

Quiet = Literal["always", "if_changed"]
"""`if_changed`: nothing is sent for a period without a changed verdict, a signal, a mover or a broken source."""


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """Where to send. `kind` is a file in `monitor/deliver/`."""

    kind: str
    """email, chat, webhook, file, atom."""
    to: tuple[str, ...] = ()
    """Addresses of this kind: mail addresses, or names of environment variables that hold secret addresses
    (`env:SLACK_URL`); a folder for `file`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The channel's own, checked by it."""


@dataclass(frozen=True, slots=True)
class DigestSpec:
    """What a user asked for, in `config/digests.yaml` or through the API."""

    id: str
    title: str
    schedule: str
    """As written: cron with a time zone, or words; read by `monitor.core.schedule`."""
    channels: tuple[ChannelSpec, ...]
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Scope: dimension → wanted values, as for trends."""
    sections: tuple[Section, ...] = SECTIONS
    locale: str = "en"
    """Language of numbers and dates: en, de, fr, es, it, pt. The words are English."""
    quiet: Quiet = "always"
    grace: timedelta = timedelta(hours=12)
    """A run that was missed is caught up within this; later it is reported as missed."""
    declared: bool = True
    """config/ owns it."""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a message."""

    cid: str
    """Content id, stable within the issue; also the file name without suffix."""
    png: bytes
    alt: str
    """The finding with its numbers: the message must read fully without images."""
    width: int
    height: int
    """Shown size in CSS pixels; the PNG has twice as many."""


@dataclass(frozen=True, slots=True)
class Message:
    """One issue rendered for people; a channel takes what it can show."""

    key: str
    """Stable name of this issue and of nothing else, ASCII: the same for every try and every channel."""
    subject: str
    preheader: str
    html: str
    """Whole document, styles inlined, images by cid:."""
    text: str
    """The plain-text twin, written and not stripped."""
    short: str
    """For chat: a few lines with a link."""
    markdown: str
    document: Mapping[str, Any]
    """The stored issue, for programs."""
    pictures: tuple[Picture, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    """view, change, unsubscribe → absolute URL, where the service has a public address."""
    composed_at: datetime | None = None
    """Aware UTC."""
