"""All that `config/` says about claims: the ledger's claims, published figures, and measured errors of tags.

`docs/claims.md` describes the files. Every mistake of every file is reported at once, with file, line and remedy.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from monitor.config_claim import claim_from_mapping
from monitor.config_fields import Fields
from monitor.config_posts import NO_TOPIC, Names, named, read_values
from monitor.config_reading import BUNDLED, Reading, mapping_document
from monitor.config_yaml import ConfigErrors, Document, FieldError, Problem, YamlPath
from monitor.core.claim import (
    Claim,
    ClaimBook,
    ConsistencyTest,
    Filters,
    LevelTest,
    Posts,
    RankTest,
    Reference,
    ReferenceTest,
    TagError,
    Test,
    TrendTest,
)

CLAIMS, REFERENCES, TAG_ERRORS = "claims", "references.yaml", "tag_errors.yaml"

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_DATE = re.compile(r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
TAGGED = ("content_type", "audience", "country", "region", "language", "topic", "live", "sponsored")
"""Dimensions that a tagger decides; platform and source are facts."""


def load_claims(reading: Reading, *, topics: Collection[str] | None, platforms: Collection[str] | None) -> ClaimBook:
    """What the files say; problems are noted in `reading`, and then the book must not be used.

    Claims, references and tag errors are each those of the directory, or where it has none those that come with the
    product. `topics` and `platforms` are the names that a claim may use; None where that list is itself faulty. A
    claim that comes with the product, but names what this directory's own lists don't have, stays in the ledger and
    says in `Claim.why_not` that it can't be measured.
    """
    references = _references(reading)
    names = Names(topics, platforms, references)
    own = reading.directory / CLAIMS
    files = sorted(own.glob("*.yaml")) or sorted((BUNDLED / CLAIMS).glob("*.yaml"))
    for path in sorted(own.glob("*.yml")):
        name = f"{CLAIMS}/{path.name}"
        reading.problems.append(Problem(reading.shown(name), None, "only *.yaml is read", "rename it to end in .yaml"))
    found: list[tuple[int, Claim]] = []
    for path in files:
        document = reading.mapping(path)
        if document is None:
            continue
        theirs = reading.owns(path)
        checked = _claim(document, path, names if theirs else Names())
        if isinstance(checked, list):
            reading.problems += checked
        else:
            claim, order = checked
            found.append((order, claim if theirs else _measurable(claim, names)))
    found.sort(key=lambda entry: (entry[0], entry[1].id))
    return ClaimBook(
        claims=tuple(claim for _, claim in found),
        references=MappingProxyType(references or {}),
        tag_errors=_tag_errors(reading, names),
    )


def claim_from_file(
    path: Path, *, topics: Collection[str], platforms: Collection[str], references: Mapping[str, Reference]
) -> Claim:
    """One claim file, wherever it lies. Raises ConfigErrors with all that is wrong with it."""
    document, problems = mapping_document(path, str(path))
    if document is None or problems:
        raise ConfigErrors(problems)
    checked = _claim(document, path, Names(topics, platforms, references))
    if isinstance(checked, list):
        raise ConfigErrors(checked)
    return checked[0]


def _claim(document: Document, path: Path, names: Names) -> tuple[Claim, int] | list[Problem]:
    problems = []
    if not _ID.fullmatch(path.stem):
        what = f"the file name {path.stem[:80]!r} is no id of a claim"
        problems.append(document.problem((), what, "use small letters, digits and hyphens, such as video-rising.yaml"))
    checked = claim_from_mapping(document.value, claim_id=path.stem, file=document.file, names=names)
    if isinstance(checked, list):
        return [*problems, *(document.problem(error.path, error.what, error.instead) for error in checked)]
    return problems or checked


# --- claims that come with the product under other lists ----------------------------------------------------------


def _measurable(claim: Claim, names: Names) -> Claim:
    """The claim itself, or with the reason why this configuration can't measure it.

    What a reference claim only shows beside its figure is left out where it can't be measured; it decides nothing.
    """
    test = claim.test
    lacks = _lacks(_posts(test), names)
    if isinstance(test, ReferenceTest):
        if lacks:
            claim = dataclasses.replace(claim, test=dataclasses.replace(test, context=None))
        known = names.references
        lacks = [f"{REFERENCES} has no {name!r}" for name in test.figures if known is not None and name not in known]
    if not lacks:
        return claim
    return dataclasses.replace(claim, why_not=f"It can't be measured with this configuration: {'; '.join(lacks)}.")


def _lacks(sets: Iterable[Posts], names: Names) -> list[str]:
    filters = [one for posts in sets for one in posts.any_of]
    return [
        *_absent("topic", filters, names.topics, "the taxonomy"),
        *_absent("platform", filters, names.platforms, "platforms.yaml"),
    ]


def _absent(dimension: str, filters: Collection[Filters], known: Collection[str] | None, where: str) -> Iterable[str]:
    wanted = set(named(filters, dimension)) - {NO_TOPIC}
    return (
        f"{where} has no {dimension} {name!r}" for name in sorted(wanted) if known is not None and name not in known
    )


def _posts(test: Test | None) -> list[Posts]:
    """Every set of posts that a test counts."""
    match test:
        case TrendTest() | LevelTest():
            return [test.numerator, test.denominator]
        case RankTest():
            sides = [side for pair in test.comparisons for side in (pair.higher, pair.lower)]
            return [posts for side in sides for posts in (side.numerator, side.denominator)]
        case ReferenceTest():
            return _posts(test.context)
        case ConsistencyTest() | None:
            return []


# --- published figures and errors of tags -------------------------------------------------------------------------

_REFERENCE = ("id", "what", "value", "unit", "dated", "citation", "url", "checked", "note")


def _references(reading: Reading) -> dict[str, Reference] | None:
    """None if the file could not be read without a mistake: then ids of figures can't be judged."""
    before = len(reading.problems)
    found = reading.rows(reading.either(REFERENCES), "references")
    if found is None:
        return None
    document, rows = found
    out: dict[str, Reference] = {}
    for index, row in enumerate(rows):
        base = ("references", index)
        checked = _reference(row)
        if isinstance(checked, list):
            reading.add(document, base, checked, "")
        elif checked.id in out:
            what = f"reference {checked.id!r} appears twice"
            reading.problems.append(document.problem((*base, "id"), what, "give one of them another id"))
        else:
            out[checked.id] = checked
    return out if len(reading.problems) == before else None


