"""Signals as a service: looks at the counts for sudden change, keeps what it finds, and tells it to whoever asks.

The methods are in `monitor.core.signals`, and docs/signals.md describes them; here is where the numbers come from and
what becomes of the answers. Safe to call from several threads and processes: a signal's id follows from what changed
and when, so it is opened once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from monitor.core.buckets import day_date, day_number, day_start
from monitor.core.moments import written
from monitor.core.panel import Regimes
from monitor.posts_query import by_country
from monitor.retag import tagging_break
from monitor.store.search import PostQuery
from monitor.store.signals import Mute

if TYPE_CHECKING:
    from monitor.core.cube import Cube
    from monitor.core.observed import Coverage
    from monitor.core.signal_panel import WatchList
    from monitor.core.signals.series import Alarm, Origin, Signal
    from monitor.store.search import PostPage
    from monitor.store.store import Store
    from monitor.trends import Trends

REACH = timedelta(days=180)
"""How far back ended signals are remembered, so that the same change does not open one again."""
LONGEST_MUTE = timedelta(days=3650)
_MOST = 1_000


class UnknownSignal(LookupError):
    """There is no such signal or key; the message names what there is."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one look brought."""

    new: tuple[Signal, ...] = ()
    updated: tuple[Signal, ...] = ()
    ended: tuple[Signal, ...] = ()
    watched: int = 0
    """Series that were looked at; 0 also if nothing had changed since the last look."""


