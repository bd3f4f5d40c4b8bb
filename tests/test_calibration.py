"""The quick version of `python -m benchmarks.calibration`: the worst world, fixed seeds, bounds that can be missed.

With 200 runs a rate has a standard error of about 1 point at 2.5 % and 1.5 points at 95 %. The bounds are those of the
full calibration; a test whose true error were the nominal 2.5 % would miss the first with probability 0.04 on fresh
seeds, one with twice that would miss it in more than half of all cases.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.calibration import trends
from benchmarks.calibration.trends import Cell, tally
from benchmarks.calibration.worlds import CHURN, GIANT, LOUD, MODERATE, D, simulate
from monitor.core.trend import fit_trend

SEED = 20


def test_world_d_with_nothing_rising() -> None:
    (done,) = tally([Cell(D, 40, 104, "0 %")], 200, SEED)
    assert done.rate("tested") == 1
    assert done.rate("supported") <= trends.NULL_AT_MOST
    assert done.rate("rose") <= trends.NULL_AT_MOST
    assert done.rate("fell") <= trends.NULL_AT_MOST
    assert done.coverage >= trends.COVERAGE_AT_LEAST


def test_sources_that_come_and_go_with_other_shares_make_no_trend() -> None:
    (done,) = tally([Cell(CHURN, 40, 78, "0 %")], 120, SEED)
    assert done.rate("supported") <= trends.NULL_AT_MOST
    assert done.coverage >= trends.COVERAGE_AT_LEAST


def test_world_d_with_a_rise_of_a_quarter() -> None:
    (done,) = tally([Cell(D, 40, 104, "+25 %")], 120, SEED)
    assert done.rate("rose") >= 0.65
    assert done.rate("fell") == 0
    # The checks may cost some true findings, but not many.
    assert done.rate("supported") >= done.rate("rose") - 0.15


def test_what_the_caps_are_for() -> None:
    """The pooled slope takes one giant for everyone and one loud week for a change; the capped fit does not."""
    for world, times in ((GIANT, 3), (LOUD, 1.15)):
        slopes = []
        for run in range(40):
            panel = simulate(world, 40, 104, 0.0, np.random.default_rng([SEED, run])).panel
            capped, pooled = fit_trend(panel), fit_trend(panel, tau0=0.0)
            assert capped is not None
            assert pooled is not None
            slopes.append((capped.slope, pooled.slope))
        errors = np.sqrt((np.array(slopes) ** 2).mean(axis=0))
        assert errors[1] > times * errors[0], world.name


def test_a_world_is_what_it_says() -> None:
    """The truth that the calibration is measured against: shares change by the wanted amount in the middle."""
    rises = []
    for run in range(40):
        panel = simulate(MODERATE, 40, 104, 0.4, np.random.default_rng([SEED, run])).panel
        # Sources with plenty of posts in each quarter of a year around the middle.
        parts = [
            (panel.k[:, part].sum(axis=1), panel.n[:, part].sum(axis=1)) for part in (slice(39, 52), slice(52, 65))
        ]
        large = (parts[0][1] > 200) & (parts[1][1] > 200)
        before, after = (np.log(k[large] / n[large]) for k, n in parts)
        rises.append(float(np.mean(after - before)))
    assert np.mean(rises) == pytest.approx(0.4 * 13 / 52.18, abs=3 * np.std(rises) / np.sqrt(40))
    assert np.mean(rises) > 0.05


def test_runs_depend_on_nothing_but_the_seed() -> None:
    cells = [Cell(D, 8, 104, "0 %"), Cell(MODERATE, 8, 104, "+25 %")]
    alone = list(tally(cells, 3, SEED))
    with ThreadPoolExecutor(2) as pool:
        assert list(tally(cells, 3, SEED, pool)) == alone
    assert list(tally(cells, 3, SEED + 1)) != alone
