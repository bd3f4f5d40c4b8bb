"""A stand-in for Telegram: the web preview of an invented channel, and the Bot API's updates."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Platform, Told

CHANNEL = "ExampleHealth"
TOKEN = "123456789:hush-token-of-an-example-bot-0001"
PAGE = 20


@dataclass(frozen=True)
class Post:
    """One message of the channel. `kind`: 'text', 'photo', 'video', 'voice', 'document', 'poll', 'large', 'forward',
    'service' or 'broken'."""

    number: int
    at: datetime
    kind: str = "text"
    text: str = ""
    views: str | None = "0"
    edited: bool = False
    answers: bool = False

    @property
    def id(self) -> str:
        return f"{CHANNEL.lower()}/{self.number}"


def made(number: int, at: datetime) -> Post:
    """An ordinary post: some have views of 0, some a rounded number, some none; an album swallows a number."""
    kinds = {3: "photo", 5: "video", 8: "voice", 11: "forward", 13: "service"}
    kind = kinds.get(number % 17, "text")
    views = (str(number % 3), "1.2K", None)[number % 3]
    return Post(number, at, kind, f"Bulletin {number} &amp; advice", views)


class TelegramPreview(Platform):
    """`posts` oldest first."""

    def __init__(self, clock: Callable[[], datetime] = lambda: START, *, posts: int = 70) -> None:
        super().__init__(clock)
        self.posts = [
            made(number, self.clock() - timedelta(hours=1) * (posts - number))
            for number in range(1, posts + 1)
            if number % 9  # deleted long ago, or a further picture of an album
        ]
        self.hidden = False
        """The owner switched the preview off: a redirect to the channel's card."""
        self.robots = b"User-agent: *\nAllow: /\n"
        self.ignores_before = False

    def publish(self, count: int) -> None:
        for _ in range(count):
            number = max((post.number for post in self.posts), default=0) + 1
            self.posts.append(Post(number, self.clock(), text=f"Bulletin {number}", views="7"))

    def ids(self) -> set[str]:
        return {post.id for post in self.posts if post.kind not in ("forward", "service", "broken")}

    def break_one(self) -> str:
        return self.change(self._ordinary(), kind="broken").id

    def remove_one(self) -> str:
        post = self._ordinary()
        self.posts.remove(post)
        return post.id

    def change(self, post: Post, **changes: Any) -> Post:
        """Edit a post in its place."""
        index = self.posts.index(post)
        self.posts[index] = replace(post, **changes)
        return self.posts[index]

    def _ordinary(self) -> Post:
        return next(post for post in reversed(self.posts[:-5]) if post.kind == "text")

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/robots.txt":
            return Told(200, self.robots, {"content-type": "text/plain"})
        name = asked.path.removeprefix("/s/")
        if asked.path.startswith("/s/") and (self.hidden or name.lower() != CHANNEL.lower()):
            return Told(302, b"", {"location": f"/{name}"})
        if not asked.path.startswith("/s/"):
            return _html('<div class="tgme_page"><div class="tgme_page_extra">@example</div></div>')
        before = int(asked.one("before", "0")) or None
        if self.ignores_before:
            before = None
        shown = [post for post in self.posts if before is None or post.number < before][-PAGE:]
        more = f'<a class="tme_messages_more js-messages_more" data-before="{shown[0].number}"></a>' if shown else ""
        messages = "".join(map(_message, shown)) or '<div class="tme_no_messages_found">No posts found</div>'
        history = f'<section class="tgme_channel_history js-message_history">{more}{messages}</section>'
        return replace(_html(_HEAD + history), page=True)

    def answer_throttled(self, asked: Asked) -> Told:
        if asked.path == "/robots.txt":
            return Told(200, self.robots, {"content-type": "text/plain"})
        return Told(429, b"", {"retry-after": "120"})


def _html(body: str) -> Told:
    page = f"<!DOCTYPE html><html><head><title>Telegram</title></head><body>{body}</body></html>"
    return Told(200, page.encode(), {"content-type": "text/html; charset=utf-8"})


_HEAD = """<header class="tgme_header"></header><div class="tgme_channel_info">
<div class="tgme_channel_info_header_title"><span dir="auto">Example Health</span><i class="verified-icon"> ✔</i></div>
<div class="tgme_channel_info_header_username"><a href="https://t.me/examplehealth">@examplehealth</a></div>
<div class="tgme_channel_info_counters">
<div class="tgme_channel_info_counter"><span class="counter_value">40.5K</span> <span class="counter_type">subscribers</span></div>
<div class="tgme_channel_info_counter"><span class="counter_value">812</span> <span class="counter_type">photos</span></div>
</div></div>"""


