"""How an examined claim is told: the JSON document of the contract. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np

from monitor.core.buckets import day_date
from monitor.core.claim import Claim, LevelTest, Posts, RankTest, ReferenceTest, TrendTest
from monitor.core.claims import Outcome, Rest
from monitor.core.family import Ruling
from monitor.core.finding import RELATIVE_PER_YEAR, Effect
from monitor.core.moments import written
from monitor.core.trend import fit_trend

Document = dict[str, Any]

SAMPLE = (
    "The sample is what was collected: {sources} of {in_scope} tracked sources that could have such posts, {n} posts. "
    "It was not drawn at random from the sector."
)


def describe(outcome: Outcome, ruling: Ruling, *, as_of: datetime, generated: bool) -> Document:
    """One claim as in the ledger. `as_of` is the moment the data were looked at, aware UTC."""
    claim, finding, rest = outcome.claim, outcome.finding, outcome.rest
    measured = rest is not None and not isinstance(claim.test, ReferenceTest)
    return {
        "id": claim.id,
        "says": claim.says,
        "kind": claim.kind,
        "segment": claim.segment,
        "verdict": ruling.verdict,
        "finding": ruling.says,
        "effect": _effect(finding.effect),
        "p": ruling.p,
        "q": ruling.q,
        "n_posts": finding.n_posts,
        "n_sources": finding.n_sources,
        "coverage": rest.observed if rest and measured else None,
        "since": rest.since.isoformat() if rest else None,
        "until": rest.until.isoformat() if rest else None,
        "as_of": written(as_of),
        "checks": [
            {"name": one.name, "verdict": one.verdict, "says": one.says, "effect": _effect(one.effect)}
            for one in finding.checks
        ],
        "caveats": list(finding.notes),
        "supports": claim.supports,
        "limits": list(claim.limits),
        "sample": _sample(rest, finding.n_posts) if rest and measured else None,
        "detectable": None if finding.detectable is None else {"value": finding.detectable, "unit": _unit(outcome)},
        "panel": None
        if rest is None
        else {
            "sources": rest.sources,
            "in_scope": rest.in_scope,
            "weeks": rest.weeks,
            "excluded": dict(rest.excluded),
        },
        "details": dict(finding.details),
        "measure": _measure(claim),
        "fingerprint": outcome.fingerprint,
        "generated": generated,
        "reproduce": f"trendmonitor claims check {claim.file or 'FILE'} --as-of {as_of.date().isoformat()}",
        "links": {
            "trends": _trends_link(claim, rest),
            "evidence": f"/api/v1/claims/{claim.id}/evidence" if measured else None,
        },
    }


def weekly_series(outcome: Outcome) -> list[Document]:
    """What a chart of a trend shows, week by week; empty for other kinds.

    `value` is the season-free share (or posts a day) of the average source, `fitted` the line through it, `n` of `of`
    the plain counts of the panel, `sources` how many were observed. Where no line can be fitted, `value` is n / of.
    A week without any observed source is `not_observed`: no value.
    """
    panel = outcome.panel
    if panel is None or not len(panel.starts):
        return []
    fit = fit_trend(panel)
    counted, of, watched = panel.k.sum(axis=0), panel.n.sum(axis=0), (panel.n > 0).sum(axis=0)
    empty = np.full(len(panel.starts), np.nan)
    value = counted / np.maximum(of, 1) if fit is None else fit.base * np.exp(fit.index)
    line = empty if fit is None else fit.base * np.exp(fit.slope * fit.years)
    return [
        {
            "start": day_date(int(start)).isoformat(),
            "value": _finite(value[at]) if watched[at] else None,
            "fitted": _finite(line[at]),
            "n": int(counted[at]),
            "of": int(of[at]),
            "sources": int(watched[at]),
            "status": "ok" if watched[at] else "not_observed",
        }
        for at, start in enumerate(panel.starts)
    ]


def _unit(outcome: Outcome) -> str | None:
    if isinstance(outcome.claim.test, TrendTest):
        return RELATIVE_PER_YEAR
    return outcome.finding.effect.unit if outcome.finding.effect else None


def _sample(rest: Rest, n_posts: int) -> str:
    return SAMPLE.format(sources=rest.sources, in_scope=rest.in_scope, n=f"{n_posts:,}")


def _effect(effect: Effect | None) -> Document | None:
    if effect is None:
        return None
    return {
        "value": _finite(effect.value),
        "low": _finite(effect.low),
        "high": _finite(effect.high),
        "unit": effect.unit,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _filters(posts: Posts) -> list[dict[str, list[str]]]:
    return [{name: list(values) for name, values in filters.items()} for filters in posts.any_of]


def _measure(claim: Claim) -> Document | None:
    test = claim.test
    if isinstance(test, TrendTest):
        return {
            "numerator": _filters(test.numerator),
            "denominator": _filters(test.denominator),
            "quantity": test.quantity,
            "direction": test.direction,
            "smallest": test.smallest,
            "weeks": test.weeks,
        }
    if isinstance(test, LevelTest):
        return {
            "numerator": _filters(test.numerator),
            "denominator": _filters(test.denominator),
            "claimed": test.claimed,
            "population": test.population,
            "weeks": test.weeks,
        }
    if isinstance(test, RankTest):
        return {
            "weeks": test.weeks,
            "comparisons": [
                {
                    "measured": one.measured,
                    "within": one.within,
                    **{
                        name: {
                            "label": side.label,
                            "numerator": _filters(side.numerator),
                            "denominator": _filters(side.denominator),
                        }
                        for name, side in (("higher", one.higher), ("lower", one.lower))
                    },
                }
                for one in test.comparisons
            ],
        }
    if isinstance(test, ReferenceTest):
        return {"claimed": test.claimed, "unit": test.unit, "relation": test.relation, "figures": list(test.figures)}
    return None


def _trends_link(claim: Claim, rest: Rest | None) -> str | None:
    """The plain trend behind a trend or level, where one query of the API can say it: one filter, all posts beneath."""
    test = claim.test
    if rest is None or not isinstance(test, TrendTest | LevelTest):
        return None
    if len(test.numerator.any_of) != 1 or test.denominator.any_of:
        return None
    rate = isinstance(test, TrendTest) and test.quantity == "rate"
    return "/api/v1/trends?" + urlencode(
        [
            ("metric", "volume" if rate else "share"),
            ("interval", "week"),
            ("since", _iso(rest.since)),
            ("until", _iso(rest.until)),
            *((name, ",".join(values)) for name, values in test.numerator.any_of[0].items()),
        ]
    )


def _iso(day: date) -> str:
    return day.isoformat()


def ledger_document(
    documents: Sequence[Document], verdicts: Sequence[str], *, as_of: datetime, generated: bool
) -> Document:
    """The whole ledger. `verdicts` are all there are, so that a count of zero is shown too."""
    counts: Mapping[str, int] = {name: sum(one["verdict"] == name for one in documents) for name in verdicts}
    return {
        "claims": list(documents),
        "counts": dict(counts),
        "as_of": written(as_of),
        "generated": generated,
    }
