"""What people say of tags decides how posts are tagged and counted, is kept by everything that tags again, and can be
taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.core.model import Post, Write
from monitor.labels import LabelRefused, Labels, UnknownPost, example, standing
from monitor.retag import retag
from monitor.store import PostQuery, Store
from tests.support.archives import CONFIG, RECIPE, record, run_import, stored_posts, write_lines
from tests.support.labels import NOW, import_posts, labels_of
from tests.support.stores import counted_cells, stored_cells

ENGLISH = "Good news for patients: the new clinic is wonderful and everybody is happy with it."


@pytest.fixture
def labels(store: Store, tmp_path: Path) -> Labels:
    import_posts(
        store,
        tmp_path,
        {"title": "Telehealth visits rise", "text": ENGLISH, "content_type": "news"},
        {"title": "Live: a ward round", "content_type": "video", "live": False, "topics": ["privacy"]},
    )
    return labels_of(store)


def post(store: Store, post_id: str = "p0") -> Post:
    found = store.post("wire", post_id)
    assert found is not None
    return found


def exact(store: Store) -> None:
    assert stored_cells(store) == counted_cells(stored_posts(store).values())
    assert store.rebuild_cells() == 0


@pytest.mark.parametrize(
    ("dimension", "given", "value"),
    [
        ("content_type", ["Video"], "video"),
        ("audience", ["nurses", "physicians"], ("nurses", "physicians")),
        ("topics", ["vaccination", "diabetes"], ("diabetes", "vaccination")),
        ("topics", [], ()),
        ("language", ["German"], "de"),
        ("language", ["unknown"], None),
        ("country", ["uk"], "GB"),
        ("country", ["unknown"], None),
        ("live", ["true"], True),
        ("sponsored", ["true"], True),
    ],
)
def test_a_correction_is_shown_and_counted_at_once(
    store: Store, labels: Labels, dimension: str, given: list[str], value: Any
) -> None:
    before = getattr(post(store).annotation, dimension)
    made = labels.give("wire", "p0", dimension, given, annotator=" A.  B. ", note="it says so")
    tags = post(store).annotation
    assert getattr(tags, dimension) == value
    person = "confirmed by a person" if before == value else "corrected by a person"
    assert tags.reasons[dimension] == person
    plain = list(value) if isinstance(value, tuple) else value
    was = list(before) if isinstance(before, tuple) else before
    assert (made.value, made.was, made.annotator, made.note) == (plain, was, "A. B.", "it says so")
    assert made.hash == post(store).hash
    exact(store)


def test_what_follows_from_a_correction_follows(store: Store, labels: Labels) -> None:
    assert post(store).annotation.sentiment is not None
    labels.give("wire", "p0", "language", ["de"], annotator="A")
    assert post(store).annotation.sentiment is None, "only English wording is scored"
    assert post(store, "p1").annotation.live is False
    labels.give("wire", "p1", "live", ["true"], annotator="A")
    assert post(store, "p1").annotation.live is True, "a person goes before the archive"
    assert "privacy" in post(store, "p1").annotation.topics, "what the item declares stays"
    exact(store)


def test_tagging_again_keeps_what_people_said(store: Store, labels: Labels) -> None:
    labels.give("wire", "p0", "content_type", ["podcast"], annotator="A")
    labels.give("wire", "p0", "topics", ["diabetes"], annotator="A")
    before = post(store)
    assert retag(store, CONFIG.taxonomy, CONFIG.lexicon, everything=True).changed == 0
    assert post(store) == before
    exact(store)


def test_collecting_an_edited_post_keeps_what_people_said(store: Store, labels: Labels, tmp_path: Path) -> None:
    for dimension, value in (("content_type", "podcast"), ("language", "fr"), ("country", "DE")):
        labels.give("wire", "p0", dimension, [value], annotator="A")
    before = post(store)
    again = record(0, title="Telehealth visits rise", text=ENGLISH, content_type="news")
    run_import(store, write_lines(tmp_path / "again.jsonl", [again]))
    assert post(store) == before, "the same post again changes nothing"
    run_import(store, write_lines(tmp_path / "edited.jsonl", [again | {"text": f"{ENGLISH} Edited."}]))
    after = post(store)
    assert after.text.endswith("Edited.")
    tags = after.annotation
    assert (tags.content_type, tags.language, tags.country) == ("podcast", "fr", "DE")
    assert {tags.reasons[name] for name in ("content_type", "language", "country")} == {"corrected by a person"}
    assert retag(store, CONFIG.taxonomy, CONFIG.lexicon).retagged == 1, "the edited text is scored anew"
    assert post(store).annotation.language == "fr"
    exact(store)


def test_the_latest_word_decides_and_can_be_taken_back(store: Store, labels: Labels) -> None:
    first = labels.give("wire", "p0", "content_type", ["podcast"], annotator="A")
    labels.give("wire", "p0", "content_type", ["other"], annotator="B")
    last = labels.give("wire", "p0", "content_type", ["video"], annotator="B")
    assert last.was == "news", "not what somebody else said, but what tagging says"
    assert [one.value for one in standing(labels.of("wire", "p0"))] == ["podcast", "video"]
    assert post(store).annotation.content_type == "video"
    labels.take_back("wire", "p0", last.id)
    assert post(store).annotation.content_type == "podcast"
    labels.take_back("wire", "p0", first.id)
    assert post(store).annotation.content_type == "news"
    assert "corrected" not in post(store).evidence
    with pytest.raises(LabelRefused, match="does not stand"):
        labels.take_back("wire", "p0", first.id)
    assert len(labels.of("wire", "p0")) == 5, "nothing said is ever lost"
    exact(store)


def test_a_label_of_sentiment_is_only_kept(store: Store, labels: Labels) -> None:
    before, version = post(store), store.data_version()
    made = labels.give("wire", "p0", "sentiment", ["negative"], annotator="A")
    assert (made.value, made.was) == ("negative", "positive")
    assert (post(store), store.data_version()) == (before, version)
    assert [one.text for one in labels.explain(before) if one.clinical > 1]


def test_labels_go_with_their_post(store: Store, labels: Labels) -> None:
    labels.give("wire", "p0", "country", ["DE"], annotator="A")
    labels.give("wire", "p1", "country", ["DE"], annotator="A")
    store.commit(Write("wire", NOW, deleted=("p0",)))
    assert [(one.post, found.post.id) for one, found, _ in labels.everything()] == [("p1", "p1")]
    assert labels.of("wire", "p0") == []
    exact(store)


def test_a_post_whose_text_was_deleted_takes_no_labels_and_keeps_those_it_has(store: Store, labels: Labels) -> None:
    labels.give("wire", "p0", "content_type", ["podcast"], annotator="A")
    store.forget_text(NOW)
    with pytest.raises(LabelRefused, match="was deleted"):
        labels.give("wire", "p0", "content_type", ["video"], annotator="A")
    (told,) = [example(one, found, stands=stands) for one, found, stands in labels.everything()]
    assert (told["text"], told["value"], told["stands"]) == (None, "podcast", True)
    assert post(store).annotation.content_type == "podcast"


def test_two_people_at_once_lose_nothing(
    store: Store, labels: Labels, another: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = labels_of(another())
    records = type(store.labels)
    save, met = records.save, []

    def late(self: Any, *args: Any) -> bool:
        if not met:
            met.append(True)
            other.give("wire", "p0", "country", ["DE"], annotator="B")
        return save(self, *args)

    monkeypatch.setattr(records, "save", late)
    labels.give("wire", "p0", "content_type", ["podcast"], annotator="A")
    tags = post(store).annotation
    assert (tags.content_type, tags.country) == ("podcast", "DE")
    exact(store)


@pytest.mark.parametrize(
    ("dimension", "given", "annotator", "field", "says"),
    [
        ("mood", ["x"], "A", "dimension", "no tag 'mood'"),
        ("content_type", ["movie"], "A", "content_type", "none of video, podcast, news, other"),
        ("content_type", [], "A", "content_type", "Choose one"),
        ("content_type", ["video", "news"], "A", "content_type", "Choose one"),
        ("audience", [], "A", "audience", "at least one"),
        ("topics", ["nothing"], "A", "topics", "'nothing' is none of"),
        ("language", ["klingonish"], "A", "language", "no language we know"),
        ("country", ["Atlantis"], "A", "country", "no country we know"),
        ("live", ["maybe"], "A", "live", "none of true, false"),
        ("sentiment", ["great"], "A", "sentiment", "none of negative"),
        ("live", ["true"], "  ", "annotator", "name or initials"),
        ("live", ["true"], "x" * 41, "annotator", "at most 40"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    store: Store, labels: Labels, dimension: str, given: list[str], annotator: str, field: str, says: str
) -> None:
    before = post(store)
    with pytest.raises(LabelRefused, match=says) as refused:
        labels.give("wire", "p0", dimension, given, annotator=annotator)
    assert refused.value.field == field
    assert post(store) == before
    assert labels.of("wire", "p0") == []


def test_an_unknown_post_is_said_to_be_so(labels: Labels) -> None:
    with pytest.raises(UnknownPost):
        labels.give("wire", "nothing", "live", ["true"], annotator="A")
    with pytest.raises(UnknownPost):
        labels.give("nobody", "p0", "live", ["true"], annotator="A")


def test_examples_hold_the_masked_text_and_say_if_it_was_edited(store: Store, tmp_path: Path) -> None:
    import_posts(store, tmp_path, {"text": "Write to jane@ward.example about the flu."})
    labels = labels_of(store)
    labels.give("wire", "p0", "topics", ["diabetes"], annotator="A")
    (told,) = [example(*one[:2], stands=one[2]) for one in labels.everything()]
    assert "jane@" not in told["text"]
    assert (told["edited_since"], told["tagging"][:2]) == (False, "1:")
    edited = replace(post(store), text="Other words.", hash=7)
    store.commit(Write("wire", NOW, posts=(edited,)))
    (told,) = [example(*one[:2], stands=one[2]) for one in labels.everything()]
    assert told["edited_since"] is True
    assert RECIPE.taxonomy is CONFIG.taxonomy
    assert store.posts(PostQuery(filters={"topic": ("diabetes",)})).posts
