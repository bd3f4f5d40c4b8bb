"""What forms of pages may do, and how they are read.

The guard in `api.auth` decides; this module only knows beforehand, so that a page does not offer a button that would
be refused. Forms work where writing needs no key: on loopback, before the first key is made.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from api.auth import usable_keys
from api.context import services_of
from api.params import only, read_params, refuse_unknown
from api.problems import FieldError, Problem

FORM = "application/x-www-form-urlencoded"
LONGEST_FORM = 16 * 1024


def forms_work(request: Request) -> bool:
    """True if a form of this page would be let in; otherwise the page says how to do it on the command line.

    A browser that reads with a key may not write with it: it would also send the key with what other sites start.
    """
    return "authorization" not in request.headers and not usable_keys(services_of(request).store)


async def read_form(request: Request, known: Sequence[str]) -> dict[str, str]:
    """The fields of a small form, all of which must be known, outer spaces trimmed.

    Raises Problem for another type, a large body, and a field that is unknown or there twice.
    """
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != FORM:
        raise Problem(
            "wrong-content-type",
            f"This address takes the forms of its page (`{FORM}`); programs use /api/v1.",
            (FieldError("Content-Type", FORM),),
        )
    body = await request.body()
    if len(body) > LONGEST_FORM:
        raise Problem("body-too-large", f"The form has {len(body):,} bytes; at most {LONGEST_FORM:,} are read.")
    fields = read_params(body)
    refuse_unknown(fields, known)
    return {name: (only(fields, name) or "").strip() for name in fields}
