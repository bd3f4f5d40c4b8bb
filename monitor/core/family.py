"""All claims together: asking many questions makes chance findings likely, so the ledger is corrected as a whole.

Benjamini and Hochberg's procedure (1995) at q = 0.05, once over the one-sided p-values in the direction of the claims
and once over those against them. `supported` and `contradicted` need both their own test and this. Claims without
enough data, and those that are not tested on posts, are not in the family: that is decided by coverage and counts,
not by the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.core.finding import Finding, VerdictName

LEVEL = 0.05
"""Largest expected share of false ones among the findings."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict after the whole family was looked at."""

    verdict: VerdictName
    says: str
    p: float | None
    """One-sided, in the direction of the claim; of a contradicted claim, against it."""
    q: float | None
    """Adjusted p (Benjamini-Hochberg)."""


def rule(findings: Mapping[str, Finding]) -> dict[str, Ruling]:
    """Verdict of each claim, by id."""
    tested = {name: one for name, one in findings.items() if one.verdict not in ("insufficient_data", "not_measurable")}
    towards = _adjusted({name: one.p_support for name, one in tested.items()})
    against = _adjusted({name: one.p_contradict for name, one in tested.items()})
    return {name: _ruling(one, towards.get(name), against.get(name)) for name, one in findings.items()}


def _adjusted(given: Mapping[str, float | None]) -> dict[str, float]:
    known = {name: p for name, p in given.items() if p is not None}
    if not known:
        return {}
    # Imported here: scipy.stats takes half a second to load
    from scipy.stats import false_discovery_control

    adjusted = false_discovery_control(np.clip(list(known.values()), 0.0, 1.0), method="bh")
    return dict(zip(known, (float(q) for q in adjusted), strict=True))


def _ruling(finding: Finding, towards: float | None, against: float | None) -> Ruling:
    contradicted = finding.verdict == "contradicted"
    p, q = (finding.p_contradict, against) if contradicted else (finding.p_support, towards)
    if finding.verdict in ("supported", "contradicted") and q is not None and q > LEVEL:
        says = (
            f"{finding.says} Alone this would count as {finding.verdict}, but among so many claims such a result comes "
            f"up by chance too often (q = {q:.2f}, at most {LEVEL})."
        )
        return Ruling("inconclusive", says, p, q)
    return Ruling(finding.verdict, finding.says, p, q)
