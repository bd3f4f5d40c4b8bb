"""GET /claims, one claim and its evidence: shapes, formats, filters, earlier days, and errors that name the field."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from api.schemas_claims import ClaimDetailOut, ClaimsOut, EvidenceOut
from monitor.bootstrap import Services
from monitor.core.model import Write
from tests.api.support import NOW, client_of, make_post, make_services
from tests.support.claims import SOURCES, UNTIL, WEEKS, import_rise

ALL = "/api/v1/claims"
ONE = "/api/v1/claims/video-rising"


@pytest.fixture(scope="module")
def risen(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, config_dir: Path) -> Iterator[Services]:
    """A service on imported posts of which more and more are videos."""
    home = tmp_path_factory.mktemp("risen")
    import_rise(home, sqlite_template)
    services = make_services(home, config_dir)
    yield services
    services.close()


@pytest.fixture
async def client(risen: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(risen) as client:
        yield client


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_ledger_has_every_claim_with_its_verdict(client: httpx.AsyncClient, risen: Services) -> None:
    answer = await client.get(ALL)
    document = ClaimsOut.model_validate_json(answer.content)
    assert [claim.id for claim in document.claims] == [claim.id for claim in risen.config.claims.claims]
    assert sum(document.counts.values()) == len(document.claims) > 30
    assert answer.json() == risen.ledger.ledger()
    (video,) = (claim for claim in document.claims if claim.id == "video-rising")
    assert video.effect is not None
    assert video.effect.low is not None
    assert video.effect.low > 0, "three times the share in 60 weeks"
    assert (video.verdict, video.n_sources, video.until) == ("supported", len(SOURCES), UNTIL)
    assert video.reproduce.startswith("trendmonitor claims check ")
    assert "series" not in answer.json()["claims"][0]


async def test_filters_narrow_the_list_and_not_the_counts(client: httpx.AsyncClient) -> None:
    everything = await get(client, ALL)
    some = await get(client, ALL, kind=["trend", "level"], verdict="supported,contradicted", segment="content type")
    assert [claim["id"] for claim in some["claims"]] == ["video-rising"]
    assert some["counts"] == everything["counts"]
    assert (await get(client, ALL, segment="content_type", kind="rank", verdict="supported"))["claims"] == []


async def test_csv_and_parquet_hold_a_row_for_each_claim(client: httpx.AsyncClient) -> None:
    claims = (await get(client, ALL))["claims"]
    values = [claim["effect"]["value"] if claim["effect"] else None for claim in claims]
    answer = await client.get(ALL, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="claims.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [claim["id"] for claim in claims]
    assert [float(row["value"]) if row["value"] else None for row in rows] == values
    assert {"lower", "upper", "level", "unit", "verdict", "n_posts", "n_sources", "as_of", "caveats"} <= set(rows[0])
    table = pq.read_table(io.BytesIO((await client.get(ALL, params={"format": "parquet", "kind": "trend"})).content))
    trends = [value for claim, value in zip(claims, values, strict=True) if claim["kind"] == "trend"]
    assert table.column("value").to_pylist() == trends


async def test_one_claim_has_its_weeks_and_its_history(client: httpx.AsyncClient) -> None:
    answer = await client.get(ONE)
    claim = ClaimDetailOut.model_validate_json(answer.content)
    assert len(claim.series) == WEEKS
    assert {week.status for week in claim.series} == {"ok"}
    assert claim.series[0].start == claim.since
    assert [one.verdict for one in claim.history] == ["supported"]
    listed = next(one for one in (await get(client, ALL))["claims"] if one["id"] == claim.id)
    assert listed.items() <= answer.json().items()
    rows = list(csv.DictReader(io.StringIO((await client.get(ONE, params={"format": "csv"})).text)))
    assert [row["n"] for row in rows] == [str(week.n) for week in claim.series]
    assert {row["claim"] for row in rows} == {"video-rising"}


async def test_every_claim_of_the_book_has_the_described_shape(client: httpx.AsyncClient) -> None:
    for kind in ("level", "rank", "reference", "consistency"):
        first = (await get(client, ALL, kind=kind))["claims"][0]
        claim = ClaimDetailOut.model_validate_json((await client.get(f"{ALL}/{first['id']}")).content)
        assert claim.kind == kind
        assert claim.verdict == first["verdict"]
        assert claim.series == []
        assert bool(claim.references) == (kind == "reference" and claim.verdict != "not_measurable")


async def test_an_earlier_day_is_judged_by_what_was_published_before(client: httpx.AsyncClient) -> None:
    now, earlier = await get(client, ONE), await get(client, ONE, as_of="2026-06-01")
    assert earlier["until"] == "2026-06-01" < now["until"]
    assert earlier["n_posts"] < now["n_posts"]
    assert earlier["as_of"] == "2026-06-01T00:00:00Z"
    assert earlier["reproduce"].endswith("--as-of 2026-06-01")
    posts = (await get(client, f"{ONE}/evidence", as_of="2026-06-01", limit=100))["posts"]
    assert "2026-05-25" < max(post["published_at"] for post in posts) < "2026-06-01"
    too_early = await get(client, ONE, as_of="2025-12-01")
    assert too_early["verdict"] == "insufficient_data", "29 weeks of the 52 that a trend needs"
    assert (await get(client, ONE, as_of="1990-01-01"))["since"] is None
    assert (await get(client, ONE, as_of="2026-11-19"))["until"] == now["until"], "tomorrow: all that is known"


async def test_unchanged_answers_are_304_until_the_ledger_changes(risen: Services, client: httpx.AsyncClient) -> None:
    paths = (ALL, f"{ALL}?format=csv", ONE, f"{ONE}?as_of=2026-06-01")
    tags = {}
    for path in paths:
        first = await client.get(path)
        tags[path] = first.headers["etag"]
        again = await client.get(path, headers={"If-None-Match": f'"x", W/{tags[path]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[path])
    assert len(set(tags.values())) == len(paths)
    moment = NOW.replace(year=2026, month=7, day=1)
    source = SOURCES[0]
    risen.store.commit(Write(source, NOW, posts=(make_post(source, 1, moment, content_type="video"),)))
    risen.ledger.refresh()
    for path in paths:  # an earlier day too: its history has one more entry
        changed = await client.get(path, headers={"If-None-Match": tags[path]})
        assert changed.status_code == 200, path


async def test_evidence_leads_page_by_page_to_the_posts(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{ONE}/evidence", params={"limit": 3})
    first = EvidenceOut.model_validate_json(answer.content)
    assert {post.content_type for post in first.posts} == {"video"}
    assert first.of
    likes = [post.engagement.likes for post in first.posts]
    assert likes == sorted(likes, key=lambda number: -(number or 0))
    link = answer.headers["link"]
    second = await client.get(link[1 : link.index(">")])
    assert second.json() == await get(client, f"{ONE}/evidence", limit=3, cursor=first.next)
    ids = [(post["source"], post["id"]) for post in [*answer.json()["posts"], *second.json()["posts"]]]
    assert len(set(ids)) == 6
    shown = answer.json()["posts"][0]
    assert shown == await get(client, f"/api/v1/posts/{shown['source']}/{shown['id']}")
    rows = list(csv.DictReader(io.StringIO((await client.get(f"{ONE}/evidence?limit=3&format=csv")).text)))
    assert [(row["source"], row["id"]) for row in rows] == ids[:3]


async def test_claims_about_figures_rest_on_no_posts(client: httpx.AsyncClient) -> None:
    document = await get(client, f"{ALL}/growth-consistency/evidence")
    assert (document["posts"], document["next"]) == ([], None)
    assert document["of"]
    assert (await get(client, f"{ALL}/growth-consistency"))["links"]["evidence"] is None


@pytest.mark.parametrize(
    ("path", "params", "field", "status"),
    [
        (ALL, {"verdict": "true"}, "verdict", 422),
        (ALL, {"kind": "tren"}, "kind", 422),
        (ALL, {"kind": ""}, "kind", 422),
        (ALL, {"verdict": "supported,"}, "verdict", 422),
        (ALL, {"segment": "regoin"}, "segment", 422),
        (ALL, {"verdit": "supported"}, "verdit", 422),
        (ALL, {"format": "xml"}, "format", 422),
        (ONE, {"as_of": "yesterday"}, "as_of", 422),
        (ONE, {"as_of": "2026-11-20"}, "as_of", 422),
        (ONE, {"as_of": ""}, "as_of", 422),
        (ONE, {"as_of": ["2026-01-01", "2026-01-02"]}, "as_of", 422),
        (ONE, {"asof": "2026-01-01"}, "asof", 422),
        (f"{ONE}/evidence", {"limit": "0"}, "limit", 422),
        (f"{ONE}/evidence", {"limit": "101"}, "limit", 422),
        (f"{ONE}/evidence", {"cursor": "abc"}, "cursor", 422),
        (f"{ONE}/evidence", {"cursor": "0.abc"}, "cursor", 422),
        (f"{ONE}/evidence", {"as_of": "2026-11-31"}, "as_of", 422),
        (f"{ONE}/evidence", {"q": "flu"}, "q", 422),
    ],
)
async def test_what_does_not_fit_is_named(
    client: httpx.AsyncClient, path: str, params: dict[str, Any], field: str, status: int
) -> None:
    answer = await client.get(path, params=params)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("part", ["", "/evidence"])
async def test_an_unknown_claim_is_a_404_that_names_the_nearest(client: httpx.AsyncClient, part: str) -> None:
    answer = await client.get(f"{ALL}/video-risng{part}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"
    assert "video-rising" in answer.json()["detail"]
    assert (await client.get(ALL, headers={"Accept": "image/png"})).status_code == 406


async def test_the_document_describes_claims(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path, names in (
        (ALL, {"kind", "verdict", "segment", "format"}),
        (f"{ALL}/{{id}}", {"id", "as_of", "format"}),
        (f"{ALL}/{{id}}/evidence", {"id", "limit", "cursor", "as_of", "format"}),
    ):
        assert {one["name"] for one in paths[path]["get"]["parameters"]} == names
        assert set(paths[path]["get"]["responses"]["200"]["content"]) >= {"application/json", "text/csv"}
