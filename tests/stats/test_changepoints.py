"""Robust pieces of change-point detection, each against a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.stats.changepoints import (
    RESOLUTION,
    Curve,
    difference_scale,
    relabel,
    running_median,
    segment_robustly,
    start_slopes,
    student_quantile,
)
from opscope.stats.outliers import vote_spikes


def curve_of(x, y):
    y = np.asarray(y, dtype=float)
    return Curve(x=np.asarray(x, dtype=float), y=y, scale=running_median(y))


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (5, 2.5706), (10, 2.2281), (11, 2.20099), (30, 2.04227), (1000, 1.96234)],
)
def test_student_quantile_matches_published_tables(degrees, expected):
    assert student_quantile(degrees) == pytest.approx(expected, abs=4e-4)


def test_without_degrees_of_freedom_nothing_is_bounded():
    assert student_quantile(0) == float("inf")


def test_running_median_follows_a_level_and_ignores_a_spike():
    y = [1.0, 1.0, 1.0, 9.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    assert running_median(np.array(y)).tolist() == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("points", [2, 4, 8])
def test_noise_scale_survives_steps_of_two_points(points):
    rng = np.random.default_rng(points)
    x = np.arange(1.0, 401.0)
    sigma = 0.01
    levels = 1.0 + 0.3 * (np.arange(400) // points)
    found = difference_scale(curve_of(x, levels * (1 + sigma * rng.standard_normal(400))), 0.0)
    assert 0.5 * sigma < found < 2 * sigma


def test_noiseless_data_have_the_least_scale_not_zero():
    assert difference_scale(curve_of(range(1, 9), [1.0] * 8), 0.0) == RESOLUTION


def test_start_slopes_hold_the_true_one_of_a_sloping_staircase():
    x = np.arange(4.0, 137.0, 4.0)
    slopes = start_slopes(curve_of(x, 1.0 + 0.5 * np.ceil(x / 16) + 0.01 * x))
    assert slopes[0] == 0.0
    assert min(abs(slope - 0.01) for slope in slopes) < 1e-9


def noise(n, seed=0):
    return 0.01 * np.random.default_rng(seed).standard_normal(n)


def test_segments_are_found_and_a_lone_spike_opens_none():
    y = np.repeat([1.0, 2.0, 3.0, 4.0], 10) + noise(40)
    y[14] = 5.0
    found = segment_robustly(curve_of(np.arange(1.0, 41.0), y), 0.0)
    assert vote_spikes(found)[14]
    for segmentation in found:
        assert segmentation.labels[13] == segmentation.labels[14] == segmentation.labels[15]
    edges = [set(np.flatnonzero(np.diff(segmentation.labels))) for segmentation in found]
    assert any({9, 19, 29} <= some for some in edges)
    assert min(len(some) for some in edges) <= 4


def test_a_lone_point_between_two_levels_is_a_segment_not_a_spike():
    y = np.concatenate([np.full(8, 1.0), [2.0], np.full(8, 3.0)]) + noise(17)
    found = segment_robustly(curve_of(np.arange(1.0, 18.0), y), 0.0)
    assert not vote_spikes(found)[8]
    assert [0] * 8 + [1] + [2] * 8 in [relabel(s.labels).tolist() for s in found]
