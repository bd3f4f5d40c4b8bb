"""Sources, their visits and previews laid out for pages: documents → values for templates. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from api.dashboard.sources import words as source_words
from api.dashboard.sources.figures import Figures, bar_of, nothing, week_of
from api.dashboard.sources.form import told_options
from api.dashboard.words import ago, whole
from collectors.fetch import redact
from monitor.config import format_every
from monitor.core.mask import mask
from monitor.core.model import Post, TrackedSource, Visit
from monitor.previews import Preview
from monitor.remedies import remedy_for
from monitor.standing import standing, why_lost
from monitor.store.coverage import Gap
from monitor.store.events import Event

PREVIEWED, LOOKED_AT = 5, 20
"""Posts that a preview shows, and that it reads to tell the rhythm."""
STALE = timedelta(days=30)
GAPS_SHOWN = 20
Names = Mapping[str, str]
Labels = Mapping[str, Mapping[str, str]]


def address(source_id: str, *more: str) -> str:
    """Page of a source, or of what can be done with it."""
    return "/sources/" + "/".join(quote(one, safe="") for one in (source_id, *more))


def name_of(one: TrackedSource) -> str:
    return one.source.name or one.source.id


def outside(url: str | None) -> str | None:
    """An address that a page may lead to: of the web, and without secrets."""
    return url if url and urlsplit(url).scheme in ("http", "https") and redact(url) == url else None


def row_of(one: TrackedSource, figures: Figures | None, platforms: Names, now: datetime) -> dict[str, Any]:
    """One line of the list."""
    told, figures = standing(one, now), figures or nothing(now)
    return {
        "id": one.source.id,
        "name": name_of(one),
        "href": address(one.source.id),
        "kind": kind_of(one, platforms),
        "tag": source_words.tag_of(told),
        "reason": mask(told.reason) if told.reason and told.tone != "quiet" else None,
        "remedy": source_words.remedy_of(one, told),
        "since": one.state.failing_since if told.status == "failing" else None,
        "success": one.state.last_success,
        "success_ago": ago(one.state.last_success, now),
        "next": next_words(told.next_try, now),
        "week": week_of(figures),
        "bar": bar_of(figures),
    }


def kind_of(one: TrackedSource, platforms: Names) -> str:
    parts = [source_words.platform_name(platforms, one.source.platform)]
    if one.source.collector.casefold() != parts[0].casefold():
        parts.append(one.source.collector)
    if one.source.content_type:
        parts.append(source_words.type_words(one.source.content_type).lower())
    return ", ".join(parts)


def next_words(when: datetime | None, now: datetime) -> str:
    if when is None:
        return "not by itself"
    return ago(when, now) if when > now else "at the next round"


def facts_of(one: TrackedSource, platforms: Names, now: datetime) -> list[dict[str, Any]]:
    """What is known of a source; each value that changes by itself with its time."""
    source, state, told = one.source, one.state, standing(one, now)
    rhythm = f"every {format_every(source.every)}" if source.every else "adapts to how often it posts"
    if state.spacing and not source.every:
        rhythm += f"; about one post every {_span(state.spacing)}"
    rows: list[dict[str, Any]] = [
        {"term": "Address", "says": redact(source.url) or "none", "href": outside(source.url)},
        {"term": "Platform", "says": source_words.platform_name(platforms, source.platform)},
        {"term": "Collected by", "says": source.collector},
    ]
    if told.status != "archive":
        rows += [
            {"term": "Rhythm", "says": rhythm},
            {"term": "Last try", "when": state.last_try},
            {"term": "Last success", "when": state.last_success},
            {"term": "Last new post", "when": state.last_new},
            {"term": "Next try", "says": next_words(told.next_try, now), "when": told.next_try},
            {"term": "Address has answered here", "says": "yes" if state.verified else "not yet"},
        ]
    rows += [
        {"term": "Content type", "says": source_words.type_words(source.content_type)},
        {"term": "Audience", "says": source_words.audience_words(source.audience)},
        {"term": "Country", "says": source.country or source_words.NOT_STATED},
        {"term": "Language", "says": source.language or source_words.NOT_STATED},
    ]
    rows += [
        {"term": f"Option: {name}", "says": value} for name, value in told_options(source.collector, source.options)
    ]
    owner = "config/, changed there" if state.declared else "these pages and the API"
    rows.append({"term": "Owned by", "says": owner})
    rows.append({"term": "Tracked since", "when": state.created_at})
    if state.failing_since and told.status in ("failing", "stopped"):
        rows.append({"term": "Failing since", "when": state.failing_since})
        rows.append({"term": "Failures in a row, weighted", "says": f"{state.failures:g}"})
    return rows


def _span(seconds: float) -> str:
    for length, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{whole(seconds / length)} {unit}"
    return "minute"


def visit_row(visit: Visit) -> dict[str, Any]:
    return {
        "started": visit.started,
        "took": f"{max((visit.finished - visit.started).total_seconds(), 0):.1f} s",
        "outcome": source_words.OUTCOMES.get(visit.outcome, "Failed" if not visit.ok else visit.outcome),
        "code": None if visit.ok else visit.outcome,
        "ok": visit.ok,
        "says": mask(source_words.visit_words(visit)),
        "new": visit.new,
        "bytes": visit.bytes,
        "repairs": [f"{mask(what)} ({whole(count)})" for what, count in visit.repairs.items()],
    }


def gap_rows(gaps: Sequence[Gap], since: datetime, still: datetime | None = None) -> list[dict[str, Any]]:
    """Gaps that reach into the time that is shown, newest first.

    `still` is when the last observation of a source that fails ended: that gap is open.
    """
    found = [one for one in gaps if one.until > since and one.until > one.since]
    rows = [
        {"since": one.since, "until": one.until, "lasted": _lasted(one), "why": why_lost(one.reason)}
        for one in reversed(found)
    ]
    if still is not None:
        rows.insert(0, {"since": still, "until": None, "lasted": "still open", "why": "its visits fail, as said above"})
    return rows[:GAPS_SHOWN]


def _lasted(gap: Gap) -> str:
    seconds = (gap.until - gap.since).total_seconds()
    if seconds >= 172_800:
        return f"{whole(seconds / 86_400)} days"
    if seconds >= 7_200:
        return f"{whole(seconds / 3_600)} h"
    return f"{max(round(seconds / 60), 1)} min"


def event_row(event: Event) -> dict[str, Any]:
    return {"at": event.at, "what": source_words.EVENTS.get(event.kind, event.kind), "says": mask(event.says)}


def last_outcome(visit: Visit | None) -> dict[str, Any] | None:
    """What is told after "Collect now"."""
    if visit is None:
        return None
    return {"ok": visit.ok, "says": mask(source_words.visit_words(visit)), "remedy": remedy_for(visit.outcome)}


# --- a preview -------------------------------------------------------------------------------------------------------


def preview_of(preview: Preview, labels: Labels, now: datetime) -> dict[str, Any]:
    """The newest posts as they would be stored, and what speaks against them."""
    posts = preview.posts[:PREVIEWED]
    error = preview.error and mask(preview.error.removeprefix(f"{preview.source.id}: "))
    return {
        "error": error and error[:1].upper() + error[1:],
        "remedy": remedy_for(preview.code),
        "code": preview.code,
        "title": mask(preview.facts.title),
        "format": preview.facts.format,
        "seconds": f"{preview.millis / 1000:.1f}",
        "rows": [_post_row(post, labels) for post in posts],
        "read": len(preview.posts),
        "rhythm": rhythm_of(preview.posts),
        "warnings": warnings_of(preview, now),
        "repairs": [mask(one) for one in preview.repairs],
        "moved": moved_to(preview),
    }


def _post_row(post: Post, labels: Labels) -> dict[str, Any]:
    tags, topics = post.annotation, labels.get("topic", {})
    return {
        "title": mask(post.title) or "without a title",
        "href": outside(post.url),
        "when": post.published_at,
        "guessed": post.date_guessed,
        "type": source_words.type_words(tags.content_type) + (", live" if tags.live else ""),
        "audience": source_words.audience_words(tags.audience),
        "topics": ", ".join(topics.get(one, one) for one in tags.topics) or "none",
        "language": tags.language or "unknown",
        "country": tags.country or "unknown",
        "words": post.words,
        "sponsored": tags.sponsored,
    }


def rhythm_of(posts: Sequence[Post]) -> str | None:
    """How many posts a week are to be expected, from the dates of the newest; None if they do not tell."""
    dates = sorted(post.published_at for post in posts if not post.date_guessed)
    if len(dates) < 3:
        return None
    span = (dates[-1] - dates[0]).total_seconds()
    if span <= 0:
        return None
    a_week = (len(dates) - 1) / span * 604_800
    count = f"{a_week:.0f}" if a_week >= 1.5 else "less than 2"
    return f"About {count} posts a week, by the dates of its {len(dates)} newest posts."


def warnings_of(preview: Preview, now: datetime) -> list[str]:
    """What one should know before this is tracked."""
    posts, found = preview.posts, []
    if preview.error is not None:
        return []
    if preview.facts.blocked:
        found.append(f"Its publisher asks not to be collected: {mask(preview.facts.blocked)}.")
    if not posts:
        found.append("It answers, but shows no post now. It may stay empty.")
    else:
        undated = sum(post.date_guessed for post in posts)
        if undated == len(posts):
            found.append("No post has a date: each will count from the moment it is first seen.")
        elif undated:
            found.append(
                f"{undated} of {len(posts)} posts have no usable date and count from when they are first seen."
            )
        if not any(post.text.strip() for post in posts):
            found.append("Titles only: topics and audience are told from few words.")
        newest = max((post.published_at for post in posts if not post.date_guessed), default=None)
        if newest is not None and now - newest > STALE:
            found.append(f"Its newest post is {ago(newest, now).removesuffix(' ago')} old.")
    if preview.rejected:
        found.append(f"{whole(preview.rejected)} items could not be read and would be left out.")
    return found


def moved_to(preview: Preview) -> str | None:
    """Where a feed has moved to, by its own word or by a redirect."""
    for url in (preview.facts.new_url, preview.url if preview.source.collector == "feed" else None):
        if url and url.rstrip("/") != preview.source.url.partition("#")[0].rstrip("/") and outside(url):
            return url
    return None
