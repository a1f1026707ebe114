"""Comparing: two sides named by a user, measured in turns where both can run now."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from opscope.analysis.compare import compare_figures, compare_paired, figure_of, merged, overall
from opscope.core.comparison import Compared, Comparison, Figure, Side
from opscope.core.platform import PlatformInfo
from opscope.core.study import Cohort, Job
from opscope.core.trial import Trial
from opscope.engine.executors.lockstep import Contest, Lockstep
from opscope.engine.runner import Event
from opscope.engine.sides import (
    Counter,
    Key,
    Question,
    Taken,
    Wanted,
    cohorts_for,
    describe,
    kept,
    key_of,
    measured,
    require_read,
)
from opscope.engine.worker import GIVEN_UP
from opscope.errors import ConfigurationError, InputError
from opscope.meters import open_meter

SITTINGS = 5
"""How often two sides are measured in turns, each time in new processes: what memory a process or a
preparation is dealt makes it faster or slower for as long as it lives (docs/comparing.md)."""


def compare(
    a: Question,
    b: Question,
    wanted: Wanted,
    *,
    database: Path,
    watch: Callable[[Event], None],
) -> Comparison:
    """Compare two sides; those that can both be measured now take turns by round.

    Raises:
        OpscopeError: If a platform cannot be opened, a run is not there, or nothing can be
            compared.
    """
    stored = [kept(side, database) if side.name.run else None for side in (a, b)]
    jobs = wanted.jobs or tuple(t.job for taken in stored if taken for t in taken.trials.values())
    if not jobs:
        raise InputError(
            "it is not said what to compare them by",
            where=f"{a.text} and {b.text}",
            remedy="Use -c CONFIGURATION or --study NAME.",
        )
    progress = Counter(watch)
    if stored[0] is None and stored[1] is None:
        sides = (describe(a), describe(b))
        timed = all(side.platform.deployments == "timed" for side in sides)
        if timed and not any(map(_profiled, jobs)):
            return _in_turns(sides, wanted, progress)
    taken = [
        found or measured(side, wanted, jobs, progress)
        for side, found in zip((a, b), stored, strict=True)
    ]
    return _apart((taken[0], taken[1]), wanted)


def _profiled(job: Job) -> bool:
    """Say whether a job's figures come from a runtime's own clocks, and not from its visits."""
    return open_meter(job.meter).instrumentation.profile


def _in_turns(sides: tuple[Side, Side], wanted: Wanted, progress: Counter) -> Comparison:
    """Measure both sides in several sittings, so that no process's luck passes for a difference."""
    require_read(wanted.quantity, wanted.jobs)
    pythons = (sides[0].python or sys.executable, sides[1].python or sys.executable)
    cohorts = cohorts_for(wanted.jobs, wanted.study, sides[0].platform)
    progress.expect(cohorts * SITTINGS)
    contests: dict[Key, list[Contest]] = {}
    for sitting in range(SITTINGS):
        again = _again(cohorts, sitting, contests)
        pairs = [(cohort, _on(sides[1].platform, cohort)) for cohort in again]
        with Lockstep(pythons=pythons) as lockstep:
            for item in lockstep.contest(pairs):
                if isinstance(item, Contest):
                    contests.setdefault(key_of(item.trials[0].job), []).append(item)
                    progress.count()
                else:
                    progress.note(ahead=item.ahead, waiting=item.waiting)
    compared = tuple(
        _settled(contests[key], wanted.quantity) for key in dict.fromkeys(map(key_of, wanted.jobs))
    )
    return Comparison(
        a=sides[0],
        b=sides[1],
        quantity=wanted.quantity,
        taken="in turns",
        configurations=compared,
        overall=overall(wanted.quantity, compared),
    )


