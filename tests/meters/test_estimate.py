import numpy as np
import pytest

from opscope.core.readings import Samples, Visit
from opscope.meters.estimate import estimate
from tests.builders import visits_of


def test_preempted_calls_are_not_used():
    found = estimate(visits_of([[1.0, 0.5]] * 6, preemptions=[[0, 1]] * 6), least_change=0.02)
    assert (found.value, found.doubt, found.rounds) == (1.0, "", 6)


def test_calls_that_were_off_the_processor_are_not_used():
    visits = visits_of([[1.0, 1.5]] * 6, cpu_s=[[1.0, 1.4]] * 6)
    assert estimate(visits, least_change=0.02).value == 1.0
    assert visits[0].samples.disturbances == ("", "off the processor")


def test_cpu_time_stands_in_for_rounds_without_a_clean_call_where_it_agrees():
    clean, disturbed = [1.01, 1.0, 1.02], [1.8, 1.9, 2.0]
    visits = visits_of(
        [clean] * 3 + [disturbed] * 7,
        preemptions=[[0] * 3] * 3 + [[1] * 3] * 7,
        cpu_s=[clean] * 3 + [[1.02, 1.01, 1.03]] * 7,
    )
    found = estimate(visits, least_change=0.02)
    assert found.value == pytest.approx(1.01, abs=0.01)
    assert (found.by_cpu_time, found.doubt) == (7, "")


def test_cpu_time_that_does_not_agree_leaves_it_untrusted():
    visits = visits_of(
        [[1.0] * 3] * 3 + [[1.8] * 3] * 7,
        preemptions=[[0] * 3] * 3 + [[1] * 3] * 7,
        cpu_s=[[0.5] * 3] * 3 + [[0.5] * 3] * 7,
    )
    assert "disturbed every call" in estimate(visits, least_change=0.02).doubt


def test_without_any_clean_call_there_is_a_figure_but_no_trust():
    found = estimate(visits_of([[1.0], [2.0]], preemptions=[[1], [2]]), least_change=0.02)
    assert found.value > 0
    assert found.doubt == "other work disturbed every call in 2 of 2 rounds"


def test_where_nobody_counts_anything_every_call_is_used():
    assert estimate(visits_of([[1.0, 0.5]] * 2), least_change=0.02).value == 0.5


def test_too_few_rounds_have_no_interval():
    assert estimate(visits_of([[1.0]] * 5), least_change=0.02).interval is None


def test_preparations_that_differ_widen_the_interval_to_hold_both():
    visits = visits_of([[1.0], [1.3]] * 8)
    low, high = estimate(visits, least_change=0.02).interval
    assert low <= 1.0
    assert high >= 1.3


def test_a_drift_is_found_and_said():
    visits = visits_of([[1.0 + 0.01 * number] for number in range(16)])
    found = estimate(visits, least_change=0.02)
    assert found.doubt == "it changes with the time it was measured (by 8%)"


def test_what_ran_before_is_found_and_said():
    stream = np.random.default_rng(3)
    before = stream.permutation(16)
    visits = [
        Visit(
            round=number,
            preparation=number % 2,
            after_bytes=int(size),
            rewarm=Samples(durations_s=(), clock="script"),
            samples=Samples(durations_s=(1 + 0.01 * float(size),), clock="script"),
        )
        for number, size in enumerate(before)
    ]
    assert "what ran before it" in estimate(visits, least_change=0.02).doubt
