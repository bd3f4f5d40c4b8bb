"""What is broken and what to do: the same findings for `trendmonitor doctor` and `/readyz`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from collectors import registry
from collectors.base import NO_DUTIES
from monitor.bootstrap import Services
from monitor.config import ConfigErrors
from monitor.core.decide import OFFLINE
from monitor.core.model import TrackedSource
from monitor.remedies import remedy_for
from monitor.retag import outdated
from monitor.settings import unknown_variables
from monitor.standing import is_late, status_of
from monitor.store.errors import StoreError
from monitor.store.sources import RETIRED

LATE_REVIEW = 2
"""Stored posts that were not looked up again for so many times the interval of their platform are told."""
LOW_DISK = 500 * 1024 * 1024
PATIENCE = timedelta(days=1)
"""A source that has failed for longer than this needs a person; before that it usually mends itself."""
MANY_FAIL = 4
"""So many failing sources, and none that works: look at this machine first."""
SHOWN = 15

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    """problem: needs a person. warning: worth knowing."""
    subject: str
    says: str
    remedy: str | None = None


def examine(services: Services, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Every finding, problems included; raises nothing for what it looks at.

    Takes milliseconds on a service that runs; what takes longer is in `try_examples`.
    """
    findings = [_config(services), *_environment(environ), _disk(services)]
    try:
        tracked, totals = services.store.sources(), services.store.totals()
        generated, tagging = services.generated, _tagging(services)
    except StoreError as error:
        remedy = "Mend the database first; nothing else can be looked at."
        return [*findings, Finding("problem", "database", str(error), remedy)]
    says = f"{services.store.url}: {totals.posts:,} posts from {len(tracked)} sources"
    findings += [Finding("ok", "database", says), *tagging]
    if generated:
        says = "this database holds generated posts, and nothing is collected into it"
        return [*findings, Finding("warning", "data", says, "Use another TRENDMONITOR_HOME to collect real ones.")]
    digests = _digests(services) if findings[0].level == "ok" else []  # a faulty config/ says nothing of them
    return [*findings, *digests, *_sources(tracked, services.clock()), *_duties(services, tracked)]


def _duties(services: Services, tracked: list[TrackedSource]) -> list[Finding]:
    """What is owed to platforms and is late, and what could not be read. Raises StoreError."""
    now, found = services.clock(), []
    for one in tracked:
        collector = registry.get(one.source.collector) if one.source.collector in registry.names() else None
        duties = collector.duties if collector is not None else NO_DUTIES
        if duties.review is None:
            continue
        since = None if duties.review_for is None else now - duties.review_for
        late = services.store.duties.to_review(
            one.source.id, before=now - LATE_REVIEW * duties.review, published_since=since, limit=1
        )
        if late:
            says = f"posts have not been looked up again for {LATE_REVIEW} times as long as the platform asks for"
            remedy = "Is the service running, and its key still good? `trendmonitor sources test` tells."
            found.append(Finding("warning", one.source.id, says, remedy))
    for source, count in sorted(services.store.set_aside.counts().items()):
        says = f"{count} items could not be read and were set aside"
        found.append(Finding("warning", source, says, f"`trendmonitor sources set-aside {source}` shows them."))
    return found


def _digests(services: Services) -> list[Finding]:
    """What keeps a digest from being sent from this machine: a variable that is not set, no mail server."""
    remedy = "docs/channels.md says how each channel is set up; `trendmonitor digest test ID CHANNEL` proves it."
    return [
        Finding("warning", f"digest {spec.id}", problem, remedy)
        for spec in services.digests.specs()
        if not spec.paused
        for problem in services.digests.problems(spec)
    ]


def _config(services: Services) -> Finding:
    try:
        config = services.config
    except ConfigErrors as error:
        return Finding("problem", "configuration", str(error), "Correct these lines and run `trendmonitor apply`.")
    return Finding("ok", "configuration", f"{len(config.sources)} sources declared in {services.settings.config}")


def _tagging(services: Services) -> list[Finding]:
    """Whether stored posts were tagged by the present rules and lists; says nothing if so. Raises StoreError."""
    try:
        config = services.config
    except ConfigErrors:
        return []  # `_config` has said so
    note = outdated(services.store, config.taxonomy, config.lexicon)
    if note is None:
        return []
    says, _, remedy = note.partition(": ")
    return [Finding("warning", "tags", says, remedy[:1].upper() + remedy[1:])]


