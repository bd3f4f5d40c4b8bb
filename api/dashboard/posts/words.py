"""The words of the pages of posts. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pycountry

from api.dashboard.names import Labels
from api.dashboard.posts.asked import Asked
from api.dashboard.posts.facets import MOST
from api.dashboard.words import SPLITS, day, decimal, joined, whole
from collectors.base import Engagement
from monitor.core.answer import LABELS
from monitor.core.region import COUNTRIES
from monitor.core.sentiment import label_of
from monitor.posts_query import FLAG

NAMES = {**SPLITS, "live": "live", "sponsored": "paid for", FLAG: "copies"}
TAG_NAMES = {
    "content_type": "Content type",
    "audience": "Audience",
    "topics": "Topics",
    "language": "Language",
    "country": "Country",
    "live": "Live",
    "sponsored": "Paid for",
    "sentiment": "Sentiment",
}
FLAGS = {"live": ("Live", "Not live"), "sponsored": ("Paid for", "Not paid for")}
FACET_OF = {"topics": "topic"}
"""The dimension of the search that a tag is found by, where it has another name."""
ORDERS = {"newest": "Newest first", "relevance": "Best match first", "engagement": "Most interactions first"}
COUNTED = ("views", "likes", "comments", "shares")
SENTIMENT_NAMES = {"negative": "Negative", "neutral": "Neutral", "positive": "Positive"}
GAPS = {
    "overflow": "more came than its feed holds",
    "emptied": "its feed was emptied",
    "lost cursor": "the place we had reached was lost",
    "cut off": "a visit was cut off",
    "budget": "the budget for it was used up",
}


def value_name(labels: Labels, dimension: str, key: str) -> str:
    """What a value is called, for people."""
    if dimension in FLAGS:
        return FLAGS[dimension][key != "true"]
    if known := labels.get(dimension, {}).get(key) or LABELS.get(dimension, {}).get(key):
        return known
    if dimension == "country":
        return COUNTRIES.get(key, key)
    if dimension == "language":
        language = pycountry.languages.get(alpha_2=key) or pycountry.languages.get(alpha_3=key)
        return key if language is None else str(language.name)
    return key


def count_words(posts: int, *, capped: bool) -> str:
    """12,345 posts; More than 10,000 posts, and At least 9 posts, where not all were looked at."""
    if capped:
        return f"{'More than' if posts >= MOST else 'At least'} {whole(posts)} {'post' if posts == 1 else 'posts'}"
    return f"{whole(posts) if posts else 'No'} {'post' if posts == 1 else 'posts'}"


def asked_words(asked: Asked, labels: Labels) -> str:
    """The question in words, one sentence or none."""
    parts = []
    if q := asked.texts.get("q"):
        parts.append(f"with the words “{q}”")
    for name, values in asked.filters.items():
        if name == FLAG:
            continue
        named = [value_name(labels, name, value) for value in values]
        parts.append(joined(named).lower() if name in FLAGS else f"{NAMES[name]} {' or '.join(named)}")
    parts += [f"published {words}" for words in [window_words(asked)] if words]
    if not parts:
        return ""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def window_words(asked: Asked) -> str:
    since, until = _day(asked.texts.get("since")), _day(asked.texts.get("until"))
    if since and until:
        return f"from {day(since)} to {day(until - timedelta(days=1))}"
    return f"since {day(since)}" if since else f"before {day(until)}" if until else ""


def _day(text: str | None) -> date | None:
    try:
        return datetime.fromisoformat(text).date() if text else None
    except (ValueError, OverflowError):
        return None


def copies_words(asked: Asked, copies: int, *, capped: bool) -> str:
    """What is done about copies."""
    chosen = asked.filters.get(FLAG)
    if chosen == ("true",):
        return "Only posts that repeat an earlier one are shown."
    many = f"{'at least ' if capped else ''}{whole(copies)}"
    if chosen:
        return f"Copies are shown too: {many} of them repeat an earlier post." if copies else "There are no copies."
    if not copies:
        return "No copies are left out."
    return f"Left out: {many} {'copy' if copies == 1 else 'copies'} of earlier posts."


def engagement_words(told: Engagement) -> str:
    """What is known of views, likes, comments and shares. Not told is not 0."""
    counts = {name: getattr(told, name) for name in COUNTED}
    known = [
        f"{whole(count)} {name.removesuffix('s') if count == 1 else name}"
        for name, count in counts.items()
        if count is not None
    ]
    missing = [name for name, count in counts.items() if count is None]
    if not known:
        return "Views, likes, comments and shares: not told"
    return joined(known) + (f"; {joined(missing)} not told" if missing else "")


def sentiment_words(score: float | None) -> str:
    """Positive (+0.42); Not scored."""
    if score is None:
        return "Not scored"
    return f"{SENTIMENT_NAMES[label_of(score)]} ({signed(score, 2)})"


def signed(number: float, decimals: int) -> str:
    text = decimal(abs(number), decimals)
    return text if not float(text.replace(",", "")) else f"{'+' if number > 0 else chr(0x2212)}{text}"


def said_words(labels: Labels, dimension: str, value: Any) -> str:
    """The value of a label."""
    if isinstance(value, (list, tuple)):
        named = [value_name(labels, FACET_OF.get(dimension, dimension), one) for one in value]
        return joined(named) or "None"
    if isinstance(value, bool):
        return FLAGS[dimension][not value]
    if dimension == "sentiment":
        return SENTIMENT_NAMES.get(value, "Not scored")
    return "Unknown" if value is None else value_name(labels, dimension, value)


def saved_words(dimension: str) -> str:
    """What became of what was said of a tag."""
    if dimension == "sentiment":
        return "Saved: Sentiment. It is kept as a labelled example; the score of the post stays."
    return f"Saved: {TAG_NAMES[dimension]}. The post is shown and counted so from now on."


def duration_words(seconds: float | None) -> str:
    """1 h 5 min; 40 s."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def export_words(posts: int, most: int, *, capped: bool) -> str:
    """How many rows an export has, and what is cut."""
    if posts <= most and not capped:
        return f"{whole(posts)} {'row' if posts == 1 else 'rows'}, all of them"
    if posts < most:
        return f"{whole(most)} rows at most"
    return f"the first {whole(most)} of {'at least ' if capped else ''}{whole(posts)}"


def gap_words(why: str | None) -> str:
    return GAPS.get(why or "", why or "nobody said why")
