"""How OpenAPI describes what all routes share: problem answers and request bodies that routes read themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.problems import KINDS, MEDIA_TYPE

_REF = {"$ref": "#/components/schemas/ProblemOut"}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route can answer with, as `responses=` takes them."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        kinds = [f"`{slug}`: {kind.title}." for slug, kind in KINDS.items() if kind.status == status]
        described[status] = {
            "description": " ".join(kinds) or "Refused.",
            "content": {MEDIA_TYPE: {"schema": _REF}},
        }
    return described


def json_body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` for a JSON body that the route reads and checks itself."""
    schema = _without_defaults(model.model_json_schema())
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def _without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """A default in the document would promise that it is filled in; what is left out of a change stays as it is."""
    properties = {
        name: {key: value for key, value in about.items() if key != "default"}
        for name, about in schema["properties"].items()
    }
    return {**schema, "properties": properties}
