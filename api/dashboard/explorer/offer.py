"""What the explorer's filters offer: the values that exist in the store, those with the most posts first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pycountry

from api.dashboard import words
from api.dashboard.explorer.words import FLAGS, name_of
from api.dashboard.names import Labels, labels_of
from monitor.core.answer import LABELS
from monitor.core.buckets import day_number, make_buckets
from monitor.core.cells import Sum
from monitor.core.query import CLOSED, DIMENSIONS, FILTERS
from monitor.core.region import COUNTRIES

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.core.cube import Cube
    from monitor.core.observed import Coverage

TICKED = 20
"""Values of one filter that are offered as boxes to tick; the rest are offered while one types."""
TYPED = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """Values of every dimension with how many posts have them, and their names for people."""

    version: int
    counts: Mapping[str, Sequence[tuple[str, int]]]
    labels: Labels


class Offers:
    """Counts the values anew when the data changed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: Offer | None = None

    def current(self) -> Offer:
        version = self._services.trends.version()
        kept = self._kept
        if kept is None or kept.version != version:
            counts = self._services.trends.look(self._counts)
            kept = self._kept = Offer(version, counts, self._labels(counts))
        return kept

    def _labels(self, counts: Mapping[str, Sequence[tuple[str, int]]]) -> Labels:
        known = labels_of(self._services)
        names = self._services.store.source_numbers().values()
        return {
            **{name: {**LABELS.get(name, {}), **named} for name, named in known.items()},
            "source": {one.id: one.name or one.id for one in names},
            "country": {**COUNTRIES, **known.get("country", {})},
            "language": {
                **{key: _language(key) for key, _ in counts["language"]},
                **known.get("language", {}),
            },
        }

    def _counts(self, cube: Cube, coverage: Coverage, version: int) -> dict[str, list[tuple[str, int]]]:
        buckets = make_buckets(0, day_number(self._services.clock()) + 1, "month")
        found = {}
        for name in DIMENSIONS:
            sums = cube.sums(buckets, {"posts": Sum("posts")}, by=name)
            totals = sums.terms["posts"].sum(axis=1).tolist()
            pairs = [(key, int(count)) for key, count in zip(sums.keys, totals, strict=True) if count]
            found[name] = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
        return found


def _language(key: str) -> str:
    found = pycountry.languages.get(alpha_2=key) or pycountry.languages.get(alpha_3=key)
    return key if found is None else str(found.name)


def fieldsets(offer: Offer, chosen: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """One set of boxes a filter; the values of `chosen` are ticked."""
    rows = []
    for name in FILTERS:
        wanted = chosen.get(name, ())
        known: list[tuple[str, int | None]] = (
            [(key, None) for key in FLAGS[name]] if name in FLAGS else [*offer.counts[name]]
        )
        if name in CLOSED:
            known.sort(key=lambda pair: CLOSED[name].index(pair[0]) if pair[0] in CLOSED[name] else len(CLOSED[name]))
        counts = dict(known)
        shown = [key for key, _ in known[:TICKED]]
        boxes = [*shown, *(key for key in wanted if key not in shown)]
        rest = [key for key, _ in known[TICKED:] if key not in wanted]
        rows.append(
            {
                "name": name,
                "legend": words.SPLITS[name].capitalize(),
                "boxes": [
                    {
                        "key": key,
                        "label": name_of(name, key, offer.labels),
                        "count": counts.get(key),
                        "on": key in wanted,
                    }
                    for key in boxes
                ],
                "rest": [{"key": key, "label": name_of(name, key, offer.labels)} for key in rest[:TYPED]],
                "more": len(rest),
                "chosen": len(wanted),
            }
        )
    return rows
