import gc
import tempfile
import time
from functools import partial

import msgspec
import numpy as np
import pytest

from opscope.core.configuration import Workload
from opscope.core.measurement import Verdict
from opscope.core.readings import DeviceState, Samples
from opscope.core.study import Cohort, Instrumentation, Job, Limits, MeterName, Protocol
from opscope.engine import witness
from opscope.engine.feed import Feed
from opscope.engine.recorder import FlightRecorder
from opscope.engine.worker import CohortRun
from opscope.graph import build, resolve
from opscope.meters.latency import CallLatencyMeter
from opscope.meters.probes import PROBES
from opscope.platforms.registry import open_platform
from tests.builders import QUICK, ScriptedDeployment


def jobs_for(platform, *couts, precision="fp32"):
    return tuple(
        Job(
            workload=Workload.parse(f"{resolve(f'conv:h=6,cin=3,cout={cout},k=3')}@{precision}"),
            platform=platform,
            meter=MeterName(name="call-latency"),
        )
        for cout in couts
    )


class Slowing:
    """Reference kernels that take their time, and after six rounds a tenth more."""

    runtime_s = 0.0

    def __init__(self):
        self.runs = 0

    def prepare(self):
        """Have nothing to prepare."""

    def contention(self):
        """Have no core that could be shared."""
        return ()

    def run(self):
        self.runs += 1
        seconds = 1e-3 if self.runs <= 6 else 1.1e-3
        samples = Samples(durations_s=(seconds,), clock="script")
        return {probe.name: samples for probe in PROBES}


class Beside(Slowing):
    """Reference kernels on a core that is shared but for moments."""

    reading = 0

    def contention(self):
        """Read the contention of a core left alone every fiftieth time."""
        self.reading += 1
        return (1.6 if self.reading % 50 else 1.0,)


def test_a_worker_watches_a_machine_only_once(monkeypatch):
    monkeypatch.setattr(witness, "_WATCHED_S", 0.01)
    beside = Beside()
    found = witness.watched(beside)
    assert 1.0 <= found < 1.2
    readings = beside.reading
    assert witness.watched(beside) == found
    assert beside.reading == readings > 200
    assert witness.watched(Slowing()) is None


def measure(platform, jobs, opened=None, protocol=QUICK, probes=None):
    trials = {}

    def emit(index, trial):
        assert index not in trials, "a job ended twice"
        trials[index] = trial

    cohort = Cohort(
        platform=platform, jobs=jobs, protocol=protocol, limits=Limits(), seed=1, number=2
    )
    with tempfile.TemporaryFile() as file:
        recorder = FlightRecorder(file.fileno())
        opened = opened or open_platform(platform)
        run = CohortRun(cohort, opened, recorder, emit, probes=probes)
        run.measure()
        position = recorder.read()
    return trials, position


def test_no_more_time_is_spent_in_the_runtime_than_passed():
    many = Protocol(rounds=400, min_rounds=400, samples=1, rewarm=0, warmup=400)
    jobs = jobs_for("fake", 4)
    measure("fake", jobs)  # what is built and loaded once
    start = time.perf_counter()  # its own clock runs ahead of this one
    trials, _ = measure("fake", jobs, protocol=many)
    assert any(trials[0].measurements[0].rounds[0].probes.values())
    timings = [trial.timings for trial in trials.values()]
    assert sum(each.load_s + each.run_s for each in timings) <= time.perf_counter() - start
    assert all(each.overhead_s >= 0 for each in timings)


def test_rounds_on_a_shared_core_count_only_where_the_protocol_says_so():
    alone = Protocol(rounds=8, samples=1, rewarm=0)
    jobs = jobs_for("fake:noise=0", 4)
    trials, _ = measure("fake:noise=0", jobs, protocol=alone, probes=Beside())
    latency = trials[0].measurement("latency_s")
    assert latency.trust.reason.startswith("another hardware thread shared the processor's core in")
    assert "--shared-core" in latency.trust.reason
    as_it_is = msgspec.structs.replace(alone, shared_core=True)
    trials, _ = measure("fake:noise=0", jobs, protocol=as_it_is, probes=Beside())
    latency = trials[0].measurement("latency_s")
    assert latency.trust.verdict is Verdict.TRUSTED
    assert "a shared core counts too" in latency.isolation
    assert not any(visit.contention for visit in latency.visits), "nobody asked"


