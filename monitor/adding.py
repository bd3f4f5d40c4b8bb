"""From an address that somebody pasted to a source that can be tracked.

The platform's own route is taken where it can work here (its collector is installed and takes this address, its key is
set if it needs one); otherwise the feed that the page names or the platform still has. `propose` settles for the best
way; `look_around` goes on, for a person who chooses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors import registry
from collectors.base import CollectError, Source
from collectors.feeds.finder import Candidate as Feed
from monitor.config_platform import PlatformInfo
from monitor.config_source import platform_of
from monitor.core.model import TrackedSource
from monitor.core.source_id import slug_for
from monitor.previews import Previews

READ = 20
"""Posts of a route that are read to tell its newest."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to track."""

    url: str
    """With its scheme."""
    collector: str | None = None
    """None: the best that can work here."""
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the source; None: not given."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source that can be tracked, in the form of config/sources.yaml; None if there is none."""

    mapping: Mapping[str, Any] | None
    says: str
    """How it will be collected, or why it can't be."""
    others: tuple[str, ...] = ()
    """Further addresses that the page offers."""


async def propose(
    previews: Previews,
    tracked: Sequence[TrackedSource],
    platforms: Mapping[str, PlatformInfo],
    keys: Collection[str],
    wish: Wish,
    *,
    look: bool = True,
) -> Proposal:
    """Find out how an address is collected best. Without `look` nothing is asked of the network.

    Raises CollectError if a page does not answer, so that nothing is known of its feeds.
    """
    taken = {one.source.id for one in tracked}
    if wish.collector is not None:
        return await _by(previews, taken, wish, wish.collector, look=look)
    notes = []
    for name in _routes(platforms, keys, wish):
        proposal = await _by(previews, taken, wish, name, look=look)
        if proposal.mapping is not None:
            return proposal
        notes.append(proposal.says)
    if not look:
        return Proposal(_mapping(wish, taken, "feed", wish.url, None, verified=False), "It is read as a feed.")
    found = await previews.discover(wish.url)
    if not found:
        notes.append(f"{wish.url} answered, but has no feed that can be read. Give the feed's own address.")
        return Proposal(None, " ".join(notes))
    best = found[0]
    return Proposal(
        _mapping(wish, taken, "feed", best.url, best.title, verified=True),
        " ".join([*notes, f"Its feed is read ({best.found})."]),
        tuple(one.url for one in found[1:]),
    )


def _routes(platforms: Mapping[str, PlatformInfo], keys: Collection[str], wish: Wish) -> Iterator[str]:
    """Collectors of the address's platform that take it and could work here, in the order of the register."""
    info = platforms.get(str(wish.facts.get("platform") or platform_of(wish.url, platforms)))
    for route in info.routes if info is not None else ():
        if not route.implemented or route.collector == "feed":
            continue
        collector = registry.get(route.collector)
        needs = collector.key is not None and not collector.key.optional and route.collector not in keys
        asked = Source(
            id="", collector=route.collector, platform=info.id if info else "", url=wish.url, options=wish.options
        )
        if not needs and not collector.check(asked):
            yield route.collector


async def _by(previews: Previews, taken: Collection[str], wish: Wish, collector: str, *, look: bool) -> Proposal:
    """The address itself, by a collector that is named."""
    mapping = _mapping(wish, taken, collector, wish.url, None, verified=look)
    says = f"It is collected by {collector!r}."
    if not look or collector not in registry.names():
        return Proposal(mapping, says)
    source = Source(
        id=mapping["id"], collector=collector, platform=mapping.get("platform") or registry.get(collector).platform,
        url=wish.url, options=wish.options,
    )  # fmt: skip
    if registry.get(collector).check(source):
        return Proposal(mapping, says)  # whoever makes it a source says what is wrong, field by field
    preview = await previews.preview(source, limit=1)
    if preview.error is None:
        return Proposal(_mapping(wish, taken, collector, wish.url, preview.facts.title, verified=True), says)
    return Proposal(None, preview.error)


def _mapping(
    wish: Wish, taken: Collection[str], collector: str, url: str, title: str | None, *, verified: bool
) -> dict[str, Any]:
    given = {name: value for name, value in wish.facts.items() if value is not None}
    found: dict[str, Any] = {
        "id": slug_for(url, taken=set(taken)),
        "collector": collector,
        "url": url,
        "name": (title or "")[:200] or None,
        "options": dict(wish.options) or None,
        "verified": verified,
    }
    return {name: value for name, value in (found | given).items() if value is not None}


