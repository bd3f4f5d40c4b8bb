"""Bluesky's stand-in: the AppView's XRPC answers and a Jetstream of both wires, on one port."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Told
from tests.platforms.sockets import SocketPlatform

WARD = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
"""An invented ward's account: the one whose posts are collected."""
CLINIC = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"
HANDLES = {WARD: "ward-seven.example", CLINIC: "clinic-nine.example"}
CID = "bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
PAGE = 500
"""Matching posts of the stream that make a page of ours."""
_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def tid(number: int) -> str:
    """A record key as Bluesky writes them: 13 letters, in the order of numbers."""
    number += 1 << 60
    return "".join(_LETTERS[number >> shift & 31] for shift in range(60, -5, -5))


def record(text: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {"$type": "app.bsky.feed.post", "createdAt": iso(at), "langs": ["en"], "text": text, **more}


class Bluesky(SocketPlatform):
    """`stream` says which of the two services the contract's posts are on.

    Attributes to be set by tests, besides those of the frame:
        events: of the Jetstream, oldest first: {"seq", "micros", "did", "kind", …}.
        entries: of WARD's author feed, newest first: feedViewPosts.
        profile: WARD's, as getProfile answers.
        floor: events with a smaller seq are no longer kept (second wire).
        too_slow_after: so many messages later the second wire says ConsumerTooSlow.
        silent: nothing at all comes after the handshake.
        pages_for_all: False: anonymous readers are refused any page but the first.
    """

    def __init__(
        self, clock: Callable[[], datetime] = lambda: START, *, stream: bool = False, filled: bool = True
    ) -> None:
        super().__init__(clock)
        self.stream = stream
        self.events: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.profile: dict[str, Any] = author(WARD) | {
            "description": "An invented ward that does not exist.",
            "followersCount": 1234,
            "postsCount": 250,
        }
        self.floor = 0
        self.too_slow_after: int | None = None
        self.silent = False
        self.pages_for_all = True
        self._ids: set[str] = set()
        self._number = 0
        now = clock()
        if filled:
            (self._fill_stream if stream else self._fill_feed)(now)

    # What the contract asks for

    def ids(self) -> set[str]:
        return set(self._ids)

    def publish(self, count: int) -> None:
        now = self.clock()
        with self._lock:
            for left in range(count - 1, -1, -1):
                at = now - timedelta(milliseconds=left)
                if self.stream:
                    self._ids.add(self.write(CLINIC, f"Norovirus again, note {self._number}", at))
                else:
                    self._ids.add(self.post(f"Late note {self._number}", at))

    def break_one(self) -> str:
        with self._lock:
            if self.stream:
                uri = self.write(CLINIC, "Norovirus note that will break", self.clock() - timedelta(seconds=1))
                self.events[-1]["record"] |= {"text": ["norovirus"], "createdAt": 7}
            else:
                view = self.entries[3]["post"]
                uri = view["uri"]
                view["record"] = {"$type": "app.bsky.feed.post", "text": ["no text"], "createdAt": 7}
        self._ids.discard(uri)
        return uri

    def remove_one(self) -> str:
        with self._lock:
            uri = sorted(self._ids)[0]
            if self.stream:
                did, _, rkey = uri.removeprefix("at://").split("/")
                self.happen(did, "commit", self.clock(), operation="delete", rkey=rkey)
            else:
                self.entries = [entry for entry in self.entries if entry["post"]["uri"] != uri]
                del self.views[uri]
        self._ids.discard(uri)
        return uri

    def answer_throttled(self, asked: Asked) -> Told:
        reset = str(int((self.clock() + timedelta(minutes=5)).timestamp()))
        return Told.json(
            {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, 429,
            RateLimit_Limit="3000", RateLimit_Remaining="0", RateLimit_Reset=reset, RateLimit_Policy="3000;w=300",
            Retry_After="300",
        )  # fmt: skip

    # Its posts

    def post(self, text: str, at: datetime, *, did: str = WARD, own: bool = True, **more: Any) -> str:
        """A post that the AppView knows; `own`: it stands in WARD's feed."""
        self._number += 1
        uri = f"at://{did}/app.bsky.feed.post/{tid(self._number)}"
        counts: dict[str, Any] = {"likeCount": self._number % 7, "replyCount": 0, "repostCount": 2, "quoteCount": 1}
        if self._number % 5 == 0:
            del counts["likeCount"]  # the AppView may leave any of them out
        view: dict[str, Any] = {
            "uri": uri, "cid": CID, "author": author(did), "record": record(text, at, **more),
            "indexedAt": iso(at + timedelta(milliseconds=300)), "labels": [], **counts,
        }  # fmt: skip
        self.views[uri] = view
        if own:
            self.entries.insert(0, {"post": view})
        return uri

    def write(self, did: str, text: str, at: datetime, *, operation: str = "create", **more: Any) -> str:
        """A post on the stream."""
        self._number += 1
        rkey = tid(self._number)
        self.happen(did, "commit", at, operation=operation, rkey=rkey, cid=CID, record=record(text, at, **more))
        return f"at://{did}/app.bsky.feed.post/{rkey}"

    def happen(self, did: str, kind: str, at: datetime, **more: Any) -> None:
        """Anything else on the stream. Times go up by a microsecond at least."""
        last = self.events[-1] if self.events else {"micros": 0, "seq": 1000}
        time_us = max(micros(at), last["micros"] + 1)
        self.events.append({"seq": last["seq"] + 1, "micros": time_us, "did": did, "kind": kind} | more)

    def _fill_feed(self, now: datetime) -> None:
        for number in range(250):
            at = now - timedelta(minutes=30 * (250 - number))
            self._ids.add(self.post(f"Note {number} from the ward", at))
            if number % 50 == 10:  # a repost of somebody else's old post
                uri = self.post("Old wisdom of the clinic", now - timedelta(days=400 + number), did=CLINIC, own=False)
                reason = {"$type": "app.bsky.feed.defs#reasonRepost", "by": author(WARD), "indexedAt": iso(at)}
                self.entries.insert(0, {"post": self.views[uri], "reason": reason})
            if number % 50 == 20:  # a reply, which only some filters bring
                uri = self.post("Thank you", at, own=False, reply={"root": ref(), "parent": ref()})
                self.entries.insert(0, {"post": self.views[uri]})

    def _fill_stream(self, now: datetime) -> None:
        for number in range(1650):
            at = now - timedelta(seconds=2 * (1700 - number))
            self._ids.add(self.write(WARD, f"Note {number}: NOROVIRUS is going round", at))
            if number % 3 == 0:
                self.write(CLINIC, f"Note {number}: the weather is fine", at)
            if number % 40 == 0:
                self.happen(CLINIC, "commit", at, operation="delete", rkey=tid(10**9 + number))
            if number % 100 == 0:
                self.happen(CLINIC, "identity", at, handle=HANDLES[CLINIC])
                self.happen(CLINIC, "account", at, active=True)

    # XRPC

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/subscribe" or asked.path.endswith(".subscribeEvents"):
            return self._refuse_stream(asked) or Told(101)
        if not asked.path.startswith("/xrpc/"):
            return Told.json({"error": "NotFound", "message": "Not Found"}, 404)
        method = asked.path.removeprefix("/xrpc/")
        if method == "app.bsky.feed.searchPosts":
            return Told(403, b"<html><title>403 Forbidden</title></html>", {"content-type": "text/html"})
        if method == "app.bsky.actor.getProfile":
            return self._profile(asked)
        if method == "app.bsky.feed.getAuthorFeed":
            return self._author_feed(asked)
        if method == "app.bsky.feed.getPosts":
            uris = asked.query.get("uris", [])
            if not 1 <= len(uris) <= 25 or not all(uri.startswith("at://did:") for uri in uris):
                return bad("Error: uris must not have more than 25 elements")
            return Told.json({"posts": [self.views[uri] for uri in uris if uri in self.views]})
        return Told.json({"error": "MethodNotImplemented", "message": "Method Not Implemented"}, 501)

    def _profile(self, asked: Asked) -> Told:
        actor = asked.one("actor")
        if not actor:
            return bad('Error: Params must have the property "actor"')
        if actor not in (WARD, HANDLES[WARD]):
            return bad("Profile not found")
        return Told.json(self.profile)

    def _author_feed(self, asked: Asked) -> Told:
        limit, cursor, wanted = asked.one("limit", "50"), asked.one("cursor"), asked.one("filter", "posts_with_replies")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            return bad("Error: limit can not be greater than 100")
        if asked.one("actor") not in (WARD, HANDLES[WARD]):
            return bad("Profile not found")
        if cursor and not self.pages_for_all:
            return Told(403, b"<html><title>403 Forbidden</title></html>", {"content-type": "text/html"})
        if cursor and not cursor.startswith("20"):
            return bad("Malformed cursor")
        entries = [one for one in self.entries if not cursor or sorted_at(one) < cursor]
        if wanted == "posts_no_replies":
            entries = [one for one in entries if "reply" not in one["post"]["record"] or "reason" in one]
        page = entries[: int(limit)]
        body: dict[str, Any] = {"feed": page}
        if page:  # the last full page has a cursor too; what comes after it is empty
            body["cursor"] = sorted_at(page[-1])
        return Told.json(body, page=True)

    # The Jetstream

    def _refuse_stream(self, asked: Asked) -> Told | None:
        v2 = asked.path.startswith("/xrpc/")
        known = {"cursor", "kinds", "dids", "collections", "maxMessageSizeBytes", "zstdDictionary"}
        if v2 and set(asked.query) - known:
            return bad(f"unknown parameter {min(set(asked.query) - known)}")
        if v2 and set(asked.query.get("kinds", [])) - {"commit", "identity", "account", "sync"}:
            return bad("kinds: not one of them")
        cursor = asked.one("cursor")
        if cursor and not cursor.lstrip("-").isdigit():
            return bad("cursor must be an integer") if v2 else Told(400, b"invalid cursor\n")
        if v2 and cursor and int(cursor) < 10**15 and int(cursor) < self.floor:
            return Told.json({"error": "CursorTooOld", "message": f"cursor is below the floor {self.floor}"}, 400)
        return None

    def serve_stream(self, connection: socket.socket, out: Callable[[Any], None], asked: Asked) -> None:
        """Replay, one event of the living network, and then whatever is published, until the other side leaves."""
        if self.stop_after is not None and self.pages >= self.stop_after:
            return
        if self.silent:
            time.sleep(0.3)
            return
        v2, cursor, wanted = asked.path.startswith("/xrpc/"), asked.one("cursor"), set(asked.query.get("kinds", []))
        with self._lock:
            if not self.events or self.events[-1]["micros"] < micros(self.clock()):
                self.write(CLINIC, "The weather is still fine", self.clock())
            oldest = micros(self.clock() - timedelta(hours=36))
            kept = [one for one in self.events if one["micros"] >= oldest and one["seq"] >= self.floor]
        place = int(cursor) if cursor else kept[-1]["micros"]
        by = "seq" if place < 10**15 else "micros"
        sent = matched = 0
        if v2 and by == "micros" and cursor and kept and place < oldest:
            info = {"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor"}
            out({"$type": "message", "payload": info})
        last = 0
        kept = [one for one in kept if one[by] >= place]
        connection.settimeout(0.005)
        while True:
            for event in kept:
                last = event["seq"]
                if event["kind"] == "commit" and "norovirus" in str(event.get("record")).lower():
                    matched += 1
                if v2 and wanted and event["kind"] not in wanted:
                    continue
                out(second_wire(event) if v2 else first_wire(event))
                sent += 1
                if v2 and sent == self.too_slow_after:
                    out({"$type": "error", "error": "ConsumerTooSlow", "message": "reading too slowly"})
                    return
                if matched == PAGE:
                    self.pages, matched = self.pages + 1, 0
                    if self.stop_after is not None and self.pages >= self.stop_after:
                        out(None)
                        return
            out(None)
            try:
                if not connection.recv(65536) or not self.is_open:
                    return
            except TimeoutError:
                pass
            with self._lock:
                kept = [one for one in self.events if one["seq"] > last]


def author(did: str) -> dict[str, Any]:
    return {"did": did, "handle": HANDLES[did], "displayName": "Invented", "labels": [], "createdAt": iso(START)}


def ref() -> dict[str, str]:
    return {"uri": f"at://{CLINIC}/app.bsky.feed.post/{tid(5)}", "cid": CID}


def bad(message: str) -> Told:
    return Told.json({"error": "InvalidRequest", "message": message}, 400)


def sorted_at(entry: Mapping[str, Any]) -> str:
    """The time an entry of an author feed stands at."""
    reason, view = entry.get("reason", {}), entry["post"]
    created, indexed = view["record"]["createdAt"], str(view["indexedAt"])
    return str(reason.get("indexedAt") or (min(created, indexed) if isinstance(created, str) else indexed))


def first_wire(event: Mapping[str, Any]) -> dict[str, Any]:
    envelope = {"did": event["did"], "time_us": event["micros"], "kind": event["kind"]}
    if event["kind"] == "commit":
        commit = {"rev": tid(event["seq"]), "collection": "app.bsky.feed.post"}
        commit |= {name: event[name] for name in ("operation", "rkey", "cid", "record") if name in event}
        return envelope | {"commit": commit}
    return envelope | {event["kind"]: upstream(event)}


def second_wire(event: Mapping[str, Any]) -> dict[str, Any]:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["micros"])
    payload = {
        "$type": f"network.bsky.jetstream.subscribeEvents#{event['kind']}",
        "seq": event["seq"],
        "did": event["did"],
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    if event["kind"] == "commit":
        payload |= {"rev": tid(event["seq"]), "collection": "app.bsky.feed.post"}
        payload |= {name: event[name] for name in ("operation", "rkey", "cid", "record") if name in event}
    else:
        payload[event["kind"]] = upstream(event)
    return {"$type": "message", "payload": payload}


def upstream(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the relay said: for account and identity events."""
    told = {name: event[name] for name in ("active", "status", "handle") if name in event}
    return told | {"did": event["did"], "seq": event["seq"] + 7_000_000, "time": iso(START)}


def source(url: str = "https://bsky.app/search?q=norovirus", **options: Any) -> Source:
    return Source("it", "bluesky", "bluesky", url, options=options)


def stream_source(**options: Any) -> Source:
    return source(**{"follow_seconds": 0} | options)


CASES: list[Case] = [
    Case("bluesky account", source("https://bsky.app/profile/ward-seven.example"), Bluesky, deletes=True),
    Case(
        "bluesky stream",
        stream_source(),
        lambda clock: Bluesky(clock, stream=True),
        deletes=True,
        engagement=False,
    ),
    Case(
        "bluesky stream, second wire",
        stream_source(wire="v2"),
        lambda clock: Bluesky(clock, stream=True),
        deletes=True,
        engagement=False,
    ),
]