def test_every_job_ends_as_one_trial_with_its_rounds():
    trials, position = measure("fake", jobs_for("fake", 4, 20, 40))
    assert sorted(trials) == [0, 1, 2]
    assert {trial.status for trial in trials.values()} == {"ok"}
    latencies = [trials[index].measurement("latency_s") for index in range(3)]
    assert latencies[0].value < latencies[1].value < latencies[2].value
    rounds = [(visit.round, visit.preparation) for visit in latencies[0].visits]
    assert rounds == [(number, number % 2) for number in range(QUICK.rounds)]
    assert position.visits == 3 * QUICK.rounds


def test_a_job_is_handed_over_as_soon_as_it_is_settled():
    order = []
    couts = (4, 20, 40)
    noisy = Protocol(rounds=12, min_rounds=6, precision=1e-9)
    cohort = Cohort(
        platform="fake", jobs=jobs_for("fake", *couts), protocol=noisy, limits=Limits(), seed=1
    )
    slow_to_settle = {1}

    def settled(self, readings):
        enough = 12 if readings.workload == cohort.jobs[1].workload else 6
        return "precision" if len(readings.visits) >= enough else ""

    with tempfile.TemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallLatencyMeter, "settled", settled)
        recorder = FlightRecorder(file.fileno())
        CohortRun(
            cohort,
            open_platform("fake"),
            recorder,
            lambda index, trial: order.append((index, trial)),
        ).measure()
    assert [index for index, _ in order] == [0, 2, 1]
    visits = {index: trial.measurement("latency_s").visits for index, trial in order}
    assert {index: len(visits[index]) for index in visits} == {0: 6, 2: 6, 1: 12}
    assert slow_to_settle == {order[-1][0]}


def test_what_the_first_job_saw_is_the_reference_of_those_that_go_on(monkeypatch):
    jobs, found, probes = jobs_for("fake", 4, 20), {}, Slowing()

    def settled(self, readings):
        enough = 36 if readings.workload == jobs[1].workload else 6
        return "precision" if len(readings.visits) >= enough else ""

    monkeypatch.setattr(CallLatencyMeter, "settled", settled)
    cohort = Cohort(
        platform="fake",
        jobs=jobs,
        protocol=Protocol(rounds=36, min_rounds=6),
        limits=Limits(),
        seed=1,
    )
    with tempfile.TemporaryFile() as file:
        CohortRun(
            cohort,
            open_platform("fake"),
            FlightRecorder(file.fileno()),
            found.__setitem__,
            probes=probes,
        ).measure()
    first, second = (found[index].measurement("latency_s") for index in (0, 1))
    assert first.speed is None
    assert second.speed.factor == pytest.approx(1.1)
    feed = Feed([cohort])
    feed.note(found[0])
    (later,) = feed
    assert later.reference == {probe.name: 1e-3 for probe in PROBES}


def test_the_first_rounds_see_the_probes_however_short_they_are():
    quick = Protocol(rounds=200, min_rounds=200, precision=1e-9)
    trials, _ = measure("fake", jobs_for("fake", 4), protocol=quick)
    rounds = trials[0].measurement("latency_s").rounds
    assert all(seen.probes for seen in rounds[:8])
    assert not all(seen.probes for seen in rounds)


def test_slow_probes_take_their_share_from_the_first_round_on():
    class Slow(Slowing):
        def run(self):
            time.sleep(0.11)
            return super().run()

    slow = Slow()
    measure("fake", jobs_for("fake", 4), protocol=Protocol(rounds=8), probes=slow)
    assert slow.runs == 1


def test_a_spent_budget_ends_a_cohort_after_the_least_rounds():
    cohort = Cohort(
        platform="fake",
        jobs=jobs_for("fake:noise=0.5", 4, 20),
        protocol=Protocol(rounds=40, min_rounds=6, precision=1e-9),
        limits=Limits(),
        seed=1,
        budget_s=0.0,
    )
    trials = {}
    with tempfile.TemporaryFile() as file:
        run = CohortRun(
            cohort,
            open_platform("fake:noise=0.5"),
            FlightRecorder(file.fileno()),
            trials.__setitem__,
        )
        run.measure()
    for trial in trials.values():
        assert trial.measurement("latency_s").stopped == "budget"
        assert len(trial.measurement("latency_s").visits) == 6


