import pytest

from opscope.core.measurement import Measurement
from opscope.core.platform import Origin
from opscope.core.readings import Round, Samples
from opscope.core.study import Cohort, Limits
from opscope.core.trial import Trial
from opscope.engine.feed import Feed
from opscope.meters.contention import CONTENTION
from tests.builders import QUICK
from tests.engine.test_worker import jobs_for

(JOB,) = jobs_for("fake", 4)


def cohort(platform="fake", round_s=1.0, number=0):
    return Cohort(
        platform=platform,
        jobs=(),
        protocol=QUICK,
        limits=Limits(),
        seed=0,
        number=number,
        round_s=round_s,
    )


def trial(job, seconds, contention=(), least=None):
    """Return a trial in whose rounds a reference kernel took so long."""
    seen = Round(
        probes={"dense": Samples(durations_s=(seconds,), clock="script")}, contention=contention
    )
    latency = Measurement(
        quantity="latency_s",
        value=1.0,
        unit="s",
        origin=Origin.MEASURED,
        derivation="none",
        least_contention=least,
        rounds=(seen,) * 6,
    )
    return Trial(job=job, status="ok", measurements=(latency,))


def test_without_a_budget_cohorts_go_as_they_are():
    cohorts = [cohort(number=0), cohort(number=1)]
    assert list(Feed(cohorts)) == cohorts


def test_the_time_left_is_shared_by_what_is_left_to_do():
    shares = [c.budget_s for c in Feed([cohort(round_s=1), cohort(round_s=3)], budget_s=100)]
    assert shares[0] == pytest.approx(25, rel=0.01)
    assert shares[1] == pytest.approx(100, rel=0.01)


def test_time_that_is_given_may_take_more_rounds():
    (given,) = Feed([cohort()], budget_s=100)
    assert given.protocol.rounds == 3 * QUICK.rounds
    assert given.protocol.min_rounds == QUICK.min_rounds


def test_spent_time_leaves_nothing_but_the_least():
    assert [c.budget_s for c in Feed([cohort()], budget_s=0)] == [0]


def test_the_first_speed_of_a_platform_is_the_reference_of_its_later_cohorts():
    feed = Feed([cohort(number=0), cohort(number=1), cohort("other", number=0)])
    cohorts = iter(feed)
    assert next(cohorts).reference == {}
    feed.note(trial(JOB, 2.0))
    feed.note(trial(JOB, 5.0))
    assert next(cohorts).reference == {"dense": 2.0}
    assert next(cohorts).reference == {}


def test_a_trial_on_a_shared_core_is_no_reference_if_it_was_known_to_be():
    feed = Feed([])
    feed.note(trial(JOB, 2.0, contention=(1.6,) * 20, least=1.0))
    assert feed.reference("fake") == {CONTENTION: 1.0}
    feed.note(trial(JOB, 1.5, contention=(1.1,) * 20, least=1.0))
    assert feed.reference("fake") == {CONTENTION: 1.0, "dense": 1.5}
