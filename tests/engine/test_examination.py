import msgspec
import pytest

from opscope.core.configuration import Precision
from opscope.core.environment import Environment
from opscope.core.platform import Origin, PlatformInfo
from opscope.core.trial import Trial
from opscope.engine import witness
from opscope.engine.examination import PEAKS, examine
from opscope.engine.executors.base import Progress
from opscope.errors import PlatformError
from opscope.meters.probes import PROBES
from opscope.platforms.registry import open_platform

MIB = 1024**2
INFO = PlatformInfo(
    name="made-up",
    family="made-up",
    device="none",
    runtime="none",
    runtime_version="1",
    precisions=(Precision.FP32, Precision.INT8),
    quantities=("latency_s",),
    origin=Origin.MEASURED,
    deployments="timed",
)


class Recording:
    """An executor that measures nothing and keeps the cohort it was given."""

    def __init__(self, info=INFO, *, status="ok", available=64 * MIB, limit=None):
        self.info, self.status = info, status
        self.environment = Environment(
            opscope="0",
            python="3",
            system="none",
            kernel="none",
            cpu="none",
            cores=1,
            available_bytes=available,
            memory_limit_bytes=limit,
        )

    def describe(self, platform):
        return self.info, self.environment

    def execute(self, cohorts):
        (self.cohort,) = cohorts
        yield Progress(ahead=0.5)
        for job in self.cohort.jobs:
            yield Trial(job=job, status=self.status, reason="out of order")

    def close(self):
        """Hold nothing."""


def streamed(executor):
    examination = examine("made-up", budget_s=2, executor=executor)
    return next(kernel.bytes for kernel in examination.kernels if kernel.role == "memory")


def test_a_cohort_holds_probes_peaks_of_every_precision_and_a_stream():
    executor, seen = Recording(), []
    examination = examine("made-up", budget_s=2, executor=executor, watch=seen.append)
    roles = [kernel.role for kernel in examination.kernels]
    assert roles.count("steadiness") == len(PROBES)
    assert roles.count("compute") == len(PEAKS) * len(INFO.precisions)
    assert roles.count("memory") == 1
    assert {job.meter.name for job in executor.cohort.jobs} == {"call-latency"}
    assert executor.cohort.budget_s == 2
    assert executor.cohort.timed
    assert seen == [Progress(ahead=0.5)]
    assert examination.copied.bytes > 0
    assert len(examination.copied.samples.durations_s) == 10


def test_the_stream_exceeds_the_caches_as_far_as_memory_allows():
    plenty = 16 * 1024 * MIB
    assert streamed(Recording(available=plenty)) >= 192 * MIB
    small = streamed(Recording(available=plenty, limit=64 * MIB))
    assert small <= 6 * MIB
    assert streamed(Recording(available=64 * MIB)) == small


def test_what_is_not_timed_cannot_tell():
    reporting = msgspec.structs.replace(INFO, deployments="reporting")
    with pytest.raises(PlatformError, match=r"^made-up: it reports without measuring"):
        examine("made-up", budget_s=1, executor=Recording(reporting))


def test_a_machine_on_which_nothing_runs_is_an_error_with_the_reason():
    with pytest.raises(PlatformError, match="nothing could be measured: out of order"):
        examine("made-up", budget_s=1, executor=Recording(status="failed"))


def test_the_kernel_counts_work_and_stolen_time_apart():
    # user nice system idle iowait irq softirq steal guest guest_nice
    assert witness._counted("cpu  100 20 30 4000 500 6 7 80 9 0\ncpu0 1 2 3\n") == (163, 80)
    assert witness._counted("cpu  0 0 0 0 0 0 0 0 0 0\n") is None


def test_a_round_tells_what_others_took_since_the_one_before(monkeypatch):
    taken = iter([(10.0, 1.0), (12.5, 1.25), (12.5, 1.25), None])
    monkeypatch.setattr(witness, "_processors", lambda: next(taken))
    watching = witness.Witness(witness.Probes(open_platform("fake")))
    rounds = [watching.look() for _ in range(3)]
    assert [seen.others_s for seen in rounds] == [2.5, 0.0, None]
    assert [seen.steal_s for seen in rounds] == [0.25, 0.0, None]
