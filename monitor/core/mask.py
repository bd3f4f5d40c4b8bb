"""What of a post may be shown. E-mail addresses and phone numbers are masked; authors never appear."""

from __future__ import annotations

import re
from typing import Any

from monitor.core.model import Post

EXCERPT = 400

_EMAIL = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[A-Za-z]{2,24}")
# Seven to fifteen digits in at least three groups, as people write phone numbers
_PHONE = re.compile(r"(?<![\w/.-])(?:\+|00)?\(?\d{1,4}\)?(?:[ .\-/]{1,2}\(?\d{1,6}\)?){2,5}(?![\w/-])")
_NOT_A_PHONE = re.compile(
    r"\d{4}[.\-/ ]\d{1,2}[.\-/ ]\d{1,2}|\d{1,2}[.\-/ ]\d{1,2}[.\-/ ]\d{4}"  # dates
    r"|[1-9]\d{0,2}(?:[ .]\d{3})+"  # thousands
    r"|10\.\d{4,}/.*"  # DOI
)


def mask(text: str) -> str:
    """Replace e-mail addresses by [email] and phone numbers by [phone]."""
    if "@" in text:
        text = _EMAIL.sub("[email]", text)
    return _PHONE.sub(_phone, text)


def _phone(match: re.Match[str]) -> str:
    found = match.group()
    digits = sum(character.isdigit() for character in found)
    if not 7 <= digits <= 15 or _NOT_A_PHONE.fullmatch(found):
        return found
    return "[phone]"


def shown_post(post: Post) -> dict[str, Any]:
    """A post as API and command line show it: tags with reasons, an excerpt, no author."""
    tags = post.annotation
    return {
        "source": post.source,
        "id": post.id,
        "url": post.url,
        "title": mask(post.title),
        "excerpt": mask(post.text[:EXCERPT]) + ("…" if len(post.text) > EXCERPT else ""),
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
        "reasons": dict(tags.reasons),
        "engagement": {
            "views": post.engagement.views,
            "likes": post.engagement.likes,
            "comments": post.engagement.comments,
            "shares": post.engagement.shares,
        },
        "duration": post.duration,
        "words": post.words,
        "guests": post.guests,
        "repairs": list(post.repairs),
    }
