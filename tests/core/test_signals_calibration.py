"""A small part of what `make calibrate` measures, so that a change that breaks the promise is seen at once."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibration import signals
from benchmarks.calibration.signal_worlds import ALL, PLAIN, SERIES, draw
from benchmarks.calibration.signals import BUDGETS, C1, DEFAULT, TRIPLE, Tally, write
from monitor.core.signals.combine import fire, judge, thresholds


def test_weekly_lists_keep_the_budget_and_find_more_than_the_usual_rules() -> None:
    done = signals._tally(("week", signals.CALM.index(ALL), 0), 3)
    assert done.in_budget_time(DEFAULT) < 2  # a single list of 90 series-years: two standard errors above 1
    matched = dict(signals._matched(done))
    raised_c1, raised_triple = (name for name in matched.values() if not name.startswith(DEFAULT))
    assert done.sensitivity(DEFAULT) > done.sensitivity(raised_c1)
    assert done.sensitivity(DEFAULT) > done.sensitivity(raised_triple)
    assert done.sensitivity(DEFAULT, "chance") < 0.01


def test_daily_series_of_chance_alone_raise_hardly_any_alarm() -> None:
    sample = draw(PLAIN, "day", np.random.default_rng(4))
    alphas = thresholds(sample.calm, 1.0)["day"]  # the threshold of the whole list, tried on a fifth of it
    alarms = 0
    for series in sample.calm[:: SERIES // 12]:
        sides = fire(judge(series), alphas)
        alarms += sum(signals._stretches(side.fired, 7) for side in sides.values())
    assert alarms <= 3  # 0.2 a series-year are allowed, and there are twenty


def test_worlds_are_the_same_for_the_same_seed_and_differ_only_where_changes_were_seeded() -> None:
    one, two = (draw(ALL, "day", np.random.default_rng(5)) for _ in range(2))
    for ours, theirs in zip(one.changed, two.changed, strict=True):
        assert (ours.counts == theirs.counts).all()
    for at, (calm, changed) in enumerate(zip(one.calm, one.changed, strict=True)):
        touched = np.zeros(len(calm.counts), np.bool_)
        for seeded in one.seeded:
            if seeded.series == at:
                touched[seeded.start : seeded.start + seeded.lasts] = True
        assert (calm.counts == changed.counts)[~touched].all()
        assert (calm.of == changed.of)[~touched].all()


def tally(alarms: dict[str, int], found: int) -> Tally:
    done = Tally("all calm worlds", "day", series_years=SERIES * 30 / 365)
    kinds = [*signals.rises("day"), "×0.25, 7"]
    for detector in (*signals._names(), *signals._grid()):
        done.alarms[detector] = alarms.get(detector, 5)
        for kind in kinds:
            done.found[detector, kind] = found if detector.startswith(DEFAULT) else 2
    for kind in kinds:
        done.seeded[kind] = 10
    return done


def rows(done: Tally) -> list[signals.Row]:
    other = Tally("all calm worlds", "week", done.series_years)
    for kind in (*signals.rises("week"), "×0.25, 3"):
        other.seeded[kind] = 10
        for detector in (*signals._names(), *signals._grid()):
            other.found[detector, kind] = 5 if detector.startswith(DEFAULT) else 2
    return [signals.Row(one.size, one.world, DEFAULT, 0.0, 0.0, one) for one in (done, other)]


@pytest.mark.parametrize(
    ("alarms", "found", "says"),
    [
        ({DEFAULT: 2}, 9, "2.00 false alarms per 30 days, budget 1"),
        ({DEFAULT: 1}, 1, "default finds 10.0 %, plain C1"),
    ],
)
def test_a_broken_promise_heads_the_document(alarms: dict[str, int], found: int, says: str) -> None:
    text, missed = write(rows(tally(alarms, found)), runs=1, seed=1)
    assert any(says in line for line in missed)
    assert f"## Targets missed\n\n- {missed[0]}" in text


def test_kept_promises_are_said_to_be_kept() -> None:
    text, missed = write(rows(tally({DEFAULT: 1}, 9)), runs=7, seed=8)
    assert missed == []
    assert "## Targets missed\n\nNone." in text
    assert "--runs 7 --seed 8" in text
    assert f"| {C1} |" in text
    assert f"| {TRIPLE} |" in text
    assert max(BUDGETS) > 100


def test_the_tables_in_the_docs_are_those_that_were_measured() -> None:
    root = Path(__file__).parents[2]
    measured = (root / "benchmarks" / "results" / "signals.md").read_text().splitlines()
    block = (root / "docs" / "signals.md").read_text().split("<!-- calibration -->")[1]
    shown = [line for line in block.split("<!-- end of calibration -->")[0].splitlines() if line.startswith("| ")]
    assert len(shown) > 40
    assert [line for line in shown if line not in measured] == []
