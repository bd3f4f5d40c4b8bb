"""Where a statement of a digest leads: the page of the dashboard and the API query behind it. Pure.

A link is {"label", "link", "api"}; the label makes sense alone, for those who hear links one by one. Paths only; who renders puts the address of the service in front, if it has one that readers can reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from monitor.core.answer import command
from monitor.core.digest_periods import Period
from monitor.core.query import TrendQuery

Scope = Mapping[str, tuple[str, ...]]
Link = dict[str, str]

_METRICS = {"volume": "Posts", "share": "Shares", "sentiment": "Sentiment", "engagement": "Engagement"}


def trend_query(metric: str, period: Period, scope: Scope, *, by: str | None = None, back: int = 0) -> TrendQuery:
    """The query of a metric over the period and up to `back` earlier ones."""
    earlier = period.earlier(back)
    since = earlier[-1].since if earlier else period.since
    return TrendQuery(
        metric=metric, by=by, interval=period.interval, since=since, until=period.until, filters=dict(scope)
    )


def trend_link(metric: str, period: Period, scope: Scope, *, by: str | None = None, back: int = 0) -> Link:
    query = trend_query(metric, period, scope, by=by, back=back)
    window = [("since", query.since.isoformat()), ("until", query.until.isoformat()), ("interval", query.interval)]
    asked = [("metric", metric), *([("by", by)] if by else []), *window, *_filters(scope)]
    label = _METRICS.get(metric, metric) + (f" by {by.replace('_', ' ')}" if by else "")
    shown = [pair for pair in asked if pair != ("interval", "week")]  # as the page's own address says it
    return {"label": label, "link": f"/trends?{urlencode(shown)}", "api": f"/api/v1/trends?{urlencode(asked)}"}


def posts_link(period: Period, scope: Scope, **more: str) -> str:
    """The API query for the posts themselves. `more` narrows the scope; where both name a dimension it replaces it."""
    wanted = {**scope, **{name: (value,) for name, value in more.items() if value}}
    window = [("since", period.since.isoformat()), ("until", period.until.isoformat())]
    return f"/api/v1/posts?{urlencode([*_filters(wanted), *window])}"


def engaged_link(period: Period, scope: Scope) -> Link:
    page = trend_link("engagement", period, scope)["link"]
    return {"label": "Posts by engagement", "link": page, "api": f"{posts_link(period, scope)}&order=engagement"}


def claim_link(claim: str) -> Link:
    name = quote(claim, safe="")
    return {"label": f"Claim {claim}", "link": f"/claims/{name}", "api": f"/api/v1/claims/{name}"}


def claims_link() -> Link:
    return {"label": "All claims", "link": "/claims", "api": "/api/v1/claims"}


def source_link(source: str) -> Link:
    name = quote(source, safe="")
    return {"label": f"Source {source}", "link": f"/sources/{name}", "api": f"/api/v1/sources/{name}"}


def sources_link() -> Link:
    return {"label": "All sources", "link": "/sources", "api": "/api/v1/sources"}


def signal_link(signal: str) -> Link:
    """Of one signal, or of all where the id is empty."""
    if not signal:
        return {"label": "All signals", "link": "/signals", "api": "/api/v1/signals"}
    name = quote(signal, safe="")
    return {"label": "The signal", "link": f"/signals/{name}", "api": f"/api/v1/signals/{name}"}


def commands(period: Period, scope: Scope, dimensions: tuple[str, ...]) -> list[str]:
    """The command lines that count the same posts again, from what is stored then."""
    asked = [trend_query("volume", period, scope, back=8), trend_query("sentiment", period, scope, back=8)]
    asked += [trend_query("share", period, scope, by=name, back=8) for name in dimensions]
    return [command(query) for query in asked]


def _filters(scope: Scope) -> list[tuple[str, str]]:
    return [(name, ",".join(values)) for name, values in scope.items()]
