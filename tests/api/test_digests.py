"""/digests: made, changed, previewed, sent, read back and followed as a feed; refusals that name the field."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest

from api.atom import feed_of
from api.schemas_digests import DigestOut, IssueDetailOut, IssueOut, PreviewedOut, ReceiptOut
from monitor.bootstrap import Services
from monitor.core.digest import ChannelSpec
from monitor.deliver import drawing
from monitor.store.digests import NewIssue, Outcome
from tests.api.digest_service import MADE, digest_services
from tests.api.support import NOW, client_of

ALL = "/api/v1/digests"
ONE = f"{ALL}/vaccines"
DECLARED = f"{ALL}/declared"
RUN = datetime(2026, 11, 16, 8, tzinfo=UTC)
"""The latest run of MADE before NOW."""


@pytest.fixture(scope="module", autouse=True)
def _drawn_once() -> Iterator[None]:
    """Pictures are drawn in earnest, but each only once: that takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_drawn", cache(drawing._drawn))
        yield


@pytest.fixture
def service(filled_home: Path, tmp_path: Path) -> Iterator[Services]:
    made = digest_services(filled_home, tmp_path)
    yield made
    made.close()


@pytest.fixture
async def client(service: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client


@pytest.fixture(scope="module")
def refusing(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """For tests after which everything is as before."""
    made = digest_services(filled_home, tmp_path_factory.mktemp("refusing"))
    yield made
    made.close()


@pytest.fixture
async def reader(refusing: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(refusing) as client:
        yield client


@pytest.fixture
async def made(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """With one digest that was made through the API."""
    answer = await client.post(ALL, json=MADE)
    assert answer.status_code == 201, answer.text
    return client


async def ask(client: httpx.AsyncClient, method: str, path: str, status: int = 200, **more: Any) -> Any:
    answer = await client.request(method, path, **more)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_a_digest_is_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    answer = await client.post(ALL, json=MADE)
    assert (answer.status_code, answer.headers["location"]) == (201, ONE)
    document = DigestOut.model_validate_json(answer.content)
    assert (document.owner, document.when, document.grace) == ("api", "every Monday at 08:00, UTC", "2d")
    assert document.filters == {"audience": ["nurses", "other"], "content_type": ["news"]}
    assert document.next_run == RUN + timedelta(days=7)
    assert await ask(client, "GET", ONE) == answer.json()
    assert [one["id"] for one in (await ask(client, "GET", ALL))["digests"]] == ["declared", "vaccines"]
    changed = await ask(client, "PUT", ONE, json={**MADE, "schedule": "daily 07:30 Europe/Paris", "filters": {}})
    assert (changed["when"], changed["filters"]) == ("every day at 07:30, Europe/Paris", {})
    await ask(client, "DELETE", ONE, 204)
    await ask(client, "GET", ONE, 404)
    again = await client.delete(ONE)
    assert again.status_code == 404
    await ask(client, "POST", ALL, 201, json=MADE)


async def test_end_to_end_sent_to_a_file_read_back_and_listed_by_the_feed(
    made: httpx.AsyncClient, service: Services
) -> None:
    issue = IssueOut(**await ask(made, "POST", f"{ONE}/send"))
    assert (issue.number, issue.status, issue.run_at) == (1, "sent", RUN)
    (delivery,) = issue.deliveries
    assert (delivery.kind, delivery.state, [one.to for one in delivery.confirmed]) == ("file", "sent", ["news"])
    folder = service.settings.home / "digests" / "news" / "vaccines"
    assert sorted(path.suffix for path in folder.iterdir()) == [".html", ".json"]
    (written,) = folder.glob("*.json")
    read = await made.get(f"{ONE}/issues/1")
    kept = IssueDetailOut.model_validate_json(read.content)
    assert kept.document == json.loads(written.read_text())
    assert kept.says == issue.says
    assert [one["number"] for one in (await ask(made, "GET", f"{ONE}/issues"))["issues"]] == [1]
    assert (await ask(made, "GET", ONE))["last_issue"]["number"] == 1
    feed = feedparser.parse((await made.get(f"{ONE}/atom")).content)
    assert not feed.bozo, feed.get("bozo_exception")
    assert (feed.version, feed.feed.title) == ("atom10", "Vaccines <this> week")
    (entry,) = feed.entries
    assert kept.document is not None
    assert entry.title == kept.document["subject"]
    assert entry.link == "http://127.0.0.1:8000/digests/vaccines/issues/1"
    assert kept.document["sections"][0]["says"][0]["text"] in entry.content[0].value
    unchanged = await made.get(f"{ONE}/issues/1", headers={"If-None-Match": read.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_sending_a_second_time_sends_to_nobody_unless_asked_again(
    made: httpx.AsyncClient, service: Services
) -> None:
    await ask(made, "POST", f"{ONE}/send")
    folder = service.settings.home / "digests" / "news" / "vaccines"
    before = sorted(path.name for path in folder.iterdir())
    second = await ask(made, "POST", f"{ONE}/send")
    assert (second["number"], second["deliveries"][0]["tries"]) == (1, 1)
    assert sorted(path.name for path in folder.iterdir()) == before
    third = await ask(made, "POST", f"{ONE}/send?again=true")
    assert third["number"] == 1
    assert len(list(folder.iterdir())) == 2 * len(before)


async def test_a_preview_has_every_view_and_leaves_no_trace(made: httpx.AsyncClient) -> None:
    shown = PreviewedOut(**await ask(made, "GET", f"{ONE}/preview"))
    assert shown.key == "vaccines-20261116T080000Z"
    assert shown.document["digest"] == "vaccines"
    for view, kind, words in (
        ("html", "text/html", "<html"),
        ("text", "text/plain", shown.text),
        ("markdown", "text/markdown", shown.markdown),
    ):
        for more in ({"params": {"format": view}}, {"headers": {"Accept": f"{kind};q=0.9, */*;q=0.1"}}):
            answer = await made.get(f"{ONE}/preview", **more)  # type: ignore[arg-type]  # two ways to ask
            assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
            assert words in answer.text
    page = await made.get(f"{ONE}/preview", params={"format": "html"})
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "cid:" not in page.text
    assert (await ask(made, "GET", f"{ONE}/issues"))["issues"] == []
    earlier = await ask(made, "GET", f"{ONE}/preview", params={"at": "2026-11-10"})
    assert earlier["key"] == "vaccines-20261109T080000Z"


async def test_digests_of_config_are_sent_and_paused_but_not_changed(client: httpx.AsyncClient) -> None:
    for method, more in (("PUT", {"json": {**MADE, "id": "declared"}}), ("DELETE", {})):
        refused = await ask(client, method, DECLARED, 409, **more)
        assert refused["type"] == "/problems/owned-by-config"
        assert "config/digests.yaml" in refused["detail"]
        assert "collected" not in refused["detail"]
    assert (await ask(client, "POST", ALL, 409, json={**MADE, "id": "declared"}))["type"] == "/problems/already-exists"
    assert (await ask(client, "GET", DECLARED))["next_run"] == "2026-11-23T07:00:00Z"
    paused = await ask(client, "POST", f"{DECLARED}/pause")
    assert (paused["paused"], paused["next_run"], paused["owner"]) == (True, None, "config")
    assert (await ask(client, "POST", f"{DECLARED}/send"))["status"] == "sent"
    assert (await ask(client, "POST", f"{DECLARED}/resume"))["paused"] is False


async def test_a_channel_is_proved_by_a_message_that_says_so(made: httpx.AsyncClient, service: Services) -> None:
    receipt = ReceiptOut(**await ask(made, "POST", f"{ONE}/test"))
    assert (receipt.kind, receipt.confirmed) == ("file", ["news"])
    (page,) = (service.settings.home / "digests" / "news" / "vaccines").glob("*.html")
    assert "test" in page.read_text()
    assert (await ask(made, "GET", f"{ONE}/issues"))["issues"] == []
    assert [one["field"] for one in (await ask(made, "POST", f"{ONE}/test?channel=1", 422))["errors"]] == ["channel"]


async def test_what_a_channel_answers_is_told_and_not_hidden(made: httpx.AsyncClient, service: Services) -> None:
    blocked = service.settings.home / "digests" / "news"
    blocked.parent.mkdir()
    blocked.write_text("a file where a folder should be")
    refused = await ask(made, "POST", f"{ONE}/test", 422)
    assert refused["type"] == "/problems/delivery-failed"
    assert "news" in refused["detail"]
    issue = await ask(made, "POST", f"{ONE}/send")
    assert (issue["status"], issue["deliveries"][0]["state"]) == ("composed", "waiting")
    assert issue["deliveries"][0]["next_try"] > "2026-11-18T12:00"
    assert issue["deliveries"][0]["said"]


async def test_addresses_of_readers_are_shortened_for_keys_that_only_read(
    filled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": 9, "smtp_tls": "none", "smtp_from": "Digest <digest@example.org>"}
    monkeypatch.setenv("HOOK", "whsec_" + base64.b64encode(b"k" * 32).decode())
    services = digest_services(filled_home, tmp_path, **mail)
    try:
        async with client_of(services) as client:
            channels = [
                {"kind": "email", "to": ["jane.doe@example.org", "joe@example.org"],
                 "options": {"reply_to": "Jane <jane.doe@example.org>"}},
                {"kind": "webhook", "to": ["https://hooks.example.org/T0/secret?x=1"], "options": {"secret": "env:HOOK"}},
            ]  # fmt: skip
            assert (await client.post(ALL, json={**MADE, "channels": channels})).status_code == 201
            records = services.store.digests
            (spec,) = (one.spec for one in records.listed() if one.spec.id == "vaccines")
            new = NewIssue("vaccines", RUN, RUN, RUN, RUN, "It is so.", {"headline": "It is so."}, spec.channels)
            records.add_issue(new)
            delivery, _ = records.claim(NOW, hold=timedelta(minutes=1), limit=9)
            why = "550 <joe@example.org>: unknown"
            confirmed, refused = ("jane.doe@example.org",), {"joe@example.org": why}
            records.finish(delivery, Outcome("sent", "OK for jane.doe@example.org", confirmed, refused), NOW)
            keys = {scope: services.store.create_key(scope, scope, NOW) for scope in ("read", "write")}
            seen = {}
            for scope, key in keys.items():
                texts = []
                for path in (ALL, ONE, f"{ONE}/issues", f"{ONE}/issues/1"):
                    answer = await client.get(path, headers={"Authorization": f"Bearer {key}"})
                    assert answer.status_code == 200, answer.text
                    texts.append(answer.text)
                seen[scope] = texts
            without = (await client.get(ONE)).text
    finally:
        services.close()
    assert all("jane.doe@" in text for text in seen["write"])
    assert "https://hooks.example.org/T0/secret?x=1" in seen["write"][1]
    assert "https://hooks.example.org/…" in seen["read"][1]
    assert "env:HOOK" in seen["read"][1]
    for text in (*seen["read"], without):
        assert "jane.doe" not in text
        assert "joe@" not in text
        assert "secret?x" not in text
        assert "j…@example.org" in text
    assert "550 <[email]>: unknown" in seen["read"][2]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"schedule": "weekly on mnday 08:00"}, ["schedule"]),
        ({"schedule": "0 99 * * 1"}, ["schedule"]),
        ({"schedule": "daily 08:00 Europe/Berln"}, ["schedule"]),
        ({"id": "No spaces!"}, ["id"]),
        ({"id": None}, ["id"]),
        ({"title": 7}, ["title"]),
        ({"channels": []}, ["channels"]),
        ({"channels": [{"kind": "file"}, {"kind": "emial"}]}, ["channels.1.kind"]),
        ({"channels": [{"kind": "email", "to": ["reader"]}]}, ["channels.0"]),
        ({"channels": [{"kind": "email", "to": ["reader@example.org"]}]}, ["channels.0"]),
        ({"channels": [{"kind": "file"}, {"kind": "chat", "to": ["env:NOT_THERE"]}]}, ["channels.1"]),
        ({"channels": [{"kind": "file", "to": ["../../etc"]}]}, ["channels.0"]),
        ({"filters": {"audiense": "nurses"}}, ["filters.audiense"]),
        ({"filters": {"topic": "telehealt"}}, ["filters.topic"]),
        ({"filters": {"source": ["wire", "wier"]}}, ["filters.source"]),
        ({"sections": ["headline", "weather"]}, ["sections.1"]),
        ({"locale": "xx"}, ["locale"]),
        ({"grace": "soon"}, ["grace"]),
        ({"quite": "always"}, ["quite"]),
        ({"schedule": "", "locale": "xx"}, ["schedule", "locale"]),
    ],
)
async def test_what_does_not_fit_is_named_by_field(
    reader: httpx.AsyncClient, change: dict[str, Any], fields: list[str]
) -> None:
    refused = await ask(reader, "POST", ALL, 422, json={**MADE, **change})
    assert refused["type"] == "/problems/invalid-digest"
    assert [one["field"] for one in refused["errors"]] == fields
    assert all(one["message"] for one in refused["errors"])
    assert [one["id"] for one in (await ask(reader, "GET", ALL))["digests"]] == ["declared"]


@pytest.mark.parametrize(
    ("method", "path", "status", "field"),
    [
        ("GET", f"{ALL}?limit=1", 422, "limit"),
        ("GET", f"{DECLARED}/preview?format=pdf", 422, "format"),
        ("GET", f"{DECLARED}/preview?at=yesterday", 422, "at"),
        ("GET", f"{DECLARED}/preview?at=2027-01-01", 422, "at"),
        ("GET", f"{DECLARED}/preview?at=0001-01-01T00:00:00%2B14:00", 422, "at"),
        ("GET", f"{DECLARED}/preview?of=x", 422, "of"),
        ("GET", f"{DECLARED}/issues?limit=0", 422, "limit"),
        ("GET", f"{DECLARED}/issues/one", 422, "number"),
        ("GET", f"{DECLARED}/atom?limit=3", 422, "limit"),
        ("POST", f"{DECLARED}/send?again=yes", 422, "again"),
        ("POST", f"{DECLARED}/test?channel=x", 422, "channel"),
        ("POST", f"{DECLARED}/test?channel=2", 422, "channel"),
        ("GET", f"{DECLARED}/issues/1", 404, None),
        ("GET", f"{DECLARED}/issues/0", 404, None),
        ("GET", f"{DECLARED}/issues/99999999999999999999", 404, None),
        ("GET", f"{ALL}/declard", 404, None),
        ("GET", f"{ALL}/declard/atom", 404, None),
        ("GET", f"{ALL}/declard/preview", 404, None),
        ("POST", f"{ALL}/declard/send", 404, None),
        ("POST", f"{ALL}/declard/test", 404, None),
        ("POST", f"{ALL}/declard/pause", 404, None),
        ("DELETE", f"{ALL}/declard", 404, None),
    ],
)
async def test_wrong_questions_are_answered_with_what_would_be_right(
    reader: httpx.AsyncClient, method: str, path: str, status: int, field: str | None
) -> None:
    answer = await reader.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert [one["field"] for one in document.get("errors", [])] == ([field] if field else [])
    if "declard" in path:
        assert "declared" in document["detail"], "the nearest is named"


async def test_bodies_of_another_kind_are_refused(made: httpx.AsyncClient) -> None:
    assert (await made.post(ALL, content=b"{", headers={"Content-Type": "application/json"})).status_code == 400
    assert (await made.post(ALL, content=b"id: x", headers={"Content-Type": "text/yaml"})).status_code == 415
    assert (await made.post(ALL, json=[MADE])).status_code == 422
    other = await made.put(ONE, json={**MADE, "id": "other"})
    assert [one["field"] for one in other.json()["errors"]] == ["id"]
    assert (await made.put(f"{ALL}/nosuch", json=MADE)).status_code == 404
    assert (await made.get(f"{ONE}/preview", headers={"Accept": "image/png"})).status_code == 406


# --- the feed ---------------------------------------------------------------------------------------------------------


def keep_issue(services: Services, week: int, says: str, *, missed: bool = False, quiet: bool = False) -> None:
    run = RUN + timedelta(days=7 * week)
    document = {"headline": says, "subject": says} if not missed else None
    new = NewIssue("vaccines", run, run - timedelta(days=7), run, run, says, document, (), quiet)
    services.store.digests.add_issue(new)


async def test_the_feed_is_stable_and_tells_what_was_missed(made: httpx.AsyncClient, service: Services) -> None:
    empty = feedparser.parse((await made.get(f"{ONE}/atom")).content)
    assert not empty.bozo
    assert (empty.entries, empty.feed.updated) == ([], "2026-11-18T12:00:00Z")
    hostile = "Bold <b>&amp;</b> \x0b\x00\ud83d\ude00 ]]> \u202etxt"
    keep_issue(service, -3, hostile.encode("utf-16", "surrogatepass").decode("utf-16"))
    keep_issue(service, -2, "The run was missed.", missed=True)
    keep_issue(service, -1, "Nothing new.", quiet=True)
    answer = await made.get(f"{ONE}/atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    first = feedparser.parse(answer.content)
    assert not first.bozo, first.get("bozo_exception")
    assert [one.title for one in first.entries] == [
        "Not composed: The run was missed.",
        "Bold <b>&amp;</b> \ufffd\ufffd😀 ]]> \u202etxt",
    ]
    assert first.entries[0].updated == "2026-11-02T08:00:00Z" == first.feed.updated
    assert "Bold &lt;b&gt;&amp;amp;" in first.entries[1].content[0].value
    keep_issue(service, 0, "The newest.")
    second = feedparser.parse((await made.get(f"{ONE}/atom")).content)
    assert [one.id for one in second.entries[1:]] == [one.id for one in first.entries]
    assert len({one.id for one in second.entries}) == 3
    assert second.feed.id == first.feed.id == empty.feed.id
    assert second.feed.updated == "2026-11-16T08:00:00Z"


async def test_a_reader_that_has_the_feed_gets_304_until_an_issue_comes(
    made: httpx.AsyncClient, service: Services
) -> None:
    keep_issue(service, -1, "The first.")
    etag = (await made.get(f"{ONE}/atom")).headers["etag"]
    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        assert (await made.get(f"{ONE}/atom", headers={"If-None-Match": header})).status_code == 304
    keep_issue(service, 0, "The second.")
    fresh = await made.get(f"{ONE}/atom", headers={"If-None-Match": etag})
    assert (fresh.status_code, fresh.headers["etag"] != etag) == (200, True)


async def test_ids_of_the_feed_stay_when_the_address_changes_and_differ_where_things_do(
    made: httpx.AsyncClient, service: Services
) -> None:
    keep_issue(service, 0, "The first.")

    def ids(base: str) -> list[str]:
        body = feed_of(service.digests, service.store, "vaccines", base=base, now=NOW, limit=5)
        feed = feedparser.parse(body)
        assert base in feed.entries[0].link
        return [feed.feed.id, feed.entries[0].id]

    assert ids("https://one.example") == ids("https://two.example/sub")
    before = ids("https://one.example")
    service.digests.create(replace(service.digests.spec("vaccines"), id="other"))
    run = RUN
    service.store.digests.add_issue(NewIssue("other", run, run, run, run, "It is.", {"headline": "It is."}))
    body = feed_of(service.digests, service.store, "other", base="https://one.example", now=NOW, limit=5)
    assert not {feedparser.parse(body).entries[0].id, feedparser.parse(body).feed.id} & set(before)


async def test_a_missed_run_has_a_record_and_no_pages(made: httpx.AsyncClient, service: Services) -> None:
    keep_issue(service, -1, "The run was missed.", missed=True)
    kept = await ask(made, "GET", f"{ONE}/issues/1")
    assert (kept["status"], kept["document"], kept["says"]) == ("missed", None, "The run was missed.")
    assert (await made.get(f"{ONE}/issues/1?format=html")).status_code == 404
    assert service.digests.spec("vaccines").channels == (ChannelSpec("file", ("news",), {"formats": ["html", "json"]}),)
