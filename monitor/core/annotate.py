"""Tag one post: content type, live, sponsored, audience, language, country, topics, sentiment, duplicate keys.

Every tag comes with its reason. What an item or an archive line declares overrides tagging. All that tagging reads
of a post is its title, text and url and its `Evidence`; both are stored, so a later version can tag it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from collectors.base import Item, LiveState, Source
from monitor.core import audience as audiences
from monitor.core import content_type as kinds
from monitor.core import places
from monitor.core.fingerprint import duplicate_keys
from monitor.core.language import Detector, decide, normalise
from monitor.core.model import AUDIENCES, CONTENT_TYPES, Annotation
from monitor.core.phrases import Hit, Matcher, clean
from monitor.core.sentiment import Sentiment
from monitor.core.topics import Taxonomy, topics_of

Tag = TypeVar("Tag")
Reason = TypeVar("Reason", str, str | None)

VERSION = 1
"""Grows whenever a rule or list changes what is tagged; `trendmonitor retag` brings stored posts up to it."""

_TITLE_LIMIT = 500
_CATEGORIES = 20
_GAP = " | "
"""Between title, text and categories: several spaces when folded, so that no phrase reaches across."""
_SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COORDINATE = re.compile(r"\d+\.\d{3,}")
DECLARED = "declared by the item"
CORRECTED, CONFIRMED = "corrected by a person", "confirmed by a person"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What tagging needs of a post beside its source. Holds nothing personal: bios are reduced to professions."""

    title: str = ""
    text: str = ""
    url: str | None = None
    media: tuple[tuple[str, str], ...] = ()
    """(MIME type, medium) of each kind of medium, once."""
    categories: tuple[str, ...] = ()
    duration: float | None = None
    """Seconds of the longest medium."""
    bio_audience: tuple[str, ...] = ()
    """Professions that the author's bio claims."""
    followers: str | None = None
    """Of the author, as a band of `audiences.BANDS`; None where the platform does not tell."""
    verified: bool | None = None
    """The platform vouches for who the author is."""
    language: str | None = None
    country: str | None = None
    location: str | None = None
    """Free text; coordinates are not kept."""
    content_type: str | None = None
    audience: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    live: LiveState | None = None
    sponsored: bool | None = None
    guests: int | None = None
    has_transcript: bool = False
    corrected: Mapping[str, Any] | None = None
    """What people said of this post, dimension → value; it goes before everything else, see `monitor.labels`."""

    @classmethod
    def of(cls, item: Item) -> Evidence:
        """Reduce an item. Its bio is read here and not kept."""
        media: dict[tuple[str, str], None] = {}
        duration = 0.0
        for medium in item.media:
            known = kinds.medium_of(medium.type, medium.medium)
            media[medium.type[:100], medium.medium or ("" if known else kinds.medium_of("", "", medium.url))] = None
            duration = max(duration, medium.duration or 0.0)
        location = (item.location or "").strip()[:100]
        return cls(
            title=item.title,
            text=item.text,
            url=item.url,
            media=tuple(media)[:8],
            categories=tuple(category[:80] for category in item.categories[:_CATEGORIES]),
            duration=duration or None,
            bio_audience=audiences.classes_of_bio(item.author_bio),
            followers=audiences.follower_band(item.followers),
            verified=item.verified,
            language=item.language,
            country=item.country,
            location=None if not location or _COORDINATE.search(location) else location,
            content_type=item.content_type,
            audience=item.audience,
            topics=item.topics,
            live=item.live,
            sponsored=item.sponsored,
            guests=item.guests,
            has_transcript=bool(item.transcripts),
        )

    def to_json(self) -> dict[str, Any]:
        """For storage: without title, text and url (they are columns) and without what is empty."""
        out: dict[str, Any] = {}
        for name in _STORED:
            value = getattr(self, name)
            if value is None or (name not in _EMPTY_SAYS_SOMETHING and (value == () or value is False)):
                continue
            if name == "media":
                value = [list(pair) for pair in value]
            out[name] = list(value) if isinstance(value, tuple) else value
        return out

    @classmethod
    def from_stored(cls, title: str, text: str, url: str | None, mapping: Mapping[str, Any]) -> Evidence:
        """The reverse of `to_json`. Keys that this version does not know are ignored."""
        values: dict[str, Any] = {name: mapping[name] for name in _STORED if name in mapping}
        for name in ("categories", "bio_audience", "audience", "topics"):
            if name in values:
                values[name] = tuple(values[name])
        if "media" in values:
            values["media"] = tuple((str(pair[0]), str(pair[1])) for pair in values["media"])
        return cls(title=title, text=text, url=url, **values)


_EMPTY_SAYS_SOMETHING = ("topics", "sponsored", "verified")
"""Declared to have no topic, labelled as not paid for, not vouched for: not the same as saying nothing."""
_STORED = tuple(name for name in Evidence.__slots__ if name not in ("title", "text", "url"))


