"""Who is let in: keys, scopes, loopback, other sites."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.auth import KEY_MEMORY, MAX_BODY, Guard, UnsafeAddress, is_loopback, require_keys_for
from api.sessions import Sessions
from monitor.bootstrap import Services
from tests.api.support import NOW, client_of, make_services

PAUSE = "/api/v1/sources/wire/pause"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def outside(services: Services, config_dir: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    """A service bound to all addresses, asked from another machine."""
    public = make_services(services.settings.home, config_dir, host="0.0.0.0")
    async with client_of(public, base="http://monitor.example:8000", client=("203.0.113.9", 40000)) as client:
        yield client, public
    public.close()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("example.org", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_loopback_names(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_serving_others_needs_a_key_first(services: Services) -> None:
    require_keys_for("127.0.0.1", services.store)
    with pytest.raises(UnsafeAddress, match="trendmonitor keys create"):
        require_keys_for("0.0.0.0", services.store)
    services.store.create_key("mine", "read", NOW)
    require_keys_for("0.0.0.0", services.store)
    services.store.revoke_key(services.store.keys()[0].id)
    with pytest.raises(UnsafeAddress):
        require_keys_for("0.0.0.0", services.store)


async def test_from_outside_everything_but_healthz_needs_a_key(outside: tuple[httpx.AsyncClient, Services]) -> None:
    client, services = outside
    reading = services.store.create_key("reader", "read", NOW)
    writing = services.store.create_key("writer", "write", NOW)
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/static/page.css")).status_code == 200, "the page to log in has its looks"
    for path in ("/", "/api/v1/trends", "/api/v1/posts", "/readyz", "/metrics", "/openapi.json"):
        refused = await client.get(path)
        assert refused.status_code == 401, path
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert (await client.get(path, headers=bearer(reading))).status_code in (200, 503), path
        assert (await client.get(path, headers=bearer(writing))).status_code in (200, 503), path
        assert (await client.get(path, headers=bearer("tm_wrong"))).status_code == 401, path
    assert (await client.post(PAUSE)).status_code == 401
    forbidden = await client.post(PAUSE, headers=bearer(reading))
    assert forbidden.status_code == 403
    assert forbidden.json()["type"] == "/problems/insufficient-scope"
    assert (await client.post(PAUSE, headers=bearer(writing))).status_code == 200


async def test_a_browser_may_read_with_the_key_as_password_but_not_write(
    outside: tuple[httpx.AsyncClient, Services],
) -> None:
    client, services = outside
    key = services.store.create_key("me", "write", NOW)
    basic = {"Authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}
    assert (await client.get("/", headers=basic)).status_code == 200
    assert (await client.post(PAUSE, headers=basic)).status_code == 401
    assert (await client.get("/", headers={"Authorization": "Basic %%%"})).status_code == 401


async def test_a_loopback_bind_does_not_trust_what_a_proxy_forwards(services: Services) -> None:
    async with client_of(services) as client:
        assert (await client.get("/api/v1/sources")).status_code == 200
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            assert (await client.get("/api/v1/sources", headers={name: "203.0.113.9"})).status_code == 401, name
    async with client_of(services, client=("203.0.113.9", 1)) as client:
        assert (await client.get("/api/v1/sources")).status_code == 401


async def test_names_that_others_point_at_this_machine_are_refused(client: httpx.AsyncClient) -> None:
    for host, status in (
        ("evil.example", 403),
        ("evil.example:8000", 403),
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
    ):
        assert (await client.get("/api/v1/sources", headers={"Host": host})).status_code == status, host
    assert (await client.post(PAUSE, headers={"Host": "evil.example:8000"})).status_code == 403


async def test_other_sites_cannot_write(client: httpx.AsyncClient, services: Services) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = await client.post(PAUSE, headers=headers)
        assert answer.status_code == 403, headers
        assert answer.json()["type"] == "/problems/cross-site"
    tracked = services.store.source("wire")
    assert tracked is not None
    assert not tracked.state.paused
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert (await client.post(PAUSE, headers=own)).status_code == 200


async def test_writing_here_needs_a_key_once_there_is_one(client: httpx.AsyncClient, services: Services) -> None:
    assert (await client.post(PAUSE)).status_code == 200
    key = services.store.create_key("mine", "write", NOW)
    assert (await client.post(PAUSE)).status_code == 401
    assert (await client.get("/api/v1/sources")).status_code == 200
    assert (await client.post(PAUSE, headers=bearer(key))).status_code == 200


async def test_a_revoked_key_is_forgotten(services: Services) -> None:
    now = 0.0

    async def app(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    guard = Guard(
        app,
        services=services,
        host="0.0.0.0",
        after_write=lambda: None,
        answered=lambda method, status: None,
        sessions=Sessions(lambda: services.store),
        monotonic=lambda: now,
    )
    key = services.store.create_key("mine", "read", NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://m.example") as client:
        assert (await client.get("/x", headers=bearer(key))).status_code == 200
        services.store.revoke_key(services.store.keys()[0].id)
        now += KEY_MEMORY + timedelta(seconds=1).total_seconds()
        assert (await client.get("/x", headers=bearer(key))).status_code == 401


async def test_a_body_without_a_length_is_bounded_too(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 65536 + 2):
            yield b" " * 65536

    answer = await client.post("/api/v1/sources", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
