"""What a digest says and how it looks, put together from the parts of one service: facts, words, pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from monitor.core.digest import DigestSpec, Message
from monitor.deliver.drawing import DrawingError

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.ledger import Ledger
    from monitor.signal_watch import SignalWatch
    from monitor.store.store import Store
    from monitor.trends import Trends

log = structlog.get_logger(__name__)

Document = Mapping[str, Any]


class Composer:
    """Composes and renders the issues of one service. `public_url` is where readers reach it, or empty; `draw` makes a
    PNG of a Vega-Lite specification and may raise DrawingError."""

    def __init__(
        self,
        trends: Trends,
        ledger: Callable[[], Ledger],
        store: Store,
        config: Config,
        watch: Callable[[], SignalWatch],
        *,
        public_url: str,
        draw: Callable[[dict[str, Any]], bytes],
    ) -> None:
        self._trends = trends
        self._ledger = ledger
        self._store = store
        self._config = config
        self._watch = watch
        self._public_url = public_url
        self._draw = draw

    def compose(
        self, spec: DigestSpec, since: datetime, until: datetime, now: datetime, earlier: Document | None
    ) -> Document:
        """The document of the period [since, until), as known at `now`."""
        from monitor.core.digest_compose import compose
        from monitor.digest_facts import gather

        watch = self._watch()
        watch.refresh()
        facts = gather(
            self._trends,
            self._ledger(),
            self._store,
            self._config,
            spec,
            since=since,
            until=until,
            now=now,
            signals=watch.told(since, now),
            earlier=None if earlier is None else dict(earlier),
        )
        return compose(spec, facts)

    def render(self, spec: DigestSpec, document: Document, number: int | None) -> Message:
        """The views of a document, with links to its page if it has a number. Where a picture can't be drawn, its table
        stands alone."""
        try:
            return self._render(spec, document, number)
        except DrawingError as error:
            log.error("digest_chart_failed", digest=spec.id, error=str(error))
            parts = [_without_chart(part) for part in document["sections"]]
            return self._render(spec, {**document, "sections": parts}, number)

    def _render(self, spec: DigestSpec, document: Document, number: int | None) -> Message:
        from monitor.deliver.render import render

        base = self._public_url
        links = {}
        if base and number is not None:
            links["view"] = f"{base}/digests/{spec.id}/issues/{number}"
        if base.startswith("https://"):
            links["unsubscribe"] = (
                f"{base}/digests/{spec.id}#unsubscribe"  # in a mail, the reader's own takes its place
            )
        locale = str(document.get("locale") or spec.locale)
        return render(document, locale=locale, base_url=base or None, chart_png=self._draw, links=links)


def _without_chart(part: Document) -> dict[str, Any]:
    chart = part.get("chart")
    if not chart:
        return dict(part)
    return {**part, "chart": None, "table": part.get("table") or chart.get("table")}
