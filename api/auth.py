"""Who may ask for what.

Reading is open to programs on this machine when the service listens on loopback only. Anything else needs a key:
`Authorization: Bearer <key>`, or for people with a browser HTTP Basic with the key as the password (reading only,
because browsers send Basic credentials along with requests that other sites start). Writing on loopback is open until
the first key is made; from then on it needs a key with scope `write`. docs/decisions/0005-access.md says why.

People log in at /login: they paste a key once, and a cookie stands for it (`sessions`). A cookie opens pages and their
forms, never writing under /api, which is for programs.

Requests without a key must name this machine in `Host` (so a page on another site cannot reach the service through a
name it points at 127.0.0.1) and must not have been started by another site.

Leaving a digest needs no key: the link that its mails carry is one (see `routes/unsubscribe.py`).

The guard also bounds what comes in (10 MB of body, 8 KB of query) and adds the headers that every answer carries.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import FieldError, Problem, problem_of, respond, wants_page
from api.sessions import COOKIE, Sessions
from monitor.store.errors import StoreError

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.store import Store

MAX_BODY = 10 * 1024 * 1024
MAX_QUERY = 8 * 1024
KEY_MEMORY = 5.0
"""Seconds for which a checked key is believed; a revoked one works no longer than this."""
GENERATED_MEMORY = 5.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_OPEN = re.compile(r"/healthz|/login|/static/[^/]+|/api/v1/digests/[^/]+/unsubscribe")
"""Reached without a key from anywhere: by load balancers, by people who have yet to log in, and by the mail programs of
readers (RFC 8058)."""
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")
_DATA_HEADERS: list[tuple[bytes, bytes]] = [(b"x-content-type-options", b"nosniff")]
"""Data is never run by a browser that believes its type; every further header costs the server time."""
_PAGE_HEADERS: list[tuple[bytes, bytes]] = [
    *_DATA_HEADERS,
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"referrer-policy", b"same-origin"),  # other sites learn nothing; our own forms may say where they come from
]
_GENERATED_HEADER = (b"trendmonitor-data", b"generated")


class UnsafeAddress(Exception):
    """Serving on this address needs keys, and there are none. The message says how to make one."""


def is_loopback(host: str) -> bool:
    """True if an address or name reaches this machine only. Names other than localhost are not looked up."""
    name = host.strip().strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def require_keys_for(host: str, store: Store) -> None:
    """Refuse to serve on an address that others can reach while no key exists. Raises UnsafeAddress."""
    if is_loopback(host) or usable_keys(store):
        return
    raise UnsafeAddress(
        f"{host} can be reached from other machines, and no key exists yet, so nobody could be told apart. Make one with "
        "`trendmonitor keys create --scope write`, or serve on 127.0.0.1."
    )


def usable_keys(store: Store) -> bool:
    """True if any key exists that has not been revoked."""
    return any(not key.revoked for key in store.keys())  # noqa: SIM118 - a list of keys, no mapping


def could_write(request: Request) -> bool:
    """True if whoever asks could change things too, so that nothing need be hidden from them."""
    scope: str | None = request.scope.get("trendmonitor.key")
    if scope is None:  # without a key, from this machine
        return not usable_keys(request.app.state.services.store)
    return scope == "write"


class Guard:
    """Pure ASGI middleware in front of everything. Holds no state but short memories of checked keys."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        services: Services,
        host: str,
        after_write: Callable[[], None],
        answered: Callable[[str, int], None],
        sessions: Sessions,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`after_write` is called when a request that may change something is done; `answered` with method and status."""
        self._app = app
        self._services = services
        self._after_write = after_write
        self._sessions = sessions
        self._answered = answered
        self._loopback_bind = is_loopback(host)
        self._monotonic = monotonic
        self._checked: dict[str, tuple[str, float]] = {}
        self._generated: tuple[bool, float] = (False, float("-inf"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = await self._extra_headers(scope["path"])
        head = scope["method"] == "HEAD"
        if head:  # answered as GET, without the body
            scope = {**scope, "method": "GET"}

        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *extra]
                self._answered(scope["method"], message["status"])
            elif head:
                message = {**message, "body": b""}
            await send(message)

        safe = scope["method"] in SAFE_METHODS
        try:
            await self._admit(scope, safe)
            await self._app(scope, receive if safe else _bounded(receive), send_with_headers)
        except Exception as error:
            problem = problem_of(error, scope["path"])
            if started:
                raise  # half an answer is out; the server can only hang up
            request = Request(scope, receive)
            answer = _to_login(scope) if _may_log_in(request, problem, safe) else respond(request, problem)
            await answer(scope, receive, send_with_headers)
        finally:
            if not safe:
                self._after_write()

    async def _extra_headers(self, path: str) -> list[tuple[bytes, bytes]]:
        """Security headers, and the mark of generated data, which is read from the store now and then."""
        generated, since = self._generated
        if self._monotonic() - since > GENERATED_MEMORY:
            try:
                generated = await run_in_threadpool(lambda: self._services.generated)
            except StoreError:  # the endpoint itself will say what is wrong with the database, if it needs one
                generated = self._generated[0]
            self._generated = (generated, self._monotonic())
        usual = _DATA_HEADERS if path.startswith("/api/") else _PAGE_HEADERS
        return [*usual, _GENERATED_HEADER] if generated else usual

    async def _admit(self, scope: Scope, safe: bool) -> None:
        """Raise the Problem that keeps this request out, if there is one."""
        if len(scope["query_string"]) > MAX_QUERY:
            raise _too_long(scope["query_string"])
        head = _Head.of(scope)
        if _OPEN.fullmatch(scope["path"]):
            return
        if not safe:
            _refuse_large(head.length)
            _refuse_cross_site(head.host, head.origin, head.site)
        if head.authorization is not None:
            scope["trendmonitor.key"] = await self._check_key(head.authorization.decode("latin-1"), safe)
            return
        if head.cookie is not None and await self._logged_in(scope, head.cookie.decode("latin-1"), safe):
            return
        if head.forwarded or not self._from_here(scope):
            raise _needs_key("read" if safe else "write", browser=safe)
        if not _local_host(head.host):
            raise Problem(
                "cross-site",
                "Without a key the service answers only requests addressed to this machine by name (localhost, "
                "127.0.0.1 or [::1]), so that other sites cannot read through it.",
            )
        if not safe and await run_in_threadpool(lambda: usable_keys(self._services.store)):
            raise _needs_key("write")

    async def _logged_in(self, scope: Scope, header: str, safe: bool) -> bool:
        """True if a cookie of ours opens this; what it opens for is noted for the page. Raises Problem."""
        if not safe and scope["path"].startswith("/api/"):
            return False
        held = SimpleCookie(header).get(COOKIE) if COOKIE in header else None
        session = await run_in_threadpool(self._sessions.read, held.value) if held is not None else None
        if session is None:
            return False
        now, name = self._monotonic(), f"session {session.key_id}"
        remembered = self._checked.get(name)
        if remembered is None or now - remembered[1] >= KEY_MEMORY:
            found = await run_in_threadpool(self._services.store.scope_of, session.key_id)
            if found is None:
                return False
            remembered = self._checked[name] = (found, now)
        if not safe and remembered[0] != "write":
            raise Problem("insufficient-scope", "You are logged in with a key that may read only.")
        scope["trendmonitor.key"], scope["trendmonitor.session"] = remembered[0], session
        return True

    def _from_here(self, scope: Scope) -> bool:
        """Nobody else can reach the service, and the request came from this machine."""
        client = scope.get("client")
        return self._loopback_bind and client is not None and _local_address(client[0])

    async def _check_key(self, authorization: str, safe: bool) -> str:
        """The scope of the key. Raises Problem."""
        token = _token_of(authorization, basic_allowed=safe)
        if token is None:
            raise _needs_key("read" if safe else "write", browser=safe)
        now = self._monotonic()
        remembered = self._checked.get(token)
        if remembered is not None and now - remembered[1] < KEY_MEMORY:
            scope_of_key = remembered[0]
        else:
            found = await run_in_threadpool(lambda: self._services.store.check_key(token))
            if found is None:
                self._checked.pop(token, None)
                raise _needs_key("read" if safe else "write", known=False, browser=safe)
            scope_of_key = found
            if len(self._checked) >= 256:
                self._checked.clear()
            self._checked[token] = (scope_of_key, now)
        if not safe and scope_of_key != "write":
            raise Problem(
                "insufficient-scope",
                "This key may read only. Make one with `trendmonitor keys create --scope write`.",
                headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="write"'},
            )
        return scope_of_key


@dataclass(slots=True)
class _Head:
    """The headers that decide who asks, as they came."""

    authorization: bytes | None = None
    cookie: bytes | None = None
    host: bytes = b""
    origin: bytes = b""
    site: bytes = b""
    length: bytes = b""
    forwarded: bool = False
    """Some proxy says that it passes the request on for somebody else."""

    @classmethod
    def of(cls, scope: Scope) -> _Head:
        head = cls()
        for name, value in scope["headers"]:
            field = _HEADERS.get(name)
            if field is not None:
                setattr(head, field, value)
            elif name in _FORWARDED:
                head.forwarded = True
        return head


_HEADERS = {
    b"authorization": "authorization",
    b"cookie": "cookie",
    b"host": "host",
    b"origin": "origin",
    b"sec-fetch-site": "site",
    b"content-length": "length",
}


def _may_log_in(request: Request, problem: Problem, safe: bool) -> bool:
    """True for a person who opened a page and lacks no more than a key."""
    return safe and problem.kind == "needs-key" and wants_page(request) and "authorization" not in request.headers


def _to_login(scope: Scope) -> Response:
    there = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
    return RedirectResponse(f"/login?next={quote(there, safe='')}", 303, {"Cache-Control": "no-store"})


def _token_of(authorization: str, *, basic_allowed: bool) -> str | None:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic" and basic_allowed:
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _needs_key(scope: str, *, known: bool = True, browser: bool = False) -> Problem:
    detail = (
        f"Send a key: `Authorization: Bearer <key>`. Make one with `trendmonitor keys create --scope {scope}`."
        if known
        else f"This key is unknown or revoked. Make one with `trendmonitor keys create --scope {scope}`."
    )
    challenge = f'Bearer realm="trendmonitor", scope="{scope}"' + ("" if known else ', error="invalid_token"')
    if browser:
        challenge += ', Basic realm="trendmonitor: the key is the password", charset="UTF-8"'
    return Problem("needs-key", detail, headers={"WWW-Authenticate": challenge})


def _too_long(query: bytes) -> Problem:
    """Names the longest parameter, which is most likely the one to shorten."""
    longest = max(query.split(b"&"), key=len).partition(b"=")[0]
    name = unquote(longest[:100].decode("latin-1"))
    detail = f"The query has {len(query):,} bytes; at most {MAX_QUERY:,} are read. Ask in parts."
    return Problem("query-too-long", detail, (FieldError(name, "the longest of the parameters"),))


def _refuse_large(length: bytes) -> None:
    if length.isdigit() and int(length) > MAX_BODY:
        raise Problem("body-too-large", f"The body has {int(length):,} bytes; at most {MAX_BODY:,} are read.")


def _bounded(receive: Receive) -> Receive:
    """`receive` that ends in 413 once a body without a declared length has grown too large."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise HTTPException(413)
        return message

    return bounded


def _refuse_cross_site(host: bytes, origin: bytes, site: bytes) -> None:
    """Browsers say where a request comes from; programs send neither header."""
    own = urlsplit(origin.decode("latin-1")).netloc.lower() == host.decode("latin-1").lower() if origin else True
    if not own or site not in (b"", b"same-origin", b"none"):
        raise Problem("cross-site", "A page of another site started this request; nothing was changed.")


@lru_cache(1024)
def _local_address(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


@lru_cache(1024)
def _local_host(header: bytes) -> bool:
    text = header.decode("latin-1")
    try:
        return is_loopback(urlsplit(f"//{text}").hostname or "")
    except ValueError:
        return False
