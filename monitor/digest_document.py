"""Digests and their issues as documents: what the API answers, what `--json` prints and what tables are made from.

Recipients are people. With `reveal` false their mail addresses are shown as `j…@example.org`, web addresses by their host
alone, and what servers said has no mail address in it. Variables that hold secrets are always shown by name only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from monitor.config_source import format_every
from monitor.core.digest import ChannelSpec, DigestSpec, Message
from monitor.core.mask import mask
from monitor.core.schedule import parse_schedule
from monitor.deliver.base import Receipt
from monitor.digests import Digests
from monitor.store.digests import Delivery, IssueRecord

Document = dict[str, Any]


def digest_document(digests: Digests, spec: DigestSpec, *, reveal: bool) -> Document:
    """One digest: what is asked for, what keeps it from being sent, when it is due, and how it went last."""
    state = digests.state(spec.id)
    latest = digests.issues(spec.id, limit=1)
    problems = digests.problems(spec)
    runs = not any(problem.startswith("schedule:") for problem in problems)
    return {
        "id": spec.id,
        "title": spec.title,
        "schedule": spec.schedule,
        "when": parse_schedule(spec.schedule).describe() if runs else spec.schedule,
        "channels": [_channel(channel, reveal=reveal) for channel in spec.channels],
        "filters": {name: list(values) for name, values in spec.filters.items()},
        "sections": list(spec.sections),
        "locale": spec.locale,
        "quiet": spec.quiet,
        "grace": format_every(spec.grace),
        "owner": "config" if spec.declared else "api",
        "paused": spec.paused,
        "next_run": digests.next_run(spec.id) if runs else None,
        "problems": [problem if reveal else mask(problem) for problem in problems],
        "trouble": None if state is None else state.trouble,
        "unsubscribed": len(digests.unsubscribed(spec.id)),
        "last_issue": issue_document(latest[0], reveal=reveal) if latest else None,
    }


def issue_document(issue: IssueRecord, *, reveal: bool) -> Document:
    """One issue and what became of each delivery, without what was composed."""
    return {
        "digest": issue.digest,
        "number": issue.number,
        "status": issue.status,
        "says": issue.says,
        "run_at": issue.run_at,
        "since": issue.since,
        "until": issue.until,
        "composed_at": issue.composed_at,
        "deliveries": [_delivery(one, reveal=reveal) for one in issue.deliveries],
    }


def message_document(message: Message) -> Document:
    """A rendered issue for programs: every view but the HTML page, and pictures by what they show."""
    return {
        "key": message.key,
        "subject": message.subject,
        "preheader": message.preheader,
        "short": message.short,
        "text": message.text,
        "markdown": message.markdown,
        "links": dict(message.links),
        "pictures": [
            {"cid": one.cid, "alt": one.alt, "width": one.width, "height": one.height, "bytes": len(one.png)}
            for one in message.pictures
        ],
        "document": dict(message.document),
    }


def receipt_document(receipt: Receipt, channel: ChannelSpec, place: int, *, reveal: bool) -> Document:
    """What a channel answered to a test."""
    return {
        "channel": place,
        "kind": channel.kind,
        "at": receipt.at,
        "said": _said(receipt.said, reveal=reveal),
        "confirmed": [recipient_words(one, reveal=reveal) for one in receipt.confirmed],
        "refused": _refused(receipt.partial, reveal=reveal),
    }


def recipient_words(recipient: str, *, reveal: bool) -> str:
    """A mail address shortened to what tells people apart who know each other, a web address to its host: its path may
    be what lets a sender in. Folders and names of variables as they are."""
    if reveal:
        return recipient
    if "://" in recipient:
        parts = urlsplit(recipient)
        return f"{parts.scheme}://{parts.hostname or ''}/…"
    local, at, domain = recipient.rpartition("@")
    return f"{local[:1]}…@{domain}" if at else recipient


def _channel(spec: ChannelSpec, *, reveal: bool) -> Document:
    to = [recipient_words(one, reveal=reveal) for one in spec.to]
    options = {name: _said(one, reveal=reveal) if isinstance(one, str) else one for name, one in spec.options.items()}
    return {"kind": spec.kind, "to": to, "options": options}


def _delivery(one: Delivery, *, reveal: bool) -> Document:
    confirmed = [_confirmation(name, at, reveal=reveal) for name, at in one.confirmed.items()]
    return {
        "channel": one.channel,
        "kind": one.spec.kind,
        "state": one.state,
        "tries": one.tries,
        "next_try": one.next_try,
        "said": _said(one.said, reveal=reveal),
        "confirmed": confirmed,
        "refused": _refused(one.refused, reveal=reveal),
        "changed_at": one.changed_at,
    }


def _confirmation(recipient: str, at: datetime, *, reveal: bool) -> Document:
    return {"to": recipient_words(recipient, reveal=reveal), "at": at}


def _refused(refused: Mapping[str, str], *, reveal: bool) -> list[Document]:
    return [
        {"to": recipient_words(name, reveal=reveal), "why": _said(why, reveal=reveal)} for name, why in refused.items()
    ]


def _said(text: str, *, reveal: bool) -> str:
    """Servers like to repeat the address they were asked for."""
    return text if reveal else mask(text)
