"""Elements beyond the formats themselves: iTunes, Podcasting 2.0, Media RSS, YouTube, slash, thr, georss, sy.

Names and meanings: podcastindex.org/namespace/1.0, rssboard.org/media-rss, georss.org, RFC 4685 (thr),
RSS 1.0 modules (slash, syndication). Each handler keeps what a trend can be counted by and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from collectors.feeds.draft import Draft, FeedDraft, MediaDraft
from collectors.feeds.elements import Element, Handler, href_of, inner, text_of
from collectors.feeds.names import canonical

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
THR_COUNT = "{http://purl.org/syndication/thread/1.0}count"


def _language(draft: Draft, element: Element) -> None:
    if draft.language is None:
        draft.language = text_of(element)


def _keywords(draft: Draft, element: Element) -> None:
    for word in (element.text or "").split(","):
        draft.file_under(word.strip())


def _media_category(draft: Draft, element: Element) -> None:
    draft.file_under(element.get("label") or text_of(element))


def _itunes_category(draft: Draft, element: Element) -> None:
    draft.file_under(element.get("text"))


def _summary(draft: Draft, element: Element) -> None:
    draft.say(inner(element), full=False)


def _duration(draft: Draft, element: Element) -> None:
    if draft.duration is None:
        draft.duration = text_of(element)


def _comments(draft: Draft, element: Element) -> None:
    if draft.comments is None:
        draft.comments = text_of(element)


# ── Media RSS and YouTube ────────────────────────────────────────────────────────────────────────────────────────


def _media_group(draft: Draft, element: Element) -> None:
    for child in element:
        name = canonical(child.tag)
        handler = _MEDIA.get(name)
        if handler is not None:
            handler(draft, child)


def _media_content(draft: Draft, element: Element) -> None:
    url = element.get("url")
    nested = list(element)
    if not url:
        url = next((child.get("url") for child in nested if canonical(child.tag) == "media:player"), None)
    if url:
        draft.attach(
            MediaDraft(
                href_of(draft, element, url),
                element.get("type", "").lower(),
                element.get("medium", "").lower(),
                element.get("duration"),
            )
        )
    for child in nested:
        handler = _MEDIA_WITHIN.get(canonical(child.tag))
        if handler is not None:
            handler(draft, child)


def _media_title(draft: Draft, element: Element) -> None:
    if draft.other_title is None:
        draft.other_title = inner(element)


def _media_community(draft: Draft, element: Element) -> None:
    for child in element:
        name = canonical(child.tag)
        if name == "media:statistics":
            draft.views = child.get("views")
        elif name == "media:starrating":
            draft.likes = child.get("count")


def _video_id(draft: Draft, element: Element) -> None:
    draft.video_id = text_of(element)


# ── Podcasting 2.0 ───────────────────────────────────────────────────────────────────────────────────────────────


def _attribute(element: Element, name: str) -> str:
    """An attribute by name whatever its case, as the specification of podcast:person asks."""
    value = element.get(name)
    if value is None:
        value = next((value for key, value in element.attrib.items() if key.lower() == name), "")
    return str(value)


def _person(draft: Draft | FeedDraft, element: Element) -> None:
    if text_of(element):
        draft.meet(_attribute(element, "role") or "host")


def _transcript(draft: Draft, element: Element) -> None:
    url = element.get("url")
    if url:
        draft.transcribe(href_of(draft, element, url))


def _alternate_enclosure(draft: Draft, element: Element) -> None:
    for child in element:
        url = child.get("uri") if canonical(child.tag) == "podcast:source" else None
        if url and url.lower().startswith(("http:", "https:")):
            draft.attach(MediaDraft(url, element.get("type", "").lower()))
            return


def _content_link(draft: Draft, element: Element) -> None:
    if draft.other_link is None and element.get("href"):
        draft.other_link = href_of(draft, element, element.get("href"))


def _place(draft: Draft, element: Element) -> None:
    """podcast:location, the subject's rather than the maker's."""
    if draft.location is None or _attribute(element, "rel") == "subject":
        draft.location = text_of(element)
        draft.country = _attribute(element, "country") or draft.country
        geo = _attribute(element, "geo").removeprefix("geo:").split(";")[0]
        draft.coordinates = geo or draft.coordinates


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _point(draft: Draft, element: Element) -> None:
    if draft.coordinates is None:
        draft.coordinates = text_of(element)


def _where(draft: Draft, element: Element) -> None:
    for position in element.iter("{http://www.opengis.net/gml}pos"):
        _point(draft, position)


def _latitude(draft: Draft, element: Element) -> None:
    draft.coordinates = f"{text_of(element) or ''} {(draft.coordinates or '').strip()}".strip()


def _longitude(draft: Draft, element: Element) -> None:
    draft.coordinates = f"{(draft.coordinates or '').strip()} {text_of(element) or ''}".strip()


def _geo_point(draft: Draft, element: Element) -> None:
    for child in element:
        name = canonical(child.tag)
        if name == "geo:lat":
            _latitude(draft, child)
        elif name == "geo:long":
            _longitude(draft, child)


def _feature_name(draft: Draft, element: Element) -> None:
    if draft.location is None:
        draft.location = text_of(element)


_MEDIA_WITHIN: dict[str, Handler] = {
    "media:title": _media_title,
    "media:description": _summary,
    "media:keywords": _keywords,
    "media:category": _media_category,
    "media:community": _media_community,
}
_MEDIA: dict[str, Handler] = {**_MEDIA_WITHIN, "media:content": _media_content}

ITEM: dict[str, Handler] = {
    **_MEDIA,
    "media:group": _media_group,
    "dc:language": _language,
    "language": _language,
    "itunes:duration": _duration,
    "itunes:summary": _summary,
    "itunes:keywords": _keywords,
    "itunes:category": _itunes_category,
    "itunes:title": _media_title,
    "slash:comments": _comments,
    "thr:total": _comments,
    "yt:videoid": _video_id,
    "podcast:person": _person,
    "podcast:transcript": _transcript,
    "podcast:alternateenclosure": _alternate_enclosure,
    "podcast:contentlink": _content_link,
    "podcast:location": _place,
    "georss:point": _point,
    "georss:where": _where,
    "georss:featurename": _feature_name,
    "geo:lat": _latitude,
    "geo:long": _longitude,
    "geo:point": _geo_point,
}


# ── the feed itself ──────────────────────────────────────────────────────────────────────────────────────────────


def _feed_ttl(feed: FeedDraft, element: Element) -> None:
    feed.ttl = text_of(element)


def _feed_period(feed: FeedDraft, element: Element) -> None:
    feed.sy_period = text_of(element)


def _feed_frequency(feed: FeedDraft, element: Element) -> None:
    feed.sy_frequency = text_of(element)


def _feed_rhythm(feed: FeedDraft, element: Element) -> None:
    feed.rrule = element.get("rrule")
    feed.complete = element.get("complete", "").lower() == "true"


def _feed_moved(feed: FeedDraft, element: Element) -> None:
    feed.new_url = text_of(element)


def _feed_block(feed: FeedDraft, element: Element) -> None:
    feed.block(_attribute(element, "id").lower(), (text_of(element) or "").lower())


def _feed_place(feed: FeedDraft, element: Element) -> None:
    feed.country = feed.country or _attribute(element, "country") or None


FEED: dict[str, Callable[[FeedDraft, Element], None]] = {
    "ttl": _feed_ttl,
    "sy:updateperiod": _feed_period,
    "sy:updatefrequency": _feed_frequency,
    "podcast:updatefrequency": _feed_rhythm,
    "podcast:block": _feed_block,
    "podcast:person": _person,
    "podcast:location": _feed_place,
    "itunes:new-feed-url": _feed_moved,
}
