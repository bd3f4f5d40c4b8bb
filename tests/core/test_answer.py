"""How an answer is told: the document, its rows and its words."""

from __future__ import annotations

import orjson
import pytest

from monitor.core.answer import ROW_COLUMNS, document, rows
from monitor.core.metrics import METRICS
from tests.support.trends import NOW, WEEKLY, P, ask, points


def test_the_document() -> None:
    trend = ask(WEEKLY, metric="share", by="content_type", country="unknown", copies="fold")
    told = document(trend, label=lambda *_: None, generated=True, now=NOW)
    assert orjson.loads(orjson.dumps(told)) == told
    assert {name: told[name] for name in ("metric", "unit", "by", "interval", "since", "until", "filters", "generated")} == {
        "metric": "share", "unit": "share", "by": "content_type", "interval": "week", "since": "2026-01-05",
        "until": "2026-02-02", "filters": {"country": ["unknown"]}, "generated": True,
    }  # fmt: skip
    assert told["as_of"] == "2026-02-04T09:36:00Z"
    assert told["coverage"] == {"sources": 3, "observed": 1.0}
    assert told["notes"][0].startswith("Generated data")
    assert told["reproduce"] == (
        "trendmonitor trends --metric share --by content_type --interval week --since 2026-01-05 --until 2026-02-02 "
        "--copies fold --filter country=unknown"
    )
    video, news = told["series"][0], told["series"][2]
    assert (video["key"], video["label"]) == ("video", "Video")
    assert news["points"][0] == {
        "start": "2026-01-05", "value": 1.0, "low": pytest.approx(0.7847, abs=1e-4), "high": 1.0, "n": 14, "of": 14,
        "status": "ok", "sources_observed": 3, "sources_expected": 3,
    }  # fmt: skip


def test_counts_are_told_as_whole_numbers() -> None:
    assert isinstance(points(ask(WEEKLY))[0]["value"], int)


def test_nothing_ever_observed_says_so() -> None:
    told = document(ask([], {}), label=lambda *_: None, generated=False, now=NOW)
    assert told["as_of"] == "2026-02-04T12:00:00Z"
    assert told["coverage"]["observed"] is None
    assert "None of these sources has been observed yet." in told["notes"]
    assert all(point["value"] is None for point in told["series"][0]["points"])


def test_labels_come_from_the_caller_where_the_core_has_none() -> None:
    trend = ask([P(0, country="DE"), P(0)], by="country")
    told = document(trend, label=lambda dimension, key: {"DE": "Germany"}.get(key), generated=False, now=NOW)
    assert [series["label"] for series in told["series"]] == ["Germany", "Country unknown"]


def test_rows_are_tidy() -> None:
    trend = ask(WEEKLY, metric="sentiment", by="platform")
    flat = rows(trend, label=lambda *_: None, now=NOW)
    assert len(flat) == 2 * 4
    assert all(tuple(row) == ROW_COLUMNS for row in flat)
    assert (flat[0]["start"], flat[0]["end"], flat[0]["level"], flat[0]["as_of"]) == (
        "2026-01-05",
        "2026-01-12",
        0.95,
        "2026-02-04T09:36:00Z",
    )


def test_every_metric_is_fully_described() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.label
        assert metric.unit
        assert "n" in metric.about
        assert "nterval" in metric.about


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"by": ["platform"]}, ["Not measurable on sermo: Members' posts."]),
        ({"platform": ["sermo", "web"]}, ["Not measurable on sermo: Members' posts."]),
        ({"platform": ["web"], "by": ["platform"]}, []),
        ({"by": ["topic"]}, []),
    ],
)
def test_an_answer_that_touches_a_closed_platform_says_what_it_cannot_show(
    params: dict[str, list[str]], told: list[str]
) -> None:
    trend = ask([], {}, **params)
    answer = document(trend, label=lambda *_: None, generated=False, now=NOW, closed={"sermo": "Members' posts."})
    assert [note for note in answer["notes"] if note.startswith("Not measurable")] == told
