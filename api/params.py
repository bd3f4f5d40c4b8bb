"""Query parameters: how they are read, and how OpenAPI describes them.

Routes read the raw query instead of declaring parameters one by one, because a misspelt filter must be refused with a
hint and the set of dimensions lives in `monitor.core.query`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qs

from api.problems import FieldError, Problem, field_problem
from monitor.core.buckets import SIZES
from monitor.core.metrics import METRICS
from monitor.core.query import CLOSED, DEFAULT_LIMIT, DIMENSIONS, FILTERS, MAX_LENGTH, MAX_LIMIT, MAX_VALUES

MAX_FIELDS = 400


def read_params(raw: bytes) -> dict[str, list[str]]:
    """Decoded parameters in order of appearance. Raises Problem for text that is not UTF-8 or too many of them."""
    try:
        return parse_qs(
            raw.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeDecodeError:
        raise field_problem("query", "The query is not UTF-8 once it is percent-decoded.") from None
    except ValueError:
        raise field_problem("query", f"The query has more than {MAX_FIELDS} parameters.") from None


def only(params: Mapping[str, Sequence[str]], name: str) -> str | None:
    """The single value of a parameter; None if absent. Raises Problem if it is given twice."""
    values = params.get(name)
    if not values:
        return None
    if len(values) > 1:
        raise field_problem(name, f"{name} was given {len(values)} times; give it once.")
    return values[0]


def text(params: Mapping[str, Sequence[str]], name: str, *, longest: int) -> str | None:
    """One value of bounded length; None if absent or empty."""
    value = only(params, name)
    if value is not None and len(value) > longest:
        raise field_problem(name, f"{name} has {len(value):,} characters; at most {longest:,}.")
    return value or None


def whole_number(params: Mapping[str, Sequence[str]], name: str, *, default: int, most: int, least: int = 1) -> int:
    text = only(params, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9) or not least <= int(text) <= most:
        raise field_problem(name, f"{name} is a whole number from {least} to {most}, not {text[:60]!r}.")
    return int(text)


def flag(params: Mapping[str, Sequence[str]], name: str) -> bool:
    text = only(params, name)
    if text not in (None, "true", "false"):
        raise field_problem(name, f"{name} is true or false, not {str(text)[:60]!r}.")
    return text == "true"


def one_of(params: Mapping[str, Sequence[str]], name: str, choices: Sequence[str], default: str | None) -> str | None:
    text = only(params, name)
    if text is None:
        return default
    if text not in choices:
        raise field_problem(name, f"{name} cannot be {text[:60]!r}; it is one of {', '.join(choices)}.")
    return text


def refuse_unknown(params: Mapping[str, Sequence[str]], known: Sequence[str]) -> None:
    """A misspelt parameter is an error: ignored, it would silently widen the answer."""
    for name in params:
        if name not in known:
            near = get_close_matches(name[:100], known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            message = f"There is no parameter {name[:60]!r}. {hint}"
            raise Problem("unknown-parameter", message, (FieldError(name[:100], message),))


# --- OpenAPI -------------------------------------------------------------------------------------------------------

DATE_TEXT = "An ISO date, or a date-time (UTC unless it carries an offset)."


def parameter(
    name: str, schema: Mapping[str, Any], description: str, *, example: Any = None, required: bool = False
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": name,
        "in": "query",
        "required": required,
        "schema": dict(schema),
        "description": description,
    }
    if example is not None:
        described["example"] = example
    return described


def _day(name: str, description: str, example: str) -> dict[str, Any]:
    # No `format`: every form that Python's ISO 8601 reader knows is welcome, which is more than RFC 3339 allows
    schema = {"type": "string", "maxLength": 40}
    return parameter(name, schema, f"{description} {DATE_TEXT}", example=example)


WINDOW = [
    _day("since", "First day, inclusive.", "2026-07-06"),
    _day("until", "Day after the last, exclusive.", "2026-10-05"),
]


def _choice(values: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": list(values)}, "minItems": 1, "maxItems": MAX_VALUES}


_PATTERNS = {
    "country": "^([A-Z]{2}|unknown)$",
    "language": "^([a-z]{2,3}|unknown)$",
}


def _filter_schema(name: str) -> dict[str, Any]:
    if name in CLOSED:
        return _choice(CLOSED[name])
    bounds = {"pattern": _PATTERNS[name]} if name in _PATTERNS else {"maxLength": MAX_LENGTH}
    return {"type": "array", "items": {"type": "string", **bounds}, "minItems": 1, "maxItems": MAX_VALUES}


def filter_parameters() -> list[dict[str, Any]]:
    """One parameter a dimension; several values (repeated or comma-separated) mean any of them."""
    return [
        parameter(name, _filter_schema(name), f"Only posts with any of these values of {name}; repeat it for several.")
        for name in FILTERS
    ]


def flag_parameter(name: str, description: str) -> dict[str, Any]:
    """A filter that is true or false; both, repeated, mean either."""
    return parameter(name, _choice(("true", "false")), description)


FORMAT = parameter(
    "format", {"type": "string", "enum": ["json", "csv", "parquet"]}, "Takes precedence over the Accept header."
)


def trend_parameters() -> list[dict[str, Any]]:
    text = {"type": "string"}
    about = " ".join(f"**{metric.name}**: {metric.about}" for metric in METRICS.values())
    return [
        parameter("metric", {**text, "enum": list(METRICS), "default": "volume"}, about, example="share"),
        parameter("by", {**text, "enum": list(DIMENSIONS)}, "Split by this dimension.", example="content_type"),
        parameter("interval", {**text, "enum": list(SIZES), "default": "week"}, "Weeks start on Monday (UTC)."),
        *WINDOW,
        parameter(
            "panel",
            {**text, "enum": ["all", "fixed"], "default": "all"},
            "fixed: only sources that were observed throughout the window.",
        ),
        parameter(
            "copies",
            {**text, "enum": ["count", "fold"], "default": "count"},
            "fold: syndicated copies of one text count once.",
        ),
        parameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            "How many series at most.",
        ),
        *filter_parameters(),
        FORMAT,
    ]
