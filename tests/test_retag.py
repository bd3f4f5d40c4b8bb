"""Tagging again: cells are exact after every batch, nothing is lost when it is cut off, and changes are told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from monitor import retag as module
from monitor.core import annotate
from monitor.retag import marks, outdated, remember_lists, retag
from monitor.store import Store
from tests.support.archives import CONFIG, RECIPE, record, run_import, stored_posts, write_lines
from tests.support.stores import counted_cells, stored_cells

LEXICON: dict[str, Any] = dict(CONFIG.lexicon)
TAXONOMY: dict[str, Any] = copy.deepcopy({name: CONFIG.taxonomy[name] for name in ("telehealth", "diabetes")})
"""The lists the posts are tagged by at first."""
EDITED = copy.deepcopy(TAXONOMY)
EDITED["telehealth"]["phrases"] = {"en": ["zebra clinic"]}
"""A later edit: other posts are about telehealth now."""


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Store:
    recipe = type(RECIPE)(TAXONOMY, LEXICON, RECIPE.author_key)
    remember_lists(store, TAXONOMY, LEXICON)
    subjects = ("telehealth visits", "the zebra clinic", "diabetes care", "Live: everyday work")
    lines = [
        record(n, source=f"s{n % 3}", title=f"About {subjects[n % 4]} {n}", text="Good news for patients.")
        for n in range(60)
    ]
    lines.append(record(99, title="Live: a clinic", content_type="video", live=False, topics=["privacy"]))
    run_import(store, write_lines(tmp_path / "a.jsonl", lines), recipe=recipe)
    return store


def on_telehealth(store: Store) -> int:
    return len(stored_posts(store, filters={"topic": ("telehealth",)}))


def test_an_edit_of_the_lists_is_told_and_taken_up_with_exact_cells(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    assert outdated(filled, TAXONOMY, LEXICON) is None
    note = outdated(filled, EDITED, LEXICON)
    assert note is not None
    assert "retag --all" in note
    before = stored_posts(filled, filters={"topic": ("telehealth",)})
    batches: list[int] = []

    def exact(count: int) -> None:
        batches.append(count)
        assert stored_cells(filled) == counted_cells(stored_posts(filled).values()), "exact in the middle"

    assert retag(filled, EDITED, LEXICON).retagged == 0, "nothing is older than the rules"
    assert outdated(filled, EDITED, LEXICON) is not None, "and the note stays"
    done = retag(filled, EDITED, LEXICON, everything=True, progress=exact)
    assert sum(batches) == done.retagged == 61
    assert len(batches) == 7
    after = stored_posts(filled, filters={"topic": ("telehealth",)})
    assert set(after).isdisjoint(before)
    assert len(after) == 15
    assert done.changed == len(before) + len(after)
    assert outdated(filled, EDITED, LEXICON) is None
    assert retag(filled, EDITED, LEXICON, everything=True).changed == 0
    assert filled.rebuild_cells() == 0


def test_what_was_stated_stays(filled: Store) -> None:
    retag(filled, EDITED, LEXICON, everything=True)
    tags = stored_posts(filled)["wire", "p99"].annotation
    assert (tags.content_type, tags.live, tags.topics) == ("video", False, ("privacy",))


def test_newer_rules_reach_only_what_is_older(filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotate, "VERSION", annotate.VERSION + 1)
    note = outdated(filled, TAXONOMY, LEXICON)
    assert note is not None
    assert "retag" in note
    recipe = type(RECIPE)(TAXONOMY, LEXICON, RECIPE.author_key)
    remember_lists(filled, TAXONOMY, LEXICON)
    run_import(filled, write_lines(tmp_path / "b.jsonl", [record(200)]), recipe=recipe)
    assert retag(filled, TAXONOMY, LEXICON).retagged == 61, "not the one that the new rules tagged already"
    assert {post.annotation.version for post in stored_posts(filled).values()} == {annotate.VERSION}
    assert outdated(filled, TAXONOMY, LEXICON) is None
    assert retag(filled, TAXONOMY, LEXICON).retagged == 0


def test_cut_off_and_run_again_it_is_complete(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)

    class CutOffError(Exception):
        pass

    def cut_off(_: int) -> None:
        raise CutOffError

    with pytest.raises(CutOffError):
        retag(filled, EDITED, LEXICON, everything=True, progress=cut_off)
    assert outdated(filled, EDITED, LEXICON) is not None
    assert stored_cells(filled) == counted_cells(stored_posts(filled).values())
    retag(filled, EDITED, LEXICON, everything=True)
    assert on_telehealth(filled) == 15
    assert outdated(filled, EDITED, LEXICON) is None


def test_posts_of_a_removed_source_are_tagged_too(filled: Store) -> None:
    filled.remove_source("s1")
    assert retag(filled, EDITED, LEXICON, everything=True).retagged == 61
    assert on_telehealth(filled) == 15


def test_lists_that_came_and_went_are_not_forgotten(filled: Store) -> None:
    remember_lists(filled, EDITED, LEXICON)
    remember_lists(filled, TAXONOMY, LEXICON)
    assert len(marks(filled)) == 2
    assert outdated(filled, TAXONOMY, LEXICON) is not None, "some posts may have been tagged in between"
    retag(filled, TAXONOMY, LEXICON, everything=True)
    assert len(marks(filled)) == 1


def test_an_empty_store_has_nothing_outdated(sqlite_store: Store) -> None:
    remember_lists(sqlite_store, TAXONOMY, LEXICON)
    assert outdated(sqlite_store, EDITED, LEXICON) is None
    remember_lists(sqlite_store, EDITED, LEXICON)
    assert len(marks(sqlite_store)) == 1
