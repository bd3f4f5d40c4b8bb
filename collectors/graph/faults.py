"""What a Graph API says when it does not answer, named by what to do next. Pure.

Nearly every fault comes with status 400; the number in the body tells them apart. Whatever text of the platform is
passed on has the key cut out of it, because some of its messages repeat it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from collectors.base import CollectError, NeedsKey, NotFound, Refused, RetryLater, Source, Throttled
from collectors.reading import array, count, mapping, text, unknown_shape

TIRED = 90.0
"""Percent of what the platform allows: from here on a visit ends after the page it has."""
SPENT = 100.0
"""Percent: nothing more is asked for."""
HOUR = timedelta(hours=1)
"""The window of the platform's own limits; how long to wait where it does not say."""
_LONGEST = timedelta(days=7)

_KEY = frozenset((102, 190))
_APPROVAL = frozenset((3, 10, *range(200, 300)))
_LIMIT = frozenset((4, 17, 32, 341, 613, *range(80000, 80015)))
_PASSING = frozenset((-2, -1, 1, 2))
_UNKNOWN = frozenset((24, 110, 803))
_HASHTAGS_USED_UP = 18
_DOES_NOT_EXIST = 33
"""Subcode of 100: it does not exist, or not for us."""
_OLD_VERSION = 2635


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of what the platform allows is used, as its headers tell."""

    percent: float = 0.0
    """The highest figure of all; 0 where nothing is told."""
    wait: timedelta = HOUR
    """How long until there is room again, once it is used up."""


@dataclass(frozen=True, slots=True)
class Fault:
    code: int
    subcode: int = 0
    message: str = ""
    passing: bool = False
    """The platform says that it is a matter of time."""

    @property
    def about_key(self) -> bool:
        return self.code in _KEY

    @property
    def about_limits(self) -> bool:
        return self.code in _LIMIT

    @property
    def about_approval(self) -> bool:
        """The app lacks a permission or a feature, also where the platform hides that behind 'invalid parameter'."""
        named = "Public Content Access" in self.message or "reviewable feature" in self.message
        return self.code in _APPROVAL or (self.code == 100 and named)

    @property
    def about_absence(self) -> bool:
        """What was asked for is not there (or not for this key, the platform does not tell the two apart)."""
        absent = self.subcode == _DOES_NOT_EXIST or "does not exist" in self.message
        return self.code in _UNKNOWN or (self.code == 100 and absent and not self.about_approval)


def read_usage(headers: Mapping[str, str]) -> Usage:
    """X-App-Usage, X-Page-Usage and X-Business-Use-Case-Usage; what cannot be read counts as not told."""
    figures: list[Mapping[str, Any]] = [_header(headers, "x-app-usage"), _header(headers, "x-page-usage")]
    for entries in _header(headers, "x-business-use-case-usage").values():
        figures += [mapping(entry) for entry in array(entries)]
    names = ("call_count", "total_cputime", "total_time")
    shares = [float(one[name]) for one in figures for name in names if isinstance(one.get(name), (int, float))]
    minutes = max((count(one.get("estimated_time_to_regain_access")) or 0 for one in figures), default=0)
    return Usage(max(shares, default=0.0), min(timedelta(minutes=minutes), _LONGEST) if minutes else HOUR)


def _header(headers: Mapping[str, str], name: str) -> Mapping[str, Any]:
    try:
        return mapping(orjson.loads(headers.get(name, "{}")))
    except orjson.JSONDecodeError:
        return {}


def read_fault(body: Any) -> Fault | None:
    """The error of an answer; None if it has none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    code, subcode = error.get("code"), error.get("error_subcode")
    return Fault(
        code if isinstance(code, int) else 0,
        subcode if isinstance(subcode, int) else 0,
        text(error.get("message")),
        error.get("is_transient") is True,
    )


def why_refused(fault: Fault) -> str:
    """Why a key is no longer good, as a clause. Never the platform's own words: they repeat the key."""
    if fault.subcode in (463, 467):
        return "it has expired (tokens of Threads live for 60 days and must be renewed before)"
    if fault.subcode == 460:
        return "it ended because the account's password was changed"
    return "Meta says that it is not valid"


def name_fault(
    fault: Fault, source: Source, *, variable: str, needs: str, status: int, now: datetime, usage: Usage, secret: str
) -> CollectError:  # fmt: skip
    """The error for a fault that is not about the key itself.

    Args:
        variable: that holds the key. needs: the permission or feature this request stands on.
        secret: the key, to be cut out of the platform's words.
    """
    said = _clean(fault.message, secret)
    if fault.about_limits:
        until = now + usage.wait
        return Throttled(
            f"{source.id}: Meta asks for fewer requests ({said or fault.code}). It is asked again not before "
            f"{until:%Y-%m-%d %H:%M} UTC.",
            code="http_429",
            until=until,
        )
    if fault.code == _HASHTAGS_USED_UP:
        until = now + timedelta(days=1)
        return Throttled(
            f"{source.id}: Instagram answers for 30 different hashtags in any 7 days, and they are used up. Remove some "
            f"hashtags, or wait; it is asked again after {until:%Y-%m-%d %H:%M} UTC.",
            code="quota_used",
            until=until,
        )
    if fault.about_approval:
        return NeedsKey(
            f"{source.id}: the key in {variable} is good, but Meta has not granted its app what this source needs: "
            f"{needs}. It is asked for in the app's dashboard under App Review ({said or fault.code}).",
            code="needs_approval",
        )
    if not fault.code and status in (401, 403, 404):
        message = (
            f"{source.id}: Meta's API answers {status} without a reason. Check the address and the key in {variable}."
        )
        return NotFound(message, code="http_404") if status == 404 else Refused(message, code=f"http_{status}")
    if fault.passing or fault.code in _PASSING or status >= 500:
        code = f"http_{status}" if status >= 500 else "http_500"
        return RetryLater(
            f"{source.id}: Meta has a fault of its own ({said or fault.code}). It is asked again later.", code=code
        )
    if fault.about_absence:
        return NotFound(
            f"{source.id}: Meta does not know what the address names, or does not show it to the key in {variable} "
            f"({said or fault.code}). Check the address; {needs} is needed too.",
            code="http_404",
        )
    if fault.code == _OLD_VERSION:
        return unknown_shape(source, f"it no longer serves the version of its API that is asked for: {said}")
    return unknown_shape(source, f"it refuses the request: {said or fault.code}")


def refused_topic(source: Source, tag: str) -> Refused:
    """Instagram gives no reason when it holds a hashtag to be sensitive or cannot look it up."""
    return Refused(
        f"{source.id}: Instagram does not answer for the hashtag #{tag}: it holds it to be sensitive or does not support "
        "it, and does not say which. Nothing can be observed here; choose another hashtag.",
        code="topic_refused",
    )


def _clean(message: str, secret: str) -> str:
    for part in (secret, *secret.split("|")):
        if len(part) >= 4:
            message = message.replace(part, "***")
    return message.strip().rstrip(".")[:300]
