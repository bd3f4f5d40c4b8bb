"""From an address that somebody pasted to a source that can be tracked.

The platform's own route is taken where it can work here (its collector is installed and takes this address, its key is
set if it needs one); otherwise the feed that the page names or the platform still has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from collectors import registry
from collectors.base import Source
from monitor.config_platform import PlatformInfo
from monitor.config_source import platform_of
from monitor.core.model import TrackedSource
from monitor.core.source_id import slug_for
from monitor.previews import Previews


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
