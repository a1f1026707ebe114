"""From raw visits to where one deployment's latency lies, how surely, and whether to trust it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from opscope.core.readings import Samples, Visit
from opscope.core.record import Record
from opscope.stats.location import low_interval, low_location
from opscope.stats.residuals import dependence

_AGREEMENT = 0.02
"""How far CPU time may be from wall time in undisturbed calls to stand in for it in others."""

_LEAST_CLEAN = 3


class Estimate(Record, frozen=True, kw_only=True):
    """Where the undisturbed latency of one deployment lies.

    Attributes:
        interval: 95 %; absent with too few rounds.
        rounds: Rounds that took part.
        preparations: Preparations among them.
        by_cpu_time: Rounds whose calls were all disturbed, so that CPU time stood in.
        doubt: Why it cannot be trusted; empty when it can.
    """

    value: float
    interval: tuple[float, float] | None
    rounds: int
    preparations: int
    by_cpu_time: int = 0
    doubt: str = ""


def estimate(visits: Sequence[Visit], *, least_change: float | None = None) -> Estimate:
    """Return the estimate from the visits to one deployment.

    Args:
        visits: One of each round, at least one.
        least_change: Relative change with time, order or what ran before that makes it untrusted;
            unless given, that is not looked into.
    """
    fastest = enumerate(visit.samples.fastest_s for visit in visits)
    clean = {index: seconds for index, seconds in fastest if seconds is not None}
    replaced = {} if 2 * len(clean) > len(visits) else _by_cpu_time(visits, clean)
    values = clean | replaced
    if not values:
        values = {index: min(v.samples.durations_s) for index, v in enumerate(visits)}
    order = sorted(values)
    kept, numbers = [visits[index] for index in order], [values[index] for index in order]
    return Estimate(
        value=low_location(numbers),
        interval=_interval(kept, numbers),
        rounds=len(kept),
        preparations=len({visit.preparation for visit in kept}),
        by_cpu_time=len(replaced),
        doubt=_disturbed(len(visits), len(clean), len(replaced))
        or ("" if least_change is None else _dependent(kept, numbers, least_change)),
    )


def _by_cpu_time(visits: Sequence[Visit], clean: dict[int, float]) -> dict[int, float]:
    """Return the least CPU time of each visit without a clean call, if it is known to agree."""
    pairs = [pair for visit in visits for pair in _clean_pairs(visit.samples)]
    if len(pairs) < _LEAST_CLEAN:
        return {}
    ratio = float(np.median([cpu_s / wall_s for wall_s, cpu_s in pairs]))
    if abs(ratio - 1) > _AGREEMENT:
        return {}
    return {
        index: min(visit.samples.cpu_s) / ratio
        for index, visit in enumerate(visits)
        if index not in clean and visit.samples.cpu_s
    }


def _clean_pairs(samples: Samples) -> list[tuple[float, float]]:
    if samples.cpu_s is None:
        return []
    taken = zip(samples.durations_s, samples.cpu_s, samples.disturbances, strict=True)
    return [(wall_s, cpu_s) for wall_s, cpu_s, disturbance in taken if not disturbance]


def _interval(visits: Sequence[Visit], values: Sequence[float]) -> tuple[float, float] | None:
    """Return the interval over rounds, widened to where each preparation by itself lies."""
    interval = low_interval(values)
    if interval is None:
        return None
    own: dict[int, list[float]] = {}
    for visit, value in zip(visits, values, strict=True):
        own.setdefault(visit.preparation, []).append(value)
    locations = [low_location(mine) for mine in own.values()]
    return min(interval[0], *locations), max(interval[1], *locations)


def _disturbed(visits: int, clean: int, replaced: int) -> str:
    if 2 * clean > visits or clean + replaced == visits:
        return ""
    return f"other work disturbed every call in {visits - clean} of {visits} rounds"


def _dependent(visits: Sequence[Visit], values: Sequence[float], least: float) -> str:
    covariates: dict[str, Sequence[float]] = {
        "the time it was measured": [visit.start_s for visit in visits],
        "its place in the round": [visit.position for visit in visits],
        "what ran before it": [visit.after_bytes for visit in visits],
    }
    found = dependence(values, covariates, least)
    return f"it changes with {found}" if found else ""
