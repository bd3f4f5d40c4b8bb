"""The stand-in of Bluesky answers as the official lexicons say."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collectors.reading import moment
from tests.platforms.bluesky_platform import WARD, Bluesky, author, first_wire, record, ref, tid
from tests.platforms.serving import START, Asked

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "data"
LEXICONS = SHARED / "api" / "bluesky" / "lexicons"

pytestmark = pytest.mark.skipif(not LEXICONS.is_dir(), reason=f"the lexicons of Bluesky are not in {LEXICONS}")

_FORMATS = {
    "at-uri": r"at://did:[a-z]+:[\w.:%-]+(/[a-zA-Z][\w.-]*(/[\w.:~-]+)?)?",
    "did": r"did:[a-z]+:[\w.:%-]+",
    "at-identifier": r"did:[a-z]+:[\w.:%-]+|([a-z0-9-]+\.)+[a-z][a-z0-9-]*",
    "handle": r"([a-z0-9-]+\.)+[a-z][a-z0-9-]*",
    "cid": r"[a-z2-7]{8,}",
    "uri": r"[a-z][a-z0-9+.-]*:\S+",
    "language": r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*",
    "tid": r"[234567abcdefghij][234567a-z]{12}",
    "record-key": r"[\w.:~-]{1,512}",
    "nsid": r"[a-z][\w.-]*\.[a-zA-Z]+",
}


@cache
def lexicon(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((LEXICONS / Path(*name.split("."))).with_suffix(".json").read_text())["defs"]
    return found


def faults(value: Any, schema: dict[str, Any], home: str, where: str = "") -> Iterator[str]:
    """What a value lacks of a definition in the lexicon `home`; a small checker of what lexicons use."""
    kind = schema["type"]
    if kind == "ref":
        name, _, part = schema["ref"].partition("#")
        target = name or home
        yield from faults(value, lexicon(target)[part or "main"], target, where)
    elif kind == "union":
        yield from _union_faults(value, schema, home, where)
    elif kind in ("object", "record"):
        shape = schema.get("record", schema)
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        yield from (f"{where}.{name} is missing" for name in shape.get("required", []) if name not in value)
        for name, part in shape.get("properties", {}).items():
            if name in value:
                yield from faults(value[name], part, home, f"{where}.{name}")
    elif kind == "array":
        if not isinstance(value, list) or len(value) > schema.get("maxLength", len(value)):
            yield f"{where} is no list, or too long"
            return
        for index, one in enumerate(value):
            yield from faults(one, schema["items"], home, f"{where}[{index}]")
    elif kind == "string":
        yield from _string_faults(value, schema, where)
    elif kind in ("integer", "boolean"):
        good = isinstance(value, bool) if kind == "boolean" else isinstance(value, int) and not isinstance(value, bool)
        if not good:
            yield f"{where} is no {kind}"
    elif kind == "blob" and not (isinstance(value, dict) and value.get("$type") == "blob"):
        yield f"{where} is no blob"
    else:
        assert kind in ("unknown", "blob"), kind


def _union_faults(value: Any, schema: dict[str, Any], home: str, where: str) -> Iterator[str]:
    named = value.get("$type") if isinstance(value, dict) else None
    if not named:
        yield f"{where} has no $type"
        return
    known = {ref if not ref.startswith("#") else home + ref for ref in schema["refs"]}
    if named in known:
        name, _, part = named.partition("#")
        yield from faults(value, lexicon(name)[part or "main"], name, where)
    elif schema.get("closed"):
        yield f"{where} is {named}, not one of {sorted(known)}"


def _string_faults(value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{where} is no string"
        return
    if len(value.encode()) > schema.get("maxLength", 10**9) or len(value) > 4 * schema.get("maxGraphemes", 10**9):
        yield f"{where} is too long"
    form = schema.get("format")
    if form == "datetime":
        if moment(value) is None or datetime.fromisoformat(value).tzinfo is None:
            yield f"{where} is no time: {value}"
    elif form and not re.fullmatch(_FORMATS[form], value):
        yield f"{where} is no {form}: {value}"


def ask(platform: Bluesky, method: str, **query: str | list[str]) -> Any:
    asked = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
    told = platform.answer(Asked("GET", f"/xrpc/{method}", asked, {}, b""))
    assert told.status == 200
    return json.loads(told.body)


def check(value: Any, method: str) -> None:
    schema = lexicon(method)["main"]["output"]["schema"]
    assert list(faults(value, schema, method)) == []


def test_the_checker_finds_what_is_wrong() -> None:
    good = record("Hello", START, reply={"root": ref(), "parent": ref()})
    main = lexicon("app.bsky.feed.post")["main"]
    assert list(faults(good, main, "app.bsky.feed.post")) == []
    for odd in (
        {"text": 7},
        {"createdAt": "yesterday"},
        {"langs": ["en", "de", "fr", "it"]},
        {"reply": {"root": ref()}},
        {"embed": {"$type": "app.bsky.embed.external", "external": {"uri": "no address"}}},
    ):
        assert list(faults(good | odd, main, "app.bsky.feed.post")), odd


def test_an_author_feed_is_as_the_lexicon_says_and_so_are_its_records() -> None:
    platform = Bluesky()
    platform.entries[5]["post"]["author"] = author(WARD) | {
        "verification": {"verifications": [], "verifiedStatus": "valid", "trustedVerifierStatus": "none"},
        "status": {
            "status": "app.bsky.actor.status#live",
            "record": {},
            "isActive": True,
            "embed": {
                "$type": "app.bsky.embed.external#view",
                "external": {"uri": "https://live.example/1", "title": "On air", "description": ""},
            },
        },
    }
    cursor, seen = "", 0
    while True:
        answer = ask(platform, "app.bsky.feed.getAuthorFeed", actor=WARD, limit="100", cursor=cursor)
        check(answer, "app.bsky.feed.getAuthorFeed")
        for entry in answer["feed"]:
            seen += 1
            found = entry["post"]["record"]
            assert list(faults(found, lexicon("app.bsky.feed.post")["main"], "app.bsky.feed.post")) == []
        if "cursor" not in answer:
            break
        cursor = answer["cursor"]
    assert seen == len(platform.entries)


def test_a_profile_and_looked_up_posts_are_as_the_lexicon_says() -> None:
    platform = Bluesky()
    check(ask(platform, "app.bsky.actor.getProfile", actor=WARD), "app.bsky.actor.getProfile")
    answer = ask(platform, "app.bsky.feed.getPosts", uris=sorted(platform.ids())[:25])
    assert len(answer["posts"]) == 25
    check(answer, "app.bsky.feed.getPosts")


def test_what_the_collector_asks_for_is_what_the_lexicons_know() -> None:
    for method, names in {
        "app.bsky.feed.getAuthorFeed": {"actor", "limit", "cursor", "filter"},
        "app.bsky.feed.getPosts": {"uris"},
        "app.bsky.actor.getProfile": {"actor"},
    }.items():
        parameters = lexicon(method)["main"]["parameters"]
        assert names <= set(parameters["properties"])
        assert set(parameters["required"]) <= names
    limits = lexicon("app.bsky.feed.getAuthorFeed")["main"]["parameters"]["properties"]
    assert limits["limit"]["maximum"] == 100
    assert {"posts_no_replies", "posts_with_replies"} <= set(limits["filter"]["knownValues"])
    assert lexicon("app.bsky.feed.getPosts")["main"]["parameters"]["properties"]["uris"]["maxLength"] == 25


def test_records_and_account_events_of_the_stream_are_as_the_lexicon_says() -> None:
    platform = Bluesky(stream=True)
    platform.happen(WARD, "account", START, active=False, status="takendown")
    kinds = set()
    for event in platform.events:
        sent = first_wire(event)
        kinds.add(sent["kind"])
        assert isinstance(sent["time_us"], int)
        if sent["kind"] == "commit" and sent["commit"]["operation"] == "create":
            found = sent["commit"]["record"]
            assert list(faults(found, lexicon("app.bsky.feed.post")["main"], "app.bsky.feed.post")) == []
        elif sent["kind"] != "commit":
            name = "com.atproto.sync.subscribeRepos"
            assert list(faults(sent[sent["kind"]], lexicon(name)[sent["kind"]], name)) == []
    assert kinds == {"commit", "identity", "account"}
    assert re.fullmatch(_FORMATS["tid"], tid(1))
