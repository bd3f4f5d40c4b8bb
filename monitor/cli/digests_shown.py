"""How digests and their issues look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.cli.output import ago, counted, say, table

Document = Mapping[str, Any]

STATUS_WORDS: Mapping[str, str] = {
    "composed": "… on its way",
    "sent": "✓ sent",
    "partial": "! sent to some",
    "failed": "✕ not sent",
    "quiet": "– quiet, not sent",
    "missed": "✕ missed",
}
STATE_WORDS: Mapping[str, str] = {
    "waiting": "… waiting",
    "sent": "✓ sent",
    "partial": "! sent to some",
    "failed": "✕ not sent",
}
_MOST_NAMED = 20
"""Recipients named one by one."""


def show_list(digests: Sequence[Document], now: datetime) -> None:
    if not digests:
        say("There are no digests: add one to config/digests.yaml, or with POST /api/v1/digests.")
        return
    rows = []
    for one in digests:
        last = one["last_issue"]
        went = "never" if last is None else f"{STATUS_WORDS[last['status']]} {ago(last['composed_at'], now)}"
        due = "paused" if one["paused"] else "never" if one["next_run"] is None else ago(one["next_run"], now)
        kinds = ", ".join(dict.fromkeys(channel["kind"] for channel in one["channels"]))
        rows.append((one["id"], one["when"], kinds, due, went))
    table("ID", "When", "Channels", "Next", "Last", rows=rows, whole=("ID", "Next", "Last"))
    for one in digests:
        for problem in one["problems"]:
            say(f"! {one['id']}: {problem}")
        if one["trouble"]:
            say(f"! {one['id']} could not be composed, and is tried again: {one['trouble']}")
        if one["unsubscribed"]:
            say(f"{one['id']}: {counted(one['unsubscribed'], 'reader')} left.")


def show_issues(issues: Sequence[Document], digest_id: str, now: datetime) -> None:
    if not issues:
        say(f"{digest_id} was never sent. What it would say: trendmonitor digest preview {digest_id}")
        return
    rows = [
        (
            one["number"],
            f"{one['run_at']:%Y-%m-%d %H:%M}",
            STATUS_WORDS[one["status"]],
            ", ".join(f"{delivery['kind']} {STATE_WORDS[delivery['state']][:1]}" for delivery in one["deliveries"]),
            one["says"],
        )
        for one in issues
    ]
    table("No.", "Run (UTC)", "Status", "Channels", "Says", rows=rows, right=("No.",), whole=("Run (UTC)", "Status"))
    for one in issues:
        for delivery in one["deliveries"]:
            if delivery["state"] != "sent":
                _show_delivery(f"No. {one['number']}, ", delivery, now)


def show_issue(issue: Document, now: datetime) -> None:
    say(f"{issue['digest']} no. {issue['number']}: {STATUS_WORDS[issue['status']]}", style="bold")
    say(issue["says"])
    say(
        f"{issue['since']:%Y-%m-%d %H:%M} to {issue['until']:%Y-%m-%d %H:%M} UTC, composed {ago(issue['composed_at'], now)}."
    )
    for delivery in issue["deliveries"]:
        _show_delivery("", delivery, now)


def _show_delivery(before: str, one: Document, now: datetime) -> None:
    said = f": {one['said']}" if one["said"] else ""
    tries = f" after {counted(one['tries'], 'try')}".replace("trys", "tries") if one["tries"] > 1 else ""
    later = f" Next try {ago(one['next_try'], now)}." if one["next_try"] is not None else ""
    say(f"  {before}channel {one['channel']}, {one['kind']}: {STATE_WORDS[one['state']]}{tries}{said}{later}")
    for refusal in one["refused"][:_MOST_NAMED]:
        say(f"    {refusal['to']} refused: {refusal['why']}")
    if len(one["refused"]) > _MOST_NAMED:
        say(
            f"    and {counted(len(one['refused']) - _MOST_NAMED, 'more')} (--json has them all)".replace(
                "mores", "more"
            )
        )
