"""Tag stored posts again after rules or word lists changed. Counts are exact at every moment: posts and cells of a
batch move in one transaction.

Which rules and lists stored posts were tagged by is remembered in the store as a set of marks, so that a change can be
told to people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from monitor.core.model import Post
from monitor.store import Store

BATCH = 500
LISTS = "tagging_lists"
"""Meta key: the marks of all rules and lists that stored posts may have been tagged by, oldest first."""
MOST_MARKS = 20


@dataclass(frozen=True, slots=True)
class Retagged:
    retagged: int
    changed: int
    """Posts of which at least one tag is different now."""


def retag(
    store: Store,
    taxonomy: Mapping[str, Any],
    lexicon: Mapping[str, Any],
    *,
    everything: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Retagged:
    """Annotate every post whose tags are older than the present rules, or with `everything` (after an edit of a word
    list) every post. Posts whose text was deleted keep their tags.

    May be killed and run again at any time, beside a running service too; that tags by the lists it was started with.
    """
    # Imported late: building the taggers takes longer than asking whether there is anything to do
    from monitor.archive_convert import overruled
    from monitor.core.annotate import VERSION, Evidence, Taggers

    taggers = Taggers.build(taxonomy, lexicon)
    sources = {source.id: source for source in store.source_numbers().values()}
    below = VERSION + 1 if everything else VERSION
    done = changed = after = 0
    while rows := store.scan_posts(below_version=below, after=after, limit=BATCH):
        batch: list[tuple[int, Post]] = []
        for number, post in rows:
            evidence = Evidence.from_stored(post.title, post.text, post.url, post.evidence)
            annotation = overruled(taggers.annotate(evidence, sources[post.source]), post.evidence)
            changed += replace(post.annotation, version=VERSION, reasons=annotation.reasons) != annotation
            batch.append((number, replace(post, annotation=annotation)))
        store.retag(batch)
        done += len(batch)
        after = rows[-1][0]
        if progress is not None:
            progress(len(batch))
    present = mark(taxonomy, lexicon)
    if everything:
        store.set_meta(LISTS, present)
    else:
        current = f"{VERSION}:"
        store.set_meta(
            LISTS, ",".join([*(one for one in marks(store) if one.startswith(current) and one != present), present])
        )
    return Retagged(done, changed)


def mark(taxonomy: Mapping[str, Any], lexicon: Mapping[str, Any]) -> str:
    """Stands for the present rules and these lists: 'version:hash', the same on every machine."""
    from monitor.core.annotate import VERSION

    text = orjson.dumps([taxonomy, lexicon], default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return f"{VERSION}:{hashlib.sha256(text).hexdigest()[:16]}"


def marks(store: Store) -> list[str]:
    """What stored posts may have been tagged by; empty before the first."""
    return [one for one in (store.meta(LISTS) or "").split(",") if one]


def remember_lists(store: Store, taxonomy: Mapping[str, Any], lexicon: Mapping[str, Any]) -> None:
    """To be called before posts are tagged by these lists."""
    present = mark(taxonomy, lexicon)
    held = marks(store)
    if present in held:
        return
    if held and not store.totals().posts:
        held = []
    store.set_meta(LISTS, ",".join([*held, present][-MOST_MARKS:]))


def outdated(store: Store, taxonomy: Mapping[str, Any], lexicon: Mapping[str, Any]) -> str | None:
    """What a person should know and do if stored posts were tagged by other rules or lists than the present; or None."""
    others = set(marks(store)) - {mark(taxonomy, lexicon)}
    if not others or not store.totals().posts:
        return None
    from monitor.core.annotate import VERSION

    if all(one.startswith(f"{VERSION}:") for one in others):
        return (
            "The word lists (config/taxonomy, config/lexicon.yaml) changed since posts were tagged: "
            "run `trendmonitor retag --all` to bring stored posts up to them."
        )
    return "Some posts were tagged by older rules: run `trendmonitor retag --all` to bring them up to the present ones."


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
