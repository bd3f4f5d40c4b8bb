"""One claim, from the mapping that a person wrote in `config/claims/<id>.yaml` to a checked `Claim`.

`docs/claims.md` describes the form. Nothing is measured here: whether the data that a claim needs exist is told by
`trendmonitor claims check`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, get_args

from monitor.config_fields import Fields
from monitor.config_posts import Names, read_posts
from monitor.config_yaml import FieldError, YamlPath, nearest
from monitor.core.claim import (
    ALL_POSTS,
    KINDS,
    Arithmetic,
    Claim,
    Comparison,
    ConsistencyTest,
    Direction,
    Kind,
    LevelTest,
    Measured,
    Population,
    Posts,
    RankTest,
    ReferenceTest,
    Relation,
    Side,
    Sum,
    Test,
    TrendTest,
)
from monitor.core.query import FILTERS

SEGMENTS = ("content type", "audience", "region", "topic", "market", "players")
"""The parts of the report, as the ledger groups its claims."""
LAST = 1_000_000
"""Place in the ledger of a claim whose file names none."""

_FIELDS = ("says", "segment", "kind", "order", "measure", "supports", "limits")
_SHORTEST_TREND = 52
"""Weeks; below them season and trend can't be told apart and no trend gets a verdict."""
_LONGEST = 520
_ONE_VALUED = frozenset(FILTERS) - {"audience", "topic"}


def claim_from_mapping(data: object, *, claim_id: str, file: str, names: Names) -> tuple[Claim, int] | list[FieldError]:
    """Check what someone wrote and make it a claim with its place in the ledger, or say all that is wrong with it.

    `names` are the topics, platforms and references that may be named.
    """
    if not isinstance(data, Mapping):
        return [FieldError((), f"{type(data).__name__} is not a claim", "write `says: …`, `kind: …` and so on")]
    errors: list[FieldError] = []
    if "id" in data:
        errors.append(FieldError(("id",), "a claim has no key 'id'", "delete it: the name of the file is the id"))
    fields = Fields({key: data[key] for key in data if key != "id"}, _FIELDS, path=(), errors=errors)
    says = fields.text("says", longest=300, example="The share of posts that are videos is rising.")
    if says and says[-1] not in ".?!":
        fields.wrong("says", "'says' is not a whole sentence", "end it with a full stop")
    segment = fields.choice("segment", SEGMENTS)
    kind = fields.choice("kind", KINDS)
    order = fields.whole("order", LAST, least=1, most=LAST, unit="the claim's place in the ledger")
    supports = fields.text("supports")
    limits = fields.lines("limits")
    measure = fields.mapping("measure", "{…}")
    test = _READERS[kind](measure, ("measure",), errors, names) if kind and measure else None
    if errors or test is None or segment is None:
        return errors
    claim = Claim(id=claim_id, says=says, segment=segment, test=test, supports=supports, limits=limits, file=file)
    return claim, order


def _default(test: type[Any], name: str) -> Any:
    """What a test takes where nothing is written."""
    return next(field.default for field in dataclasses.fields(test) if field.name == name)


# --- trend --------------------------------------------------------------------------------------------------------

_TREND = (
    "share_of",
    "rate_of",
    "among",
    "direction",
    "smallest_change",
    "expected_change",
    "weeks",
    "majority",
    "all_posts_together",
)


