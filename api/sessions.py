"""Sessions of people with a browser: a key is pasted once, and a signed cookie stands for it from then on.

The cookie names the key by its number and holds no secret of it; it is worth nothing once the key is revoked. Scripts
cannot read it, other sites cannot send it (SameSite), and every form that changes something carries a seal made from
it, so that a request which another page started is refused even by a browser that knows no SameSite.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

if TYPE_CHECKING:
    from monitor.store import Store

COOKIE = "trendmonitor_session"
LASTS = timedelta(days=14)
SECRET = "session_secret"  # noqa: S105 - the name of the fact, not the secret
"""Meta key of the random text that sessions of this database are signed with."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in."""

    key_id: int
    nonce: str


class Sessions:
    """Issues and reads cookies. The secret is made when first needed and shared by all processes of a database."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """`store` is opened when the first cookie is issued or read."""
        self._store = store
        self._secret: str | None = None

    def issue(self, key_id: int) -> str:
        """A cookie for whoever has just shown this key."""
        return self._cookies().dumps({"k": key_id, "n": secrets.token_urlsafe(12)})

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None if it is forged, too old or not one of ours."""
        try:
            held = self._cookies().loads(cookie, max_age=int(LASTS.total_seconds()))
            return Session(int(held["k"]), str(held["n"]))
        except (BadData, KeyError, TypeError, ValueError):
            return None

    def seal(self, session: Session) -> str:
        """What forms of this session carry."""
        return str(self._seals().dumps(session.nonce))

    def fits(self, session: Session, seal: str) -> bool:
        """True if a form's seal was made for this session."""
        try:
            return secrets.compare_digest(str(self._seals().loads(seal)), session.nonce)
        except (BadData, TypeError):
            return False

    def _cookies(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._key(), salt="session")

    def _seals(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._key(), salt="form")

    def _key(self) -> str:
        if self._secret is None:
            found = self._store().meta(SECRET)
            if found is None:
                self._store().replace_meta(SECRET, None, secrets.token_hex(32))
                found = self._store().meta(SECRET)
            self._secret = found or ""
        return self._secret
