"""Posts of a Mastodon server as items. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from collectors.base import Engagement, Facts, Item, Media, Parsed
from collectors.feeds.text import line, plain
from collectors.reading import (
    UnreadableItemError,
    array,
    count,
    mapping,
    moment,
    needed,
    needed_moment,
    parsed,
    text,
    total,
)

_PUBLIC = frozenset({"public", "unlisted"})
_MEDIA = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}


class StatusReader:
    """Reads the posts of one page, and counts those that are left out."""

    def __init__(self, host: str, *, account: bool, bots: bool, replies: bool) -> None:
        """`account`: the source is one account; `bots`, `replies`: keep those of automated accounts, and answers."""
        self._host = host
        self._account = account
        self._bots = bots or account
        self._replies = replies
        self.unwilling = 0
        self.automated = 0

    def listed(self, entries: Iterable[Any]) -> Parsed:
        """The posts of a timeline."""
        return self._told(parsed(entries, self._read))

    def happened(self, events: Iterable[Any]) -> Parsed:
        """What a stream told, in its order: posts, edits, deletions; everything else is passed over. Where one post is
        told of several times, the last counts."""
        return self._told(parsed(events, self._read_event))

    def looked_up(self, found: Iterable[Any], gone: Iterable[str]) -> Parsed:
        """Posts that we hold, as they are now. What is not public any more, and what its author no longer wants to be
        found, is gone for us too."""
        answer = self._told(parsed(found, self._read_again))
        return replace(answer, items=(*answer.items, *(Item(id=one, deleted=True) for one in gone)))

    def _told(self, answer: Parsed) -> Parsed:
        repairs = []
        if self.unwilling:
            repairs.append(f"left out: {self.unwilling} posts of accounts that ask not to be indexed")
        if self.automated:
            repairs.append(f"left out: {self.automated} posts of automated accounts")
        blocked = "the account asks not to be indexed" if self._account and self.unwilling else None
        return replace(answer, facts=Facts(blocked=blocked, repairs=tuple(repairs)))

    def _read_event(self, event: Mapping[str, Any]) -> Item | None:
        payload = needed(event.get("payload"), "payload")
        match event.get("event"):
            case "delete":
                return Item(id=payload.strip(), deleted=True)
            case "update" | "status.update" as kind:
                status = orjson.loads(payload)  # a JSONDecodeError is a ValueError: this event is set aside
                if not isinstance(status, dict):
                    raise UnreadableItemError("an event without a post")
                return self._read(status) if kind == "update" else self._read_again(status)
        return None

    def _read_again(self, status: Mapping[str, Any]) -> Item | None:
        if status.get("visibility") not in _PUBLIC or _unwilling(mapping(status.get("account"))):
            return Item(id=needed(status.get("id"), "id"), deleted=True)
        return self._read(status)

    def _read(self, status: Mapping[str, Any]) -> Item | None:
        native = needed(status.get("id"), "id")
        if status.get("reblog"):
            return None
        account = status["account"]
        if not isinstance(account, Mapping):
            raise UnreadableItemError("no account")
        if needed(status.get("visibility"), "visibility") not in _PUBLIC or self._left_out(account, status):
            return None
        content = status["content"]
        if not isinstance(content, str):
            raise UnreadableItemError("content is not text")
        repairs: list[str] = []
        return Item(
            id=native,
            url=_address(status.get("url")) or _address(status.get("uri")),
            title=line(text(status.get("spoiler_text"))),
            text=plain(content, repairs),
            published_at=needed_moment(moment(status.get("created_at")), "created_at"),
            updated_at=moment(status.get("edited_at")),
            author=_author(account, self._host),
            author_bio=_bio(account),
            followers=count(account.get("followers_count")),
            verified=_verified(account),
            language=_language(status.get("language")),
            media=tuple(media for one in array(status.get("media_attachments")) if (media := _media(mapping(one)))),
            categories=tuple(
                name for one in array(status.get("tags")) if (name := text(mapping(one).get("name")).strip())
            ),
            engagement=Engagement(
                likes=count(status.get("favourites_count")),
                comments=count(status.get("replies_count")),
                shares=total(count(status.get("reblogs_count")), count(status.get("quotes_count"))),
            ),
            repairs=tuple(repairs),
        )

    def _left_out(self, account: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
        if _unwilling(account):
            self.unwilling += 1
            return True
        if not self._bots and account.get("bot") is True:
            self.automated += 1
            return True
        # an answer to oneself is the next part of a thread
        answers = status.get("in_reply_to_id") is not None
        return answers and not self._replies and status.get("in_reply_to_account_id") != account.get("id")


def _unwilling(account: Mapping[str, Any]) -> bool:
    """The author asks not to be found by search. Where a server says nothing about it, nothing was asked."""
    return account.get("noindex") is True or account.get("indexable") is False


def _address(value: Any) -> str | None:
    found = text(value).strip()
    return found if found.startswith(("https://", "http://")) else None


def _author(account: Mapping[str, Any], host: str) -> str:
    address = _address(account.get("url"))
    if address is not None:
        return address
    acct = needed(account.get("acct"), "author")
    return acct if "@" in acct else f"{acct}@{host}"


def _bio(account: Mapping[str, Any]) -> str | None:
    """The profile's text and its table of names and values."""
    if not isinstance(account.get("note"), str):
        return None
    rows = [mapping(one) for one in array(account.get("fields"))]
    table = [f"{line(text(row.get('name')))}: {line(text(row.get('value')))}" for row in rows]
    return "\n".join(filter(None, (plain(account["note"]), *table)))


def _verified(account: Mapping[str, Any]) -> bool | None:
    """True if some link of the profile was proved to be the author's own: the only such mark there is."""
    fields = account.get("fields")
    if not isinstance(fields, list):
        return None
    return any(moment(mapping(one).get("verified_at")) is not None for one in fields)


def _language(value: Any) -> str | None:
    code = text(value).strip().lower().replace("_", "-").partition("-")[0]
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def _media(one: Mapping[str, Any]) -> Media | None:
    """`url` is null while the server has not fetched its own copy; `remote_url` is the original then."""
    address = _address(one.get("url")) or _address(one.get("remote_url"))
    if address is None:
        return None
    seconds = mapping(mapping(one.get("meta")).get("original")).get("duration")
    told = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0
    return Media(address, medium=_MEDIA.get(text(one.get("type")), ""), duration=seconds if told else None)
