"""How much single points scatter, whatever shape the curve has. Knows no fit, so no misfit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import RESOLUTION

if TYPE_CHECKING:
    from opscope.stats.changepoints import Curve

_LAGS = 16


def local_noise(curve: Curve) -> float:
    """Return the noise, in units of `curve.scale`, from points against those a lag to both sides.

    Any curve whose remainders at some lag follow lines agrees with its own neighbours at that
    lag, be it smooth, a staircase or a zig-zag; the least scatter over the lags is the noise.
    """
    n = len(curve)
    return max(
        min(_scatter(curve, lag) for lag in range(1, min(_LAGS, (n - 1) // 4) + 1)), RESOLUTION
    )


def _scatter(curve: Curve, lag: int) -> float:
    """Return the robust scatter about the chords between the points a lag before and after."""
    x, y, variance = curve.x, curve.y, curve.scale**2
    share = (x[lag:-lag] - x[: -2 * lag]) / (x[2 * lag :] - x[: -2 * lag])
    off = y[lag:-lag] - (1 - share) * y[: -2 * lag] - share * y[2 * lag :]
    spread = variance[lag:-lag] + (1 - share) ** 2 * variance[: -2 * lag]
    spread = np.sqrt(spread + share**2 * variance[2 * lag :])
    return float(np.quantile(np.abs(off) / spread, 0.3)) / 0.385
