"""Posts, facets and one post with its tags and labels, laid out for pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from api.dashboard.names import Labels
from api.dashboard.posts import words as post_words
from api.dashboard.posts.asked import EXPORTED, WITH_COPIES, Asked, post_address
from api.dashboard.posts.facets import FACETS, Division
from api.dashboard.words import joined
from monitor.core.mask import excerpt, mask
from monitor.core.model import AUDIENCES, CONTENT_TYPES, UNKNOWN, Interval, Post
from monitor.core.query import CLOSED
from monitor.labels import DIMENSIONS, SENTIMENTS, SEVERAL, standing, value_of
from monitor.posts_query import FLAG

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.core.sentiment import Term
    from monitor.store.coverage import Gap
    from monitor.store.labels import Label

EXCERPT = 300
OF_SOURCE = "platform of source"
"""Key of the names: source id → platform id."""
SHOWN, MORE_SHOWN = 6, 20
"""Values of one facet: seen at once, and behind “more”."""
HEADING = 90
LONGEST_TEXT = 20_000
TERMS_SHOWN = 30
HISTORY_SHOWN = 50


# --- the list --------------------------------------------------------------------------------------------------------


def row_of(post: Post, names: Labels) -> dict[str, Any]:
    """One post of a list."""
    return {
        "href": post_address(post.source, post.id),
        "heading": heading_of(post),
        "excerpt": excerpt(post.text, EXCERPT) if post.title else "",
        "lang": post.annotation.language or "",
        "source": {"name": post_words.value_name(names, "source", post.source), "href": source_address(post.source)},
        "platform": post_words.value_name(names, "platform", names[OF_SOURCE].get(post.source, "")),
        "published": post.published_at,
        "guessed": post.date_guessed,
        "tags": tags_of(post, names),
        "engagement": post_words.engagement_words(post.engagement),
        "out": outside(post.url),
    }


def heading_of(post: Post) -> str:
    """What a post is called: its title, or the beginning of its text."""
    if post.title.strip():
        return excerpt(" ".join(post.title.split()), 200)
    return excerpt(" ".join(post.text[:400].split()), HEADING) or "Post without words"


def source_address(source: str) -> str:
    return f"/sources/{quote(source, safe='')}"


def outside(url: str | None) -> dict[str, str] | None:
    """A link of a post, if it may be followed, with the host it leads to."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return {"href": url, "host": host} if parts.scheme in ("http", "https") and host else None


def tags_of(post: Post, names: Labels) -> list[str]:
    """The tags of a post in one line; what nobody knows is left to the post's own page."""
    tags = post.annotation
    found = [post_words.value_name(names, "content_type", tags.content_type)]
    found += [post_words.value_name(names, "audience", one) for one in tags.audience if one != "other"]
    found += [post_words.value_name(names, "topic", one) for one in tags.topics]
    found += [
        post_words.value_name(names, name, getattr(tags, name))
        for name in ("language", "country")
        if getattr(tags, name)
    ]
    found += [post_words.FLAGS[name][0] for name in ("live", "sponsored") if getattr(tags, name)]
    if tags.sentiment is not None:
        found.append(f"Wording {post_words.sentiment_words(tags.sentiment).lower()}")
    return found


def facets_of(asked: Asked, division: Division, names: Labels) -> list[dict[str, Any]]:
    """The facets that divide what was found, each value a link that adds or removes it."""
    shown = []
    for name in FACETS:
        chosen = asked.filters.get(name, ())
        counts = {**dict.fromkeys(chosen, 0), **division.by.get(name, {})}
        if len(counts) < 2 and not chosen:
            continue  # it divides nothing
        order = list(CLOSED.get(name, ()))
        keys = sorted(counts, key=lambda key: (order.index(key) if key in order else len(order), -counts[key], key))
        values = [
            {
                "name": post_words.value_name(names, name, key),
                "count": counts[key],
                "href": asked.toggled(name, key).address,
                "chosen": key in chosen,
            }
            for key in keys
        ]
        first = [one for at, one in enumerate(values) if at < SHOWN or one["chosen"]]
        rest = [one for at, one in enumerate(values) if at >= SHOWN and not one["chosen"]]
        title = post_words.NAMES[name]
        shown.append(
            {
                "id": name,
                "title": f"{title[:1].upper()}{title[1:]}",
                "values": first,
                "more": rest[:MORE_SHOWN],
                "left": max(len(rest) - MORE_SHOWN, 0),
            }
        )
    return shown


