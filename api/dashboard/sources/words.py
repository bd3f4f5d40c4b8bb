"""Sources in words: tags, outcomes of visits, counts and notices, the same on the list and on the page of a source.

Pure. How a source fares is said by `monitor.standing`, what to do about it by `monitor.remedies`; here only what pages
add to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from api.dashboard.words import joined, whole
from monitor.core.model import TrackedSource, Visit
from monitor.remedies import remedy_for
from monitor.standing import Standing


class Tag(NamedTuple):
    slug: str
    mark: str
    name: str


TONES = {"good": ("passed", "✓"), "bad": ("bad", "✕"), "wait": ("inconclusive", "…"), "quiet": ("noted", "–")}
"""Tone of a standing → how its tag is dressed."""
STATUS_NAMES = {
    "failing": "Failing",
    "stopped": "Stopped",
    "waiting": "Not checked yet",
    "ok": "Answering",
    "paused": "Paused by you",
    "archive": "Imported",
}
NOT_STATED = "not stated"
TYPE_NAMES = {"video": "Video", "podcast": "Podcast", "news": "News", "other": "Other"}
AUDIENCE_NAMES = {"physicians": "Physicians", "nurses": "Nurses", "public_health": "Public health", "other": "Other"}
OUTCOMES = {"new": "New posts", "nothing_new": "Nothing new", "unchanged": "Unchanged"}
EVENTS = {
    "source_added": "Added",
    "source_changed": "Changed",
    "source_paused": "Paused",
    "source_stopped": "Stopped",
    "source_retired": "Not tracked any more",
    "source_resumed": "Resumed",
}
GENERATED = (
    "These are generated posts, so no source is visited: nothing can be added, tried or collected here. Start the "
    "service with another home to collect."
)
NOTICES = {
    "added": "It is tracked from now on. The service visits it at its next round, within a minute or so.",
    "saved": "Saved. What is stored already keeps its tags.",
    "paused": "It is paused and not visited until you resume it.",
    "resumed": "It is visited again at the next round; earlier failures are forgotten.",
}


def tag_of(told: Standing) -> Tag:
    slug, mark = TONES[told.tone]
    return Tag(slug, mark, told.label)


def remedy_of(one: TrackedSource, told: Standing) -> str | None:
    """What to do about a source that does not work; None if nothing is known or needed."""
    if told.status == "failing":
        return remedy_for(one.state.error_code)
    if told.status == "stopped":
        known = remedy_for(one.state.error_code)
        return known or "Resume it once the cause is gone, or remove it."
    return None


def rank_of(told: Standing) -> int:
    """Order of lists: what is broken, then what waits for something, then the rest."""
    if told.tone == "bad":
        return 0
    return 1 if told.tone == "wait" and told.label in ("Late", "No network here", "Needs its address") else 2


def lead_of(standings: Sequence[Standing]) -> str:
    """The sentence over the list."""
    if not standings:
        return "No sources yet."
    count = len(standings)
    bad = sum(one.tone == "bad" for one in standings)
    late = sum(one.label == "Late" for one in standings)
    states = Counter(one.status for one in standings)
    if states["archive"] == count:
        return "The only source is an archive." if count == 1 else f"All {whole(count)} sources are archives."
    parts = []
    if bad:
        parts.append(f"{whole(bad)} of {whole(count)} sources {'needs' if bad == 1 else 'need'} attention")
    if late:
        parts.append(f"{whole(late)} {'is' if late == 1 else 'are'} late")
    if states["waiting"]:
        parts.append(f"{whole(states['waiting'])} {'has' if states['waiting'] == 1 else 'have'} not been checked yet")
    if not parts:
        parts.append(f"{whole(count)} {'source' if count == 1 else 'sources'}, none needs attention")
    return f"{joined(parts)}."


def visit_words(visit: Visit) -> str:
    """What a visit brought, in one sentence."""
    if not visit.ok:
        return visit.message or f"It ended with {visit.outcome}."
    if not visit.new and not visit.changed:
        said = "Nothing new" if visit.outcome != "unchanged" else "Unchanged since the visit before"
    else:
        parts = [f"{whole(visit.new)} new {'post' if visit.new == 1 else 'posts'}"]
        if visit.changed:
            parts.append(f"{whole(visit.changed)} changed")
        said = joined(parts)
    if visit.rejected:
        said += f"; {whole(visit.rejected)} could not be read"
    return f"{said}."


def platform_name(names: Mapping[str, str], platform: str) -> str:
    return names.get(platform, platform)


def audience_words(audience: Sequence[str]) -> str:
    return joined([AUDIENCE_NAMES.get(one, one) for one in audience]) or NOT_STATED


def type_words(content_type: str | None) -> str:
    return TYPE_NAMES.get(content_type, content_type) if content_type else NOT_STATED
