"""Numbers, times and trends in plain words, the same on the page, in pictures and in descriptions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from monitor.core.charts import MAX_SERIES, Bucket, buckets_of

SPLITS = {
    "content_type": "content type",
    "audience": "audience",
    "platform": "platform",
    "region": "region",
    "country": "country",
    "language": "language",
    "topic": "topic",
    "source": "source",
    "live": "live",
    "sponsored": "sponsored",
}
STATUS_WORDS = {
    "ok": "",
    "partial": "partly observed",
    "too_few": "fewer than 5 posts",
    "not_observed": "not observed",
}
_MINUS = "\u2212"
_PERCENT = "\u00a0%"


def whole(number: float) -> str:
    """12400 → '12,400', with a true minus."""
    return f"{number:,.0f}".replace("-", _MINUS)


def decimal(number: float, decimals: int = 0) -> str:
    """12400.5 → '12,400.5' with one decimal, with a true minus."""
    return f"{number:,.{decimals}f}".replace("-", _MINUS)


def day(moment: date | datetime, *, year: bool = True) -> str:
    """6 July 2026; of a datetime its UTC day."""
    return f"{moment.day} {moment:%B}" + (f" {moment.year}" if year else "")


def moment(when: datetime | None) -> str:
    """6 July 2026, 10:42 UTC."""
    return "never" if when is None else f"{day(when)}, {when:%H:%M} UTC"


def ago(when: datetime | None, now: datetime) -> str:
    """How long ago, or in how long, in the largest unit that fits."""
    if when is None:
        return "never"
    seconds = (now - when).total_seconds()
    size = abs(seconds)
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "min")):
        if size >= length:
            count = int(size // length)
            words = f"{count} {unit}{'' if count == 1 or unit == 'min' else 's'}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now" if seconds >= 0 else "in a moment"


def value(number: float | None, metric: str) -> str:
    """A metric's value as tables print it; '[x]' where there is none."""
    if number is None:
        return "[x]"
    if metric in ("share", "positive_share", "negative_share"):
        return f"{number * 100:.1f}{_PERCENT}"
    if metric == "sentiment":
        return f"{number:+.2f}".replace("-", _MINUS)
    if metric == "volume":
        return whole(number)
    return f"{number:,.1f}".replace("-", _MINUS)


def interval(bucket: Bucket, metric: str) -> str:
    if bucket.low is None or bucket.high is None:
        return "[x]"
    return f"{value(bucket.low, metric).removesuffix(_PERCENT)} to {value(bucket.high, metric)}"


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def title_of(answer: Mapping[str, Any]) -> str:
    """Share of posts by content type."""
    split = f" by {SPLITS[answer['by']]}" if answer["by"] else ""
    return f"{answer['label']}{split}"


def subtitle_of(answer: Mapping[str, Any]) -> str:
    """Per week, 24 August to 16 November 2026; platform youtube; shaded: 95 % interval."""
    since, last = date.fromisoformat(answer["since"]), date.fromisoformat(answer["until"]) - timedelta(days=1)
    span = f"{day(since, year=since.year != last.year)} to {day(last)}"
    parts = [f"per {answer['interval']}, {span} (UTC)"]
    parts += [f"{SPLITS.get(name, name)} {' or '.join(wanted)}" for name, wanted in answer["filters"].items()]
    if len(answer["series"]) > MAX_SERIES:
        parts.append(f"{MAX_SERIES} of {len(answer['series'])} shown")
    parts.append(f"shaded: {answer['level'] * 100:g} % interval")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def finding_of(answer: Mapping[str, Any]) -> str:
    """One sentence with the numbers of the last bucket that is over and was observed; what is missing, if none was."""
    told = [bucket for bucket in buckets_of(answer) if bucket.value is not None and not bucket.so_far]
    if not told:
        return "Nothing in this period has been observed to its end yet."
    start = max(bucket.start for bucket in told)
    latest = sorted((one for one in told if one.start == start), key=lambda one: -(one.value or 0))[:MAX_SERIES]
    metric = answer["metric"]
    name = {"week": f"In the week of {day(start)}", "month": f"In {start:%B %Y}", "day": f"On {day(start)}"}
    parts = [f"{one.label} {value(one.value, metric)} ({interval(one, metric)})" for one in latest]
    unit = "" if answer["unit"] in ("share", "posts") else f" {answer['unit']}"
    base = f" Of {whole(latest[0].of)} posts." if metric == "share" else ""
    caveat = " Partly observed." if any(one.status == "partial" for one in latest) else ""
    return f"{name[answer['interval']]}: {joined(parts)}{unit}.{base}{caveat}"


def describe(answer: Mapping[str, Any]) -> str:
    """What a chart says to someone who cannot see it."""
    return f"{title_of(answer)}. {subtitle_of(answer)}. {finding_of(answer)} The table below has every value."
