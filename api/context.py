"""What a route works with, found on the running application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

if TYPE_CHECKING:
    from monitor.bootstrap import Services


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services
