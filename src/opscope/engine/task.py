"""A task: one job of the cohort in hand, its deployments, and what was read off them so far."""

from __future__ import annotations

import time
from contextlib import ExitStack

from opscope.core.configuration import Configuration
from opscope.core.execution import Execution
from opscope.core.measurement import Stop
from opscope.core.readings import Round, Visit
from opscope.core.study import Cohort, Job
from opscope.core.trial import Timings
from opscope.engine.verification import verified, verified_copies
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import build
from opscope.graph.stacks import Term
from opscope.meters import Meter, Readings, open_meter
from opscope.meters.streams import Streams
from opscope.platforms.base import ExecutedNode, Platform, TimedDeployment

_BYTES = 4


class Member:
    """One network of a task: what is visited in a round."""

    def __init__(self, task: Task, number: int, term: Term) -> None:
        self.task = task
        self.number = number
        self.term = term
        self.deployments: list[TimedDeployment] = []
        self.bytes = 0

    def prepare(self, platform: Platform, cohort: Cohort, held: ExitStack) -> None:
        """Prepare it once more, bind inputs and warm it up.

        Raises:
            PlatformError: If the platform refuses it, or gives a deployment that is not timed.
        """
        meter = self.task.meter
        deployments: list[TimedDeployment] = []
        for _ in range(meter.streams):
            deployment = platform.prepare(
                self.term.workload, seed=cohort.seed, instrumentation=meter.instrumentation
            )
            held.callback(deployment.close)
            if not isinstance(deployment, TimedDeployment):
                raise PlatformError(f"{cohort.platform} promises timed deployments, gives others")
            deployments.append(deployment)
        graph = build(self.term.workload)
        self.bytes = _BYTES * (graph.parameters + graph.activations)
        whole = deployments[0] if meter.streams == 1 else Streams(deployments)
        self.task.load_s += whole.load_s
        whole.bind(graph.draw_inputs(cohort.seed))
        start = time.perf_counter()
        warm_s = sum(whole.sample(cohort.protocol.warmup).durations_s)
        # Durations from a clock elsewhere need not fit into the time that passed here.
        self.task.run_s += min(warm_s, time.perf_counter() - start)
        self.deployments.append(whole)


class Task:
    """One job of the cohort in hand, and what has become of it so far."""

    def __init__(self, index: int, job: Job) -> None:
        self.index = index
        self.job = job
        self.meter: Meter = open_meter(job.meter)
        self.members: list[Member] = []
        self.visits: list[Visit] = []
        self.execution: Execution | None = None
        self._steps: dict[Configuration, frozenset[str]] = {}
        self.held = ExitStack()
        self.load_s = self.run_s = self.busy_s = 0.0
        self.stopped: Stop = ""
        self.over = False

    def prepare(self, platform: Platform, cohort: Cohort) -> None:
        """Prepare every network the meter reads, as often as the protocol asks."""
        terms = self.meter.terms(self.job.workload)
        self.members = [Member(self, number, term) for number, term in enumerate(terms)]
        for member in self.members:
            for _ in range(cohort.protocol.preparations):
                member.prepare(platform, cohort, self.held)
            if not cohort.protocol.warmup:
                member.deployments[0].call()
            if not member.number:  # of stacks the deepest
                self._verify(platform, cohort, member)
            elif member.term.workload.copies:
                self._verify_copies(platform, cohort, member)

    def _verify(self, platform: Platform, cohort: Cohort, member: Member) -> None:
        """See what a network really runs, at once, while its converted form is still kept.

        Raises:
            UnsupportedWorkload: If the meter reads operators' times, and the runtime takes none.
        """
        deployment = member.deployments[0]
        profile = self.meter.instrumentation.profile
        found = verified(platform, member.term.workload, deployment, cohort.seed, profiled=profile)
        if profile and not found.times:
            name = platform.info().name
            raise UnsupportedWorkload(f"{name} does not say how long each of its operators takes")
        self.execution = found.execution
        if member.term.workload.copies:
            self._steps[member.term.workload.configuration] = found.steps
        self.load_s += found.load_s
        self.run_s += found.run_s

    def _verify_copies(self, platform: Platform, cohort: Cohort, member: Member) -> None:
        """See whether one of the other stacks holds every copy, as its deeper one does."""
        stack = member.term.workload
        steps = self._steps.get(stack.configuration, frozenset())
        found = verified_copies(platform, stack, member.deployments[0], cohort.seed, steps)
        self._steps.setdefault(stack.configuration, found.steps)
        self.load_s += found.load_s
        self.run_s += found.run_s

    def readings(
        self,
        cohort: Cohort,
        rounds: list[Round],
        reference: dict[str, float],
        executed: tuple[tuple[ExecutedNode, ...], ...] = (),
    ) -> Readings:
        """Return what was read so far, with the rounds it was read in and the run's reference."""
        return Readings(
            workload=self.job.workload,
            terms=tuple(member.term for member in self.members),
            visits=tuple(self.visits),
            rounds=tuple(rounds),
            reference=reference,
            protocol=cohort.protocol,
            executed=executed,
            told=all(self._steps.values()),
        )

    def executed(self) -> tuple[tuple[ExecutedNode, ...], ...]:
        """Return what each preparation of the first network executed, if the meter profiles it.

        Some runtimes profile no more once they have told.
        """
        if not self.meter.instrumentation.profile:
            return ()
        return tuple(deployment.executed() for deployment in self.members[0].deployments)

    def visits_of(self, round_: int) -> tuple[Visit, ...]:
        """Return the visits of one round."""
        return tuple(visit for visit in self.visits if visit.round == round_)

    def add_run(self, seconds: float) -> None:
        """Take over a share of what ran for several jobs, as the reference kernels do."""
        self.busy_s += seconds
        self.run_s += seconds

    def timings(self) -> Timings:
        """Return where its time went."""
        overhead_s = self.busy_s - self.load_s - self.run_s
        return Timings(load_s=self.load_s, run_s=self.run_s, overhead_s=max(0.0, overhead_s))
