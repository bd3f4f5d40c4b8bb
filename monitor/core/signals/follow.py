"""From the alarms of one run to signals that people follow: opened once, updated, ended. Pure; the clock is passed in.

A signal stays open until no alarm has reached the last `cooldown` days. Meanwhile alarms of the same key, size and
direction update it, so that one change is told once. What people said about a signal (acknowledged, muted) is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.buckets import day_date, day_number
from monitor.core.signals.series import LENGTH, Alarm, Origin, Signal

COOLDOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Followed:
    """What one run did to the signals. No signal is in two of these."""

    new: tuple[Signal, ...]
    updated: tuple[Signal, ...]
    """Open ones that an alarm spoke of again, whether or not figures changed."""
    ended: tuple[Signal, ...]


def follow(
    signals: Sequence[Signal],
    alarms: Sequence[Alarm],
    now: datetime,
    cooldown: timedelta = COOLDOWN,
    origins: Mapping[str, Origin] | None = None,
) -> Followed:
    """Match alarms with the signals that are open.

    `signals` that have ended are passed over, except that an alarm that begins on the same day as one of them is the
    same change and does not open it again. `now` is aware; `origins` by `Alarm.name`. An alarm whose last
    period lies further back than the cooldown opens nothing.
    """
    current = {signal.name: signal for signal in signals if signal.state == "open"}
    past = {signal.id for signal in signals if signal.state == "ended"}
    today = day_number(now)
    found = {alarm.name: alarm for alarm in alarms}
    new, updated, ended = [], [], []
    for name, alarm in found.items():
        origin = (origins or {}).get(name)
        signal = current.get(name)
        if signal is not None and not _over(signal, today, cooldown, alarm):
            updated.append(_updated(signal, alarm, now, origin))
        elif signal is None and not _stale(alarm.end + LENGTH[alarm.size], today, cooldown):
            opened = _opened(alarm, now, origin)
            if opened.id not in past:
                new.append(opened)
    for name, signal in current.items():
        if _over(signal, today, cooldown, found.get(name)):
            ended.append(replace(signal, state="ended", updated_at=now, ended_at=now))
    return Followed(tuple(new), tuple(updated), tuple(ended))


def acknowledge(signal: Signal, why: str, now: datetime) -> Signal:
    """Somebody has seen it and says why it needs nothing more. Raises ValueError without a reason."""
    return replace(signal, acknowledged_at=now, acknowledged_why=_reason(why))


def mute(signal: Signal, why: str, until: datetime) -> Signal:
    """Tell nobody until then. Raises ValueError without a reason."""
    return replace(signal, muted_until=until, muted_why=_reason(why))


def signal_id(alarm: Alarm) -> str:
    """The same for the same key, size, direction and first day; 16 hexadecimal digits."""
    return hashlib.sha256(f"{alarm.name}@{day_date(alarm.start).isoformat()}".encode()).hexdigest()[:16]


def _reason(why: str) -> str:
    if not why.strip():
        raise ValueError("say why, in a few words: whoever reads this next will need it")
    return why.strip()


def _stale(after: int, today: int, cooldown: timedelta) -> bool:
    """The cooldown has passed since the day after the last period."""
    return today - after >= cooldown.days


def _over(signal: Signal, today: int, cooldown: timedelta, alarm: Alarm | None) -> bool:
    last = max(signal.last, alarm.end) if alarm else signal.last
    return _stale(last + LENGTH[signal.size], today, cooldown)


def _opened(alarm: Alarm, now: datetime, origin: Origin | None) -> Signal:
    return _with_origin(
        Signal(
            id=signal_id(alarm),
            key=alarm.key,
            size=alarm.size,
            direction=alarm.direction,
            state="open",
            since=alarm.start,
            last=alarm.end,
            observed=alarm.observed,
            expected=alarm.expected,
            low=alarm.low,
            high=alarm.high,
            figures_since=alarm.start,
            peak=alarm.ratio,
            p=alarm.p,
            detectors=alarm.detectors,
            settings=alarm.settings,
            opened_at=now,
            updated_at=now,
        ),
        origin,
    )


def _updated(signal: Signal, alarm: Alarm, now: datetime, origin: Origin | None) -> Signal:
    peaks = [ratio for ratio in (signal.peak, alarm.ratio) if ratio is not None]
    further = max if alarm.direction == "up" else min
    return _with_origin(
        replace(
            signal,
            since=min(signal.since, alarm.start),
            last=max(signal.last, alarm.end),
            observed=alarm.observed,
            expected=alarm.expected,
            low=alarm.low,
            high=alarm.high,
            figures_since=alarm.start,
            peak=further(peaks, default=None),
            p=min(signal.p, alarm.p),
            detectors=tuple(dict.fromkeys((*signal.detectors, *alarm.detectors))),
            settings=alarm.settings,
            updated_at=now,
        ),
        origin,
    )


def _with_origin(signal: Signal, origin: Origin | None) -> Signal:
    if origin is None:
        return signal
    return replace(
        signal,
        n_sources=origin.n_sources,
        top_source_share=origin.top_source_share,
        copies_only=origin.copies_only,
    )
