import math

import msgspec
import pytest

from opscope.core.study import Protocol
from opscope.graph.stacks import Term
from opscope.meters.latency import CallLatencyMeter
from opscope.meters.pairing import enough, paired
from tests.builders import visits_of
from tests.engine.test_worker import jobs_for

JOBS = (*jobs_for("fake", 4), *jobs_for("fake:period=8", 4))
PROTOCOL = Protocol(precision=0.02, min_rounds=6, rounds=20)


def both(first, second, **options):
    return (visits_of(first, **options), visits_of(second, **options))


def ratio(first, second, **options):
    return paired(JOBS, both(first, second, **options), PROTOCOL)


def drifting(rounds, factor=1.0):
    """Return rounds in which the machine gets slower and slower."""
    return [[factor * (1 + 0.1 * number)] * 2 for number in range(rounds)]


def test_what_falls_on_both_leaves_the_ratio():
    found = ratio(drifting(10), drifting(10, factor=1.5))
    assert found.log_ratio == pytest.approx(math.log(1.5))
    assert (found.rounds, found.doubt) == (10, "")


def test_preparations_count_alike_whatever_their_rounds():
    slow_second = [[1.0] if number % 2 == 0 else [1.2] for number in range(9)]
    found = ratio([[1.0]] * 9, slow_second)
    assert found.log_ratio == pytest.approx(math.log(1.2) / 2)


def test_rounds_without_an_undisturbed_call_on_one_side_do_not_take_part():
    busy = [(1,) if number in {0, 1} else (0,) for number in range(10)]
    first = visits_of([[9.0]] * 2 + [[1.0]] * 8, preemptions=busy)
    found = paired(JOBS, (first, visits_of([[2.0]] * 10)), PROTOCOL)
    assert found.log_ratio == pytest.approx(math.log(2))
    busier = visits_of([[9.0]] * 10, preemptions=[(1,)] * 4 + [(0,)] * 6)
    found = paired(JOBS, (busier, visits_of([[2.0]] * 10)), PROTOCOL)
    assert found.log_ratio is None
    assert found.doubt == "other work disturbed every call of one side in 4 of 10 rounds"


def test_a_ratio_that_changes_with_time_is_in_doubt():
    found = ratio([[1.0]] * 20, drifting(20))
    assert found.doubt.startswith("the ratio changes with the time it was measured")


@pytest.fixture
def _stacks(monkeypatch):
    def terms(self, workload):
        deep = msgspec.structs.replace(workload, batch=2)
        return (
            Term(workload=workload, coefficient=-0.5),
            Term(workload=deep, coefficient=0.5),
        )

    monkeypatch.setattr(CallLatencyMeter, "terms", terms)


def stacks(shallow, deep, rounds=8):
    return visits_of([[shallow]] * rounds) + visits_of([[deep]] * rounds, term=1)


@pytest.mark.usefixtures("_stacks")
def test_the_difference_of_two_stacks_is_taken_in_each_round():
    found = paired(JOBS, (stacks(1.0, 3.0), stacks(1.0, 5.0)), PROTOCOL)
    assert found.log_ratio == pytest.approx(math.log(2))
    assert found.rounds == 8


@pytest.mark.usefixtures("_stacks")
def test_a_difference_that_is_none_is_in_doubt():
    found = paired(JOBS, (stacks(1.0, 3.0), stacks(1.0, 1.0)), PROTOCOL)
    assert found.log_ratio is None
    assert "no slower than the shallower" in found.doubt


def test_a_sitting_is_enough_when_narrow_or_spent_and_never_too_early():
    def stop(first, second):
        return enough(JOBS, both(first, second), PROTOCOL)

    assert stop([], []) == ""
    assert stop([[1.0]] * 6, [[2.0]] * 6) == ""
    assert stop([[1.0]] * 7, [[2.0]] * 7) == "precision"
    noisy = [[1.0 + 0.5 * (number % 3)] for number in range(20)]
    assert stop([[1.0]] * 19, noisy[:19]) == ""
    assert stop([[1.0]] * 20, noisy) == "rounds"