def test_rounds_carry_the_probes_and_what_was_done_for_isolation():
    trials, _ = measure("fake", jobs_for("fake", 4))
    latency = trials[0].measurement("latency_s")
    assert len(latency.rounds) == QUICK.rounds
    names = {"conv3x3", "conv1x1", "dense", "late3x3", "dense later", "late3x3 later"}
    assert set(latency.rounds[0].probes) == names
    assert latency.rounds[0].start_s <= latency.rounds[-1].start_s
    assert latency.isolation
    assert latency.isolation[0].startswith("priority")


def test_a_job_that_fails_costs_no_other():
    trials, _ = measure("fake:fail_at=20", jobs_for("fake:fail_at=20", 4, 20, 40))
    assert [trials[index].status for index in range(3)] == ["ok", "failed", "ok"]
    assert "cout=20" in trials[1].reason
    assert "PlatformError" in trials[1].traceback


def test_memory_that_runs_out_is_a_failed_trial():
    class Hungry:
        def __init__(self):
            self.fake = open_platform("fake")

        def __getattr__(self, name):
            return getattr(self.fake, name)

        def prepare(self, workload, **options):
            if workload.configuration.get("cout") == 20:
                raise MemoryError
            return self.fake.prepare(workload, **options)

    trials, _ = measure("fake", jobs_for("fake", 4, 20), Hungry())
    assert [trials[index].status for index in range(2)] == ["ok", "failed"]
    assert trials[1].reason == "ran out of memory in prepare"


def test_a_precision_that_is_not_there_is_unsupported_with_its_reason():
    trials, _ = measure("fake", jobs_for("fake", 4, precision="int8"))
    assert trials[0].status == "unsupported"
    assert trials[0].reason == "fake runs fp32 only"


def test_reporting_platforms_are_read_once():
    trials, position = measure("fake-compiler", jobs_for("fake-compiler", 4, 20))
    assert [trials[index].measurement("cycles").value for index in range(2)] == [3e5, 5e5]
    assert position.visits == 0


class Retold:
    """ONNX Runtime, as if its stacks told something else of what they execute."""

    def __init__(self, retell):
        self._platform = open_platform("onnxruntime-cpu")
        self._retell = retell
        self.info = self._platform.info
        self.supports = self._platform.supports

    def prepare(self, workload, *, seed, instrumentation):
        deployment = self._platform.prepare(workload, seed=seed, instrumentation=instrumentation)
        if workload.copies:
            told = deployment.executed
            deployment.executed = lambda: tuple(self._retell(workload.copies, told()))
        return deployment


@pytest.fixture
def layers():
    (job,) = jobs_for("onnxruntime-cpu", 4)
    return (msgspec.structs.replace(job, meter=MeterName(name="layer-latency")),)


def test_a_shallow_stack_without_all_of_its_copies_fails_as_a_deep_one_does(layers):
    def merged(copies, nodes):
        return [node for node in nodes if copies > 2 or "copy1/" not in str(node.sources)]

    trials, _ = measure("onnxruntime-cpu", layers, Retold(merged))
    assert trials[0].status == "failed"
    assert "leaves out copies 1 of the stack of 2" in trials[0].reason


def test_a_layer_whose_stacks_tell_nothing_says_so(layers):
    def silence(copies, nodes):
        return nodes[:0] if copies else nodes

    told, _ = measure("onnxruntime-cpu", layers)
    silent, _ = measure("onnxruntime-cpu", layers, Retold(silence))
    for trials, unchecked in ((told, False), (silent, True)):
        assert trials[0].status == "ok"
        assert ("unchecked" in trials[0].measurement("latency_s").derivation) is unchecked


class Scripted:
    """A platform whose deployments all hand out the same durations; it notes what it is asked."""

    def __init__(self, durations):
        self.durations = durations
        self.opened = self.closed = 0
        self.asked, self.inputs, self.deployments = [], [], []
        self.collecting = set()

    def info(self):
        return open_platform("fake").info()

    def supports(self, workload):
        return ""

    def prepare(self, workload, *, seed, instrumentation):
        self.opened += 1
        self.asked.append((seed, instrumentation))
        deployment = ScriptedDeployment(self.durations)
        deployment.load_s = 0.002
        self.deployments.append(deployment)
        time.sleep(0.005)
        deployment.close = self._close
        deployment.bind = self.inputs.append
        deployment.sample = partial(self._sample, deployment.sample)
        return deployment

    def _sample(self, sample, count):
        self.collecting.add(gc.isenabled())
        return sample(count)

    def _close(self):
        self.closed += 1


