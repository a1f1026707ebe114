"""Contention: whether another hardware thread shares the core, and which visits had it alone."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from opscope.core.measurement import Measurement
from opscope.core.readings import Round, Visit
from opscope.meters.base import Readings
from opscope.meters.probes import probed
from opscope.stats.sharing import contention_alone, is_shared

CONTENTION = "contention"
"""Under this name a reference keeps what `contention` is while the core is alone."""

_VALUES, _PASSES, _TRIES = 1024, 8, 3
"""Numbers that the innermost cache holds, how often they are multiplied, and how often all is done:
the fastest counts."""

_SAME = 1.1
"""Within this factor two runs' least contention is that of a core alone; readings scatter so."""


def contention() -> float:
    """Return the time of independent over that of dependent arithmetic, at this moment.

    Independent operations keep all units of the core busy and take up to twice as long while
    another hardware thread uses them too; a chain of additions waits for itself and leaves most
    units idle. Both need no memory, and the clock frequency cancels out. Involuntary context
    switches, CPU time and steal show nothing of it when the other thread is another machine's.
    """
    values, sums = _arrays()
    independent_s = dependent_s = math.inf
    for _ in range(_TRIES):
        start = time.perf_counter()
        for _ in range(_PASSES):
            np.multiply(values, values, out=values)
        middle = time.perf_counter()
        np.add.accumulate(values, out=sums)
        end = time.perf_counter()
        independent_s = min(independent_s, middle - start)
        dependent_s = min(dependent_s, end - middle)
    return round(independent_s / dependent_s, 3)


def alone(readings: Readings) -> Readings:
    """Return the readings with those visits and rounds only in which the core was not shared.

    Where the reference does not say how low contention is then, or visits have none, all count.
    """
    least = judged_by(readings)
    if least is None:
        return readings
    return msgspec.structs.replace(
        readings,
        visits=tuple(visit for visit in readings.visits if _alone(visit, least)),
        rounds=tuple(seen for seen in readings.rounds if _alone(seen, least)),
    )


def share_alone(measurement: Measurement) -> float:
    """Return the share of a figure's visits in which the core was not shared; 1 if nobody asks."""
    least, visits = measurement.least_contention, measurement.visits
    if least is None or not visits:
        return 1.0
    return sum(_alone(visit, least) for visit in visits) / len(visits)


def judged_by(readings: Readings) -> float | None:
    """Return the contention with the core alone that tells which visits count; none if all do."""
    if not all(visit.contention for visit in readings.visits):
        return None
    return readings.reference.get(CONTENTION)


def least_of(rounds: Sequence[Round]) -> float | None:
    """Return what these rounds show of contention with the core alone, if they read it."""
    everywhere = [value for seen in rounds for value in seen.contention]
    return contention_alone(everywhere) if everywhere else None


def lowered(reference: Mapping[str, float], found: float | None) -> dict[str, float]:
    """Return a run's reference after contention with the core alone was found, if it was.

    Where that is lower than was known, kernels may have been taken for undisturbed that shared
    their core; they are dropped.
    """
    if found is None:
        return dict(reference)
    known = reference.get(CONTENTION, found)
    kept = reference if known <= _SAME * found else {}
    return {**kept, CONTENTION: min(known, found)}


def referred(reference: Mapping[str, float], rounds: Sequence[Round]) -> dict[str, float]:
    """Return a run's reference; what it lacks, these rounds say.

    Returns:
        Seconds of each reference kernel while the core was not shared, and contention then.
    """
    known = lowered(reference, least_of(rounds))
    if any(seen.contention for seen in rounds):
        rounds = [seen for seen in rounds if _alone(seen, known[CONTENTION])]
    return probed(rounds) | known


def _alone(seen: Visit | Round, least: float) -> bool:
    return not is_shared(seen.contention, least)


@functools.cache
def _arrays() -> tuple[np.ndarray, np.ndarray]:
    return np.ones(_VALUES, np.float32), np.empty(_VALUES, np.float32)
