"""The one chart of a digest: its specification, what it says without the picture, and its table twin. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from monitor.core.charts import LIGHT, buckets_of, time_chart
from monitor.core.digest_links import trend_link
from monitor.core.digest_numbers import Reading, part_name, told_values
from monitor.core.digest_parts import table
from monitor.core.digest_words import INTERVAL, NOT_AVAILABLE, tidy

Document = dict[str, Any]

INNER_WIDTH = 400
"""Pixels between the axes; with axis, names of lines and padding it stays within 560."""
HEIGHT = 220
PAPER = replace(LIGHT, paper="#FAFAF9")
"""Not pure white, which some mail programs turn black around; dark text on it stays readable in any surroundings."""
ROWS = 10
_STATES = {"ok": "", "partial": "partly observed", "too_few": "fewer than 5 posts", "not_observed": "not observed"}


def chart(reading: Reading) -> Document | None:
    """The share that moved most, or the number of posts; None without any bucket.

    {"cid", "title", "spec", "alt", "table", "link", "api"}
    """
    facts, words = reading.facts, reading.words
    mover = next((one for one in reading.movers.found if one.kind == "share"), None)
    answer = dict(facts.charts["volume" if mover is None else mover.series.dimension])
    if mover is not None:
        answer["series"] = [one for one in answer["series"] if one["key"] == mover.series.key]
    if not answer["series"] or not answer["series"][0]["points"]:
        return None
    answer["series"] = [{**answer["series"][0], "label": tidy(mover.series.label, 24) if mover else "Posts"}]
    buckets = buckets_of(answer)
    first, last = buckets[0].start, date.fromisoformat(answer["until"]) - timedelta(days=1)
    span = words.days(first, last + timedelta(days=1))
    metric = "share" if mover else "volume"

    def printed(value: float | None) -> str:
        if value is None:
            return NOT_AVAILABLE
        return words.percent(value) if mover else words.number(value)

    if mover is None:
        title = f"Posts per {answer['interval']}"
        finding = "The number of posts"
    else:
        _, now, _ = told_values(words, mover)
        direction = "up" if mover.shift.difference > 0 else "down"
        title = f"{part_name(mover.series)}: {direction} to {now} of posts"
        finding = f"Share of posts, {part_name(mover.series)}"
    measure = "Share of all posts in scope" if mover else "All posts in scope"
    subtitle = f"{measure}, per {answer['interval']}, {span}; shaded: {INTERVAL}"
    latest = buckets[-1]
    told = [one for one in buckets if one.value is not None]
    ends = (
        f"from {printed(told[0].value)} ({words.day(told[0].start, year=False)}) to {printed(told[-1].value)} "
        f"({words.day(told[-1].start, year=False)})"
        if told
        else "nothing was observed"
    )
    unseen = sum(one.value is None for one in buckets)
    gaps = f" {unseen} of {len(buckets)} {answer['interval']}s were not observed." if unseen else ""
    alt = f"{finding}, per {answer['interval']}, {span}: {ends}.{gaps} The table has every value."
    spec = time_chart(answer, title=title, subtitle=subtitle, description=alt, theme=PAPER, width=INNER_WIDTH)
    spec["height"] = HEIGHT
    rows = [
        {
            "cells": [
                words.day(one.start),
                printed(one.value),
                NOT_AVAILABLE
                if one.low is None or one.high is None
                else words.between(printed(one.low), printed(one.high)),
                *([words.number(one.n)] if mover else []),
                _STATES.get(one.status, one.status),
            ]
        }
        for one in buckets[-ROWS:]
    ]
    columns = [(f"{answer['interval'].capitalize()} of", "left"), ("Share" if mover else "Posts", "right")]
    columns += [(INTERVAL, "right"), *([("Posts", "right")] if mover else []), ("Note", "left")]
    link = trend_link(
        metric, facts.period, facts.scope, by=mover.series.dimension if mover else None, back=len(facts.earlier)
    )
    return {
        "cid": f"chart-{latest.start.isoformat()}",
        "title": title,
        "spec": spec,
        "alt": alt,
        "table": table(f"{title}. {subtitle.rpartition(';')[0]}", columns, rows, None),
        **link,
    }