@dataclass(frozen=True, slots=True)
class Taggers:
    """All taggers with their lists, built once in each process (about 0.3 s). Not picklable; safe to fork."""

    taxonomy: Taxonomy
    matcher: Matcher
    detector: Detector
    sentiment: Sentiment

    @classmethod
    def build(cls, taxonomy: Mapping[str, Any], lexicon: Mapping[str, Any]) -> Taggers:
        """From the contents of config/taxonomy/ (topic id → topic) and config/lexicon.yaml.

        Raises TaxonomyError or LexiconError with every problem in them.
        """
        topics = Taxonomy.from_mapping(taxonomy)
        sources = (topics.phrases(), places.phrases(), kinds.phrases(), audiences.phrases())
        matcher = Matcher.build(phrase for phrases in sources for phrase in phrases)
        return cls(topics, matcher, Detector.build(), Sentiment.build(lexicon))

    def annotate(self, evidence: Evidence, source: Source, words: list[str] | None = None) -> Annotation:
        """Tag a post. Any text gets an answer or an abstention; never raises for what a post contains.

        `words` is `evidence.text.split()`, if the caller has it already.
        """
        if words is None:
            words = evidence.text.split()
        title, body = clean(evidence.title, _TITLE_LIMIT), clean(evidence.text, words=words)
        text = title + _GAP + body if title else body
        body_at = len(text) - len(body)
        body_end = len(text)
        if evidence.categories:
            text += _GAP + clean(_GAP.join(evidence.categories), 1_000)
        hits = self.matcher.find(text)
        tags = kinds.hashtags(text)

        language, why_language = decide(
            self.detector.guess(title, body),
            declared=normalise(evidence.language) if evidence.language else None,
            prior=normalise(source.language) if source.language else None,
        )
        people = evidence.corrected or {}
        language, why_language = _said(people, "language", language, why_language)
        kind = self._kind(evidence, source, title)
        content_type, why_kind = _said(people, "content_type", kind.content_type, kind.reason)
        if content_type != kind.content_type:  # what follows from it follows from the person's word
            kind = self._kind(replace(evidence, content_type=content_type), source, title)
        live = kinds.live_of(
            declared=evidence.live,
            content_type=kind.content_type,
            title=title,
            tags=tags,
            hits=hits,
            text=text,
            body_at=body_at,
        )
        sponsored = kinds.sponsored_of(
            declared=evidence.sponsored, title=title, categories=evidence.categories, tags=tags, hits=hits, text=text
        )
        audience = audiences.audience_of(
            declared=_known(evidence.audience, AUDIENCES),
            bio=evidence.bio_audience,
            tags=tags,
            categories=evidence.categories,
            hits=hits,
            text=text,
            body_at=body_at,
            prior=source.audience,
        )
        country, why_country = _country(evidence, source, hits, text, body_at, body_end, language)
        country, why_country = _said(people, "country", country, why_country)
        topics, why_topics = _said(people, "topics", *_topics(evidence, hits, language))
        classes, why_audience = _said(people, "audience", audience.classes, audience.reason)
        is_live, why_live = _said(people, "live", live.value, live.reason)
        is_sponsored, why_sponsored = _said(people, "sponsored", sponsored.value, sponsored.reason)

        reasons = {
            "content_type": why_kind,
            "audience": why_audience,
            "language": why_language,
            "country": why_country,
        }
        if why_topics:
            reasons["topics"] = why_topics
        if why_live is not None:
            reasons["live"] = why_live
        if why_sponsored is not None:
            reasons["sponsored"] = why_sponsored
        # The full stop keeps phrases from reaching from the title into the text; to VADER it is nothing
        head = f"{evidence.title}.\n" if evidence.title else ""
        return Annotation(
            version=VERSION,
            content_type=kind.content_type,
            subtype=kind.subtype,
            live=is_live,
            sponsored=is_sponsored,
            audience=classes,
            language=language,
            country=country,
            topics=topics,
            sentiment=self.sentiment.compound(head + evidence.text, language, head.split() + words),
            duplicate_keys=duplicate_keys(evidence.title, evidence.text, words),
            reasons=reasons,
        )

    @staticmethod
    def _kind(evidence: Evidence, source: Source, title: str) -> kinds.Kind:
        return kinds.content_type_of(
            declared=evidence.content_type if evidence.content_type in CONTENT_TYPES else None,
            media=tuple(kinds.medium_of(mime, medium) for mime, medium in evidence.media),
            url=evidence.url[:2000] if evidence.url else None,
            platform=source.platform,
            prior=source.content_type,
            title=title,
            has_transcript=evidence.has_transcript,
        )


def _said(people: Mapping[str, Any], dimension: str, found: Tag, reason: Reason) -> tuple[Tag, Reason | str]:
    """A tag with its reason: as a person said it if one did, otherwise as it was found."""
    if dimension not in people:
        return found, reason
    value = people[dimension]
    said: Any = tuple(value) if isinstance(value, list) else value
    return said, CONFIRMED if said == found else CORRECTED


def _known(values: tuple[str, ...] | None, allowed: tuple[str, ...]) -> tuple[str, ...] | None:
    return tuple(value for value in values if value in allowed) or None if values else None


def _topics(evidence: Evidence, hits: Mapping[str, list[Hit]], language: str | None) -> tuple[tuple[str, ...], str]:
    if evidence.topics is not None:
        slugs = {re.sub(r"[\s-]+", "_", topic.strip().lower()) for topic in evidence.topics}
        return tuple(sorted(slug for slug in slugs if _SLUG.fullmatch(slug))), DECLARED
    found = topics_of(hits, language)
    return tuple(found), "; ".join(f"{topic}: '{phrase}'" for topic, phrase in found.items())


def _country(
    evidence: Evidence,
    source: Source,
    hits: Mapping[str, list[Hit]],
    text: str,
    body_at: int,
    body_end: int,
    language: str | None,
) -> tuple[str | None, str]:
    """Item's country, item's location, source's country, then a place named in title or lead; None: unknown.

    A source's country goes before places named in the text: 'Ebola in Uganda' on a US site is a US post.
    """
    if evidence.country:
        code = places.code_of(evidence.country[:60])
        if code is not None:
            return code, DECLARED
    if evidence.location:
        code = places.country_of_location(evidence.location)
        if code is not None:
            return code, f"its location '{evidence.location[:40]}'"
    if source.country:
        return source.country, "the source's country"
    named = places.country_in_text(text, hits, language, body_at=body_at, body_end=body_end)
    if named is not None:
        return named.country, f"the {named.where} names '{named.words}'"
    return None, "nothing says where it is from"