def _again(
    cohorts: Sequence[Cohort], sitting: int, contests: Mapping[Key, Sequence[Contest]]
) -> Iterator[Cohort]:
    """Yield what goes into a sitting: no job that failed in one before, and another order."""
    failed = {
        key for key, ended in contests.items() for trial in ended[-1].trials if trial.status != "ok"
    }
    for cohort in cohorts:
        if jobs := tuple(job for job in cohort.jobs if key_of(job) not in failed):
            number = cohort.number + sitting * len(cohorts)
            yield msgspec.structs.replace(cohort, jobs=jobs, number=number)


def _settled(contests: Sequence[Contest], quantity: str) -> Compared:
    a, b = (
        merged([_figure(contest.trials[side], quantity) for contest in contests]) for side in (0, 1)
    )
    workload = str(contests[0].trials[0].job.workload)
    return compare_paired(workload, quantity, a, b, [contest.paired for contest in contests])


def _figure(trial: Trial, quantity: str) -> Figure:
    """Return what a trial has; one that was given up is not to blame."""
    if trial.reason == GIVEN_UP:
        return Figure(status="missing", reason=GIVEN_UP)
    return figure_of(trial, quantity)


def _on(info: PlatformInfo, cohort: Cohort) -> Cohort:
    jobs = tuple(msgspec.structs.replace(job, platform=info.name) for job in cohort.jobs)
    return msgspec.structs.replace(cohort, platform=info.name, jobs=jobs)


def _apart(taken: tuple[Taken, Taken], wanted: Wanted) -> Comparison:
    a, b = taken
    asked = {key_of(job) for job in wanted.jobs} or a.trials.keys() | b.trials.keys()
    shared = [key for key in a.trials if key in b.trials and key in asked]
    if not shared:
        raise ConfigurationError(
            "they share no configuration"
            + (" that was asked for" if wanted.jobs else "")
            + _other_meters(a.trials, b.trials),
            where=f"{a.side.text} and {b.side.text}",
            remedy="Compare runs of the same study, or measure now: name two platforms.",
        )
    compared = tuple(
        compare_figures(
            str(a.trials[key].job.workload),
            wanted.quantity,
            figure_of(a.trials[key], wanted.quantity),
            figure_of(b.trials[key], wanted.quantity),
        )
        for key in shared
    )
    _require_some(wanted, compared, {"A": a.trials, "B": b.trials})
    return Comparison(
        a=a.side,
        b=b.side,
        quantity=wanted.quantity,
        taken="apart",
        configurations=compared,
        overall=overall(wanted.quantity, compared),
        only_a=len([key for key in a.trials if key in asked]) - len(shared),
        only_b=len([key for key in b.trials if key in asked]) - len(shared),
    )


def _other_meters(a: Mapping[Key, Trial], b: Mapping[Key, Trial]) -> str:
    """Return that the same workloads were read by different meters, where that is why."""
    meters = [{key[:-2]: str(key[-2]) for key in trials} for trials in (a, b)]
    both = meters[0].keys() & meters[1].keys()
    different = {
        (meters[0][key], meters[1][key]) for key in both if meters[0][key] != meters[1][key]
    }
    return "".join(f": A has {one} where B has {two}" for one, two in sorted(different)[:1])


def _require_some(
    wanted: Wanted, compared: Sequence[Compared], trials: Mapping[str, Mapping[Key, Trial]]
) -> None:
    """Refuse when no configuration has the quantity, although others were read.

    Raises:
        ConfigurationError: If so; it names the quantities there are.
    """
    if any(item.a.value is not None or item.b.value is not None for item in compared):
        return
    found = {side: sorted(_quantities(mine)) for side, mine in trials.items()}
    told = "; ".join(f"{side} has {', '.join(names)}" for side, names in found.items() if names)
    if told or wanted.quantity != "latency_s":
        raise _neither_has(wanted.quantity, f"{told}." if told else "Neither has any figure.")


def _neither_has(quantity: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"neither side has {quantity!r}", where="--quantity", remedy=remedy)


def _quantities(trials: Mapping[Key, Trial]) -> Iterator[str]:
    return iter({m.quantity for trial in trials.values() for m in trial.measurements})
