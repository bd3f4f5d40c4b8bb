"""What of a post may be shown. E-mail addresses and phone numbers are masked; authors never appear.

Masking goes by form alone, so it also hides numbers that only look like phone numbers, and it cannot know a number that
is written in words. It leaves alone what health texts are full of: dates, years, counts, intervals, readings, DOIs,
ISBNs, IP addresses and whatever is part of an address of a page.
"""

from __future__ import annotations

import re
from typing import Any

from monitor.core.model import Post

EXCERPT = 400
_MARGIN = 100
"""Characters read beyond an excerpt, so that an address at its end is seen whole."""

_EMAIL = re.compile(r"[\w.%+'-]{1,64}@(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24}")
# As people write them: three or more groups of digits, or two behind a plus sign
_GROUPED = re.compile(r"(?<![\w/.,-])(?:\+|00)?\(?\d{1,4}\)?(?:[ \u00a0\u202f.\-–/]{0,2}\(?\d{1,6}\)?){1,6}(?![\w/-])")
# After a word that announces one, digits in any form
_ANNOUNCED = re.compile(
    r"(?i)\b(tel(?:ephone|efon|éfono|\.)?|tél(?:éphone|\.)?|phone|fax|mobile?|cell|whatsapp|viber|signal|call|text|sms|hotline)"
    r"((?:\s(?:us|me|number|no\.?|nr\.?|on|at)){0,2}\s{0,2}[:.]?\s{0,2})(\+?\(?\d[\d ().\-/\u00a0\u202f]{5,22}\d)(?!\w)"
)
_GROUP = re.compile(r"\d+")
_NOT_A_PHONE = re.compile(
    r"\d{4}[.\-/ ]\d{1,2}[.\-/ ]\d{1,2}|\d{1,2}[.\-/ ]\d{1,2}[.\-/ ]\d{4}"  # dates
    r"|(?:(?:19|20)\d\d[ .\-–/]{1,2})+(?:19|20)\d\d"  # years
    r"|[1-9]\d{0,2}(?:[ .\u00a0\u202f]\d{3})+(?:[ –-]{1,3}[1-9]\d{0,2}(?:[ .\u00a0\u202f]\d{3})*)?"  # counts, their ranges
    r"|\d{1,4}\.\d{1,3}(?: ?[-–/ ] ?\d{1,4}\.\d{1,3})+"  # decimals: confidence intervals
    r"|\d{2,3}/\d{2,3}(?:[ -–]{1,3}\d{2,3}/\d{2,3})*"  # blood pressure
    r"|(?:\d{1,3}\.){3}\d{1,3}"  # IP addresses
    r"|97[89][- ]?(?:\d+[- ]?){2,4}"  # ISBN
    r"|10\.\d{4,}/.*"  # DOI
)


def mask(text: str) -> str:
    """Replace e-mail addresses by [email] and phone numbers by [phone]."""
    if "@" in text:
        text = _EMAIL.sub("[email]", text)
    text = _ANNOUNCED.sub(_announced, text)
    return _GROUPED.sub(_grouped, text)


def _announced(match: re.Match[str]) -> str:
    digits = sum(map(str.isdigit, match[3]))
    if not 7 <= digits <= 15 or _NOT_A_PHONE.fullmatch(match[3]):
        return match[0]
    return f"{match[1]}{match[2]}[phone]"


def _grouped(match: re.Match[str]) -> str:
    found = match.group()
    groups = _GROUP.findall(found)
    digits = sum(map(len, groups))
    international = found.startswith("+")
    enough = len(groups) >= 3 or (len(groups) == 2 and found.startswith("(")) or international
    if not enough or not 7 <= digits <= 15 or (not international and _NOT_A_PHONE.fullmatch(found)):
        return found
    return "[phone]"


def excerpt(text: str, length: int = EXCERPT) -> str:
    """The masked beginning of a text, with … where it goes on."""
    shown = mask(text[: length + _MARGIN])
    return shown if len(text) <= length and len(shown) <= length + _MARGIN else shown[:length].rstrip() + "…"


def shown_post(post: Post) -> dict[str, Any]:
    """A post as API and command line show it: tags with reasons, an excerpt, no author."""
    tags = post.annotation
    return {
        "source": post.source,
        "id": post.id,
        "url": post.url,
        "title": mask(post.title),
        "excerpt": excerpt(post.text),
        "published_at": post.published_at,
        "date_guessed": post.date_guessed,
        "seen_at": post.seen_at,
        "updated_at": post.updated_at,
        "content_type": tags.content_type,
        "subtype": tags.subtype,
        "live": tags.live,
        "sponsored": tags.sponsored,
        "audience": list(tags.audience),
        "language": tags.language,
        "country": tags.country,
        "topics": list(tags.topics),
        "sentiment": tags.sentiment,
        "tagging_version": tags.version,
        "reasons": {name: mask(reason) for name, reason in tags.reasons.items()},
        "engagement": {
            "views": post.engagement.views,
            "likes": post.engagement.likes,
            "comments": post.engagement.comments,
            "shares": post.engagement.shares,
        },
        "duration": post.duration,
        "words": post.words,
        "guests": post.guests,
        "repairs": [mask(repair) for repair in post.repairs],
    }
