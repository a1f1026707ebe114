"""Lockstep: two workers on this machine measure the same jobs, taking turns by round.

Never both at once, so that what the machine does falls on both. The worker that starts first holds
the machine's lock for timed work as long as either has a round to take. If one dies, the other is
ended with it, and what is left is tried again as an executor does: the suspect alone, the rest
together.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from opscope.core.comparison import Paired
from opscope.core.measurement import Stop
from opscope.core.readings import Visit
from opscope.core.record import Record
from opscope.core.study import Cohort, Job
from opscope.core.trial import Trial
from opscope.engine.executors.base import Progress
from opscope.engine.executors.deaths import BEFORE, STARTS, apart, failed, part, rebuilt
from opscope.engine.executors.process import WorkerDied, WorkerProcess
from opscope.engine.messages import Done, Finished, Measure, Ready, Refused
from opscope.engine.protocol import visiting_order
from opscope.engine.turns import Leave
from opscope.engine.worker import GIVEN_UP
from opscope.meters.pairing import enough, paired

_NEARLY = 0.9

Cohorts = tuple[Cohort, Cohort]
"""The same jobs in the same order on two platforms."""


class Contest(Record, frozen=True, kw_only=True):
    """How one job ended on both sides, and what their turns say."""

    trials: tuple[Trial, Trial]
    paired: Paired


class _Side:
    """One side's part of the cohort in hand."""

    def __init__(self, number: int, cohort: Cohort, worker: WorkerProcess) -> None:
        self.number = number
        self.cohort = cohort
        self.worker = worker
        self.trials: dict[int, Trial] = {}
        self.visits: dict[int, list[Visit]] = {}
        self.over = False


class _SideDied(Exception):  # noqa: N818 - an event that is handled here
    def __init__(self, side: _Side, death: WorkerDied) -> None:
        self.side = side
        self.death = death
        super().__init__(str(death))


