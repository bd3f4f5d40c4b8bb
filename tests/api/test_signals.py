"""GET /signals, one signal and its posts, acknowledged and muted; refusals that name the field."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from api.schemas_digests import MuteOut, SignalEvidenceOut, SignalOut, SignalsOut
from monitor.bootstrap import Services
from monitor.core.buckets import day_number
from tests.api.digest_service import digest_services, keep, signal
from tests.api.support import NOW, client_of

ALL = "/api/v1/signals"
OPEN, ENDED = "0123456789abcdef", "fedcba9876543210"
ONE = f"{ALL}/{OPEN}"


@pytest.fixture(scope="module")
def watched(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Two signals, one of which ended five days ago; tests leave them as they are."""
    made = digest_services(filled_home, tmp_path_factory.mktemp("watched"))
    _keep_two(made)
    yield made
    made.close()


def _keep_two(made: Services) -> None:
    begin = day_number(NOW) - 14
    ended = signal(
        ENDED, key="all", state="ended", direction="down", since=begin, last=begin, figures_since=begin, observed=3,
        peak=None, n_sources=None, top_source_share=None, copies_only=None, opened_at=NOW - timedelta(days=13),
        updated_at=NOW - timedelta(days=5), ended_at=NOW - timedelta(days=5),
    )  # fmt: skip
    keep(made, signal(OPEN), ended)


