"""What people paste as an address, and whether it is tracked already. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from api.dashboard.sources.form import Wrong
from monitor.core.model import TrackedSource


def address_of(pasted: str) -> tuple[str, list[Wrong]]:
    """The web address that was meant, or what is wrong with it."""
    address = pasted.removeprefix("feed:").strip()
    if address.startswith("@") and "." not in address:
        says = f"{address[:60]} is a handle; paste the address of its page, such as https://bsky.app/profile/…"
        return "", [Wrong("url", says)]
    address = address.lstrip("/") if address.startswith("//") else address
    if "://" not in address:
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme.lower() not in ("http", "https"):
        return "", [Wrong("url", "Only addresses that begin with https:// or http:// can be collected.")]
    if not host or not address.isprintable() or " " in address or ("." not in host and host != "localhost"):
        return "", [Wrong("url", f"{pasted[:80]} is not a web address. Paste one such as https://www.who.int/news.")]
    return address, []


def same_address(known: Sequence[TrackedSource], url: str, collector: str | None = None) -> TrackedSource | None:
    """The source that has this address already (of this collector, if one is given)."""
    wanted = _plain(url)
    return next(
        (
            one
            for one in known
            if wanted and _plain(one.source.url) == wanted and collector in (None, one.source.collector)
        ),
        None,
    )


def _plain(url: str) -> str:
    """Addresses that differ in this only lead to the same place."""
    return url.partition("#")[0].rstrip("/").partition("://")[2].removeprefix("www.")
