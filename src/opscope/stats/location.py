"""Where noisy timings lie: low quantiles over rounds, their intervals, and percentiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LOW_QUANTILE = 0.25
"""Disturbances only slow a call down, and strike whole rounds: the lower quartile of the rounds'
minima ignores three rounds in four being disturbed, without resting on one lucky sample."""


def low_location(rounds: Sequence[Sequence[float]]) -> float:
    """Return the lower quartile, over rounds, of each round's minimum.

    Args:
        rounds: Undisturbed samples of each round, in any unit; empty rounds are passed over.

    Raises:
        ValueError: If no round has a sample.
    """
    minima = _minima(rounds)
    return float(np.quantile(minima, LOW_QUANTILE))


def low_interval(
    rounds: Sequence[Sequence[float]], confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return an interval for `low_location` from the order statistics of the rounds' minima.

    The number of rounds below the true quartile is binomial whatever the noise looks like, so two
    order statistics bracket it with at least ``confidence`` if rounds are independent and their
    number was fixed beforehand.

    Returns:
        The interval, or nothing when there are too few rounds for one.
    """
    minima = np.sort(_minima(rounds))
    ranks = quantile_ranks(len(minima), LOW_QUANTILE, confidence)
    return None if ranks is None else (float(minima[ranks[0]]), float(minima[ranks[1]]))


def quantile_ranks(count: int, quantile: float, confidence: float) -> tuple[int, int] | None:
    """Return the ranks, from 0, of the order statistics that bracket a quantile.

    Of all pairs with the confidence it returns the closest; nothing if no pair has it.

    Source: Conover, Practical Nonparametric Statistics, Sec. 3.2.
    """
    below = [_binomial(count, k, quantile) for k in range(count + 1)]
    cumulative = np.cumsum(below)
    best: tuple[int, int] | None = None
    for low in range(count):
        before = cumulative[low]
        for high in range(low + 1, count):
            covered = cumulative[high] - before
            if covered >= confidence and (best is None or high - low < best[1] - best[0]):
                best = (low, high)
    return best


def percentiles(values: Sequence[float], *points: float) -> list[float]:
    """Return the percentiles of ``values`` at ``points``, 0 to 100."""
    return [float(value) for value in np.percentile(np.asarray(values), points)]


def _minima(rounds: Sequence[Sequence[float]]) -> np.ndarray:
    minima = [min(samples) for samples in rounds if samples]
    if not minima:
        msg = "no round has a sample"
        raise ValueError(msg)
    return np.array(minima)


def _binomial(n: int, k: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)
