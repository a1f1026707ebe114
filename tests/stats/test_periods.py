"""Periods of edges: exact intervals, missed and spurious edges, chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opscope.stats.changepoints import Curve
from opscope.stats.periods import (
    comb_index,
    fit_period,
    period_interval,
    period_of_comb,
    propose_combs,
)


def brackets(edges, grid):
    """Return what a grid tells of edges: the last grid point at or before, and the next."""
    low = np.floor(np.asarray(edges) / grid) * grid
    return low, low + grid


def test_interval_is_what_the_grid_allows_and_no_narrower():
    low, high = brackets([16, 32, 48, 64], 4.0)
    assert period_interval(low, high, np.arange(4)) == (16 - 4 / 3, 16 + 4 / 3)


def test_edges_that_no_period_places_leave_an_empty_interval():
    low, high = period_interval(
        np.array([0.0, 10.0, 40.0]), np.array([1.0, 11.0, 41.0]), np.arange(3)
    )
    assert low > high


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    period=st.floats(6, 40),
    phase=st.floats(0, 40),
    grid=st.sampled_from([1.0, 2.0, 3.0]),
    count=st.integers(4, 12),
)
def test_the_true_period_lies_in_the_interval(period, phase, grid, count):
    low, high = brackets(phase + period * np.arange(count), grid)
    fit = fit_period(low, high)
    assert fit is not None
    assert fit.interval[0] - 1e-9 <= period <= fit.interval[1] + 1e-9
    assert fit.hits.all()
    assert fit.missed == 0


def test_one_missed_and_one_spurious_edge_are_named_not_believed():
    low, high = brackets([16, 32, 39, 48, 80, 96, 112, 128, 144, 160], 1.0)
    fit = fit_period(low, high)
    assert fit is not None
    assert fit.interval[0] <= 16 <= fit.interval[1]
    assert np.flatnonzero(~fit.hits).tolist() == [2]
    assert fit.missed == 1


def test_two_edges_have_no_period():
    assert fit_period(np.array([16.0, 32.0]), np.array([17.0, 33.0])) is None


def test_few_edges_on_a_coarse_grid_surprise_nobody():
    coarse = fit_period(*brackets([16, 32, 48], 8.0))
    fine = fit_period(*brackets([16, 32, 48], 1.0))
    assert coarse is not None
    assert fine is not None
    assert coarse.surprise < 1 < fine.surprise


@pytest.mark.parametrize("grid", [1, 4, 5, 7])
def test_a_comb_gives_its_period_back(grid):
    x = np.arange(grid, 257.0, grid)
    fit = period_of_comb(x, comb_index(x, 16.0, 3.0))
    assert fit is not None
    assert fit.interval[0] <= 16 <= fit.interval[1]
    assert fit.interval[1] - fit.interval[0] <= 2 * grid / 10


def test_a_gap_that_hides_several_edges_still_bounds_the_period():
    x = np.concatenate([np.arange(1.0, 40), np.arange(100.0, 140)])
    fit = period_of_comb(x, comb_index(x, 16.0, 0.0))
    assert fit is not None
    assert fit.interval[0] <= 16 <= fit.interval[1]
    assert fit.interval[1] - fit.interval[0] < 0.5


@pytest.mark.parametrize(
    ("grid", "period", "phase"), [(1, 8, 3), (4, 16, 0), (5, 16, 2), (7, 32, 9)]
)
def test_proposals_hold_the_true_comb(grid, period, phase):
    x = np.arange(grid, 137.0, grid)
    index = comb_index(x, period, phase)
    y = 1.0 + 0.3 * index
    proposals = propose_combs(Curve(x=x, y=y, scale=np.ones(len(x))), 0.0, 0.01)
    assert any(np.array_equal(p - p[0], index - index[0]) for p in proposals)
