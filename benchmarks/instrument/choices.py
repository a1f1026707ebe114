"""What rounds, length of a visit and size of a cohort are worth: how 40, 1 ms and 24 were chosen.

Run: python -m benchmarks.instrument.choices [platform]. Other work on the machine widens every
column; what is compared was visited in turns.
"""

from __future__ import annotations

import itertools
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from benchmarks.instrument.measuring import Instrument
from benchmarks.instrument.workloads import WORKLOADS
from opscope.core.configuration import Workload
from opscope.core.readings import Samples, Visit
from opscope.core.study import Instrumentation, Limits, Protocol
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.isolation import isolated
from opscope.engine.machine import no_collections
from opscope.graph import build
from opscope.meters.calls import joined, steady
from opscope.meters.contention import contention
from opscope.meters.estimate import Estimate, estimate
from opscope.platforms.base import TimedDeployment
from opscope.platforms.registry import load_platform
from opscope.stats.sharing import contention_alone, is_shared

SHORT = WORKLOADS[:20]
"""The shorter ones, so that a round stays short."""

ROUNDS = 160
LONGEST_S, MOST = 0.01, 100
VISITS_S = ((0.0, 3), (0.0003, 10), (0.001, 10), (0.003, 30), (LONGEST_S, MOST))
"""How long a visit may count and how many calls at most; three calls count at least."""
NOW = VISITS_S[2]
READINGS_S = 1e-4
"""Time of the two readings of contention around a visit, about."""

FEW, MANY = (8, 16, 24, 40, 80), 20
SIZES, REPEATS = (4, 8, 16, 24, 48), 5

Visits = Mapping[Workload, Sequence[Visit]]


class Precision(NamedTuple):
    """What figures of some rounds are worth: errors against all rounds, and half-widths."""

    errors: np.ndarray
    halves: np.ndarray


def main() -> None:
    """Print what each choice gives."""
    platform = sys.argv[1] if len(sys.argv) > 1 else "onnxruntime-cpu"
    taken = visited(platform)
    everywhere = [value for visits in taken.values() for v in visits for value in v.contention]
    least = contention_alone(everywhere)
    share = np.mean([not is_shared((value,), least) for value in everywhere])
    print(f"== {platform}: the core alone in {share:.0%} of the readings around visits")
    undisturbed = {
        workload: [visit for visit in visits if not is_shared(visit.contention, least)]
        for workload, visits in taken.items()
    }
    for name, visits in (("all rounds", taken), ("those with the core alone", undisturbed)):
        kept = {w: found for w, found in visits.items() if len(found) >= max(FEW)}
        print(f"\n{name}: {len(kept)} workloads with {max(FEW)} of {ROUNDS} and more")
        if kept:
            rounds(kept)
            lengths(kept)
    cohorts(platform)


def visited(platform: str) -> Visits:
    """Return long visits in rounds, two preparations in turns, as a worker makes them."""
    opened, protocol = load_platform(platform), Protocol(rounds=ROUNDS)
    taken: dict[Workload, list[Visit]] = {workload: [] for workload in SHORT}
    with ExitStack() as held:
        deployments: dict[Workload, list[TimedDeployment]] = {}
        for workload in SHORT:
            inputs = build(workload).draw_inputs(0)
            for _ in range(protocol.preparations):
                deployment = opened.prepare(workload, seed=0, instrumentation=Instrumentation())
                assert isinstance(deployment, TimedDeployment)  # noqa: S101 - all here are
                held.enter_context(closing(deployment))
                deployment.bind(inputs)
                deployment.sample(protocol.warmup)
                deployments.setdefault(workload, []).append(deployment)
        held.enter_context(no_collections())
        held.enter_context(isolated(protocol))
        shuffler, order = random.Random(0), list(SHORT)  # noqa: S311 - an order, not a secret
        for number in range(ROUNDS):
            shuffler.shuffle(order)
            for workload in order:
                preparation = number % protocol.preparations
                before, start_s = contention(), time.perf_counter()
                rewarm, samples = long_visit(deployments[workload][preparation], protocol)
                taken[workload].append(
                    Visit(
                        round=number,
                        preparation=preparation,
                        start_s=start_s,
                        rewarm=rewarm,
                        samples=samples,
                        contention=(before, contention()),
                    )
                )
    return taken


def long_visit(deployment: TimedDeployment, protocol: Protocol) -> tuple[Samples, Samples]:
    """Return the calls that warm a deployment up, and those of the longest visit tried."""
    rewarm, samples = steady(deployment, row=protocol.samples, rewarm=protocol.rewarm)
    count = calls_in(LONGEST_S, MOST, min(samples.durations_s))
    return rewarm, joined(samples, deployment.sample(count - len(samples.durations_s)))


def calls_in(seconds: float, most: int, fastest_s: float) -> int:
    """Return how many calls of so long a visit count."""
    return max(Protocol().samples, min(math.ceil(seconds / fastest_s), most))


