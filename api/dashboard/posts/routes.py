"""Posts as pages: a search with facets at /posts, and one post with why it is tagged so at /posts/{source}/{id}.

Works without JavaScript; the address holds all that is chosen. What is shown of a post is masked. A tag can be corrected
on the page of its post; what people say is kept as a labelled example, see `monitor.labels`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard.names import Labels, labels_of
from api.dashboard.pages import render
from api.dashboard.posts import views as post_views
from api.dashboard.posts import words as post_words
from api.dashboard.posts.asked import KNOWN, TEXTS, WITH_COPIES, Asked, canonical, post_address
from api.dashboard.posts.facets import Division, Facets
from api.dashboard.words import day
from api.dashboard.writing import forms_work, read_form
from api.params import one_of, read_params, refuse_unknown
from api.problems import FieldError, Problem, field_problem, wants_page
from monitor.core.model import AUDIENCES
from monitor.core.query import QueryError
from monitor.labels import DIMENSIONS, SEVERAL, LabelRefused, UnknownPost
from monitor.posts_query import FLAG

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.store.labels import Found

router = APIRouter()

COPIES_SHOWN = 20
REMOVALS_SHOWN = 5
DIRECTIONS = ("since", "until", "q", "order")
"""Fields of the search form, where an error can stand beside what it is about."""


@router.get("/posts")
async def listed(request: Request) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, KNOWN)
    for name in TEXTS:
        if len(params.get(name, ())) > 1:
            raise field_problem(name, f"{name} was given {len(params[name])} times; give it once.")
    asked = Asked.read(params)
    if not canonical(params):  # fields that were left empty do not belong into an address
        return RedirectResponse(asked.address, 303)
    return await run_in_threadpool(_listed, request, asked)


@router.get("/posts/{source}/{post:path}")
async def one(request: Request, source: str, post: str) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("saved",))
    saved = one_of(params, "saved", DIMENSIONS, None)
    return await run_in_threadpool(_one, request, source, post, saved=saved)


@router.post("/posts/{source}/{post:path}/label")
async def label(request: Request, source: str, post: str) -> Response:
    """Keep what a person says of one tag; then the page of the post, which is tagged so by then."""
    services = services_of(request)
    choices = await run_in_threadpool(_choices, services, source, post)
    boxes = [f"{name}.{value}" for name in SEVERAL for value in choices[name]]
    form = await read_form(request, ("dimension", "annotator", "note", "value", *boxes))
    dimension = form.get("dimension", "")
    given = [box.partition(".")[2] for box in boxes if box in form and box.startswith(f"{dimension}.")]
    if dimension not in SEVERAL:
        given = [form.get("value", "")]

    def give() -> Response:
        try:
            services.labelling.give(
                source, post, dimension, given, annotator=form.get("annotator", ""), note=form.get("note", "")
            )
        except UnknownPost:
            return _missing(request, source, post)
        except LabelRefused as refused:
            if dimension not in DIMENSIONS:
                raise field_problem("dimension", str(refused)) from None
            told = {"dimension": dimension, "given": given, "form": form, "field": refused.field, "why": str(refused)}
            return _one(request, source, post, refused=told)
        return RedirectResponse(f"{post_address(source, post, saved=dimension)}#tag-{dimension}", 303)

    return await run_in_threadpool(give)


@router.post("/posts/{source}/{post:path}/withdraw")
async def withdraw(request: Request, source: str, post: str) -> Response:
    """Take back one label; what others said, or else tagging, decides again."""
    form = await read_form(request, ("label",))
    text = form.get("label", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

    def take_back() -> Response:
        try:
            taken = services_of(request).labelling.take_back(source, post, number)
        except UnknownPost:
            return _missing(request, source, post)
        except LabelRefused as refused:
            raise field_problem("label", str(refused)) from None
        return RedirectResponse(f"{post_address(source, post, saved=taken.dimension)}#tag-{taken.dimension}", 303)

    return await run_in_threadpool(take_back)


# --- the list --------------------------------------------------------------------------------------------------------


def _listed(request: Request, asked: Asked) -> Response:
    services = services_of(request)
    errors: list[QueryError] = []
    question = asked
    try:
        found = services.store.posts(asked.query(services.clock()))
        before = services.store.browse.before(asked.query(services.clock()))
    except QueryError as error:
        errors, question = [error], Asked()
    except ValueError as error:
        field = "cursor" if str(error).startswith("cursor") else "q"
        errors, question = [QueryError(field, f"This {error}." if field == "cursor" else f"{error}.")], Asked()
    names = _names(services)
    shared: dict[str, Any] = {
        "here": "posts",
        "typed": {name: asked.texts.get(name, "") for name in TEXTS},
        "orders": post_words.ORDERS,
        "hidden": [pair for pair in asked.pairs() if pair[0] not in TEXTS],
        "chips": post_views.chips_of(asked, names),
        "errors": [
            {"field": one.field if one.field in DIRECTIONS else "search", "message": one.message} for one in errors
        ],
    }
    if errors:
        return render(request, "posts.html", 422, rows=None, first_page=asked.text("cursor", None).address, **shared)
    division = _seen(_facets(request).divide(question), len(found.posts), first="cursor" not in asked.texts)
    totals = services.store.totals()
    visits = [one.state.last_success for one in services.store.sources() if one.state.last_success is not None]
    return render(
        request,
        "posts.html",
        rows=[post_views.row_of(post, names) for post in found.posts],
        heading=post_words.count_words(division.posts, capped=division.capped),
        says=post_words.asked_words(asked, names),
        copies=post_words.copies_words(asked, division.copies, capped=division.copies_capped),
        copy_links=_copy_links(asked, division.copies),
        facets=post_views.facets_of(asked, division, names),
        of_latest=division.of_latest,
        exports=post_views.exports_of(asked, division),
        earlier=_page(asked, before) if asked.texts.get("cursor") else None,
        later=_page(asked, found.next) if found.next else None,
        empty=None if found.posts else _empty(request, asked, names),
        stored=totals.posts,
        span=f"{day(totals.oldest)} to {day(totals.newest)}" if totals.oldest and totals.newest else "",
        refreshed=max(visits, default=None),
        **shared,
    )


def _seen(division: Division, shown: int, *, first: bool) -> Division:
    """A count of a part of the matches, with what the page itself shows: at least that, and nothing is nothing."""
    if not division.capped:
        return division
    nothing = first and not shown
    return replace(division, posts=max(division.posts, shown), capped=not nothing)


def _page(asked: Asked, cursor: str | None) -> str:
    return asked.text("cursor", cursor).address


def _copy_links(asked: Asked, copies: int) -> list[dict[str, str]]:
    """Other ways to deal with copies."""
    chosen = asked.filters.get(FLAG)
    links = []
    if chosen != ("true",) and copies:
        links.append({"name": "Show only the copies", "href": asked.only(FLAG, "true").address})
    if chosen is None and copies:
        links.append({"name": "Show them among the others", "href": asked.only(FLAG, *WITH_COPIES).address})
    if chosen is not None:
        links.append({"name": "Leave copies out", "href": asked.only(FLAG).address})
    return links


def _empty(request: Request, asked: Asked, names: Labels) -> dict[str, Any]:
    """Why there is nothing, and what is nearest."""
    services = services_of(request)
    totals = services.store.totals()
    if not totals.posts:
        return {"says": "Nothing is stored yet.", "first": True, "near": []}
    if "cursor" in asked.texts:
        return {"says": "This page is empty; posts were deleted since.", "first": False, "near": []}
    query = asked.query(services.clock())
    says = "No stored post fits all of these."
    if query.until is not None and totals.oldest is not None and query.until <= totals.oldest:
        says = f"Not collected: the oldest stored post is of {day(totals.oldest)}."
    elif query.since is not None and totals.newest is not None and query.since > totals.newest:
        says = f"Nothing observed yet: the newest stored post is of {day(totals.newest)}."
    near = []
    for name, other in post_views.removals_of(asked, names):
        posts, capped = _facets(request).count(other)
        if posts:
            words = post_words.count_words(posts, capped=capped)
            near.append({"words": f"{words} without {name}", "href": other.text("cursor", None).address})
    return {"says": says, "first": False, "near": near[:REMOVALS_SHOWN]}


def _facets(request: Request) -> Facets:
    state = request.app.state
    if not hasattr(state, "post_facets"):
        services = services_of(request)
        state.post_facets = Facets(services.store, services.trends, services.clock)
    facets: Facets = state.post_facets
    return facets


def _names(services: Services) -> Labels:
    sources = services.store.source_numbers().values()
    return {
        **labels_of(services),
        "source": {one.id: one.name or one.id for one in sources},
        post_views.OF_SOURCE: {one.id: one.platform for one in sources},
    }


# --- one post --------------------------------------------------------------------------------------------------------


def _one(
    request: Request,
    source: str,
    post_id: str,
    *,
    saved: str | None = None,
    refused: Mapping[str, Any] | None = None,
) -> Response:
    services = services_of(request)
    store = services.store
    found = store.labels.find(source, post_id)
    if found is None:
        return _missing(request, source, post_id)
    post, names = found.post, _names(services)
    tags = post_views.shown_tags(post, store.labels.of_post(source, post_id), names, list(services.config.taxonomy))
    errors = []
    if refused is not None:
        errors = [_error(refused)]
        for one in tags:
            if one["dimension"] == refused["dimension"]:
                one["field"] = post_views.typed(one["field"], refused["given"])
                one["typed"] = {name: refused["form"].get(name, "") for name in ("annotator", "note")}
    family = store.browse.family(post, COPIES_SHOWN)
    platform = names[post_views.OF_SOURCE].get(source, "")
    return render(
        request,
        "post.html",
        422 if errors else 200,
        here="posts",
        address=post_address(source, post_id),
        heading=post_views.heading_of(post),
        post=post,
        forgotten=found.forgotten,
        paragraphs=post_views.text_of(post),
        out=post_views.outside(post.url),
        source={"name": names["source"].get(source, source), "href": post_views.source_address(source)},
        platform=post_words.value_name(names, "platform", platform),
        tags=tags,
        terms=post_views.terms_of(services.labelling.explain(post)) if not found.forgotten else [],
        facts=post_views.facts_of(post),
        history=post_views.history_of(store.engagement_history(source, post_id)),
        coverage=post_views.coverage_words(post, store.coverage([source]).get(source, []), store.gaps(source)),
        copies=[post_views.row_of(one, names) for one in family.posts],
        more_copies=family.more,
        keyed=bool(post.annotation.duplicate_keys),
        saved=saved and post_words.saved_words(saved),
        opened=(refused or {}).get("dimension"),
        errors=errors,
        writable=forms_work(request),
    )


def _error(refused: Mapping[str, Any]) -> dict[str, str]:
    """What was refused, at the field of the form it came from."""
    part = refused["field"] if refused["field"] in ("annotator", "note") else "value"
    return {"field": f"{part}-{refused['dimension']}", "message": refused["why"]}


def _choices(services: Services, source: str, post_id: str) -> dict[str, Sequence[str]]:
    """What can be ticked in the forms of a post."""
    found: Found | None = services.store.labels.find(source, post_id)
    own = found.post.annotation.topics if found is not None else ()
    return {"audience": AUDIENCES, "topics": sorted({*services.config.taxonomy, *own})}


def _missing(request: Request, source: str, post_id: str) -> Response:
    says = f"There is no post {post_id[:100]!r} of source {source[:100]!r}."
    if not wants_page(request):
        raise Problem("not-found", says, (FieldError("post", says),))
    known = any(one.id == source for one in services_of(request).store.source_numbers().values())
    return render(
        request,
        "post_missing.html",
        404,
        here="posts",
        source=source[:100],
        asked=post_id[:200],
        near=Asked().only("source", source).address if known else None,
    )
