"""OPML in and out: outlines become sources, with a report of what was left out and why; tracked feeds become a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from collectors.base import Source
from collectors.feeds.opml import OpmlFeed, parse_opml, write_opml
from monitor.config import format_every, source_from_mapping
from monitor.core.model import TrackedSource
from monitor.core.source_id import slug_for
from monitor.store.errors import AlreadyExists

if TYPE_CHECKING:
    from monitor.bootstrap import Services


@dataclass(frozen=True, slots=True)
class OpmlAdded:
    added: tuple[str, ...]
    known: tuple[str, ...]
    """Addresses that are tracked already."""
    skipped: tuple[tuple[str, str], ...]
    """(outline, why)"""


@dataclass(frozen=True, slots=True)
class OpmlList:
    document: bytes
    sources: int


def list_feeds(tracked: Sequence[TrackedSource]) -> OpmlList:
    """The feeds among `tracked` as OPML, paused and stopped ones too.

    Sources of other collectors are left out: their addresses are not feeds, and other programs that read OPML would
    ask them as if they were.
    """
    feeds = [one.source for one in tracked if one.source.collector == "feed"]
    return OpmlList(write_opml(feeds), len(feeds))


def add_outlines(services: Services, data: bytes) -> OpmlAdded:
    """Track every feed of an OPML document that is not tracked yet. Malformed parts are skipped and reported.

    What a list of ours says of a source (id, platform, tags) is taken over if it holds here; of other lists only name
    and language. Raises CollectError (Drifted) if there is no OPML in it.
    """
    report = parse_opml(data)
    tracked = services.store.sources()
    urls = {one.source.url for one in tracked}
    taken = {one.source.id for one in tracked}
    added: list[str] = []
    known: list[str] = []
    skipped = [(str(where), why) for where, why in report.skipped]
    for outline in report.outlines:
        if outline.url in urls:
            known.append(outline.url)
            continue
        result = _source(outline, taken, services.config.platforms)
        if not isinstance(result, Source):
            skipped.append((outline.url, result))
            continue
        try:
            services.store.add_source(result, services.clock())
        except AlreadyExists as error:
            skipped.append((outline.url, str(error)))
            continue
        urls.add(outline.url)
        taken.add(result.id)
        added.append(result.id)
    return OpmlAdded(tuple(added), tuple(known), tuple(skipped))


def _source(outline: OpmlFeed, taken: Collection[str], platforms: Mapping[str, Any]) -> Source | str:
    """The source, or what is wrong with it."""
    plain = {
        "id": slug_for(outline.url, taken=taken),
        "collector": "feed",
        "url": outline.url,
        "name": outline.title[:200] or None,
        "language": outline.language,
        "verified": False,
    }
    tagged = source_from_mapping(plain | _tags(outline, taken), platforms=platforms)
    if isinstance(tagged, Source):
        return tagged
    # Its tags do not hold here (another register, an older version); the feed is worth tracking without them
    result = source_from_mapping(plain, platforms=platforms)
    return result if isinstance(result, Source) else "; ".join(str(problem) for problem in result)


def _tags(outline: OpmlFeed, taken: Collection[str]) -> dict[str, Any]:
    tags = outline.tags
    every = tags.get("every", "")
    said: dict[str, Any] = {
        "id": tags["id"] if tags.get("id") and tags["id"] not in taken else None,
        "platform": tags.get("platform"),
        "content_type": tags.get("content-type"),
        "audience": [name for name in tags.get("audience", "").split(",") if name],
        "country": tags.get("country"),
        "every": format_every(timedelta(seconds=int(every))) if every.isdecimal() else None,
    }
    return {name: value for name, value in said.items() if value}
