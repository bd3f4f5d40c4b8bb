"""How long new trend queries take on SQLite, and how much memory the cells need, at 100,000 and 1,000,000 posts.

    .venv/bin/python -m benchmarks trends

Posts are drawn over 400 sources, two years and a few thousand combinations of tags; nearly every post has a cell of its
own, which is the hard case. Their cells are written to a fresh SQLite store directly, since importing is measured
elsewhere. Every query is asked once, so no kept answer helps; repeats are timed apart.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from collectors.base import Source
from monitor.core.buckets import day_number
from monitor.core.cells import MEASURES
from monitor.core.metrics import METRICS, parse_query
from monitor.core.model import AUDIENCES, CONTENT_TYPES, Observed, Visit, Write
from monitor.core.query import DIMENSIONS
from monitor.store.store import Store
from monitor.trends import Trends

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
DAYS = 730
SOURCES = 400
TOPICS = (
    "telehealth",
    "ai",
    "privacy",
    "compliance",
    "wellness",
    "research",
    "workforce",
    "vaccination",
    "oncology",
    "diabetes",
    "cardiology",
    "nutrition",
    "obesity",
    "patient_education",
    "community_support",
    "chronic_disease",
    "digital_marketing",
    "personalisation",
    "patient_centred_care",
    "awareness_campaigns",
    "influencer",
)
POSTS = (100_000, 1_000_000)
MEDIAN_AIM = 50.0
"""Milliseconds."""
COLUMNS = ("id", "source", "day", "combo", *MEASURES)


class Generated:
    """Cells and combinations of random posts. Seeded, so that two runs see the same."""

    def __init__(self, posts: int) -> None:
        rng = np.random.default_rng(7)
        self.posts = posts
        self._combos = self._make_combos(rng)
        combos = 1 + (rng.random(posts) ** 2 * len(self._combos)).astype(np.int64)
        sources = 1 + (rng.random(posts) ** 1.5 * SOURCES).astype(np.int64)
        days = day_number(NOW) - rng.integers(0, DAYS, posts)
        key, self._cell, counts = np.unique(
            (sources * 10**5 + days) * 10**5 + combos, return_inverse=True, return_counts=True
        )
        self.cells = len(key)
        values = np.zeros((self.cells, len(COLUMNS)), np.int64)
        values[:, 0] = np.arange(1, self.cells + 1)
        values[:, 1], values[:, 2], values[:, 3] = key // 10**10, key // 10**5 % 10**5, key % 10**5
        values[:, COLUMNS.index("posts")] = counts
        score = rng.integers(-9_000, 9_500, posts) * (rng.random(posts) < 0.7)
        told = rng.random(posts) < 0.5
        likes = rng.lognormal(3, 2, posts).astype(np.int64) * told
        views = (likes * rng.integers(20, 200, posts)) + told
        log = np.rint(np.log1p(likes) * 10_000).astype(np.int64)
        words = rng.integers(5, 900, posts)
        for name, column in {
            "sentiment_n": score != 0,
            "sentiment_sum": score,
            "sentiment_sq": score * score,
            "positive": score >= 500,
            "negative": score <= -500,
            "engagement_n": told,
            "engagement_log_sum": log,
            "engagement_log_sq": log * log,
            "views_n": told,
            "views_sum": views,
            "interactions_sum": likes,
            "viewed_n": told,
            "viewed_interactions_sum": likes,
            "viewed_views_sum": views,
            "words_sum": words,
            "words_sq": words * words,
            "duration_n": told,
            "duration_sum": told * words,
        }.items():
            np.add.at(values[:, COLUMNS.index(name)], self._cell, np.asarray(column).astype(np.int64))
        rng.shuffle(values[:, 1:], axis=0)
        self._values = values

    def _make_combos(self, rng: np.random.Generator) -> list[Any]:
        countries = [None, "US", "DE", "FR", "GB", "IN", "BR", "JP", "MX", "AE", "CA", "ES"]
        languages = [None, "en", "de", "fr", "es", "pt"]
        audiences = [",".join(pair) for size in (1, 2) for pair in itertools.combinations(sorted(AUDIENCES), size)]
        made: dict[tuple[Any, ...], int] = {}
        while len(made) < 4_000:
            topics = ",".join(sorted(rng.choice(TOPICS, rng.integers(0, 4), replace=False)))
            facts = (
                str(rng.choice(CONTENT_TYPES)),
                str(rng.choice(audiences)),
                countries[rng.integers(len(countries))],
                languages[rng.integers(len(languages))],
                topics,
                bool(rng.random() < 0.05),
                bool(rng.random() < 0.05),
                bool(rng.random() < 0.1),
            )
            made.setdefault(facts, len(made) + 1)
        return [(number, f"{number}", *facts) for facts, number in made.items()]

    def save(self, path: Path, *, outages: bool = True) -> Store:
        """A new store with these cells, of sources with a few long outages each or without any."""
        store = Store.open(f"sqlite:///{path}")
        store.migrate()
        rng = np.random.default_rng(8)
        for number in range(1, SOURCES + 1):
            source = f"source-{number:03}"
            store.add_source(Source(id=source, collector="feed", platform=f"platform{number % 12}", url=""), NOW)
            store.record_visit(Visit(source=source, started=NOW, finished=NOW, outcome="new"))
            edges = sorted(rng.integers(0, DAYS * 24, 5).tolist(), reverse=True) if outages else [DAYS * 24]
            moments = [NOW - timedelta(hours=edge) for edge in edges]
            for since, until in zip(*[iter([*moments, NOW])] * 2, strict=True):
                store.commit(Write(source=source, at=NOW, observed=Observed(since, until)))
        with sqlite3.connect(path) as database:
            marks = ", ".join("?" * 10)
            database.executemany(f"INSERT INTO combo VALUES ({marks})", self._combos)
            columns, marks = ", ".join((*COLUMNS, "version")), ", ".join("?" * (len(COLUMNS) + 1))
            (version,) = database.execute("UPDATE clock SET version = version + 1 RETURNING version").fetchone()
            for start in range(0, self.cells, 50_000):
                rows = self._values[start : start + 50_000].tolist()
                database.executemany(
                    f"INSERT INTO cell ({columns}) VALUES ({marks})", [[*row, version] for row in rows]
                )
        return store


def queries() -> list[dict[str, list[str]]]:
    """Every metric by every dimension over two years of weeks, and what people ask beside that."""
    two_years = {"since": ["2024-07-15"], "until": ["2026-07-16"]}
    asked = [
        {"metric": [metric], "interval": ["week"], **two_years} | ({"by": [by]} if by else {})
        for metric in METRICS
        for by in (None, *DIMENSIONS)
    ]
    asked += [
        {"metric": ["share"], "by": [by], "interval": ["day"], **two_years}
        for by in ("content_type", "topic", "source")
    ]
    asked += [{"metric": ["volume"], "by": [by], "interval": ["month"], **two_years} for by in ("country", "source")]
    asked += [
        {"metric": ["share"], "by": ["content_type"], "country": ["DE", "FR"], "topic": [topic]} for topic in TOPICS[:5]
    ]
    asked += [{"metric": ["sentiment"], "by": ["platform"], "panel": ["fixed"], "copies": ["fold"], **two_years}]
    return asked


def measure(posts: int, folder: Path) -> dict[str, Any]:
    generated = Generated(posts)
    store = generated.save(folder / f"{posts}.db")
    trends = Trends(store, clock=lambda: NOW)
    started = time.perf_counter()
    trends.refresh()
    loaded = time.perf_counter() - started
    times: dict[str, float] = {}
    largest = 0
    for params in queries():
        query = parse_query(params, now=NOW)
        started = time.perf_counter()
        body, _ = trends.answer_bytes(query)
        spent = time.perf_counter() - started
        largest = max(largest, len(body))
        times[" ".join(f"{name}={','.join(values)}" for name, values in params.items())] = spent * 1000
    params = queries()[1]
    started = time.perf_counter()
    repeats = 2_000
    for _ in range(repeats):
        trends.answer_bytes(parse_query(params, now=NOW))
    repeat = (time.perf_counter() - started) / repeats
    ordered = sorted(times.items(), key=lambda item: item[1])
    store.commit(Write(source="source-001", at=NOW, observed=Observed(NOW, NOW + timedelta(minutes=1))))
    started = time.perf_counter()
    trends.refresh()
    refreshed = time.perf_counter() - started
    store.close()
    return {
        "posts": posts,
        "cells": generated.cells,
        "load_seconds": round(loaded, 2),
        "cube_megabytes": round(trends._cube.nbytes / 1e6, 1),
        "queries": len(times),
        "median_ms": round(statistics.median(times.values()), 2),
        "p90_ms": round(ordered[int(len(ordered) * 0.9)][1], 2),
        "slowest": [{"query": name, "ms": round(ms, 1)} for name, ms in ordered[-3:]],
        "largest_answer_kilobytes": round(largest / 1e3),
        "refresh_ms": round(refreshed * 1000, 1),
        "repeat_us": round(repeat * 1e6, 1),
    }


def run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        results = [measure(posts, Path(folder)) for posts in POSTS]
    return {
        "ratios": {
            f"median of new queries against the aim of {MEDIAN_AIM:.0f} ms, {one['posts']:,} posts": round(
                one["median_ms"] / MEDIAN_AIM, 2
            )
            for one in results
        },
        "trends": results,
    }
