"""What is broken and what to do: the same findings for `trendmonitor doctor` and `/readyz`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from monitor.bootstrap import Services
from monitor.config import ConfigErrors
from monitor.core.model import TrackedSource
from monitor.store.errors import StoreError

LOW_DISK = 500 * 1024 * 1024
LATE = timedelta(hours=1)
SHOWN = 15


@dataclass(frozen=True, slots=True)
class Finding:
    level: Literal["ok", "warning", "problem"]
    subject: str
    says: str
    remedy: str | None = None


def examine(services: Services) -> list[Finding]:
    """Every finding, problems included; raises nothing for what it looks at."""
    findings = [_config(services), _disk(services)]
    try:
        tracked = services.store.sources()
    except StoreError as error:
        findings.append(
            Finding("problem", "database", str(error), "Mend the database first; nothing else can be looked at.")
        )
        return findings
    totals = services.store.totals()
    findings.append(
        Finding("ok", "database", f"{services.store.url}: {totals.posts:,} posts from {len(tracked)} sources")
    )
    if services.generated:
        findings.append(
            Finding("warning", "data", "this database holds generated posts, and nothing is collected into it")
        )
        return findings
    findings.extend(_sources(services, tracked))
    return findings


def _config(services: Services) -> Finding:
    try:
        config = services.config
    except ConfigErrors as error:
        return Finding("problem", "configuration", str(error), "Correct these lines and run `trendmonitor apply`.")
    return Finding("ok", "configuration", f"{len(config.sources)} sources declared in {services.settings.config}")


def _disk(services: Services) -> Finding:
    home = services.settings.home
    free = shutil.disk_usage(home if home.exists() else home.parent if home.parent.exists() else "/").free
    says = f"{free / 1e9:.1f} GB free at {home}"
    if free < LOW_DISK:
        return Finding(
            "problem", "disk", says, "Free some space or move TRENDMONITOR_HOME; a full disk stops collecting."
        )
    return Finding("ok", "disk", says)


def _sources(services: Services, tracked: list[TrackedSource]) -> list[Finding]:
    now = services.clock()
    active = [
        one for one in tracked if not one.state.paused and not one.state.stopped and one.source.collector != "archive"
    ]
    failing = [one for one in active if one.state.failing_since]
    stopped = [one for one in tracked if one.state.stopped and one.source.collector != "archive" and one.state.last_try]
    never = [one for one in active if one.state.last_try is None]
    late = [one for one in active if one.state.next_due and now - one.state.next_due > LATE]
    found: list[Finding] = []
    if not tracked:
        return [
            Finding(
                "problem",
                "sources",
                "none is tracked",
                "Add one: trendmonitor sources add URL, or run `trendmonitor apply`.",
            )
        ]
    fine = len(active) - len(failing) - len(never)
    found.append(Finding("ok", "sources", f"{fine} of {len(active)} active sources answered at their last visit"))
    if never:
        found.append(
            Finding(
                "warning",
                "sources",
                f"{len(never)} have not been visited yet",
                "Start the service, or run `trendmonitor collect`.",
            )
        )
    if late:
        found.append(
            Finding(
                "warning",
                "schedule",
                f"{len(late)} sources are due for more than an hour",
                "Is the service running? `trendmonitor serve` collects on schedule.",
            )
        )
    unverified = [one for one in failing if not one.state.verified]
    if len(failing) == len(active) - len(never) and len(failing) > 3:
        found.append(
            Finding(
                "problem",
                "network",
                "every visited source fails",
                "Probably this machine cannot reach the internet; look at proxy, firewall and name resolution.",
            )
        )
    for one in sorted(failing, key=lambda one: one.state.failing_since or now)[:SHOWN]:
        since = one.state.failing_since
        level: Literal["warning", "problem"] = "warning" if one in unverified else "problem"
        found.append(
            Finding(
                level,
                one.source.id,
                f"failing since {since:%Y-%m-%d %H:%M} UTC: {one.state.error}",
                REMEDIES.get(one.state.error_code or ""),
            )
        )
    if len(failing) > SHOWN:
        found.append(
            Finding(
                "problem",
                "sources",
                f"and {len(failing) - SHOWN} more fail",
                "`trendmonitor sources list --status failing` names them all.",
            )
        )
    found.extend(
        Finding(
            "warning",
            one.source.id,
            f"stopped: {one.state.stopped}",
            f"If that is wrong: trendmonitor sources resume {one.source.id}",
        )
        for one in stopped[:SHOWN]
    )
    return found


REMEDIES = {
    "http_404": "The address may have changed: `trendmonitor sources discover` on the site's address looks for its feeds.",
    "http_403": "The site refuses automated readers. Look for another public route; do not work around it.",
    "not_a_feed": "The address answers with a web page. `trendmonitor sources discover` looks for its feeds.",
    "private_address": "If this address is yours and meant, list its network in TRENDMONITOR_ALLOW_NETS.",
    "dns": "The name does not resolve. Check the spelling, and whether this machine has name resolution.",
}
