import itertools

import msgspec
import pytest

from opscope.core.environment import Environment
from opscope.core.measurement import Measurement, Trust, Verdict
from opscope.core.platform import Origin
from opscope.core.readings import Round, Samples
from opscope.core.record import from_json
from opscope.core.study import Protocol
from opscope.core.trial import Timings, Trial
from opscope.engine import runner
from opscope.engine.executors.base import Progress
from opscope.engine.runner import run_study
from opscope.errors import StudyError
from opscope.platforms.registry import open_platform
from opscope.store import Store
from tests.builders import small_study

ENVIRONMENT = Environment(
    opscope="0", python="3", system="s", kernel="k", cpu="c", cores=1, instruction_set=()
)


class Instant:
    """An executor that ends every job at once, as it is told to, and can be interrupted."""

    def __init__(self, *, interrupt_after=None, status="ok", trust=None):
        self.interrupt_after = interrupt_after
        self.status = status
        self.trust = trust or Trust()
        self.measured = []

    def describe(self, platform):
        return open_platform(platform).info(), ENVIRONMENT

    def execute(self, cohorts):
        for cohort in cohorts:
            yield Progress(ahead=0.5)
            for job in cohort.jobs:
                if len(self.measured) == self.interrupt_after:
                    raise KeyboardInterrupt
                self.measured.append(job)
                yield self._trial(job)
            yield Progress(ahead=0, release_s=0.25)

    def _trial(self, job):
        latency = Measurement(
            quantity="latency_s",
            value=1.0,
            unit="s",
            origin=Origin.MEASURED,
            derivation="none",
            trust=self.trust,
            interval=(0.98, 1.02),
        )
        measurements = (latency,) if self.status == "ok" else ()
        timings = Timings(load_s=0.1, run_s=0.2)
        return Trial(job=job, status=self.status, measurements=measurements, timings=timings)

    def close(self):
        """Hold nothing."""


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "trials.db", write=True) as store:
        yield store


def run(store, executor, study=None, platforms=("fake",), **options):
    study = study or small_study(10)
    return run_study(study, platforms, store=store, executor=executor, **options)


def test_a_forecast_is_of_the_time_that_trying_leaves(store):
    events = []
    run(store, Instant(), budget_s=60.0, watch=events.append)
    (found,) = [event.forecast for event in events if event.forecast]
    assert 50 < found.budget_s < 60
    assert found.wanted == Protocol().precision


def test_every_job_is_measured_once_and_stored(store):
    executor = Instant()
    summary = run(store, executor)
    assert (summary.total, summary.found, summary.outcomes) == (10, 0, {"ok": 10})
    trials = store.trials(summary.run)
    assert sorted(str(t.trial.job) for t in trials) == sorted(map(str, executor.measured))
    assert summary.load_s == pytest.approx(10 * 0.1 + 2 * 0.25)  # jobs, cohorts
    assert summary.run_s == pytest.approx(2.0)


def test_an_interrupted_run_goes_on_where_it_stopped_and_repeats_nothing(store):
    first = Instant(interrupt_after=4)
    with pytest.raises(KeyboardInterrupt):
        run(store, first)
    second = Instant()
    summary = run(store, second)
    assert (summary.found, summary.outcomes) == (4, {"ok": 6})
    assert not set(first.measured) & set(second.measured)
    assert run(store, Instant()).outcomes == {}


def test_a_run_that_goes_on_takes_its_reference_from_its_first_trials_in_order(store):
    class Seeing(Instant):
        """Sees a reference kernel take a second longer from trial to trial, first too seldom."""

        def __init__(self, **options):
            super().__init__(**options)
            self.references = []

        def execute(self, cohorts):
            return super().execute(self._noted(cohorts))

        def _noted(self, cohorts):
            for cohort in cohorts:
                self.references.append(cohort.reference)
                yield cohort

        def _trial(self, job):
            number = len(self.measured)
            samples = Samples(durations_s=(float(number),), clock="script")
            trial = super()._trial(job)
            (latency,) = trial.measurements
            rounds = (Round(probes={"dense": samples}),) * (5 if number == 1 else 6)
            latency = msgspec.structs.replace(latency, rounds=rounds)
            return msgspec.structs.replace(trial, measurements=(latency,))

    with pytest.raises(KeyboardInterrupt):
        run(store, first := Seeing(interrupt_after=4))
    run(store, again := Seeing())
    assert (first.references[0], again.references[0]) == ({}, {"dense": 2.0})


