"""What kind of post this is (video, podcast, news, other), whether it is a live stream, whether it is paid for.

Evidence in order of weight: what the item declares, its media, its address, its platform, its source's prior.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from monitor.core.phrases import Hit, Phrase, uncovered, words

VIDEO_PLATFORMS = frozenset(("youtube", "vimeo", "tiktok", "twitch", "dailymotion", "peertube"))
SOCIAL_PLATFORMS = frozenset(
    (
        "x",
        "twitter",
        "facebook",
        "meta",
        "instagram",
        "threads",
        "linkedin",
        "bluesky",
        "mastodon",
        "telegram",
        "tumblr",
    )
)
IMAGE_PLATFORMS = frozenset(("pinterest", "flickr"))
FORUM_PLATFORMS = frozenset(("reddit", "discourse", "lemmy", "stackexchange"))

_HOST = re.compile(r"^https?://(?:www\.|m\.|mobile\.)?([^/?#:]{1,253})", re.IGNORECASE)
_VIDEO_HOSTS = {
    "youtube.com",
    "youtu.be",
    "youtube-nocookie.com",
    "vimeo.com",
    "tiktok.com",
    "dailymotion.com",
    "twitch.tv",
    "fb.watch",
}
_PODCAST_HOSTS = {
    "podcasts.apple.com",
    "audioboom.com",
    "podbean.com",
    "anchor.fm",
    "buzzsprout.com",
    "libsyn.com",
    "simplecast.com",
    "transistor.fm",
    "podcasters.spotify.com",
}
_VIDEO_PATH = re.compile(
    r"/(?:videos?|watch|webinars?|multimedia/video|tv)/|facebook\.com/(?:watch|reel)|instagram\.com/(?:reel|tv)/|[?&]v=[\w-]{11}\b",
    re.IGNORECASE,
)
_PODCAST_PATH = re.compile(r"/(?:podcasts?|episodes?)/|open\.spotify\.com/episode|/podcast-", re.IGNORECASE)
_FORUM_PATH = re.compile(
    r"/(?:forums?|r|viewtopic\.php|showthread\.php|threads?|discussions?|community/(?:topic|post|q))(?:/|\?|$)|//(?:forums?|community|discuss)\.",
    re.IGNORECASE,
)
_INFOGRAPHIC = re.compile(r"\binfogra(?:phic|fik|ph(?:ie|ique)|f[ií]a|fica|fico)", re.IGNORECASE)
_PATH_HINT = re.compile(
    r"video|watch|webinar|/tv/|reel|v=|podcast|episode|infogra|forum|/r/|viewtopic|showthread|thread|discuss|community",
    re.IGNORECASE,
)
"""Every path that one of the patterns above accepts contains one of these."""
_SHORTS = re.compile(r"/shorts/|/reels?/", re.IGNORECASE)
_EXTENSION = re.compile(
    r"\.(mp3|m4a|aac|ogg|opus|wav|mp4|m4v|mov|webm|m3u8|pdf|jpe?g|png|gif|webp)(?:[?#]|$)", re.IGNORECASE
)
_BY_EXTENSION = {
    **dict.fromkeys(("mp3", "m4a", "aac", "ogg", "opus", "wav"), "audio"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "m3u8"), "video"),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp"), "image"),
    "pdf": "document",
}
_LIVE_PREFIX = re.compile(
    r"^\W{0,4}(?:live|live now|en vivo|en direct|ao vivo|in diretta|livestream)\s*[:|\]\-–—!]|^\W{0,3}🔴|^\[live\]",
    re.IGNORECASE,
)
_SPONSORED_PREFIX = re.compile(
    r"^\W{0,3}(?:sponsored|sponsored content|ad|advertisement|advertorial|anzeige|werbung|publicité|publireportage|publicidad|publicidade|publirreportaje)\s*[:|\]\-–—]",
    re.IGNORECASE,
)
_HASHTAG = re.compile(r"#(\w{2,60})")

SPONSORED_TAGS = words(
    "ad ads advert advertisement sponsored sponsoredpost sponsoredcontent paidpartnership paidpartner paidpromotion paidad"
    " brandpartner brandpartnership brandambassador spon gifted werbung anzeige bezahltepartnerschaft publicité publicite"
    " sponsorisé sponsorise partenariatrémunéré partenariatremunere collaborationcommerciale publicidad patrocinado"
    " colaboracionpagada colaboraciónpagada publi publipost parceriapaga publicidade sponsorizzato adv pubblicità pubblicita"
)
LIVE_TAGS = words(
    "livestream livestreaming facebooklive instagramlive youtubelive linkedinlive tiktoklive twitterspaces golive goinglive"
    " watchlive"
)

_LIVE_PHRASES = (
    "live stream|live-streamed|live-streaming|watch live|watching live|join us live|going live|we are live|we're live|live now on"
    "|streamed live|streaming live|facebook live|instagram live|youtube live|linkedin live|tiktok live|live webinar|live broadcast"
    "|live q&a|live recording|recorded live|live event stream|live on air|twitter space|en vivo por|transmisión en vivo|en direct sur|diffusion en direct"
    "|ao vivo no|transmissão ao vivo|in diretta su|diretta streaming|diretta facebook|im livestream|live-übertragung"
)
_SPONSORED_PHRASES = (
    "paid partnership|paid promotion|paid advertisement|paid advertising|sponsored content|sponsored post|sponsored article|sponsored video"
    "|sponsored episode|post is sponsored|video is sponsored|episode is sponsored|article is sponsored|sponsored by our friend|today's sponsor"
    "|this episode's sponsor|thanks to our sponsor|episode is brought to you by|podcast is brought to you by|video is brought to you by"
    "|show is brought to you by|in partnership with our sponsor|promotional content|advertorial|partner content by|bezahlte partnerschaft"
    "|bezahlte werbung|gesponserter beitrag|gesponserter inhalt|werbung wegen|enthält werbung|partenariat rémunéré|collaboration commerciale"
    "|contenu sponsorisé|article sponsorisé|colaboración pagada|contenido patrocinado|publicación patrocinada|contenuto sponsorizzato"
    "|post sponsorizzato|partnership retribuita|parceria paga|conteúdo patrocinado|publipost"
)
_SPONSORED_GUARDS = "no paid partnership|not a paid partnership|not sponsored content|not a sponsored post|no sponsored content|no sponsored post|ban sponsored content|ban on sponsored content"
LIVE, SPONSORED, SPONSORED_GUARD = "live", "sponsored", "sponsored guard"
_LIVE_REACH = 400
"""Characters after the title in which live phrases count: a recording is announced at the top."""


class Kind(NamedTuple):
    content_type: str
    subtype: str | None
    reason: str


class Flag(NamedTuple):
    value: bool
    reason: str | None
    """None when there was nothing to say."""


def phrases() -> Iterator[Phrase]:
    """What to look for in texts for `live` and `sponsored`."""
    for kind, table in ((LIVE, _LIVE_PHRASES), (SPONSORED, _SPONSORED_PHRASES), (SPONSORED_GUARD, _SPONSORED_GUARDS)):
        for text in table.split("|"):
            yield Phrase(kind, kind, text)


def medium_of(mime: str, medium: str, url: str = "") -> str:
    """'audio', 'video', 'image', 'document' or '' of a MIME type, a Media RSS medium, or at last a file name."""
    family = mime.partition("/")[0]
    if family in ("audio", "video", "image"):
        return family
    if mime in ("application/x-mpegurl", "application/vnd.apple.mpegurl", "application/dash+xml"):
        return "video"
    if mime == "application/pdf":
        return "document"
    if medium in ("audio", "video", "image", "document"):
        return medium
    found = _EXTENSION.search(url[:2000])
    return _BY_EXTENSION[found.group(1).lower()] if found else ""


def hashtags(text: str) -> frozenset[str]:
    """Hashtags of a text, lower case, without '#'."""
    return frozenset(tag.lower() for tag in _HASHTAG.findall(text)) if "#" in text else frozenset()


def content_type_of(
    *,
    declared: str | None,
    media: tuple[str, ...],
    url: str | None,
    platform: str,
    prior: str | None,
    title: str,
    has_transcript: bool = False,
) -> Kind:
    """The kind of a post. `media` are results of `medium_of`. Always answers."""
    where = url or ""
    if declared is not None:
        return Kind(declared, _subtype(declared, media, where, platform, title), "declared by the item")
    kind = _by_media(media, where, platform, prior, title, has_transcript) or _by_address(where, title, media)
    if kind is not None:
        return kind
    if platform in VIDEO_PLATFORMS:
        return Kind("video", "short" if _SHORTS.search(where) else None, f"{platform} holds videos")
    if prior is not None:
        return Kind(prior, _subtype(prior, media, where, platform, title), "what this source usually posts")
    if platform == "podcast":
        return Kind("podcast", None, "the platform holds podcasts")
    if platform in FORUM_PLATFORMS:
        return Kind("other", "forum", f"{platform} is a forum")
    if platform in IMAGE_PLATFORMS:
        return Kind("other", "image", f"{platform} holds images")
    if platform in SOCIAL_PLATFORMS:
        return Kind("other", "image" if "image" in media else "social", f"a post on {platform}")
    if title and where:
        return Kind("news", None, "a titled page without audio or video")
    return Kind("other", None, "nothing says what it is")


def _by_media(
    media: tuple[str, ...], where: str, platform: str, prior: str | None, title: str, has_transcript: bool
) -> Kind | None:
    if "video" in media:
        if "audio" in media and prior == "podcast":
            return Kind("podcast", None, "has audio and video, from a podcast")
        return Kind("video", "short" if _SHORTS.search(where) else None, "has a video attached")
    if "audio" in media:
        return Kind("podcast", None, "has audio attached")
    if "document" in media and platform not in VIDEO_PLATFORMS:
        return Kind("other", "infographic" if _INFOGRAPHIC.search(title) else "document", "has a document attached")
    if has_transcript:
        return Kind("podcast" if prior != "video" else "video", None, "has a transcript")
    return None


def _by_address(where: str, title: str, media: tuple[str, ...]) -> Kind | None:
    found = _HOST.match(where)
    if found:
        host = found.group(1).lower()
        if host in _VIDEO_HOSTS:
            return Kind("video", "short" if _SHORTS.search(where) else None, f"its address is on {host}")
        if host in _PODCAST_HOSTS:
            return Kind("podcast", None, f"its address is on {host}")
        if host.endswith("reddit.com"):
            return Kind("other", "forum", "its address is on reddit.com")
        path = where[found.end() - len(host) - 2 :]
        if _PATH_HINT.search(path):
            kind = _by_path(path, where)
            if kind is not None:
                return kind
    if (
        title
        and _INFOGRAPHIC.search(title[:300])
        and ("image" in media or title[:14].lower().lstrip("[(").startswith("infogra"))
    ):
        return Kind("other", "infographic", "its title says infographic")
    return None


def _by_path(path: str, where: str) -> Kind | None:
    if _VIDEO_PATH.search(path):
        return Kind("video", "short" if _SHORTS.search(where) else None, "its address says video")
    if _PODCAST_PATH.search(path):
        return Kind("podcast", None, "its address says podcast")
    if _INFOGRAPHIC.search(path):
        return Kind("other", "infographic", "its address says infographic")
    if _FORUM_PATH.search(path):
        return Kind("other", "forum", "its address is in a forum")
    return None


def _subtype(content_type: str, media: tuple[str, ...], where: str, platform: str, title: str) -> str | None:
    if content_type == "video":
        return "short" if _SHORTS.search(where) else None
    if content_type != "other":
        return None
    if _INFOGRAPHIC.search(title[:300]) or _INFOGRAPHIC.search(where):
        return "infographic"
    if platform in FORUM_PLATFORMS or _FORUM_PATH.search(where):
        return "forum"
    if "document" in media:
        return "document"
    if platform in IMAGE_PLATFORMS or "image" in media:
        return "image"
    return "social" if platform in SOCIAL_PLATFORMS else None


def live_of(
    *,
    declared: str | None,
    content_type: str,
    title: str,
    tags: frozenset[str],
    hits: Mapping[str, list[Hit]],
    text: str,
    body_at: int,
) -> Flag:
    """Is this post a live stream: announced, running or recorded? The platform's word first, then weak evidence of text.

    Text counts for videos, podcasts and social posts only: an article about live streams is not one.
    """
    if declared is not None:
        return Flag(
            True,
            {
                "pending": "the platform says: live soon",
                "live": "the platform says: live",
                "ended": "the platform says: was live",
            }[declared],
        )
    if content_type == "news":
        return Flag(False, None)
    if content_type in ("video", "podcast") and _LIVE_PREFIX.match(title[:40]):
        return Flag(True, f"weak: the title begins '{title[:12].strip()}'")
    found = tags & LIVE_TAGS
    if found:
        return Flag(True, f"weak: #{min(found)}")
    for hit in hits.get(LIVE, ()):
        if hit.start < body_at + _LIVE_REACH:
            return Flag(True, f"weak: '{text[hit.start : hit.end]}'")
    return Flag(False, None)


def sponsored_of(
    *,
    declared: bool | None,
    title: str,
    categories: tuple[str, ...],
    tags: frozenset[str],
    hits: Mapping[str, list[Hit]],
    text: str,
) -> Flag:
    """Is this post paid for? The platform's label decides where it has one; else weak evidence of hashtags and text."""
    if declared is not None:
        return Flag(declared, "labelled by the platform" if declared else "the platform says: not paid for")
    found = tags & SPONSORED_TAGS
    if found:
        return Flag(True, f"weak: #{min(found)}")
    if _SPONSORED_PREFIX.match(title[:40]):
        return Flag(True, f"weak: the title begins '{title[:12].strip()}'")
    for category in categories:
        if category.strip().lower() in (
            "sponsored",
            "sponsored content",
            "advertorial",
            "partner content",
            "sponsored post",
        ):
            return Flag(True, f"weak: filed under '{category.strip()[:30]}'")
    for hit in uncovered(hits.get(SPONSORED, []), hits.get(SPONSORED_GUARD, [])):
        return Flag(True, f"weak: '{text[hit.start : hit.end]}'")
    return Flag(False, None)
