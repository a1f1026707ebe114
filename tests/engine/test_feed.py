import pytest

from opscope.core.readings import Round, Samples
from opscope.core.study import Cohort, Limits
from opscope.engine.feed import Feed
from tests.builders import QUICK


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


def seen(seconds):
    return Round(probes={"dense": Samples(durations_s=(seconds,), clock="script")})


def test_without_a_budget_cohorts_go_as_they_are():
    cohorts = [cohort(number=0), cohort(number=1)]
    assert list(Feed(cohorts)) == cohorts


def test_the_time_left_is_shared_by_what_is_left_to_do():
    shares = [c.budget_s for c in Feed([cohort(round_s=1), cohort(round_s=3)], budget_s=100)]
    assert shares[0] == pytest.approx(25, rel=0.01)
    assert shares[1] == pytest.approx(100, rel=0.01)


def test_spent_time_leaves_nothing_but_the_least():
    assert [c.budget_s for c in Feed([cohort()], budget_s=0)] == [0]


def test_the_first_speed_of_a_platform_is_the_reference_of_its_later_cohorts():
    feed = Feed([cohort(number=0), cohort(number=1), cohort("other", number=0)])
    cohorts = iter(feed)
    assert next(cohorts).reference == {}
    feed.refer("fake", [seen(2.0)])
    feed.refer("fake", [seen(5.0)])
    assert next(cohorts).reference == {"dense": 2.0}
    assert next(cohorts).reference == {}
