"""Figures and arithmetic: what counts as agreement, and what a reader is told."""

from __future__ import annotations

import pytest

from monitor.core.claim import ConsistencyTest, Reference, ReferenceTest, Relation, Sum
from monitor.core.stated import judge_consistency, judge_reference


def figure(value: float, *, checked: bool = True, name: str = "one") -> Reference:
    return Reference(name, "Users", value, "people", "2025", "Annual report 2025, page 1.", None, checked)


@pytest.mark.parametrize(
    ("relation", "value", "fits"),
    [
        ("about", 105, True),
        ("about", 89, False),
        ("about", 111, False),
        ("at_least", 91, True),
        ("at_least", 500, True),
        ("at_least", 89, False),
        ("at_most", 109, True),
        ("at_most", 111, False),
    ],
)
def test_a_figure_is_compared_by_relation_and_tolerance(relation: Relation, value: float, fits: bool) -> None:
    test = ReferenceTest(100, "people", relation, tolerance=0.10, figures=("one",))
    finding = judge_reference(test, [figure(value)])
    assert finding.verdict == ("supported" if fits else "contradicted")
    assert finding.effect is not None
    assert finding.effect.value == value
    assert "Annual report 2025" in finding.checks[0].says


def test_figures_that_disagree_with_each_other_decide_nothing() -> None:
    test = ReferenceTest(100, "people", figures=("a", "b"))
    finding = judge_reference(test, [figure(100, name="a"), figure(200, name="b")])
    assert finding.verdict == "inconclusive"
    assert [check.verdict for check in finding.checks] == ["passed", "failed"]


def test_without_a_figure_it_is_not_measurable_and_says_why() -> None:
    finding = judge_reference(ReferenceTest(100, "people", why_not="The company is private."), [])
    assert (finding.verdict, finding.says) == ("not_measurable", "The company is private.")


def test_an_unchecked_figure_is_named() -> None:
    test = ReferenceTest(100, "people", figures=("a", "b"))
    finding = judge_reference(test, [figure(100, name="a"), figure(100, name="b", checked=False)])
    assert len(finding.notes) == 1
    assert ": b." in finding.notes[0]


def test_sums_come_out_in_spite_of_binary_fractions() -> None:
    values = {"a": 0.1, "b": 0.2}
    assert judge_consistency(ConsistencyTest("%", (Sum("s", "sums_to", values, 0.3),))).verdict == "supported"
    assert (
        judge_consistency(ConsistencyTest("%", (Sum("s", "does_not_sum_to", values, 0.3),))).verdict == "contradicted"
    )


def test_one_wrong_sum_contradicts() -> None:
    rates = {"a": 13.8, "b": 20.0, "c": 25.0}
    differ, agree = Sum("differ", "differ", rates, tolerance=1), Sum("agree", "agree", rates, tolerance=12)
    finding = judge_consistency(ConsistencyTest("% a year", (differ, agree)))
    assert finding.verdict == "supported"
    tight = Sum("agree", "agree", rates, tolerance=11)
    finding = judge_consistency(ConsistencyTest("% a year", (differ, tight)))
    assert finding.verdict == "contradicted"
    assert "11.2 apart" in finding.says
