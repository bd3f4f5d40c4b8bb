"""Verdicts and effects in the plain words of a terminal. Pure.

Minus signs are true ones. A change has about two significant figures, and the ends of its interval as many decimals;
nothing that differs from zero is shown as zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from monitor.cli.output import THIN
from monitor.core.finding import DIFFERENCE, RELATIVE_PER_YEAR, SHARE, VerdictName

VERDICT_NAMES: Mapping[VerdictName, str] = {
    "supported": "Supported",
    "contradicted": "Contradicted",
    "inconclusive": "Inconclusive",
    "insufficient_data": "Not enough data yet",
    "not_measurable": "Cannot be measured here",
}
VERDICT_MARKS: Mapping[VerdictName, str] = {
    "supported": "✓",
    "contradicted": "✕",
    "inconclusive": "~",
    "insufficient_data": "…",
    "not_measurable": "–",
}
"""Stands beside the name, so that neither colour nor position carries the meaning alone."""
CHECK_MARKS: Mapping[str, str] = {"passed": "✓", "failed": "✕", "noted": "i"}

_PER_CENT = (RELATIVE_PER_YEAR, SHARE, DIFFERENCE)
_MOST_DECIMALS = 6
_SIZES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_MEANS = ("difference of means: ", "difference in ", "difference of ")
_TAILS: Mapping[str, str] = {
    RELATIVE_PER_YEAR: " % a year",
    SHARE: " %",
    DIFFERENCE: " points",
    "difference of ln(1 + interactions)": " log units",
}


def verdict_words(verdict: VerdictName) -> str:
    """'✓ Supported'."""
    return f"{VERDICT_MARKS[verdict]} {VERDICT_NAMES[verdict]}"


def effect_words(effect: Mapping[str, Any], *, longest: int | None = None) -> str:
    """'+14 % a year', '35.2 %', '+3.1 points', '+120 words', '1.8 million users'; without its unit if that is too long."""
    number = _number(effect["value"], effect)
    text = number + _tail(effect["unit"])
    return text if longest is None or len(text) <= longest else number


def interval_words(effect: Mapping[str, Any]) -> str | None:
    """'+9 to +20', in the unit of the effect; None for a figure without an interval."""
    if effect["low"] is None or effect["high"] is None:
        return None
    return f"{_number(effect['low'], effect)} to {_number(effect['high'], effect)}"


def amount_words(value: float, unit: str) -> str:
    """The size of an effect without its sign, such as the smallest that a test would find."""
    return effect_words({"value": abs(value), "low": None, "high": None, "unit": unit}).removeprefix("+")


def number_words(value: float, *, share: bool = False) -> str:
    """A share in per cent, or any other number as it is, its thousands grouped."""
    if share:
        return f"{100 * value:.1f} %"
    text = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
    for size, name in _SIZES:
        if abs(value) >= size:
            text = f"{value / size:.4g} {name}"
            break
    return text.replace(",", THIN).replace("-", "\u2212")


def _tail(unit: str) -> str:
    for beginning in _MEANS:
        if unit not in _TAILS and unit.startswith(beginning):
            return f" {unit.removeprefix(beginning)}"
    return _TAILS.get(unit) or f" {unit}"


def _number(value: float, effect: Mapping[str, Any]) -> str:
    """One number of an effect; value and ends of the interval have the same number of decimals."""
    unit = effect["unit"]
    estimated = unit in _PER_CENT or unit.startswith(_MEANS)
    if not estimated:
        return number_words(value)
    scale = 100.0 if unit in _PER_CENT else 1.0
    known = [abs(one) * scale for one in (effect["value"], effect["low"], effect["high"]) if one is not None]
    largest = max((one for one in known if math.isfinite(one)), default=0.0)
    decimals = 1 if unit == SHARE or not largest else max(1 - math.floor(math.log10(largest)), 0)
    decimals = min(decimals, _MOST_DECIMALS)
    while value and decimals < _MOST_DECIMALS and not round(value * scale, decimals):
        decimals += 1
    sign = "+" if value and unit != SHARE else ""
    text = f"{value * scale:{sign},.{decimals}f}" if value else "0"
    return text.replace(",", THIN).replace("-", "\u2212")