def test_each_preparation_opens_and_closes_every_deployment():
    platform = Scripted([1.0] * 100)
    measure("fake", jobs_for("fake", 4, 20), platform)
    probes = 4  # which stay open for the next cohort
    assert platform.opened == 2 * 2 + probes
    assert platform.closed == 2 * 2


def test_giving_back_is_timed_apart_from_the_trials():
    class Clinging(Scripted):
        def _close(self):
            super()._close()
            time.sleep(0.01)

    platform, trials = Clinging([1.0] * 100), {}
    cohort = Cohort(
        platform="fake",
        jobs=jobs_for("fake", 4, 20),
        protocol=QUICK,
        limits=Limits(),
        seed=1,
        number=2,
    )
    with tempfile.TemporaryFile() as file:
        run = CohortRun(cohort, platform, FlightRecorder(file.fileno()), trials.__setitem__)
        assert run.release_s == 0
        run.measure()
    assert platform.closed * 0.01 <= run.release_s
    assert {trial.status for trial in trials.values()} == {"ok"}


def test_weights_and_inputs_follow_from_the_cohorts_seed():
    platform, jobs = Scripted([1.0] * 100), jobs_for("fake", 4)
    measure("fake", jobs, platform)
    assert platform.asked[:2] == [(1, Instrumentation())] * 2
    expected = build(jobs[0].workload).draw_inputs(1)
    for inputs in platform.inputs[:2]:
        assert inputs.keys() == expected.keys()
        assert all(np.array_equal(inputs[name], expected[name]) for name in expected)


def test_every_preparation_is_warmed_up_as_often_as_the_protocol_says():
    platform = Scripted([1.0] * 200)
    trials, _ = measure(
        "fake",
        jobs_for("fake", 4, 20),
        platform,
        Protocol(rounds=2, min_rounds=2, samples=2, warmup=3),
    )
    assert {trial.status for trial in trials.values()} == {"ok"}
    drawn = [200 - len(deployment.durations) for deployment in platform.deployments[:4]]
    assert drawn == [3 + 1 + 2] * 4  # warm-up; one to compare with; two that count
    assert platform.collecting == {False}


def test_a_job_that_fails_in_a_visit_is_visited_no_more(monkeypatch):
    visits = []

    def break_down(*arguments):
        visits.append(arguments)
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(CallLatencyMeter, "visit", break_down)
    trials, _ = measure("fake", jobs_for("fake", 4, 20))
    assert [trials[index].reason for index in range(2)] == [
        "ZeroDivisionError in visit: by zero"
    ] * 2
    assert len(visits) == 2


def test_times_add_up_over_preparations():
    trials, _ = measure("fake", jobs_for("fake", 4), Scripted([0.0] * 100), probes=Slowing())
    timings = trials[0].timings
    assert timings.load_s == 2 * 0.002
    assert timings.overhead_s >= 2 * 0.003


def test_deployments_are_closed_when_one_breaks_down_between_visits():
    platform = Scripted([1.0] * 4)  # warm-up and a visit take more
    trials, _ = measure("fake", jobs_for("fake", 4, 20), platform, probes=Slowing())
    assert platform.closed == 4
    assert {trial.status for trial in trials.values()} == {"failed"}


@pytest.mark.parametrize("promise", ["timed", "reporting"])
def test_a_platform_that_breaks_its_promise_fails_its_jobs(promise):
    kinds = {"timed": "fake-compiler", "reporting": "fake"}

    class Liar:
        def __init__(self):
            self.real = open_platform(kinds[promise])

        def __getattr__(self, name):
            return getattr(self.real, name)

        def info(self):
            return open_platform({"timed": "fake", "reporting": "fake-compiler"}[promise]).info()

    trials, _ = measure("fake", jobs_for("fake", 4), Liar())
    assert trials[0].status == "failed"
    assert "promises" in trials[0].reason


def test_each_visit_keeps_what_the_device_said_of_itself_after_it():
    clocks = iter(range(1, 100))

    class Clocked(Scripted):
        def prepare(self, workload, *, seed, instrumentation):
            deployment = super().prepare(workload, seed=seed, instrumentation=instrumentation)
            deployment.device_state = lambda: DeviceState(clock_hz=1e6 * next(clocks))
            return deployment

    trials, _ = measure("fake", jobs_for("fake", 4), Clocked([1.0] * 100))
    visits = trials[0].measurements[0].visits
    assert [visit.device.clock_hz for visit in visits] == [
        1e6 * (number + 1) for number in range(len(visits))
    ]
