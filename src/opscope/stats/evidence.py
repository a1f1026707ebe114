"""Weighted least-squares fits of a curve and the evidence for each. No search, no verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log
from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import RESOLUTION

if TYPE_CHECKING:
    from opscope.stats.changepoints import Curve, Floats, Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A least-squares fit: fitted y, the sum of squared scaled residuals, free coefficients."""

    fitted: Floats
    rss: float
    size: int


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentFit:
    """Levels of segments that share one slope: y = level[segment] + slope · x.

    `weight`, `centre` are each segment's total weight and mean x; `sxx` the weighted scatter of x
    within segments. Variances of levels and slope follow from them, times the noise variance.
    """

    fitted: Floats
    rss: float
    size: int
    slope: float
    levels: Floats
    weight: Floats
    centre: Floats
    sxx: float

    def rise_variance(self, sigma: float) -> Floats:
        """Return the variance of each difference of neighbouring levels."""
        variance = 1 / self.weight[1:] + 1 / self.weight[:-1]
        if self.sxx > 0:
            variance = variance + np.diff(self.centre) ** 2 / self.sxx
        return np.asarray(variance * sigma**2)


def fit_segments(curve: Curve, labels: Ints, *, slope: float | None = None) -> SegmentFit:
    """Fit a level per segment and one slope within all of them, or the given slope."""
    w = 1 / curve.scale**2
    weight = np.bincount(labels, w).astype(np.float64)
    centre = np.bincount(labels, w * curve.x) / weight
    mean = np.bincount(labels, w * curve.y) / weight
    dx, dy = curve.x - centre[labels], curve.y - mean[labels]
    sxx = float(np.sum(w * dx * dx))
    free = slope is None
    if slope is None:
        slope = float(np.sum(w * dx * dy)) / sxx if sxx > 0 else 0.0
    residual = dy - slope * dx
    return SegmentFit(
        fitted=curve.y - residual,
        rss=float(np.sum(w * residual * residual)),
        size=len(weight) + free,
        slope=slope,
        levels=mean - slope * centre,
        weight=weight,
        centre=centre,
        sxx=sxx if free else 0.0,
    )


def fit_columns(curve: Curve, columns: list[Floats]) -> Fit:
    """Fit a linear combination of columns, each a value per point."""
    design = np.column_stack(columns)
    coefficients = np.linalg.lstsq(design / curve.scale[:, None], curve.y / curve.scale)[0]
    fitted = design @ coefficients
    rss = float(np.sum(((curve.y - fitted) / curve.scale) ** 2))
    return Fit(fitted=fitted, rss=rss, size=len(columns))


def unit_range(x: Floats) -> Floats:
    """Map x to -1 … 1, where powers of x are nearly independent."""
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    return np.asarray((x - middle) / half)


def fit_polynomial(curve: Curve, degree: int) -> Fit:
    """Fit a polynomial in x."""
    u = unit_range(curve.x)
    return fit_columns(curve, [u**power for power in range(degree + 1)])


def fit_kink(curve: Curve, *, knots: int = 24) -> Fit:
    """Fit two lines that meet at the best of some knots spread over the points."""
    u = unit_range(curve.x)
    at = np.unique(np.linspace(2, len(u) - 3, knots).astype(np.int64))
    best: Fit | None = None
    for knot in at:
        fit = fit_columns(curve, [np.ones_like(u), u, np.maximum(u - u[knot], 0)])
        if best is None or fit.rss < best.rss:
            best = fit
    if best is None:
        raise ValueError("a kink needs five points")
    return best


def log_evidence(*, n: int, null: Fit, rss: float, size: int) -> float:
    """Return the log Bayes factor of a model against a null model nested in it.

    Zellner's g-prior with g by empirical Bayes (Liang et al., JASA 2008, eqs. 6 and 9): unlike
    BIC it stays fair when levels are nearly as many as points, two to a step. Sums of squares
    are bounded from below by RESOLUTION, so that noiseless data have finite evidence.
    """
    extra, free = size - null.size, n - size
    if free < 1 or extra < 1:
        return float("-inf")
    floor = n * RESOLUTION**2
    left = (rss + floor) / (null.rss + floor)
    if left >= 1:
        return 0.0
    g = max((1 - left) / extra * free / left - 1, 0.0)
    return 0.5 * (free * log(1 + g) - (n - null.size) * log(1 + g * left))


def log_choose(n: int, k: int) -> float:
    """Return the logarithm of the number of ways to choose k of n."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
