"""Since when stored posts are tagged in one way, and the events that say so."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from monitor.core import annotate
from monitor.retag import marks, outdated, remember_lists, retag, tagging_break
from monitor.store import Store
from tests.support.archives import CONFIG, NOW, RECIPE, record, run_import, stored_posts, write_lines

DAY = timedelta(days=1)
LEXICON: dict[str, Any] = dict(CONFIG.lexicon)
LISTS: dict[str, Any] = copy.deepcopy({name: CONFIG.taxonomy[name] for name in ("telehealth", "diabetes")})


def edited(word: str) -> dict[str, Any]:
    lists = copy.deepcopy(LISTS)
    lists["telehealth"]["phrases"] = {"en": [word]}
    return lists


ZEBRA, OKAPI = edited("zebra clinic"), edited("okapi clinic")


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Store:
    remember_lists(store, LISTS, LEXICON, now=NOW)
    recipe = type(RECIPE)(LISTS, LEXICON, RECIPE.author_key)
    run_import(store, write_lines(tmp_path / "a.jsonl", map(record, range(10))), recipe=recipe)
    return store


def told(store: Store) -> list[tuple[str, datetime]]:
    return [(one.kind, one.at) for one in store.events(kinds=["tagging_changed", "retagged"])]


def test_posts_tagged_in_one_way_have_no_break(filled: Store) -> None:
    assert tagging_break(filled) is None
    remember_lists(filled, LISTS, LEXICON, now=NOW + DAY)
    assert (tagging_break(filled), told(filled)) == (None, [])


def test_a_change_is_open_until_everything_is_tagged_again(filled: Store) -> None:
    version = filled.data_version()
    remember_lists(filled, ZEBRA, LEXICON, now=NOW + DAY)
    remember_lists(filled, ZEBRA, LEXICON, now=NOW + 2 * DAY)
    assert tagging_break(filled) == NOW + DAY
    assert filled.data_version() == version + 1, "what is computed from tags is asked for again"
    retag(filled, ZEBRA, LEXICON, now=NOW + 3 * DAY)
    assert tagging_break(filled) == NOW + DAY, "no post is older than the rules, so none was tagged again"
    remember_lists(filled, LISTS, LEXICON, now=NOW + 4 * DAY)
    assert tagging_break(filled) == NOW + 4 * DAY, "back to lists that were used before is a change as well"
    retag(filled, LISTS, LEXICON, everything=True, now=NOW + 5 * DAY)
    assert tagging_break(filled) is None
    assert told(filled) == [
        ("tagging_changed", NOW + DAY),
        ("tagging_changed", NOW + 4 * DAY),
        ("retagged", NOW + 5 * DAY),
    ]
    remember_lists(filled, LISTS, LEXICON, now=NOW + 6 * DAY)
    assert tagging_break(filled) is None
    remember_lists(filled, OKAPI, LEXICON, now=NOW + 7 * DAY)
    assert tagging_break(filled) == NOW + 7 * DAY
    (latest,) = filled.events(kinds=["tagging_changed"], since=NOW + 7 * DAY)
    assert [latest.detail["from"], latest.detail["to"]] == marks(filled)


def test_tagging_again_that_was_cut_off_leaves_a_break(filled: Store) -> None:
    class CutOffError(Exception):
        pass

    def cut_off(_: int) -> None:
        raise CutOffError

    with pytest.raises(CutOffError):
        retag(filled, ZEBRA, LEXICON, everything=True, progress=cut_off, now=NOW + DAY)
    assert tagging_break(filled) == NOW + DAY
    assert outdated(filled, LISTS, LEXICON) is not None, "some posts are tagged by the edited lists already"
    retag(filled, ZEBRA, LEXICON, everything=True, now=NOW + 2 * DAY)
    assert tagging_break(filled) is None


def test_newer_rules_that_reached_every_post_leave_no_break(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotate, "VERSION", annotate.VERSION + 1)
    remember_lists(filled, LISTS, LEXICON, now=NOW + DAY)
    assert tagging_break(filled) == NOW + DAY
    assert retag(filled, LISTS, LEXICON, now=NOW + 2 * DAY).retagged == 10
    assert tagging_break(filled) is None
    assert told(filled) == [("tagging_changed", NOW + DAY), ("retagged", NOW + 2 * DAY)]
    retag(filled, LISTS, LEXICON, now=NOW + 3 * DAY)
    assert len(told(filled)) == 2, "nothing was to do"


def test_posts_without_text_keep_their_tags_and_so_the_break(filled: Store) -> None:
    dates = sorted(post.published_at for post in stored_posts(filled).values())
    filled.forget_text(dates[4])
    retag(filled, LISTS, LEXICON, everything=True, now=NOW)
    assert tagging_break(filled) is None, "they bear the same tags still"
    retag(filled, ZEBRA, LEXICON, everything=True, now=NOW + DAY)
    assert tagging_break(filled) == dates[3], "of the newest of the four"
    filled.forget_text(dates[6])
    retag(filled, ZEBRA, LEXICON, everything=True, now=NOW + 2 * DAY)
    assert tagging_break(filled) == dates[3], "those that were forgotten since bear the new tags"
    retag(filled, OKAPI, LEXICON, everything=True, now=NOW + 3 * DAY)
    assert tagging_break(filled) == dates[5]


def test_without_posts_there_is_no_break(store: Store, filled: Store) -> None:
    remember_lists(filled, ZEBRA, LEXICON, now=NOW + DAY)
    assert tagging_break(filled) is not None
    for one in filled.sources():
        filled.remove_source(one.source.id, purge=True, now=NOW + DAY)
    remember_lists(filled, ZEBRA, LEXICON, now=NOW + 2 * DAY)
    assert tagging_break(filled) is None
    assert len(marks(filled)) == 1
    remember_lists(filled, OKAPI, LEXICON, now=NOW + 3 * DAY)
    assert (tagging_break(filled), len(marks(filled))) == (None, 1)


def test_processes_that_start_at_once_tell_of_a_change_once(filled: Store, another: Callable[[], Store]) -> None:
    stores = [another() for _ in range(4)]
    start = Barrier(len(stores))

    def begin(one: Store) -> None:
        start.wait()
        remember_lists(one, ZEBRA, LEXICON, now=NOW + DAY)

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(begin, stores))
    assert told(filled) == [("tagging_changed", NOW + DAY)]
