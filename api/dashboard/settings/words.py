"""Settings and keys in plain words: who may change things, what a key opens, what is kept and for how long. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from api.dashboard.digests.words import Tag
from api.dashboard.platforms.words import span
from api.sessions import LASTS
from collectors.net.urls import redact
from monitor.store import set_aside, spending, verdicts, visits
from monitor.store.digests import KEPT_ISSUES
from monitor.store.keys import ApiKey

LONGEST_NAME = 80
SCOPES: Mapping[str, tuple[str, str]] = {
    "read": ("Read", "sees everything that is collected, and changes nothing."),
    "write": ("Read and write", "also changes sources, digests and signals, and makes and revokes keys."),
}
LEVELS: Mapping[str, Tag] = {
    "ok": Tag("supported", "✓", "Fine"),
    "warning": Tag("inconclusive", "~", "Worth knowing"),
    "problem": Tag("bad", "✕", "Needs you"),
}
USABLE = Tag("supported", "✓", "In use")
UNUSED = Tag("noted", "…", "Not used yet")
REVOKED = Tag("noted", "\u2013", "Revoked")
NOT_SHOWN = "set, not shown"
FIRST_KEY = (
    "No key has been made, so everyone on this machine may change things here. The first key ends that: from then on "
    "whoever changes something, here or through the API, needs a key that may write. Reading on this machine stays open."
)
FIRST_MUST_WRITE = (
    "The first key must be one that may write: it ends open writing, and with a reading key alone nobody could change "
    "anything here."
)


def lead_of(keys: Sequence[ApiKey], loopback: bool) -> str:
    """First sentence: who may change things."""
    usable = [key for key in keys if not key.revoked]
    if not usable:
        if not loopback:
            return "No key can be used, so nobody can read or change anything from another machine."
        return "Everyone on this machine may read and change things: there is no key that can be used."
    writing = sum(key.scope == "write" for key in usable)
    many = f"{len(usable)} key{'' if len(usable) == 1 else 's'} can be used"
    if len(usable) == 1:
        return f"{many}; it {'may write' if writing else 'may read only'}."
    return f"{many}; {writing or 'none'} of them may write."


def key_state(key: ApiKey) -> Tag:
    return REVOKED if key.revoked else UNUSED if key.last_used is None else USABLE


def revoke_warnings(key: ApiKey, keys: Sequence[ApiKey], *, own: bool, loopback: bool) -> list[str]:
    """What follows from revoking this key, beyond that it opens nothing any more."""
    left = [one for one in keys if not one.revoked and one.id != key.id]
    found = []
    if own:
        found.append("You are logged in with this key, so this logs you out.")
    if not left and loopback:
        found.append("It is the last key. Without any, everyone on this machine may change things here again.")
    elif not left:
        found.append(
            "It is the last key. Nobody can read or change anything any more, and the service does not start again, "
            "until a key is made on its machine with `trendmonitor keys create --scope write`."
        )
    elif key.scope == "write" and not any(one.scope == "write" for one in left):
        found.append(
            "It is the last key that may write. Nothing can be changed here any more until one is made on the "
            "service's machine with `trendmonitor keys create --scope write`."
        )
    return found


def kept_rows(retention_days: int, retention_cron: str) -> list[dict[str, str]]:
    """What the service keeps, for how long, and what ends it. Numbers come from the code that carries them out."""
    texts = f"{retention_days:,} days after publication" if retention_days else "For ever"
    ends = (
        f"Blanked by the service on the schedule `{retention_cron}` (UTC), as `TRENDMONITOR_RETENTION_TEXT_DAYS` says."
        if retention_days
        else "`TRENDMONITOR_RETENTION_TEXT_DAYS` is 0, so nothing ends it."
    )
    rows = (
        ("Title, text and link of a post", texts, ends),
        (
            "Counts, tags and times of a post",
            "As long as its source",
            "They go when a source is removed with all its posts; posts that are deleted at their platform go from "
            "counts too, once the platform says so.",
        ),
        (
            "Authors",
            "As long as the post",
            "Kept as a keyed hash only: never a name, handle or profile. A profile text is reduced to a profession "
            "while a post is tagged and not stored.",
        ),
        (
            "Items that could not be read",
            span(set_aside.KEPT),
            f"As they came, at most {set_aside.MOST:,} of each source, so that they can be read again once the fault "
            "is mended.",
        ),
        ("Visits to sources", f"The latest {visits.KEPT} of each source", "Older ones make room."),
        (
            "Events (changes of sources, verdicts, tags; outages)",
            "For ever",
            "They are the record that numbers are explained by.",
        ),
        (
            "Verdicts on claims",
            "For ever",
            f"The latest {verdicts.KEPT_WHOLE} of each claim whole; of older ones the last of each cut-off and verdict.",
        ),
        ("Issues of digests and their receipts", f"The latest {KEPT_ISSUES} of each digest", "Older ones make room."),
        ("Bookings of platforms' quotas", span(spending.KEPT), "No quota counts longer than a month."),
        (
            "Sessions of people who are logged in",
            span(LASTS),
            "A signed cookie in their browser. It ends sooner when they log out or the key is revoked.",
        ),
        (
            "Keys of this service",
            "For ever",
            "Name, scope and times; of the key itself only a hash. Revoked ones stay listed.",
        ),
        ("Keys of platforms, passwords", "Not kept", "They are read from the environment at each start."),
    )
    return [{"what": what, "long": long, "ends": ends} for what, long, ends in rows]


def value_words(value: Any) -> str:
    """A setting's value; secrets never."""
    if isinstance(value, SecretStr):
        return NOT_SHOWN if value.get_secret_value() else "not set"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {redact(str(one))}" for name, one in sorted(value.items())) or "not set"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Path):
        return str(value.expanduser().absolute())
    return "not set" if value == "" else str(value)


def size_words(size: int) -> str:
    """12.4 MB."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
