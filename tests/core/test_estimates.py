import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core import estimates


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


# Published values: Newcombe 1998, table I, method 3 (Wilson, uncorrected), to four decimals.
@pytest.mark.parametrize(
    ("n", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_reference_values(n: int, of: int, low: float, high: float) -> None:
    found = estimates.share(ints(n), ints(of))
    assert found.value[0] == n / of
    assert found.low[0] == pytest.approx(low, abs=6e-5)
    assert found.high[0] == pytest.approx(high, abs=6e-5)


# Exact Poisson limits as tabulated for cancer registries (95 %).
@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.624, 11.668), (10, 4.795, 18.390), (100, 81.36, 121.63)],
)
def test_garwood_reference_values(n: int, low: float, high: float) -> None:
    found = estimates.count(ints(n))
    assert found.low[0] == pytest.approx(low, abs=6e-3)
    assert found.high[0] == pytest.approx(high, abs=6e-3)


def test_student_t_reference_value() -> None:
    """1, 2, 3, 4, 5: mean 3, standard error √0.5, t(4) = 2.776."""
    found = estimates.mean(ints(5), ints(15), ints(55))
    assert found.value[0] == 3
    assert found.high[0] - 3 == pytest.approx(2.7764 * math.sqrt(0.5), abs=1e-4)
    assert found.low[0] == pytest.approx(6 - found.high[0])


def test_nothing_counted_is_nan_never_zero() -> None:
    for found in (estimates.share(ints(0), ints(0)), estimates.mean(ints(0), ints(0), ints(0))):
        assert all(math.isnan(part[0]) for part in (found.value, found.low, found.high))


def test_one_post_has_a_mean_and_no_interval() -> None:
    found = estimates.mean(ints(1), ints(-420), ints(420**2))
    assert found.value[0] == -420
    assert math.isnan(found.low[0])
    assert math.isnan(found.high[0])


@given(st.integers(2, 10**6), st.integers(-10_000, 10_000))
def test_equal_values_have_no_spread_at_all(n: int, value: int) -> None:
    found = estimates.mean(ints(n), ints(n * value), ints(n * value * value))
    assert found.low[0] == found.value[0] == found.high[0] == value


@given(st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=50))
def test_mean_agrees_with_the_textbook(values: list[int]) -> None:
    found = estimates.mean(ints(len(values)), ints(sum(values)), ints(sum(value * value for value in values)))
    assert found.value[0] == pytest.approx(np.mean(values), abs=1e-9)
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert found.high[0] - found.low[0] == pytest.approx(
        2 * estimates._t_quantile(ints(len(values) - 1))[0] * error, rel=1e-9, abs=1e-6
    )


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_share_lies_in_its_interval(n: int, more: int) -> None:
    found = estimates.share(ints(n), ints(n + more))
    if n + more:
        assert 0 <= found.low[0] <= found.value[0] <= found.high[0] <= 1


def test_ratio_reference() -> None:
    """Three cells 1/10, 2/10, 3/10: ratio 0.2; residuals −1, 0, 1; standard error √(2·3/2)/30."""
    a, b = np.array([1, 2, 3.0]), np.array([10, 10, 10.0])
    products = tuple(np.array([total]) for total in ((a * a).sum(), (a * b).sum(), (b * b).sum()))
    found = estimates.ratio(ints(6), ints(30), ints(3), products)
    assert found.value[0] == pytest.approx(0.2)
    assert found.high[0] - 0.2 == pytest.approx(4.3027 * math.sqrt(3) / 30, abs=1e-4)


def test_ratio_of_one_cell_has_no_interval() -> None:
    found = estimates.ratio(ints(6), ints(30), ints(1), (np.array([36.0]), np.array([180.0]), np.array([900.0])))
    assert found.value[0] == pytest.approx(0.2)
    assert math.isnan(found.high[0])


def test_shapes_are_kept() -> None:
    table = np.arange(6, dtype=np.int64).reshape(2, 3)
    assert estimates.count(table).high.shape == (2, 3)
    assert estimates.mean(table, table, table).low.shape == (2, 3)
