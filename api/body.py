"""Reading request bodies: size is bounded by the guard, type and shape are checked here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from starlette.requests import Request

from api.problems import FieldError, Problem

DEEPEST = 20


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises Problem for another type, bad JSON or another kind of value."""
    _check_type(request, ("application/json", "application/merge-patch+json"), "application/json")
    try:
        value = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Problem("malformed-body", f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Problem(
            "invalid-request",
            f"The body is a JSON {type(value).__name__}; an object is needed.",
            (FieldError("body", "write {…}"),),
        )
    if _depth(value) > DEEPEST:
        raise Problem(
            "invalid-request", f"The body is nested deeper than {DEEPEST} levels.", (FieldError("body", "nest less"),)
        )
    return value


async def read_bytes(request: Request, types: Collection[str], usual: str) -> bytes:
    """The body as it came. Raises Problem for another type or an empty body."""
    _check_type(request, types, usual)
    body = await request.body()
    if not body.strip():
        raise Problem("malformed-body", f"The body is empty; send the document as {usual}.")
    return body


def _check_type(request: Request, types: Collection[str], usual: str) -> None:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() not in types:
        raise Problem(
            "wrong-content-type",
            f"Send the body with `Content-Type: {usual}`; it came with {given[:80]!r}.",
            (FieldError("Content-Type", usual),),
        )


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        depth += 1
        level = [
            child
            for one in level
            if isinstance(one, (dict, list))
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return depth
