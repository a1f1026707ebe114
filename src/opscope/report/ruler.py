"""Rulers: the prefix that all of an axis takes, and where a logarithmic one is marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from opscope.report.chart import Axis
from opscope.report.units import prefix, quantity, rate

_MOST = 9
"""Marks that an axis has room for."""

_CLOSE = 4
"""How many times the least the most is where 1, 2, 5 would mark too little."""


def scaled(axis: Axis, values: Sequence[float]) -> tuple[float, str]:
    """Return what the values of a linear axis are divided by, and its label with the unit.

    A logarithmic axis is not scaled: each of its marks has a prefix of its own.
    """
    if axis.log or not axis.unit:
        return 1.0, axis.label
    scale, sign = prefix(max(map(abs, values), default=1.0), axis.unit)
    return scale, f"{axis.label} ({sign}{axis.unit})"


def ticks(axis: Axis, values: Sequence[float]) -> dict[float, str]:
    """Return where a logarithmic axis is marked, and how: 1, 2, 5 or powers of ten, or evenly.

    Evenly where the values lie within a factor of four, as ratios about 1 do.
    """
    positive = [value for value in values if value > 0]
    low, high = min(positive, default=1.0), max(positive, default=1.0)
    marks = _even(low, high) if high / low < _CLOSE else _decades(low, high)
    return {mark: _text(mark, axis.unit) for mark in marks}


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1)
    fine = [m * 10.0**power for power in powers for m in (1, 2, 5)]
    kept = [mark for mark in fine if low / 1.2 <= mark <= high * 1.2]
    if len(kept) <= _MOST:
        return kept
    return [10.0**power for power in powers[:: 1 + len(powers) // _MOST]]


def _even(low: float, high: float) -> list[float]:
    room = (high - low) / 5 or low / 5
    power = 10.0 ** math.floor(math.log10(room))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= room)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [float(f"{place * step:.6g}") for place in range(max(1, first), last + 1)]


def _text(value: float, unit: str) -> str:
    if unit in {"s", "J"}:
        return quantity(value, unit, 3)
    return rate(value, "", 3).rstrip()
