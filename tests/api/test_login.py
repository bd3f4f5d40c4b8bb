"""People log in with a key: a cookie stands for it, forms carry a seal, and nothing else is let in by it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.auth import KEY_MEMORY
from api.sessions import COOKIE, Session, Sessions
from monitor.bootstrap import Services
from tests.api.digest_service import digest_services
from tests.api.support import NOW, client_of, make_services

PAGE = {"Accept": "text/html"}


@pytest.fixture
def outside(filled_home: Path, tmp_path: Path) -> Iterator[Services]:
    """A service that other machines can reach, with a digest."""
    inner = digest_services(filled_home, tmp_path)
    made = make_services(inner.settings.home, inner.settings.config, host="0.0.0.0")
    yield made
    made.close()


@pytest.fixture
async def browser(outside: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(outside, base="http://monitor.example:8000", client=("203.0.113.9", 40000)) as client:
        client.headers.update(PAGE)
        yield client


async def log_in(browser: httpx.AsyncClient, key: str, onward: str = "/digests") -> httpx.Response:
    return await browser.post("/login", data={"key": key, "next": onward})


def seal_in(page: httpx.Response) -> str:
    found = re.search(r'name="seal" value="([^"]+)"', page.text)
    assert found is not None, "the form carries a seal"
    return found[1]


async def test_a_page_leads_to_the_login_and_the_login_back_to_the_page(
    browser: httpx.AsyncClient, outside: Services
) -> None:
    key = outside.store.create_key("me", "write", NOW)
    sent = await browser.get("/claims?verdict=supported")
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fclaims%3Fverdict%3Dsupported")
    asked = await browser.get(sent.headers["location"])
    assert asked.status_code == 200
    assert "/claims?verdict=supported" in asked.text
    done = await log_in(browser, key, "/claims?verdict=supported")
    assert (done.status_code, done.headers["location"]) == (303, "/claims?verdict=supported")
    cookie = done.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Max-Age=1209600"))
    assert key not in cookie
    assert (await browser.get("/claims")).status_code == 200


async def test_a_wrong_key_is_told_beside_its_field(browser: httpx.AsyncClient, outside: Services) -> None:
    outside.store.create_key("me", "read", NOW)
    for key, why in (("tm_wrong", "unknown or revoked"), ("", "Paste a key")):
        answer = await log_in(browser, key)
        assert answer.status_code == 422
        assert why in answer.text
        assert "Error: Log in" in answer.text
        assert COOKIE not in browser.cookies


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", ""])
async def test_the_login_leads_nowhere_foreign(browser: httpx.AsyncClient, outside: Services, onward: str) -> None:
    key = outside.store.create_key("me", "read", NOW)
    assert (await log_in(browser, key, onward)).headers["location"] == "/"


async def test_a_form_needs_the_seal_of_its_session(browser: httpx.AsyncClient, outside: Services) -> None:
    await log_in(browser, outside.store.create_key("me", "write", NOW))
    page = await browser.get("/digests/declared")
    for fields in ({}, {"seal": "made-up"}, {"seal": Sessions(lambda: outside.store).seal(Session(1, "other"))}):
        refused = await browser.post("/digests/declared/pause", data={"paused": "true", **fields})
        assert refused.status_code == 403, fields
    done = await browser.post("/digests/declared/pause", data={"paused": "true", "seal": seal_in(page)})
    assert done.status_code == 303


async def test_a_key_that_may_read_opens_pages_and_no_form(browser: httpx.AsyncClient, outside: Services) -> None:
    await log_in(browser, outside.store.create_key("me", "read", NOW))
    page = await browser.get("/digests")
    assert page.status_code == 200
    assert "Send now" not in page.text
    assert (await browser.post("/digests/declared/send", data={})).status_code == 403


async def test_the_cookie_opens_no_writing_under_the_api(browser: httpx.AsyncClient, outside: Services) -> None:
    await log_in(browser, outside.store.create_key("me", "write", NOW))
    assert (await browser.get("/api/v1/sources")).status_code == 200
    assert (await browser.post("/api/v1/sources/wire/pause")).status_code == 401


async def test_a_revoked_key_ends_its_sessions_and_so_does_logging_out(
    browser: httpx.AsyncClient, outside: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = outside.store.create_key("me", "write", NOW)
    await log_in(browser, key)
    page = await browser.get("/digests")
    out = await browser.post("/logout", data={"seal": seal_in(page)})
    assert out.headers["location"] == "/login"
    assert (await browser.get("/digests")).status_code == 303
    await log_in(browser, key)
    assert (await browser.get("/digests")).status_code == 200
    outside.store.revoke_key(outside.store.keys()[0].id)
    monkeypatch.setattr("api.auth.KEY_MEMORY", -1.0)
    assert (await browser.get("/digests")).status_code == 303
    assert timedelta(seconds=10).total_seconds() >= KEY_MEMORY


async def test_a_forged_cookie_is_nobody(browser: httpx.AsyncClient, outside: Services) -> None:
    outside.store.create_key("me", "write", NOW)
    browser.cookies.set(COOKIE, Sessions(lambda: outside.store).issue(1)[:-2] + "xx")
    assert (await browser.get("/digests")).status_code == 303
    browser.cookies.set(COOKIE, Sessions(lambda: outside.store).issue(99))
    assert (await browser.get("/digests")).status_code == 303, "no such key"


async def test_another_site_cannot_use_the_cookie(browser: httpx.AsyncClient, outside: Services) -> None:
    await log_in(browser, outside.store.create_key("me", "write", NOW))
    seal = seal_in(await browser.get("/digests"))
    refused = await browser.post(
        "/digests/declared/pause", data={"paused": "true", "seal": seal}, headers={"Origin": "https://evil.example"}
    )
    assert refused.status_code == 403
