"""Digests, their issues and the stored document of an issue, laid out for pages. Pure but for the services it asks.

A document is printed in its own order and words. What a page adds is only where links lead: an issue that was sent
says today what it said then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from api.dashboard.digests import words as digest_words
from api.dashboard.digests.words import Tag
from api.dashboard.words import moment
from monitor.core.digest import DigestSpec
from monitor.core.mask import mask
from monitor.core.schedule import Schedule, parse_schedule

if TYPE_CHECKING:
    from monitor.digests import Digests
    from monitor.store.digests import IssueRecord

Document = Mapping[str, Any]


def address(digest_id: str, *more: object) -> str:
    """Page of a digest, or of what belongs to it."""
    return "/digests/" + "/".join(quote(str(one), safe="") for one in (digest_id, *more))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a digest is doing."""

    tag: Tag
    why: str
    """Empty if all is well."""
    next_run: datetime | None
    schedule: Schedule


def standing_of(digests: Digests, spec: DigestSpec, last: IssueRecord | None, now: datetime) -> Standing:
    """Its state now. A schedule that was checked when the digest was made is taken to be readable."""
    schedule = parse_schedule(spec.schedule)
    if spec.paused:
        return Standing(digest_words.PAUSED, "", None, schedule)
    following = schedule.next(now)
    if problems := digests.problems(spec):
        return Standing(digest_words.BROKEN, mask(" ".join(problems)), following, schedule)
    state = digests.state(spec.id)
    if state is not None and state.trouble:
        return Standing(
            digest_words.TROUBLE, f"The latest run could not be composed: {state.trouble}", following, schedule
        )
    due = schedule.previous(now)
    if state is not None and state.reached < due <= now - digest_words.OVERDUE:
        why = (
            f"The run of {digest_words.local(due, schedule.zone)} ({schedule.zone.key}) has not been dealt with. "
            "Digests go out while `trendmonitor serve` runs; `trendmonitor doctor` says what keeps it."
        )
        return Standing(digest_words.LATE, why, following, schedule)
    if last is not None and last.status in ("failed", "partial"):
        return Standing(
            digest_words.ISSUE_TAGS[last.status], f"Issue {last.number}: see its receipts.", following, schedule
        )
    return Standing(digest_words.ON_TIME if last else digest_words.NO_ISSUE, "", following, schedule)


def row_of(spec: DigestSpec, standing: Standing, last: IssueRecord | None, now: datetime) -> dict[str, Any]:
    """One digest of the list."""
    return {
        "id": spec.id,
        "title": spec.title,
        "href": address(spec.id),
        "tag": standing.tag,
        "why": standing.why,
        "rhythm": rhythm_of(standing),
        "next": next_of(standing, now),
        "last": last and issue_row(last, standing.schedule.zone, now),
        "channels": [digest_words.channel_words(one) for one in spec.channels],
        "owner": "declared in config/" if spec.declared else "made here",
    }


def rhythm_of(standing: Standing) -> str:
    words = standing.schedule.describe()
    return f"{words[:1].upper()}{words[1:]}"


def next_of(standing: Standing, now: datetime) -> str:
    if standing.next_run is None:
        return "not while it is paused"
    return digest_words.run_words(standing.next_run, standing.schedule.zone, now)


