"""One figure from the estimates of its networks, corrected to the machine's speed at first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from opscope.core.measurement import Speed
from opscope.graph.stacks import Term
from opscope.meters.base import Readings
from opscope.meters.estimate import Estimate
from opscope.meters.probes import speed


def combined(
    readings: Readings, estimates: Sequence[Estimate]
) -> tuple[float, tuple[float, float] | None]:
    """Return the sum of the terms, and its interval by propagation of independent errors."""
    value = below = above = 0.0
    for term, part in zip(readings.terms, estimates, strict=True):
        value += term.coefficient * part.value
        low, high = part.interval or (math.nan, math.nan)
        sides = (term.coefficient * (part.value - low), term.coefficient * (high - part.value))
        under, over = sides if term.coefficient > 0 else (sides[1], sides[0])
        below, above = math.hypot(below, under), math.hypot(above, over)
    if math.isnan(below):
        return value, None
    return value, (value - below, value + above)


def corrected(
    counted: Readings, estimates: Sequence[Estimate], readings: Readings
) -> tuple[float, tuple[float, float] | None, Speed | None]:
    """Return the figure at the reference's speed, its interval, and how fast the machine was.

    Of calls that begin with empty caches the reference kernels, which are warm, say nothing.

    Args:
        counted: The readings that count.
        estimates: Of each term, from these.
        readings: All of them, with the reference.

    Returns:
        Seconds, the ends of the 95 % interval in seconds, and what was corrected for, if anything.
    """
    value, interval = combined(counted, estimates)
    if readings.protocol.cold:
        return value, interval, None
    timed = _timed(counted, estimates)
    seen = speed(readings.workload, timed, counted.rounds, readings.reference)
    if not seen:
        return value, interval, None
    at_reference = (value - seen.refetch_s) / seen.factor
    if interval is None:
        return at_reference, None, seen
    below, above = (abs(bound - value) / seen.factor for bound in interval)
    error = math.hypot(seen.error * at_reference, seen.refetch_s / 2 / seen.factor)
    ends = at_reference - math.hypot(below, error), at_reference + math.hypot(above, error)
    return at_reference, ends, seen


def _timed(readings: Readings, estimates: Sequence[Estimate]) -> list[tuple[Term, float]]:
    """Return the networks with the seconds of a call, unless another device than the CPU ran them.

    What that device's own memory holds, the processor's caches say nothing of.
    """
    if any(visit.device for visit in readings.visits):
        return []
    return [(term, part.value) for term, part in zip(readings.terms, estimates, strict=True)]


def half_width(value: float, interval: tuple[float, float] | None) -> float:
    """Return half the interval's width, relative; infinite where nothing is known."""
    return (interval[1] - interval[0]) / (2 * value) if interval and value > 0 else math.inf