def shortened(visits: Sequence[Visit], seconds: float, most: int) -> list[Visit]:
    """Return the visits as if they had ended after so long."""
    found = []
    for visit in visits:
        durations_s = visit.samples.durations_s
        calls = slice(calls_in(seconds, most, min(durations_s[: Protocol().samples])))
        samples = Samples(
            durations_s=durations_s[calls],
            preemptions=visit.samples.preemptions and visit.samples.preemptions[calls],
            cpu_s=visit.samples.cpu_s and visit.samples.cpu_s[calls],
            clock=visit.samples.clock,
        )
        found.append(replace(visit, samples=samples))
    return found


def precision(visits: Visits, count: int) -> Precision:
    """Return what figures of ``count`` rounds in a row are worth, from every few rounds on."""
    errors, halves = [], []
    for found in visits.values():
        truth = estimate(found).value
        for part in windows(found, count):
            errors.append(abs(part.value / truth - 1))
            low, high = part.interval or (math.nan, math.nan)
            halves.append((high - low) / 2 / part.value)
    return Precision(np.array(errors), np.array(halves))


def windows(visits: Sequence[Visit], count: int) -> Iterator[Estimate]:
    """Yield estimates of so many rounds in a row, half of them new each time."""
    for first in range(0, len(visits) - count + 1, max(1, count // 2)):
        yield estimate(visits[first : first + count])


def rounds(visits: Visits) -> None:
    """Print what more rounds give."""
    now = {workload: shortened(found, *NOW) for workload, found in visits.items()}
    for count in FEW:
        found = precision(now, count)
        print(
            f"  {count:3d} rounds: error median {np.median(found.errors):.2%},"
            f" p95 {np.quantile(found.errors, 0.95):.2%};"
            f" half-width median {np.median(found.halves):.2%},"
            f" within 2 % {np.mean(found.halves <= 0.02):.0%},"
            f" within 5 % {np.mean(found.halves <= 0.05):.0%}"
        )


def lengths(visits: Visits) -> None:
    """Print what longer visits give, as they are and for the same time."""
    usual_s, usual = 0.0, 0.0
    longest = {workload: estimate(found).value for workload, found in visits.items()}
    for length in (NOW, *(other for other in VISITS_S if other != NOW)):
        now = {workload: shortened(found, *length) for workload, found in visits.items()}
        stays = [
            sum(visit.rewarm.durations_s) + sum(visit.samples.durations_s) + READINGS_S
            for found in now.values()
            for visit in found
        ]
        found = precision(now, MANY)
        lasts_s, half = float(np.mean(stays)), float(np.median(found.halves))
        if length == NOW:
            usual_s, usual = lasts_s, half
        higher = [estimate(found).value / longest[workload] - 1 for workload, found in now.items()]
        print(
            f"  visits of {1e3 * length[0]:4.1f} ms, at most {length[1]:3d} calls:"
            f" {lasts_s / usual_s:.2f} of the time; {MANY} rounds: half-width {half:.2%},"
            f" error p95 {np.quantile(found.errors, 0.95):.2%};"
            f" for the same time {half * math.sqrt(lasts_s / usual_s) / usual:.2f} of the width;"
            f" higher than the longest by {np.median(higher):.2%}"
        )


def cohorts(platform: str) -> None:
    """Print how far runs with cohorts of one size are apart, the sizes taking turns."""
    protocol = Protocol(rounds=MANY, min_rounds=MANY, precision=1e-9, shared_core=True)
    texts = [f"conv:h=14,cin=64,cout={cout},k=3" for cout in range(5, 245, 10)]
    texts += [f"dwconv:h=28,c={c},k=3" for c in range(5, 245, 10)]
    workloads = [Workload.parse(text) for text in texts]
    taken: dict[int, list[dict[Workload, float]]] = {size: [] for size in SIZES}
    spent_s = dict.fromkeys(SIZES, 0.0)
    shuffler = random.Random(0)  # noqa: S311 - an order, not a secret
    with LocalExecutor() as executor:
        instrument = Instrument(platform, executor)
        instrument.measure(workloads, protocol)
        for seed in range(REPEATS):
            for size in shuffler.sample(SIZES, len(SIZES)):
                start = time.perf_counter()
                limits = Limits(cohort_size=size)
                run = instrument.measure(workloads, protocol, seed=seed, limits=limits)
                spent_s[size] += time.perf_counter() - start
                taken[size].append({w: measured.value for w, measured in run.items()})
    print(f"\n{len(workloads)} operators, {MANY} rounds, {REPEATS} runs of each size in turns")
    for size, runs in taken.items():
        apart = [
            abs(one[workload] / other[workload] - 1)
            for one, other in itertools.combinations(runs, 2)
            for workload in one
        ]
        print(
            f"  cohorts of {size:2d}: two runs apart, median {np.median(apart):.2%},"
            f" p95 {np.quantile(apart, 0.95):.2%};"
            f" time {spent_s[size] / spent_s[max(SIZES)]:.2f} of that of {max(SIZES)}"
        )


if __name__ == "__main__":
    main()