class Lockstep:
    """Measures on this machine, in one worker process for each side.

    Args:
        pythons: Interpreter of each side's worker, and with it the environment of its runtime.
        poll_s: Seconds between signs of life.
    """

    def __init__(
        self,
        *,
        pythons: tuple[str, str] = (sys.executable, sys.executable),
        poll_s: float = 0.5,
    ) -> None:
        self._pythons = pythons
        self._poll_s = poll_s
        self._workers: dict[int, WorkerProcess] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End both workers."""
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()

    def contest(self, cohorts: Iterable[Cohorts]) -> Iterator[Contest | Progress]:
        """Yield one contest for every job, each as it ends, and signs of life between."""
        for both in cohorts:
            pending = deque([both])
            while pending:
                yield from self._contest(pending.popleft(), pending)

    def _contest(
        self, both: Cohorts, pending: deque[Cohorts], starts: int = 1
    ) -> Iterator[Contest | Progress]:
        sides = (self._side(0, both[0]), self._side(1, both[1]))
        told: set[int] = set()
        try:
            for item in self._take_turns(sides):
                yield item
                yield from _ended(sides, told)
            yield from _ended(sides, told)
        except _SideDied as exc:
            self.close()
            yield from _ended(sides, told)
            left = set(range(len(both[0].jobs))) - told
            position = exc.death.position
            if left and position.job is None and starts < STARTS:
                rest = (part(both[0], left), part(both[1], left))
                yield from self._contest(rest, pending, starts + 1)
            elif position.phase in BEFORE or len(both[0].jobs) == 1:
                yield from (_lost(sides, index, exc) for index in sorted(left))
            else:
                parts = [apart(cohort, left, exc.death) for cohort in both]
                pending.extendleft(reversed(list(zip(*parts, strict=True))))
        finally:
            if not all(side.over for side in sides):  # answers owed must not pass for others'
                self.close()

    def _side(self, number: int, cohort: Cohort) -> _Side:
        if number not in self._workers:
            self._workers[number] = WorkerProcess(self._pythons[number])
        return _Side(number, cohort, self._workers[number])

    def _take_turns(self, sides: tuple[_Side, _Side]) -> Iterator[Progress]:
        """Prepare both, then grant rounds in turn until nothing is left to measure."""
        origin_s = time.perf_counter()
        seed = f"{sides[0].cohort.seed}/{sides[0].cohort.number}/turns"
        for place, side in enumerate(visiting_order(sides, seed=seed, round_=-1)):
            request = Measure(cohort=side.cohort, turns_from_s=origin_s, sole=place == 0)
            yield from self._exchange(side, request, 0)
        round_ = 0
        while not all(side.over for side in sides):
            settled = _settled(sides)
            for side in visiting_order(sides, seed=seed, round_=round_):
                if not side.over:
                    dropped = (
                        sides[1 - side.number].trials.keys() - side.trials.keys() - settled.keys()
                    )
                    leave = Leave(settled=settled, dropped=tuple(sorted(dropped)))
                    yield from self._exchange(side, leave, round_)
            round_ += 1

    def _exchange(self, side: _Side, request: Measure | Leave, round_: int) -> Iterator[Progress]:
        """Send one request and take the answers until the worker waits for the next."""
        try:
            side.worker.send(request)
            while not side.over:
                match answer := side.worker.wait(self._poll_s):
                    case Refused():
                        raise rebuilt(answer)
                    case Finished():
                        side.trials[answer.index] = answer.trial
                    case Ready():
                        for index, visits in answer.visits.items():
                            side.visits.setdefault(index, []).extend(visits)
                        break
                    case Done():
                        side.over = True
                    case _:
                        yield _progress(side, round_)
        except WorkerDied as death:
            raise _SideDied(side, death) from death
        yield _progress(side, round_)


def _settled(sides: tuple[_Side, _Side]) -> dict[int, Stop]:
    """Return the jobs that both sides still measure and that need no more rounds, and why."""
    settled: dict[int, Stop] = {}
    for index in range(len(sides[0].cohort.jobs)):
        if not any(index in side.trials for side in sides):
            stop = enough(*_readings(sides, index), sides[0].cohort.protocol)
            settled |= {index: stop} if stop else {}
    return settled


def _readings(
    sides: tuple[_Side, _Side], index: int
) -> tuple[tuple[Job, Job], tuple[Sequence[Visit], Sequence[Visit]]]:
    a, b = sides
    jobs = (a.cohort.jobs[index], b.cohort.jobs[index])
    return jobs, (a.visits.get(index, []), b.visits.get(index, []))


def _ended(sides: tuple[_Side, _Side], told: set[int]) -> Iterator[Contest]:
    """Yield the contests that ended on both sides since the last time."""
    a, b = sides
    for index in sorted((a.trials.keys() & b.trials.keys()) - told):
        told.add(index)
        yield _contest_of(sides, index, (a.trials[index], b.trials[index]))


def _contest_of(sides: tuple[_Side, _Side], index: int, trials: tuple[Trial, Trial]) -> Contest:
    return Contest(trials=trials, paired=paired(*_readings(sides, index), sides[0].cohort.protocol))


def _lost(sides: tuple[_Side, _Side], index: int, exc: _SideDied) -> Contest:
    """Return the contest of a job whose worker died of it, on one side."""
    trials = []
    for side in sides:
        job = side.cohort.jobs[index]
        given_up = Trial(job=job, status="failed", reason=GIVEN_UP)
        died = failed(job, side.cohort.limits, exc.death)
        trials.append(died if side is exc.side else side.trials.get(index, given_up))
    return _contest_of(sides, index, (trials[0], trials[1]))


def _progress(side: _Side, round_: int) -> Progress:
    left = len(side.cohort.jobs) - len(side.trials)
    share = min(round_ / side.cohort.protocol.min_rounds, _NEARLY)
    return Progress(ahead=share * left, waiting=side.worker.position().phase == "waiting")
