"""Two jobs' visits paired by round: the ratio of their figures, how surely, and when it is enough.

Both were visited in turns, so what the machine did in a round fell on both and leaves the ratio.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from opscope.core.comparison import Paired
from opscope.core.measurement import Stop
from opscope.core.readings import Visit
from opscope.core.study import Job, Protocol
from opscope.meters import open_meter
from opscope.stats.paired import LEAST_PAIRS, log_ratio, log_ratio_interval
from opscope.stats.residuals import dependence

_CHANGE = 2.0
"""How many times the precision asked for a ratio may change with time or order to be trusted."""

_FAR = 10.0

Jobs = tuple[Job, Job]
Visits = tuple[Sequence[Visit], Sequence[Visit]]


def paired(jobs: Jobs, visits: Visits, protocol: Protocol) -> Paired:
    """Return what the rounds that both jobs have a figure in say of the second over the first.

    A figure of a round is the sum of its terms' fastest undisturbed calls, each times its
    coefficient.
    """
    logs = _logs(jobs, visits)
    rounds = len({visit.round for taken in visits for visit in taken})
    if len(logs) < LEAST_PAIRS:
        return Paired(rounds=rounds, doubt=_too_few(len(logs), rounds))
    own: dict[int, list[float]] = {}
    for number, value in logs.items():
        own.setdefault(number % protocol.preparations, []).append(value)
    middles = [log_ratio(values) for values in own.values()]
    if max(map(abs, middles)) >= _FAR:
        doubt = "the deeper stack is no slower than the shallower one"
        return Paired(rounds=rounds, doubt=doubt)
    return Paired(
        log_ratio=statistics.fmean(middles),
        rounds=rounds,
        doubt=_dependent(logs, visits, _CHANGE * protocol.precision),
    )


def enough(jobs: Jobs, visits: Visits, protocol: Protocol) -> Stop:
    """Say why a sitting needs no more rounds, or nothing when it does."""
    rounds = 1 + max((visit.round for visit in visits[0]), default=-1)
    if rounds < min(protocol.min_rounds, protocol.rounds):
        return ""
    interval = log_ratio_interval(list(_logs(jobs, visits).values()))
    if interval and interval[1] - interval[0] <= 2 * protocol.precision:
        return "precision"
    return "rounds" if rounds >= protocol.rounds else ""


def _logs(jobs: Jobs, visits: Visits) -> dict[int, float]:
    """Return the logarithm of the ratio in each round that both have a figure in.

    Of a difference of stacks that came out as none, one side is known to be far above the other.
    """
    first, second = (_by_round(job, taken) for job, taken in zip(jobs, visits, strict=True))
    logs = {}
    for number in sorted(first.keys() & second.keys()):
        a, b = first[number], second[number]
        if a > 0 and b > 0:
            logs[number] = math.log(b / a)
        elif a > 0 or b > 0:
            logs[number] = _FAR if b > 0 else -_FAR
    return logs


def _by_round(job: Job, visits: Sequence[Visit]) -> dict[int, float]:
    """Return the job's figure in each round in which every term has an undisturbed call."""
    terms = open_meter(job.meter).terms(job.workload)
    fastest: dict[int, dict[int, float]] = {}
    for visit in visits:
        if (seconds := visit.samples.fastest_s) is not None:
            fastest.setdefault(visit.round, {})[visit.term] = seconds
    return {
        round_: sum(terms[number].coefficient * value for number, value in found.items())
        for round_, found in fastest.items()
        if len(found) == len(terms)
    }


def _too_few(pairs: int, rounds: int) -> str:
    if rounds < LEAST_PAIRS:
        return f"{rounds} rounds are too few for an interval, which takes {LEAST_PAIRS}"
    return f"other work disturbed every call of one side in {rounds - pairs} of {rounds} rounds"


def _dependent(logs: Mapping[int, float], visits: Visits, least: float) -> str:
    """Return what the ratio hangs on besides the sides themselves."""
    first, second = map(_starts, visits)
    covariates = {
        "the time it was measured": [first[number] for number in logs],
        "which side goes first": [float(first[number] < second[number]) for number in logs],
    }
    found = dependence([math.exp(value) for value in logs.values()], covariates, least)
    return f"the ratio changes with {found}" if found else ""


def _starts(visits: Sequence[Visit]) -> Mapping[int, float]:
    starts: dict[int, float] = {}
    for visit in visits:
        starts[visit.round] = min(visit.start_s, starts.get(visit.round, visit.start_s))
    return starts
