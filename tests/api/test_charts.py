"""Charts: what the specification promises, and that both drawing roads draw it."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard import words
from api.dashboard.pictures import BUNDLE_PATH, Studio
from api.problems import Problem
from monitor.bootstrap import Services
from monitor.core.charts import DARK, LIGHT, PAGE, buckets_of, spread, time_chart
from tests.api.browser import open_page, serving
from tests.api.support import client_of

START = date(2026, 8, 24)


def answer_with(*lines: Sequence[float | None], as_of: str = "2026-11-18T12:00:00Z") -> dict[str, Any]:
    series = [
        {
            "key": f"k{number}",
            "label": f"Line {number}",
            "points": [
                {
                    "start": (START + timedelta(weeks=week)).isoformat(),
                    "value": value,
                    "low": None if value is None else value - 0.01,
                    "high": None if value is None else value + 0.01,
                    "n": 0 if value is None else 10,
                    "of": 0 if value is None else 100,
                    "status": "not_observed" if value is None else "ok",
                }
                for week, value in enumerate(values)
            ],
        }
        for number, values in enumerate(lines)
    ]
    return {
        "metric": "share", "label": "Share of posts", "unit": "share", "by": "content_type", "interval": "week",
        "since": START.isoformat(), "until": (START + timedelta(weeks=len(lines[0]))).isoformat(), "as_of": as_of,
        "filters": {}, "level": 0.95, "series": series,
    }  # fmt: skip


def spec_of(answer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return time_chart(answer, **{"title": "t", "subtitle": "s", "description": "d", "theme": LIGHT, **changes})


def test_every_bucket_is_a_row_and_what_is_missing_is_null() -> None:
    rows = spec_of(answer_with([0.1, None, 0.3]))["data"]["values"]
    assert [row["value"] for row in rows] == [0.1, None, 0.3]
    assert [row["est"] for row in rows] == [0.1, None, 0.3]


def test_holes_are_grey_and_joined_where_they_touch() -> None:
    spec = spec_of(answer_with([0.1, None, None, 0.3, None, 0.2], [0.9, None, None, None, None, 0.8]))
    holes = spec["layer"][0]["data"]["values"]
    assert [(hole["from"][:10], hole["to"][:10]) for hole in holes] == [
        ("2026-08-27", "2026-09-10"),
        ("2026-09-17", "2026-09-24"),
    ]


def test_a_bucket_that_is_not_over_is_joined_to_nothing() -> None:
    rows = spec_of(answer_with([0.1, 0.2], as_of="2026-09-02T00:00:00Z"))["data"]["values"]
    assert [(row["so_far"], row["est"], row["value"]) for row in rows] == [(False, 0.1, 0.1), (True, None, 0.2)]


def test_no_more_lines_than_can_be_told_apart() -> None:
    spec = spec_of(answer_with(*[[0.1, 0.2]] * 7))
    assert spec["encoding"]["color"]["scale"]["domain"] == [f"Line {number}" for number in range(4)]
    assert "4 of 7 shown" in words.subtitle_of(answer_with(*[[0.1, 0.2]] * 7))


def test_nothing_to_draw_says_so_inside_the_frame() -> None:
    assert "Nothing was collected in this period" in json.dumps(spec_of(answer_with([None, None])))
    assert "No posts match" in json.dumps(spec_of({**answer_with([None]), "series": []}))


def test_pages_follow_the_scheme_and_pictures_have_their_own_paper() -> None:
    page, picture = (
        json.dumps(spec_of(answer_with([0.1]), theme=PAGE)),
        json.dumps(spec_of(answer_with([0.1]), theme=DARK)),
    )
    assert "var(--series-1)" in page
    assert "var(" not in picture
    assert DARK.paper in picture


@given(st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=8), st.floats(0.001, 0.2))
def test_labels_never_overlap_and_keep_their_order(values: list[float], apart: float) -> None:
    values.sort()
    placed = spread(values, apart)
    assert len(placed) == len(values)
    assert all(b - a >= apart * 0.999 for a, b in itertools.pairwise(placed))
    assert sum(placed) == pytest.approx(sum(values), abs=1e-6)


def test_the_finding_speaks_of_the_last_whole_bucket() -> None:
    finding = words.finding_of(answer_with([0.1, 0.5, 0.2], [0.9, 0.25, 0.8], as_of="2026-09-08T00:00:00Z"))
    assert finding.replace("\u00a0", " ") == (
        "In the week of 31 August 2026: Line 0 50.0 % (49.0 to 51.0 %) and Line 1 25.0 % (24.0 to 26.0 %). Of 100 posts."
    )
    assert "observed" in words.finding_of(answer_with([None]))
    assert len(buckets_of(answer_with([None, 0.1]))) == 2


async def test_pictures_are_drawn_once_and_then_read(services: Services) -> None:
    async with client_of(services) as client:
        first = await client.get("/chart.svg?metric=share&by=content_type")
        assert first.status_code == 200
        assert first.headers["content-type"] == "image/svg+xml"
        assert b"<svg" in first.content
        assert b"Share of posts by content type" in first.content
        assert b"style=" not in first.content
        files = list((services.settings.home / "cache" / "charts").iterdir())
        assert [file.read_bytes() for file in files] == [first.content]
        again = await client.get(
            "/chart.svg?metric=share&by=content_type", headers={"If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304
        assert (await client.get("/chart.json?metric=share&by=content_type")).json()["$schema"].endswith("v6.json")
        assert (await client.get("/chart.svg?width=12")).status_code == 422
        assert (await client.get("/chart.svg?metric=loud")).status_code == 422
        assert (await client.get("/chart.gif")).status_code == 404


async def test_a_drawing_that_fails_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(Problem) as failure:
        await Studio(tmp_path).draw({"mark": "no such mark"}, "svg")
    assert failure.value.kind == "drawing-failed"
    assert not list(tmp_path.rglob("*.svg"))


@pytest.fixture(scope="module")
def served(shared: Services) -> Iterator[str]:
    with serving(shared) as address:
        yield address


def test_the_library_is_a_module_made_once(served: str, shared: Services) -> None:
    answer = httpx.get(served + BUNDLE_PATH, timeout=60)
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert "vegaEmbed" in answer.text
    made = list((shared.settings.home / "cache").glob("vega-*.js.gz"))
    assert [gzip.decompress(file.read_bytes()) for file in made] == [answer.content]


def test_a_browser_draws_the_chart_under_the_policy(served: str, tmp_path: Path) -> None:
    httpx.get(served + BUNDLE_PATH, timeout=60)
    page, console = open_page(served + "/", tmp_path)
    assert console == []
    drawn = page.partition('class="drawn')[2].partition("</figure>")[0]
    assert "<svg" in drawn
    assert "var(--series-1)" in drawn
