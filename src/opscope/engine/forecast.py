"""How a study's time is forecast: from a few of its jobs, measured before."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

from opscope.core.forecast import Forecast
from opscope.core.measurement import Measurement
from opscope.core.study import Cohort, Protocol
from opscope.core.trial import Trial
from opscope.meters.contention import share_alone
from opscope.meters.correction import half_width

_JOBS = 6
_ROUNDS = 10

_NARROWING = 1 / 2, 0.15
"""The power of the rounds by which an interval narrows: the root if they are independent, as on
simulated clocks; on a shared machine it was 1.4 times narrower after 80 than after 8 rounds
(docs/instrument.md, How many rounds)."""


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
    found = [(trial, figure) for trial in trials if (figure := _figure(trial))]
    if not found:
        return None
    good, figures = zip(*found, strict=True)
    jobs = sum(len(cohort.jobs) for cohort in cohorts if cohort.timed)
    round_s = statistics.fmean(trial.timings.run_s / _ROUNDS for trial in good)
    prepare_s = statistics.fmean(t.timings.load_s + t.timings.overhead_s for t in good)
    widths = [half_width(figure.value, figure.interval) for figure in figures]
    needed = [_rounds_for(protocol.precision, width, protocol) for width in widths]
    affordable = (budget_s / jobs - prepare_s) / round_s
    rounds = max(protocol.min_rounds, min(statistics.median(needed), affordable))
    typical = statistics.median(widths)
    best, worst = sorted(typical * math.pow(_ROUNDS / rounds, power) for power in _NARROWING)
    return Forecast(
        budget_s=budget_s,
        needed_s=jobs * (prepare_s + round_s * statistics.fmean(needed)),
        least_s=jobs * (prepare_s + round_s * protocol.min_rounds),
        rounds=round(rounds),
        precision=(best, worst),
        wanted=protocol.precision,
        alone=statistics.fmean(map(share_alone, figures)),
    )


def _rounds_for(precision: float, width: float, protocol: Protocol) -> float:
    """Return the rounds until an interval is narrow enough at best, or all that it may take."""
    if width >= precision * math.sqrt(protocol.longest / _ROUNDS):
        return protocol.longest
    return max(_ROUNDS * (width / precision) ** 2, protocol.min_rounds)


def _figure(trial: Trial) -> Measurement | None:
    """Return its first figure whose relative precision is known, if there is one."""
    found = (figure for figure in trial.measurements if figure.interval and figure.value > 0)
    return next(found, None)
