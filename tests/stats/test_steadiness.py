import math

import numpy as np
import pytest

from opscope.stats.location import low_interval, low_location
from opscope.stats.steadiness import half_width, rounds_needed, scatter, trend, wander


def noisy(count, noise=0.01, seed=1):
    return (1 + noise * np.abs(np.random.default_rng(seed).standard_normal(count))).tolist()


def test_scatter_ignores_what_lies_far_out():
    assert scatter([1.0, 2.0, 3.0, 4.0, 100.0]) == 1.0


def test_the_trend_is_found_beside_outliers():
    times = np.arange(40.0)
    values = 5 + 0.25 * times
    values[::7] += 50
    assert trend(times, values) == pytest.approx(0.25)
    assert trend([3.0], [5.0]) == 0.0
    assert trend([3.0, 3.0], [5.0, 6.0]) == 0.0


def test_wander_is_the_range_between_parts_of_the_time():
    assert wander([1.0] * 20 + [1.1] * 20) == pytest.approx(0.1)
    assert wander([1.0] * 3) == 0.0
    assert wander(noisy(100)) < 0.01


def test_half_widths_are_those_of_the_interval_and_shrink_with_rounds():
    values = noisy(120)
    low, high = low_interval(values)
    assert half_width(values, 120) == pytest.approx((high - low) / 2 / low_location(values))
    assert half_width(values, 40) < half_width(values, 10)
    assert half_width(values, 121) is None
    assert half_width(values, 5) is None


def test_sampling_stops_where_its_interval_is_narrow_enough():
    steady, restless = noisy(120, 0.001), noisy(120, 0.3)
    assert set(rounds_needed(steady, 0.02, 6, 40)) == {6}
    assert set(rounds_needed(steady, 0.02, 8, 40)) == {8}
    assert set(rounds_needed(restless, 0.02, 6, 40)) == {math.inf}
    between = rounds_needed(noisy(120, 0.05), 0.02, 6, 40)
    assert 6 < np.median(between) < 40
    assert len(rounds_needed(noisy(10), 0.02, 6, 40)) == 1