def issue_row(one: IssueRecord, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """One issue in a list."""
    unmet = [
        digest_words.refused_words(delivery)[0]
        if delivery.state == "partial"
        else digest_words.delivery_words(delivery, now)
        for delivery in one.deliveries
        if delivery.state != "sent"
    ]
    return {
        "number": one.number,
        "href": address(one.digest, "issues", one.number),
        "title": digest_words.issue_title(one),
        "says": one.says,
        "period": digest_words.period_words(one.since, one.until, zone),
        "run": f"{digest_words.local(one.run_at, zone)} ({zone.key})",
        "date": one.run_at.isoformat(),
        "composed": moment(one.composed_at),
        "tag": digest_words.ISSUE_TAGS[one.status],
        "trouble": unmet[0] if unmet else "",
    }


def receipts_of(one: IssueRecord, now: datetime) -> list[dict[str, Any]]:
    """What became of an issue, channel by channel."""
    return [
        {
            "channel": digest_words.channel_words(delivery.spec),
            "tag": digest_words.DELIVERY_TAGS[delivery.state],
            "says": digest_words.delivery_words(delivery, now) or "Not tried yet.",
            "reached": digest_words.reached_words(delivery),
            "refused": digest_words.refused_words(delivery),
            "at": moment(delivery.changed_at) if delivery.tries else "",
            "again": delivery.sending > 1,
        }
        for delivery in one.deliveries
    ]


def channels_of(spec: DigestSpec, last: IssueRecord | None) -> list[dict[str, Any]]:
    """The channels of a digest with what the last issue met on each."""
    met = {delivery.channel: delivery for delivery in last.deliveries} if last else {}
    rows = []
    for place, channel in enumerate(spec.channels):
        delivery = met.get(place)
        same = delivery is not None and delivery.spec == channel
        rows.append(
            {
                "place": place,
                "words": digest_words.channel_words(channel),
                "recipients": [digest_words.recipient_words(one) for one in channel.to],
                "tag": digest_words.DELIVERY_TAGS[delivery.state] if delivery is not None and same else None,
                "said": digest_words.said_words(delivery.said) if delivery is not None and same else "",
            }
        )
    return rows


def about_of(spec: DigestSpec, labels: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """What a digest is made of, as terms and what is said of them."""
    names = [digest_words.SECTION_NAMES.get(one, one) for one in spec.sections]
    owner = "Declared in config/digests.yaml; change it there. Here it can be paused, tested and sent."
    return [
        {"term": "About", "says": f"{digest_words.scope_words(spec, labels)}."},
        {"term": "Sections", "says": ", ".join(names)},
        {"term": "If nothing changed", "says": digest_words.QUIET_WORDS[spec.quiet]},
        {"term": "If a run was missed", "says": digest_words.grace_words(spec)},
        {"term": "Numbers and dates", "says": f"as written in the language {spec.locale}; the words are English"},
        {
            "term": "Owner",
            "says": owner if spec.declared else "Made here or through the API; it can be changed and deleted.",
        },
    ]


# --- a document ------------------------------------------------------------------------------------------------------


def inside(link: Any, public_url: str) -> str:
    """A link of a document as this page may use it: its own pages by path, the rest of the web over https, or ''."""
    text = str(link or "")
    if public_url and text.startswith(f"{public_url}/"):
        text = text.removeprefix(public_url)
    if text.startswith("/") and not text.startswith(("//", "/\\")):
        return text
    return text if urlsplit(text).scheme in ("https", "http") else ""


def view_of(document: Document, base: str, public_url: str) -> dict[str, Any]:
    """A stored document as its page prints it. `base` is the address of the page, under which its charts are drawn."""
    sections = [_section(one, base, public_url) for one in document["sections"]]
    return {
        "title": document["title"],
        "headline": document["headline"],
        "period": document["period_name"],
        "composed": moment(datetime.fromisoformat(document["composed_at"])),
        "cutoff": moment(datetime.fromisoformat(document["cutoff"])) if document["cutoff"] else "",
        "quiet": bool(document["quiet"]),
        "subject": document["subject"],
        "preheader": document["preheader"],
        "numbers": [_number(one, public_url) for one in document["numbers"]],
        # the headline is the heading of the page; of its section only what stands below it is left
        "sections": [one for one in sections if one["title"] or one["says"] or one["chart"]],
        "reproduce": list(document["reproduce"]),
    }


def _number(one: Document, public_url: str) -> dict[str, Any]:
    against = one["comparison"]
    return {
        "label": one["label"],
        "text": one["text"],
        "interval": one["interval"],
        "n": one["n"] if one["unit"] != "posts" else None,
        "sources": one["sources"],
        "against": f"{against['text']} ({against['interval']}) against {against['against']}" if against else "",
        "refs": _refs(one, public_url),
    }


def _refs(one: Document, public_url: str, page: str = "page") -> list[dict[str, str]]:
    """Where a statement leads: its page, called `page`, and the data and the posts behind it. `name` makes sense without
    the statement."""
    label = str(one.get("label") or page)
    whole = label if page == label else f"{page.capitalize()}: {label}"
    named = (("link", page, whole), ("api", "data", f"Data: {label}"), ("posts", "posts", f"Posts: {label}"))
    found = [{"words": words, "name": name, "href": inside(one.get(field), public_url)} for field, words, name in named]
    return [ref for ref in found if ref["href"].startswith("/") and ref["href"] != "/"]


def _section(one: Document, base: str, public_url: str) -> dict[str, Any]:
    says = [
        {"text": said["text"], "refs": _refs(said, public_url, str(said.get("label") or "page"))}
        for said in one["says"]
    ]
    drawn = one.get("chart")
    return {
        "id": one["id"],
        "title": one["title"],
        "says": says[1:] if one["id"] == "headline" else says,
        "table": one["table"] and _table(one["table"], public_url),
        "chart": drawn
        and {
            "title": drawn["title"],
            "alt": drawn["alt"],
            "src": f"{base}/{quote(one['id'], safe='')}",
            "width": drawn["spec"].get("width"),
            "table": drawn["table"] and _table(drawn["table"], public_url),
            "refs": _refs(drawn, public_url),
        },
    }


def _table(one: Document, public_url: str) -> dict[str, Any]:
    columns: Sequence[Document] = one["columns"]
    rows = []
    for row in one["rows"]:
        outside = inside(row.get("url"), public_url)
        rows.append(
            {
                "cells": [
                    {"text": text, "align": column["align"], "title": column["title"]}
                    for text, column in zip(row["cells"], columns, strict=True)
                ],
                "href": outside or next((ref["href"] for ref in _refs(row, public_url)), ""),
                "leads_out": bool(outside) and not outside.startswith("/"),
            }
        )
    more = one.get("more")
    refs = _refs(more, public_url) if more else []
    return {
        "caption": one["caption"],
        "columns": columns,
        "rows": rows,
        "left_out": one["left_out"],
        "more": {"text": more["text"], "href": refs[0]["href"]} if more and refs else None,
    }