def test_what_ended_before_is_told_by_outcome(store):
    run(store, Instant(status="failed"), small_study(10))
    again = run(store, Instant())
    assert (again.earlier, again.found, again.outcomes) == ({"failed": 10}, 10, {})
    assert again.unfinished == {"failed": 10}
    mended = run(store, Instant(), retry=["failed"])
    assert (mended.earlier, mended.unfinished) == ({}, {})


def test_waiting_for_others_is_no_time_outside_the_runtimes(store, monkeypatch):
    class Clock:
        perf_counter = itertools.count(0.0, 10.0).__next__

    monkeypatch.setattr(runner, "time", Clock())

    class Waiting(Instant):
        def execute(self, cohorts):
            (job, *_) = [job for cohort in cohorts for job in cohort.jobs]
            yield Progress(ahead=0.0)
            yield Progress(ahead=0.0, waiting=True)
            yield Progress(ahead=0.0, waiting=True)
            yield Progress(ahead=0.0)
            yield self._trial(job)

    summary = run(store, Waiting())
    assert summary.waited_s == 20
    worked_s = summary.wall_s - 20
    assert summary.runtime_share == pytest.approx(0.3 / worked_s)


def test_each_platforms_environment_is_kept(store):
    class Elsewhere(Instant):
        def describe(self, platform):
            info, environment = super().describe(platform)
            return info, msgspec.structs.replace(environment, python=f"of {info.name}")

    run(store, Elsewhere(), platforms=("fake", "fake:period=8"))
    with store._engine.connect() as connection:
        text = connection.exec_driver_sql("SELECT environments FROM sessions").scalar()
    kept = from_json(text, dict[str, Environment])
    for name in ("fake", "fake:period=8"):
        assert kept.pop(open_platform(name).info().fingerprint).python == f"of {name}"
    assert not kept


def test_fresh_starts_another_run(store):
    first = run(store, Instant())
    second = run(store, Instant(), fresh=True)
    assert second.run.id != first.run.id
    assert second.outcomes == {"ok": 10}
    assert len(store.trials(first.run)) == 10


@pytest.mark.parametrize(
    ("executor", "outcome"),
    [
        (Instant(status="failed"), "failed"),
        (Instant(status="unsupported"), "unsupported"),
        (Instant(trust=Trust(verdict=Verdict.UNTRUSTED, reason="noise")), "untrusted"),
    ],
)
def test_only_what_is_named_is_tried_again(store, executor, outcome):
    assert run(store, executor).untrusted == (10 if outcome == "untrusted" else 0)
    others = {"failed", "unsupported", "untrusted"} - {outcome}
    assert run(store, Instant(), retry=others).outcomes == {}
    summary = run(store, Instant(), retry=[outcome])
    assert summary.outcomes == {"ok": 10}
    trials = store.trials(summary.run)
    assert {(t.attempt, t.trial.status) for t in trials} == {(1, "ok")}


def test_another_platform_joins_the_same_run(store):
    first = run(store, Instant())
    second = run(store, Instant(), platforms=("fake", "fake:period=8"))
    assert second.run.id == first.run.id
    assert (second.found, second.outcomes) == (10, {"ok": 10})


def test_another_protocol_is_another_run(store):
    first = run(store, Instant())
    second = run(store, Instant(), small_study(10, protocol=Protocol(rounds=5, min_rounds=5)))
    assert second.run.id != first.run.id
    assert second.outcomes == {"ok": 10}


def test_the_same_platform_written_differently_is_measured_once(store):
    assert run(store, Instant(), platforms=("fake", "fake:period=16", "fake")).total == 10


def test_nobody_is_measured_without_a_platform(store):
    with pytest.raises(StudyError, match="no platform is named"):
        run(store, Instant(), platforms=())


def test_whoever_watches_sees_every_job_end(store):
    events = []
    run(store, Instant(), watch=events.append)
    assert [event.done for event in events if event.trial] == list(range(1, 11))
    assert {event.total for event in events} == {10}
    assert any(event.ahead for event in events)
