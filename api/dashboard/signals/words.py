"""Signals of sudden change in plain words: how much against what was expected, found how, and what could explain it.

Pure. A signal says what was counted; whether it matters is for people to say, and their reasons are printed beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from api.dashboard.digests.words import Tag
from api.dashboard.names import Labels
from api.dashboard.words import SPLITS, day, whole
from monitor.core.buckets import day_date
from monitor.core.signals.series import LENGTH

if TYPE_CHECKING:
    from monitor.core.signals.series import Signal

OPEN_UP = Tag("inconclusive", "▲", "Open")
OPEN_DOWN = Tag("inconclusive", "▼", "Open")
ENDED = Tag("noted", "\u2013", "Ended")
SEEN = Tag("supported", "✓", "Acknowledged")
MUTED = Tag("not_measurable", "\u2013", "Muted")
STATES: Mapping[str, str] = {"open": "Open", "ended": "Ended"}
ONE_SOURCE = 0.8
"""Part of the posts from one source above which that source alone may be the cause."""

_PERCENT = "\u00a0%"
_DETECTORS: Mapping[str, tuple[str, str]] = {
    "share": (
        "Share of all posts",
        "binomial with overdispersion: is the part that these posts have too large or small?",
    ),
    "farrington": (
        "Count against its season",
        "quasi-Poisson regression after Farrington, with weekday and season; past outliers weigh less",
    ),
    "c1": ("EARS C1", "against the 7 observed periods before"),
    "c2": ("EARS C2", "as C1, leaving out the latest two before"),
    "c3": ("EARS C3", "what C2 saw in three periods together"),
    "ewma": ("EWMA", "a weighted mean of the latest periods against its control limit"),
}
_SETTINGS: Mapping[str, str] = {
    "budget": "False alarms allowed in 30 days, over all that is watched",
    "series": "Series watched at once",
    "alpha": "Threshold of p that follows from it",
    "window": "Periods that were tested together",
    "gate": "The count by itself must be beyond",
    "baseline": "Periods of the baseline",
    "guard": "Latest periods left out of the baseline",
    "dispersion": "Dispersion (1: chance alone)",
    "p_count": "p of the count",
    "p_share": "p of the share",
    "share_observed": "Share observed",
    "share_expected": "Share expected",
}


def name_of(key: str, labels: Labels) -> str:
    """Telehealth; All posts."""
    dimension, _, value = key.partition("=")
    if not value:
        return "All posts"
    plain = value.replace("_", " ")
    return labels.get(dimension, {}).get(value, f"{plain[:1].upper()}{plain[1:]}")


def kind_of(key: str) -> str:
    """topic; empty for all posts."""
    dimension, _, value = key.partition("=")
    return SPLITS.get(dimension, dimension.replace("_", " ")) if value else ""


def title_of(signal: Signal, labels: Labels) -> str:
    """Telehealth (topic): 2.4 times as many posts as expected."""
    name, kind = name_of(signal.key, labels), kind_of(signal.key)
    return f"{name}{f' ({kind})' if kind else ''}: {size_words(signal)}"


def size_words(signal: Signal) -> str:
    """How far observed lies from expected; a base of next to nothing has no ratio."""
    ratio = signal.ratio
    if ratio is None:
        return f"{whole(signal.observed)} posts where next to none were expected"
    if signal.direction == "down":
        return f"{(1 - ratio) * 100:.0f}{_PERCENT} fewer posts than expected"
    if ratio < 2:
        return f"{(ratio - 1) * 100:.0f}{_PERCENT} more posts than expected"
    return f"{ratio:.1f} times as many posts as expected"


def amount_words(signal: Signal) -> str:
    """240 posts, 120 expected (90 to 150)."""
    return f"{whole(signal.observed)} posts, {expected_words(signal)} expected ({range_words(signal)})"


def expected_words(signal: Signal) -> str:
    if signal.expected >= 10:
        return whole(signal.expected)
    return f"{signal.expected:.1f}" if signal.expected >= 0.05 else "next to none"


def range_words(signal: Signal) -> str:
    return f"{whole(signal.low)} to {whole(signal.high)}"


def span_words(first: int, last: int, size: str) -> str:
    """Days, or the weeks of their Mondays, from the first to the last, both included."""
    begun, end = day_date(first), day_date(last) + timedelta(days=LENGTH["week" if size == "week" else "day"] - 1)
    if begun == end:
        return day(begun)
    if (begun.year, begun.month) == (end.year, end.month):
        return f"{begun.day} to {day(end)}"
    return f"{day(begun, year=begun.year != end.year)} to {day(end)}"


def tags_of(signal: Signal, now: datetime) -> list[Tag]:
    """Its state, and what people said of it."""
    state = ENDED if signal.state == "ended" else OPEN_UP if signal.direction == "up" else OPEN_DOWN
    found = [state]
    if signal.acknowledged_at is not None:
        found.append(SEEN)
    if is_muted(signal, now):
        found.append(MUTED)
    return found


def is_muted(signal: Signal, now: datetime) -> bool:
    return signal.muted_until is not None and signal.muted_until > now


def lead_of(signals: Sequence[Signal], now: datetime) -> str:
    """First sentence of the list; `signals` are the open ones."""
    if not signals:
        return "No sudden change is open."
    heard = [one for one in signals if not is_muted(one, now)]
    fresh = sum(one.acknowledged_at is None for one in heard)
    many = f"{whole(len(signals))} sudden {'change is' if len(signals) == 1 else 'changes are'} open"
    if len(heard) < len(signals):
        many += f", {whole(len(signals) - len(heard))} of them muted"
    if not heard:
        return f"{many}."
    if fresh == 0:
        return f"{many}; all have been acknowledged." if len(heard) > 1 else f"{many} and acknowledged."
    if fresh == len(heard):
        return f"{many}."
    return f"{many}; {whole(fresh)} {'waits' if fresh == 1 else 'wait'} to be acknowledged."


def unusual_words(signal: Signal) -> str:
    """How often chance alone would bring such figures, and how often any false alarm at all."""
    settings = signal.settings
    text = f"By chance alone, figures so far out come about {_once(signal.p)}"
    if "alpha" in settings:
        text += f"; alarms begin at {_once(float(settings['alpha']))}"
    if "budget" in settings and "series" in settings:
        budget = float(settings["budget"])
        many = f"{budget:g} false {'alarm' if budget == 1 else 'alarms'}"
        text += f", so that all {float(settings['series']):g} watched series together raise about {many} in 30 days"
    return f"{text}."


def _once(p: float) -> str:
    """0.000021 → once in 48,000 looks."""
    if p <= 1e-9:
        return "less than once in a billion looks"
    times = 1 / p
    rounded = float(f"{times:.2g}")
    return f"once in {whole(rounded)} looks"


def causes_of(signal: Signal) -> list[dict[str, Any]]:
    """Dull explanations, each with what was found. `tag` is None where nobody looked."""
    rows = []
    share = signal.top_source_share
    if signal.n_sources is not None and share is not None:
        one = signal.n_sources <= 1 or share >= ONE_SOURCE
        sources = f"{whole(signal.n_sources)} {'source' if signal.n_sources == 1 else 'sources'}"
        text = f"{share * 100:.0f}{_PERCENT} of the posts come from one source; {sources} in all."
        rows.append(_cause("One source alone", text, one))
    else:
        rows.append(_cause("One source alone", "Not looked at.", None))
    if signal.copies_only is None:
        rows.append(_cause("Copies of one text", "Not looked at.", None))
    else:
        text = (
            "Each text counted once, the change is gone."
            if signal.copies_only
            else "Each text counted once, the change is still there."
        )
        rows.append(_cause("Copies of one text", text, signal.copies_only))
    observed, expected = signal.settings.get("share_observed"), signal.settings.get("share_expected")
    if observed is not None and expected is not None:
        text = (
            f"Its share of all posts of the same sources was {float(observed) * 100:.1f}{_PERCENT}; "
            f"{float(expected) * 100:.1f}{_PERCENT} were expected."
        )
        rows.append(_cause("More or fewer posts of everything", text, False))
    text = "Only sources that were observed before and now are counted, and what was not observed is no zero."
    rows.append(_cause("Sources added, lost or not observed", text, False))
    return rows


def _cause(name: str, says: str, explains: bool | None) -> dict[str, Any]:
    tag = None if explains is None else (
        Tag("inconclusive", "~", "May explain it") if explains else Tag("supported", "✓", "Does not explain it")
    )  # fmt: skip
    return {"name": name, "says": says, "tag": tag}


def detectors_of(signal: Signal) -> list[dict[str, str]]:
    """What fired, as terms and what is said of them; names that are not among the known ones as they are."""
    return [
        {"term": known[0] if known else name, "says": known[1] if known else "fired"}
        for name in signal.detectors
        for known in [_DETECTORS.get(name)]
    ]


def settings_of(signal: Signal) -> list[dict[str, str]]:
    """Figures for people who check."""
    return [
        {"name": _SETTINGS.get(name, name.replace("_", " ")), "value": _figure(name, value)}
        for name, value in signal.settings.items()
    ]


def _figure(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if name.startswith("share_"):
        return f"{value * 100:.2f}{_PERCENT}"
    return f"{value:.4g}".replace("-", "\u2212")


def state_counts(signals: Sequence[Signal]) -> Mapping[str, int]:
    return Counter(one.state for one in signals)
