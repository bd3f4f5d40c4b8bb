"""Making, changing and deleting a digest: /digests/new, /digests/{id}/edit and /digests/{id}/delete.

One form without JavaScript. "Preview" composes what the form says now and stores nothing; with scripts the same answer
comes by itself after every change. The checks are those of the API. Digests of config/ are shown as they are written
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard.digests import edit_preview as digest_edit_preview
from api.dashboard.digests import edit_words as digest_edit_words
from api.dashboard.digests import form as digest_form
from api.dashboard.digests import views as digest_views
from api.dashboard.digests import words as digest_words
from api.dashboard.names import labels_of
from api.dashboard.pages import render
from api.dashboard.pictures import TYPES
from api.dashboard.sources.form import Wrong
from api.dashboard.writing import forms_work, read_form
from api.params import read_params, refuse_unknown, text
from api.problems import Problem, not_found
from api.routes.digests import spec_from_body
from monitor.config_digests import LOCALES, MOST_CHANNELS, digest_to_mapping
from monitor.config_posts import NO_TOPIC
from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.core.query import CLOSED
from monitor.deliver import channels
from monitor.digest_document import recipient_words
from monitor.digests import UnknownDigest
from monitor.store.errors import AlreadyExists

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

LONGEST = 64 * 1024
"""Bytes of the form: 500 addresses fit."""

COUNTED = 500
"""So many issues of a digest are kept."""
_OWNED = "A file in config/ declares this digest, so it is changed there. Here it can be paused, tested and sent."
_STAND_IN = {"id": "new", "title": "Untitled", "schedule": "daily 00:00"}
"""For what is missing or wrong, so that the rest can be checked all the same."""


@router.get("/digests/new")
async def new(request: Request) -> Response:
    """An empty form, or with ?like=<id> the values of another digest."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("like",))
    like = text(params, "like", longest=80)
    return await run_in_threadpool(_new, request, like)


@router.post("/digests/new")
async def add(request: Request) -> Response:
    return await _answer(request, None)


@router.get("/digests/{digest_id}/edit")
async def edit(request: Request, digest_id: str) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_edit, request, digest_id)


@router.post("/digests/{digest_id}/edit")
async def change(request: Request, digest_id: str) -> Response:
    return await _answer(request, await run_in_threadpool(_own, services_of(request), digest_id))


@router.get("/digests/{digest_id}/delete")
async def confirm(request: Request, digest_id: str) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_confirm, request, digest_id)


@router.post("/digests/{digest_id}/delete")
async def delete(request: Request, digest_id: str) -> Response:
    await read_form(request, ())
    services = services_of(request)
    await run_in_threadpool(_own, services, digest_id)
    await run_in_threadpool(services.digests.remove, digest_id)
    return RedirectResponse("/digests", 303)


@router.get("/digests/new/preview/{key}/{section}.{kind}")
async def chart(request: Request, key: str, section: str, kind: str) -> Response:
    """The chart of a section of a preview."""
    refuse_unknown(read_params(request.scope["query_string"]), ())
    drawn = digest_edit_preview.remembered(request, key, section)
    if drawn is None or kind not in ("svg", "png"):
        raise not_found(f"A chart {section[:40]}.{kind[:10]}", "A preview of the digest, made again,")
    body = await request.app.state.studio.draw(drawn, kind)
    return Response(body, 200, {"Cache-Control": "private, no-cache"}, TYPES[kind])


# --- what the form asks for ------------------------------------------------------------------------------------------


async def _answer(request: Request, stored: DigestSpec | None) -> Response:
    """Save the form, or return it: with a preview, with one channel more, or without one."""
    services = services_of(request)
    known = digest_form.names(_choices(services, stored))
    live = "hx-request" in request.headers
    try:
        form = await read_form(request, (*known, "do", "add"), longest=LONGEST)
    except Problem as problem:
        if not live:
            raise
        # only the place of the preview is replaced, where a whole page would not fit
        nothing = digest_edit_preview.shown(request, {}, None, [Wrong("title", problem.detail)], [])
        return render(request, "digest_edit_preview.html", preview=nothing, live=True)
    wanted, adding = form.pop("do", "save"), form.pop("add", "")
    form |= {} if stored is None else {"id": stored.id}
    act, _, place = wanted.partition(".")
    if act == "add":
        return await run_in_threadpool(_grown, request, stored, form, adding)
    if act == "drop":
        rows = digest_form.rows_of(form)
        left = [row for at, row in enumerate(rows) if str(at) != place]
        return await run_in_threadpool(
            _page, request, stored, digest_form.with_rows(form, left), [], focus="channels-title"
        )
    if act == "preview":
        return await run_in_threadpool(_previewed, request, stored, form, live)
    if act != "save":
        raise Problem("invalid-request", "The form does not say what to do; press one of its buttons.")
    return await run_in_threadpool(_saved, request, stored, form)


