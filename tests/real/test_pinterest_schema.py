"""The stand-in for Pinterest, and what is asked of it, held against Pinterest's own description of its API."""

from __future__ import annotations

import asyncio
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from collectors import registry
from collectors.access import Access
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.pinterest_api.trends import AGES, GENDERS, KINDS, REGIONS, growing_keywords
from tests.platforms.pinterest_platform import TOKEN, PinterestPlatform, board_source, search_source
from tests.platforms.serving import START, Asked

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "data"
OPENAPI = SHARED / "api" / "pinterest" / "openapi.json"

pytestmark = pytest.mark.skipif(
    not OPENAPI.is_file(), reason=f"Pinterest's OpenAPI document is not in {OPENAPI.parent}"
)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.0 document with `nullable` as JSON Schema writes it."""
    made = _translated(json.loads(OPENAPI.read_text()))
    assert isinstance(made, dict)
    return made


def _translated(node: Any) -> Any:
    if isinstance(node, list):
        return [_translated(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: _translated(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def operation(path: str) -> tuple[str, dict[str, Any]]:
    """The description of a path as it was asked for."""
    for template, methods in document()["paths"].items():
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            return template, methods["get"]
    raise AssertionError(f"{path} is not in the document")


def check(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": document()["components"]}
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(value)]
    assert errors == []


def schema_of(told: dict[str, Any], status: int) -> dict[str, Any]:
    responses = told["responses"]
    found = responses.get(str(status), responses["default"])["content"]["application/json"]["schema"]
    assert isinstance(found, dict)
    return found


async def ask_everything(platform: PinterestPlatform) -> None:
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
        access = Access("pinterest", http, keys={"pinterest": TOKEN}, base=platform.base)
        collector = registry.get("pinterest")
        for source in (board_source(), search_source(locale="en-US")):
            _ = [page async for page in collector.retrieve(source, {}, access, START)]
        await growing_keywords(
            access, "GB+IE", "seasonal", interests=["health"], ages=AGES, genders=GENDERS, include=["tea"]
        )


def test_what_the_stand_in_answers_is_what_the_document_describes() -> None:
    """Every kind of answer is looked at again by asking the stand-in itself."""
    with PinterestPlatform(pins=260, found=60) as platform:
        asyncio.run(ask_everything(platform))
        asked = list(platform.requests)
        assert len({operation(one.path.removeprefix("/v5"))[0] for one in asked}) == 4
        for one in asked:
            told = platform.answer(one)
            assert told.status == 200
            check(json.loads(told.body), schema_of(operation(one.path.removeprefix("/v5"))[1], 200))
        platform.partner = platform.trends = False
        refused = [platform.answer(one) for one in asked if "search" in one.path or "trends" in one.path]
        refused.append(platform.answer(Asked("GET", "/v5/boards", {}, {}, b"")))
        refused.append(platform.answer_throttled(asked[0]))
        assert {told.status for told in refused} == {401, 403, 429}
        for told in refused:
            check(json.loads(told.body), schema_of(operation("/boards")[1], told.status))


def test_what_is_asked_for_is_what_the_document_allows() -> None:
    with PinterestPlatform(pins=260, found=60) as platform:
        asyncio.run(ask_everything(platform))
        for asked in platform.requests:
            _, described = operation(asked.path.removeprefix("/v5"))
            parameters = {one["name"]: one for one in map(_resolved, described["parameters"])}
            assert set(asked.query) <= set(parameters)
            assert {name for name, one in parameters.items() if one["in"] == "query" and one.get("required")} <= set(
                asked.query
            )
            for name, values in asked.query.items():
                check(_typed(values, parameters[name]["schema"]), parameters[name]["schema"])


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in parameter:
        return parameter
    found = document()["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    assert isinstance(found, dict)
    return found


def _typed(values: list[str], schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "array":
        return values
    (value,) = values
    return json.loads(value) if schema.get("type") in ("integer", "boolean") else value


def test_the_regions_kinds_ages_and_genders_are_pinterests_own() -> None:
    schemas = document()["components"]["schemas"]
    assert tuple(schemas["TrendsSupportedRegion"]["enum"]) == REGIONS
    assert tuple(schemas["TrendType"]["enum"]) == KINDS
    assert tuple(schemas["AgeBucketList"]["items"]["enum"]) == AGES
    assert tuple(schemas["GenderList"]["items"]["enum"]) == GENDERS
