"""Fits against numpy's own least squares, and evidence that needs a real gain."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.stats.changepoints import Curve
from opscope.stats.evidence import (
    fit_columns,
    fit_polynomial,
    fit_segments,
    log_choose,
    log_evidence,
)


@pytest.fixture
def noisy():
    rng = np.random.default_rng(3)
    x = np.arange(1.0, 41.0)
    scale = rng.uniform(0.5, 2.0, 40)
    return Curve(x=x, y=2 + 0.3 * x + scale * rng.standard_normal(40), scale=scale)


def test_segments_agree_with_a_general_least_squares_fit(noisy):
    labels = np.repeat(np.arange(4), 10)
    fit = fit_segments(noisy, labels)
    dummies = [(labels == k).astype(float) for k in range(4)]
    general = fit_columns(noisy, [*dummies, noisy.x])
    assert fit.rss == pytest.approx(general.rss)
    assert fit.fitted == pytest.approx(general.fitted)
    assert fit.size == general.size == 5


def test_rise_variance_is_that_of_the_normal_equations(noisy):
    labels = np.repeat(np.arange(4), 10)
    fit = fit_segments(noisy, labels)
    design = np.column_stack([*((labels == k) * 1.0 for k in range(4)), noisy.x])
    weighted = design / noisy.scale[:, None]
    covariance = np.linalg.inv(weighted.T @ weighted)
    contrast = np.array([-1.0, 1.0, 0, 0, 0])
    assert fit.rise_variance(2.0)[0] == pytest.approx(4 * contrast @ covariance @ contrast)


def test_evidence_is_for_what_explains_and_against_what_does_not(noisy):
    null, cubic = fit_polynomial(noisy, 1), fit_polynomial(noisy, 3)
    useless = log_evidence(n=40, null=null, rss=cubic.rss, size=cubic.size)
    telling = log_evidence(n=40, null=null, rss=cubic.rss / 4, size=cubic.size)
    assert useless < 2
    assert telling > 10


def test_levels_two_points_each_can_win_but_not_a_level_a_point(noisy):
    null = fit_polynomial(noisy, 1)
    assert log_evidence(n=40, null=null, rss=null.rss / 40, size=21) > 10
    assert log_evidence(n=40, null=null, rss=0.0, size=40) == float("-inf")


def test_log_choose():
    assert np.exp(log_choose(10, 3)) == pytest.approx(120)
