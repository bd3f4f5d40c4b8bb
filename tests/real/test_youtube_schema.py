"""YouTube: the stand-in against the official discovery document, and recorded real answers through the collector.

Reads `api/youtube` of the shared data folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]

from collectors.access import Access
from collectors.base import Drifted, Item, Page
from collectors.net.validators import Validators
from collectors.youtube import COLLECTOR
from collectors.youtube_api.calls import Answer
from collectors.youtube_api.listing import read_entries
from collectors.youtube_api.refusals import name_refusal
from collectors.youtube_api.searching import read_results
from tests.platforms.serving import Asked
from tests.platforms.youtube_platform import BY_CHANNEL, BY_PAID_SEARCH, BY_PLAYLIST, BY_SEARCH, KEY, YouTube
from tests.platforms.youtube_shapes import PARAMETERS, PARTS
from tests.platforms.youtube_visits import Visitor

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "data"
YOUTUBE = SHARED / "api" / "youtube"
DISCOVERY = YOUTUBE / "discovery" / "youtube.v3.json"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
KINDS = {"channels": "Channel", "playlistItems": "PlaylistItem", "search": "Search", "videos": "Video"}

pytestmark = pytest.mark.skipif(not DISCOVERY.is_file(), reason=f"the discovery document is not in {YOUTUBE}")


@pytest.fixture(scope="module")
def discovery() -> dict[str, Any]:
    return json.loads(DISCOVERY.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def as_json_schema(node: Any) -> Any:
    """Discovery's own dialect → JSON Schema: local references, and no names that are not declared."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    kept = {name: node[name] for name in ("type", "enum") if isinstance(node.get(name), (str, list))}
    if kept.get("type") == "any":
        kept.pop("type")
    if "items" in node:
        kept["items"] = as_json_schema(node["items"])
    if isinstance(node.get("properties"), dict):
        kept["properties"] = {name: as_json_schema(one) for name, one in node["properties"].items()}
        kept["additionalProperties"] = False
    if isinstance(node.get("additionalProperties"), dict):
        kept["additionalProperties"] = as_json_schema(node["additionalProperties"])
    return kept


@pytest.fixture(scope="module")
def validators(discovery: dict[str, Any]) -> dict[str, Draft202012Validator]:
    parts = {name: as_json_schema(one) for name, one in discovery["schemas"].items()}
    return {
        resource: Draft202012Validator({"$ref": f"#/$defs/{kind}ListResponse", "$defs": parts})
        for resource, kind in KINDS.items()
    }


async def exchanges() -> list[tuple[str, Asked, dict[str, Any]]]:
    """Every request of visits of all kinds and a review, with its answer."""
    told: list[tuple[str, Asked, dict[str, Any]]] = []
    for of in (BY_CHANNEL, BY_PLAYLIST, BY_SEARCH, BY_PAID_SEARCH):
        with YouTube() as platform:
            visitor = Visitor(platform, of)
            await visitor.visit()
            await visitor.review(sorted(platform.videos)[:60])
            for asked in list(platform.requests):
                answer = platform.answer(Asked(asked.method, asked.path, asked.query, {}, b""))
                told.append((asked.path.rpartition("/")[2], asked, json.loads(answer.body)))
    return told


async def test_the_stand_in_answers_as_the_discovery_document_says(
    validators: dict[str, Draft202012Validator],
) -> None:
    assert not validators["videos"].is_valid({"items": [{"statistics": {"viewCount": 1}}]}), "it can tell"
    assert not validators["videos"].is_valid({"items": [{"noSuchName": True}]})
    seen = set()
    for resource, _, answer in await exchanges():
        seen.add(resource)
        assert [f"{error.json_path}: {error.message}" for error in validators[resource].iter_errors(answer)] == []
    assert seen == set(KINDS)


async def test_the_collector_asks_for_nothing_that_the_discovery_document_does_not_have(
    discovery: dict[str, Any],
) -> None:
    for resource, asked, _ in await exchanges():
        method = discovery["resources"][resource]["methods"]["list"]
        assert asked.path == f"/{method['path']}"
        declared = method["parameters"] | discovery["parameters"]
        for name, values in asked.query.items():
            assert name in declared, f"{resource}: {name}"
            assert len(values) == 1
            if "enum" in declared[name]:
                assert values[0] in declared[name]["enum"], name
            if declared[name].get("type") == "integer":
                assert int(declared[name]["minimum"]) <= int(values[0]) <= int(declared[name]["maximum"]), name
        kind = {"search": "SearchResult"}.get(resource, KINDS[resource])
        assert set(asked.one("part").split(",")) <= set(discovery["schemas"][kind]["properties"])


