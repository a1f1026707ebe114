import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opscope.stats.location import low_interval, low_location, percentiles, quantile_ranks

rounds = st.lists(st.lists(st.floats(0.1, 10), min_size=1, max_size=5), min_size=1, max_size=20)


@given(rounds)
def test_the_location_lies_among_the_rounds_minima(samples):
    minima = [min(round_) for round_ in samples]
    slack = 1e-12
    assert min(minima) - slack <= low_location(samples) <= max(minima) + slack


@given(rounds, st.floats(0.1, 100))
def test_the_location_scales_with_the_unit(samples, factor):
    scaled = [[factor * value for value in round_] for round_ in samples]
    assert low_location(scaled) == pytest.approx(factor * low_location(samples))


def test_three_rounds_in_four_may_be_disturbed():
    quiet, busy = [[1.0, 1.2]] * 5, [[2.0, 3.0]] * 11
    assert low_location(quiet + busy) == 1.0


def test_one_lucky_sample_does_not_decide():
    assert low_location([[0.1]] + [[1.0]] * 15) == 1.0


def test_empty_rounds_are_passed_over_and_none_at_all_is_refused():
    assert low_location([[], [2.0], []]) == 2.0
    with pytest.raises(ValueError, match="no round has a sample"):
        low_location([[], []])


@pytest.mark.parametrize("count", [11, 16, 30])
@pytest.mark.parametrize("noise", ["exponential", "bursts", "lognormal"])
def test_the_interval_covers_the_quartile_of_the_minima_as_often_as_it_says(count, noise):
    stream = np.random.default_rng(7)

    def minima(size):
        if noise == "exponential":
            return 1 + stream.exponential(0.02, size)
        if noise == "lognormal":
            return 1 + stream.lognormal(-4, 1, size)
        return 1 + stream.normal(0, 0.002, size) + 0.5 * (stream.random(size) < 0.3)

    truth = np.quantile(minima(400_000), 0.25)
    trials = 1_000
    inside = 0
    for _ in range(trials):
        low, high = low_interval([[value] for value in minima(count)])
        inside += low <= truth <= high
    assert inside / trials >= 0.935  # 0.95 less three standard errors of this many trials


def test_few_rounds_have_no_interval():
    assert low_interval([[1.0]] * 5) is None
    assert low_interval([[1.0]] * 16) == (1.0, 1.0)


@pytest.mark.parametrize("count", [11, 16, 40])
def test_ranks_bracket_with_at_least_the_confidence_and_no_closer_pair_does(count):
    stream = np.random.default_rng(1)
    low, high = quantile_ranks(count, 0.25, 0.95)
    draws = np.sort(stream.random((20_000, count)), axis=1)
    covered = np.mean((draws[:, low] <= 0.25) & (draws[:, high] >= 0.25))
    assert covered >= 0.945
    narrower = np.mean((draws[:, low] <= 0.25) & (draws[:, high - 1] >= 0.25))
    assert narrower < 0.955


def test_percentiles():
    assert percentiles(list(range(101)), 50, 95, 99) == [50, 95, 99]