def chips_of(asked: Asked, names: Labels) -> list[dict[str, str]]:
    """What is asked for, each part a link that removes it."""
    chips = []
    if q := asked.texts.get("q"):
        chips.append({"name": f"Words: {q}", "href": asked.text("q", None).address})
    for name, values in asked.filters.items():
        if name == FLAG:
            words = "Only copies" if values == ("true",) else "Copies too"
            chips.append({"name": words, "href": asked.only(FLAG).address})
            continue
        title = post_words.NAMES[name]
        for value in values:
            shown = post_words.value_name(names, name, value)
            label = shown if name in post_words.FLAGS else f"{title[:1].upper()}{title[1:]}: {shown}"
            chips.append({"name": label, "href": asked.toggled(name, value).address})
    for name, word in (("since", "Since"), ("until", "Before")):
        if text := asked.texts.get(name):
            chips.append({"name": f"{word} {text}", "href": asked.text(name, None).address})
    return chips


def removals_of(asked: Asked, names: Labels) -> list[tuple[str, Asked]]:
    """The question without one of its parts, each part once: (what is left out, question)."""
    parts = [("the words", asked.text("q", None))] if "q" in asked.texts else []
    parts += [(f"the filter by {post_words.NAMES[name]}", asked.only(name)) for name in asked.filters if name != FLAG]
    if set(asked.filters.get(FLAG, ())) != set(WITH_COPIES):
        parts.append(("leaving out copies", asked.only(FLAG, *WITH_COPIES)))
    if {"since", "until"} & asked.texts.keys():
        parts.append(("the dates", asked.text("since", None).text("until", None)))
    return parts


def exports_of(asked: Asked, division: Division) -> list[dict[str, str]]:
    says = post_words.export_words(division.posts, EXPORTED, capped=division.capped)
    return [{"name": name, "href": asked.api(kind), "says": says} for name, kind in (("CSV", "csv"), ("JSON", "json"))]


# --- one post --------------------------------------------------------------------------------------------------------


def shown_tags(post: Post, labels: Sequence[Label], names: Labels, topics: Sequence[str]) -> list[dict[str, Any]]:
    """Every tag with why it was given, what people said of it, and what a form for it needs."""
    stand = standing(labels)
    return [
        {
            "dimension": name,
            "name": post_words.TAG_NAMES[name],
            "value": _value_words(post, name, names),
            "why": _why(post, name),
            "field": _field(post, name, names, topics),
            "labels": [_label_row(one, names) for one in stand if one.dimension == name],
            "over": [_label_row(one, names) for one in labels if one.dimension == name and one not in stand],
        }
        for name in DIMENSIONS
    ]


def _value_words(post: Post, name: str, names: Labels) -> str:
    if name == "sentiment":
        return post_words.sentiment_words(post.annotation.sentiment)
    words = post_words.said_words(names, name, getattr(post.annotation, name))
    return f"{words} ({post.annotation.subtype})" if name == "content_type" and post.annotation.subtype else words


def _why(post: Post, name: str) -> str:
    reason = post.annotation.reasons.get(name)
    if reason:
        return mask(reason)
    if name == "sentiment":
        scored = post.annotation.sentiment is not None
        return "the words that count, below" if scored else "only English wording is scored"
    if name in ("live", "sponsored"):
        return "nothing says that it is"
    return "no phrase of a topic occurs" if name == "topics" else "no reason was recorded"