def _trend(data: Mapping[str, Any], path: YamlPath, errors: list[FieldError], names: Names) -> TrendTest | None:
    before = len(errors)
    fields = Fields(data, _TREND, path=path, errors=errors)
    rate = fields.has("rate_of")
    if rate and fields.has("share_of"):
        fields.wrong("rate_of", "'share_of' and 'rate_of' exclude each other", "keep one of them")
    if rate:
        numerator = _needed(fields, "rate_of", names)
        denominator = read_posts(fields, "among", names) if fields.has("among") else numerator
    else:
        numerator, denominator = _share(fields, names)
    direction = fields.choice("direction", get_args(Direction), "rising")
    smallest = fields.percent("smallest_change", least=0.001, most=10.0, example="10 % a year")
    expected = fields.percent("expected_change", least=-0.99, most=10.0, example="20 % a year")
    weeks = fields.whole("weeks", _default(TrendTest, "weeks"), least=_SHORTEST_TREND, most=_LONGEST, unit="weeks")
    majority = fields.flag("majority")
    if majority and (rate or direction != "not_falling"):
        fields.wrong("majority", "'majority' belongs to a share that is not_falling", "delete it, or set both")
    if expected is not None and direction == "not_falling":
        fields.wrong("expected_change", "a share that is not falling has no expected change", "delete it")
    elif expected is not None and (expected > 0) != (direction == "rising"):
        fields.wrong("expected_change", "its sign does not fit the direction", "write a minus only if it falls")
    volume = fields.flag("all_posts_together")
    if len(errors) > before or numerator is None or denominator is None or direction is None:
        return None
    return TrendTest(
        numerator=numerator,
        denominator=denominator,
        quantity="rate" if rate else "share",
        direction=direction,
        smallest=_default(TrendTest, "smallest") if smallest is None else smallest,
        expected=expected,
        weeks=weeks,
        majority=majority,
        volume=volume,
    )


def _needed(fields: Fields, key: str, names: Names) -> Posts | None:
    return read_posts(fields, key, names) if fields.needs(key, "{content_type: video}") else None


def _share(fields: Fields, names: Names) -> tuple[Posts | None, Posts | None]:
    """Numerator and denominator of a share that could be something else than 0 or 100 %."""
    numerator = _needed(fields, "share_of", names)
    denominator = read_posts(fields, "among", names) if fields.has("among") else ALL_POSTS
    if numerator is not None and denominator is not None:
        if numerator in (denominator, ALL_POSTS):
            fields.wrong("share_of", "this share is always 100 %", "narrow `share_of`, or widen `among`")
        elif denominator.any_of and _apart(numerator, denominator):
            fields.wrong("share_of", "no post of 'among' can be in 'share_of'", "widen `among`")
    return numerator, denominator


def _apart(one: Posts, other: Posts) -> bool:
    """True if no post passes a filter of both, because in some dimension it would need two values at once."""
    return all(
        any(not set(a[name]) & set(b[name]) for name in _ONE_VALUED & a.keys() & b.keys())
        for a in one.any_of
        for b in other.any_of
    )


# --- level --------------------------------------------------------------------------------------------------------

_LEVEL = ("share_of", "among", "claimed", "tolerance", "speaks_of", "weeks")


def _level(data: Mapping[str, Any], path: YamlPath, errors: list[FieldError], names: Names) -> LevelTest | None:
    before = len(errors)
    fields = Fields(data, _LEVEL, path=path, errors=errors)
    numerator, denominator = _share(fields, names)
    claimed = None
    if fields.needs("claimed", "35 %"):
        claimed = fields.percent("claimed", least=0.001, most=0.999, example="35 %")
    tolerance = fields.points("tolerance", least=0.001, most=0.5, example="5 points")
    population = fields.choice("speaks_of", get_args(Population), "sources")
    weeks = fields.whole("weeks", _default(LevelTest, "weeks"), least=1, most=_LONGEST, unit="weeks")
    if len(errors) > before or numerator is None or denominator is None or claimed is None or population is None:
        return None
    return LevelTest(
        numerator=numerator,
        claimed=claimed,
        denominator=denominator,
        tolerance=tolerance,
        population=population,
        weeks=weeks,
    )


# --- rank ---------------------------------------------------------------------------------------------------------

_RANK = ("comparisons", "weeks", "picked_from_data")
_SIDE = ("label", "share_of", "among")
_COMPARISON = ("higher", "lower", "measured", "within_sources")


def _rank(data: Mapping[str, Any], path: YamlPath, errors: list[FieldError], names: Names) -> RankTest | None:
    before = len(errors)
    fields = Fields(data, _RANK, path=path, errors=errors)
    weeks = fields.whole("weeks", _default(RankTest, "weeks"), least=1, most=_LONGEST, unit="weeks")
    picked = fields.flag("picked_from_data")
    comparisons: list[Comparison] = []
    if fields.needs("comparisons", "[{higher: …, lower: …}]"):
        rows = data["comparisons"]
        if not isinstance(rows, list) or not rows:
            fields.wrong("comparisons", "'comparisons' is not a list", "write `- higher: …` and `lower: …` below it")
            return None
        for index, row in enumerate(rows):
            comparisons += _comparisons(row, (*path, "comparisons", index), errors, names)
    if len(errors) > before:
        return None
    return RankTest(comparisons=tuple(comparisons), weeks=weeks, picked=picked)


