"""What forms of pages may do, and how they are read.

The guard in `api.auth` decides; this module only knows beforehand, so that a page does not offer a button that would
be refused. Forms work where writing needs no key (on loopback, before the first key is made) and for people who
are logged in with a key that may write.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from starlette.requests import Request

from api.auth import usable_keys
from api.context import services_of
from api.params import only, read_params, refuse_unknown
from api.problems import FieldError, Problem

FORM = "application/x-www-form-urlencoded"
LONGEST_FORM = 16 * 1024
SEAL = "seal"


def forms_work(request: Request) -> bool:
    """True if a form of this page would be let in; otherwise the page says how to do it on the command line.

    A browser that reads with HTTP Basic may not write with it: it would also send the key with what other sites start.
    """
    if "trendmonitor.session" in request.scope:
        return bool(request.scope["trendmonitor.key"] == "write")
    return "authorization" not in request.headers and not usable_keys(services_of(request).store)


def seal_of(request: Request) -> Markup:
    """The hidden field that every form which changes something carries; empty where nobody is logged in."""
    session = request.scope.get("trendmonitor.session")
    if session is None:
        return Markup()
    return Markup('<input type="hidden" name="{}" value="{}">').format(SEAL, request.app.state.sessions.seal(session))


async def read_form(
    request: Request, known: Sequence[str], *, sealed: bool = True, longest: int = LONGEST_FORM
) -> dict[str, str]:
    """The fields of a small form, all of which must be known, outer spaces trimmed.

    Raises Problem for another type, a large body, a field that is unknown or there twice, and where somebody is logged
    in for a form that does not carry the seal of their session. `sealed` is False for logging in.
    """
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != FORM:
        raise Problem(
            "wrong-content-type",
            f"This address takes the forms of its page (`{FORM}`); programs use /api/v1.",
            (FieldError("Content-Type", FORM),),
        )
    body = await request.body()
    if len(body) > longest:
        raise Problem("body-too-large", f"The form has {len(body):,} bytes; at most {longest:,} are read.")
    fields = read_params(body)
    refuse_unknown(fields, (*known, SEAL))
    session = request.scope.get("trendmonitor.session")
    if sealed and session is not None and not request.app.state.sessions.fits(session, only(fields, SEAL) or ""):
        raise Problem(
            "cross-site", "This form was not made for your session. Open its page again and send it from there."
        )
    return {name: (only(fields, name) or "").strip() for name in fields if name != SEAL}
