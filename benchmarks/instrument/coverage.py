"""How often the 95 % interval holds the truth when sampling stops by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement, Stop
from opscope.core.platform import PlatformInfo
from opscope.core.study import Protocol
from opscope.meters.base import Readings
from opscope.meters.latency import CallLatencyMeter
from opscope.stats.location import LOW_QUANTILE, low_interval, low_location

USUAL = Protocol()


def stopped(values: Sequence[float]) -> tuple[tuple[float, float], int]:
    """Return the interval at which sampling stops, and after how many rounds."""
    for rounds in range(USUAL.min_rounds, len(values) + 1):
        low, high = low_interval(values[:rounds]) or (-np.inf, np.inf)
        narrow = high - low <= 2 * USUAL.precision * low_location(values[:rounds])
        if narrow or rounds == len(values):
            return (low, high), rounds
    raise ValueError(f"{len(values)} rounds are too few")


def families(
    scale: float, stream: np.random.Generator, shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Return relative noise of many kinds, one-sided, two-sided, contaminated, correlated."""
    normal = stream.standard_normal

    def burst(share: float, size: float) -> np.ndarray:
        return (stream.random(shape) < share) * stream.exponential(size, shape)

    return {
        "normal": scale * normal(shape),
        "exponential": scale * stream.exponential(1, shape),
        "uniform": scale * stream.uniform(-1.7, 1.7, shape),
        "lognormal": scale * (np.exp(normal(shape)) - 1),
        "Student t, 3 degrees": scale * stream.standard_t(3, shape),
        "Pareto tail": scale * stream.pareto(1.5, shape),
        "bursts in a fifth of rounds": scale * normal(shape) + burst(0.2, 0.2),
        "bursts in two fifths": scale * normal(shape) + burst(0.4, 0.2),
        "exponential and bursts": scale * stream.exponential(1, shape) + burst(0.3, 0.5),
        "two clock speeds, half each": scale
        * (0.3 * normal(shape) + 3 * (stream.random(shape) < 0.5)),
        "two clock speeds, 30 : 70": scale
        * (0.3 * normal(shape) + 3 * (stream.random(shape) < 0.7)),
        "rounds correlated by 0.3": scale * _correlated(stream, shape, 0.3),
        "rounds correlated by 0.5": scale * _correlated(stream, shape, 0.5),
        "correlated bursts": scale * _correlated(stream, shape, 0.3)
        + (_correlated(stream, shape, 0.6) > 0.7) * stream.exponential(0.2, shape),
    }


def _correlated(stream: np.random.Generator, shape: tuple[int, ...], by: float) -> np.ndarray:
    noise = stream.standard_normal(shape)
    for column in range(1, shape[-1]):
        noise[:, column] = by * noise[:, column - 1] + (1 - by**2) ** 0.5 * noise[:, column]
    return noise


def simulated(runs: int = 250) -> Iterator[tuple[str, float, float, float]]:
    """Yield kind of noise, its scale, coverage and median rounds, on clocks of known truth."""
    for scale in (0.003, 0.01, 0.02):
        long = families(scale, np.random.default_rng(1), (200, 2_000))
        short = families(scale, np.random.default_rng(2), (runs, USUAL.rounds))
        for kind, noise in short.items():
            truth = 1 + float(np.quantile(long[kind], LOW_QUANTILE))
            ends = [stopped(row) for row in 1 + noise]
            inside = [low <= truth <= high for (low, high), _ in ends]
            yield kind, scale, float(np.mean(inside)), float(np.median([n for _, n in ends]))


def resampled(
    long: Mapping[Workload, Measurement], info: PlatformInfo, reference: Mapping[str, float]
) -> list[bool]:
    """Return whether the interval held the long-run value, wherever in a long run it started.

    Args:
        long: Call latencies with hundreds of rounds each.
        info: The platform that they were measured on.
        reference: Seconds that each reference kernel took when the run began.
    """
    meter = CallLatencyMeter()
    held = []
    for workload, measured in long.items():
        everything = Readings(
            workload=workload,
            terms=meter.terms(workload),
            visits=measured.visits,
            rounds=measured.rounds,
            reference=dict(reference),
            protocol=USUAL,
        )
        (truth,) = meter.conclude(everything, info, "rounds")
        for start in range(0, len(measured.visits) - USUAL.rounds, USUAL.rounds // 2):
            low, high = _resumed(meter, everything, info, start)
            held.append(low <= truth.value <= high)
    return held


def _resumed(
    meter: CallLatencyMeter, everything: Readings, info: PlatformInfo, start: int
) -> tuple[float, float]:
    """Return the interval, corrections included, had sampling begun in the round ``start``."""
    stopped: Stop = ""
    taken, rounds = everything, USUAL.min_rounds
    while not stopped:
        taken = msgspec.structs.replace(
            everything,
            visits=everything.visits[start : start + rounds],
            rounds=everything.rounds[start : start + rounds],
        )
        ended: Stop = "rounds" if start + rounds >= len(everything.visits) else ""
        stopped, rounds = meter.settled(taken) or ended, rounds + 1
    (found,) = meter.conclude(taken, info, stopped)
    return found.interval or (-math.inf, math.inf)
