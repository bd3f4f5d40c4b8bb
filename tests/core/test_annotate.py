"""All taggers together: what an item declares, what its source says, and that no text is too odd to be tagged."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.base import Item, Media, Source
from monitor.core.annotate import VERSION, Evidence, Taggers
from monitor.core.model import AUDIENCES, CONTENT_TYPES, Annotation
from monitor.core.region import COUNTRIES
from monitor.core.topics import TaxonomyError

CONFIG = Path(__file__).parents[2] / "config"
SITE = Source("site", "feed", "web", "https://site.example/feed")
US_NEWS = Source(
    "us-news", "feed", "web", "https://news.example/feed", content_type="news", country="US", language="en"
)
NURSES = Source("nurses", "feed", "bluesky", "https://b.example/", audience=("nurses",))


def _taxonomy() -> dict[str, Any]:
    topics: dict[str, Any] = {}
    for path in sorted((CONFIG / "taxonomy").glob("*.yaml")):
        topics.update(yaml.safe_load(path.read_text(encoding="utf-8")))
    return topics


@pytest.fixture(scope="module")
def taggers() -> Taggers:
    return Taggers.build(_taxonomy(), yaml.safe_load((CONFIG / "lexicon.yaml").read_text(encoding="utf-8")))


def tag(taggers: Taggers, source: Source = SITE, **item: Any) -> Annotation:
    return taggers.annotate(Evidence.of(Item("1", **item)), source)


def test_one_post_with_everything(taggers: Taggers) -> None:
    found = tag(
        taggers,
        NURSES,
        title="Ten telemedicine tips for nurses",
        text="Watch live: how nurses in Kenya use telemedicine for diabetes care. This episode is brought to you by a bank. #NurseTwitter",
        media=(Media("https://a.example/1.mp4", "video/mp4", duration=90.0),),
        url="https://a.example/1",
    )
    assert (found.version, found.content_type, found.live, found.sponsored) == (VERSION, "video", True, True)
    assert (found.audience, found.language, found.country) == (("nurses",), "en", "KE")
    assert {"telehealth", "diabetes"} <= set(found.topics)
    assert found.topics == tuple(sorted(found.topics))
    assert found.sentiment is not None
    assert found.reasons["topics"].startswith(
        "awareness_campaigns" if "awareness_campaigns" in found.topics else found.topics[0]
    )
    assert found.reasons["country"] == "the lead names 'Kenya'"
    assert found.reasons["content_type"] == "has a video attached"
    assert set(found.reasons) == {"content_type", "audience", "language", "country", "topics", "live", "sponsored"}


def test_what_is_declared_overrides_tagging(taggers: Taggers) -> None:
    found = tag(
        taggers,
        US_NEWS,
        title="Ten tips for nurses on vaccines",
        text="#ad Watch live: vaccines in Kenya are for everyone and it is good.",
        content_type="podcast",
        audience=("public_health", "physicians"),
        topics=("Digital Health", "own-topic", "bad,comma"),
        live=None,
        sponsored=False,
        language="de-AT",
        country="at",
    )
    assert (found.content_type, found.audience, found.topics) == (
        "podcast",
        ("physicians", "public_health"),
        ("digital_health", "own_topic"),
    )
    assert (found.sponsored, found.language, found.country, found.sentiment) == (False, "de", "AT", None)
    for dimension in ("content_type", "audience", "topics", "language", "country"):
        assert found.reasons[dimension] == "declared by the item"


def test_declared_values_that_are_none_of_ours_count_as_not_declared(taggers: Taggers) -> None:
    found = tag(
        taggers,
        US_NEWS,
        title="A title about care",
        content_type="hologram",
        audience=("martians",),
        language="xx",
        country="Atlantis",
    )
    assert (found.content_type, found.audience, found.language, found.country) == ("news", ("other",), "en", "US")


def test_declared_topics_may_be_none_at_all(taggers: Taggers) -> None:
    assert tag(taggers, title="Vaccines for all", topics=()).topics == ()


def test_the_country_of_a_post_is_its_own_then_its_source_s_then_a_place_it_names(taggers: Taggers) -> None:
    assert tag(taggers, US_NEWS, title="Ebola in Uganda").country == "US"
    assert tag(taggers, US_NEWS, title="Ebola in Uganda", location="Kampala, Uganda").country == "UG"
    assert tag(taggers, US_NEWS, title="Ebola in Uganda", location="Kampala", country="KE").country == "KE"
    assert tag(taggers, US_NEWS, title="Ebola in Uganda", location="the moon").country == "US"
    assert tag(taggers, SITE, title="Ebola in Uganda").country == "UG"
    assert tag(taggers, SITE, title="Ebola spreads", categories=("Uganda",)).country is None


def test_a_spanish_post_in_an_english_feed_is_spanish_and_has_no_sentiment(taggers: Taggers) -> None:
    found = tag(
        taggers,
        US_NEWS,
        title="Salud mental",
        text="Los hospitales de la ciudad abren sus puertas para que todos los pacientes reciban atención sin cita previa.",
    )
    assert (found.language, found.sentiment) == ("es", None)
    assert "mental_health" in found.topics


def test_categories_speak_for_topics(taggers: Taggers) -> None:
    assert "oncology" in tag(taggers, title="New ward opens", categories=("Oncology",)).topics


def test_a_bio_is_reduced_and_not_kept(taggers: Taggers) -> None:
    evidence = Evidence.of(
        Item("1", title="Night shift", author="Jo", author_bio="ICU nurse living with asthma, call 555-0199")
    )
    stored = json.dumps(evidence.to_json())
    assert json.loads(stored) == {"bio_audience": ["nurses"]}
    assert taggers.annotate(evidence, SITE).audience == ("nurses",)


def test_coordinates_are_not_kept() -> None:
    assert Evidence.of(Item("1", title="x", location="51.50735,-0.12776")).to_json() == {}


def test_evidence_of_a_plain_item_stores_nothing() -> None:
    assert Evidence.of(Item("1", title="Title", text="Text", url="https://a.example/")).to_json() == {}


_TEXT = st.text(max_size=40)
_ITEMS = st.builds(
    Item,
    id=st.just("1"),
    title=_TEXT,
    text=st.text(max_size=400),
    url=st.none() | _TEXT | st.just("https://a.example/watch?v=1"),
    author_bio=st.none() | _TEXT | st.just("Dr, MD and RN"),
    language=st.none() | st.sampled_from(["en", "de", "tlh", "", "x-y"]),
    country=st.none() | st.sampled_from(["US", "uk", "Mars", ""]),
    location=st.none() | _TEXT | st.just("Leeds, UK"),
    content_type=st.none() | st.sampled_from([*CONTENT_TYPES, "?"]),
    audience=st.none() | st.lists(st.sampled_from([*AUDIENCES, "?"]), max_size=3).map(tuple),
    topics=st.none() | st.lists(st.text(max_size=10), max_size=3).map(tuple),
    live=st.none() | st.sampled_from(["pending", "live", "ended"]),
    sponsored=st.none() | st.booleans(),
    media=st.lists(st.builds(Media, url=_TEXT, type=st.sampled_from(["", "audio/mpeg", "video/mp4", "image/png", "x"]), medium=st.sampled_from(["", "video", "?"]), duration=st.none() | st.floats(0, 1e6)), max_size=3).map(tuple),
    categories=st.lists(_TEXT, max_size=3).map(tuple),
    guests=st.none() | st.integers(0, 9),
    transcripts=st.sampled_from([(), ("https://a.example/t.vtt",)]),
)  # fmt: skip
_SOURCES = st.sampled_from(
    [SITE, US_NEWS, NURSES, Source("r", "feed", "reddit", "https://r.example/", country="DE", language="de")]
)


@settings(max_examples=300, deadline=None)
@given(_ITEMS, _SOURCES)
@example(Item("1"), SITE)
@example(Item("1", title="😀"), SITE)
@example(Item("1", text="\u202bمرحبا بالعالم\u202c \u200b\u200d\u0000{}"), US_NEWS)
@example(Item("1", title="TURKEY IN THE US", text="ﬁﬂ ß İ ı ǅ ẞ \ud800"), SITE)
@example(Item("1", text="Ünïcödé привет 你好 שלום " * 20), NURSES)
def test_any_text_is_tagged_and_tagged_the_same_from_storage(taggers: Taggers, item: Item, source: Source) -> None:
    evidence = Evidence.of(item)
    found = taggers.annotate(evidence, source)
    assert found.content_type in CONTENT_TYPES
    assert set(found.audience) <= set(AUDIENCES)
    assert found.audience == tuple(sorted(set(found.audience)))
    assert found.audience
    assert found.country is None or found.country in COUNTRIES
    assert found.language is None or len(found.language) == 2
    assert not any("," in topic for topic in found.topics)
    stored = json.loads(json.dumps(evidence.to_json()))
    again = Evidence.from_stored(item.title, item.text, item.url, stored)
    assert taggers.annotate(again, source) == found
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_megabyte_is_read_as_quickly_as_its_beginning(taggers: Taggers) -> None:
    beginning = "Vaccines for nurses in Kenya. " * 200
    for rest in ("a" * 1_000_000, "#" * 1_000_000, "http://" * 150_000, "doctor " * 150_000, "\u00ad" * 1_000_000):
        found = tag(taggers, title="Vaccines", text=beginning + rest)
        assert "vaccination" in found.topics
        assert found.country == "KE"
        assert tag(taggers, title=rest, text=rest, url=rest).content_type in CONTENT_TYPES


def test_unknown_keys_of_a_later_version_are_ignored() -> None:
    assert Evidence.from_stored("t", "x", None, {"mood": 1, "guests": 2}) == Evidence(title="t", text="x", guests=2)


def test_a_wrong_taxonomy_is_refused() -> None:
    with pytest.raises(TaxonomyError):
        Taggers.build({}, {})