@pytest.fixture
async def reader(watched: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(watched) as client:
        yield client


@pytest.fixture
async def writer(filled_home: Path, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    made = digest_services(filled_home, tmp_path)
    _keep_two(made)
    async with client_of(made) as client:
        yield client
    made.close()


async def ids(client: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get(ALL, params=params)
    assert answer.status_code == 200, answer.text
    return [one.id for one in SignalsOut.model_validate_json(answer.content).signals]


async def test_signals_are_listed_newest_news_first_and_narrowed(reader: httpx.AsyncClient) -> None:
    assert await ids(reader) == [OPEN, ENDED]
    assert await ids(reader, state="open") == [OPEN]
    assert await ids(reader, state="ended") == [ENDED]
    assert await ids(reader, limit=1) == [OPEN]
    assert await ids(reader, since="2026-11-14") == [OPEN]
    assert await ids(reader, since="2026-11-13T12:00:00+00:00") == [OPEN, ENDED]


async def test_one_signal_says_what_since_when_how_much_and_from_where(reader: httpx.AsyncClient) -> None:
    answer = await reader.get(ONE)
    found = SignalOut.model_validate_json(answer.content)
    assert (found.key, found.dimension, found.value) == ("audience=nurses", "audience", "nurses")
    assert (found.since.isoformat(), found.until.isoformat()) == ("2026-11-14", "2026-11-17")
    assert (found.observed, found.expected, found.low, found.high) == (24, 8.25, 3.0, 14.5)
    assert found.ratio == pytest.approx(24 / 8.25)
    assert (found.detectors, found.settings["alpha"]) == (["share", "count"], 1e-5)
    assert "24" in found.says
    (listed, _) = (await reader.get(ALL)).json()["signals"]
    assert listed == answer.json()


async def test_its_posts_are_those_of_the_change(reader: httpx.AsyncClient) -> None:
    first = SignalEvidenceOut.model_validate_json((await reader.get(f"{ONE}/evidence?limit=5")).content)
    assert len(first.posts) == 5
    rest = SignalEvidenceOut.model_validate_json(
        (await reader.get(f"{ONE}/evidence", params={"limit": 100, "cursor": first.next})).content
    )
    posts = [*first.posts, *rest.posts]
    assert all("nurses" in post.audience for post in posts)
    days = {post.published_at.date().isoformat() for post in posts}
    assert days == {"2026-11-14", "2026-11-15", "2026-11-16"}
    linked = (await reader.get((await reader.get(ONE)).json()["posts"])).json()["posts"]
    assert {(post["source"], post["id"]) for post in linked} == {(post.source, post.id) for post in posts}


async def test_csv_and_parquet_hold_a_row_for_each_signal(reader: httpx.AsyncClient) -> None:
    answer = await reader.get(ALL, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [OPEN, ENDED]
    assert (rows[0]["expected"], rows[0]["detectors"], rows[1]["peak"]) == ("8.25", "share,count", "")
    table = pq.read_table(io.BytesIO((await reader.get(ALL, params={"format": "parquet"})).content))
    assert table.column("p").to_pylist() == [1.25e-6, 1.25e-6]
    empty = pq.read_table(io.BytesIO((await reader.get(f"{ALL}?format=parquet&since=2026-11-18&state=ended")).content))
    assert empty.num_rows == 0


async def test_an_unchanged_list_is_304_until_somebody_says_something(writer: httpx.AsyncClient) -> None:
    etag = (await writer.get(ALL)).headers["etag"]
    assert (await writer.get(ALL, headers={"If-None-Match": etag})).status_code == 304
    await writer.post(f"{ONE}/ack", json={"note": "The congress week."})
    assert (await writer.get(ALL, headers={"If-None-Match": etag})).status_code == 200


async def test_a_signal_is_acknowledged_with_a_note(writer: httpx.AsyncClient) -> None:
    done = SignalOut(**(await writer.post(f"{ONE}/ack", json={"note": " The  congress week. "})).json())
    assert (done.acknowledged_why, done.acknowledged_at, done.state) == ("The congress week.", NOW, "open")
    later = (await writer.post(f"{ONE}/ack", json={"note": "Not the congress."})).json()
    assert (await writer.get(ONE)).json() == later
    assert later["acknowledged_why"] == "Not the congress."


async def test_a_signal_and_a_key_are_muted_for_a_while(writer: httpx.AsyncClient) -> None:
    body = {"until": "2026-12-01", "reason": "A campaign."}
    done = MuteOut(**(await writer.post(f"{ONE}/mute", json=body)).json())
    assert (done.subject, done.until.isoformat(), done.reason) == (OPEN, "2026-12-01T00:00:00+00:00", "A campaign.")
    shown = (await writer.get(ONE)).json()
    assert (shown["muted"], shown["muted_why"], shown["state"]) == (True, "A campaign.", "open")
    assert await ids(writer) == [OPEN, ENDED], "muted ones are listed"
    await writer.post(f"{ONE}/mute", json={"until": "2026-11-01", "reason": "Over."})
    assert (await writer.get(ONE)).json()["muted"] is False
    of_key = await writer.post(f"{ALL}/audience=nurses/mute", json=body)
    assert of_key.json()["subject"] == "audience=nurses"
    assert (await writer.get(ONE)).json()["muted"] is True


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", f"{ALL}?state=opened", None, 422, "state"),
        ("GET", f"{ALL}?since=lately", None, 422, "since"),
        ("GET", f"{ALL}?since=", None, 422, "since"),
        ("GET", f"{ALL}?since=0001-01-01", None, 422, "since"),
        ("GET", f"{ALL}?limit=0", None, 422, "limit"),
        ("GET", f"{ALL}?format=xml", None, 422, "format"),
        ("GET", f"{ALL}?stat=open", None, 422, "stat"),
        ("GET", f"{ONE}/evidence?cursor=abc", None, 422, "cursor"),
        ("GET", f"{ONE}/evidence?limit=101", None, 422, "limit"),
        ("POST", f"{ONE}/ack", {}, 422, "note"),
        ("POST", f"{ONE}/ack", {"note": "  "}, 422, "note"),
        ("POST", f"{ONE}/ack", {"note": 3}, 422, "note"),
        ("POST", f"{ONE}/ack", {"note": "x" * 501}, 422, "note"),
        ("POST", f"{ONE}/ack", {"note": "x", "by": "me"}, 422, "by"),
        ("POST", f"{ONE}/mute", {"until": "2026-12-01"}, 422, "reason"),
        ("POST", f"{ONE}/mute", {"reason": "x"}, 422, "until"),
        ("POST", f"{ONE}/mute", {"until": "soon", "reason": "x"}, 422, "until"),
        ("POST", f"{ONE}/mute", {"until": "2099-01-01", "reason": "x"}, 422, "until"),
        ("POST", f"{ONE}/mute", {"until": "9999-12-31T23:59:59-14:00", "reason": "x"}, 422, "until"),
        ("GET", f"{ALL}/0123456789abcdee", None, 404, None),
        ("GET", f"{ALL}/nosuch/evidence", None, 404, None),
        ("POST", f"{ALL}/nosuch/ack", {"note": "x"}, 404, None),
        ("POST", f"{ALL}/nosuch/mute", {"until": "2026-12-01", "reason": "x"}, 404, None),
        ("POST", f"{ALL}/audience=nurse/mute", {"until": "2026-12-01", "reason": "x"}, 404, None),
        ("POST", f"{ALL}/planet=mars/mute", {"until": "2026-12-01", "reason": "x"}, 404, None),
    ],
)
async def test_what_does_not_fit_is_named(
    reader: httpx.AsyncClient, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    answer = await reader.request(method, path, **({} if body is None else {"json": body}))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["field"] for one in answer.json().get("errors", [])] == ([field] if field else [])
    if "cdee" in path:
        assert OPEN in answer.json()["detail"], "the nearest is named"
    if "nurse/" in path:
        assert "audience=nurses" in answer.json()["detail"]


async def test_a_signal_that_ends_says_so(writer: httpx.AsyncClient, watched: Services) -> None:
    (kept,) = watched.store.signals.recent(state="open", since=None, until=None, limit=5)
    over = replace(kept, state="ended", ended_at=NOW)
    assert watched.signal_watch.document(over)["ended_at"] == "2026-11-18T12:00:00Z"
    assert (await writer.get(ONE)).json()["ended_at"] is None
