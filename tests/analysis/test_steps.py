"""find_steps on measured curves, on exact ones, on little data and on bad input."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from opscope.analysis.steps import Steps, find_steps
from opscope.errors import TableError

COUT = tuple(range(4, 133, 4))

# Measured: Conv 28x28, Cin 320, K 3, FP32, ms, one thread, on an AVX-512 CPU; the 5th percentile
# of 15 rounds of 10 samples.
ONNXRUNTIME_1_31_1 = (
    0.4330, 0.4328, 0.4309, 0.4341, 0.6160, 0.6165, 0.6164, 0.6136, 0.8670, 0.8651, 0.8585,
    0.8610, 1.1053, 1.1053, 1.1080, 1.1054, 1.5177, 1.5103, 1.5212, 1.5139, 1.7063, 1.7015,
    1.7061, 1.7061, 1.9492, 1.9485, 1.9511, 1.9590, 2.1968, 2.1915, 2.1942, 2.1984, 2.6137,
)  # fmt: skip
OPENVINO_2026_4_1 = (
    0.3105, 0.3101, 0.3092, 0.3130, 0.5814, 0.5811, 0.5832, 0.5598, 0.8474, 0.8414, 0.8470,
    0.8242, 1.1651, 1.1637, 1.1643, 1.1015, 1.3780, 1.3655, 1.3619, 1.3639, 1.6520, 1.6251,
    1.6191, 1.5996, 1.8710, 1.8711, 1.8770, 1.8831, 2.1443, 2.1563, 2.1524, 2.1253, 2.4303,
)  # fmt: skip


@pytest.mark.parametrize("measured", [ONNXRUNTIME_1_31_1, OPENVINO_2026_4_1])
def test_measured_convolutions_rise_every_sixteen_channels(measured):
    found = find_steps(COUT, measured)
    assert found.verdict == "steps"
    assert found.period is not None
    assert found.period_interval is not None
    assert found.period_interval[0] <= 16 <= found.period_interval[1]
    assert found.period_interval[1] - found.period_interval[0] < 1.5
    assert [(e.low, e.high) for e in found.edges] == [(k, k + 4) for k in range(16, 129, 16)]
    assert found.recommended == (*range(16, 129, 16), 132)
    assert found.outliers == ()


def test_onnxruntime_rises_more_where_sixty_four_channels_are_full():
    found = find_steps(COUT, ONNXRUNTIME_1_31_1)
    rise = {edge.low: edge for edge in found.edges}
    for full in (64, 128):
        for plain in (16, 32, 48, 80, 96, 112):
            assert rise[full].rise_interval[0] > rise[plain].rise_interval[1]


def test_exact_staircase_of_a_simulator():
    x = np.arange(1, 129)
    found = find_steps(x, 1000 + 250 * np.ceil(x / 8))
    assert found.verdict == "steps"
    assert found.period_interval is not None
    assert found.period_interval[0] <= 8 <= found.period_interval[1]
    assert [edge.rise for edge in found.edges] == pytest.approx([250] * 15)
    assert found.noise < 1e-6
    assert found.recommended == tuple(range(8, 129, 8))


@pytest.mark.parametrize(
    ("shape", "verdict"),
    [
        (lambda x: 3 + 0 * x, "flat"),
        (lambda x: 0 * x, "flat"),
        (lambda x: 3 + 0.2 * x, "linear"),
        (lambda x: 3 + 0.2 * x + 0.01 * x**2, "quadratic"),
        (lambda x: 3 + np.ceil((x - 5) / 16), "steps"),
        (lambda x: 3 + 0.01 * (x % 16) * 4 + 0.1 * np.floor(x / 16), "zig-zag"),
        (lambda x: 3 + np.maximum(x - 60, 0) * 0.1, "irregular"),
    ],
)
def test_exact_shapes(shape, verdict):
    x = np.arange(2.0, 129.0, 2.0)
    assert find_steps(x, shape(x)).verdict == verdict


def test_falling_staircase_is_steps_with_drops():
    x = np.arange(1.0, 97.0)
    found = find_steps(x, 10 - np.floor((x - 1) / 16))
    assert found.verdict == "steps"
    assert all(edge.rise == pytest.approx(-1) for edge in found.edges)
    assert "falls" in found.reason


def test_one_jump_is_a_step_without_a_period():
    x = np.arange(4.0, 133.0, 4.0)
    found = find_steps(x, np.where(x > 64, 2.0, 1.0))
    assert found.verdict == "steps"
    assert [(edge.low, edge.high) for edge in found.edges] == [(64, 68)]
    assert found.period is None
    assert "too few" in found.period_reason


def test_steps_of_unequal_width_have_no_period_and_say_why():
    x = np.arange(1.0, 137.0)
    found = find_steps(x, 1 + 0.4 * np.searchsorted([9, 31, 40, 77, 83, 120], x))
    assert found.verdict == "steps"
    assert len(found.edges) == 6
    assert found.period is None
    assert found.period_interval is None
    assert "unequal" in found.period_reason


def test_a_grid_as_coarse_as_the_steps_is_a_line_and_says_so():
    for grid in (16.0, 32.0):
        x = np.arange(grid, 513.0, grid)
        found = find_steps(x, 0.2 * np.ceil(x / 16))
        assert found.verdict == "linear"
        assert f"grid of {grid:g}" in found.reason


def test_less_than_two_points_to_a_step_is_never_taken_for_a_zig_zag():
    for grid in (12.0, 24.0):
        x = np.arange(grid, 513.0, grid)
        found = find_steps(x, 0.2 * np.ceil(x / 16))
        assert found.verdict == "linear"
        assert found.period is None
        assert f"grid of {grid:g}" in found.reason


def test_an_edge_is_known_only_to_the_grid():
    x = np.arange(5.0, 136.0, 5.0)
    found = find_steps(x, 1 + 0.5 * np.ceil(x / 16))
    for edge, truth in zip(found.edges, range(16, 129, 16), strict=True):
        assert edge.high - edge.low == 5
        assert edge.low <= truth <= edge.high
    assert found.period_interval is not None
    assert found.period_interval[1] > found.period_interval[0] + 0.1


def test_small_rises_between_large_ones_share_one_period():
    rng = np.random.default_rng(1)
    x = np.arange(2.0, 131.0, 2.0)
    steps = np.cumsum([0, *([0.1, 0.3] * 8)])[np.ceil(x / 8).astype(int) - 1]
    found = find_steps(x, (1 + steps) * (1 + 0.003 * rng.standard_normal(len(x))))
    assert found.period_interval is not None
    assert found.period_interval[0] <= 8 <= found.period_interval[1]


def test_small_rises_below_the_noise_leave_the_period_that_is_seen():
    rng = np.random.default_rng(1)
    x = np.arange(1.0, 161.0)
    steps = np.cumsum([0, *([0.001, 0.3] * 10)])[np.ceil(x / 8).astype(int) - 1]
    found = find_steps(x, (1 + steps) * (1 + 0.01 * rng.standard_normal(len(x))))
    assert found.period_interval is not None
    assert found.period_interval[0] <= 16 <= found.period_interval[1]


def test_absolute_noise_is_recognised():
    rng = np.random.default_rng(2)
    x = np.arange(1.0, 257.0)
    found = find_steps(x, 0.05 + 0.2 * np.ceil(x / 32) + 0.02 * rng.standard_normal(256))
    assert found.verdict == "steps"
    widths = [edge.rise_interval[1] - edge.rise_interval[0] for edge in found.edges]
    assert max(widths) < 1.2 * min(widths)


def test_a_slow_last_count_is_an_outlier_unless_the_period_puts_an_edge_there():
    x = np.arange(4.0, 133.0, 4.0)
    rng = np.random.default_rng(5)
    y = np.ones(len(x)) * (1 + 0.01 * rng.standard_normal(len(x)))
    y[-1] = 1.8
    lone = find_steps(x, y)
    assert lone.verdict == "flat"
    assert lone.outliers == (132,)
    assert find_steps(COUT, ONNXRUNTIME_1_31_1).edges[-1].high == 132


def test_repeats_are_combined_so_that_one_slow_run_does_not_count():
    rng = np.random.default_rng(3)
    x = np.repeat(np.arange(4.0, 133.0, 4.0), 3)
    y = 0.2 * np.ceil(x / 16) * (1 + 0.005 * rng.standard_normal(len(x)))
    y[::3] *= np.where(rng.random(len(y[::3])) < 0.4, 3.0, 1.0)
    found = find_steps(x, y)
    assert found.verdict == "steps"
    assert found.outliers == ()
    assert found.noise < 0.01


def test_points_with_wide_intervals_weigh_less():
    rng = np.random.default_rng(4)
    x = np.arange(4.0, 69.0, 4.0)
    y = np.where(x > 32, 2.0, 1.0) * (1 + 0.01 * rng.standard_normal(len(x)))
    y[7] = 1.03
    half = np.full(len(x), 0.02)
    doubted = np.where(np.arange(len(x)) == 7, 0.2, half)
    plain = find_steps(x, y, intervals=list(zip(y - half, y + half, strict=True)))
    weighted = find_steps(x, y, intervals=list(zip(y - doubted, y + doubted, strict=True)))
    assert weighted.verdict == plain.verdict == "steps"
    without = find_steps(np.delete(x, 7), np.delete(y, 7))
    off = [abs(s.edges[0].rise - without.edges[0].rise) for s in (plain, weighted)]
    assert off[1] < 0.2 * off[0]


def test_the_unit_does_not_matter():
    in_ms, in_s = (find_steps(COUT, np.array(OPENVINO_2026_4_1) * f) for f in (1.0, 1e-3))
    assert in_s.verdict == in_ms.verdict
    assert in_s.edges[0].rise == pytest.approx(in_ms.edges[0].rise / 1000)
    assert in_s.slope == pytest.approx(in_ms.slope / 1000)
    assert in_s.recommended == in_ms.recommended


def test_order_does_not_matter():
    order = np.random.default_rng(0).permutation(len(COUT))
    shuffled = find_steps(np.array(COUT)[order], np.array(ONNXRUNTIME_1_31_1)[order])
    assert shuffled == find_steps(COUT, ONNXRUNTIME_1_31_1)


def test_the_record_survives_json():
    found = find_steps(COUT, ONNXRUNTIME_1_31_1)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Steps) == found


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_too_few_counts_have_no_verdict(count):
    x = [float(i + 1) for i in range(count)] * 2
    found = find_steps(x, x)
    assert found.verdict == "irregular"
    assert "too few" in found.reason
    assert found.period is None


@pytest.mark.parametrize(
    ("x", "y", "what"),
    [
        ([1, 2, 3], [1, 2], "3 counts but 2 costs"),
        ([1], [1], "too few"),
        ([], [], "too few"),
        ([1, 2, float("nan")], [1, 2, 3], r"x\[2\]"),
        ([1, 2, 3], [1, float("inf"), 3], r"y\[1\]"),
        ([1, 0, 3], [1, 2, 3], r"x\[1\]"),
        ([1, 2, 3], [1, 2, -3], r"y\[2\]"),
    ],
)
def test_bad_input_is_named(x, y, what):
    with pytest.raises(TableError, match=what) as caught:
        find_steps(x, y)
    assert caught.value.where.startswith("find_steps")
    assert caught.value.remedy


@pytest.mark.parametrize("intervals", [[(0.9, 1.1)], [(1.1, 0.9)] * 3, [(0.9, float("nan"))] * 3])
def test_bad_intervals_are_named(intervals):
    with pytest.raises(TableError, match="intervals"):
        find_steps([1, 2, 3], [1, 2, 3], intervals=intervals)


@pytest.mark.parametrize("counts", [2, 3, 5, 8])
def test_no_figure_is_infinite_since_json_has_no_word_for_it(counts):
    found = find_steps(range(1, counts + 1), [1.0] * counts)
    assert b"null" not in msgspec.json.encode((found.edges, found.slope, found.noise))
    assert (found.slope_interval is None) == (counts == 2)
