"""/sources: reading, changing, refusing, testing, collecting, OPML."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from api.schemas import CoverageOut, PreviewOut, SourceOut, SourcesOut, VisitOut
from monitor.bootstrap import Services
from monitor.core.model import Observed, Write
from tests.api.support import NOW
from tests.support.posts import make_source

NEW = {"id": "ward", "collector": "feed", "url": "https://ward.example/feed.xml", "name": "Ward", "every": "2h"}


def fields(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return [error["field"] for error in answer.json()["errors"]]


async def test_list_says_how_each_source_fares(reader: httpx.AsyncClient) -> None:
    listed = SourcesOut.model_validate_json((await reader.get("/api/v1/sources")).content)
    by_id = {source.id: source for source in listed.sources}
    assert list(by_id) == sorted(by_id)
    assert listed.counts == {"waiting": 1, "ok": 2, "failing": 1}
    assert by_id["declared"].owner == "config"
    assert by_id["declared"].label == "Not checked yet"
    assert (by_id["wire"].status, by_id["wire"].label) == ("ok", "On time")
    assert by_id["sick"].status == "failing"
    assert "404" in (by_id["sick"].reason or "")
    failing = (await reader.get("/api/v1/sources", params={"status": "failing"})).json()
    assert [source["id"] for source in failing["sources"]] == ["sick"]
    assert failing["total"] == 1


async def test_list_comes_in_pages(reader: httpx.AsyncClient) -> None:
    first = (await reader.get("/api/v1/sources", params={"limit": 3})).json()
    second = (await reader.get("/api/v1/sources", params={"limit": 3, "after": first["next"]})).json()
    assert len(first["sources"]) == 3
    assert second["next"] is None
    assert len({source["id"] for source in first["sources"] + second["sources"]}) == first["total"] == 4
    assert fields(await reader.get("/api/v1/sources", params={"limit": 0})) == ["limit"]
    assert fields(await reader.get("/api/v1/sources", params={"status": "sad"})) == ["status"]
    assert fields(await reader.get("/api/v1/sources", params={"stauts": "ok"})) == ["stauts"]


async def test_life_of_a_source(client: httpx.AsyncClient, services: Services) -> None:
    made = await client.post("/api/v1/sources", json=NEW)
    assert made.status_code == 201
    assert made.headers["location"] == "/api/v1/sources/ward"
    assert SourceOut.model_validate_json(made.content).every == "2h"
    assert (await client.post("/api/v1/sources", json=NEW)).status_code == 409
    patched = await client.patch("/api/v1/sources/ward", json={"every": None, "country": "CH", "paused": True})
    assert patched.status_code == 200, patched.text
    now = SourceOut.model_validate_json((await client.get("/api/v1/sources/ward")).content)
    assert (now.every, now.country, now.status, now.name) == (None, "CH", "paused", "Ward")
    assert (await client.post("/api/v1/sources/ward/resume")).json()["status"] == "waiting"
    assert (await client.delete("/api/v1/sources/ward")).status_code == 204
    assert (await client.get("/api/v1/sources/ward")).status_code == 404
    assert services.store.source("ward") is None


async def test_an_id_is_made_from_the_address(client: httpx.AsyncClient) -> None:
    made = await client.post(
        "/api/v1/sources", json={"collector": "feed", "url": "https://www.clinic.example/news/feed"}
    )
    assert made.status_code == 201
    assert made.json()["id"] == "clinic-example-news"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "Germany"}, "country"),
        ({"content_type": "movie"}, "content_type"),
        ({"every": "5 parsecs"}, "every"),
        ({"audience": ["nurses", "robots"]}, "audience.1"),
        ({"colour": "red"}, "colour"),
        ({"collector": "telepathy"}, "collector"),
        ({"url": "ftp://x.example"}, "url"),
        ({"id": "opml"}, "id"),
        ({"url": None}, "body"),
    ],
)
async def test_a_bad_source_is_refused_field_by_field(
    client: httpx.AsyncClient, change: dict[str, object], field: str
) -> None:
    answer = await client.post("/api/v1/sources", json={**NEW, **change})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid-source"
    assert fields(answer) == [field]


async def test_all_errors_of_a_source_come_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/sources", json={**NEW, "country": "Germany", "every": "soon", "language": "xx"})
    assert set(fields(answer)) == {"country", "every", "language"}


async def test_rows_of_config_can_only_be_paused(client: httpx.AsyncClient) -> None:
    changed = await client.patch("/api/v1/sources/declared", json={"name": "Mine"})
    assert changed.status_code == 409
    assert changed.json()["type"] == "/problems/owned-by-config"
    assert "trendmonitor apply" in changed.json()["detail"]
    assert (await client.delete("/api/v1/sources/declared")).status_code == 409
    assert (await client.post("/api/v1/sources/declared/pause")).json()["status"] == "paused"
    assert (await client.patch("/api/v1/sources/declared", json={"paused": False})).json()["status"] == "waiting"


async def test_purge_takes_the_posts_too(client: httpx.AsyncClient, services: Services) -> None:
    assert (await client.delete("/api/v1/sources/wire", params={"purge": "maybe"})).status_code == 422
    assert (await client.delete("/api/v1/sources/wire", params={"purge": "true"})).status_code == 204
    assert services.store.totals().posts == 49
    kept = (await client.delete("/api/v1/sources/clips")).status_code
    assert kept == 204
    assert services.store.totals().posts == 49


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 422),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "application/json", 422),
        (b"id=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b" " * (10 * 1024 * 1024 + 1), "application/json", 413),
    ],
    ids=["cut", "list", "empty", "not utf-8", "deep", "form", "text", "large"],
)
async def test_bad_bodies(client: httpx.AsyncClient, body: bytes, kind: str, status: int) -> None:
    answer = await client.post("/api/v1/sources", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_unknown_sources_are_404(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/api/v1/sources/nobody", json={} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"
    for path in ("runs", "coverage"):
        assert (await client.get(f"/api/v1/sources/nobody/{path}")).status_code == 404
    for path in ("pause", "resume", "test", "collect"):
        assert (await client.post(f"/api/v1/sources/nobody/{path}")).status_code == 404


async def test_runs_and_coverage(reader: httpx.AsyncClient) -> None:
    runs = (await reader.get("/api/v1/sources/sick/runs")).json()["runs"]
    assert [VisitOut.model_validate(run).outcome for run in runs] == ["http_404"]
    coverage = CoverageOut.model_validate_json((await reader.get("/api/v1/sources/wire/coverage")).content)
    assert [(one.until - one.since).days for one in coverage.observed] == [14]
    assert coverage.observed[0].until == NOW
    assert fields(await reader.get("/api/v1/sources/wire/runs", params={"limit": "many"})) == ["limit"]


async def test_the_reason_of_a_gap_is_told_and_that_there_is_none_too(
    client: httpx.AsyncClient, services: Services
) -> None:
    services.store.add_source(make_source("holes"), NOW)
    for days, gap in ((9, None), (6, "overflow"), (3, None)):
        seen = Observed(NOW - timedelta(days=days), NOW - timedelta(days=days - 1), gap)
        services.store.commit(Write("holes", NOW, observed=seen))
    coverage = CoverageOut.model_validate_json((await client.get("/api/v1/sources/holes/coverage")).content)
    assert [(one.reason, one.says) for one in coverage.gaps] == [
        ("overflow", "more was posted between two visits than its page shows"),
        (None, "no reason was recorded"),
    ]


async def test_a_test_previews_tagged_posts_and_stores_nothing(
    client: httpx.AsyncClient, services: Services, site: str
) -> None:
    before = services.store.data_version()
    answer = await client.post(
        "/api/v1/sources/test", json={"collector": "feed", "url": f"{site}/feed.xml", "language": "en"}
    )
    preview = PreviewOut.model_validate_json(answer.content)
    assert preview.ok, preview.error
    assert [post.id for post in preview.posts] == ["a1", "a2"]
    assert preview.posts[0].reasons
    assert "jane@" not in preview.posts[0].excerpt
    assert "555" not in preview.posts[0].excerpt
    assert services.store.data_version() == before
    missing = await client.post("/api/v1/sources/test", json={"collector": "feed", "url": f"{site}/gone.xml"})
    assert missing.status_code == 200
    assert (missing.json()["ok"], missing.json()["code"]) == (False, "http_404")


async def test_collect_now(client: httpx.AsyncClient, services: Services, site: str) -> None:
    await client.post("/api/v1/sources", json={**NEW, "url": f"{site}/feed.xml"})
    visit = VisitOut.model_validate_json((await client.post("/api/v1/sources/ward/collect")).content)
    assert (visit.ok, visit.new) == (True, 2)
    found = (await client.get("/api/v1/posts", params={"source": "ward"})).json()
    assert [post["id"] for post in found["posts"]] == ["a1", "a2"]


async def test_discover_finds_feeds_and_names_the_tracked(client: httpx.AsyncClient, site: str) -> None:
    await client.post("/api/v1/sources", json={**NEW, "url": f"{site}/feed.xml"})
    found = (await client.get("/api/v1/sources/discover", params={"url": f"{site}/"})).json()["candidates"]
    assert [(one["url"], one["items"], one["source"]) for one in found] == [(f"{site}/feed.xml", 2, "ward")]
    assert fields(await client.get("/api/v1/sources/discover")) == ["url"]
    nothing = await client.get("/api/v1/sources/discover", params={"url": "http://127.0.0.1:9/"})
    assert nothing.json()["type"] == "/problems/source-unreachable"
    assert fields(nothing) == ["url"]
    other = await client.get("/api/v1/sources/discover", params={"url": site}, headers={"Sec-Fetch-Site": "cross-site"})
    assert other.status_code == 403


async def test_opml_goes_out_and_comes_in(client: httpx.AsyncClient) -> None:
    exported = await client.get("/api/v1/sources/opml")
    assert exported.headers["content-type"].startswith("text/x-opml")
    assert b"https://wire.example/feed" in exported.content
    outlines = '<outline type="rss" text="Ward" xmlUrl="https://ward.example/f"/><outline text="Wire" type="rss" xmlUrl="https://wire.example/feed"/>'
    document = f'<opml version="2.0"><head/><body>{outlines}<outline text="odd" type="rss" xmlUrl="not an address"/></body></opml>'
    report = (
        await client.post("/api/v1/sources/opml", content=document, headers={"Content-Type": "text/x-opml"})
    ).json()
    assert len(report["added"]) == 1
    assert report["known"] == ["https://wire.example/feed"]
    assert len(report["skipped"]) == 1
    wrong = await client.post("/api/v1/sources/opml", content=document, headers={"Content-Type": "text/plain"})
    assert wrong.status_code == 415
    other = await client.post("/api/v1/sources/opml", content="<html/>", headers={"Content-Type": "text/x-opml"})
    assert other.status_code == 400