def _comparisons(row: object, path: YamlPath, errors: list[FieldError], names: Names) -> list[Comparison]:
    """A row of the file: one higher side against one lower side, or against each of a list of them."""
    if not isinstance(row, Mapping):
        errors.append(FieldError(path, f"{type(row).__name__} is not a comparison", "write `higher: …` and `lower: …`"))
        return []
    fields = Fields(row, _COMPARISON, path=path, errors=errors)
    measured = fields.choice("measured", get_args(Measured), "share")
    within = fields.flag("within_sources")
    if not fields.needs("higher", "{label: …}") | fields.needs("lower", "{label: …}") or measured is None:
        return []
    higher = _side(row.get("higher"), (*path, "higher"), errors, names, measured)
    below = row.get("lower")
    if below == []:
        fields.wrong("lower", "there is nothing to compare with", "name at least one side")
    sides = [(entry, (*path, "lower", index)) for index, entry in enumerate(below)] if isinstance(below, list) else []
    if not isinstance(below, list):
        sides = [(below, (*path, "lower"))]
    out: list[Comparison] = []
    for entry, place in sides:
        lower = _side(entry, place, errors, names, measured)
        if higher is None or lower is None:
            continue
        if (higher.numerator, higher.denominator) == (lower.numerator, lower.denominator):
            errors.append(FieldError(place, "both sides are the same posts", "change one of them"))
        if higher.label == lower.label:
            errors.append(FieldError((*place, "label"), "both sides have one label", "name them differently"))
        out.append(Comparison(higher=higher, lower=lower, measured=measured, within=within))
    return out


def _side(data: object, path: YamlPath, errors: list[FieldError], names: Names, measured: Measured) -> Side | None:
    if data is None:
        return None  # noted as missing already
    if not isinstance(data, Mapping):
        errors.append(FieldError(path, f"{type(data).__name__} is not a side", "write `label: …` and its posts"))
        return None
    before = len(errors)
    fields = Fields(data, _SIDE, path=path, errors=errors)
    label = fields.text("label", longest=60, example="Nurses' posts")
    numerator: Posts | None = ALL_POSTS
    denominator: Posts | None = ALL_POSTS
    if measured == "share":
        numerator, denominator = _share(fields, names)
    elif fields.has("share_of"):
        fields.wrong("share_of", f"a mean ({measured}) has no share", "name the posts under `among`")
    elif fields.needs("among", "{content_type: video}"):
        denominator = read_posts(fields, "among", names)
    if len(errors) > before or numerator is None or denominator is None:
        return None
    return Side(label=label, numerator=numerator, denominator=denominator)


# --- reference and consistency ------------------------------------------------------------------------------------

_REFERENCE = ("claimed", "unit", "relation", "tolerance", "figures", "why_not", "context")


def _reference(data: Mapping[str, Any], path: YamlPath, errors: list[FieldError], names: Names) -> ReferenceTest | None:
    before = len(errors)
    fields = Fields(data, _REFERENCE, path=path, errors=errors)
    claimed = fields.number("claimed")
    unit = fields.text("unit", longest=60, example="USD")
    relation = fields.choice("relation", get_args(Relation), "about")
    tolerance = fields.percent("tolerance", least=0.0, most=1.0, example="10 %")
    figures = _figures(fields, unit, names) if fields.has("figures") else ()
    why_not = fields.text("why_not", needed=False) or None
    if fields.has("figures") and why_not:
        fields.wrong("why_not", "'why_not' and 'figures' exclude each other", "keep one of them")
    elif not fields.has("figures") and not fields.has("why_not"):
        fields.wrong(None, "'figures' is missing", "name ids of references.yaml, or say `why_not: …`")
    context = None
    if fields.has("context"):
        context = _trend(fields.mapping("context", "{rate_of: all}"), (*path, "context"), errors, names)
    if len(errors) > before or claimed is None or relation is None:
        return None
    if tolerance is None:  # a bound is a bound; only "about" leaves room
        tolerance = _default(ReferenceTest, "tolerance") if relation == "about" else 0.0
    return ReferenceTest(
        claimed=claimed,
        unit=unit,
        relation=relation,
        tolerance=tolerance,
        figures=figures,
        why_not=why_not,
        context=context,
    )


