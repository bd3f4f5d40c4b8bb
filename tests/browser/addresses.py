"""The one list of pages. The quality tests, the speed table and the screenshots all go by it.

An address that holds something of the data (a post, a source, an issue) is not written down: `find` matches the link
that leads there from `path`, as a reader would follow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lxml import html


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    path: str
    find: str = ""
    """Pattern of the link to follow from `path`, or from what is found by the list before it; empty: `path` itself."""
    status: int = 200
    shown: bool = False
    """Among the main pages: measured by the benchmark and drawn by `make screenshots`."""
    variant: bool = False
    """Another state of a page of the list: tried for what differs with the state, not once more for keys and schemes."""
    demo: bool = True
    """Also there in a database of generated posts."""


POST = r"^/posts/[^/?#]+/[^?#]+$"

PAGES: tuple[Address, ...] = (
    Address("overview", "/", shown=True),
    Address("trends", "/trends", shown=True),
    Address("trends-topics", "/trends?metric=share&by=topic", shown=True),
    Address("trends-many", "/trends?metric=volume&by=source&limit=8", variant=True),
    Address("trends-compared", "/trends?metric=share&by=content_type&compare=previous", variant=True),
    Address("trends-refused", "/trends?metric=nonsense", status=422, variant=True),
    Address("claims", "/claims", shown=True),
    Address("claim", "/claims/telehealth-rising", shown=True),
    Address("claim-not-measurable", "/claims?verdict=not_measurable", find=r"^/claims/[^?#]+$", variant=True),
    Address("posts", "/posts", shown=True),
    Address("posts-found", "/posts?q=clinic&content_type=video", variant=True),
    Address("posts-none", "/posts?q=nowhereatall", variant=True),
    Address("post", "/posts", find=POST, shown=True),
    Address("sources", "/sources", shown=True),
    Address("source", "/sources", find=r"^/sources/(?!add$|opml$)[^/?#]+$", shown=True),
    Address("source-add", "/sources/add", shown=True),
    Address(
        "source-add-by-hand", "/sources/add?collector=feed&url=https%3A%2F%2Fclinic.example%2Ffeed.xml", demo=False
    ),
    Address("source-opml", "/sources/opml"),
    Address("platforms", "/platforms", shown=True),
    Address("platform", "/platforms/youtube", shown=True),
    Address("digests", "/digests", shown=True),
    Address("digest", "/digests/weekly", shown=True),
    Address("digest-new", "/digests/new", shown=True),
    Address("digest-preview", "/digests/weekly/preview", variant=True),
    Address("digest-issue", "/digests/weekly", find=r"^/digests/weekly/issues/\d+$", shown=True),
    Address("signals", "/signals", shown=True),
    Address("signal", "/signals", find=r"^/signals/[0-9a-f]{16}$", shown=True),
    Address("settings", "/settings", shown=True),
    Address("login", "/login", shown=True),
    Address("nothing-there", "/claims/no-such-claim", status=404),
    Address("problem-kind", "/problems/not-found", variant=True),
)


def leads(pages: Iterable[str], find: str) -> str | None:
    """The first address in these pages that fits the pattern."""
    for page in pages:
        for link in html.document_fromstring(page).iterfind(".//a"):
            if re.search(find, link.get("href") or ""):
                return str(link.get("href"))
    return None


def resolve(address: Address, read: Callable[[str], str]) -> str | None:
    """Path and query of a page; None if nothing leads there. `read` gives the markup of a path."""
    return leads([read(address.path)], address.find) if address.find else address.path