def _reference(row: object) -> Reference | list[FieldError]:
    if not isinstance(row, Mapping):
        return [FieldError((), f"{type(row).__name__} is not a reference", "write `id: …`, `value: …` and so on")]
    errors: list[FieldError] = []
    fields = Fields(row, _REFERENCE, path=(), errors=errors)
    name = fields.text("id", longest=64)
    if name and not _ID.fullmatch(name):
        fields.wrong("id", f"{name!r} is not an id", "use small letters, digits and hyphens")
    dated = fields.text("dated", longest=10, example="2024-03-31")
    if dated and not _DATE.fullmatch(dated):
        fields.wrong("dated", f"{dated!r} is not a day, month or year", "write for example 2024-03-31, 2024-03 or 2024")
    url = fields.text("url", needed=False) or None
    if url and not _is_address(url):
        fields.wrong("url", f"{url[:80]!r} is not a web address", "write the full address, or leave it out")
    value = fields.number("value")
    reference = Reference(
        id=name,
        what=fields.text("what"),
        value=value or 0.0,
        unit=fields.text("unit", longest=60),
        dated=dated,
        citation=fields.text("citation"),
        url=url,
        checked=fields.flag("checked", default=None),
        note=fields.text("note", needed=False),
    )
    return errors or reference


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _tag_errors(reading: Reading, names: Names) -> tuple[TagError, ...]:
    path = reading.either(TAG_ERRORS)
    found = reading.rows(path, "tag_errors")
    if found is None:
        return ()
    if not reading.owns(path):  # the product's rows may name topics that this directory's taxonomy does without
        names = Names()
    document, rows = found
    out: dict[tuple[str, str], TagError] = {}
    for index, row in enumerate(rows):
        base: YamlPath = ("tag_errors", index)
        checked = _tag_error(row, names)
        if isinstance(checked, list):
            reading.add(document, base, checked, "")
            continue
        tag = (checked.dimension, checked.value)
        if tag in out:
            what = f"{tag[0]} {tag[1]!r} appears twice"
            reading.problems.append(document.problem((*base, "value"), what, "keep the better sample"))
        out[tag] = checked
    return tuple(out.values())


def _tag_error(row: object, names: Names) -> TagError | list[FieldError]:
    if not isinstance(row, Mapping):
        return [FieldError((), f"{type(row).__name__} is not a tag's error", "write `dimension: …` and so on")]
    errors: list[FieldError] = []
    fields = Fields(row, ("dimension", "value", "sensitivity", "specificity", "sample"), path=(), errors=errors)
    dimension = fields.choice("dimension", TAGGED)
    value = ""
    if dimension and fields.needs("value"):
        values = read_values(fields, "value", dimension, row["value"], names)
        value = values[0] if len(values) == 1 else ""
        if len(values) > 1:
            fields.wrong("value", f"{len(values)} values in one row", "write one row for each")
    sensitivity, specificity = fields.counts("sensitivity"), fields.counts("specificity")
    sample = fields.text("sample")
    if (
        not errors
        and sensitivity[0] * specificity[1] + specificity[0] * sensitivity[1] <= sensitivity[1] * specificity[1]
    ):
        fields.wrong(
            None, "this tag is no better than chance", "check the counts; nothing can be corrected by such a tag"
        )
    return errors or TagError(dimension or "", value, sensitivity, specificity, sample)
