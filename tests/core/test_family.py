"""All claims together: Benjamini and Hochberg by hand, and what a correction may and may not change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.family import LEVEL, rule
from monitor.core.finding import Finding


def adjusted(values: list[float]) -> list[float]:
    """Benjamini-Hochberg written out: the least of p·m/rank over all larger p."""
    order = np.argsort(values)
    out = [0.0] * len(values)
    least = 1.0
    for rank in range(len(values), 0, -1):
        at = int(order[rank - 1])
        least = min(least, values[at] * len(values) / rank)
        out[at] = least
    return out


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_is_benjamini_hochberg(values: list[float]) -> None:
    rulings = rule({str(at): Finding("inconclusive", "", p_support=p) for at, p in enumerate(values)})
    assert [ruling.q for ruling in rulings.values()] == pytest.approx(adjusted(values))


def test_one_lucky_claim_among_many_is_not_supported() -> None:
    findings = {f"null{at}": Finding("inconclusive", "", p_support=0.5, p_contradict=0.5) for at in range(30)}
    alone = Finding("supported", "It rose.", p_support=0.02, p_contradict=0.98)
    assert rule({"lucky": alone})["lucky"].verdict == "supported"
    ruling = rule({**findings, "lucky": alone})["lucky"]
    assert ruling.verdict == "inconclusive"
    assert ruling.q is not None
    assert ruling.q > LEVEL
    assert "chance" in ruling.says


def test_contradictions_are_a_family_of_their_own() -> None:
    findings = {f"null{at}": Finding("inconclusive", "", p_support=0.5, p_contradict=0.5) for at in range(30)}
    falling = Finding("contradicted", "It fell.", p_support=0.98, p_contradict=0.0001)
    ruling = rule({**findings, "falling": falling})["falling"]
    assert ruling.verdict == "contradicted"
    assert ruling.p == 0.0001
    weak = Finding("contradicted", "It fell.", p_support=0.98, p_contradict=0.02)
    assert rule({**findings, "weak": weak})["weak"].verdict == "inconclusive"


def test_claims_that_were_not_tested_neither_count_nor_change() -> None:
    tested = Finding("supported", "", p_support=0.02)
    others = {f"short{at}": Finding("insufficient_data", "", p_support=0.9) for at in range(30)} | {
        f"stated{at}": Finding("supported", "It adds up.") for at in range(30)
    }
    rulings = rule({"tested": tested, **others})
    assert rulings["tested"].verdict == "supported"
    assert rulings["tested"].q == pytest.approx(0.02)
    assert rulings["short0"].q is None
    assert rulings["stated0"].verdict == "supported"