def try_examples(services: Services) -> list[Finding]:
    """Every example and counter-example of config/taxonomy/, tagged as a post would be. Takes about half a second.

    Nothing if the configuration cannot be read: `examine` says that.
    """
    try:
        config = services.config
    except ConfigErrors:
        return []
    # Imported late: readiness is asked for often and never comes here
    from monitor.core.annotate import Taggers
    from monitor.core.examples import untrue_examples

    taggers = Taggers.build(config.taxonomy, config.lexicon)
    wrong = untrue_examples(taggers)
    if not wrong:
        topics = taggers.taxonomy.topics
        count = sum(len(topic.examples) + len(topic.counter_examples) for topic in topics)
        return [Finding("ok", "topics", f"all {count} examples of {len(topics)} topics are tagged as they claim")]
    found = []
    for one in wrong[:SHOWN]:
        if one.wanted:
            says = f"{one.text!r} is an example, but is not found (language: {one.language or 'not clear'})"
            remedy = "Add a phrase that finds it, in that language, to its file in config/taxonomy/; or correct it."
        else:
            says = f"{one.text!r} is a counter-example, but is found"
            remedy = "Narrow the phrase or exclude the expression in its file in config/taxonomy/; or correct it."
        found.append(Finding("problem", f"topic {one.topic}", says, remedy))
    if len(wrong) > SHOWN:
        found.append(Finding("problem", "topics", f"{len(wrong) - SHOWN} more examples are tagged otherwise"))
    return found


def _environment(environ: Mapping[str, str]) -> list[Finding]:
    return [
        Finding("warning", "environment", f"nothing reads {name}", f"Is it misspelt? {hint[:1].upper()}{hint[1:]}")
        for name, hint in unknown_variables(environ).items()
    ]


def _disk(services: Services) -> Finding:
    home = services.settings.home.absolute()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    says = f"{free / 1e9:.1f} GB free at {home}"
    if free < LOW_DISK:
        remedy = "Free some space or move TRENDMONITOR_HOME; a full disk stops collecting."
        return Finding("problem", "disk", says, remedy)
    return Finding("ok", "disk", says)


def _sources(tracked: list[TrackedSource], now: datetime) -> list[Finding]:
    by_status: dict[str, list[TrackedSource]] = {}
    for one in tracked:
        by_status.setdefault(status_of(one), []).append(one)
    fine, failing, waiting = (by_status.get(status, []) for status in ("ok", "failing", "waiting"))
    if not tracked:
        remedy = "Add one: trendmonitor sources add URL, or run `trendmonitor apply`."
        return [Finding("problem", "sources", "none is tracked", remedy)]
    found: list[Finding] = []
    if fine or failing:
        says = f"{len(fine)} of {len(fine) + len(failing)} visited sources answered at their last visit"
        found.append(Finding("ok", "sources", says))
    if waiting:
        remedy = "Start the service, or run `trendmonitor collect`."
        found.append(Finding("warning", "sources", f"{len(waiting)} not visited yet", remedy))
    late = sum(is_late(one, now) for one in tracked)
    if late:
        remedy = "Is the service running? `trendmonitor serve` collects on schedule."
        found.append(Finding("warning", "schedule", f"{late} due for more than an hour", remedy))
    offline = [one for one in failing if one.state.error_code == OFFLINE]
    if offline or (not fine and len(failing) >= MANY_FAIL):
        says = "no source could be reached at the last try" if offline else "every visited source fails"
        found.append(Finding("problem", "network", says, remedy_for(OFFLINE)))
    theirs = sorted((one for one in failing if one not in offline), key=lambda one: one.state.failing_since or now)
    found += [_failure(one, now) for one in theirs[:SHOWN]]
    if len(theirs) > SHOWN:
        remedy = "`trendmonitor sources list --status failing` names them all."
        found.append(Finding("warning", "sources", f"{len(theirs) - SHOWN} more fail", remedy))
    found += [
        Finding(
            "warning",
            one.source.id,
            f"stopped: {one.state.stopped}",
            f"Remove it, or if that is wrong: trendmonitor sources resume {one.source.id}",
        )
        for one in by_status.get("stopped", [])[:SHOWN]
        if one.state.stopped != RETIRED
    ]
    return found


def _failure(one: TrackedSource, now: datetime) -> Finding:
    since = one.state.failing_since or now
    # An address that has never answered anybody is an offer that did not work out, not a loss.
    lasts = one.state.verified and now - since > PATIENCE
    says = f"failing since {since:%Y-%m-%d %H:%M} UTC: {one.state.error}"
    return Finding("problem" if lasts else "warning", one.source.id, says, remedy_for(one.state.error_code))
