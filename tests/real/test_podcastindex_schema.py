"""The stand-in's answers against the official OpenAPI document of PodcastIndex."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from tests.platforms.podcastindex_platform import OTHER, SHOW, PodcastIndex
from tests.platforms.serving import Asked

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "data"
DOCUMENT = SHARED / "api" / "podcastindex" / "pi_api.json"

pytestmark = pytest.mark.skipif(not DOCUMENT.is_file(), reason=f"the OpenAPI document is not at {DOCUMENT}")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return _nullable(orjson.loads(DOCUMENT.read_bytes()))


def _nullable(value: Any) -> Any:
    """OpenAPI 3.0 says `nullable: true` where JSON Schema says another type."""
    if isinstance(value, list):
        return [_nullable(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _nullable(one) for key, one in value.items()}
    if changed.pop("nullable", False) is True and isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
        if "enum" in changed:
            changed["enum"] = [*changed["enum"], None]
    return changed


def _answer(path: str, **query: str) -> Any:
    platform = PodcastIndex()
    told = getattr(platform, "_" + path.rpartition("/")[2])(
        Asked("GET", "/api/1.0" + path, {name: [value] for name, value in query.items()}, {}, b""), 60
    )
    return orjson.loads(told.body)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/episodes/byfeedid", {"id": str(SHOW)}),
        ("/episodes/byfeedid", {"id": str(OTHER)}),
        ("/search/byperson", {"q": "Example Guest"}),
        ("/search/byterm", {"q": "show"}),
    ],
)
def test_an_answer_of_the_stand_in_is_one_of_the_official_kind(
    document: dict[str, Any], path: str, query: dict[str, str]
) -> None:
    answer = _answer(path, **query)
    assert answer["count"] > 0
    response = document["paths"][path]["get"]["responses"]["200"]["$ref"].rpartition("/")[2]
    schema = document["components"]["responses"][response]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(schema | {"components": document["components"]})
    assert [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(answer)] == []


def test_the_stand_in_knows_no_field_that_the_document_does_not(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def names(schema: dict[str, Any]) -> set[str]:
        while "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        return set(schema["properties"])

    answer = _answer("/episodes/byfeedid", id=str(SHOW))
    for listed, kind in (("items", "items_podcast"), ("liveItems", "liveItems_podcast")):
        known = names(schemas[kind]["items"])
        assert {name for one in answer[listed] for name in one} <= known


def test_every_parameter_that_is_asked_with_is_documented(document: dict[str, Any]) -> None:
    from tests.platforms import podcastindex_platform

    for path, known in podcastindex_platform._KNOWN.items():
        documented = set()
        for parameter in document["paths"][path]["get"]["parameters"]:
            if "$ref" in parameter:
                parameter = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
            documented.add(parameter["name"])
        assert known <= documented, path
