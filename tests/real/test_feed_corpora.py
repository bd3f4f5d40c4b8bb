"""Feeds of other people: no crash, no hang, both roads agree, and the models of another reader are met."""

from __future__ import annotations

import json
import os
import re
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.base import Drifted, Page, Parsed
from collectors.feeds.charset import to_utf8
from collectors.feeds.fast import NotAFeedError, NotWellFormedError, read_xml
from collectors.feeds.opml import parse_opml
from collectors.feeds.prolog import strip_prolog
from collectors.feeds.read import read
from collectors.feeds.referee import UnreadableError, read_patiently
from collectors.feeds.shape import shape

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "data"
FEEDS = SHARED / "feeds"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
URL = "https://feed.example.org/dir/feed.xml"

pytestmark = pytest.mark.skipif(not FEEDS.is_dir(), reason=f"the feed corpora are not in {FEEDS}")


def files(*endings: str) -> list[Path]:
    return sorted(path for path in FEEDS.rglob("*") if path.name.endswith(endings) and ".serde." not in path.name)


def name(path: Path) -> str:
    return path.relative_to(FEEDS).as_posix()


def page(path: Path) -> Page:
    return Page(body=path.read_bytes(), url=URL, fetched_at=NOW)


def test_every_file_gives_items_or_a_named_error_and_soon() -> None:
    outcomes: dict[str, int] = {}
    for path in files(".xml", ".rss", ".json", ".opml"):
        start = time.perf_counter()
        try:
            parsed = read(page(path))
            outcome = "read"
            assert len({item.id for item in parsed.items}) == len(parsed.items), name(path)
            assert all(0 < len(item.id) <= 512 and item.id == item.id.strip() for item in parsed.items), name(path)
        except Drifted as drifted:
            outcome = drifted.code
        assert time.perf_counter() - start < 5, name(path)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert outcomes["read"] > 4000
    assert set(outcomes) == {"read", "not_a_feed", "malformed", "entity_bomb"}
    assert outcomes["malformed"] < 30
    assert outcomes["entity_bomb"] == 2


# Where the two roads differ on purpose: what, in which files and fields, and why.
DIFFERENCES: dict[str, tuple[str, ...]] = {
    "feedparser keeps only the last of several; we keep the first": (
        "feedvalidator/testcases/atom/4.1.2/multiple-published.xml: published_at",
        "feedvalidator/testcases/atom/4.1.2/multiple-updated.xml: published_at",
        "feedvalidator/testcases/rss/should/duplicate_item_atompubdate.xml: published_at",
        "feedvalidator/testcases/atom/must/valid_dc_all.xml: updated_at",
        "feedvalidator/testcases/ext/media/duplicate_description.xml: text",
        "feedvalidator/testcases/rss/should/funky_atom_summary.xml: text",
        "feedvalidator/testcases/rss20/element-channel-item/multiple_item_description.xml: text",
        "feedvalidator/testcases/rss20/element-channel-item/multiple_item_description.xml: id",
        "feedvalidator/testcases/rss/must/valid_dc_all.xml: facts.title",
    ),
    "feedparser takes elements of nested elements for the item's own, or ends the item there": (
        "feedparser/tests/wellformed/rss/item_category_image.xml: items",
        "feedvalidator/testcases/atom/4.2.11/missing-self.xml: items",
        "feedvalidator/testcases/atom/4.2.11/source-entry.xml: items",
        "feedvalidator/testcases/ext/feedsync/spec-example-atom-2.xml: items",
        "feedvalidator/testcases/ext/feedsync/spec-example-rss-2.xml: items",
        "feedvalidator/testcases/rss/must/rdf_Description.xml: facts.title",
        "feedvalidator/testcases/rss/must/rss10_rdfDescription.xml: facts.title",
    ),
    "feedparser knows no podcast:liveItem": ("podcast-namespace/example.xml: items",),
    "feedparser loses an id that cannot be joined to the base": (
        "feedparser/tests/wellformed/rss/item_guid_isPermaLink_ValueError.xml: items",
    ),
    "feedparser shows xml:lang only on texts, so the road cannot tell the item's from a text's or the channel's": (
        "feed-rs/feed-rs/fixture/atom/atom_scattered.xml: language",
        "feedparser/tests/wellformed/lang/entry_summary_xml_lang_inherit_3.xml: language",
        "feedparser/tests/wellformed/lang/entry_summary_xml_lang_inherit_4.xml: language",
        "feedparser/tests/wellformed/lang/entry_title_xml_lang.xml: language",
        "feedparser/tests/wellformed/lang/entry_title_xml_lang_inherit_2.xml: language",
        "feedparser/tests/wellformed/lang/entry_title_xml_lang_inherit_3.xml: language",
        "feedvalidator/testcases/rss/must/valid_all_rss2_attributes.xml: language",
        "feedvalidator/testcases/rss/must/valid_all_rss2_attributes.xml: facts.language",
    ),
    "a text in an element of type xhtml that is escaped all the same: we strip it, as people mean it": (
        "yarr/src/parser/fixtures/atom/xhtml-title.xml: title",
        "yarr/src/parser/fixtures/atom/xhtml-title.xml: id",
    ),
    "feedparser does not know the relation by its address": (
        "feedvalidator/testcases/atom/4.2.7.2/link-rel-iana.xml: url",
    ),
    "feedparser goes by any declaration of the Atom namespace, we by the root element's": (
        "feedparser/tests/wellformed/psc/atomsimplechapterexternal.xml: facts.format",
        "feedvalidator/testcases/atom/must/feed_unknown_element_core_namespace.xml: facts.format",
    ),
}  # fmt: skip
# What feedparser does not take for a feed at all: CDF, a bare <channel> or <rdf>, RDF in namespaces that it does not know
UNKNOWN_TO_FEEDPARSER = re.compile(
    r"/cdf/|/base/cdf_|rss11/|xml_iso8859\.xml|unknown_root_element|rss10_invalid_namespace|yarr/.*/rdf/basic"
)

