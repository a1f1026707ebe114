"""Measuring workloads with opscope in one worker, under load or idle, at one reference speed."""

from __future__ import annotations

import contextlib
import operator
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement
from opscope.core.study import Job, Limits, MeterName, Protocol, Study
from opscope.core.trial import Trial
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.feed import Feed
from opscope.engine.planner import group

_BUSY = "import numpy\na = numpy.random.rand(600, 600).astype('f')\nwhile True: a @ a"
_SETTLE_S = 1.5
_LIMITS = Limits()

Kept = Callable[[Callable[[], list[Trial]]], list[Trial]]
"""Gives the trials that a function takes, or those that it took before."""


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processes multiplying matrices, one thread each, as long as the block lasts."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([sys.executable, "-c", _BUSY], env=one_thread) for _ in range(processes)
    ]
    try:
        time.sleep(_SETTLE_S if processes else 0.0)
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


class Instrument:
    """opscope, measuring latencies of workloads on one platform, one reference throughout.

    Attributes:
        reference: Seconds that each reference kernel took when it began, as `Feed` has them.
    """

    def __init__(
        self, platform: str, executor: LocalExecutor, *, meter: str = "call-latency"
    ) -> None:
        self._executor = executor
        self._meter = MeterName(name=meter)
        self.info, _ = executor.describe(platform)
        self.reference: dict[str, float] = {}
        self._seen: list[Trial] = []

    def measure(
        self,
        workloads: Sequence[Workload],
        protocol: Protocol,
        *,
        seed: int = 0,
        limits: Limits = _LIMITS,
        kept: Kept = operator.call,
    ) -> dict[Workload, Measurement]:
        """Return the latency of each workload that could be measured.

        Args:
            workloads: What to measure.
            protocol: How.
            seed: Of the order.
            limits: Of the cohorts.
            kept: Gives the trials that taking them gives, maybe those taken before.
        """
        feed = self._feed(workloads, protocol, seed, limits)
        found: dict[Workload, Measurement] = {}
        for trial in kept(partial(self._take, feed)):
            feed.note(trial)
            latency = trial.measurement("latency_s")
            if latency is None:
                print(f"  {trial.job.workload}: {trial.status}: {trial.reason}")
                continue
            self._seen.append(trial)
            found[trial.job.workload] = latency
        self.reference = feed.reference(self.info.name)
        return found

    def _feed(
        self, workloads: Sequence[Workload], protocol: Protocol, seed: int, limits: Limits
    ) -> Feed:
        jobs = [
            Job(workload=workload, platform=self.info.name, meter=self._meter)
            for workload in workloads
        ]
        study = Study(
            name="b",
            title="",
            question="",
            spaces=(),
            protocol=protocol,
            limits=limits,
            seed=seed,
        )
        feed = Feed(group(jobs, study, [self.info]))
        for trial in self._seen:
            feed.note(trial)
        return feed

    def _take(self, feed: Feed) -> list[Trial]:
        taken = []
        for event in self._executor.execute(feed):
            if isinstance(event, Trial):
                feed.note(event)
                taken.append(event)
        return taken
