"""How far a tagger's measured error stretches an interval, checked against a simulated tagger."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.core.claim import Posts, TagError
from monitor.core.finding import SourceWeeks
from monitor.core.tag_error import MOST, attenuation, unmeasured

VIDEO = Posts(({"content_type": ("video",)},))


def counts(k: list[int], n: list[int]) -> SourceWeeks:
    size = len(k)
    return SourceWeeks(("a",), np.arange(size) * 7, np.array([k]), np.array([n]))


def error(right: int, of: int) -> TagError:
    return TagError("content_type", "video", (90, 100), (right, of), "a sample")


def test_a_change_is_understated_by_false_positives_as_much_as_the_factor_says() -> None:
    years = np.linspace(-1, 1, 105)
    true = 0.2 * np.exp(0.2 * years)
    n = np.full(105, 10_000_000)
    false_positive = 0.05
    tagged = n * (0.9 * true + false_positive * (1 - true))
    slope = np.polyfit(years, np.log(tagged / n), 1)[0]
    panel = counts(np.rint(tagged).astype(int).tolist(), n.tolist())
    factor = attenuation(panel, VIDEO, [error(9_500_000, 10_000_000)])
    assert slope * factor == pytest.approx(0.2, rel=0.05)


def test_a_small_sample_stretches_more() -> None:
    panel = counts([200], [1000])
    small, large = (attenuation(panel, VIDEO, [error(98 * size, 100 * size)]) for size in (1, 100))
    assert 1 < large < small < MOST


def test_without_a_measured_error_nothing_is_stretched_and_the_tag_is_named() -> None:
    panel = counts([200], [1000])
    assert attenuation(panel, VIDEO, []) == 1.0
    assert attenuation(panel, Posts(({"topic": ("ai",)},)), [error(9, 10)]) == 1.0
    assert unmeasured([VIDEO, VIDEO], []) == ["content_type video"]
    assert unmeasured([VIDEO], [error(9, 10)]) == []
    assert unmeasured([Posts(({"source": ("who",), "platform": ("web",)},))], []) == []
    assert unmeasured([Posts(({"region": ("a", "b", "c", "d")},))], []) == ["region (4 values)"]


def test_tags_that_may_all_be_wrong_stretch_to_the_limit() -> None:
    assert attenuation(counts([10], [1000]), VIDEO, [error(90, 100)]) == MOST
