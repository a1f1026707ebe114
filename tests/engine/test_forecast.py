import pytest
from msgspec.structs import replace

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement
from opscope.core.platform import Origin
from opscope.core.study import Cohort, Job, Limits, Protocol
from opscope.core.trial import Timings, Trial
from opscope.engine.forecast import forecast, pilots
from tests.builders import visits_of

PROTOCOL = Protocol(rounds=40, min_rounds=6, precision=0.02)


def jobs(count):
    return tuple(
        Job(workload=Workload.parse(f"conv:h=6,cin=3,cout={n + 1},k=3"), platform="fake")
        for n in range(count)
    )


def cohort(count, platform="fake", *, timed=True):
    return Cohort(
        platform=platform, jobs=jobs(count), protocol=PROTOCOL, limits=Limits(), seed=0, timed=timed
    )


def trial(width, run_s=0.1, load_s=0.005):
    latency = Measurement(
        quantity="latency_s",
        value=1.0,
        unit="s",
        origin=Origin.MEASURED,
        derivation="none",
        interval=(1 - width, 1 + width),
    )
    timings = Timings(load_s=load_s, run_s=run_s)
    return Trial(job=jobs(1)[0], status="ok", measurements=(latency,), timings=timings)


def test_a_few_jobs_spread_over_the_study_are_tried_on_each_timed_platform():
    tried = pilots([cohort(24), cohort(24), cohort(9, "other"), cohort(3, "report", timed=False)])
    assert [(c.platform, len(c.jobs)) for c in tried] == [("fake", 6), ("other", 6)]
    assert tried[0].protocol.rounds == tried[0].protocol.min_rounds == 10
    assert len({job.workload for job in tried[0].jobs}) > 1


def test_time_enough_says_how_much_is_needed():
    found = forecast([trial(0.02)] * 4, [cohort(100)], PROTOCOL, budget_s=1000)
    assert found.needed_s == pytest.approx(100 * (0.005 + 10 * 0.01))
    assert found.least_s == pytest.approx(100 * (0.005 + 6 * 0.01))
    assert found.precision == (pytest.approx(0.02), pytest.approx(0.02))
    assert (found.wanted, found.alone) == (0.02, 1)


def test_a_precision_out_of_reach_takes_all_rounds():
    protocol = replace(PROTOCOL, precision=1e-300)
    found = forecast([trial(0.5)], [cohort(1)], protocol, budget_s=1000)
    assert found.rounds == protocol.longest
    assert found.precision[0] > found.wanted


def test_rounds_on_a_shared_core_are_told():
    first, second = visits_of([[1.0]] * 2)
    alone, shared = replace(first, contention=(1.0,) * 2), replace(second, contention=(2.0,) * 2)
    good = trial(0.02)
    latency = replace(good.measurements[0], visits=(alone, shared, shared), least_contention=1.0)
    beside = replace(good, measurements=(latency,))
    found = forecast([good, beside], [cohort(10)], PROTOCOL, budget_s=1000)
    assert found.alone == pytest.approx((1 + 1 / 3) / 2)


def test_little_time_costs_precision_with_the_root_of_the_rounds_or_more():
    found = forecast([trial(0.04)] * 4, [cohort(100)], PROTOCOL, budget_s=100 * (0.005 + 0.2))
    assert found.rounds == 20
    assert found.precision == (
        pytest.approx(0.04 / 2**0.5, rel=0.02),
        pytest.approx(0.04 / 2**0.15, rel=0.02),
    )
    assert found.needed_s == pytest.approx(100 * (0.005 + 40 * 0.01))


def test_any_figure_with_an_interval_will_do():
    asked = trial(0.02)
    (latency,) = asked.measurements
    other = replace(asked, measurements=(replace(latency, quantity="throughput_fps", unit="1/s"),))
    latency_only = forecast([asked], [cohort(10)], PROTOCOL, budget_s=10)
    assert forecast([other], [cohort(10)], PROTOCOL, budget_s=10) == latency_only


def test_time_is_of_use_for_three_times_the_rounds():
    found = forecast([trial(0.08)] * 4, [cohort(100)], PROTOCOL, budget_s=1000)
    assert found.rounds == 120
    assert found.precision == (pytest.approx(0.08 / 12**0.5), pytest.approx(0.08 / 12**0.15))
    assert found.needed_s == pytest.approx(100 * (0.005 + 120 * 0.01))


def test_pilots_that_failed_forecast_nothing():
    failed = Trial(job=jobs(1)[0], status="failed", reason="no")
    assert forecast([failed], [cohort(10)], PROTOCOL, budget_s=10) is None
