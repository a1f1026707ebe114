"""Where noisy timings lie: the low quartile over rounds, its interval, and percentiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LOW_QUANTILE = 0.25
"""Disturbances only slow a call down, and strike whole rounds: the lower quartile of the rounds
holds when half of them are disturbed, without resting on one lucky sample."""

LEAST_ROUNDS = 6
"""Rounds below which no interval is given: fewer cover too little when sampling stops early."""

_BELOW, _ABOVE = 3.5, 4.5
"""Reach of the interval in units of (median - minimum) / sqrt(rounds), by simulation: with eight
rounds at least and sampling that stops at any round it likes, 95 % of intervals and more hold the
long-run quartile on average over fourteen kinds of noise (docs/instrument.md)."""


def low_location(values: Sequence[float]) -> float:
    """Return the lower quartile of ``values``, one of each round, in any unit.

    Raises:
        ValueError: If there is none.
    """
    if not len(values):
        msg = "no round has a value"
        raise ValueError(msg)
    return _quantile(sorted(values), LOW_QUANTILE)


def low_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return a 95 % interval for `low_location`, valid at whichever round sampling stops.

    Its scale is the distance from the fastest round to the middle one, which up to half of the
    rounds can be disturbed without stretching.

    Returns:
        The interval, or nothing with fewer than `LEAST_ROUNDS` values.
    """
    if len(values) < LEAST_ROUNDS:
        return None
    ordered = sorted(values)
    low = _quantile(ordered, LOW_QUANTILE)
    scale = (_quantile(ordered, 0.5) - ordered[0]) / math.sqrt(len(ordered))
    return low - _BELOW * scale, low + _ABOVE * scale


def percentiles(values: Sequence[float], *points: float) -> list[float]:
    """Return the percentiles of ``values`` at ``points``, 0 to 100."""
    return [float(value) for value in np.percentile(np.asarray(values), points)]


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the linearly interpolated quantile; for a few dozen values numpy takes far longer."""
    place = (len(ordered) - 1) * share
    index = int(place)
    above = ordered[min(index + 1, len(ordered) - 1)]
    return float(ordered[index] + (above - ordered[index]) * (place - index))