def _grown(request: Request, stored: DigestSpec | None, form: dict[str, str], kind: str) -> Response:
    """The form with one more channel, whose first field has the focus."""
    rows = digest_form.rows_of(form)
    if kind not in channels():
        return _page(
            request, stored, form, [Wrong("add", f"There is no channel {kind[:60]!r}; choose one of the list.")]
        )
    if len(rows) >= MOST_CHANNELS:
        return _page(request, stored, form, [Wrong("add", f"A digest has at most {MOST_CHANNELS} channels.")])
    grown = digest_form.with_rows(form, [*rows, {"kind": kind}])
    return _page(request, stored, grown, [], focus=f"channel-{len(rows)}-title")


def _previewed(request: Request, stored: DigestSpec | None, form: dict[str, str], live: bool) -> Response:
    spec, errors, left = _preview_spec(services_of(request), form, stored)
    preview = digest_edit_preview.shown(request, form, spec, errors, left)
    if live:
        return render(request, "digest_edit_preview.html", preview=preview, live=True)
    return _page(request, stored, form, errors, preview=preview)


def _saved(request: Request, stored: DigestSpec | None, form: dict[str, str]) -> Response:
    services = services_of(request)
    typed = form
    if stored is None and not form.get("id") and form.get("title"):
        form = {**form, "id": digest_form.id_for(form["title"], _taken(services))}
    made, errors = _checked(services, form, stored)
    if not made:
        return _page(request, stored, typed, errors)
    if stored is not None:
        if made != replace(stored, paused=False):
            services.digests.update(made)
    else:
        try:
            services.digests.create(made)
        except AlreadyExists:
            wrong = Wrong("id", f"There is a digest {made.id!r} already; choose another id.")
            return _page(request, stored, typed, [wrong])
    return RedirectResponse(digest_views.address(made.id), 303)


def _checked(
    services: Services, form: Mapping[str, str], stored: DigestSpec | None
) -> tuple[DigestSpec | None, list[Wrong]]:
    """The digest that the form describes, or everything that is wrong with it."""
    errors = digest_form.missing(form)
    if zone := digest_form.wrong_zone(form):
        errors.append(zone)
    if form.get("id") in digest_form.PAGE_WORDS and stored is None:
        errors.append(Wrong("id", f"{form['id']!r} is a word of these pages; choose another id."))
    elif stored is None and form.get("id") in _taken(services):
        errors.append(Wrong("id", f"There is a digest {form['id']!r} already; choose another id."))
    mapping = digest_form.mapping_of(form, stored)
    known = {one.field for one in errors}
    if known & {"schedule", "timezone"}:
        mapping["schedule"] = _STAND_IN["schedule"]
    mapping |= {name: _STAND_IN[name] for name in ("id", "title") if not mapping.get(name)}
    mapping["channels"] = mapping["channels"] or [{"kind": "atom"}]
    rows = digest_form.rows_of(form)
    try:
        made = spec_from_body(services, mapping)
    except Problem as problem:
        for one in problem.errors:
            field = digest_form.place_of(one.field, one.message, rows)
            if field not in known:  # the form's own words are plainer
                errors.append(Wrong(field, digest_form.sentence(one.message)))
    return (None if errors else made), digest_form.in_order(errors)


def _preview_spec(
    services: Services, form: Mapping[str, str], stored: DigestSpec | None
) -> tuple[DigestSpec | None, list[Wrong], list[Wrong]]:
    """The digest as far as a preview needs it, what keeps it from being previewed, and what from being saved.

    A preview asks neither for a title nor for channels, so that they can be filled in while looking at it.
    """
    made, errors = _checked(services, form, stored)
    if made is not None:
        name = stored.id if stored else form.get("id") or digest_form.id_for(made.title, _taken(services))
        return replace(made, id=name), [], []
    later = ("title", "id", "add", "channels")
    blocking = [one for one in errors if one.field.partition(".")[0] not in later]
    left = [one for one in errors if one not in blocking]
    if blocking:
        return None, blocking, left
    mapping = digest_form.mapping_of(form, stored) | {"channels": [{"kind": "atom"}]}
    mapping["title"] = (mapping.get("title") or _STAND_IN["title"])[:120]
    mapping["id"] = stored.id if stored else _STAND_IN["id"]
    spec = spec_from_body(services, mapping)
    return replace(spec, channels=(), id=spec.id if stored else ""), [], left


def _taken(services: Services) -> set[str]:
    return {one.id for one in services.digests.specs()}


def _own(services: Services, digest_id: str) -> DigestSpec:
    """A digest that these pages may change. Raises Problem."""
    spec = _spec(services, digest_id)
    if spec.declared:
        raise Problem("owned-by-config", _OWNED)
    return spec


