"""Remainders that set counts apart, against known classes, and the noise no shape inflates."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.stats.changepoints import Curve
from opscope.stats.evidence import fit_columns
from opscope.stats.noise import local_noise
from opscope.stats.residues import find_classes, fit_lines


def curve_of(x, y):
    return Curve(x=np.asarray(x, dtype=float), y=np.asarray(y), scale=np.maximum(y, 0.01))


def test_lines_agree_with_a_general_least_squares_fit():
    rng = np.random.default_rng(1)
    x = np.arange(1.0, 41.0)
    curve = Curve(x=x, y=x + rng.standard_normal(40), scale=rng.uniform(0.5, 2, 40))
    of = (x % 4 == 0).astype(np.int64)
    fit = fit_lines(curve, of)
    general = fit_columns(curve, [(of == c) * column for c in (0, 1) for column in (x**0, x)])
    assert fit.fitted == pytest.approx(general.fitted)
    assert fit.rss == pytest.approx(general.rss)
    design = fit.row(x, of) / curve.scale[:, None]
    assert fit.covariance == pytest.approx(np.linalg.inv(design.T @ design))


@pytest.mark.parametrize(
    ("grid", "modulus", "remainder"), [(1, 4, 0), (2, 4, 0), (1, 16, 1), (2, 8, 6), (5, 15, 10)]
)
def test_any_remainder_is_found(grid, modulus, remainder):
    x = np.arange(float(grid), 100.0 * grid, grid)
    found = find_classes(curve_of(x, x * np.where(x % modulus == remainder, 0.4, 1.0)))
    assert found.rules == ((modulus, remainder),)
    assert np.array_equal(found.of == 1, x % modulus == remainder)


def test_missing_counts_do_not_hide_a_remainder():
    x = np.sort(np.random.default_rng(2).choice(np.arange(1.0, 137), 60, replace=False))
    found = find_classes(curve_of(x, x * np.where(x % 4 == 0, 0.5, 1.0)))
    assert found.rules == ((4, 0),)


@pytest.mark.parametrize("shape", [lambda x: 1 + x, lambda x: np.ceil(x / 16), np.sqrt])
def test_lines_curves_and_staircases_have_no_remainders(shape):
    x = np.arange(1.0, 129.0)
    assert find_classes(curve_of(x, shape(x))) is None


def test_counts_on_no_common_grid_have_no_remainders():
    x = np.cumsum(np.random.default_rng(3).uniform(0.5, 2, 60))
    assert find_classes(curve_of(x, x)) is None


@pytest.mark.parametrize(
    "shape",
    [
        lambda x: 1 + x,
        lambda x: np.ceil(x / 16),
        lambda x: np.ceil(x / 2),
        lambda x: x * np.where(x % 4 == 0, 0.3, 1.0),
    ],
)
def test_the_noise_is_the_same_whatever_the_shape(shape):
    x = np.arange(1.0, 257.0)
    y = shape(x) * (1 + 0.01 * np.random.default_rng(4).standard_normal(256))
    assert 0.006 < local_noise(curve_of(x, y)) < 0.015
