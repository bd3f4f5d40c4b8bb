"""/posts: tags with reasons, masking, filters, pages, formats."""

from __future__ import annotations

import csv
import io
from urllib.parse import quote

import httpx
import pyarrow.parquet as pq
import pytest

from api.schemas import PostOut, PostsOut


async def test_posts_show_tags_with_reasons_and_nothing_personal(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/api/v1/posts", params={"limit": 5})
    page = PostsOut.model_validate_json(answer.content)
    assert len(page.posts) == 5
    newest = page.posts[0]
    assert newest.reasons["content_type"]
    assert newest.platform in ("web", "youtube")
    assert newest.region == ("europe" if newest.country else "unknown")
    assert "press@" not in answer.text
    assert "7946" not in answer.text
    assert "[email]" in newest.excerpt
    assert "abab" not in answer.text, "the author's hash is not for showing"
    assert "author" not in answer.json()["posts"][0]


async def test_pages_cover_everything_once(reader: httpx.AsyncClient) -> None:
    seen: list[tuple[str, str]] = []
    url = "/api/v1/posts?limit=40&order=newest"
    for _ in range(5):
        answer = await reader.get(url)
        page = answer.json()
        seen += [(post["source"], post["id"]) for post in page["posts"]]
        if page["next"] is None:
            assert "link" not in answer.headers
            break
        link = answer.headers["link"]
        assert link.endswith('; rel="next"')
        url = link[1 : link.index(">")]
    assert len(seen) == len(set(seen)) == 98


async def test_filters_narrow(reader: httpx.AsyncClient) -> None:
    async def count(**params: str | list[str]) -> int:
        page = (await reader.get("/api/v1/posts", params={"limit": "500", **params})).json()
        return len(page["posts"])

    assert await count(content_type="video") == 49
    assert await count(platform="youtube") == 49
    assert await count(region="europe") == 50
    assert await count(region="unknown") == 48
    assert await count(region="europe", country="unknown") == 0
    assert await count(audience=["nurses", "other"]) == 98
    assert await count(topic="none") == 0
    assert await count(q="vaccine") == 98
    assert await count(q="nothingofthekind") == 0
    assert await count(since="2026-11-10", until="2026-11-11") == 8
    assert await count(copy="true") + await count(copy="false") == await count(copy=["true", "false"]) == 98


async def test_csv_and_parquet_hold_the_page(reader: httpx.AsyncClient) -> None:
    ask = {"limit": "3", "content_type": "video"}
    posts = (await reader.get("/api/v1/posts", params=ask)).json()["posts"]
    rows = list(csv.DictReader(io.StringIO((await reader.get("/api/v1/posts", params={**ask, "format": "csv"})).text)))
    assert [row["id"] for row in rows] == [post["id"] for post in posts]
    assert [row["likes"] for row in rows] == [str(post["engagement"]["likes"]) for post in posts]
    table = pq.read_table(io.BytesIO((await reader.get("/api/v1/posts", params={**ask, "format": "parquet"})).content))
    assert table.column("id").to_pylist() == [post["id"] for post in posts]


async def test_one_post(reader: httpx.AsyncClient) -> None:
    found = await reader.get(f"/api/v1/posts/wire/{quote('wire/7', safe='')}")
    assert PostOut.model_validate_json(found.content).id == "wire/7"
    assert (await reader.get("/api/v1/posts/wire/none")).status_code == 404
    assert (await reader.get("/api/v1/posts/none/none")).status_code == 404


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": "501"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"order": "loudest"}, "order"),
        ({"cursor": "bogus"}, "cursor"),
        ({"cursor": "WyJhIl0"}, "cursor"),
        ({"since": "2026-13-01"}, "since"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "until"),
        ({"colour": "red"}, "colour"),
        ({"language": "english"}, "language"),
        ({"q": "a" * 501}, "q"),
        ({"q": ["flu", "cold"]}, "q"),
        ({"copy": "perhaps"}, "copy"),
        ({"cursor": "x" * 501}, "cursor"),
        ({"q": " ".join(["a"] * 70)}, "q"),
        ({"format": "xls"}, "format"),
    ],
)
async def test_what_does_not_fit_is_named(
    reader: httpx.AsyncClient, params: dict[str, str | list[str]], field: str
) -> None:
    answer = await reader.get("/api/v1/posts", params=params)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_misspelt_parameter_is_told_with_what_was_meant(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/api/v1/posts", params={"formt": "csv"})
    assert answer.json()["type"] == "/problems/unknown-parameter"
    assert "Did you mean format?" in answer.json()["detail"]


async def test_a_cursor_belongs_to_its_query(reader: httpx.AsyncClient) -> None:
    cursor = (await reader.get("/api/v1/posts", params={"limit": 2})).json()["next"]
    answer = await reader.get("/api/v1/posts", params={"limit": 2, "content_type": "video", "cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/bad-cursor"
