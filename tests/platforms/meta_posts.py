"""What the stand-in for Meta's Graph APIs shows: its people, its posts, its fields and its faults. All invented."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Kind = Literal["page", "hashtag", "account", "search", "profile"]
KEY = "1234567|hush-token"
OWNER = "example_operator"
"""The user that the Threads token belongs to."""
OPERATOR = "17841400000000001"
"""The id of the operator's own account on Instagram."""
PAGE = "exampleclinic"
PAGE_ID = "100200300"
ACCOUNT = "example.clinic"
ACCOUNT_ID = "17841400000000077"
PROFILE = "example.nurse"
TAG, TAG_ID = "examplefever", "17841562000000001"
WORDS = "waiting room"
SENSITIVE = "forbiddenword"
CURSOR = "QVFIconstant"
EPOCH = 1_688_540_400

POST_FIELDS = frozenset((
    "id", "message", "created_time", "updated_time", "permalink_url", "from", "full_picture", "shares", "is_expired",
    "is_popular", "is_fb_live_videos", "was_fb_live_videos", "status_type", "place", "attachments", "reactions",
    "comments", "sponsor_tags",
))  # fmt: skip
PAGE_FIELDS = frozenset(("id", "name", "about", "followers_count", "fan_count", "verification_status"))
MEDIA_FIELDS = frozenset((
    "id", "caption", "media_type", "media_product_type", "media_url", "permalink", "timestamp", "like_count",
    "comments_count", "children",
))  # fmt: skip
THREADS_FIELDS = frozenset((
    "id", "media_product_type", "media_type", "media_url", "permalink", "username", "text", "timestamp", "shortcode",
    "thumbnail_url", "children", "is_quote_post", "alt_text", "link_attachment_url", "quoted_post", "reposted_post",
    "gif_url", "poll_attachment", "topic_tag",
))  # fmt: skip
SEARCH_FIELDS = THREADS_FIELDS | {"has_replies", "is_reply", "root_post", "replied_to", "reply_audience"}
PROFILE_FIELDS = THREADS_FIELDS | {"is_verified", "profile_picture_url"}
LOOKUP_FIELDS = PROFILE_FIELDS | {"name", "biography", "follower_count", "likes_count", "views_count"}


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str, subcode: int | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AxInvented"}
        }
        if subcode is not None:
            self.body["error"]["error_subcode"] = subcode


def absent(native: str) -> Fault:
    return Fault(
        100,
        f"Unsupported get request. Object with ID '{native}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation.",
        33,
    )


@dataclass
class Post:
    kind: Kind
    number: int
    at: datetime
    broken: bool = False
    repost: bool = False
    author: str = "example_reader"

    @property
    def native(self) -> str:
        return f"{PAGE_ID}_{9000 + self.number}" if self.kind == "page" else str(17_900_000_000_000_000 + self.number)

    @property
    def stamp(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%S+0000")


def page_post(post: Post) -> dict[str, Any]:
    native, number = post.native, post.number
    if post.broken:
        return {"id": native, "created_time": number, "message": {"text": "?"}}
    told: dict[str, Any] = {
        "id": native,
        "message": f"Free screening number {number} on Friday",
        "created_time": post.stamp,
        "permalink_url": f"https://www.facebook.com/{PAGE_ID}/posts/{9000 + number}",
        "from": {"id": PAGE_ID, "name": "Example Clinic"},
        "is_expired": False,
        "is_fb_live_videos": number == 11,
        "was_fb_live_videos": number == 12,
        "status_type": "added_photos",
        "reactions": {"data": [], "summary": {"total_count": number % 5}},
        "comments": {"data": [], "summary": {"total_count": number % 3}},
    }
    if number % 2:
        told["shares"] = {"count": number}
    if number == 13:
        told["sponsor_tags"] = {"data": [{"id": "77", "name": "Example Pharma"}]}
    if number in (11, 12):
        url = f"https://www.facebook.com/{PAGE_ID}/videos/{number}/"
        told["attachments"] = {"data": [{"media_type": "video", "url": url}]}
    if number == 14:
        told["place"] = {"name": "Example Hall", "location": {"city": "Sampleton", "country": "United Kingdom"}}
        told["full_picture"] = "https://scontent.example/14.jpg"
    if post.repost:
        del told["message"]
        told["status_type"] = "shared_story"
    return told


def media(post: Post) -> dict[str, Any]:
    native, number = post.native, post.number
    if post.broken:
        return {"id": native, "timestamp": number, "caption": ["?"]}
    told: dict[str, Any] = {
        "id": native,
        "caption": f"Day {number} with #{TAG}",
        "media_type": ("IMAGE", "VIDEO", "CAROUSEL_ALBUM")[number % 3],
        "permalink": f"https://www.instagram.com/p/AAA{number}/",
        "timestamp": post.stamp,
        "comments_count": number % 4,
    }
    if number % 5:
        told["like_count"] = number % 6
    if number % 3 == 0:
        told["media_url"] = f"https://scontent.example/{number}.jpg"
    return told


def account_media(post: Post) -> dict[str, Any]:
    kind = "REELS" if post.number % 3 == 1 else "FEED"
    return media(post) | ({} if post.broken else {"media_product_type": kind})


def thread(post: Post) -> dict[str, Any]:
    native, number = post.native, post.number
    if post.broken:
        return {"id": native, "timestamp": number, "text": {"?": 1}, "username": post.author}
    told: dict[str, Any] = {
        "id": native,
        "media_type": "VIDEO" if number % 4 == 0 else "TEXT_POST",
        "text": f"The waiting room is full, day {number}",
        "permalink": f"https://www.threads.com/@{post.author}/post/AA{number}",
        "timestamp": post.stamp,
        "username": post.author,
        "shortcode": f"AA{number}",
        "is_quote_post": False,
        "is_reply": number == 21,
    }
    if number % 4 == 0:
        told["media_url"] = f"https://scontent.example/{number}.mp4"
    if number == 22:
        told |= {"topic_tag": "NightShift", "is_verified": False}
        del told["permalink"]
    if post.repost:
        told |= {"media_type": "REPOST_FACADE", "text": "", "reposted_post": {"id": "18"}}
    return told


def check_fields(query: dict[str, str], known: frozenset[str]) -> None:
    """Fields at the top; what is in brackets after them is not looked at."""
    flat = re.sub(r"\.\w+\([^)]*\)|\{[^}]*\}", "", query.get("fields", "id"))
    for name in flat.split(","):
        if name not in known:
            raise Fault(100, f"(#100) Tried accessing nonexisting field ({name})")