_ITEM_FIELDS = (
    "id", "url", "title", "text", "published_at", "updated_at", "author", "language", "country", "location", "live", "media",
    "categories", "guests", "transcripts", "engagement",
)  # fmt: skip
_FACT_FIELDS = ("format", "title", "link", "language", "country", "poll_after", "new_url", "blocked")


def differences(one: Parsed, other: Parsed) -> Iterator[str]:
    if len(one.items) != len(other.items):
        yield "items"
        return
    for mine, theirs in zip(one.items, other.items, strict=True):
        for field in _ITEM_FIELDS:
            a, b = getattr(mine, field), getattr(theirs, field)
            # In which order the media of an item come means nothing.
            if (set(a) != set(b)) if field == "media" else a != b:
                yield field
    for field in _FACT_FIELDS:
        if getattr(one.facts, field) != getattr(other.facts, field):
            yield f"facts.{field}"


def test_both_roads_give_the_same_items() -> None:
    expected = {entry for entries in DIFFERENCES.values() for entry in entries}
    found: set[str] = set()
    unknown: list[str] = []
    compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for path in files(".xml", ".rss"):
            try:
                body = strip_prolog(to_utf8(path.read_bytes())[0])[0]
                fast = read_xml(body)
            except (NotWellFormedError, NotAFeedError, Drifted):
                continue
            try:
                slow = read_patiently(body)
            except UnreadableError:
                unknown.append(name(path))
                continue
            compared += 1
            where = Page(body=body, url=URL, fetched_at=NOW)
            found |= {f"{name(path)}: {field}" for field in differences(shape(fast, where), shape(slow, where))}
    assert compared > 3700
    assert sorted(found - expected) == []
    assert sorted(expected - found) == [], "no longer different: take it out of the table"
    assert [path for path in unknown if not UNKNOWN_TO_FEEDPARSER.search(path)] == []


def models() -> list[Path]:
    return [path for path in files(".xml", ".json") if path.with_name(f"{path.stem}.serde.json").exists()]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(microsecond=0) if text else None


def _is_made_up(native: str) -> bool:
    """Ids that feed-rs makes where the feed has none: a hash or a random UUID."""
    return bool(re.fullmatch(r"[0-9a-f]{30,32}|[0-9a-f]{8}-[0-9a-f-]{27}", native))


def test_the_models_of_feed_rs_are_met() -> None:
    entries = 0
    for path in models():
        model: dict[str, Any] = json.loads(path.with_name(f"{path.stem}.serde.json").read_text())
        parsed = read(page(path))
        assert len(parsed.items) == len(model["entries"]), name(path)
        for item, entry in zip(parsed.items, model["entries"], strict=True):
            entries += 1
            label = f"{name(path)} {item.id}"
            if not _is_made_up(entry["id"]):
                assert item.id == entry["id"], label
            title = (entry.get("title") or {}).get("content")
            if title:
                assert item.title == " ".join(title.split()), label
            links = [link["href"] for link in entry["links"] if link.get("rel") in (None, "alternate")]
            absolute = [link.lower().rstrip("/") for link in links if link.startswith("http")]
            if absolute:
                assert (item.url or "").lower().rstrip("/") in absolute, label
            ours = {moment and moment.replace(microsecond=0) for moment in (item.published_at, item.updated_at)}
            theirs = {_moment(entry.get("published")), _moment(entry.get("updated"))} - {None}
            assert theirs <= ours, label
    assert entries > 100


_EXPECT = re.compile(rb"entries\[0\]\['(?:published|updated|created)_parsed'\] == \((\d{4}(?:, ?\d+){5})")
# The last of several is wanted there, the first is what we keep; and CDF, which we do not read
_NOT_OURS = re.compile(r"multiple_values|date_overwriting|/cdf/")


def test_the_dates_that_feedparser_expects() -> None:
    checked = 0
    for path in files(".xml"):
        body = path.read_bytes()
        wanted = _EXPECT.search(body[:1200])
        if wanted is None or not name(path).startswith("feedparser/") or _NOT_OURS.search(name(path)):
            continue
        year, month, day, hour, minute, second = (int(part) for part in wanted.group(1).split(b","))
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        # Most of these have nothing but the date, and would be no item.
        titled = re.sub(rb"<(item|entry)>", rb"<\1><title>x</title>", body, count=1)
        (item, *_) = read(Page(body=titled, url=URL, fetched_at=NOW)).items
        assert moment in (item.published_at, item.updated_at), name(path)
        checked += 1
    assert checked >= 10


def test_every_opml_file_is_read_or_named() -> None:
    lists = {path.name: path for path in files(".opml")}
    assert len(lists) == 36
    with pytest.raises(Drifted, match="not OPML"):
        parse_opml(lists.pop("missingOpml.opml").read_bytes())
    found = {title: parse_opml(path.read_bytes()) for title, path in lists.items()}
    assert len(found["subscriptionList.opml"].outlines) == 13
    assert len(found["notwellformed.opml"].outlines) == 1
    assert len(found["subscriptionListErrors1.opml"].outlines) == 1
    assert len(found["subscriptionListErrors1.opml"].skipped) == 4
    assert "“quoted”" in found["invalidCharacters.opml"].skipped[0][0]