def _spec(services: Services, digest_id: str) -> DigestSpec:
    try:
        return services.digests.spec(digest_id)
    except UnknownDigest as error:
        raise Problem("not-found", str(error)) from None


# --- pages -----------------------------------------------------------------------------------------------------------


def _new(request: Request, like: str | None) -> Response:
    values = dict(digest_form.NEW)
    if like and forms_work(request):
        values = digest_form.values_of(_spec(services_of(request), like)) | {"id": ""}
    return _page(request, None, values, [])


def _edit(request: Request, digest_id: str) -> Response:
    spec = _spec(services_of(request), digest_id)
    return _page(request, spec, digest_form.values_of(spec), [])


def _page(
    request: Request,
    stored: DigestSpec | None,
    values: Mapping[str, str],
    errors: Sequence[Wrong],
    *,
    preview: Mapping[str, Any] | None = None,
    focus: str = "",
) -> Response:
    services = services_of(request)
    writable = forms_work(request)
    declared = stored is not None and stored.declared
    choices = _choices(services, stored)
    return render(
        request,
        "digest_edit.html",
        422 if errors else 200,
        here="digests",
        digest=stored,
        address=digest_views.address(stored.id) if stored else "",
        action=digest_views.address(stored.id, "edit") if stored else "/digests/new",
        yaml=_yaml(stored, reveal=writable) if declared and stored else "",
        config=services.settings.config / "digests.yaml",
        values=values,
        errors=errors,
        preview=preview,
        focus=focus,
        live=False,
        writable=writable,
        rows=_rows(values),
        kinds=[
            (name, digest_edit_words.KINDS[name].name if name in digest_edit_words.KINDS else name)
            for name in dict.fromkeys((*(one for one in digest_edit_words.KINDS if one in channels()), *channels()))
        ],
        choices={
            name: {f"filters.{name}.{value}": words for value, words in rows.items()} for name, rows in choices.items()
        },
        words=digest_edit_words,
        sections=[(f"sections.{one}", name) for one, name in _section_names()],
        locales=[(one, digest_edit_words.LOCALE_NAMES[one]) for one in LOCALES],
        written=digest_form.WRITTEN,
    )


def _rows(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """The channels of the form with the words of their kind."""
    return [
        {"kind": row.get("kind", ""), "row": row, "words": digest_edit_words.KINDS.get(row.get("kind", ""))}
        for row in digest_form.rows_of(values)
    ]


def _section_names() -> list[tuple[str, str]]:
    return [(one, digest_words.SECTION_NAMES[one]) for one in digest_form.OPTIONAL]


def _choices(services: Services, stored: DigestSpec | None) -> dict[str, dict[str, str]]:
    """The boxes of every dimension, those among them whose names have gone since the digest was made."""
    labels = {**labels_of(services), **digest_edit_words.FLAG_NAMES}
    config = services.config
    keys = {
        **CLOSED,
        "topic": (*sorted(config.taxonomy, key=lambda one: labels["topic"].get(one, one).casefold()), NO_TOPIC),
        "platform": sorted(config.platforms, key=lambda one: labels["platform"].get(one, one).casefold()),
    }
    found = {}
    for name in digest_form.TICKED:
        gone = [one for one in (stored.filters.get(name, ()) if stored else ()) if one not in keys[name]]
        found[name] = {one: labels.get(name, {}).get(one, one) for one in keys[name]}
        found[name] |= {one: f"{one} (not known any more)" for one in gone}
    found["topic"][NO_TOPIC] = "without any topic"
    return found


def _yaml(spec: DigestSpec, *, reveal: bool) -> str:
    """As it stands in config/digests.yaml; recipients shortened for who may only read."""
    if not reveal:
        shortened = [_shortened(one) for one in spec.channels]
        spec = replace(spec, channels=tuple(shortened))
    return yaml.safe_dump({"digests": [digest_to_mapping(spec)]}, sort_keys=False, allow_unicode=True, width=100)


def _shortened(channel: ChannelSpec) -> ChannelSpec:
    to = tuple(recipient_words(one, reveal=False) for one in channel.to)
    options = {
        name: recipient_words(one, reveal=False) if isinstance(one, str) else one
        for name, one in channel.options.items()
    }
    return replace(channel, to=to, options=options)


def _confirm(request: Request, digest_id: str) -> Response:
    services = services_of(request)
    spec = _spec(services, digest_id)
    return render(
        request,
        "digest_delete.html",
        here="digests",
        digest=spec,
        address=digest_views.address(digest_id),
        config=services.settings.config / "digests.yaml",
        issues=len(services.digests.issues(digest_id, limit=COUNTED)),
        left=len(services.digests.unsubscribed(digest_id)),
        files=any(one.kind == "file" for one in spec.channels),
        writable=forms_work(request),
    )
