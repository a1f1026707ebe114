"""How steady a series of rounds is: scatter, trend, range, and what intervals it would allow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from opscope.stats.location import LEAST_ROUNDS, low_interval, low_location

_STARTS = 12
"""Stretches of a series that are looked at, spread evenly over it."""


def scatter(values: Sequence[float]) -> float:
    """Return the median absolute deviation from the median, in the unit of ``values``."""
    y = np.asarray(values)
    return float(np.median(np.abs(y - np.median(y))))


def trend(times: Sequence[float], values: Sequence[float]) -> float:
    """Return the median slope between any two points (Theil, 1950; Sen, JASA 1968), 0 for one."""
    x, y = np.asarray(times), np.asarray(values)
    first, second = np.triu_indices(len(x), 1)
    run = x[second] - x[first]
    rise = (y[second] - y[first])[run != 0]
    return float(np.median(rise / run[run != 0])) if rise.size else 0.0


def wander(values: Sequence[float], parts: int = 5) -> float:
    """Return how far the `low_location` of consecutive ``parts`` lie apart, over that of all."""
    pieces = np.array_split(np.asarray(values), min(parts, len(values)))
    locations = [low_location(piece.tolist()) for piece in pieces]
    return (max(locations) - min(locations)) / low_location(values)


def half_width(values: Sequence[float], rounds: int) -> float | None:
    """Return half the width of a `low_interval` after ``rounds``, relative, as it is at the median.

    Returns:
        The median over stretches of the series, or nothing if it is shorter than ``rounds``.
    """
    last = len(values) - rounds
    if rounds < LEAST_ROUNDS or last < 0:
        return None
    widths = [_half_width(values[start : start + rounds]) for start in _starts(last)]
    return float(np.median(widths))


def rounds_needed(values: Sequence[float], precision: float, least: int, most: int) -> list[float]:
    """Return after how many rounds sampling would have stopped, begun at several points.

    Args:
        values: One of each round, positive.
        precision: Half-width of the interval, relative, at which it stops.
        least: Rounds before which it would not have stopped.
        most: Rounds after which it would have given up: infinity then.
    """
    last = len(values) - most
    if last < 0:
        most, last = len(values), 0
    return [_stopping(values[start : start + most], precision, least) for start in _starts(last)]


def _starts(last: int) -> list[int]:
    return sorted({round(start) for start in np.linspace(0, last, _STARTS)})


def _stopping(values: Sequence[float], precision: float, least: int) -> float:
    for rounds in range(max(least, LEAST_ROUNDS), len(values) + 1):
        if _half_width(values[:rounds]) <= precision:
            return rounds
    return math.inf


def _half_width(values: Sequence[float]) -> float:
    interval = low_interval(values)
    assert interval is not None  # noqa: S101 - callers give rounds enough
    return (interval[1] - interval[0]) / 2 / low_location(values)
