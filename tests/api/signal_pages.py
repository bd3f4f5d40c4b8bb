"""Signals of every state in the real store, with the real service over them; the figures are made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from monitor.bootstrap import Services
from monitor.core.buckets import day_number
from monitor.core.signals.series import Signal
from monitor.signal_watch import SignalWatch
from monitor.store.signals import Mute
from tests.api.support import NOW

RISE = Signal(
    id="a1b2c3d4e5f60718",
    key="content_type=video",
    size="day",
    direction="up",
    state="open",
    since=day_number(date(2026, 11, 10)),
    last=day_number(date(2026, 11, 12)),
    observed=12,
    expected=4.6,
    low=1.0,
    high=9.0,
    figures_since=day_number(date(2026, 11, 10)),
    peak=3.1,
    p=2.1e-6,
    detectors=("share", "farrington", "c1", "sixth-sense"),
    settings={
        "budget": 1.0, "series": 60, "alpha": 2.3e-5, "window": 3, "gate": 0.025, "baseline": 364, "guard": 14,
        "dispersion": 1.2, "p_count": 0.0004, "p_share": 2.1e-6, "share_observed": 0.5, "share_expected": 0.191,
    },
    opened_at=NOW - timedelta(days=6),
    updated_at=NOW - timedelta(hours=5),
    n_sources=1,
    top_source_share=1.0,
    copies_only=True,
)  # fmt: skip
FALL = replace(
    RISE, id="b1b2c3d4e5f60718", key="all", size="week", direction="down", since=day_number(date(2026, 11, 2)),
    last=day_number(date(2026, 11, 9)), observed=120, expected=240.4, low=200.0, high=281.0, peak=0.5,
    figures_since=day_number(date(2026, 11, 2)), detectors=("farrington",), settings={}, n_sources=None,
    top_source_share=None, copies_only=None, updated_at=NOW - timedelta(days=1), acknowledged_at=None,
)  # fmt: skip
FROM_NOTHING = replace(
    RISE, id="c1b2c3d4e5f60718", key="topic=vaccination", expected=0.01, low=0.0, high=1.0, peak=None, n_sources=3,
    top_source_share=0.4, copies_only=False,
)  # fmt: skip
OVER = replace(RISE, id="d1b2c3d4e5f60718", key="audience=nurses")
SIGNALS = (RISE, FALL, FROM_NOTHING, OVER)


def fill_signals(services: Services) -> SignalWatch:
    """One open, one acknowledged, one muted by its key, one ended."""
    watch = SignalWatch(services.trends, services.store, clock=lambda: NOW, labels=services.labels)
    services.__dict__["signal_watch"] = watch
    says = {one.id: watch.says(one) for one in SIGNALS}
    services.store.signals.save(SIGNALS, (), (), says, NOW)
    ended = replace(OVER, state="ended", ended_at=NOW - timedelta(hours=1), updated_at=NOW)
    services.store.signals.save((), (), (ended,), says, NOW)
    services.store.signals.acknowledge(FALL.id, "The autumn holidays.", NOW - timedelta(hours=2))
    services.store.signals.mute(Mute(FROM_NOTHING.key, NOW + timedelta(days=9), "A campaign we know of.", NOW))
    return watch
