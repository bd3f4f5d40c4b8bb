"""Tag stored posts again after rules or word lists changed. Counts are exact at every moment: posts and cells of a
batch move in one transaction.

Which rules and lists stored posts were tagged by is remembered in the store as a set of marks, so that a change can be
told to people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from monitor.core.model import Post
from monitor.store import Store

BATCH = 500
LISTS = "tagging_lists"
"""Meta key: the marks of all rules and lists that stored posts may have been tagged by, the one in use last."""
CHANGED: Final = "tagging_changed"
RETAGGED: Final = "retagged"
"""Kinds of events."""
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
    now: datetime | None = None,
) -> Retagged:
    """Annotate every post whose tags are older than the present rules, or with `everything` (after an edit of a word
    list) every post. Posts whose text was deleted keep their tags.

    May be killed and run again at any time, beside a running service too; that tags by the lists it was started with.
    Records as events that tags begin to change and that all are of one kind at the end; `now` dates them (None: by
    this machine's clock).
    """
    # Imported late: building the taggers takes longer than asking whether there is anything to do
    from monitor.archive_convert import overruled
    from monitor.core.annotate import VERSION, Evidence, Taggers

    taggers = Taggers.build(taxonomy, lexicon)
    sources = {source.id: source for source in store.source_numbers().values()}
    below = VERSION + 1 if everything else VERSION
    done = changed = after = 0
    while rows := store.scan_posts(below_version=below, after=after, limit=BATCH):
        if not done:
            remember_lists(store, taxonomy, lexicon, now=now)
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
    _settle(store, mark(taxonomy, lexicon), everything=everything, now=now)
    return Retagged(done, changed)


def mark(taxonomy: Mapping[str, Any], lexicon: Mapping[str, Any]) -> str:
    """Stands for the present rules and these lists: 'version:hash', the same on every machine."""
    from monitor.core.annotate import VERSION

    text = orjson.dumps([taxonomy, lexicon], default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return f"{VERSION}:{hashlib.sha256(text).hexdigest()[:16]}"


def marks(store: Store) -> list[str]:
    """What stored posts may have been tagged by; empty before the first."""
    return _parted(store.meta(LISTS))


def remember_lists(
    store: Store, taxonomy: Mapping[str, Any], lexicon: Mapping[str, Any], *, now: datetime | None = None
) -> None:
    """To be called before posts are tagged by these lists. If stored posts were tagged by others, this is the event
    `tagging_changed`; `now` dates it (None: by this machine's clock)."""
    present = mark(taxonomy, lexicon)
    while True:
        before = store.meta(LISTS)
        held = _parted(before)
        if held == [present]:
            return
        if not store.totals().posts:
            if _settled(store, before, [present], None, now):
                return
            continue
        if held[-1:] == [present]:
            return
        after = _joined([*(one for one in held if one != present), present])
        if not held:  # posts of unknown tags, put in without the program
            if store.replace_meta(LISTS, before, after):
                return
        elif store.record_event(
            CHANGED,
            at=now or datetime.now(UTC),
            subject=present,
            says="Posts are tagged by other rules or word lists from now on; older posts keep their tags until "
            "`trendmonitor retag --all`.",
            detail={"from": held[-1], "to": present},
            meta={LISTS: after},
            given={LISTS: before},
        ):
            return


def _settle(store: Store, present: str, *, everything: bool, now: datetime | None) -> None:
    """After re-tagging: forget the marks that no post bears any more; the event `retagged` if one is left."""
    while True:
        before = store.meta(LISTS)
        held = _parted(before)
        if everything:
            after = [present]
        else:
            current = f"{present.partition(':')[0]}:"
            after = [one for one in held if one.startswith(current)] or held
            if after == held:
                return
        if after != [present]:
            if store.replace_meta(LISTS, before, _joined(after)):
                return
        elif _settled(store, before, after, _kept(store, others=set(held) - {present}), now):
            return


def _settled(store: Store, before: str | None, after: list[str], kept: datetime | None, now: datetime | None) -> bool:
    """One mark is left for all posts: told as an event if there are posts, or if a change was open. False if the marks
    are not `before` any more."""
    if not store.totals().posts and tagging_break(store) is None:
        return store.replace_meta(LISTS, before, _joined(after))
    event = store.record_event(
        RETAGGED,
        at=now or datetime.now(UTC),
        subject=after[0],
        says="All stored posts are tagged by one set of rules and word lists"
        + (", except those whose text was deleted before." if kept else "."),
        detail={"marks": after, "kept_until": kept and kept.isoformat()},
        meta={LISTS: _joined(after)},
        given={LISTS: before},
    )
    return event is not None


def _kept(store: Store, others: Collection[str]) -> datetime | None:
    """Up to when posts are published that keep tags by older rules or lists, because their text was deleted."""
    if others:
        return store.newest_forgotten()
    earlier = store.last_event(RETAGGED)
    held = earlier and earlier.detail.get("kept_until")
    return datetime.fromisoformat(held) if held else None


def tagging_break(store: Store) -> datetime | None:
    """The moment after which stored posts are tagged by one set of rules and word lists; None if all of them are.

    As long as a change is not taken up by `retag --all`: the moment of the change, and posts stored later are of one
    kind. Afterwards: the publication of the newest post that could not be tagged again because its text had been
    deleted, and posts published later are of one kind.
    """
    changed, retagged = store.last_event(CHANGED), store.last_event(RETAGGED)
    if changed is not None and (retagged is None or changed.id > retagged.id):
        return changed.at
    kept = retagged and retagged.detail.get("kept_until")
    return datetime.fromisoformat(kept) if kept else None


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


def _parted(text: str | None) -> list[str]:
    return [one for one in (text or "").split(",") if one]


def _joined(held: Sequence[str]) -> str:
    return ",".join(held[-MOST_MARKS:])


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
