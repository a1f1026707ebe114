"""Zig-zags between remainders against known truth, both ways, and what is worth using of any curve.

Some kernels run fast only at multiples of 4, 8 or 16: their counts follow a line of their own.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opscope.analysis.steps import find_steps

# Measured: depthwise 28x28, K 3, FP32, us, one thread, on an AVX-512 CPU.
CHANNELS = tuple(range(8, 129, 2))
ONNXRUNTIME = (
    7.17, 13.99, 7.47, 18.46, 6.37, 23.09, 10.25, 27.64, 10.64, 32.0, 11.05, 36.55, 10.06, 41.09,
    14.21, 46.06, 14.31, 50.09, 15.07, 54.65, 14.1, 59.43, 18.41, 63.84, 18.98, 68.22, 19.69,
    73.09, 18.63, 77.92, 23.24, 81.81, 23.78, 86.43, 24.41, 91.16, 23.45, 95.96, 28.48, 100.11,
    28.99, 105.21, 29.48, 109.38, 28.53, 114.17, 33.11, 118.51, 32.78, 122.76, 33.14, 127.87,
    33.26, 132.34, 36.48, 136.68, 36.98, 141.45, 38.91, 146.19, 37.84,
)  # fmt: skip
OPENVINO = (
    12.79, 16.02, 16.79, 17.7, 15.35, 21.34, 22.01, 23.23, 23.42, 24.83, 25.74, 26.61, 26.41,
    28.34, 31.22, 32.75, 32.11, 34.36, 35.03, 36.54, 35.46, 40.52, 40.9, 42.48, 42.07, 43.9, 45.3,
    48.05, 36.13, 33.68, 31.55, 33.4, 32.82, 34.6, 35.1, 35.44, 32.81, 39.96, 39.3, 40.71, 38.08,
    42.45, 40.12, 41.14, 36.7, 46.46, 46.23, 47.17, 45.49, 47.89, 47.4, 49.97, 44.7, 51.82, 52.07,
    53.67, 50.27, 52.56, 53.39, 54.86, 47.9,
)  # fmt: skip


def ends(costs, half=0.01):
    return [(cost * (1 - half), cost * (1 + half)) for cost in costs]


def clearly_slower(found, costs, by):
    """Return the recommended counts that some larger count beats by that share."""
    x, y = np.array(CHANNELS, dtype=float), np.array(costs)
    return [k for k in found.recommended if y[x > k].min(initial=np.inf) * (1 + by) < y[x == k][0]]


def test_measured_depthwise_convolution_that_is_fast_at_multiples_of_four():
    found = find_steps(CHANNELS, ONNXRUNTIME, intervals=ends(ONNXRUNTIME))
    assert found.verdict == "zig-zag"
    assert found.period_interval[0] <= 4 <= found.period_interval[1]
    assert re.search(r"multiples of 4 2[5-9]%", found.reason)
    assert found.noise < 0.05
    assert set(range(16, 129, 16)) <= set(found.recommended)
    assert all(count % 4 == 0 for count in found.recommended)
    assert clearly_slower(found, ONNXRUNTIME, 0.05) == []


def test_measured_rises_and_falls_agree_with_the_points():
    found = find_steps(CHANNELS, ONNXRUNTIME, intervals=ends(ONNXRUNTIME))
    cost = dict(zip(CHANNELS, ONNXRUNTIME, strict=True))
    assert (found.edges[-1].low, found.edges[-1].high) == (126, 128)
    for edge in found.edges:
        change = cost[edge.high] - cost[edge.low] - found.slope * (edge.high - edge.low)
        scatter = 3 * 0.03 * np.hypot(cost[edge.high], cost[edge.low])
        assert edge.rise_interval[0] - scatter <= change <= edge.rise_interval[1] + scatter


@pytest.mark.parametrize("intervals", [None, ends(OPENVINO)])
def test_a_measured_curve_without_a_pattern_is_judged_by_its_points(intervals):
    found = find_steps(CHANNELS, OPENVINO, intervals=intervals)
    assert found.verdict == "irregular"
    assert {8, 16, 80, 96, 128} <= set(found.recommended)
    assert clearly_slower(found, OPENVINO, 0.05) == []


def interleaved(x, modulus, share, base, *, inner=None):
    """Return costs along a line, and a share of them at multiples of the modulus."""
    factor = np.where(x % modulus == 0, share, 1.0)
    if inner is not None:
        factor = np.where(x % inner[0] == 0, inner[1], factor)
    return (base + x) * factor


zig_zags = st.fixed_dictionaries(
    {
        "modulus": st.sampled_from([2, 3, 4, 6, 8, 12, 16]),
        "share": st.floats(0.15, 0.7),
        "base": st.floats(0, 10),
        "noise": st.sampled_from([0.0, 0.003, 0.01, 0.03]),
        "seed": st.integers(0, 10_000),
    }
)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(zig_zags, st.sampled_from([1, 2]), st.booleans())
def test_a_zig_zag_is_found_whatever_its_modulus_ratio_and_noise(case, fineness, outliers):
    rng = np.random.default_rng(case["seed"])
    grid = case["modulus"] // 2 if fineness == 2 and case["modulus"] % 2 == 0 else 1
    x = np.arange(float(grid), 128.0 * grid + 1, grid)
    truth = interleaved(x, case["modulus"], case["share"], case["base"])
    y = truth * (1 + case["noise"] * rng.standard_normal(len(x)))
    if outliers:
        y[rng.choice(len(x), 3, replace=False)] *= rng.uniform(1.5, 4, 3)
    found = find_steps(x, y)
    assert found.verdict == "zig-zag"
    assert found.period_interval[0] <= case["modulus"] <= found.period_interval[1]
    fast = x % case["modulus"] == 0
    spared = np.isin(x, found.outliers)
    changes = np.flatnonzero(np.diff(fast[~spared]))
    assert [edge.low for edge in found.edges] == x[~spared][changes].tolist()
    assert found.noise < 1.5 * case["noise"] + 1e-6


@settings(derandomize=True, deadline=None, max_examples=20)
@given(zig_zags)
def test_rises_of_an_exact_zig_zag_are_the_changes_beside_the_slope(case):
    x = np.arange(1.0, 129.0)
    y = interleaved(x, case["modulus"], case["share"], case["base"])
    found = find_steps(x, y)
    assert found.edges
    for edge in found.edges:
        change = y[int(edge.high) - 1] - y[int(edge.low) - 1]
        assert edge.rise + found.slope * (edge.high - edge.low) == pytest.approx(change, rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.02])
@pytest.mark.parametrize("grid", [1, 2, 4])
def test_three_interleaved_lines_are_told_apart(noise, grid):
    rng = np.random.default_rng(grid)
    x = np.arange(float(grid), 257.0, grid)
    truth = interleaved(x, 8, 0.6, 4.0, inner=(32, 0.3))
    found = find_steps(x, truth * (1 + noise * rng.standard_normal(len(x))))
    assert found.verdict == "zig-zag"
    shares = [int(share) for share in re.findall(r"multiples of (?:8|32) (\d+)%", found.reason)]
    assert shares == pytest.approx([60, 30], abs=2)
    assert set(range(32, 257, 32)) <= set(found.recommended)
    assert not any(count % 8 for count in found.recommended if count > 32)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    st.lists(st.floats(0, 1), min_size=24, max_size=120),
    st.sampled_from([1, 2, 4]),
    st.floats(0.5, 5),
)
def test_what_never_falls_is_no_zig_zag(increments, grid, base):
    x = grid * np.arange(1.0, len(increments) + 1)
    found = find_steps(x, base + np.cumsum(increments))
    assert found.verdict != "zig-zag"


@settings(derandomize=True, deadline=None, max_examples=30)
@given(zig_zags, st.booleans())
def test_what_is_recommended_of_a_zig_zag_is_sound_and_complete(case, nested):
    rng = np.random.default_rng(case["seed"])
    x = np.arange(1.0, 129.0)
    inner = (4 * case["modulus"], case["share"] / 2) if nested and case["modulus"] < 8 else None
    truth = interleaved(x, case["modulus"], case["share"], case["base"], inner=inner)
    found = find_steps(x, truth * (1 + case["noise"] * rng.standard_normal(len(x))))
    check_recommended(x, truth, found.recommended, 0.01 + 4 * np.sqrt(2) * case["noise"])


@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    st.lists(st.one_of(st.integers(1, 8).map(float), st.floats(0.2, 20)), min_size=6, max_size=60),
    st.booleans(),
)
def test_what_is_recommended_of_any_measured_curve_is_sound_and_complete(costs, growing):
    x = np.arange(1.0, len(costs) + 1)
    y = np.array(costs) * (x if growing else 1.0)
    found = find_steps(x, y, intervals=list(zip(0.999 * y, 1.001 * y, strict=True)))
    check_recommended(x, y, found.recommended, 0.05)


def check_recommended(x, cost, recommended, apart):
    """No recommended count is clearly slower than a larger one; what beats all larger is there."""
    kept = np.isin(x, recommended)
    for i in range(len(x)):
        larger = cost[i + 1 :].min(initial=np.inf)
        if kept[i]:
            assert cost[i] <= larger * (1 + apart)
        elif cost[i] * (1 + apart) < larger:
            pytest.fail(f"{x[i]:g} costs {cost[i]}, all larger at least {larger}")
