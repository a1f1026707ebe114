"""Comparing from the two names on: measured in turns, kept, or one of each."""

import os
import sys

import msgspec
import pytest

import opscope
from opscope import api
from opscope.core.study import MeterName, Protocol
from opscope.engine import comparing, sides
from opscope.engine.executors.local import LocalExecutor
from opscope.errors import ConfigurationError, InputError, StoreError
from opscope.store import Store
from tests.builders import small_study
from tests.store.test_store import ENVIRONMENT
from tests.test_api import FAKE, OTHER, UPGRADED, trial_of

CONV = "conv:h=6,cin=3,cout={},k=3"
PROTOCOL = Protocol(rounds=8, min_rounds=7, samples=2, warmup=1, rewarm=1)


def quick(stop=3):
    return small_study(stop, protocol=PROTOCOL)


def sure(cout, value, error=0.01, meter="layer-latency"):
    """Return a kept trial with an interval."""
    trial = trial_of(cout, value=value)
    latency = msgspec.structs.replace(
        trial.measurements[0], interval=(value * (1 - error), value * (1 + error))
    )
    job = msgspec.structs.replace(trial.job, meter=MeterName(name=meter))
    return msgspec.structs.replace(trial, job=job, measurements=(latency,))


def keep(path, *runs):
    """Keep runs, each a list of platforms and trials."""
    with Store(path, write=True) as store:
        for trials in runs:
            run = store.open_run(small_study(), fresh=True)
            session = store.open_session(run, {FAKE.fingerprint: ENVIRONMENT})
            for number, (info, trial) in enumerate(trials):
                job = msgspec.structs.replace(trial.job, platform=info.name)
                placed = msgspec.structs.replace(trial, job=job)
                store.add_trial(run, session, str(number), info, placed)


@pytest.fixture
def database(tmp_path):
    return tmp_path / "trials.db"


def statements(found):
    return [item.statement for item in found.configurations]


def test_two_platforms_are_measured_in_turns_and_sittings(monkeypatch):
    monkeypatch.setattr(comparing, "SITTINGS", 3)
    events = []
    found = api.compare("fake", "fake:factor=0.9", study=quick(), watch=events.append)
    assert found.taken == "in turns"
    assert len(found.configurations) == 3
    for item in found.configurations:
        assert item.ratio == pytest.approx(0.9, abs=1e-3)
        assert len(item.sittings) == 3
        assert item.rounds == 21
        assert item.a.origin == "estimated"
    assert found.overall.ratio == pytest.approx(0.9, abs=1e-3)
    assert (events[-1].done, events[-1].total) == (9, 9)
    assert found.a.environment.kernel == found.b.environment.kernel == os.uname().release


def test_a_platform_against_itself_shows_no_difference_whichever_interpreter_runs_it(monkeypatch):
    monkeypatch.setattr(comparing, "SITTINGS", 3)
    found = api.compare("fake", "fake:period=16", study=quick(1), pythons=("", sys.executable))
    assert found.overall.counts == {"no difference shown": 1}
    assert found.b.python == sys.executable


def test_a_job_that_fails_is_not_tried_in_every_sitting(monkeypatch):
    monkeypatch.setattr(comparing, "SITTINGS", 3)
    events = []
    found = api.compare("fake", "fake:fail_at=2", study=quick(2), watch=events.append)
    assert statements(found)[1].startswith("cannot be told: B failed: the fake refuses cout=2")
    assert events[-1].done == 4


def test_workloads_may_be_named_with_precision_and_batch(monkeypatch):
    monkeypatch.setattr(comparing, "SITTINGS", 3)
    one, two = api.compare(
        *("fake", "fake"), workloads=[CONV.format(4), CONV.format(4) + "@fp32,batch=2"]
    ).configurations
    assert (one.workload, two.workload) == (f"{CONV.format(4)}@fp32", two.workload)
    assert two.a.value == pytest.approx(2 * one.a.value, rel=0.01)


def test_reports_are_compared_as_they_are():
    found = api.compare(
        "fake-compiler", "fake-compiler:period=8", workloads=[CONV.format(16)], quantity="cycles"
    )
    assert found.taken == "apart"
    (item,) = found.configurations
    assert (item.a.unit, item.b.origin) == ("cycles", "estimated")
    assert item.statement == "B is higher by 67 %, as reported, without interval"


def test_times_by_the_runtimes_own_clocks_are_not_taken_for_those_of_visits():
    study = small_study(2, protocol=PROTOCOL, meters=(MeterName(name="operator-times"),))
    found = api.compare("fake", "fake:factor=2", study=study, quantity="operator_time_s")
    assert found.taken == "apart"
    for item in found.configurations:
        assert item.statement.endswith("as reported, without interval"), item.statement
        # The fake doubles what belongs to no operator, too, and leaves off as much as before.
        assert 2 < item.ratio < 2.2


