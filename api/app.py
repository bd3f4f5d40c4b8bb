"""The HTTP service: routes, guard, errors and the dashboard, put together.

`create_app` wires and starts nothing; the caller's `lifespan` starts and stops the clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import api.problems
from api.auth import Guard
from api.dashboard import login, pages, pictures
from api.dashboard.claims import routes as claim_pages
from api.dashboard.digests import edit as digest_edit
from api.dashboard.digests import routes as digest_pages
from api.dashboard.explorer import routes as explorer
from api.dashboard.overview import routes as overview
from api.dashboard.platforms import routes as platform_pages
from api.dashboard.posts import routes as post_pages
from api.dashboard.settings import routes as setting_pages
from api.dashboard.signals import routes as signal_pages
from api.dashboard.sources import add as source_add
from api.dashboard.sources import opml as source_opml
from api.dashboard.sources import routes as source_pages
from api.routes import (
    claims,
    collecting,
    digests,
    health,
    posts,
    register,
    signals,
    sources,
    trends,
    unsubscribe,
)
from api.schemas import ProblemOut
from api.sessions import Sessions

if TYPE_CHECKING:
    from monitor.bootstrap import Services

PREFIX = "/api/v1"
DESCRIPTION = """Trends in public healthcare posts, with intervals and coverage.

Times are UTC in ISO 8601. A value that nobody observed is null and its `status` says so; it is never 0. Errors are
RFC 9457 problem details: `type` is stable, `errors` names the fields. On loopback no key is needed until one has been
made; elsewhere send `Authorization: Bearer <key>`."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(services: Services, *, lifespan: Lifespan | None = None) -> FastAPI:
    """An ASGI application over `services`. It opens the store when first asked, or when the lifespan does.

    `services` stays the caller's to close. `lifespan`, if given, runs around the service's own.
    """
    drawing = pictures.Studio(services.settings.home / "cache")

    @asynccontextmanager
    async def around(app: FastAPI) -> AsyncIterator[None]:
        drawing.open()
        try:
            async with lifespan(app) if lifespan is not None else nullcontext():
                yield
        finally:
            await drawing.close()

    app = FastAPI(
        title="trendmonitor",
        version=_version(),
        description=DESCRIPTION,
        lifespan=around,
        docs_url=None,  # its page loads scripts from another host
        redoc_url=None,
        redirect_slashes=False,
    )
    sessions = Sessions(lambda: services.store)
    answers, figures = trends.Answers(services), health.Figures(services)
    app.state.services = services
    app.state.answers = answers
    app.state.figures = figures
    app.state.studio = drawing
    app.state.sessions = sessions
    # The busiest route first, and without FastAPI's reading of parameters, which it does itself; the router after it
    # is what OpenAPI describes.
    app.add_route(f"{PREFIX}/trends", trends.trends, ["GET"], include_in_schema=False)
    app.include_router(trends.router, prefix=PREFIX, tags=["trends"])
    app.include_router(claims.router, prefix=PREFIX, tags=["claims"])
    app.include_router(posts.router, prefix=PREFIX, tags=["posts"])
    app.include_router(collecting.router, prefix=PREFIX, tags=["sources"])
    app.include_router(sources.router, prefix=PREFIX, tags=["sources"])
    app.include_router(signals.router, prefix=PREFIX, tags=["signals"])
    app.include_router(digests.router, prefix=PREFIX, tags=["digests"])
    app.include_router(unsubscribe.router, prefix=PREFIX, tags=["digests"])
    app.include_router(register.router, prefix=PREFIX, tags=["register"])
    app.include_router(health.router, tags=["operation"])
    app.include_router(pictures.router, include_in_schema=False)
    app.include_router(pages.router, include_in_schema=False)
    app.include_router(overview.router, include_in_schema=False)
    app.include_router(explorer.router, include_in_schema=False)
    app.include_router(login.router, include_in_schema=False)
    app.include_router(claim_pages.router, include_in_schema=False)
    app.include_router(digest_edit.router, include_in_schema=False)  # /digests/new stands where others have an id
    app.include_router(digest_pages.router, include_in_schema=False)
    app.include_router(signal_pages.router, include_in_schema=False)
    app.include_router(source_add.router, include_in_schema=False)  # its words stand where others have an id
    app.include_router(source_opml.router, include_in_schema=False)
    app.include_router(source_pages.router, include_in_schema=False)
    app.include_router(platform_pages.router, include_in_schema=False)
    app.include_router(setting_pages.router, include_in_schema=False)
    app.include_router(post_pages.router, include_in_schema=False)
    api.problems.install(app)
    app.add_middleware(
        Guard,
        services=services,
        sessions=sessions,
        host=services.settings.host,
        after_write=answers.expire,
        answered=figures.answered,
    )
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 with problem details as the shape of every error, and keys as the way in."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            openapi_version="3.1.0",
        )
        components = schema.setdefault("components", {})
        shapes = components.setdefault("schemas", {})
        problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        shapes.update(problem.pop("$defs", {}))
        shapes["ProblemOut"] = problem
        for unused in ("HTTPValidationError", "ValidationError"):
            shapes.pop(unused, None)
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{}, {"key": []}]
        for path in schema["paths"].values():
            for operation in path.values():
                _complete(operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _complete(operation: dict[str, Any]) -> None:
    """What can happen to any request: a key is missing or too weak, or we fail."""
    responses = operation["responses"]
    if "422" in responses and "HTTPValidationError" in str(responses["422"]):
        del responses["422"]
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    for status, why in (("401", "A key is needed."), ("403", "The key may only read, or another site asked.")):
        responses.setdefault(status, {"description": why, "content": content})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("trendmonitor")
    except PackageNotFoundError:
        return "0"