class SignalWatch:
    """Watches one store. `labels`: dimension → key → name for people. `budget`: false alarms in 30 days over everything
    that is watched. `clock` tells the present moment, aware UTC."""

    def __init__(
        self,
        trends: Trends,
        store: Store,
        *,
        clock: Callable[[], datetime],
        labels: Mapping[str, Mapping[str, str]] | None = None,
        budget: float = 1.0,
    ) -> None:
        self._trends = trends
        self._store = store
        self._records = store.signals
        self._clock = clock
        self._labels = labels or {}
        self._budget = budget
        self._lock = threading.Lock()
        self._seen: int | None = None

    def refresh(self) -> Changes:
        """Look, unless nothing has changed since the last look of this process; returns what is new in the store."""
        from monitor.core.signals import detect, follow

        with self._lock:
            now = self._clock()
            if self._seen == self._trends.version():
                return Changes()
            regimes = self._regimes(now)
            today = day_number(now) - 1
            watched, version = self._trends.look(
                lambda cube, coverage, at: (_watched(cube, coverage, today, regimes), at)
            )
            alarms = detect(watched.series, budget=self._budget, today=today) if watched.series else []
            known = self._records.recent(state=None, since=now - REACH, until=None, limit=_MOST)
            alarms = _told_once(alarms, known)
            found = follow(known, alarms, now, origins=self._origins(watched, alarms, today))
            told = {one.id: self.says(one) for one in (*found.new, *found.ended)}
            events = self._records.save(found.new, found.updated, found.ended, told, now)
            self._seen = version
        ours = {(event.kind, event.subject) for event in events}
        return Changes(
            new=tuple(one for one in found.new if ("signal_opened", one.id) in ours),
            updated=found.updated,
            ended=tuple(one for one in found.ended if ("signal_ended", one.id) in ours),
            watched=len(watched.series),
        )

    def signals(
        self,
        *,
        state: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[Signal]:
        """Newest news first, muted ones among them. `state`: open or ended; `since` and `until`: open at any time of
        [since, until)."""
        return self._records.recent(state=state, since=since, until=until, limit=limit)

    def signal(self, signal_id: str) -> Signal:
        """Raises UnknownSignal."""
        found = self._records.get(signal_id)
        if found is None:
            some = [one.id for one in self.signals(limit=_MOST)]
            near = get_close_matches(signal_id[:64], some, n=1)
            hint = f"Did you mean {near[0]}?" if near else "`trendmonitor signals` lists all."
            raise UnknownSignal(f"There is no signal {signal_id[:64]!r}. {hint}")
        return found

    def acknowledge(self, signal_id: str, note: str) -> Signal:
        """Somebody has seen it. Raises UnknownSignal, and ValueError without a note."""
        self.signal(signal_id)
        self._records.acknowledge(signal_id, _reason(note), self._clock())
        return self.signal(signal_id)

    def mute(self, subject: str, until: datetime, reason: str) -> Mute:
        """Tell nobody of a signal, or of any signal of a key such as topic=telehealth, until then; a moment in the past
        lifts it. Raises UnknownSignal, and ValueError without a reason or for a moment ten years ahead."""
        now = self._clock()
        if "=" not in subject and subject != "all":
            self.signal(subject)
        elif subject != "all":
            self._known_key(subject)
        if until > now + LONGEST_MUTE:
            raise ValueError("muted for more than ten years: name an earlier day")
        mute = Mute(subject, until, _reason(reason), now)
        self._records.mute(mute)
        return mute

    def mutes(self) -> list[Mute]:
        """Those that still hold."""
        now = self._clock()
        return [one for one in self._records.mutes() if one.until > now]

    def evidence(self, signal_id: str, limit: int = 20, cursor: str | None = None) -> PostPage:
        """The posts of the change, those with the most interactions first. Raises UnknownSignal, and ValueError for a
        cursor that is not one of these."""
        from monitor.core.signal_panel import key_filter
        from monitor.core.signals.series import LENGTH

        signal = self.signal(signal_id)
        return self._store.posts(
            PostQuery(
                filters=by_country(key_filter(signal.key)),
                since=day_start(signal.since),
                until=day_start(signal.last + LENGTH[signal.size]),
                order="engagement",
                cursor=cursor,
                limit=limit,
            )
        )

    def sources(self, signal_id: str, limit: int = 10) -> list[tuple[str, int]]:
        """Which sources the posts of the change are from: (source id, posts), most first. Raises UnknownSignal."""
        from monitor.core.signal_panel import posts_by_source

        signal = self.signal(signal_id)
        counts = self._trends.look(lambda cube, coverage, at: posts_by_source(cube, signal))
        return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:limit]

    def document(self, signal: Signal) -> dict[str, Any]:
        """One signal as JSON: what, since when, how much against what, found how, from where."""
        from monitor.core.signal_panel import key_filter
        from monitor.core.signals.series import LENGTH

        dimension, _, value = signal.key.partition("=")
        days = [day_date(day).isoformat() for day in (signal.since, signal.last + LENGTH[signal.size])]
        posts = "&".join([*(f"{name}={one}" for name, (one,) in key_filter(signal.key).items()), f"since={days[0]}"])
        return {
            "id": signal.id,
            "key": signal.key,
            "dimension": dimension if value else None,
            "value": value or None,
            "label": self.label(signal.key),
            "says": self.says(signal),
            "size": signal.size,
            "direction": signal.direction,
            "state": signal.state,
            "since": days[0],
            "until": days[1],
            "figures_since": day_date(signal.figures_since).isoformat(),
            "observed": signal.observed,
            "expected": signal.expected,
            "low": signal.low,
            "high": signal.high,
            "ratio": signal.ratio,
            "peak": signal.peak,
            "p": signal.p,
            "detectors": list(signal.detectors),
            "settings": dict(signal.settings),
            "n_sources": signal.n_sources,
            "top_source_share": signal.top_source_share,
            "copies_only": signal.copies_only,
            "opened_at": _stamp(signal.opened_at),
            "updated_at": _stamp(signal.updated_at),
            "ended_at": _stamp(signal.ended_at),
            "acknowledged_at": _stamp(signal.acknowledged_at),
            "acknowledged_why": signal.acknowledged_why,
            "muted_until": _stamp(signal.muted_until),
            "muted_why": signal.muted_why,
            "muted": signal.muted_until is not None and signal.muted_until > self._clock(),
            "posts": f"/api/v1/posts?{posts}&until={days[1]}&order=engagement",
        }

    def says(self, signal: Signal) -> str:
        """One or two sentences in plain words."""
        more = "More" if signal.direction == "up" else "Fewer"
        begun, last = day_date(signal.since), day_date(signal.last)
        when = f"{begun.day} {begun:%B %Y}"
        if signal.since != signal.last:
            when += f" to {last.day} {last:%B %Y}"
        if signal.size == "week":
            when = f"week{'' if signal.since == signal.last else 's'} of {when}"
        text = (
            f"{more} posts than usual: {self.label(signal.key)}, {when}: {signal.observed} where about"
            f" {signal.expected:.0f} were expected ({signal.low:.0f} to {signal.high:.0f})."
        )
        if signal.copies_only:
            text += " Copies of one text alone explain it."
        elif signal.n_sources == 1:
            text += " All from one source."
        elif signal.n_sources:
            text += f" From {signal.n_sources} sources."
        return text + (" It has ended." if signal.state == "ended" else "")

    def label(self, key: str) -> str:
        """The name of a key for people: 'topic Telehealth'."""
        dimension, _, value = key.partition("=")
        if not value:
            return "all posts"
        return f"{dimension.replace('_', ' ')} {self._labels.get(dimension, {}).get(value, value.replace('_', ' '))}"

    def told(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """Signals that were open at any time of [since, until) and are not muted, as documents: what a digest tells."""
        now = self._clock()
        found = self.signals(since=since, until=until)
        return [self.document(one) for one in found if one.muted_until is None or one.muted_until <= now]

    def _origins(self, watched: WatchList, alarms: Sequence[Alarm], today: int) -> dict[str, Origin]:
        if not alarms:
            return {}
        from monitor.core.signal_panel import origins, without_copies
        from monitor.core.signals import detect

        folded = self._trends.look(lambda cube, coverage, at: without_copies(cube, watched, today))
        lasting = frozenset(alarm.name for alarm in detect(folded, budget=self._budget, today=today))
        named = {alarm.name: alarm for alarm in alarms}
        return self._trends.look(lambda cube, coverage, at: origins(cube, watched, named, lasting))

    def _regimes(self, now: datetime) -> Regimes:
        """Since when tags and sources are what they are."""
        tagging = tagging_break(self._store)
        changes: dict[str, int] = {}
        after = 0
        while events := self._store.events(kinds=("source_changed",), after=after):
            changes |= {event.source: day_number(event.at) for event in events if event.source is not None}
            after = events[-1].id
        return Regimes(None if tagging is None or tagging > now else day_number(tagging) + 1, changes)

    def _known_key(self, key: str) -> None:
        from monitor.core.signal_panel import DIMENSIONS

        dimension, _, value = key.partition("=")
        if dimension not in DIMENSIONS:
            known = ", ".join(f"{name}=…" for name in DIMENSIONS)
            raise UnknownSignal(
                f"There are no signals of {dimension[:60]!r}: mute the id of a signal, or one of {known}."
            )
        values = self._trends.look(lambda cube, coverage, at: cube.keys(dimension))
        if value not in values:
            near = get_close_matches(value, values, n=1)
            hint = f"Did you mean {dimension}={near[0]}?" if near else ""
            raise UnknownSignal(f"No post has {key[:120]}. {hint}".strip())


def _watched(cube: Cube, coverage: Coverage, today: int, regimes: Regimes) -> WatchList:
    from monitor.core.signal_panel import watch_list

    return watch_list(cube, coverage, today, regimes)


def _told_once(alarms: Sequence[Alarm], known: Sequence[Signal]) -> list[Alarm]:
    """Without those that a signal by days tells already by weeks, or the other way round; new ones by days go first."""
    from monitor.core.signals.series import LENGTH

    told = [(one.key, one.direction, one.size, one.since, one.last + LENGTH[one.size]) for one in known]
    kept = []
    for alarm in sorted(alarms, key=lambda one: LENGTH[one.size]):
        until = alarm.end + LENGTH[alarm.size]
        if not any(
            (key, direction) == (alarm.key, alarm.direction)
            and size != alarm.size
            and start < until
            and alarm.start < end
            for key, direction, size, start, end in told
        ):
            kept.append(alarm)
            told.append((alarm.key, alarm.direction, alarm.size, alarm.start, until))
    return kept


def _reason(why: str) -> str:
    text = " ".join(why.split())
    if not text:
        raise ValueError("say why, in a few words: whoever reads this next will need it")
    if len(text) > 500:
        raise ValueError(f"a reason of {len(text)} characters is too long: use at most 500")
    return text


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else written(moment)
