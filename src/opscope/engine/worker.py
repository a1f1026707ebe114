"""The worker: takes a cohort, prepares and visits its deployments in rounds, hands over trials.

It runs as a process of its own and may crash, hang or run out of memory without harm. It knows
nothing of studies or of the store.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import Literal

from opscope.core.measurement import Measurement, Visit
from opscope.core.study import Cohort, Job
from opscope.core.trial import Status, Timings, Trial
from opscope.engine import machine
from opscope.engine.protocol import visiting_orders
from opscope.engine.recorder import FlightRecorder, Position
from opscope.errors import OpscopeError, PlatformError
from opscope.graph import build
from opscope.meters import METERS, Meter
from opscope.platforms.base import Platform, TimedDeployment

Phase = Literal["check", "prepare", "visit", "conclude"]

Emit = Callable[[int, Trial], None]
"""Hands over the trial of the job with this index in its cohort."""


class _Task:
    """One job of the cohort in hand, and what has become of it so far."""

    def __init__(self, index: int, job: Job) -> None:
        self.index = index
        self.job = job
        self.meter: Meter = METERS[job.meter.name]()
        self.visits: list[Visit] = []
        self.deployment: TimedDeployment
        self.load_s = self.run_s = self.busy_s = 0.0
        self.over = False

    def timings(self) -> Timings:
        overhead_s = self.busy_s - self.load_s - self.run_s
        return Timings(load_s=self.load_s, run_s=self.run_s, overhead_s=max(0.0, overhead_s))


class CohortRun:
    """One cohort being measured on one opened platform."""

    def __init__(
        self, cohort: Cohort, platform: Platform, recorder: FlightRecorder, emit: Emit
    ) -> None:
        self._cohort = cohort
        self._platform = platform
        self._info = platform.info()
        self._recorder = recorder
        self._emit = emit
        self._tasks = [_Task(index, job) for index, job in enumerate(cohort.jobs)]
        self._visits = 0

    def measure(self) -> None:
        """Measure every job; each ends as one trial, handed over as soon as it is settled."""
        for task in self._tasks:
            self._attempt(task, "check", partial(self._check, task))
        if self._info.deployments == "reporting":
            for task in self._open_tasks():
                self._attempt(task, "prepare", partial(self._report, task))
            return
        for preparation in range(self._cohort.protocol.preparations):
            self._measure_rounds(preparation)
        for task in self._open_tasks():  # no rule said stop, and yet the rounds are over
            self._attempt(task, "conclude", partial(self._conclude, task))
        self._recorder.write(Position(phase="done", visits=self._visits))

    def _open_tasks(self) -> list[_Task]:
        return [task for task in self._tasks if not task.over]

    def _measure_rounds(self, preparation: int) -> None:
        """Prepare what is still open, visit it for this preparation's share of rounds, close."""
        with ExitStack() as held, machine.no_collections():
            for task in self._open_tasks():
                self._attempt(task, "prepare", partial(self._prepare, task, held))
            orders = visiting_orders(
                self._cohort.protocol,
                preparation,
                self._open_tasks(),
                f"{self._cohort.seed}/{self._cohort.number}",
            )
            for round_, order in orders:
                for task in order:
                    if not task.over:
                        self._attempt(
                            task, "visit", partial(self._visit, task, round_, preparation)
                        )

    def _attempt(self, task: _Task, phase: Phase, action: Callable[[], None]) -> None:
        """Do one thing for one job; what goes wrong ends this job and no other."""
        limits = self._cohort.limits
        self._recorder.write(Position(job=task.index, phase=phase, visits=self._visits))
        start = time.perf_counter()
        try:
            with machine.time_limit(limits.visit_s if phase == "visit" else limits.prepare_s):
                action()
        except MemoryError:
            self._fail(task, f"ran out of memory in {phase}")
        except OpscopeError as exc:
            self._fail(task, str(exc))
        except Exception as exc:  # noqa: BLE001 - a runtime may raise anything
            self._fail(task, f"{type(exc).__name__} in {phase}: {exc}")
        finally:
            task.busy_s += time.perf_counter() - start

    def _check(self, task: _Task) -> None:
        if reason := self._platform.supports(task.job.workload):
            self._end(task, "unsupported", reason=reason)

    def _prepare(self, task: _Task, held: ExitStack) -> None:
        workload, seed = task.job.workload, self._cohort.seed
        deployment = self._platform.prepare(
            workload, seed=seed, instrumentation=task.meter.instrumentation
        )
        if not isinstance(deployment, TimedDeployment):
            raise PlatformError(f"{self._info.name} promises timed deployments and gives others")
        held.callback(deployment.close)
        task.deployment = deployment
        task.load_s += deployment.load_s
        deployment.bind(build(workload).draw_inputs(seed))
        start = time.perf_counter()
        for _ in range(self._cohort.protocol.warmup):
            deployment.call()
        task.run_s += time.perf_counter() - start

    def _visit(self, task: _Task, round_: int, preparation: int) -> None:
        protocol = self._cohort.protocol
        start = time.perf_counter()
        visit = task.meter.visit(task.deployment, protocol, round_, preparation)
        stay_s = time.perf_counter() - start
        task.visits.append(visit)
        # Durations from a clock elsewhere need not fit into the time that passed here.
        task.run_s += min(stay_s, sum(visit.rewarm.durations_s) + sum(visit.samples.durations_s))
        self._visits += 1
        if task.meter.settled(task.visits, protocol):
            self._conclude(task)

    def _conclude(self, task: _Task) -> None:
        self._end(task, "ok", measurements=task.meter.conclude(task.visits, self._info))

    def _report(self, task: _Task) -> None:
        deployment = self._platform.prepare(
            task.job.workload,
            seed=self._cohort.seed,
            instrumentation=task.meter.instrumentation,
        )
        if isinstance(deployment, TimedDeployment):
            raise PlatformError(f"{self._info.name} promises reports and gives a timed deployment")
        with closing(deployment):
            task.load_s += deployment.load_s
            self._end(task, "ok", measurements=deployment.report())

    def _fail(self, task: _Task, reason: str) -> None:
        self._end(task, "failed", reason=reason, trace=traceback.format_exc())

    def _end(
        self,
        task: _Task,
        status: Status,
        *,
        reason: str = "",
        trace: str = "",
        measurements: tuple[Measurement, ...] = (),
    ) -> None:
        task.over = True
        trial = Trial(
            job=task.job,
            status=status,
            reason=reason,
            traceback=trace,
            measurements=measurements,
            timings=task.timings(),
        )
        self._emit(task.index, trial)
