"""Import: what is stored, counted, observed and refused; twice, interrupted, overlapping and killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from collectors.base import Engagement
from monitor import archive
from monitor.archive import ArchiveError
from monitor.core.metrics import parse_query
from monitor.core.model import Interval
from monitor.standing import why_lost
from monitor.store import Store
from monitor.trends import Trends
from tests.support.archives import NOW, RECIPE, record, rejects, run_import, stored_posts, write_lines
from tests.support.posts import make_source
from tests.support.stores import counted_cells, stored_cells

ROOT = Path(__file__).parents[1]


def test_posts_are_stored_tagged_and_counted(store: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", (record(n, author="Jane Doe", engagement={"likes": n}) for n in range(30)))
    report = run_import(store, path)
    assert (report.read, report.imported, report.rejected, report.reject_file) == (30, 30, 0, None)
    assert (report.sources, report.created_sources, report.resumed_at) == (1, ("wire",), 0)
    posts = stored_posts(store)
    assert len(posts) == 30
    post = posts["wire", "p7"]
    assert (post.title, post.engagement) == ("Ward report 7", Engagement(likes=7))
    assert "telehealth" in post.annotation.topics
    assert post.author is not None
    assert "jane" not in post.author.lower()
    assert stored_cells(store) == counted_cells(posts.values())


def test_what_a_record_states_stands_against_tagging(sqlite_store: Store, tmp_path: Path) -> None:
    stated = record(
        1, content_type="podcast", audience=["physicians"], topics=["privacy"], live=False, sponsored=True, country="JP",
        language="fr", title="Live: telehealth for nurses", url="https://www.youtube.com/watch?v=abc", duration=90, guests=2,
    )  # fmt: skip
    run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [stated, stated | {"id": "live", "live": True}]))
    post = stored_posts(sqlite_store)["wire", "p1"]
    tags = post.annotation
    assert (tags.content_type, tags.audience, tags.topics) == ("podcast", ("physicians",), ("privacy",))
    assert (tags.live, tags.sponsored, tags.country, tags.language) == (False, True, "JP", "fr")
    assert (post.duration, post.guests) == (90.0, 2)
    assert stored_posts(sqlite_store)["wire", "live"].annotation.live is True


def test_twice_and_overlapping_files_change_nothing(store: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", (record(n) for n in range(40)))
    run_import(store, path)
    version, posts = store.data_version(), stored_posts(store)
    again = run_import(store, path, clock=lambda: NOW + timedelta(hours=1))
    assert (again.imported, again.created_sources) == (40, ())
    assert stored_posts(store) == posts
    assert store.data_version() == version, "not even a mirror has to look"
    run_import(store, write_lines(tmp_path / "b.jsonl", (record(n) for n in range(20, 60))))
    posts = stored_posts(store)
    assert len(posts) == 60
    assert stored_cells(store) == counted_cells(posts.values())


def test_the_later_record_of_one_id_stands(sqlite_store: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [record(1, title="first"), record(2), record(1, title="second")])
    report = run_import(sqlite_store, path)
    assert (report.read, report.imported) == (3, 3)
    assert stored_posts(sqlite_store)["wire", "p1"].title == "second"
    assert sqlite_store.totals().posts == 2


def test_records_that_do_not_fit_are_counted_kept_and_skipped(sqlite_store: Store, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl",
        [record(0), "no json", record(1, published_at="2199-01-01"), record(2, country="UK"), record(3, country="XX"),
         record(4, source="Not A Slug"), b"\xff\xfe\x00", record(5, title=None, text=None), record(6)],
    )  # fmt: skip
    report = run_import(sqlite_store, path)
    assert (report.read, report.imported, report.rejected) == (9, 2, 7)
    assert sum(report.reasons.values()) == 7
    assert len(report.reasons) == 7
    kept = rejects(report)
    assert [one["record"] for one in kept] == [2, 3, 4, 5, 6, 7, 8]
    assert "2199" in kept[1]["reason"]
    assert json.loads(kept[1]["raw"])["id"] == "p1"
    assert run_import(sqlite_store, path).rejected == 7
    assert len(rejects(report)) == 7, "a second run writes the file anew"


def test_reasons_stay_few_whatever_the_values(sqlite_store: Store, tmp_path: Path) -> None:
    rng = random.Random(3)
    wrong = [
        record(
            n, **{rng.choice(["country", "live", "content_type", "duration", "published_at"]): f"{rng.random()}'\" {n}"}
        )
        for n in range(300)
    ]
    report = run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", wrong))
    assert report.rejected == 300
    assert len(report.reasons) == 5


def test_a_source_for_all_records(sqlite_store: Store, tmp_path: Path) -> None:
    sqlite_store.add_source(make_source("who", country="CH", audience=("public_health",)), NOW)
    path = write_lines(tmp_path / "a.jsonl", [record(1, source=None), record(2, source="other")])
    assert run_import(sqlite_store, path).rejected == 1
    report = run_import(sqlite_store, path, default_source="who")
    assert (report.imported, report.created_sources) == (2, ())
    post = stored_posts(sqlite_store)["who", "p1"]
    assert post.annotation.country == "CH", "the priors of a tracked source hold"
    with pytest.raises(ArchiveError, match="is not an id"):
        run_import(sqlite_store, path, default_source="Who News")


def test_a_source_field_with_something_else_in_it_does_not_flood(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_SOURCES", 5)
    report = run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", (record(n, source=f"s{n}") for n in range(20))))
    assert (report.imported, report.rejected, len(report.created_sources)) == (5, 15, 5)
    assert any("new ones" in reason for reason in report.reasons)


def test_archive_sources_are_never_due_and_never_failing(store: Store, tmp_path: Path) -> None:
    run_import(store, write_lines(tmp_path / "a.jsonl", [record(1)]))
    assert store.claim_due(NOW, limit=10, lease=timedelta(minutes=1)) == []
    tracked = store.set_paused("wire", False, NOW)
    assert store.claim_due(NOW + timedelta(days=9), limit=10, lease=timedelta(minutes=1)) == []
    assert tracked.state.failing_since is None


def test_coverage_runs_from_first_to_last_record(sqlite_store: Store, tmp_path: Path) -> None:
    days = ("2026-01-05T10:00:00Z", "2026-03-01T00:00:00Z", "2026-02-01T00:00:00+05:00")
    run_import(
        sqlite_store, write_lines(tmp_path / "a.jsonl", (record(n, published_at=day) for n, day in enumerate(days)))
    )
    assert sqlite_store.coverage()["wire"] == [
        Interval(datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC))
    ]


def test_declared_gaps_are_not_observed_and_declared_silence_is_zero(store: Store, tmp_path: Path) -> None:
    header = {
        "coverage": [
            {"source": "wire", "since": "2026-01-05", "until": "2026-02-02"},
            {"source": "wire", "since": "2026-02-16", "until": "2027-01-01"},
            {"source": "silent", "since": "2026-01-05", "until": "2026-03-02"},
        ]
    }
    posts = [record(n, published_at=f"2026-01-{6 + n:02d}") for n in range(7)] + [record(9, published_at="2026-02-20")]
    run_import(store, write_lines(tmp_path / "a.jsonl", [header, *posts]))
    assert store.coverage()["wire"][-1].until == NOW, "nobody observed the future"
    (gap,) = store.gaps("wire")
    assert (gap.reason, why_lost(gap.reason)) == ("declared", "its archive declares a gap here")

    def weeks(**filters: list[str]) -> list[tuple[str, Any]]:
        window = {"interval": ["week"], "since": ["2026-01-05"], "until": ["2026-03-02"]}
        query = parse_query(window | filters, now=NOW)
        (series,) = Trends(store, clock=lambda: NOW).answer(query)["series"]
        return [(point["status"], point["value"]) for point in series["points"]]

    assert weeks(source=["wire"]) == [
        ("ok", 6),
        ("ok", 1),
        ("ok", 0),
        ("ok", 0),
        ("not_observed", None),
        ("not_observed", None),
        ("ok", 1),
        ("ok", 0),
    ]
    assert weeks(source=["silent"]) == [("ok", 0)] * 8
    assert [status for status, _ in weeks()][4:6] == ["partial", "partial"]


@pytest.mark.parametrize(
    "header", [{"coverage": {}}, {"coverage": [{"source": "a", "since": "2026-02-01", "until": "2026-01-01"}]}, {"coverage": [{"source": "a"}]}]
)  # fmt: skip
def test_a_header_that_does_not_fit_refuses_the_file(
    sqlite_store: Store, tmp_path: Path, header: dict[str, Any]
) -> None:
    with pytest.raises(ArchiveError, match="first line: coverage"):
        run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [header, record(1)]))
    assert sqlite_store.totals().posts == 0


def test_a_header_alone_is_an_archive_of_silence(sqlite_store: Store, tmp_path: Path) -> None:
    header = {"coverage": [{"source": "quiet", "since": "2026-01-01", "until": "2026-02-01"}]}
    report = run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [header]))
    assert (report.read, report.rejected) == (0, 0)
    assert len(sqlite_store.coverage()["quiet"]) == 1


def test_worker_processes_give_the_same_as_this_one(sqlite_store: Store, tmp_path: Path) -> None:
    lines: list[Any] = [record(n) for n in range(2_600)]
    lines[1_300] = "no json"
    path = write_lines(tmp_path / "a.jsonl", lines)
    shares: list[float] = []
    report = run_import(sqlite_store, path, workers=2, progress=lambda _, share: shares.append(share))
    assert (report.read, report.imported, report.rejected) == (2_600, 2_599, 1)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    apart = stored_posts(sqlite_store)
    other = Store.open(f"sqlite:///{tmp_path / 'other.db'}")
    other.migrate()
    run_import(other, path, workers=0)
    assert stored_posts(other) == apart
    other.close()


def test_an_error_in_the_middle_keeps_what_came_before(sqlite_store: Store, tmp_path: Path) -> None:
    import gzip

    lines = b"".join(json.dumps(record(n, title=os.urandom(9).hex())).encode() + b"\n" for n in range(3_000))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(lines)[:-2_000])
    with pytest.raises(ArchiveError, match="what came before is imported"):
        run_import(sqlite_store, path, workers=2)
    assert 2_000 < sqlite_store.totals().posts < 3_000


CHILD = """
import sys
from pathlib import Path
from monitor.standing import why_lost
from monitor.store import Store
from tests.support.archives import run_import
store = Store.open(sys.argv[1])
print("ready", flush=True)
run_import(store, Path(sys.argv[2]), workers=int(sys.argv[3]))
print("done", flush=True)
"""


def test_killed_again_and_again_it_ends_like_an_undisturbed_import(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path
) -> None:
    rng = random.Random(11)
    lines: list[Any] = [
        record(
            n,
            source=f"s{n % 7}",
            text=f"The clinic of {rng.choice(['north', 'south'])} tells about the flu and {n // 40}",
        )
        for n in range(10_000)
    ]
    for place in range(50, 10_000, 400):
        lines[place] = f"not json {place}"
    path = write_lines(tmp_path / "a.jsonl", lines)
    kills, resumed = 0, []
    for attempt in range(40):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, sqlite_url, path, str(attempt % 2 * 2)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        before = sqlite_store.totals().posts
        limit = time.monotonic() + 60
        # a moment after something new was committed, so that every run gets somewhere and dies at work
        while child.poll() is None and sqlite_store.totals().posts == before and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.05)
        child.send_signal(signal.SIGKILL)
        status = child.wait(10)
        child.stdout.close()
        if status == 0:
            break
        kills += 1
        resumed.append(sqlite_store.totals().posts)
        if kills == 5:
            break
    assert kills >= 3, "it was killed at work"
    assert resumed == sorted(resumed)
    report = run_import(sqlite_store, path, workers=0)
    assert report.resumed_at >= 1_000
    assert (report.read, report.rejected) == (10_000, 25)
    assert [one["record"] for one in rejects(report)] == list(range(51, 10_001, 400))
    calm = Store.open(f"sqlite:///{tmp_path / 'calm.db'}")
    calm.migrate()
    run_import(calm, path, workers=0)
    assert stored_posts(sqlite_store) == stored_posts(calm)
    assert stored_cells(sqlite_store) == stored_cells(calm)
    assert sqlite_store.coverage() == calm.coverage()
    calm.close()


def test_workers_end_with_a_killed_parent(sqlite_url: str, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", (record(n) for n in range(30_000)))
    child = subprocess.Popen([sys.executable, "-c", CHILD, sqlite_url, path, "2"], stdout=subprocess.PIPE, cwd=ROOT)
    workers: list[str] = []
    limit = time.monotonic() + 30
    while len(workers) < 2 and time.monotonic() < limit:
        time.sleep(0.02)
        listed = Path(f"/proc/{child.pid}/task/{child.pid}/children")
        workers = listed.read_text().split() if listed.exists() else []
    assert len(workers) == 2
    child.kill()
    child.wait(10)
    assert child.stdout is not None
    child.stdout.close()
    while any(_alive(worker) for worker in workers) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not any(_alive(worker) for worker in workers)


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_memory_does_not_grow_with_the_file() -> None:
    from monitor.archive_convert import CHUNK, CHUNK_BYTES, Converter, _chunks

    endless = (
        (n, b'{"id": "%d", "published_at": "2026-01-01", "title": "%s"}' % (n, b"x" * 100_000)) for n in range(1, 400)
    )
    sizes = [sum(len(raw) for _, raw in chunk) for chunk in islice(_chunks(endless), 4)]
    assert max(sizes) < CHUNK_BYTES + 200_000
    assert CHUNK >= 100
    converter = Converter(RECIPE, {}, "wire", NOW)
    converted = converter.convert(
        [(1, b'{"id": "1", "published_at": "2026-01-01", "text": "%s"}' % (b"word " * 300_000))]
    )
    (post,) = converted.posts()["wire"]
    assert len(post.text) <= 20_000
    assert post.repairs == ("text cut to 20000 characters",)
