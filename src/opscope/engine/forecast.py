"""How a study's time is forecast: from a few of its jobs, measured before."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

from opscope.core.forecast import Forecast
from opscope.core.study import Cohort, Protocol
from opscope.core.trial import Trial
from opscope.meters.contention import share_alone

_JOBS = 6
_ROUNDS = 10

_NARROWING = 1 / 2, 0.15
"""The power of the rounds by which an interval narrows: the root if they are independent, as on
simulated clocks; on a shared machine 80 rounds brought 1.4 times less than 8 (docs/instrument.md,
How many rounds)."""


def pilots(cohorts: Sequence[Cohort]) -> list[Cohort]:
    """Return one small cohort for each platform, its jobs spread over the study's."""
    found: dict[str, Cohort] = {}
    for platform in dict.fromkeys(cohort.platform for cohort in cohorts if cohort.timed):
        mine = [cohort for cohort in cohorts if cohort.platform == platform]
        jobs = [job for cohort in mine for job in cohort.jobs]
        step = max(1, len(jobs) // _JOBS)
        protocol = msgspec.structs.replace(
            mine[0].protocol, rounds=_ROUNDS, min_rounds=_ROUNDS, precision=1e-9
        )
        found[platform] = msgspec.structs.replace(
            mine[0], jobs=tuple(jobs[::step][:_JOBS]), protocol=protocol
        )
    return list(found.values())


def forecast(
    trials: Sequence[Trial], cohorts: Sequence[Cohort], protocol: Protocol, budget_s: float
) -> Forecast | None:
    """Return what to expect from how the pilots' trials went; nothing if none went well.

    Args:
        trials: Of the pilots: ten rounds that count, fewer where the core was shared too often.
        cohorts: The study's.
        protocol: The study's.
        budget_s: Seconds that are left.
    """
    good = [trial for trial in trials if trial.status == "ok" and _half_width(trial)]
    if not good:
        return None
    jobs = sum(len(cohort.jobs) for cohort in cohorts if cohort.timed)
    round_s = statistics.fmean(trial.timings.run_s / _ROUNDS for trial in good)
    prepare_s = statistics.fmean(t.timings.load_s + t.timings.overhead_s for t in good)
    widths = [_half_width(trial) for trial in good]
    needed = [_rounds_for(protocol.precision, width, protocol) for width in widths]
    affordable = (budget_s / jobs - prepare_s) / round_s
    rounds = max(protocol.min_rounds, min(statistics.median(needed), affordable))
    typical = statistics.median(widths)
    narrowed = sorted(typical * math.pow(_ROUNDS / rounds, power) for power in _NARROWING)
    latencies = [trial.measurements[0] for trial in good]
    return Forecast(
        budget_s=budget_s,
        needed_s=jobs * (prepare_s + round_s * statistics.fmean(needed)),
        least_s=jobs * (prepare_s + round_s * protocol.min_rounds),
        rounds=round(rounds),
        precision=(narrowed[0], narrowed[-1]),
        wanted=protocol.precision,
        alone=statistics.fmean(map(share_alone, latencies)),
    )


def _rounds_for(precision: float, width: float, protocol: Protocol) -> float:
    """Return the rounds until an interval is narrow enough at best, or all that it may take."""
    if width >= precision * math.sqrt(protocol.longest / _ROUNDS):
        return protocol.longest
    return max(_ROUNDS * (width / precision) ** 2, protocol.min_rounds)


def _half_width(trial: Trial) -> float:
    """Return the relative half-width of its first figure that has an interval; 0 without one."""
    for found in trial.measurements:
        if found.interval and found.value > 0:
            return (found.interval[1] - found.interval[0]) / (2 * found.value)
    return 0.0