def _message(post: Post) -> str:
    link = f"https://t.me/{CHANNEL}/{post.number}"
    text = f'<div class="tgme_widget_message_text js-message_text" dir="auto">{post.text}</div>' if post.text else ""
    extra = {
        "photo": f'<a class="tgme_widget_message_photo_wrap" href="{link}" style="width:800px;background-image:url(\'https://cdn.example/{post.number}.jpg\')"></a>',
        "video": f'<a class="tgme_widget_message_video_player js-message_video_player" href="{link}"><i class="tgme_widget_message_video_thumb"></i>'
        f'<video src="https://cdn.example/{post.number}.mp4" class="tgme_widget_message_video js-message_video"></video><time class="message_video_duration js-message_video_duration">1:23</time></a>',
        "large": f'<a class="tgme_widget_message_video_player not_supported" href="{link}"><time class="message_video_duration">1:02:03</time></a>'
        '<div class="message_media_not_supported_wrap"><div class="message_media_not_supported_label">Media is too big</div></div>',
        "voice": '<a class="tgme_widget_message_voice_player js-message_voice_player"><audio class="tgme_widget_message_voice js-message_voice" src="https://cdn.example/v.ogg"></audio>'
        '<time class="tgme_widget_message_voice_duration js-message_voice_duration">0:42</time></a>',
        "document": f'<a class="tgme_widget_message_document_wrap" href="{link}"><div class="tgme_widget_message_document_title">plan.pdf</div></a>',
        "poll": '<a class="tgme_widget_message_poll js-poll"><div class="tgme_widget_message_poll_question">Are you vaccinated?</div></a>',
        "forward": '<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from <a class="tgme_widget_message_forwarded_from_name" href="https://t.me/otherexample/7"><span dir="auto">Other</span></a></div>',
    }.get(post.kind, "")
    quoted = (
        f'<a class="tgme_widget_message_reply" href="https://t.me/{CHANNEL}/1"><div class="tgme_widget_message_metatext js-message_reply_text" dir="auto">What was asked</div>'
        '<div class="tgme_widget_message_text js-message_reply_text" dir="auto">What was asked</div></a>'
        if post.answers
        else ""
    )
    views = f'<span class="tgme_widget_message_views">{post.views}</span>' if post.views is not None else ""
    edited = "edited &nbsp;" if post.edited else ""
    stamp = "soon" if post.kind == "broken" else post.at.isoformat()
    service = " service_message" if post.kind == "service" else ""
    signature = '<span class="tgme_widget_message_from_author" dir="auto">Jane Invented</span>'
    return f"""<div class="tgme_widget_message_wrap js-widget_message_wrap">
<div class="tgme_widget_message text_not_supported_wrap{service} js-widget_message" data-post="{CHANNEL}/{post.number}" data-view="x">
<div class="tgme_widget_message_user"><a href="https://t.me/{CHANNEL}"></a></div><div class="tgme_widget_message_bubble">
<div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name"><span dir="auto">Example Health</span></a></div>
{extra if post.kind != "poll" else ""}{quoted}{text}{extra if post.kind == "poll" else ""}
<div class="tgme_widget_message_footer compact js-message_footer"><div class="tgme_widget_message_info short js-message_info">
{views}{signature}<span class="tgme_widget_message_meta">{edited}<a class="tgme_widget_message_date" href="{link}"><time datetime="{stamp}" class="time">10:00</time></a></span>
</div></div></div></div></div>"""


class TelegramBot(Platform):
    """`updates` that were not confirmed yet, oldest first. Sending an offset confirms those below and drops them."""

    def __init__(self, clock: Callable[[], datetime] = lambda: START, *, updates: int = 230) -> None:
        super().__init__(clock)
        self.updates: list[dict[str, Any]] = []
        self.next_update = 700_000_001
        self.next_message = 1
        self.told: set[str] = set()
        self.webhook = False
        for number in range(updates):
            self.tell(self.clock() - timedelta(minutes=5) * (updates - number))

    def tell(self, at: datetime, *, kind: str = "channel_post", **more: Any) -> dict[str, Any]:
        """One update of the channel. `more` replaces fields of its message; None takes one away."""
        number = self.next_message
        message: dict[str, Any] = {
            "message_id": number,
            "sender_chat": {"id": -100123, "title": "Example Health", "username": CHANNEL, "type": "channel"},
            "chat": {"id": -100123, "title": "Example Health", "username": CHANNEL, "type": "channel"},
            "author_signature": "Jane Invented",
            "date": int(at.timestamp()),
            "text": f"Told {number}",
        }
        message = {name: value for name, value in (message | more).items() if value is not None}
        update = {"update_id": self.next_update, kind: message}
        self.updates.append(update)
        self.next_update += 1
        self.next_message += 1
        self.told.add(f"{CHANNEL.lower()}/{message['message_id']}")
        return update

    def publish(self, count: int) -> None:
        for _ in range(count):
            self.tell(self.clock())

    def ids(self) -> set[str]:
        return set(self.told)

    def break_one(self) -> str:
        message = self.updates[-2]["channel_post"]
        message |= {"date": "soon", "text": ["what"]}
        broken = f"{CHANNEL.lower()}/{message['message_id']}"
        self.told.discard(broken)
        return broken

    def answer(self, asked: Asked) -> Told:
        match = re.fullmatch(r"/bot([^/]+)/getUpdates", asked.path)
        if match is None:
            return _no(404, "Not Found")
        if match[1] != TOKEN:
            return _no(401, "Unauthorized")
        if self.webhook:
            return _no(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        if set(orjson.loads(asked.one("allowed_updates", "[]"))) != {"channel_post", "edited_channel_post"}:
            return _no(400, "Bad Request: this stand-in wants allowed_updates")
        if "offset" in asked.query:
            self.updates = [one for one in self.updates if one["update_id"] >= int(asked.one("offset"))]
        limit = min(int(asked.one("limit", "100")), 100)
        return Told.json({"ok": True, "result": self.updates[:limit]}, page=True)

    def answer_throttled(self, asked: Asked) -> Told:
        return Told.json(
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 35",
                "parameters": {"retry_after": 35},
            },
            429,
        )


def _no(status: int, why: str) -> Told:
    return Told.json({"ok": False, "error_code": status, "description": why}, status)


def source(url: str = f"https://t.me/{CHANNEL}", **options: Any) -> Source:
    return Source(id="it", collector="telegram", platform="telegram", url=url, options=options)


CASES: list[Case] = [
    Case("telegram preview", source(), TelegramPreview, deletes=True),
    Case(
        "telegram bot",
        source("https://t.me/example_health_bot", route="bot"),
        TelegramBot,
        key=TOKEN,
        wrong_key="123456789:hush-token-that-was-revoked-0002",
        engagement=False,
    ),
]
