"""The only place that touches the database. Everything goes through `Store`."""

from monitor.store.cells import CellBatch, ComboFacts
from monitor.store.coverage import Gap
from monitor.store.events import Event
from monitor.store.keys import ApiKey
from monitor.store.search import PostPage, PostQuery, Totals
from monitor.store.store import Store
from monitor.store.verdicts import StoredVerdict

__all__ = [
    "ApiKey",
    "CellBatch",
    "ComboFacts",
    "Event",
    "Gap",
    "PostPage",
    "PostQuery",
    "Store",
    "StoredVerdict",
    "Totals",
]
