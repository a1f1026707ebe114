import pytest
from hypothesis import given
from hypothesis import strategies as st

from opscope.stats.location import LEAST_ROUNDS, low_interval, low_location, percentiles

values = st.lists(st.floats(0.1, 10), min_size=1, max_size=20)


@given(values)
def test_the_location_lies_among_the_values(numbers):
    slack = 1e-12
    assert min(numbers) - slack <= low_location(numbers) <= max(numbers) + slack


@given(values, st.floats(0.1, 100))
def test_location_and_interval_scale_with_the_unit(numbers, factor):
    scaled = [factor * value for value in numbers]
    assert low_location(scaled) == pytest.approx(factor * low_location(numbers))
    if interval := low_interval(numbers):
        expected = [factor * bound for bound in interval]
        assert low_interval(scaled) == pytest.approx(expected, rel=1e-6, abs=1e-6 * factor)


def test_two_rounds_in_five_may_be_disturbed_without_stretching_the_interval():
    quiet, busy = [1.0, 1.001, 1.002, 1.003] * 3, [2.0, 3.0] * 4
    low, high = low_interval(quiet + busy)
    assert 1.0 <= low_location(quiet + busy) <= 1.003
    assert high - low < 0.01
    assert low_location([1.0] * 5 + [2.0] * 11) == 1.0


def test_one_lucky_sample_does_not_decide():
    assert low_location([0.1] + [1.0] * 15) == 1.0


def test_no_value_at_all_is_refused():
    with pytest.raises(ValueError, match="no round has a value"):
        low_location([])


def test_few_rounds_have_no_interval():
    assert low_interval([1.0] * (LEAST_ROUNDS - 1)) is None
    assert low_interval([1.0] * LEAST_ROUNDS) == (1.0, 1.0)


def test_percentiles():
    assert percentiles(list(range(101)), 50, 95, 99) == [50, 95, 99]
