"""Private addresses cannot be reached, by whatever name; TLS still goes by the name."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import httpcore
import pytest

from collectors.base import CollectError, Refused, RetryLater
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.net.guard import GuardedNetwork, is_public
from tests.servers.baddays import BadDays, redirect, status, text
from tests.servers.internet import PUBLIC, PUBLIC_TOO, Elsewhere, Names

CERTIFICATE = Path(__file__).parents[1] / "servers" / "feeds_example.pem"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "100::1", "2001::1", "2001:db8::1", "3fff::1",
        "2002:7f00:1::", "2002:0a00:1::", "2002:5db8:d822::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "5f00::1", "4000::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", PUBLIC, "100.63.255.255", "172.32.0.1", PUBLIC_TOO, "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


async def test_loopback_is_refused_unless_allowed() -> None:
    async with BadDays() as server, Http(HttpSettings()) as http:
        for host in ("127.0.0.1", "localhost", "2130706433", "127.1"):
            with pytest.raises(Refused) as caught:
                await http.fetch(f"http://{host}:{server.port}/feed")
            assert caught.value.code == "private_address"
            assert host in str(caught.value)
            assert "TRENDMONITOR_ALLOW_NETS" in str(caught.value)
        assert server.connections == 0


async def test_an_allowed_network_is_reached_by_address_and_by_name() -> None:
    async with BadDays() as server, Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"))) as http:
        server.on("/feed", text("x"))
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            assert (await http.fetch(f"http://{host}:{server.port}/feed")).body == b"x"
        with pytest.raises(Refused):
            await http.fetch("http://10.0.0.1/")


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    async with BadDays() as server:
        names, net = Names([PUBLIC], ["127.0.0.1"]), Elsewhere(server.port)
        server.on("/feed", text("x", Connection="close"))
        async with Http(HttpSettings(pace=0), resolve=names, network=net) as http:
            assert (await http.fetch("http://feeds.example/feed")).body == b"x"
            # Asked once, and the address that was checked is the one that was connected to.
            assert (names.asked, net.connected) == (["feeds.example"], [PUBLIC])
            assert server.requests[0].headers["host"] == "feeds.example"
            with pytest.raises(Refused) as caught:
                await http.fetch("http://feeds.example/feed")
        assert caught.value.code == "private_address"
        assert net.connected == [PUBLIC]


async def test_a_redirect_to_a_private_name_is_refused() -> None:
    async with BadDays() as server:
        names, net = Names([PUBLIC], ["192.168.0.1"]), Elsewhere(server.port)
        server.on("/feed", redirect("http://router.example/"))
        async with Http(HttpSettings(), resolve=names, network=net) as http:
            with pytest.raises(Refused) as caught:
                await http.fetch("http://feeds.example/feed")
        assert caught.value.code == "private_address"
        assert "router.example" in str(caught.value)
        assert "http://feeds.example/feed redirects" in str(caught.value)
        assert net.connected == [PUBLIC]


async def test_of_mixed_answers_only_the_public_ones_are_used() -> None:
    net = Elsewhere(1, dead=[PUBLIC, PUBLIC_TOO])
    guard = GuardedNetwork((), resolve=Names(["127.0.0.1", PUBLIC, "10.0.0.1", PUBLIC_TOO, PUBLIC]), inner=net)
    with pytest.raises(httpcore.ConnectError):
        await guard.connect_tcp("feeds.example", 80, 1.0)
    assert net.connected == [PUBLIC, PUBLIC_TOO]


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    async with BadDays() as server:
        server.on("/feed", text("x"))
        net = Elsewhere(server.port, dead=[PUBLIC_TOO])
        async with Http(HttpSettings(), resolve=Names([PUBLIC_TOO, PUBLIC]), network=net) as http:
            assert (await http.fetch("http://feeds.example/feed")).body == b"x"
        assert net.connected == [PUBLIC_TOO, PUBLIC]


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no"), "dns", RetryLater),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "dns", RetryLater),
        (OSError("?"), "dns", RetryLater),
        (UnicodeError("label too long"), "bad_url", Refused),
    ],
)
async def test_a_name_that_cannot_be_looked_up(error: Exception, code: str, kind: type[CollectError]) -> None:
    async def fail(host: str, port: int) -> Sequence[str]:
        raise error

    async with Http(HttpSettings(), resolve=fail) as http:
        with pytest.raises(CollectError) as caught:
            await http.fetch("http://feeds.example/feed")
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert "feeds.example" in str(caught.value)


async def test_a_name_service_that_hangs_counts_as_connecting() -> None:
    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(5)
        return []

    async with Http(HttpSettings(connect_timeout=0.05), resolve=hang) as http:
        with pytest.raises(RetryLater) as caught:
            await http.fetch("http://feeds.example/feed")
    assert caught.value.code == "timeout_connect"


async def test_proxies_from_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with BadDays() as server, Http(HttpSettings(allow_nets=parse_nets("127.0.0.1"))) as http:
        assert (await http.fetch(server.on("/feed", text("x")))).body == b"x"


async def test_secrets_stay_with_the_first_host() -> None:
    async with BadDays() as server:
        server.on("/api", redirect("http://other.example/there"))
        server.on("/there", redirect("http://other.example/end"))
        server.on("/end", text("x"))
        headers = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Cookie": "s=1", "Accept-Language": "en"}
        async with Http(HttpSettings(pace=0), resolve=Names([PUBLIC]), network=Elsewhere(server.port)) as http:
            await http.fetch("http://u:p@feeds.example/api", headers=headers)
        first, second, third = (request.headers for request in server.requests)
        assert (first["x-api-key"], first["cookie"]) == ("s3cret", "s=1")
        for later in (second, third):
            assert not {"authorization", "x-api-key", "cookie"} & set(later)
            assert later["accept-language"] == "en"


async def test_a_body_is_not_sent_on_to_a_stranger() -> None:
    async with BadDays() as server:
        server.on("/api", redirect("http://other.example/", 307), redirect("/there", 307), redirect("/there", 303))
        server.on("/there", text("x"))
        async with Http(HttpSettings(pace=0), resolve=Names([PUBLIC]), network=Elsewhere(server.port)) as http:
            with pytest.raises(Refused, match="POST"):
                await http.fetch("http://feeds.example/api", method="POST", content=b"1")
            for _ in range(2):
                await http.fetch("http://feeds.example/api", method="POST", content=b"1")
        there = [(request.method, request.body) for request in server.requests if request.path == "/there"]
        assert there == [("POST", b"1"), ("GET", b"")]


@pytest.fixture(scope="module")
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_tls_goes_by_the_name_although_an_address_is_connected_to(server_tls: ssl.SSLContext) -> None:
    asked: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    async with BadDays(tls=server_tls) as server:
        server.on("/feed", text("x" * 300_000))
        server.on("/gone", status(410))
        resolve, network = Names([PUBLIC]), Elsewhere(server.port)
        settings = HttpSettings(tls=trusting, pace=0)
        async with Http(settings, resolve=resolve, network=network) as http:
            assert (await http.fetch("https://feeds.example/feed")).size == 300_000
            assert (await http.fetch("https://feeds.example/feed")).size == 300_000
            assert server.connections == 1
            with pytest.raises(RetryLater) as caught:
                await http.fetch("https://other.example/feed")
        assert asked == ["feeds.example", "other.example"]
        assert caught.value.code == "tls"
        assert "other.example" in str(caught.value)


async def test_an_unknown_certificate_and_a_port_without_tls_are_tls_errors(server_tls: ssl.SSLContext) -> None:
    async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    nets = HttpSettings(allow_nets=parse_nets("127.0.0.1"), connect_timeout=2)
    async with plain, BadDays(tls=server_tls) as secure, Http(nets) as http:
        for port in (secure.port, plain.sockets[0].getsockname()[1]):
            with pytest.raises(RetryLater) as caught:
                await http.fetch(f"https://127.0.0.1:{port}/")
            assert caught.value.code == "tls"
