"""The local executor: worker processes on this machine, one at a time, reused between cohorts.

A worker that dies costs nothing finished: the job it was at is tried again alone, the rest of its
cohort together; whoever kills a worker alone is the culprit and fails. While it is at no job, none
is to blame: another worker takes over, up to `STARTS` in all.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from opscope.core.environment import Environment
from opscope.core.platform import PlatformInfo
from opscope.core.study import Cohort
from opscope.core.trial import Trial
from opscope.engine.executors.base import Progress
from opscope.engine.executors.deaths import BEFORE, STARTS, apart, failed, part, rebuilt
from opscope.engine.executors.process import WorkerDied, WorkerProcess
from opscope.engine.messages import Answer, Describe, Described, Done, Finished, Measure, Refused
from opscope.errors import OpscopeError, PlatformUnavailable, WorkerError

_NEARLY = 0.9


class LocalExecutor:
    """Measures on this machine, in one worker process per platform.

    The kernel ends a worker with the thread that started it: each thread that uses an executor has
    a worker of its own, and what `execute` yields is for the thread that began it.

    Args:
        poll_s: Seconds between signs of life.
        python: Interpreter of the workers, and with it the environment of the runtimes.
    """

    def __init__(self, *, poll_s: float = 0.5, python: str = sys.executable) -> None:
        self._poll_s = poll_s
        self._python = python
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
                raise rebuilt(answer)
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
            if unasked and starts < STARTS:
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
            if answer.release_s:
                yield Progress(ahead=0.0, release_s=answer.release_s)
        except WorkerDied as death:
            self.close()
            if left and death.position.job is None and starts < STARTS:
                yield from self._measure(part(cohort, left), pending, starts + 1)
            elif left and (death.position.phase in BEFORE or len(cohort.jobs) == 1):
                yield from (failed(cohort.jobs[index], cohort.limits, death) for index in left)
            else:
                pending.extendleft(reversed(apart(cohort, left, death)))

    def _worker_for(self, platform: str) -> WorkerProcess:
        # Two runtimes in one process would share threads and memory; and the answers to a request
        # that was given up, by Ctrl-C or by whoever took the trials, must not pass for others'.
        thread = threading.current_thread()
        if self._platform != platform or self._owes or self._thread is not thread:
            self.close()
        if not self._worker:
            self._worker, self._platform, self._owes = WorkerProcess(self._python), platform, False
            self._thread = thread
        return self._worker


def _progress(answer: Answer | None, worker: WorkerProcess, cohort: Cohort, ended: int) -> Progress:
    if isinstance(answer, Refused):
        raise rebuilt(answer)
    position = worker.position()
    # Nobody knows how many rounds a job will take; it is nearly through after the least number.
    ahead = position.visits / cohort.protocol.min_rounds - ended
    left = len(cohort.jobs) - ended
    return Progress(ahead=min(max(0.0, ahead), _NEARLY * left), waiting=position.phase == "waiting")


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