# --- for a person who chooses ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """A way to collect the address that was read just now."""

    mapping: Mapping[str, Any]
    """A source in the form of config/sources.yaml."""
    title: str
    how: str
    """Why it is here, as a clause: 'named by the page'."""
    format: str
    items: int
    newest: datetime | None
    """Aware UTC; None if no item has a date."""
    language: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried."""

    what: str
    says: str
    found: bool
    code: str | None = None
    """Of the CollectError, if it was one."""


@dataclass(frozen=True, slots=True)
class Found:
    ways: tuple[Way, ...]
    """Best first."""
    steps: tuple[Step, ...]
    """In the order in which they were tried."""

    @classmethod
    def nothing(cls, what: str, why: str) -> Found:
        return cls((), (Step(what, why, False),))


async def look_around(
    previews: Previews,
    taken: Collection[str],
    platforms: Mapping[str, PlatformInfo],
    keys: Collection[str],
    url: str,
) -> Found:
    """Ask the address, its platform and its site. What fails is a step, never an error.

    `taken` are the ids of tracked sources, `keys` the collectors that have one; `url` has its scheme.
    """
    looking = _Looking(previews, taken, url)
    info = platforms.get(platform_of(url, platforms))
    if info is not None:
        await looking.platform(info, keys)
    if await looking.feeds() and not looking.ways:
        await looking.site()
    return Found(tuple(looking.ways), tuple(looking.steps))


class _Looking:
    def __init__(self, previews: Previews, taken: Collection[str], url: str) -> None:
        self._previews = previews
        self._taken = taken
        self._url = url
        self.ways: list[Way] = []
        self.steps: list[Step] = []

    async def platform(self, info: PlatformInfo, keys: Collection[str]) -> None:
        """The routes of the register that take this address."""
        for route in info.routes:
            if not route.implemented or route.collector == "feed":
                continue
            what = f"{info.name}: {route.collector}"
            collector = registry.get(route.collector)
            source = self._source(route.collector, info.id)
            if problems := collector.check(source):
                self.steps.append(Step(what, f"It does not take this address: {problems[0].what}.", False))
            elif collector.key is not None and not collector.key.optional and route.collector not in keys:
                variable = f"TRENDMONITOR_KEY__{route.collector.upper()}"
                self.steps.append(Step(what, f"It needs a key in {variable}: {collector.key.what}", False, "needs_key"))
            else:
                await self._try(what, source, f"{info.name}'s own route")

    async def feeds(self) -> bool:
        """Feeds at and behind the address; False if it did not answer, so that nothing else is worth a try."""
        what = "The address, feeds that its page names, usual places of feeds"
        try:
            found = await self._previews.discover(self._url)
        except CollectError as error:
            self.steps.append(Step(what, str(error), False, error.code))
            return False
        if not found:
            self.steps.append(Step(what, "It answered, but has no feed that can be read.", False))
            return True
        count = "1 feed" if len(found) == 1 else f"{len(found)} feeds"
        self.steps.append(Step(what, f"Found {count}.", True))
        self.ways += [self._feed(one) for one in found]
        return True

    async def site(self) -> None:
        """The site's map, for a site without feeds."""
        options = {"route": "sitemap"}
        source = self._source("site", "web", options)
        await self._try("The site's map (sitemap)", source, "the site's map", options)

    async def _try(self, what: str, source: Source, how: str, options: Mapping[str, Any] | None = None) -> None:
        preview = await self._previews.preview(source, limit=READ)
        if preview.error is not None:
            says = preview.error.removeprefix(f"{source.id}: ")
            self.steps.append(Step(what, says[:1].upper() + says[1:], False, preview.code))
            return
        self.steps.append(Step(what, "It answers.", True))
        dates = [post.published_at for post in preview.posts if not post.date_guessed]
        facts = preview.facts
        mapping = self._mapping(source.collector, self._url, facts.title, options)
        newest = max(dates, default=None)
        self.ways.append(Way(mapping, facts.title, how, facts.format, len(preview.posts), newest, facts.language))

    def _source(self, collector: str, platform: str, options: Mapping[str, Any] | None = None) -> Source:
        made = slug_for(self._url, taken=self._taken)
        return Source(id=made, collector=collector, platform=platform, url=self._url, options=options or {})

    def _feed(self, feed: Feed) -> Way:
        mapping = self._mapping("feed", feed.url, feed.title, None)
        return Way(mapping, feed.title, feed.found, feed.format, feed.items, feed.newest, feed.language)

    def _mapping(self, collector: str, url: str, title: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
        found = {
            "id": slug_for(url, taken=self._taken),
            "collector": collector,
            "url": url,
            "name": title[:200] or None,
            "options": dict(options) if options else None,
        }
        return {name: value for name, value in found.items() if value is not None}
