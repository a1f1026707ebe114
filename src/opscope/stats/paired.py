"""Paired ratios: where they lie, how surely, and how many differences chance alone shows."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from opscope.stats.changepoints import student_quantile

LEAST_PAIRS = 7
"""Pairs below which no interval is given: the range of fewer covers too little."""

_LEVEL = 0.03
"""Chance of missing that one look is allowed, less than 5 % because sampling stops at the look that
is narrow enough (docs/comparing.md)."""

_CHANCE = 0.05


def log_ratio(logs: Sequence[float]) -> float:
    """Return the middle of paired log ratios: a disturbance strikes few pairs, and either side.

    Raises:
        ValueError: If there is none.
    """
    if not len(logs):
        msg = "there is no pair"
        raise ValueError(msg)
    return float(np.median(logs))


def log_ratio_interval(logs: Sequence[float]) -> tuple[float, float] | None:
    """Return a 95 % interval for `log_ratio`, valid at whichever pair sampling stops.

    Its bounds are order statistics, as in the sign test, so that it rests on no shape of noise: how
    many pairs fall below the true middle is binomial. It speaks of one sitting.

    Returns:
        The interval, or nothing with fewer than `LEAST_PAIRS` pairs.
    """
    if len(logs) < LEAST_PAIRS:
        return None
    ordered = sorted(logs)
    rank = _rank(len(ordered))
    return float(ordered[rank]), float(ordered[-1 - rank])


@functools.lru_cache(maxsize=1024)
def _rank(pairs: int) -> int:
    """Return how many pairs lie outside the interval at each end."""
    below, rank = 0.0, 0
    for count in range(pairs):
        below += math.comb(pairs, count) / 2**pairs
        if 2 * below > _LEVEL:
            break
        rank = count + 1
    return rank - 1


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return Student's 95 % interval for the mean of independent values; nothing for fewer than 2.

    Source: Student, Biometrika 1908.
    """
    if len(values) < 2:  # noqa: PLR2004 - a spread takes two
        return None
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = student_quantile(len(values) - 1) * error
    return mean - half, mean + half


def most_by_chance(trials: int) -> int:
    """Return how many of so many 95 % intervals miss by chance at most, in 95 % of cases."""
    within = 0.0
    for count in range(trials + 1):
        within += math.comb(trials, count) * _CHANCE**count * (1 - _CHANCE) ** (trials - count)
        if within >= 1 - _CHANCE:
            return count
    return trials
