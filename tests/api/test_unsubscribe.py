"""Leaving a digest by the link in its mail: from a real mail of a real server, without a key, and by POST alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from monitor.bootstrap import Services
from monitor.core.digest import ChannelSpec, DigestSpec
from tests.api.digest_service import digest_services
from tests.api.support import NOW, client_of
from tests.servers.smtp import MailServer

READERS = ("jane@example.org", "joe@example.org")
PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
ONE_CLICK = {"content": b"List-Unsubscribe=One-Click", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}


@pytest.fixture
def service(filled_home: Path, tmp_path: Path) -> Iterator[Services]:
    """Reached by others under an https address, with a digest by mail; keys are needed for everything else."""
    settings = {
        "public_url": "https://trends.example.org",
        "smtp_host": "127.0.0.1",
        "smtp_port": 9,
        "smtp_tls": "none",
        "smtp_from": "Digest <digest@example.org>",
        "host": "0.0.0.0",
    }
    made = digest_services(filled_home, tmp_path, **settings)
    yield made
    made.close()


@pytest.fixture
async def outside(service: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody on another machine, who has no key and is sent no cookies."""
    async with client_of(service, base="https://trends.example.org", client=("203.0.113.9", 40000)) as client:
        yield client


async def send(service: Services, mails: MailServer, *, again: bool = False) -> None:
    async with mails.serve():
        service.settings = service.settings.model_copy(update={"smtp_port": mails.port})
        service.__dict__.pop("digests", None)  # made anew with the port of this server
        if not any(spec.id == "mailed" for spec in service.digests.specs()):
            channel = ChannelSpec("email", READERS)
            service.digests.create(DigestSpec("mailed", "Mailed", "weekly on monday 08:00 UTC", (channel,)))
        await service.digests.send("mailed", again=again)


def links(mails: MailServer) -> dict[str, str]:
    """Reader → path and query of the unsubscribe link in the headers of the newest mail to them."""
    found = {}
    for one in mails.arrived:
        assert one.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        parts = urlsplit(one.mail["List-Unsubscribe"].strip("<>"))
        assert (parts.scheme, parts.netloc) == ("https", "trends.example.org")
        found[one.recipients[0]] = f"{parts.path}?{parts.query}"
    return found


async def test_a_reader_leaves_by_the_link_of_a_mail_and_nobody_else_does(
    service: Services, outside: httpx.AsyncClient
) -> None:
    mails = MailServer()
    await send(service, mails)
    to = links(mails)
    assert set(to) == set(READERS)
    assert not any("jane" in link or "example.org" in link for link in to.values())
    assert len(set(to.values())) == 2
    assert (await outside.get("/api/v1/digests/mailed")).status_code == 401, "all else needs a key"
    left = await outside.post(to["jane@example.org"], **ONE_CLICK)  # type: ignore[arg-type]
    assert (left.status_code, left.history) == (200, [])
    assert service.digests.unsubscribed("mailed") == ["jane@example.org"]
    assert (await outside.post(to["jane@example.org"], **ONE_CLICK)).status_code == 200  # type: ignore[arg-type]
    mails.arrived.clear()
    await send(service, mails, again=True)
    assert [one.recipients for one in mails.arrived] == [["joe@example.org"]]


async def test_whoever_only_looks_stays(service: Services, outside: httpx.AsyncClient) -> None:
    mails = MailServer()
    await send(service, mails)
    link = links(mails)["jane@example.org"]
    for method in ("GET", "HEAD"):
        page = await outside.request(method, link, headers={"Accept": PAGE})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert service.digests.unsubscribed("mailed") == []
    page = await outside.get(link, headers={"Accept": PAGE})
    assert '<form method="post">' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    # A browser that sends no referrer sends this origin, and the button must work all the same
    headers = {"Accept": PAGE, "Origin": "null", "Sec-Fetch-Site": "same-origin"}
    done = await outside.post(link, headers=headers)
    assert done.status_code == 200
    assert "You have left" in done.text
    assert service.digests.unsubscribed("mailed") == ["jane@example.org"]


async def test_a_mark_that_is_not_ours_moves_nobody_and_tells_nothing(
    service: Services, outside: httpx.AsyncClient
) -> None:
    mails = MailServer()
    await send(service, mails)
    link = links(mails)["jane@example.org"]
    mark = link.partition("reader=")[2]
    flipped = ("B" if mark[0] == "A" else "A") + mark[1:]
    told = set()
    for path in (
        link.replace(mark, flipped),
        link.replace("/mailed/", "/declared/"),
        link.replace("/mailed/", "/nosuch/"),
    ):
        answer = await outside.post(path, **ONE_CLICK)  # type: ignore[arg-type]
        assert answer.status_code == 404
        told.add(answer.json()["detail"])
        page = await outside.post(path, headers={"Accept": PAGE})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert len(told) == 1, "the same whether mark or digest is unknown"
    for query in ("", "?reader=", "?reader=short", f"?reader={mark}&reader={mark}", "?reader=%3Cscript%3E"):
        for method in ("GET", "POST"):
            assert (await outside.request(method, link.partition("?")[0] + query)).status_code == 404
    assert service.digests.unsubscribed("mailed") == []
    service.digests.remove("mailed")
    assert (await outside.post(link)).status_code == 404


async def test_names_in_the_address_are_not_markup(outside: httpx.AsyncClient) -> None:
    mark = "A" * 24
    page = await outside.get(f"/api/v1/digests/%3Cimg%20src=x%20onerror=alert(1)%3E/unsubscribe?reader={mark}")
    assert page.status_code == 200
    assert "<img" not in page.text
    assert "&lt;img" in page.text
    assert (await outside.put(f"/api/v1/digests/x/unsubscribe?reader={mark}")).status_code == 405
    for near in ("/api/v1/digests/mailed/unsubscribe/x", "/api/v1/digests/a/b/unsubscribe"):
        assert (await outside.get(f"{near}?reader={mark}")).status_code == 401, "only that one address is open"


async def test_the_count_of_those_who_left_is_shown(service: Services, outside: httpx.AsyncClient) -> None:
    mails = MailServer()
    await send(service, mails)
    await outside.post(links(mails)["joe@example.org"])
    key = service.store.create_key("reading", "read", NOW)
    shown = await outside.get("/api/v1/digests/mailed", headers={"Authorization": f"Bearer {key}"})
    assert shown.json()["unsubscribed"] == 1
