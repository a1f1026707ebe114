"""The public functions: which figures a finding is made of, and how a measurement is reported."""

import math
import random

import msgspec
import pytest

from opscope import api
from opscope.core.configuration import Workload
from opscope.core.environment import Environment
from opscope.engine.executors.local import LocalExecutor
from opscope.errors import ConfigurationError, PlatformError, StoreError, TableError
from opscope.platforms.registry import open_platform
from opscope.store import Store
from tests.builders import QUICK, small_study
from tests.store.test_store import trial_of

ENVIRONMENT = Environment(opscope="0", python="3", system="s", kernel="k", cpu="c", cores=1)
FAKE = open_platform("fake").info()
UPGRADED = msgspec.structs.replace(FAKE, runtime_version="2")
OTHER = open_platform("fake:period=8").info()


def add(store, run, info, couts, period):
    """Add a staircase of the given period, as measured on the platform ``info`` describes."""
    session = store.open_session(run, {info.fingerprint: ENVIRONMENT})
    for cout in couts:
        trial = trial_of(cout, value=1e-3 * math.ceil(cout / period))
        job = msgspec.structs.replace(trial.job, platform=info.name)
        trial = msgspec.structs.replace(trial, job=job)
        store.add_trial(run, session, f"{info.fingerprint}/{cout}", info, trial)


@pytest.fixture
def database(tmp_path):
    return tmp_path / "trials.db"


def shapes(database, **options):
    """Return each finding's platform, fingerprint and number of points."""
    found = api.findings("small", database=database, **options).findings
    return {(item.platform, item.fingerprint, len(item.points)) for item in found}


def test_figures_of_an_older_version_are_never_mixed_with_newer_ones(database):
    with Store(database, write=True) as store:
        run = store.open_run(small_study())
        add(store, run, FAKE, range(1, 41), period=8)
        add(store, run, UPGRADED, range(1, 31), period=4)
    assert shapes(database) == {("fake", UPGRADED.fingerprint, 30)}


def test_platforms_are_judged_apart_and_may_be_chosen(database):
    with Store(database, write=True) as store:
        run = store.open_run(small_study())
        add(store, run, FAKE, range(1, 41), period=8)
        add(store, run, OTHER, range(1, 31), period=4)
    fake, other = ("fake", FAKE.fingerprint, 40), (OTHER.name, OTHER.fingerprint, 30)
    assert shapes(database) == {fake, other}
    assert shapes(database, platforms=["fake:period=16"]) == {fake}
    assert shapes(database, platforms=["fake:period=8"]) == {other}


def test_what_is_on_disk_is_read_without_the_platforms_package(database):
    gone = msgspec.structs.replace(FAKE, name="gone:threads=2,turbo=1", family="gone")
    with Store(database, write=True) as store:
        add(store, store.open_run(small_study()), gone, range(1, 31), period=8)
    expected = {(gone.name, gone.fingerprint, 30)}
    assert shapes(database) == expected
    assert shapes(database, platforms=["gone:turbo=1,threads=2"]) == expected


def test_a_platform_of_which_nothing_is_kept_is_refused_by_name(database):
    with Store(database, write=True) as store:
        add(store, store.open_run(small_study()), FAKE, range(1, 31), period=8)
    with pytest.raises(ConfigurationError, match=r"faek: no trial.*Did you mean 'fake'"):
        api.findings("small", database=database, platforms=["faek"])


def test_a_kind_that_is_unknown_by_now_is_judged_by_what_is_written_out(database):
    with Store(database, write=True) as store:
        run = store.open_run(small_study())
        session = store.open_session(run, {FAKE.fingerprint: ENVIRONMENT})
        for cout in range(1, 11):
            trial = trial_of(cout)
            workload = Workload.parse(f"gone:h=6,cout={cout}@fp32")
            trial = msgspec.structs.replace(
                trial, job=msgspec.structs.replace(trial.job, workload=workload)
            )
            store.add_trial(run, session, str(cout), FAKE, trial)
    (finding,) = api.findings("small", database=database).findings
    assert (finding.fixed, len(finding.points)) == ("gone:h=6", 10)


def test_the_newest_run_speaks_unless_another_is_named(database):
    with Store(database, write=True) as store:
        for points in (20, 30):
            run = store.open_run(small_study(), fresh=True)
            add(store, run, FAKE, range(1, points + 1), period=8)
    assert {points for _, _, points in shapes(database)} == {30}
    assert {points for _, _, points in shapes(database, run=1)} == {20}
    with pytest.raises(StoreError, match="no run of a study 'small'"):
        api.findings("small", database=database, run=7)


def test_a_platform_that_does_not_open_is_a_result_and_stops_no_other():
    class Executor(LocalExecutor):
        def describe(self, platform):
            if platform == "openvino-cpu":
                raise PlatformError("it is broken")
            return super().describe(platform)

    with Executor() as executor:
        broken, fine = api.measure(
            *("conv:h=6,cin=3,cout=4,k=3", ["openvino-cpu", "fake"]),
            protocol=QUICK,
            executor=executor,
        )
    assert (broken.status, broken.trial) == ("unavailable", None)
    assert "it is broken" in broken.reason
    assert fine.status == "ok"


def test_a_name_that_is_none_is_told_before_anything_is_measured():
    begun = []
    with pytest.raises(ConfigurationError, match="there is no platform 'nope'"):
        api.measure("conv:h=8,cin=4,cout=4,k=3", ["fake", "nope"], watch=begun.append)
    assert not begun


def test_a_batch_is_measured_as_asked():
    one, two = (
        api.measure("conv:h=6,cin=3,cout=4,k=3", ["fake:noise=0"], batch=batch, protocol=QUICK)[0]
        for batch in (1, 2)
    )
    assert one.quantity("latency_s").value == pytest.approx(2e-4)
    assert two.quantity("latency_s").value == pytest.approx(4e-4)


@pytest.mark.parametrize("seed", range(8))
def test_a_table_of_wild_numbers_has_a_verdict_or_is_refused_in_words(tmp_path, seed):
    """Nothing overflows unseen: a warning would be an error here."""
    stream = random.Random(seed)
    rows = [f"{x},{10 ** stream.uniform(-15, 15)}" for x in range(1, 33)]
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(rows))
    try:
        answer = api.steps(tmp_path / "t.csv", x="x", y="y").verdict
    except TableError as exc:
        answer = exc.remedy
    assert answer
