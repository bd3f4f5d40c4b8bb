"""The web preview of a channel (t.me/s/NAME) as posts. Pure.

The page is made for people and its form is not documented, so everything is optional but a post's number and date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from collectors.base import Drifted, Engagement, Item, Media, Rejected, Source
from collectors.feeds.text import line, plain
from collectors.reading import RAW_LIMIT, UnreadableItemError, moment, needed_moment, total
from collectors.telegram_routes.address import SITE

_POST = re.compile(r"([A-Za-z]\w{2,40})/(\d{1,12})")
_SHORT = re.compile(r"(\d{1,3}(?:[ ,\u00a0]\d{3})+|\d{1,12})(?:\.(\d{1,3}))?\s*([KMB])?", re.IGNORECASE)
_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d\d)")
_BACKGROUND = re.compile(r"url\(\s*['\"]?([^'\")]+)")


@dataclass(frozen=True, slots=True)
class Post:
    """One message of a page, posts and others, as much of it as paging needs."""

    number: int
    at: datetime | None
    node: LexborNode


@dataclass(frozen=True, slots=True)
class Channel:
    """What the head of the page says."""

    title: str
    followers: int | None
    """Rounded, as shown."""
    verified: bool | None


class Preview:
    """One page. Raises Drifted('unknown_shape') if it is not the preview of a channel."""

    def __init__(self, source: Source, body: bytes) -> None:
        self._tree = LexborHTMLParser(body.decode("utf-8", "replace"))
        self.posts = sorted(
            filter(None, map(_post, self._tree.css(".tgme_widget_message[data-post]"))), key=lambda post: post.number
        )
        if not self.posts and self._tree.css_first(".tgme_channel_history, .tgme_channel_info") is None:
            raise Drifted(
                f"{source.id}: this is not the preview of a channel as it used to look. Open the source's address in a "
                "browser; if posts are shown there, please report it.",
                code="unknown_shape",
            )

    @property
    def numbers(self) -> set[int]:
        return {post.number for post in self.posts}

    @property
    def oldest(self) -> datetime | None:
        """When the oldest post with a readable date was published."""
        return min((post.at for post in self.posts if post.at is not None), default=None)

    def channel(self) -> Channel:
        head = self._tree.css_first(".tgme_channel_info")
        if head is None:
            return Channel("", None, None)
        followers = None
        for counter in head.css(".tgme_channel_info_counter"):
            if _text(counter.css_first(".counter_type")).startswith("subscriber"):
                followers = short_number(_text(counter.css_first(".counter_value")))
        title = line(_text(head.css_first(".tgme_channel_info_header_title span")))
        return Channel(title, followers, head.css_first(".verified-icon") is not None)

    def read(self) -> tuple[tuple[Item, ...], tuple[Rejected, ...]]:
        """Posts, oldest first, and what could not be read of them."""
        channel = self.channel()
        items: dict[str, Item] = {}
        rejected = []
        for post in self.posts:
            try:
                item = _item(post, channel)
            except UnreadableItemError as error:
                raw = post.node.html or ""
                rejected.append(Rejected(str(error), raw[:500], raw[:RAW_LIMIT].encode()))
            else:
                if item is not None:
                    items[item.id] = item
        return tuple(items.values()), tuple(rejected)


def native_id(channel: str, number: int) -> str:
    """'examplechannel/512'; names of channels are the same in small and capital letters."""
    return f"{channel.lower()}/{number}"


def number_of(native: str) -> int | None:
    """The number of a post from its id."""
    number = native.rpartition("/")[2]
    return int(number) if number.isdigit() else None


def short_number(shown: str) -> int | None:
    """'5.8M' → 5800000: as precise as it is shown. None for anything else."""
    match = _SHORT.fullmatch(shown.strip())
    if match is None:
        return None
    whole, fraction, unit = match.groups()
    factor = _FACTORS[(unit or "").upper()]
    if fraction and factor == 1:
        return None
    whole_number = int(re.sub(r"\D", "", whole)) * factor
    return whole_number + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)


def seconds(shown: str) -> float | None:
    """'1:23' or '1:02:03' → seconds."""
    match = _CLOCK.fullmatch(shown.strip())
    if match is None:
        return None
    hours, minutes, rest = match.groups()
    return float(int(hours or 0) * 3600 + int(minutes) * 60 + int(rest))


def _post(node: LexborNode) -> Post | None:
    match = _POST.fullmatch((node.attributes.get("data-post") or "").strip())
    if match is None:
        return None
    # Videos have a <time> of their own, without a date: how long they last
    stamp = node.css_first(".tgme_widget_message_date time[datetime]") or node.css_first("time[datetime]")
    at = moment(stamp.attributes.get("datetime")) if stamp is not None else None
    return Post(int(match[2]), at, node)


def _item(post: Post, channel: Channel) -> Item | None:
    """None: a note of the service ('channel created'), or a post of somebody else that was passed on."""
    node = post.node
    if "service_message" in (node.attributes.get("class") or "").split():
        return None
    if node.css_first(".tgme_widget_message_forwarded_from") is not None:
        return None
    name = (node.attributes.get("data-post") or "").partition("/")[0]
    body = next((one for one in node.css(".tgme_widget_message_text") if not _inside(one, node)), None)
    poll = node.css_first(".tgme_widget_message_poll_question")
    address = f"{SITE}/{name}/{post.number}"
    return Item(
        id=native_id(name, post.number),
        url=address,
        text=plain(body.inner_html or "") if body is not None else line(_text(poll)),
        published_at=needed_moment(post.at, "time"),
        author=name.lower(),
        followers=channel.followers,
        verified=channel.verified,
        media=tuple(_media(node, address)),
        categories=_hashtags(body),
        engagement=Engagement(
            views=short_number(_text(node.css_first(".tgme_widget_message_views"))),
            likes=total(*(short_number(_own_text(one)) for one in node.css(".tgme_reaction"))),
        ),
    )


def _inside(node: LexborNode, post: LexborNode) -> bool:
    """The text belongs to the post that is answered, which is quoted above."""
    above = node.parent
    while above is not None and above != post:
        classes = (above.attributes.get("class") or "").split()
        if "tgme_widget_message_reply" in classes:
            return True
        above = above.parent
    return "js-message_reply_text" in (node.attributes.get("class") or "").split()


def _media(node: LexborNode, address: str) -> list[Media]:
    """Videos that are too large to be shown have no address of their own; the post's stands for them."""
    found = []
    for photo in node.css(".tgme_widget_message_photo_wrap"):
        match = _BACKGROUND.search(photo.attributes.get("style") or "")
        found.append(Media(_absolute(match[1] if match else "") or address, medium="image"))
    for video in node.css(".tgme_widget_message_video_player, .tgme_widget_message_roundvideo_player"):
        length = video.css_first(".message_video_duration, .tgme_widget_message_roundvideo_duration")
        clip = video.css_first("video[src]")
        where = _absolute(clip.attributes.get("src") or "") if clip is not None else None
        found.append(Media(where or address, medium="video", duration=seconds(_text(length))))
    for voice in node.css(".tgme_widget_message_voice_player"):
        length = voice.css_first(".tgme_widget_message_voice_duration")
        clip = voice.css_first("audio[src]")
        where = _absolute(clip.attributes.get("src") or "") if clip is not None else None
        found.append(Media(where or address, medium="audio", duration=seconds(_text(length))))
    for file in node.css(".tgme_widget_message_document_wrap"):
        music = file.css_first(".tgme_widget_message_document_icon.audio") is not None
        found.append(Media(address, medium="audio" if music else "document"))
    return found


def _absolute(url: str) -> str | None:
    url = f"https:{url}" if url.startswith("//") else url
    return url if url.startswith("https://") else None


def _hashtags(body: LexborNode | None) -> tuple[str, ...]:
    links = body.css("a[href]") if body is not None else []
    tags = (_text(link) for link in links if (link.attributes.get("href") or "").startswith("?q=%23"))
    return tuple(dict.fromkeys(tag.removeprefix("#") for tag in tags if len(tag) > 1))


def _text(node: LexborNode | None) -> str:
    return node.text(deep=True).strip() if node is not None else ""


def _own_text(node: LexborNode) -> str:
    """Without the emoji that the number stands behind, which is an element."""
    return node.text(deep=False).strip()