def test_the_stand_in_knows_no_parameters_and_parts_of_its_own(discovery: dict[str, Any]) -> None:
    for resource, names in PARAMETERS.items():
        declared = discovery["resources"][resource]["methods"]["list"]["parameters"] | discovery["parameters"]
        assert names <= set(declared), resource
        kind = {"search": "SearchResult"}.get(resource, KINDS[resource])
        assert PARTS[resource] <= set(discovery["schemas"][kind]["properties"]), resource


def recorded(kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted((YOUTUBE / "testdata").rglob("*.json")):
        answer = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(answer, dict) and answer.get("kind") == kind:
            yield path, answer


def test_recorded_videos_are_read() -> None:
    found: list[Item] = []
    for path, answer in recorded("youtube#videoListResponse"):
        parsed = COLLECTOR.parse(BY_CHANNEL, Page(path.read_bytes(), "https://youtube.googleapis.com/", NOW))
        assert parsed.rejected == (), path.name
        public = [one for one in answer["items"] if one.get("status", {}).get("privacyStatus", "public") == "public"]
        assert [item.id for item in parsed.items] == [one["id"] for one in public], path.name
        for item, one in zip(parsed.items, public, strict=True):
            assert item.published_at is not None
            assert item.title == " ".join(one["snippet"]["title"].split())
            assert item.engagement.views == (int(one["statistics"]["viewCount"]) if "statistics" in one else None)
            assert (item.media[0].duration is None) is ("contentDetails" not in one)
        found += parsed.items
    assert len(found) == 15
    assert {item.language for item in found} >= {"en"}


def test_every_other_recorded_answer_is_refused_as_a_whole() -> None:
    outcomes: dict[str, int] = {}
    for path in sorted((YOUTUBE / "testdata").rglob("*.json")):
        try:
            COLLECTOR.parse(BY_CHANNEL, Page(path.read_bytes(), "https://youtube.googleapis.com/", NOW))
            outcome = "read"
        except Drifted as drifted:
            outcome = drifted.code
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert outcomes == {"read": 7, "unknown_shape": sum(outcomes.values()) - 7}
    assert sum(outcomes.values()) > 140


def answer_of(path: Path, value: dict[str, Any]) -> Answer:
    return Answer(Page(path.read_bytes(), "https://youtube.googleapis.com/", NOW), value, Validators())


def test_recorded_playlists_lead_to_their_videos() -> None:
    total = 0
    for path, value in recorded("youtube#playlistItemListResponse"):
        entries = read_entries(answer_of(path, value))
        assert len(entries) == len(value["items"]), path.name
        assert all(entry.at is not None and entry.video for entry in entries)
        total += len(entries)
    assert total == 20


def test_recorded_searches_lead_to_their_videos_and_to_nothing_else() -> None:
    total = 0
    for path, value in recorded("youtube#searchListResponse"):
        results = read_results(answer_of(path, value), not_before=datetime(2005, 1, 1, tzinfo=UTC))
        wanted = [one["id"]["videoId"] for one in value["items"] if "videoId" in one["id"]]
        assert list(results) == list(dict.fromkeys(wanted)), path.name
        total += len(results)
    assert total > 90


def test_a_recorded_error_is_read() -> None:
    access = Access("youtube", None, keys={"youtube": KEY})  # type: ignore[arg-type]
    body = (YOUTUBE / "testdata" / "error_response.json").read_bytes()
    assert name_refusal(BY_CHANNEL, access, 400, body, None, NOW).code == "key_refused"
    body = (YOUTUBE / "testdata" / "apidata" / "error_permission_resp.json").read_bytes()
    assert name_refusal(BY_CHANNEL, access, 403, body, None, NOW).code == "needs_approval"
    body = (YOUTUBE / "testdata" / "error_response_simple.json").read_bytes()
    assert name_refusal(BY_CHANNEL, access, 400, body, None, NOW).code == "http_400"