def _figures(fields: Fields, unit: str, names: Names) -> tuple[str, ...]:
    value = fields.data["figures"]
    if not isinstance(value, list) or not value:
        fields.wrong("figures", "'figures' is not a list", "write ids of references.yaml, such as [a-id]")
        return ()
    out: list[str] = []
    for index, entry in enumerate(value):
        name = fields.line(entry, "figures", index)
        if not name or names.references is None:
            pass
        elif name not in names.references:
            what = f"there is no reference {name[:60]!r}"
            fields.wrong("figures", what, f"{nearest(name[:60], names.references)} (in references.yaml)", index)
        elif unit and names.references[name].unit != unit:
            what = f"{name!r} is in {names.references[name].unit!r}, the claim in {unit!r}"
            fields.wrong("figures", what, "use one unit for both", index)
        if name in out:
            fields.wrong("figures", f"{name!r} appears twice", "keep one of them", index)
        out.append(name)
    return tuple(out)


_CONSISTENCY = ("unit", "sums")
_SUM = ("name", "relation", "values", "target", "tolerance")
_WITH_TARGET = ("sums_to", "does_not_sum_to")


def _consistency(
    data: Mapping[str, Any], path: YamlPath, errors: list[FieldError], names: Names
) -> ConsistencyTest | None:
    del names  # the report's own numbers name nothing of ours
    before = len(errors)
    fields = Fields(data, _CONSISTENCY, path=path, errors=errors)
    unit = fields.text("unit", longest=60, example="%")
    sums: list[Sum] = []
    if fields.needs("sums", "[…]"):
        rows = data["sums"]
        if not isinstance(rows, list) or not rows:
            fields.wrong("sums", "'sums' is not a list", "write `- name: …` with `values: …` below it")
            return None
        for index, row in enumerate(rows):
            found = _sum(row, (*path, "sums", index), errors)
            sums += [found] if found else []
    return None if len(errors) > before else ConsistencyTest(unit=unit, sums=tuple(sums))


def _sum(row: object, path: YamlPath, errors: list[FieldError]) -> Sum | None:
    if not isinstance(row, Mapping):
        errors.append(FieldError(path, f"{type(row).__name__} is not a sum", "write `name: …` and `values: …`"))
        return None
    before = len(errors)
    fields = Fields(row, _SUM, path=path, errors=errors)
    name = fields.text("name", longest=120)
    relation = fields.choice("relation", get_args(Arithmetic))
    values: dict[str, float] = {}
    for label, value in fields.mapping("values", "{North America: 35, Europe: 25}").items():
        number = fields.value(value, "values", label)
        if number is not None:
            values[label] = number
    if len(errors) == before and len(values) < 2:
        fields.wrong("values", "one value can't disagree with anything", "write at least two")
    target = fields.number("target") if fields.has("target") else None
    if relation in _WITH_TARGET:
        fields.needs("target", "100")
    elif relation and fields.has("target"):
        fields.wrong("target", f"{relation!r} has no target", "delete it")
    tolerance = fields.number("tolerance") if fields.has("tolerance") else 0.0
    if tolerance is not None and tolerance < 0:
        fields.wrong("tolerance", "a tolerance is not negative", "write 0 or more")
    if len(errors) > before or relation is None or tolerance is None:
        return None
    return Sum(name=name, relation=relation, values=values, target=target, tolerance=tolerance)


KEYS = frozenset((*_FIELDS, *_TREND, *_LEVEL, *_RANK, *_COMPARISON, *_SIDE, *_REFERENCE, *_CONSISTENCY, *_SUM))
"""Every key that a claim file may hold, at any depth."""

_READERS: Mapping[Kind, Callable[[Mapping[str, Any], YamlPath, list[FieldError], Names], Test | None]] = {
    "trend": _trend,
    "level": _level,
    "rank": _rank,
    "reference": _reference,
    "consistency": _consistency,
}
