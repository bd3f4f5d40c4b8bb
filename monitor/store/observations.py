"""When each source was observed, with the reasons of the gaps between: what a chart needs to say why it has holes."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Sequence

from monitor.core.model import Observed
from monitor.store.database import Database
from monitor.store.tables import from_micros


def observations(database: Database, source_ids: Sequence[str]) -> dict[str, list[Observed]]:
    """source id → what was observed of it, in order of time; `gap` is why nothing was between the one before and it.

    Every id is there; of a source that was never observed, or does not exist, the list is empty.
    """
    found: dict[str, list[Observed]] = {source: [] for source in source_ids}
    with database.read() as tx:
        rows = tx.rows(
            'SELECT s.id, c.since, c."until", c.gap FROM coverage AS c JOIN source AS s ON s.number = c.source'
            f" WHERE {tx.dialect.among('s.id', 'text')} ORDER BY s.id, c.since",
            (tx.dialect.array(list(found)),),
        )
    for source, since, until, gap in rows:
        found[source].append(Observed(from_micros(since), from_micros(until), gap))
    return found
