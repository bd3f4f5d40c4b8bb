"""Sites behind TRENDMONITOR_API_BASE__<COLLECTOR>, for collectors that follow addresses which a site names itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from collectors.access import Access

if TYPE_CHECKING:
    from collectors.fetch import Fetched, Http


def by_official_addresses(access: Access) -> Access:
    """`access`, whose HTTP client takes and gives the site's own addresses, wherever its requests really go.

    The same object if nothing is redirected.
    """
    if not access.redirected:
        return access
    return Access(access.collector, cast("Http", _Elsewhere(access)), memory=access.memory)


class _Elsewhere:
    """An Http that asks elsewhere; only what collectors use of it."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.clock = access.http.clock

    async def fetch(self, url: str, **how: Any) -> Fetched:
        fetched = await self._access.http.fetch(self._access.url(url), **how)
        asked, there, found = urlsplit(url), urlsplit(self._access.url(url)), urlsplit(fetched.url)
        if found.netloc != there.netloc:
            return fetched
        back = found._replace(scheme=asked.scheme, netloc=asked.netloc)
        return replace(fetched, url=back.geturl(), moved_to=None, permanent_redirect=None)
