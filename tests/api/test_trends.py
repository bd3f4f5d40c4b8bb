"""GET /trends: shape, formats, validation by ETag, and errors that name the field."""

from __future__ import annotations

import csv
import io

import httpx
import pyarrow.parquet as pq
import pytest

from api.schemas import TrendOut
from monitor.bootstrap import Services
from tests.api.support import NOW, client_of, make_post

ASK = {"metric": "share", "by": "content_type", "interval": "week", "since": "2026-10-26", "until": "2026-11-19"}


async def test_answer_has_the_shape_of_the_contract(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/api/v1/trends", params=ASK)
    assert answer.status_code == 200
    document = answer.json()
    TrendOut.model_validate_json(answer.content)
    assert {series["key"] for series in document["series"]} == {"video", "podcast", "news", "other"}
    assert [point["start"] for point in document["series"][0]["points"]] == [
        "2026-10-26",
        "2026-11-02",
        "2026-11-09",
        "2026-11-16",
    ]
    first = [series["points"][0] for series in document["series"]]
    assert {point["status"] for point in first} == {"not_observed"}
    assert {point["value"] for point in first} == {None}
    complete = [series["points"][2]["value"] for series in document["series"]]
    assert sum(complete) == pytest.approx(1.0)


async def test_csv_and_parquet_hold_the_points_of_the_json(reader: httpx.AsyncClient) -> None:
    document = (await reader.get("/api/v1/trends", params=ASK)).json()
    values = [point["value"] for series in document["series"] for point in series["points"]]
    answer = await reader.get("/api/v1/trends", params=ASK, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [float(row["value"]) if row["value"] else None for row in rows] == values
    assert {"lower", "upper", "level", "n", "status", "as_of"} <= set(rows[0])
    table = pq.read_table(io.BytesIO((await reader.get("/api/v1/trends", params={**ASK, "format": "parquet"})).content))
    assert table.column("value").to_pylist() == values


async def test_unchanged_answers_are_304_until_the_data_changes(client: httpx.AsyncClient, services: Services) -> None:
    first = await client.get("/api/v1/trends", params=ASK)
    again = await client.get("/api/v1/trends", params=ASK, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    csv_tag = (await client.get("/api/v1/trends", params={**ASK, "format": "csv"})).headers["etag"]
    assert csv_tag != first.headers["etag"]
    from monitor.core.model import Write

    services.store.commit(Write("wire", NOW, posts=(make_post("wire", 1000, NOW.replace(day=11)),)))
    await client.post("/api/v1/sources/wire/pause")  # a write through the service makes it look at once
    changed = await client.get("/api/v1/trends", params=ASK, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("params", "field", "status"),
    [
        ({"metric": "loudness"}, "metric", 422),
        ({"by": "colour"}, "by", 422),
        ({"interval": "hour"}, "interval", 422),
        ({"since": "yesterday"}, "since", 422),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "until", 422),
        ({"content_typ": "video"}, "content_typ", 422),
        ({"country": "Germany"}, "country", 422),
        ({"source": "no-such"}, "source", 422),
        ({"limit": "0"}, "limit", 422),
        ({"format": "xml"}, "format", 422),
        ({"interval": "day", "since": "1990-01-01"}, "interval", 422),
        ({"metric": ["share", "volume"]}, "metric", 422),
    ],
)
async def test_what_does_not_fit_is_named(
    reader: httpx.AsyncClient, params: dict[str, str], field: str, status: int
) -> None:
    answer = await reader.get("/api/v1/trends", params=params)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].startswith("/problems/")
    assert problem["instance"] == "/api/v1/trends"
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_over_long_and_undecodable_queries_are_refused(reader: httpx.AsyncClient) -> None:
    long = await reader.get("/api/v1/trends?by=topic&topic=" + "a" * 9000)
    assert (long.status_code, long.json()["errors"][0]["field"]) == (422, "topic")
    assert (await reader.get("/api/v1/trends?topic=%ff")).status_code == 422
    assert (await reader.get("/api/v1/trends?" + "&".join(["topic=a"] * 500))).status_code == 422
    assert (await reader.get("/api/v1/trends", headers={"Accept": "image/png"})).status_code == 406


async def test_generated_data_is_marked_on_every_answer(services: Services) -> None:
    services.store.set_meta("generated", "true")
    async with client_of(services) as client:
        for path in ("/api/v1/trends", "/api/v1/posts", "/api/v1/nothing", "/", "/healthz"):
            assert (await client.get(path)).headers["trendmonitor-data"] == "generated", path
        assert (await client.get("/api/v1/trends")).json()["generated"] is True
        assert "Generated data." in (await client.get("/")).text
        assert (await client.post("/api/v1/sources/wire/collect")).status_code == 409
