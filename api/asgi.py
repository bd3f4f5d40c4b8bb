"""The service as `trendmonitor serve` runs it: the application, and the clock that collects while it lives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.app import create_app
from api.auth import UnsafeAddress, require_keys_for
from monitor.bootstrap import Services
from monitor.scheduler import Clockwork

__all__ = ["UnsafeAddress", "create"]


def create(services: Services) -> FastAPI:
    """The application for `services.settings.host`, with a clock that ticks as long as it runs.

    Raises UnsafeAddress where keys are needed and none exist. `services` are closed when the application ends.
    """
    require_keys_for(services.settings.host, services.store)

    @asynccontextmanager
    async def ticking(_: FastAPI) -> AsyncIterator[None]:
        clockwork = Clockwork(services)
        clockwork.start()
        try:
            yield
        finally:
            await clockwork.stop()
            await run_in_threadpool(services.close)

    return create_app(services, lifespan=ticking)
