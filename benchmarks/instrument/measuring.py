"""Measuring workloads with opscope in one worker, under load or idle, at one reference speed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

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
    """opscope, measuring call latencies of workloads on one platform, one reference throughout.

    Attributes:
        reference: Seconds that each reference kernel took when it began, as `Feed` has them.
    """

    def __init__(self, platform: str, executor: LocalExecutor) -> None:
        self._executor = executor
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
    ) -> dict[Workload, Measurement]:
        """Return the latency of each workload that could be measured."""
        jobs = [
            Job(workload=workload, platform=self.info.name, meter=MeterName(name="call-latency"))
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
        found: dict[Workload, Measurement] = {}
        for event in self._executor.execute(feed):
            if isinstance(event, Trial):
                feed.note(event)
                latency = event.measurement("latency_s")
                if latency is None:
                    print(f"  {event.job.workload}: {event.status}: {event.reason}")
                    continue
                self._seen.append(event)
                found[event.job.workload] = latency
        self.reference = feed.reference(self.info.name)
        return found