def _field(post: Post, name: str, names: Labels, topics: Sequence[str]) -> dict[str, Any]:
    """The control of a form: `kind` several, choice or text, with the present value."""
    present = value_of(post.annotation, name)
    if name in SEVERAL:
        several = AUDIENCES if name == "audience" else sorted({*topics, *present})
        options = [
            {"value": key, "name": post_words.said_words(names, name, [key]), "chosen": key in present}
            for key in several
        ]
        return {
            "kind": "several",
            "options": sorted(options, key=lambda one: one["name"]) if name == "topics" else options,
        }
    if name in ("language", "country"):
        hint = "Its code, such as en, or unknown" if name == "language" else "Its code, such as DE, or unknown"
        return {"kind": "text", "value": present or UNKNOWN, "hint": hint}
    if name in ("live", "sponsored"):
        options = [
            {"value": text, "name": post_words.said_words(names, name, yes), "chosen": yes == present}
            for text, yes in (("true", True), ("false", False))
        ]
        return {"kind": "choice", "options": options}
    keys = CONTENT_TYPES if name == "content_type" else SENTIMENTS
    options = [
        {"value": key, "name": post_words.said_words(names, name, key), "chosen": key == present} for key in keys
    ]
    if present is None:
        options.insert(0, {"value": "", "name": "Choose", "chosen": True})
    return {"kind": "choice", "options": options}


def typed(field: Mapping[str, Any], given: Sequence[str]) -> dict[str, Any]:
    """A control with what was typed instead of the present value."""
    if field["kind"] == "text":
        return {**field, "value": given[0] if given else ""}
    return {**field, "options": [{**one, "chosen": one["value"] in given} for one in field["options"]]}


def _label_row(one: Label, names: Labels) -> dict[str, Any]:
    return {
        "id": one.id,
        "says": post_words.said_words(names, one.dimension, one.value),
        "was": post_words.said_words(names, one.dimension, one.was),
        "agrees": one.value == one.was,
        "by": mask(one.annotator),
        "at": one.at,
        "note": mask(one.note),
        "withdrawn": one.withdrawn,
    }


def text_of(post: Post) -> list[str]:
    """Its text in paragraphs, masked; only the beginning of a very long one."""
    return [part.strip() for part in excerpt(post.text, LONGEST_TEXT).split("\n") if part.strip()]


def terms_of(terms: Sequence[Term]) -> list[dict[str, str]]:
    return [
        {
            "text": mask(one.text)[:80],
            "adds": post_words.signed(one.clinical, 2),
            "plain": post_words.signed(one.plain, 2),
            "why": one.why or "",
        }
        for one in terms[:TERMS_SHOWN]
    ]


def history_of(rows: Sequence[tuple[datetime, tuple[int | None, ...]]]) -> list[dict[str, Any]]:
    """Counts as they were told, the newest first."""
    return [{"at": at, "counts": counts} for at, counts in reversed(rows[-HISTORY_SHOWN:])]


def coverage_words(post: Post, intervals: Sequence[Interval], gaps: Sequence[Gap]) -> list[str]:
    """Whether its source was being watched when the post was published, and how whole that watch is."""
    if not intervals:
        return ["Not collected: nothing says when its source was observed. The post was imported or found by itself."]
    at = post.published_at
    inside = any(one.since <= at < one.until for one in intervals)
    said = [
        "It was published while its source was being observed."
        if inside
        else "It was published at a time for which its source was not observed; others of that time may be missing."
    ]
    if gaps:
        why = joined(sorted({post_words.gap_words(one.reason) for one in gaps}))
        said.append(f"The source has {len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'} in what was observed ({why}).")
    else:
        said.append("The source has no gap in what was observed.")
    return said


def facts_of(post: Post) -> list[dict[str, Any]]:
    """When it was seen and what is known of it beside its tags."""
    rows: list[dict[str, Any]] = []
    if post.duration is not None:
        rows.append({"term": "Length", "says": post_words.duration_words(post.duration)})
    if post.words:
        rows.append({"term": "Words", "says": f"{post.words:,}"})
    if post.guests is not None:
        rows.append({"term": "Guests", "says": str(post.guests)})
    rows.append({"term": "Engagement", "says": post_words.engagement_words(post.engagement)})
    repairs = [mask(one) for one in post.repairs]
    rows.append({"term": "Repaired when it was read", "says": "; ".join(repairs) or "nothing"})
    return rows
