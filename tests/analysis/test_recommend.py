"""Which counts are worth using, on exact costs and on noisy ones."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.analysis.recommend import keep_counts
from opscope.analysis.steps import find_steps


def test_the_last_count_of_each_step_stays():
    x = np.arange(1.0, 25.0)
    assert keep_counts(x, np.ceil(x / 8)) == (8, 16, 24)


def test_zig_zag_drops_counts_above_the_next_minimum():
    # As TFLite's depthwise convolution: blocks of 16 cost 1, of 4 cost 0.4 (App. B.2).
    x = np.arange(4.0, 49.0, 4.0)
    cost = np.floor(x / 16) + 0.4 * np.floor(x % 16 / 4)
    assert keep_counts(x, cost) == (4, 8, 16, 20, 24, 32, 36, 40, 48)


def test_a_margin_drops_what_is_not_clearly_faster():
    x = np.array([1.0, 2.0, 3.0])
    cost = np.array([1.0, 1.05, 2.0])
    assert keep_counts(x, cost) == (1, 2, 3)
    assert keep_counts(x, cost, np.full((3, 3), 0.1)) == (2, 3)


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.01])
def test_noise_on_plateaus_recommends_no_more_than_their_ends(noise):
    rng = np.random.default_rng(5)
    x = np.arange(4.0, 133.0, 4.0)
    y = 0.2 * np.ceil(x / 16) * (1 + noise * rng.standard_normal(len(x)))
    assert find_steps(x, y).recommended == (16, 32, 48, 64, 80, 96, 112, 128, 132)


def test_on_a_line_every_count_stays_though_neighbours_differ_less_than_the_noise():
    rng = np.random.default_rng(6)
    x = np.arange(10.0, 210.0)
    y = (1 + 0.005 * x) * (1 + 0.01 * rng.standard_normal(len(x)))
    found = find_steps(x, y)
    assert found.verdict == "linear"
    assert found.recommended == tuple(x)


def test_where_the_cost_is_flat_only_the_largest_stays():
    rng = np.random.default_rng(7)
    x = np.arange(1.0, 65.0)
    assert find_steps(x, 1 + 0.01 * rng.standard_normal(64)).recommended == (64,)


def test_a_real_slope_within_steps_keeps_their_cheaper_counts():
    x = np.arange(4.0, 133.0, 4.0)
    y = 0.3 * np.ceil(x / 16) + 0.01 * x
    assert find_steps(x, y).recommended == tuple(x)


def test_zig_zag_under_noise():
    rng = np.random.default_rng(8)
    x = np.arange(4.0, 133.0, 4.0)
    cost = 0.5 + np.floor(x / 16) * 0.1 + 0.09 * np.floor(x % 16 / 4)
    found = find_steps(x, cost * (1 + 0.003 * rng.standard_normal(len(x))))
    assert found.verdict == "zig-zag"
    assert {c for c in found.recommended if c % 16 in (8, 12)} <= {132 - 132 % 16 + 4, 132.0}
    assert set(range(16, 129, 16)) <= set(found.recommended)
