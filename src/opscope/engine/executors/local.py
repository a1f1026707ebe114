"""The local executor: worker processes on this machine, one at a time, reused between cohorts.

A worker that dies costs nothing finished: the job it was at is tried again alone, the rest of its
cohort together; whoever kills a worker alone is the culprit and fails. While it is at no job, none
is to blame: another worker takes over, up to `_STARTS` in all.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import msgspec

from opscope import errors
from opscope.core.environment import Environment
from opscope.core.platform import PlatformInfo
from opscope.core.study import Cohort, Job, Limits
from opscope.core.trial import Trial
from opscope.engine.executors.base import Progress
from opscope.engine.executors.process import WorkerDied, WorkerProcess
from opscope.engine.machine import OPENING_LIMIT_S
from opscope.engine.messages import Answer, Describe, Described, Done, Finished, Measure, Refused
from opscope.errors import OpscopeError, PlatformUnavailable, WorkerError

_STARTS = 3
"""Workers that may die one after the other while they are at no job."""

_BEFORE = ("starting", "waiting", "opening")
"""Phases of a worker that has not begun any job."""

_NEARLY = 0.9


class LocalExecutor:
    """Measures on this machine, in one worker process per platform.

    The kernel ends a worker with the thread that started it: each thread that uses an executor has
    a worker of its own, and what `execute` yields is for the thread that began it.
    """

    def __init__(self, *, poll_s: float = 0.5) -> None:
        self._poll_s = poll_s
        self._worker: WorkerProcess | None = None
        self._platform = ""
        self._thread = threading.current_thread()
        self._owes = False  # whether the worker has not answered in full yet

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        if self._worker:
            self._worker.end()
        self._worker = None

    def describe(self, platform: str) -> tuple[PlatformInfo, Environment]:
        """Return what ``platform`` and this machine are, as a worker sees them.

        Raises:
            OpscopeError: If the platform cannot be opened.
            PlatformUnavailable: If opening it ends the worker.
            WorkerError: If workers do not even start.
        """
        match answer := self._ask(Describe(platform=platform)):
            case Described():
                return answer.info, answer.environment
            case Refused():
                raise _rebuilt(answer)
        raise WorkerError(
            f"a worker answered {type(answer).__name__} to a question", where=platform
        )

    def _ask(self, question: Describe, starts: int = 1) -> Answer | None:
        worker = self._worker_for(question.platform)
        try:
            self._owes = True
            worker.send(question)
            answer = worker.wait(None)
            self._owes = False
        except WorkerDied as death:
            self.close()
            unasked = death.position.phase == "starting"
            if unasked and starts < _STARTS:
                return self._ask(question, starts + 1)
            raise _unopened(question.platform, death, unasked=unasked) from death
        return answer

    def execute(self, cohorts: Iterable[Cohort]) -> Iterator[Trial | Progress]:
        """Yield one trial for every job of the cohorts, whatever becomes of the workers."""
        for cohort in cohorts:
            pending = deque([cohort])
            while pending:
                yield from self._measure(pending.popleft(), pending)

    def _measure(
        self, cohort: Cohort, pending: deque[Cohort], starts: int = 1
    ) -> Iterator[Trial | Progress]:
        left = set(range(len(cohort.jobs)))
        worker = self._worker_for(cohort.platform)
        try:
            self._owes = True
            worker.send(Measure(cohort=cohort))
            while not isinstance(answer := worker.wait(self._poll_s), Done):
                if isinstance(answer, Finished):
                    left.remove(answer.index)
                    yield answer.trial
                else:
                    yield _progress(answer, worker, cohort, len(cohort.jobs) - len(left))
            self._owes = False
        except WorkerDied as death:
            self.close()
            if left and death.position.job is None and starts < _STARTS:
                yield from self._measure(_part(cohort, left), pending, starts + 1)
            elif left and (death.position.phase in _BEFORE or len(cohort.jobs) == 1):
                yield from (_failed(cohort.jobs[index], cohort.limits, death) for index in left)
            else:
                pending.extendleft(reversed(_apart(cohort, left, death)))

    def _worker_for(self, platform: str) -> WorkerProcess:
        # Two runtimes in one process would share threads and memory; and the answers to a request
        # that was given up, by Ctrl-C or by whoever took the trials, must not pass for others'.
        thread = threading.current_thread()
        if self._platform != platform or self._owes or self._thread is not thread:
            self.close()
        if not self._worker:
            self._worker, self._platform, self._owes = WorkerProcess(), platform, False
            self._thread = thread
        return self._worker


def _progress(answer: Answer | None, worker: WorkerProcess, cohort: Cohort, ended: int) -> Progress:
    if isinstance(answer, Refused):
        raise _rebuilt(answer)
    position = worker.position()
    # Nobody knows how many rounds a job will take; it is nearly through after the least number.
    ahead = position.visits / cohort.protocol.min_rounds - ended
    left = len(cohort.jobs) - ended
    return Progress(ahead=min(max(0.0, ahead), _NEARLY * left), waiting=position.phase == "waiting")


def _apart(cohort: Cohort, left: set[int], death: WorkerDied) -> list[Cohort]:
    """Return what is left of a cohort as cohorts to try again: the suspect alone, the rest.

    Without a suspect every job is tried alone, since any may be the culprit.
    """
    suspect = death.position.job
    groups = [[index] for index in sorted(left)]
    if suspect in left:
        groups = [[suspect], sorted(left - {suspect})]
    return [_part(cohort, group) for group in groups if group]


def _part(cohort: Cohort, indices: Iterable[int]) -> Cohort:
    jobs = tuple(cohort.jobs[index] for index in sorted(indices))
    return msgspec.structs.replace(cohort, jobs=jobs)


def _failed(job: Job, limits: Limits, death: WorkerDied) -> Trial:
    phase = death.position.phase
    reason = f"the worker process ended in {phase}: {death.how}"
    if death.signal == signal.SIGALRM:
        limit = {"visit": limits.visit_s, "opening": OPENING_LIMIT_S}.get(phase, limits.prepare_s)
        reason = f"{phase} took longer than its limit of {limit:g} s"
    elif death.signal == signal.SIGKILL:
        reason += ", most likely by the kernel for want of memory"
    return Trial(job=job, status="failed", reason=reason, traceback=death.last_words)


def _unopened(platform: str, death: WorkerDied, *, unasked: bool) -> OpscopeError:
    *_, words = ["nothing", *death.last_words.splitlines()]
    said = f"The last it said: {words}"
    if unasked:
        return WorkerError(f"no worker process starts ({death.how})", where=platform, remedy=said)
    return PlatformUnavailable(
        f"opening it ends the worker process ({death.how})",
        where=platform,
        remedy=f"Reinstall the package it comes from. {said}",
    )


def _rebuilt(refusal: Refused) -> OpscopeError:
    """Return the error a worker met, as if it had been met here."""
    kind = getattr(errors, refusal.error, OpscopeError)
    error: OpscopeError = kind(refusal.what, where=refusal.where, remedy=refusal.remedy)
    return error