def test_kept_runs_are_compared_by_what_they_share(database):
    first = [(FAKE, sure(cout, 1.0)) for cout in (1, 2, 3)]
    keep(database, first, [(FAKE, sure(cout, 1.1)) for cout in (2, 3, 4, 5)])
    found = api.compare("run:1", "run:2", database=database)
    assert found.taken == "apart"
    assert statements(found) == ["B is slower by 8–12 %"] * 2
    assert (found.only_a, found.only_b) == (1, 2)
    assert (found.a.run, found.b.run) == (1, 2)
    one = api.compare("run:1", "run:2", database=database, workloads=[CONV.format(2)])
    assert [item.workload for item in one.configurations] == [f"{CONV.format(2)}@fp32"]


def test_runs_of_two_files_stand_for_two_machines(database, tmp_path):
    other = tmp_path / "other.db"
    keep(database, [(FAKE, sure(1, 1.0))])
    keep(other, [(OTHER, sure(1, 0.5))])
    found = api.compare("run:1", f"{other}#1/fake:period=8", database=database)
    assert statements(found) == ["B is faster by 49.3–50.7 %"]
    assert found.b.database == str(other)
    assert found.a.environment == ENVIRONMENT
    assert found.b.environment is None  # the session noted one of the other platform only


def test_a_kept_run_speaks_by_its_newest_version_of_a_platform(database):
    keep(database, [(FAKE, sure(1, 1.0)), (UPGRADED, sure(1, 2.0))], [(FAKE, sure(1, 1.0))])
    found = api.compare("run:2", "run:1", database=database)
    assert found.b.platform.runtime_version == "2"
    assert found.configurations[0].ratio == pytest.approx(2.0)


def test_what_is_kept_can_be_compared_with_what_is_measured_now(database):
    keep(database, [(FAKE, sure(4, 4e-4))])
    found = api.compare("run:1", "fake:noise=0.001", database=database)
    assert found.taken == "apart"
    assert found.configurations[0].ratio == pytest.approx(0.5, abs=0.01)
    assert found.b.run is None


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        ("fake", "fake", InputError, "fake and fake: it is not said what to compare.*--study"),
        ("run:1", "run:9", StoreError, "no run 9 is kept there. Runs 1, 2, 3, 4 are."),
        ("run:1", "run:2", ConfigurationError, "run:1 and run:2: they share no configuration"),
        ("run:1", "run:3", ConfigurationError, "A has layer-latency where B has call-latency"),
        ("run:4", "run:1", ConfigurationError, r"several platforms. Write run:4/fake or run:4/f"),
        ("run:1/no", "run:1", ConfigurationError, "nothing on that platform .*Write run:1/fake"),
        ("run:0", "run:1", ConfigurationError, "this names no run"),
    ],
)
def test_what_cannot_be_compared_is_refused(database, a, b, error, message):
    keep(
        database,
        [(FAKE, sure(1, 1.0))],
        [(FAKE, sure(2, 1.0))],
        [(FAKE, sure(1, 1.0, meter="call-latency"))],
        [(FAKE, sure(1, 1.0)), (OTHER, sure(1, 1.0))],
    )
    with pytest.raises(error, match=message):
        api.compare(a, b, database=database)


def test_different_quantities_are_refused(database):
    keep(database, [(FAKE, sure(1, 1.0))])
    with pytest.raises(ConfigurationError, match=r"neither side has 'cycles'. A has latency_s; B"):
        api.compare("run:1", "run:1", database=database, quantity="cycles")


def test_a_quantity_that_nothing_measures_is_refused_before_measuring(database):
    keep(database, [(FAKE, sure(4, 1.0))])
    events = []
    with pytest.raises(ConfigurationError, match=r"'x' is not measured. What .* is latency_s."):
        api.compare("run:1", "fake", database=database, quantity="x", watch=events.append)
    assert events == []


def test_another_environment_must_have_the_same_opscope(monkeypatch):
    asked = {}

    class Elsewhere(LocalExecutor):
        def __init__(self, **options):
            asked.update(options)
            super().__init__()

        def describe(self, platform):
            info, environment = super().describe(platform)
            return info, msgspec.structs.replace(environment, opscope="0.0.1")

    monkeypatch.setattr(sides, "LocalExecutor", Elsewhere)
    with pytest.raises(InputError, match=rf"/else/python: opscope 0.0.1.*{opscope.__version__}"):
        api.compare("fake", "fake", study=quick(), pythons=("/else/python", ""))
    assert asked == {"python": "/else/python"}


def test_an_interpreter_that_does_not_start_is_refused():
    with pytest.raises(InputError, match="this interpreter does not start"):
        api.compare("fake", "fake", study=quick(1), pythons=("", "/no/python"))


def test_what_is_kept_needs_no_interpreter(database):
    keep(database, [(FAKE, sure(1, 1.0))])
    with pytest.raises(InputError, match="run:1: what is kept needs no interpreter"):
        api.compare("run:1", "run:1", database=database, pythons=(sys.executable, ""))
