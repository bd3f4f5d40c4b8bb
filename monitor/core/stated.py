"""Claims about figures, not posts: a published reference beside a stated one, and the report's arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.core.claim import ConsistencyTest, Reference, ReferenceTest, Sum
from monitor.core.finding import Check, Effect, Finding

_ROUNDING = 1e-9
"""Sums of decimal fractions miss their target by this much."""


def judge_reference(test: ReferenceTest, figures: Sequence[Reference]) -> Finding:
    """Compare a stated figure with published ones. All must agree for `supported`, all must disagree for `contradicted`.

    A figure agrees with `about` if it lies within the relative tolerance of the stated one; with `at_least` if it is
    not below the stated one by more than the tolerance, `at_most` the reverse. No figure: `not_measurable`.
    """
    if not figures:
        return Finding("not_measurable", test.why_not or "No published figure is known that could be cited.")
    checks = tuple(_compared(test, one) for one in figures)
    fits = [check.verdict == "passed" for check in checks]
    nearest = min(figures, key=lambda one: abs(one.value - test.claimed))
    effect = Effect(nearest.value, None, None, nearest.unit)
    unchecked = [one for one in figures if not one.checked]
    notes: tuple[str, ...] = ()
    if unchecked:
        which = ", ".join(one.id for one in unchecked)
        notes = (
            f"Not compared with its source yet (`checked: false` in references.yaml): {which}. Look before quoting.",
        )
    told = "; ".join(f"{one.what}: {_number(one.value)} {one.unit} ({one.dated})" for one in figures)
    stated = f"stated {_RELATION[test.relation]} {_number(test.claimed)} {test.unit}"
    if all(fits):
        return Finding(
            "supported", f"Published: {told}. That fits what is {stated}.", effect, checks=checks, notes=notes
        )
    if not any(fits):
        says = f"Published: {told}. That does not fit what is {stated}."
        return Finding("contradicted", says, effect, checks=checks, notes=notes)
    says = f"Published: {told}. Some fit what is {stated}, some do not."
    return Finding("inconclusive", says, effect, checks=checks, notes=notes)


_RELATION = {"about": "as about", "at_least": "as at least", "at_most": "as at most"}


def _compared(test: ReferenceTest, figure: Reference) -> Check:
    slack = abs(test.claimed) * test.tolerance
    distance = figure.value - test.claimed
    fits = {"about": abs(distance) <= slack, "at_least": distance >= -slack, "at_most": distance <= slack}
    percent = f"{100 * test.tolerance:.0f} %"
    says = (
        f"{figure.what} ({figure.dated}): {_number(figure.value)} {figure.unit}; tolerance {percent}. {figure.citation}"
    )
    effect = Effect(figure.value, None, None, figure.unit)
    return Check(figure.id, "passed" if fits[test.relation] else "failed", says, effect)


def judge_consistency(test: ConsistencyTest) -> Finding:
    """Compute the report's own sums: `supported` if every one of them comes out as claimed, else `contradicted`."""
    checks = tuple(_computed(one, test.unit) for one in test.sums)
    failed = [check.says for check in checks if check.verdict == "failed"]
    if failed:
        return Finding("contradicted", " ".join(failed), checks=checks)
    return Finding("supported", " ".join(check.says for check in checks), checks=checks)


def _computed(one: Sum, unit: str) -> Check:
    values = one.values.values()
    listed = ", ".join(f"{_number(value)} ({name})" for name, value in one.values.items())
    slack = one.tolerance + _ROUNDING
    if one.relation in ("sums_to", "does_not_sum_to"):
        total, target = sum(values), one.target or 0.0
        equal = abs(total - target) <= slack
        holds = equal == (one.relation == "sums_to")
        says = f"{listed} make {_number(total)} {unit}, {'as' if equal else 'not'} {_number(target)}."
        effect = Effect(total, None, None, unit)
    else:
        spread = max(values) - min(values)
        equal = spread <= slack
        holds = equal == (one.relation == "agree")
        limit = f"up to {_number(one.tolerance)} would still be agreement" if one.tolerance else "they should be equal"
        says = f"{listed}, in {unit}, lie {_number(spread)} apart; {limit}."
        effect = Effect(spread, None, None, unit)
    return Check(one.name, "passed" if holds else "failed", says, effect)


def _number(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
