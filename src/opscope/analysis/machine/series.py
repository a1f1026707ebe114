"""How steady the reference kernels were: noise, drift, disturbances, and what precision follows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from opscope.core.diagnosis import Drift, Expectation, Kernel, Noise
from opscope.core.readings import Visit
from opscope.core.study import Protocol
from opscope.stats.location import LEAST_ROUNDS, percentiles
from opscope.stats.residuals import dependence
from opscope.stats.steadiness import half_width, rounds_needed, scatter, trend, wander

LEAST_DRIFT = 0.01
"""Smallest change over the time watched that is called a drift."""

_MINUTE_S = 60.0


def visits(kernel: Kernel) -> Sequence[Visit]:
    """Return the visits to a kernel, none if it could not be measured."""
    measurement = kernel.trial.measurement("latency_s")
    return measurement.visits if measurement else ()


def fastest(kernel: Kernel) -> list[float]:
    """Return the fastest undisturbed call of each round that had one, in seconds.

    If no round had one, the fastest of all calls stand in.
    """
    samples = [visit.samples for visit in visits(kernel)]
    clean = [seconds for taken in samples if (seconds := taken.fastest_s) is not None]
    return clean or [min(taken.durations_s) for taken in samples]


def noise(kernels: Sequence[Kernel]) -> Noise:
    """Return how the kernels' rounds scatter, each around its own median."""
    relative = [value / np.median(y) - 1 for y in map(fastest, kernels) for value in y]
    low, high = percentiles(relative, 2.5, 97.5)
    return Noise(deviation=scatter(relative), low=low, high=high)


def drift(kernels: Sequence[Kernel]) -> Drift:
    """Return how the kernels' durations changed with time, all of them together.

    A round's figure is the median over kernels of its fastest call over that kernel's median.
    """
    relative: dict[int, list[float]] = defaultdict(list)
    started: dict[int, float] = {}
    for kernel in kernels:
        taken = [(v, s) for v in visits(kernel) if (s := v.samples.fastest_s) is not None]
        middle = float(np.median([value for _, value in taken])) if taken else 1.0
        for visit, value in taken:
            relative[visit.round].append(value / middle)
            started.setdefault(visit.round, visit.start_s)
    values = [float(np.median(relative[number])) for number in sorted(relative)]
    times = [started[number] for number in sorted(relative)]
    if not values:
        return Drift(per_minute=0.0, range=0.0, significant=False)
    return Drift(
        per_minute=_MINUTE_S * trend(times, values),
        range=wander(values),
        significant=bool(dependence(values, {"time": times}, LEAST_DRIFT)),
    )


def expectation(kernels: Sequence[Kernel], counted: float = 1.0) -> Expectation:
    """Return what precision the rounds seen would have given a measurement by the usual protocol.

    Half-widths are medians over kernels and over stretches of the rounds.

    Args:
        kernels: With those visits only that count.
        counted: Share of a measurement's rounds that count, above 0.
    """
    usual = Protocol()
    series = [fastest(kernel) for kernel in kernels]
    most = min(usual.rounds, int(usual.longest * counted))
    wanted, least = usual.precision, min(max(usual.min_rounds, LEAST_ROUNDS), most)
    stops = [
        stop / counted
        for values in series
        if len(values) >= least
        for stop in rounds_needed(values, wanted, least, most)
    ]
    stops.sort()
    return Expectation(
        least_rounds=math.ceil(least / counted),
        most_rounds=math.ceil(most / counted),
        after_least=_median(half_width(values, least) for values in series),
        after_most=_median(half_width(values, most) for values in series),
        wanted=wanted,
        rounds=_within(stops, 0.5),
        rounds_mostly=_within(stops, 0.9),
    )


def disturbed(kernels: Sequence[Kernel]) -> dict[str, float]:
    """Return the share of all counted calls that something disturbed, by what."""
    every = Counter(
        disturbance
        for kernel in kernels
        for visit in visits(kernel)
        for disturbance in visit.samples.disturbances
    )
    calls = every.total()
    return {what: count / calls for what, count in every.most_common() if what}


def _within(stops: Sequence[float], share: float) -> int | None:
    """Return the rounds that ``share`` of the stops, sorted, do not exceed; none if endless."""
    stop = stops[math.ceil(share * len(stops)) - 1] if stops else math.inf
    return math.ceil(stop) if math.isfinite(stop) else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
