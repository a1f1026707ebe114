"""The worker: takes a cohort, visits its deployments in rounds, hands each trial over when settled.

It runs as a process of its own and may crash, hang or run out of memory without harm. It knows
nothing of studies or of the store.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import Literal

import msgspec

from opscope.core.measurement import Measurement, Stop
from opscope.core.readings import Round, Visit
from opscope.core.study import Cohort
from opscope.core.trial import Status, Trial
from opscope.engine import machine
from opscope.engine.isolation import Said, isolated
from opscope.engine.protocol import visiting_order
from opscope.engine.recorder import FlightRecorder, Position
from opscope.engine.task import Member, Task
from opscope.engine.turns import Turns
from opscope.engine.witness import Probes, Witness
from opscope.errors import OpscopeError, PlatformError, UnsupportedWorkload
from opscope.meters.contention import least_of, lowered, referred
from opscope.platforms.base import Platform, TimedDeployment

Phase = Literal["check", "prepare", "visit", "conclude"]

GIVEN_UP = "given up, because the other side of the comparison has no figure"
"""Why a job ends that took turns with one that failed."""

Emit = Callable[[int, Trial], None]
"""Hands over the trial of the job with this index in its cohort."""


class CohortRun:
    """One cohort being measured on one opened platform.

    Attributes:
        rounds: The machine at the start of each round so far.
        release_s: Seconds that giving back deployments took so far, after their trial was handed
            over and so in none's timings.
    """

    def __init__(
        self,
        cohort: Cohort,
        platform: Platform,
        recorder: FlightRecorder,
        emit: Emit,
        *,
        probes: Probes | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._cohort = cohort
        self._platform = platform
        self._turns = turns
        origin_s = turns.origin_s if turns else None
        self._witness = Witness(
            probes or Probes(platform), origin_s, sharing=not cohort.protocol.shared_core
        )
        self._info = platform.info()
        self._recorder = recorder
        self._emit = emit
        self._tasks = [Task(index, job) for index, job in enumerate(cohort.jobs)]
        self.rounds: list[Round] = []
        self._reference = self._noticed = cohort.reference
        self._isolation: Said = tuple
        self.release_s = 0.0
        self._visits = 0.0
        self._last_bytes = 0

    def measure(self) -> None:
        """Measure every job; each ends as one trial, handed over as soon as it is settled."""
        for task in self._tasks:
            self._attempt(task, "check", partial(self._check, task))
        if self._info.deployments == "reporting":
            for task in self._open_tasks():
                self._attempt(task, "prepare", partial(self._report, task))
            return
        with ExitStack() as held, machine.no_collections():
            for task in self._open_tasks():
                self._attempt(task, "prepare", partial(task.prepare, self._platform, self._cohort))
            self._isolation = held.enter_context(
                isolated(self._cohort.protocol, self._info.threads)
            )
            self._measure_rounds()
        self._recorder.write(Position(phase="done", visits=self._visits))

    def _open_tasks(self) -> list[Task]:
        return [task for task in self._tasks if not task.over]

    def _measure_rounds(self) -> None:
        """Visit what is open in rounds, until each job's meter or the budget says stop."""
        number = 0
        while open_tasks := self._granted(number - 1):
            self._recorder.write(Position(phase="probes", visits=self._visits))
            self._look(open_tasks)
            members = [member for task in open_tasks for member in task.members]
            seed = f"{self._cohort.seed}/{self._cohort.number}"
            for position, member in enumerate(visiting_order(members, seed=seed, round_=number)):
                if not member.task.over:
                    visit = partial(self._visit, member, number, position)
                    self._attempt(member.task, "visit", visit)
            number += 1
            spent = self._spent(number)
            for task in () if self._turns else self._open_tasks():
                self._guard(task, "conclude", partial(self._judge, task, spent))
                if task.stopped and not task.over:
                    self._attempt(task, "conclude", partial(self._conclude, task, task.stopped))

    def _look(self, open_tasks: list[Task]) -> None:
        """Begin a round: see what the machine says; the jobs share the time of the probes."""
        start_s, before_s = self._witness.elapsed_s(), self._witness.runtime_s
        self.rounds.append(self._witness.look())
        # From all rounds anew: among the few readings of the first, one may err.
        self._noticed = lowered(self._reference, least_of(self.rounds))
        # Durations from a clock elsewhere need not fit into the time that passed here.
        passed_s = self._witness.elapsed_s() - start_s
        probed_s = min(passed_s, self._witness.runtime_s - before_s)
        for task in open_tasks:
            task.add_run(probed_s / len(open_tasks))

    def _granted(self, last: int) -> list[Task]:
        """Return the jobs that go on, once it is this cohort's turn to take a round."""
        open_tasks = self._open_tasks()
        if not self._turns or not open_tasks:
            return open_tasks
        self._recorder.write(Position(phase="turn", visits=self._visits))
        leave = self._turns.ask({task.index: task.visits_of(last) for task in open_tasks})
        for task in open_tasks:
            if task.index in leave.dropped:
                self._end(task, "failed", reason=GIVEN_UP)
            elif stopped := leave.settled.get(task.index):
                self._attempt(task, "conclude", partial(self._conclude, task, stopped))
        return self._open_tasks()

    def _spent(self, rounds: int) -> bool:
        """Say whether the time is up, once every job has the rounds it needs at least."""
        budget_s = self._cohort.budget_s
        enough = rounds >= self._cohort.protocol.min_rounds
        return budget_s is not None and enough and self._witness.elapsed_s() >= budget_s

    def _attempt(self, task: Task, phase: Phase, action: Callable[[], None]) -> None:
        """Do one thing for one job in the runtime, which may crash or hang."""
        limits = self._cohort.limits
        self._recorder.write(Position(job=task.index, phase=phase, visits=self._visits))
        with machine.time_limit(limits.visit_s if phase == "visit" else limits.prepare_s):
            self._guard(task, phase, action)

    def _guard(self, task: Task, phase: Phase, action: Callable[[], None]) -> None:
        """Do one thing for one job; what goes wrong ends this job and no other."""
        start = time.perf_counter()
        try:
            action()
        except MemoryError:
            self._fail(task, f"ran out of memory in {phase}")
        except UnsupportedWorkload as exc:
            self._end(task, "unsupported", reason=str(exc))
        except OpscopeError as exc:
            self._fail(task, str(exc))
        except Exception as exc:  # noqa: BLE001 - a runtime may raise anything
            self._fail(task, f"{type(exc).__name__} in {phase}: {exc}")
        finally:
            task.busy_s += time.perf_counter() - start

    def _check(self, task: Task) -> None:
        if reason := self._platform.supports(task.job.workload):
            self._end(task, "unsupported", reason=reason)

    def _visit(self, member: Member, round_: int, position: int) -> None:
        task, protocol = member.task, self._cohort.protocol
        preparation = round_ % protocol.preparations
        deployment = member.deployments[preparation]
        contention = self._witness.contention if task.meter.streams == 1 else tuple
        before = contention()
        start_s = self._witness.elapsed_s()
        rewarm, samples = task.meter.visit(deployment, protocol)
        stay_s = self._witness.elapsed_s() - start_s
        task.visits.append(
            Visit(
                round=round_,
                preparation=preparation,
                term=member.number,
                start_s=start_s,
                position=position,
                after_bytes=self._last_bytes,
                rewarm=rewarm,
                samples=samples,
                device=deployment.device_state(),
                contention=before + contention(),
            )
        )
        # Durations from a clock elsewhere need not fit into the time that passed here.
        task.run_s += min(stay_s, sum(rewarm.durations_s) + sum(samples.durations_s))
        self._visits += 1 / len(task.members)
        self._last_bytes = member.bytes

    def _judge(self, task: Task, spent: bool) -> None:  # noqa: FBT001 - in partial
        """See whether a job has readings enough."""
        readings = task.readings(self._cohort, self.rounds, self._noticed)
        task.stopped = task.meter.settled(readings) or ("budget" if spent else "")

    def _conclude(self, task: Task, stopped: Stop) -> None:
        """Turn readings into figures; rounds of the first job are the reference, as in `Feed`."""
        self._reference = referred(self._reference, self.rounds)
        readings = task.readings(self._cohort, self.rounds, self._reference, task.executed())
        found = task.meter.conclude(readings, self._info, stopped)
        self._end(task, "ok", measurements=tuple(map(self._isolated, found)))

    def _isolated(self, measurement: Measurement) -> Measurement:
        return msgspec.structs.replace(measurement, isolation=self._isolation())

    def _report(self, task: Task) -> None:
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

    def _fail(self, task: Task, reason: str) -> None:
        self._end(task, "failed", reason=reason, trace=traceback.format_exc())

    def _end(
        self,
        task: Task,
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
            execution=task.execution,
            timings=task.timings(),
        )
        self._emit(task.index, trial)
        start = time.perf_counter()
        with contextlib.suppress(Exception):  # it is measured, whatever the runtime says now
            task.held.close()
        self.release_s += time.perf_counter() - start
