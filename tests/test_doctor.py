"""Doctor names what is broken and what to do, and a source's standing is one word everywhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor import doctor
from monitor.bootstrap import Services
from monitor.core.decide import OFFLINE
from monitor.core.model import SourceState, TrackedSource, Visit, Write
from monitor.doctor import Finding, examine, try_examples
from monitor.remedies import REMEDIES, remedy_for
from monitor.retag import remember_lists
from monitor.settings import Settings
from monitor.standing import STATUSES, standing, status_of
from monitor.store import Store
from monitor.store.keys import GENERATED
from tests.support.collecting import DAY, HOUR, START, Clock
from tests.support.posts import make_post, make_source

ROOT = Path(__file__).parents[1]
OK = Visit("", START, START, "unchanged", next_due=START + HOUR)
BAD = Visit("", START, START, "http_404", "It was not found.", ok=False, failures=1.0, next_due=START + HOUR)

Make = Callable[..., Services]


@pytest.fixture
def make(sqlite_url: str, tmp_path: Path) -> Iterator[Make]:
    made: list[Services] = []

    def services(**settings: Any) -> Services:
        given = {"home": tmp_path, "config": ROOT / "config", "database_url": sqlite_url}
        made.append(Services(Settings(**(given | settings)), clock=Clock()))
        return made[-1]

    yield services
    for one in made:
        one.close()


def track(store: Store, name: str, *visits: Visit) -> None:
    store.add_source(make_source(name), START - 9 * DAY)
    for visit in visits:
        store.record_visit(replace(visit, source=name))


def about(findings: list[Finding], subject: str) -> Finding:
    (found,) = (one for one in findings if one.subject == subject and one.level != "ok")
    return found


def test_a_healthy_service_has_nothing_to_complain_about(make: Make) -> None:
    services = make()
    track(services.store, "ward", OK)
    findings = examine(services, {})
    assert {one.level for one in findings} == {"ok"}
    assert {one.subject for one in findings} == {"configuration", "disk", "database", "sources"}


def test_a_database_without_sources_is_a_problem(make: Make) -> None:
    finding = about(examine(make(), {}), "sources")
    assert (finding.level, "sources add" in (finding.remedy or "")) == ("problem", True)


def test_a_database_that_cannot_be_opened_is_the_first_thing_to_mend(make: Make, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_text("this is no database" * 100)
    finding = about(examine(make(database_url=f"sqlite:///{broken}"), {}), "database")
    assert finding.level == "problem"
    assert "not a SQLite database" in finding.says


def test_mistakes_in_the_configuration_are_all_told(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "sources.yaml").write_text("sources: [{id: 'NOT A SLUG'}]")
    finding = about(examine(make(config=folder), {}), "configuration")
    assert finding.level == "problem"
    assert "sources.yaml" in finding.says
    assert "trendmonitor apply" in (finding.remedy or "")


def test_a_misspelt_variable_is_shown_with_what_was_meant(make: Make) -> None:
    finding = about(examine(make(), {"TRENDMONITOR_CONTAKT": "x", "TRENDMONITOR_KEY__YOUTUBE": "y"}), "environment")
    assert "TRENDMONITOR_CONTAKT" in finding.says
    assert "TRENDMONITOR_CONTACT" in (finding.remedy or "")


def test_a_full_disk_is_a_problem(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "LOW_DISK", 1 << 62)
    finding = about(examine(make(home=tmp_path / "not" / "yet" / "made"), {}), "disk")
    assert (finding.level, "TRENDMONITOR_HOME" in (finding.remedy or "")) == ("problem", True)


def test_generated_data_is_said_and_nothing_else_is_looked_for(make: Make) -> None:
    services = make()
    services.store.set_meta(GENERATED, "true")
    assert about(examine(services, {}), "data").level == "warning"


def test_a_digest_that_cannot_be_sent_from_here_is_named(make: Make, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    digest = {
        "id": "ward", "title": "Ward", "schedule": "daily 08:00 UTC",
        "channels": [{"kind": "chat", "to": ["env:NO_SUCH_VARIABLE_HERE"]}],
    }  # fmt: skip
    (tmp_path / "config" / "digests.yaml").write_text(yaml.safe_dump({"digests": [digest]}))
    services = make(config=tmp_path / "config")
    finding = about(examine(services), "digest ward")
    assert finding.level == "warning"
    assert "NO_SUCH_VARIABLE_HERE" in finding.says
    assert "digest test" in finding.remedy


def test_a_failure_becomes_a_problem_when_it_lasts(make: Make) -> None:
    services = make()
    assert isinstance(services.clock, Clock)
    track(services.store, "fine", OK)
    track(services.store, "ward", OK, BAD)
    track(services.store, "never", BAD)
    today = examine(services, {})
    assert [about(today, name).level for name in ("ward", "never")] == ["warning", "warning"]
    assert "sources discover" in (about(today, "ward").remedy or "")
    services.clock.move(2 * DAY)
    later = examine(services, {})
    assert [about(later, name).level for name in ("ward", "never")] == ["problem", "warning"]
    assert "It was not found." in about(later, "ward").says
    assert about(later, "schedule").says == "3 due for more than an hour"


def test_what_stopped_is_named_unless_config_dropped_it(make: Make) -> None:
    services = make()
    track(services.store, "gone", replace(BAD, outcome="http_410", stopped="410 Gone: it is gone"))
    services.store.apply([make_source("dropped")], START)
    services.store.apply([], START)
    findings = examine(services, {})
    assert "sources resume gone" in (about(findings, "gone").remedy or "")
    assert "dropped" not in {one.subject for one in findings}


def test_an_outage_of_ours_is_one_finding(make: Make) -> None:
    services = make()
    for n in range(6):
        track(services.store, f"s{n}", OK, replace(BAD, outcome=OFFLINE, message="no network", failures=0.0))
    findings = [one for one in examine(services, {}) if one.level != "ok"]
    assert [(one.level, one.subject) for one in findings] == [("problem", "network")]


def test_when_everything_fails_this_machine_is_looked_at_first(make: Make) -> None:
    services = make()
    for n in range(20):
        track(services.store, f"s{n}", BAD)
    findings = examine(services, {})
    assert about(findings, "network").says == "every visited source fails"
    assert "5 more fail" in {one.says for one in findings}


def test_sources_that_wait_for_their_first_visit_are_counted(make: Make) -> None:
    services = make()
    track(services.store, "ward")
    assert about(examine(services, {}), "sources").says == "1 not visited yet"


# Tags


def write_config(tmp_path: Path, telehealth: dict[str, Any]) -> Path:
    folder = tmp_path / "edited"
    shutil.copytree(ROOT / "config", folder)
    file = folder / "taxonomy" / "care.yaml"
    topics = yaml.safe_load(file.read_text(encoding="utf-8"))
    topics["telehealth"] |= telehealth
    file.write_text(yaml.safe_dump(topics, allow_unicode=True), encoding="utf-8")
    return folder


def test_posts_tagged_by_other_lists_are_told_with_the_remedy(make: Make, tmp_path: Path) -> None:
    services = make()
    track(services.store, "ward", OK)
    remember_lists(services.store, services.config.taxonomy, services.config.lexicon)
    services.store.commit(Write("ward", START, (make_post("a", source="ward"),)))
    assert not [one for one in examine(services, {}) if one.subject == "tags"]
    edited = make(config=write_config(tmp_path, {"label": "Care at a distance"}))
    finding = about(examine(edited, {}), "tags")
    assert finding.level == "warning"
    assert "word lists" in finding.says
    assert (finding.remedy or "").startswith("Run `trendmonitor retag --all`")


def test_the_bundled_topics_keep_what_their_examples_claim(make: Make) -> None:
    (finding,) = try_examples(make())
    assert (finding.level, finding.subject) == ("ok", "topics")


def test_an_example_that_is_not_found_and_a_counter_example_that_is(make: Make, tmp_path: Path) -> None:
    missed, hit = "The weather was fine on the whole", "This telehealth company sells shoes"
    folder = write_config(tmp_path, {"examples": [missed], "counter_examples": [hit]})
    first, second = try_examples(make(config=folder))
    assert (first.level, first.subject, second.subject) == ("problem", "topic telehealth", "topic telehealth")
    assert missed in first.says
    assert "not found" in first.says
    assert "language: en" in first.says
    assert hit in second.says
    assert "config/taxonomy" in (second.remedy or "")


def test_many_wrong_examples_are_counted_and_a_broken_configuration_is_left_to_examine(
    make: Make, tmp_path: Path
) -> None:
    folder = write_config(tmp_path, {"examples": [f"Nothing of the kind, {n} times" for n in range(20)]})
    found = try_examples(make(config=folder))
    assert len(found) == doctor.SHOWN + 1
    assert found[-1].says == "5 more examples are tagged otherwise"
    (folder / "sources.yaml").write_text("sources: [{id: 'NOT A SLUG'}]")
    assert try_examples(make(config=folder)) == []


# Standing


def one(**state: Any) -> TrackedSource:
    facts = {"declared": False, "created_at": START, "last_try": START, "next_due": START + HOUR, "last_new": START}
    return TrackedSource(make_source(), SourceState(**(facts | state)))


@pytest.mark.parametrize(
    ("state", "status", "label"),
    [
        ({}, "ok", "On time"),
        ({"last_new": None}, "ok", "Empty but reachable"),
        ({"next_due": START - timedelta(hours=2)}, "ok", "Late"),
        ({"last_try": None}, "waiting", "Not checked yet"),
        ({"failing_since": START, "error_code": "http_500"}, "failing", "Failing"),
        ({"failing_since": START, "error_code": "http_403"}, "failing", "Blocked by the site"),
        ({"failing_since": START, "error_code": "blocked_by_publisher"}, "failing", "Blocked by the site"),
        ({"failing_since": START, "error_code": "needs_key"}, "failing", "Needs access"),
        ({"failing_since": START, "error_code": OFFLINE}, "failing", "No network here"),
        ({"stopped": "410 Gone", "failing_since": START}, "stopped", "Stopped"),
        ({"paused": True, "stopped": "410 Gone", "failing_since": START}, "paused", "Paused by you"),
    ],
)
def test_a_source_has_one_standing(state: dict[str, Any], status: str, label: str) -> None:
    tracked = one(**state)
    found = standing(tracked, START)
    assert (status_of(tracked), found.status, found.label) == (status, status, label)
    assert status in STATUSES


def test_an_archive_is_neither_late_nor_waiting() -> None:
    tracked = replace(one(last_try=None), source=make_source(collector="archive"))
    assert standing(tracked, START).label == "Imported"


# Remedies


def test_every_code_that_the_source_code_names_has_a_remedy() -> None:
    # the second way to name one is that of net/failures.py: a table of (code, sentence)
    failures = (ROOT / "collectors" / "net" / "failures.py").read_text()
    files = [*(ROOT / "collectors").rglob("*.py"), ROOT / "monitor" / "workbench.py", ROOT / "monitor" / "readers.py"]
    text = "\n".join(path.read_text() for path in files)
    codes = set(re.findall(r'code="([a-z_0-9]+)"', text)) | set(re.findall(r'\("([a-z_]+)", "(?:no|it|the) ', failures))
    assert {"dns", "connect", "timeout_silence", "entity_bomb", "http_410", "reader_died"} <= codes
    assert {code for code in codes if remedy_for(code) is None} == set()
    assert set(REMEDIES) - codes - {"http_401", "http_402", "http_403", "http_407", "http_451", OFFLINE} == set()


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 406, 408, 418, 429, 451, 500, 502, 503, 504, 521])
def test_every_status_has_a_remedy(status: int) -> None:
    assert remedy_for(f"http_{status}")
